//! From what was typed to plans: by a site, by another account, by a plan file.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use sidestep_machine::runs;
use sidestep_model::account::Account;
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Clear, Desired, Source};
use sidestep_model::finding::{Code, Finding, Interruption};
use sidestep_model::journal::Intent;
use sidestep_model::observed::Observed;
use sidestep_model::plan::{Plan, Sighting};
use sidestep_model::site::{ProxyMode, Site};

use crate::args::{AccountChoice, Settings};
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::site_file::SiteFile;

/// What makes the plans.
pub(crate) enum Planner {
    /// A site and what is there.
    Site {
        /// Its file.
        name: String,
        site: Box<Site>,
        options: Options,
    },
    /// Another account's settings and what is there.
    Copy {
        from: String,
        cloud: Cloud,
        options: Options,
    },
    /// A plan that was made before, and its file.
    Written { name: String, plan: WrittenPlan },
}

/// What was asked for besides.
pub(crate) struct Options {
    accounts: Vec<Account>,
    clear: Clear,
}

impl Options {
    /// Whose settings are planned. Not every Windows has 32-bit programs.
    fn present(&self, observed: &Observed) -> impl Iterator<Item = &Account> {
        let has_32 = observed.machine_32.exists;
        let accounts = self.accounts.iter();
        accounts.filter(move |account| **account != Account::Machine32 || has_32)
    }
}

/// A plan as `sidestep plan --json` wrote it. Keys for people are passed over.
#[derive(Deserialize)]
pub(crate) struct WrittenPlan {
    format_version: String,
    /// Where the settings are that it was made for.
    pub(crate) at: At,
    plans: Vec<WrittenAccount>,
    findings: Vec<WrittenFinding>,
}

#[derive(Deserialize)]
struct WrittenAccount {
    #[serde(flatten)]
    intent: Intent,
    /// The account as it was then; an older Sidestep left it out.
    saw: Option<Sighting>,
}

#[derive(Deserialize)]
struct WrittenFinding {
    code: String,
    severity: String,
}

impl Planner {
    /// Whose settings it may change.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        match self {
            Self::Site { options, .. } | Self::Copy { options, .. } => options.accounts.clone(),
            Self::Written { plan, .. } => {
                let accounts = plan.plans.iter().map(|one| one.intent.account);
                accounts.collect()
            }
        }
    }

    /// The site that it plans for or, where it plans for none, the one that is named.
    pub(crate) fn site_or(&self, named: &SiteFile) -> Result<Option<Site>, CommandError> {
        match self {
            Self::Site { site, .. } => Ok(Some(Site::clone(site))),
            Self::Copy { .. } | Self::Written { .. } => named.site_if_any(),
        }
    }

    pub(crate) fn new(settings: &Settings, site: &SiteFile) -> Result<Self, CommandError> {
        let options = |accounts: &[Account]| Options {
            accounts: accounts.to_vec(),
            clear: Clear {
                auto_detect: settings.clear_auto_detect,
                script: settings.clear_pac,
            },
        };
        let Some(from) = settings.copy_from.clone() else {
            return Ok(Self::Site {
                name: site.name(),
                site: Box::new(site.site()?),
                options: options(accounts(settings.account.unwrap_or(AccountChoice::Both))),
            });
        };
        let is_system = from.eq_ignore_ascii_case("system");
        let chosen = match settings.account {
            None => AccountChoice::Plugin,
            Some(AccountChoice::System | AccountChoice::Both) if is_system => {
                return Err(
                    CommandError::usage("SYSTEM's settings cannot be copied to itself")
                        .hint("leave --account out, or write `--account plugin`"),
                );
            }
            Some(account) => account,
        };
        let site = site.site_if_any()?;
        Ok(Self::Copy {
            from,
            cloud: site.map_or(Cloud::AzureCloud, |site| site.azure.cloud),
            options: options(accounts(chosen)),
        })
    }

    /// What is planned for the settings at `place`, and who wants it.
    pub(crate) fn title(&self, place: &str) -> String {
        let cleared = |options: &Options| {
            let Clear {
                auto_detect,
                script,
            } = options.clear;
            let options = [
                (auto_detect, ", --clear-auto-detect"),
                (script, ", --clear-pac"),
            ];
            let named = options.into_iter().filter(|(is_named, _)| *is_named);
            named.map(|(_, option)| option).collect::<String>()
        };
        match self {
            Self::Site {
                name,
                site,
                options,
            } => {
                let set = match &site.proxy.server {
                    Some(server) if site.proxy.mode == ProxyMode::Set => {
                        format!(", which sets the proxy {server}")
                    }
                    _ => String::new(),
                };
                let cleared = cleared(options);
                format!("Plan for {place}, as the site {name} wants it{set}{cleared}")
            }
            Self::Copy { from, options, .. } => {
                let cleared = cleared(options);
                format!("Plan for {place}, copying proxy and list from {from}{cleared}")
            }
            Self::Written { name, .. } => format!("Plan for {place}, as {name} has it"),
        }
    }

    /// The plans for the machine as it was read, account by account.
    pub(crate) fn plans(&self, observed: &Observed) -> Result<Vec<Plan>, CommandError> {
        match self {
            Self::Site { site, options, .. } => {
                let catalogue = Catalogue::of(site.azure.cloud);
                let desired = |account: &Account| {
                    Desired::of(*account, catalogue, site, observed, options.clear)
                };
                Ok(diffs(observed, options.present(observed).map(desired)))
            }
            Self::Copy {
                from,
                cloud,
                options,
            } => {
                let source = source(from, observed)?;
                let catalogue = Catalogue::of(*cloud);
                let desired = |account: &Account| {
                    Desired::copied(*account, source, catalogue, observed, options.clear)
                };
                Ok(diffs(observed, options.present(observed).map(desired)))
            }
            Self::Written {
                name,
                plan: plan_file,
            } => {
                let plan = |WrittenAccount { intent, saw }: &WrittenAccount| {
                    let saw = saw
                        .as_ref()
                        .ok_or_else(|| saw_nothing(name, intent.account))?;
                    Ok(Plan::written_down(intent, saw, observed)?)
                };
                plan_file.plans.iter().map(plan).collect()
            }
        }
    }
}

impl WrittenPlan {
    pub(crate) fn parse(text: &str, name: &str) -> Result<Self, CommandError> {
        let unusable = |reason: &dyn fmt::Display| unusable(name, reason);
        let plan: Self = serde_json::from_str(text).map_err(|error| unusable(&error))?;
        if !plan.format_version.starts_with("1.") {
            return Err(unusable(&format!("its format is {}", plan.format_version)));
        }
        let mut accounts: Vec<Account> = plan.plans.iter().map(|one| one.intent.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        if accounts.len() < plan.plans.len() {
            return Err(unusable(&"it names an account twice"));
        }
        match plan.findings.iter().find(|one| one.severity == "error") {
            Some(finding) => Err(unusable(&format!(
                "it was refused when it was made ({})",
                finding.code
            ))),
            None => Ok(plan),
        }
    }
}

fn unusable(name: &str, reason: &dyn fmt::Display) -> CommandError {
    let message = format!("{name} is no plan that can be applied: {reason}");
    CommandError::new(Exit::Usage, Code::PLAN_UNUSABLE, message)
        .hint("`sidestep plan --json > plan.json` writes one")
}

/// Whether the machine moved since cannot be told.
fn saw_nothing(name: &str, account: Account) -> CommandError {
    let reason = format!(
        "it does not hold what it saw of {account} (`saw`), as plans of an older Sidestep do not"
    );
    unusable(name, &reason)
}

/// What was noticed while planning, each once, after an interrupted run that
/// nothing was done about yet.
pub(crate) fn findings(
    plans: &[Plan],
    journal_folder: &Path,
) -> Result<Vec<Finding>, CommandError> {
    let mut findings: Vec<Finding> = interrupted(journal_folder)?.into_iter().collect();
    each_once(&mut findings, plans);
    Ok(findings)
}

/// The last run, if it was interrupted and nothing was done about it yet.
pub(crate) fn interrupted(journal_folder: &Path) -> Result<Option<Finding>, CommandError> {
    let Some(last) = runs(journal_folder)?.pop() else {
        return Ok(None);
    };
    let run = last.run?;
    Ok(run.interrupted().map(|_| Finding::RunInterrupted {
        run: run.begin.run,
        state: Interruption::Open,
    }))
}

/// Adds what was noticed while planning, each once.
pub(crate) fn each_once(findings: &mut Vec<Finding>, plans: &[Plan]) {
    for finding in plans.iter().flat_map(|plan| &plan.findings) {
        if !findings.contains(finding) {
            findings.push(finding.clone());
        }
    }
}

pub(crate) fn accounts(choice: AccountChoice) -> &'static [Account] {
    match choice {
        AccountChoice::System => &[Account::System],
        AccountChoice::Plugin => &[Account::Plugin],
        AccountChoice::Both => &Account::SERVICES,
        AccountChoice::Machine => &Account::MACHINE,
    }
}

fn diffs(observed: &Observed, desired: impl Iterator<Item = Desired>) -> Vec<Plan> {
    desired
        .map(|desired| Plan::diff(observed, desired))
        .collect()
}

/// Whose settings are copied: `current-user`, `system` or a SID.
fn source<'a>(from: &'a str, observed: &'a Observed) -> Result<Source<'a>, CommandError> {
    const CURRENT_USER: &str = "HKEY_CURRENT_USER";
    let missing = |message: String| {
        let known: Vec<&str> = observed.users.keys().map(String::as_str).collect();
        let error = CommandError::new(Exit::Environment, Code::FILE_UNUSABLE, message);
        if known.is_empty() {
            error.hint("export the user's settings, too: `reg export HKEY_USERS FILE.reg`")
        } else {
            error.hint(format!("these hold proxy settings: {}", known.join(", ")))
        }
    };
    let found = |name, account| Source { name, account };
    match from.to_lowercase().as_str() {
        "system" => Ok(found(Account::System.name(), &observed.system)),
        "current-user" => {
            let mut people = observed.users.iter();
            if let Some((name, account)) = observed.users.get_key_value(CURRENT_USER) {
                return Ok(found(name, account));
            }
            match (people.next(), people.next()) {
                (Some((name, account)), None) => Ok(found(name, account)),
                (Some(_), Some(_)) => Err(missing(
                    "several users have proxy settings; an export does not tell which is the \
                     current one: name it by its SID"
                        .to_owned(),
                )),
                (None, _) => Err(missing(
                    "no user in this export has proxy settings".to_owned(),
                )),
            }
        }
        sid => observed
            .users
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(sid))
            .map(|(name, account)| found(name, account))
            .ok_or_else(|| missing(format!("{from} has no proxy settings here"))),
    }
}
