//! What should have gone direct, and what would have sent it there.

use std::cmp::Reverse;

use sidestep_model::bypass::{BypassList, Consumer, Matcher};
use sidestep_model::catalogue::{BypassChoices, Catalogue, HostIndex, Service};
use sidestep_model::desired::completed_list;
use sidestep_model::site;

use crate::crossing::{Audit, Crossing, Totals};

/// Crossings that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaks<'a> {
    /// By host and client, the most connections first.
    pub leaks: Vec<Leak<'a>>,
    /// By service, what was too much to be counted apart.
    pub others: Vec<(Service, Totals)>,
    /// Requests for what is to go direct that the proxy answered by asking who is
    /// there (407); they are no crossings.
    pub challenged: u64,
    /// The list that would have kept them off the proxy, as a plan writes it;
    /// `None` where nothing crossed that should not.
    pub fixed_list: Option<String>,
}

/// A crossing that should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak<'a> {
    /// What crossed.
    pub crossing: &'a Crossing,
    /// Whether the clients' list sends it direct, so that the client used another
    /// list or none.
    pub is_listed: bool,
    /// The entry that would have sent it direct; `None` where the list has one
    /// already, the site removes it, or the name ends in a dot, which .NET
    /// Framework keeps and no entry of the catalogue has.
    pub missing_entry: Option<&'static str>,
}

impl<'a> Leaks<'a> {
    /// What is to go direct and `audit` saw on the proxy. `list` is the one that
    /// the clients are said to use, as .NET Framework reads it.
    #[must_use]
    pub fn of(
        audit: &'a Audit,
        catalogue: &'static Catalogue,
        wanted: &site::Bypass,
        list: Option<&str>,
    ) -> Self {
        let choices = wanted.choices();
        let is_removed = |pattern: &str| {
            let mut removed = wanted.remove.iter();
            removed.any(|entry| entry.eq_ignore_ascii_case(pattern))
        };
        let patterns = catalogue.bypass_patterns(choices).into_iter();
        let entries = HostIndex::new(patterns.filter(|entry| !is_removed(entry.pattern)));
        let present = BypassList::parse(list.unwrap_or_default(), Consumer::DotnetFramework);
        let present = Matcher::new(present);
        let leak = |crossing: &'a Crossing| {
            let host = crossing.host.as_str();
            let is_listed = present.entry_for_host(host).is_some();
            let entry = entries.endpoint_of(host.as_bytes());
            let entry = entry.filter(|_| !is_listed && !host.ends_with('.'));
            Leak {
                crossing,
                is_listed,
                missing_entry: entry.map(|entry| entry.pattern),
            }
        };
        let mut leaks: Vec<Leak<'a>> = audit
            .crossings
            .iter()
            .filter(|crossing| is_leak(crossing.service, choices))
            .map(leak)
            .collect();
        leaks.sort_by_key(|leak| Reverse(leak.crossing.totals.connections));
        let others = audit.others.iter();
        let others = others.filter(|(service, _)| is_leak(**service, choices));
        let others: Vec<_> = others.map(|(service, sum)| (*service, *sum)).collect();
        let is_clean = leaks.is_empty() && others.is_empty();
        let fixed_list =
            (!is_clean).then(|| completed_list(list.unwrap_or_default(), catalogue, wanted));
        let challenged = audit.challenged.iter();
        let challenged = challenged.filter(|(service, _)| is_leak(**service, choices));
        Self {
            leaks,
            others,
            challenged: challenged.map(|(_, requests)| requests).sum(),
            fixed_list,
        }
    }

    /// Whether nothing crossed that should not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaks.is_empty() && self.others.is_empty()
    }
}

fn is_leak(service: Service, choices: BypassChoices) -> bool {
    match service {
        Service::Entra => choices.entra_direct,
        service => service.is_protected() && choices.backup_direct,
    }
}

#[cfg(test)]
mod tests {
    use sidestep_model::catalogue::Cloud;
    use sidestep_model::site::Route;

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
    const BACKUP: &str = "pod.jpe.backup.windowsazure.com";
    const BLOB: &str = "a.blob.core.windows.net";
    const ENTRA: &str = "login.microsoftonline.com";

    type Found = Vec<(String, Option<&'static str>)>;

    fn wanted(backup: Route, entra: Route) -> site::Bypass {
        site::Bypass {
            backup,
            entra,
            local: true,
            add: Vec::new(),
            remove: Vec::new(),
        }
    }

    fn found(backup: Route, entra: Route, list: Option<&str>) -> (Found, Option<String>) {
        let catalogue = Catalogue::of(Cloud::AzureCloud);
        let wanted = wanted(backup, entra);
        let audit = audit(LOG.as_bytes(), &How::new(catalogue)).unwrap();
        let leaks = Leaks::of(&audit, catalogue, &wanted, list);
        let hosts = leaks.leaks.iter();
        let hosts = hosts.map(|leak| (leak.crossing.host.clone(), leak.missing_entry));
        (hosts.collect(), leaks.fixed_list)
    }

    #[test]
    fn what_the_site_sends_by_the_proxy_is_no_leak() {
        let backup = (BACKUP.to_owned(), Some("*.backup.windowsazure.com"));
        let blob = (BLOB.to_owned(), Some("*.blob.core.windows.net"));
        let entra = (ENTRA.to_owned(), Some("*.microsoftonline.com"));
        let hosts = |backup, entra| found(backup, entra, None).0;
        assert_eq!(
            hosts(Route::Direct, Route::Proxy),
            [backup.clone(), blob.clone()]
        );
        assert_eq!(
            hosts(Route::Direct, Route::Direct),
            [backup, blob, entra.clone()]
        );
        assert_eq!(hosts(Route::Proxy, Route::Direct), [entra]);
        let nothing = found(Route::Proxy, Route::Proxy, None);
        assert_eq!(nothing, (Vec::new(), None));
    }

    #[test]
    fn what_the_site_removes_or_ends_in_a_dot_misses_no_entry() {
        let catalogue = Catalogue::of(Cloud::AzureCloud);
        let log = "\
1.5 3 c T/407 1 CONNECT a.blob.core.windows.net:443 - x -
1.5 3 c T/407 1 CONNECT login.microsoftonline.com:443 - x -
1.5 3 c T/200 1 CONNECT a.blob.core.windows.net:443 - x -
1.5 3 c T/200 1 CONNECT pod.jpe.backup.windowsazure.com:443 - x -
1.5 3 c T/200 1 CONNECT pod.jpe.backup.windowsazure.com.:443 - x -
";
        let audit = audit(log.as_bytes(), &How::new(catalogue)).unwrap();
        let wanted = site::Bypass {
            remove: vec!["*.Blob.core.windows.net".to_owned()],
            ..wanted(Route::Direct, Route::Proxy)
        };
        let rows = |list| {
            let leaks = Leaks::of(&audit, catalogue, &wanted, Some(list));
            assert_eq!(leaks.challenged, 1, "Entra ID is to be asked by the proxy");
            let fixed = leaks.fixed_list.unwrap();
            assert!(!fixed.contains("*.blob."), "{fixed}");
            let rows = leaks.leaks.iter();
            rows.map(|leak| (leak.is_listed, leak.missing_entry))
                .collect::<Vec<_>>()
        };
        let backup = "*.backup.windowsazure.com";
        assert_eq!(
            rows(""),
            [(false, None), (false, Some(backup)), (false, None)]
        );
        assert_eq!(rows(backup), [(false, None), (true, None), (false, None)]);
        assert_eq!(
            rows("*.backup.windowsazure.com*"),
            [(false, None), (true, None), (true, None)]
        );
    }

    #[test]
    fn the_list_gets_what_it_misses_and_keeps_the_rest() {
        // Blanks do not separate for .NET Framework: the last two are one dead entry.
        let list = "own.example;*.BLOB.core.windows.net; *.microsoftonline.com <local>";
        let (hosts, fixed) = found(Route::Direct, Route::Direct, Some(list));
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
        let kept = "own.example;*.BLOB.core.windows.net;*.microsoftonline.com;";
        assert!(
            fixed.starts_with(kept) && fixed.ends_with(";<local>"),
            "{fixed}"
        );
        let (hosts, again) = found(Route::Direct, Route::Direct, Some(&fixed));
        assert!(hosts.iter().all(|(_, missing)| missing.is_none()));
        assert_eq!(again, Some(fixed));
    }
}
