//! What stands around the accounts' settings and can make them moot: files that
//! decide instead, services that run as somebody else, hives that are behind.

use crate::account::{Account, PLUGIN_SERVICE};
use crate::finding::{Finding, Surrounding};
use crate::hive::Condition;
use crate::net_config::NetConfig;
use crate::observed::{LookedUp, Observed};

/// The coordinator's service, which runs as SYSTEM.
pub const COORDINATOR_SERVICE: &str = "AzureWLBackupCoordinatorSvc";

/// What is the matter around the settings of a machine.
#[must_use]
pub fn surroundings(observed: &Observed) -> Vec<Finding> {
    let mut findings = hives(observed);
    let left = observed.left_loaded.clone();
    findings.extend(left.map(|key| Surrounding::LeftLoaded { key }));
    findings.extend(looked_up(observed));
    findings.extend(services(observed));
    findings.extend(observed.net_configs.iter().filter_map(config));
    findings.into_iter().map(Finding::from).collect()
}

fn hives(observed: &Observed) -> Vec<Surrounding> {
    let mut findings = Vec::new();
    let mut recovered = Vec::new();
    for (hive, condition) in &observed.hives {
        match condition {
            Condition::Complete => {}
            Condition::Recovered(_) => recovered.push(hive.clone()),
            Condition::Behind => findings.push(Surrounding::HiveBehind { hive: hive.clone() }),
        }
    }
    if !recovered.is_empty() {
        findings.push(Surrounding::HivesRecovered { hives: recovered });
    }
    findings
}

fn looked_up(observed: &Observed) -> Option<Surrounding> {
    match observed.plugin_sid.as_ref()? {
        // Where there is no service, its account is not expected.
        LookedUp::Unknown => {
            let mut services = observed.services.iter().flatten();
            let is_there = services.any(|service| is_named(&service.name, PLUGIN_SERVICE));
            is_there.then_some(Surrounding::SidUnknown)
        }
        LookedUp::Sid(windows) => {
            let derived = Account::Plugin.sid();
            let is_same = derived.is_some_and(|sid| sid.as_str().eq_ignore_ascii_case(windows));
            (!is_same).then(|| Surrounding::SidDiffers {
                windows: windows.clone(),
            })
        }
    }
}

fn services(observed: &Observed) -> Vec<Surrounding> {
    let expected = [
        (COORDINATOR_SERVICE, Account::System),
        (PLUGIN_SERVICE, Account::Plugin),
    ];
    let services = observed.services.iter().flatten();
    let findings = services.filter_map(|service| {
        let runs_as = service.account.clone()?;
        let named = |(name, _): &(&str, Account)| is_named(&service.name, name);
        let (_, expected) = expected.into_iter().find(named)?;
        (service.follows() != Some(expected)).then(|| Surrounding::ServiceAccount {
            service: service.name.clone(),
            runs_as,
            expected,
        })
    });
    findings.collect()
}

fn is_named(service: &str, name: &str) -> bool {
    service.eq_ignore_ascii_case(name)
}

fn config(config: &NetConfig) -> Option<Surrounding> {
    let file = config.file.clone();
    match &config.says {
        Ok(says) => Some(Surrounding::ConfigDecides {
            file,
            service: config.service.clone(),
            does: says.clone()?,
        }),
        Err(error) => Some(Surrounding::ConfigUnreadable {
            file,
            error: error.clone(),
        }),
    }
}
