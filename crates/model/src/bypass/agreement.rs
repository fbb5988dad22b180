//! Whether an entry means the same to both consumers.

use super::{BypassList, Consumer, Decision, EntryForm, HostContext};
use crate::destination::Destination;

/// A host that a sound entry has nothing to do with.
const UNRELATED: &str = "unrelated.invalid";

/// Whether both consumers send the same destinations direct by this entry,
/// whatever the machine's own names and addresses (`<local>` of .NET asks for
/// those).
///
/// Asks both about the destinations on which they are known to part: what the
/// entry names, with and without TLS; hosts that a wildcard reaches only across
/// `scheme://` or into a port, as .NET's does; and a host of somebody else.
#[must_use]
pub fn readers_agree(entry: &str) -> bool {
    let lists = Consumer::ALL.map(|consumer| BypassList::parse(entry, consumer));
    let [dotnet, wininet] = &lists;
    // .NET Framework does not know `<-loopback>`, and takes entries with a blank
    // between them for one.
    let minus_loopback = |list: &BypassList| {
        let mut entries = list.entries().iter();
        entries.any(|entry| entry.form == EntryForm::MinusLoopback)
    };
    if minus_loopback(wininet) || dotnet.entries().len() != wininet.entries().len() {
        return false;
    }
    let is_direct = |list: &BypassList, destination: &Destination| {
        list.decide(destination, &HostContext::default()) != Decision::NotListed
    };
    let hosts = telling_hosts(entry);
    let urls = hosts
        .iter()
        .flat_map(|host| ["https", "http"].map(|scheme| format!("{scheme}://{host}/")));
    urls.filter_map(|url| Destination::parse(&url).ok())
        .all(|destination| is_direct(dotnet, &destination) == is_direct(wininet, &destination))
}

/// Hosts, some with a port, that tell the consumers apart where anything does.
fn telling_hosts(entry: &str) -> Vec<String> {
    let pattern = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let filled = |part: &str| part.replace('*', "any");
    let mut hosts = vec![filled(pattern), UNRELATED.to_owned()];
    for (at, _) in pattern.match_indices('*') {
        let (before, after) = (&pattern[..at], &pattern[at + 1..]);
        // What stands before the wildcard can be a part of `https://`.
        hosts.push(format!("zq9{}", filled(after)));
        // What stands behind it can be a part of `:8443`.
        let digits = after.replace('*', "");
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            hosts.push(format!("{}x:{digits}", filled(before)));
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wildcards_reach_into_a_scheme_or_port_is_seen() {
        for entry in [
            "h*",
            "h*.corp.example",
            "*t*",
            "*p*.example",
            "wsus:443",
            "*:443",
            "10.1.2*4",
            "*1*",
            "<-loopback>",
            "a.example b.example",
            "10.0.0.0/8",
            "012.1.2.3",
        ] {
            assert!(!readers_agree(entry), "{entry}");
        }
        for entry in [
            "*",
            "*.corp.example",
            "wsus",
            "wsus:8443",
            "https://a.example",
            "20.190.128.*",
            "192*",
            "*.example.*",
            "169.254.169.254",
            "[2001:db8::1]",
            "<local>",
            "localhost",
        ] {
            assert!(readers_agree(entry), "{entry}");
        }
    }
}
