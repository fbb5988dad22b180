//! What should have gone direct, and what would have sent it there.

use sidestep_model::bypass::{self, BypassList, Consumer, Decision, HostContext};
use sidestep_model::catalogue::{BypassChoices, Catalogue, HostIndex, Service};
use sidestep_model::destination::Destination;

use crate::crossing::{Audit, Crossing, Totals};

/// Crossings that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaks<'a> {
    /// By host and client, the most connections first.
    pub leaks: Vec<Leak<'a>>,
    /// By service, what was too much to be counted apart.
    pub others: Vec<(Service, Totals)>,
    /// The list with what it misses; `None` where none was given.
    pub fixed_list: Option<String>,
}

impl Leaks<'_> {
    /// Whether nothing crossed that should not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaks.is_empty() && self.others.is_empty()
    }
}

/// A crossing that should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak<'a> {
    /// What crossed.
    pub crossing: &'a Crossing,
    /// The entry that would have sent it direct; `None` where the list has one
    /// already, so that the client used another list.
    pub missing_entry: Option<&'static str>,
}

impl<'a> Leaks<'a> {
    /// What `choices` send direct and `audit` saw on the proxy, held against
    /// the list that the clients are said to use.
    #[must_use]
    pub fn of(
        audit: &'a Audit,
        catalogue: &'static Catalogue,
        choices: BypassChoices,
        list: Option<&str>,
    ) -> Self {
        let entries = HostIndex::new(catalogue.bypass_patterns(choices));
        let parsed = list.map(|list| BypassList::parse(list, Consumer::DotnetFramework));
        let mut missing: Vec<&'static str> = Vec::new();
        let mut leaks = Vec::new();
        for crossing in &audit.crossings {
            if !is_leak(crossing.service, choices) {
                continue;
            }
            let is_listed = parsed
                .as_ref()
                .is_some_and(|list| sends_direct(list, &crossing.host));
            let entry = entries.endpoint_of(crossing.host.as_bytes());
            let missing_entry = entry.filter(|_| !is_listed).map(|entry| entry.pattern);
            missing.extend(missing_entry);
            leaks.push(Leak {
                crossing,
                missing_entry,
            });
        }
        leaks.sort_by_key(|leak| std::cmp::Reverse(leak.crossing.totals.connections));
        let others = audit.others.iter();
        let others = others.filter(|(service, _)| is_leak(**service, choices));
        Self {
            leaks,
            others: others
                .map(|(service, totals)| (*service, *totals))
                .collect(),
            fixed_list: list.map(|list| fixed(list, catalogue, choices, &missing)),
        }
    }
}

fn is_leak(service: Service, choices: BypassChoices) -> bool {
    match service {
        Service::Entra => choices.entra_direct,
        service => service.is_protected() && choices.backup_direct,
    }
}

/// Whether a list sends a host direct.
fn sends_direct(list: &BypassList, host: &str) -> bool {
    Destination::parse(host).is_ok_and(|destination| {
        let decision = list.decide(&destination, &HostContext::default());
        matches!(decision, Decision::Direct(_))
    })
}

/// The list's entries as `WinINet` splits them, then what is missing in the
/// catalogue's order; `<local>` ends it, where Windows' own dialog puts it.
fn fixed(
    list: &str,
    catalogue: &'static Catalogue,
    choices: BypassChoices,
    missing: &[&'static str],
) -> String {
    let present = BypassList::parse(list, Consumer::Wininet);
    let present: Vec<&str> = present
        .entries()
        .iter()
        .map(|entry| entry.text.as_str())
        .collect();
    let is_local = |entry: &&str| entry.eq_ignore_ascii_case("<local>");
    let (local, mut entries): (Vec<&str>, Vec<&str>) = present.into_iter().partition(is_local);
    let required = catalogue.bypass_patterns(choices);
    let required = required.iter().map(|endpoint| endpoint.pattern);
    entries.extend(required.filter(|pattern| missing.contains(pattern)));
    bypass::join(entries.into_iter().chain(local))
}

#[cfg(test)]
mod tests {
    use sidestep_model::catalogue::Cloud;

    use super::*;
    use crate::{How, audit};

    const LOG: &str = "\
1.5 3 c1 T/200 1 CONNECT a.blob.core.windows.net:443 - x -
1.5 3 c2 T/200 1 CONNECT pod.jpe.backup.windowsazure.com:443 - x -
1.5 3 c2 T/200 1 CONNECT pod.jpe.backup.windowsazure.com:443 - x -
1.5 3 c1 T/200 1 CONNECT login.microsoftonline.com:443 - x -
1.5 3 c1 T/200 1 CONNECT management.azure.com:443 - x -
1.5 3 c1 T/200 1 GET http://169.254.169.254/ - x -
";

    fn found(
        backup_direct: bool,
        entra_direct: bool,
        list: Option<&str>,
    ) -> (Vec<(String, Option<&'static str>)>, Option<String>) {
        let catalogue = Catalogue::of(Cloud::AzureCloud);
        let choices = BypassChoices {
            backup_direct,
            entra_direct,
        };
        let audit = audit(LOG.as_bytes(), &How::new(catalogue)).unwrap();
        let leaks = Leaks::of(&audit, catalogue, choices, list);
        let hosts = leaks.leaks.iter();
        let hosts = hosts.map(|leak| (leak.crossing.host.clone(), leak.missing_entry));
        (hosts.collect(), leaks.fixed_list)
    }

    #[test]
    fn what_the_site_sends_by_the_proxy_is_no_leak() {
        let backup = (
            "pod.jpe.backup.windowsazure.com".to_owned(),
            Some("*.backup.windowsazure.com"),
        );
        let blob = (
            "a.blob.core.windows.net".to_owned(),
            Some("*.blob.core.windows.net"),
        );
        let entra = (
            "login.microsoftonline.com".to_owned(),
            Some("*.microsoftonline.com"),
        );
        assert_eq!(found(true, false, None).0, [backup.clone(), blob.clone()]);
        assert_eq!(found(true, true, None).0, [backup, blob, entra.clone()]);
        assert_eq!(found(false, true, None).0, [entra]);
        assert_eq!(found(false, false, None).0, []);
    }

    #[test]
    fn the_list_gets_what_it_misses_and_keeps_the_rest() {
        let (hosts, fixed) = found(
            true,
            true,
            Some("own.example;*.BLOB.core.windows.net; <local>"),
        );
        let missing: Vec<_> = hosts.iter().map(|(_, missing)| *missing).collect();
        assert_eq!(
            missing,
            [
                Some("*.backup.windowsazure.com"),
                None,
                Some("*.microsoftonline.com")
            ]
        );
        let fixed = fixed.unwrap();
        assert_eq!(
            fixed,
            "own.example;*.BLOB.core.windows.net;*.backup.windowsazure.com;*.microsoftonline.com;<local>"
        );
        let (_, again) = found(true, true, Some(&fixed));
        assert_eq!(again.as_deref(), Some(fixed.as_str()));
    }
}
