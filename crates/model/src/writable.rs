//! What is written for no one, whoever wants it.

use crate::account::Account;
use crate::bypass::Consumer;
use crate::finding::Finding;
use crate::list_findings::breaking_entries;
use crate::proxy_server::{masked, select};
use crate::settings::ProxySettings;

/// Why `after` may not be written over `before`: a proxy that .NET Framework
/// cannot use, an entry that breaks the list for a reader, text that is not
/// ASCII or holds control characters. What is there already is not held against
/// anybody here.
pub(crate) fn refusals(
    account: Account,
    before: &ProxySettings,
    after: &ProxySettings,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_new = after.proxy_server != before.proxy_server
        || (after.has_manual_proxy() && !before.has_manual_proxy());
    if is_new && !is_usable(&after.proxy_server) {
        findings.push(Finding::ProxyUnusable {
            account,
            proxy: masked(&after.proxy_server),
        });
    }
    if after.proxy_override != before.proxy_override {
        let entries = breaking_entries(&after.proxy_override).into_iter();
        findings.extend(entries.map(|entry| Finding::EntryBreaksList { account, entry }));
    }
    findings
}

/// Of the credentials in it Sidestep knows nothing but that they are one line.
fn is_usable(proxy_server: &str) -> bool {
    masked(proxy_server).is_ascii()
        && !proxy_server.contains(char::is_control)
        && select(proxy_server, "https", Consumer::DotnetFramework).is_ok()
}
