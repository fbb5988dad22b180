//! A rehearsal: the lab as the world that a run acts on.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sidestep_audit::Audit;
use sidestep_flow::{Run, Vault, Witness, World};
use sidestep_lab as lab;
use sidestep_machine::{Journal, RegFileStore};
use sidestep_model::account::Account;
use sidestep_model::catalogue::{Catalogue, Service};
use sidestep_model::diagnosis::BackupFailure;
use sidestep_model::event::{BackedUp, Event, Outcome};
use sidestep_model::evidence::{self, Evidence};
use sidestep_model::finding::Code;
use sidestep_model::network::{AddressMap, Network, Resolver};
use sidestep_model::plan::Plan;
use sidestep_model::site::{Database, Site};

use crate::error::{CommandError, Exit, chain};

/// A rehearsal that came to its end.
pub(crate) struct Rehearsal {
    /// The backup under the settings as they were found.
    pub(crate) before: Trial,
    /// How Sidestep's steps ended.
    pub(crate) run: Run,
    /// What was changed, account by account.
    pub(crate) plans: Vec<Plan>,
    /// What was backed up after that.
    pub(crate) backed_up: Option<BackedUp>,
    /// Where its connections went; `None` where the run ended before the backup.
    pub(crate) evidence: Option<Evidence>,
    /// What the proxy's own log says about that backup.
    pub(crate) proxy_log: Audit,
}

/// A backup before anything was changed.
pub(crate) struct Trial {
    /// Whether it worked.
    pub(crate) result: Result<BackedUp, BackupFailure>,
    /// Where its connections went.
    pub(crate) evidence: Evidence,
    /// What the proxy's own log says about it.
    pub(crate) proxy_log: Audit,
}

/// Starts the lab, backs up as things are found, then lets the run do its work.
pub(crate) async fn rehearse(
    setup: lab::Setup,
    site: &Site,
    database: &Database,
    mut show: impl FnMut(&Event),
) -> Result<Rehearsal, CommandError> {
    let lab = lab::Lab::start(setup).await.map_err(|error| {
        CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, chain(&error))
            .hint("the rehearsal listens on 127.0.0.1 only and writes to the temporary folder")
    })?;
    let catalogue = Catalogue::of(site.azure.cloud);
    let mut witness = LabWitness { lab: &lab };
    let mut vault = LabVault { lab: &lab };

    let result = vault.back_up(database).await;
    let log_start = log_length(&lab.proxy_log());
    let before = Trial {
        result,
        evidence: witness.evidence(),
        proxy_log: read_log(&lab.proxy_log(), 0..log_start, catalogue)?,
    };

    let mut plans = Vec::new();
    let mut backed_up = None;
    let mut seen = None;
    let mut log_end = log_start;
    let mut store = RegFileStore::new(&lab.registry_file());
    let journal = Journal::open(&store.journal_folder(), Timestamp::now)?;
    let world = World {
        store: &mut store,
        journal: &journal,
        network: &network(&lab),
        vault: &mut vault,
        witness: &mut witness,
    };
    let mut run = sidestep_flow::run(world, site, |event| {
        show(event);
        match event {
            Event::Planned(plan) => plans.push(Plan::clone(plan)),
            Event::BackedUp(done) => backed_up = Some(done.clone()),
            Event::Witnessed(evidence) => {
                seen = Some(evidence.clone());
                // What follows are Sidestep's own probes.
                log_end = log_length(&lab.proxy_log());
            }
            _ => {}
        }
    })
    .await?;
    let proxy_log = read_log(&lab.proxy_log(), log_start..log_end, catalogue)?;
    let disagreement = seen
        .as_ref()
        .and_then(|evidence| evidence.against_log(proxy_log.protected()));
    if let Some(finding) = disagreement {
        run.findings.push(finding);
        run.outcome = Outcome::Failed;
    }
    Ok(Rehearsal {
        before,
        run,
        plans,
        backed_up,
        evidence: seen,
        proxy_log,
    })
}

struct LabVault<'a> {
    lab: &'a lab::Lab,
}

impl Vault for LabVault<'_> {
    async fn back_up(&mut self, database: &Database) -> Result<BackedUp, BackupFailure> {
        match self.lab.back_up(&database.to_string()).await {
            Ok(backup) => Ok(BackedUp {
                database: backup.database,
                bytes: backup.bytes,
                blocks: backup.blocks,
                sha256: backup.sha256,
                elapsed: Duration::from_secs_f64(backup.seconds.max(0.0)),
            }),
            Err(failure) => Err(BackupFailure {
                azure_code: failure.code,
                account: account(failure.account).unwrap_or(Account::System),
                service: service(failure.service).unwrap_or(Service::Platform),
                host: failure.host,
                detail: failure.detail,
            }),
        }
    }
}

struct LabWitness<'a> {
    lab: &'a lab::Lab,
}

impl Witness for LabWitness<'_> {
    fn evidence(&mut self) -> Evidence {
        // Sidestep's own probes are nobody's backup traffic.
        let connections = self.lab.take_connections().into_iter();
        let counted = connections.filter_map(|connection| {
            Some((
                account(connection.account)?,
                service(connection.service)?,
                path(connection.path),
                connection.bytes,
            ))
        });
        Evidence::count(evidence::Source::Lab, counted)
    }
}

fn network(lab: &lab::Lab) -> Network {
    let routes: Vec<(SocketAddr, SocketAddr)> = lab.routes();
    Network {
        addresses: AddressMap::closed(routes),
        resolver: Resolver::Servers(vec![lab.dns_server()]),
        only_authority_pem: Some(lab.authority_pem().to_owned()),
    }
}

fn account(who: lab::Who) -> Option<Account> {
    match who {
        lab::Who::System => Some(Account::System),
        lab::Who::Plugin => Some(Account::Plugin),
        lab::Who::Other => None,
    }
}

fn service(service: lab::Service) -> Option<Service> {
    match service {
        lab::Service::Backup => Some(Service::Backup),
        lab::Service::Blob => Some(Service::Blob),
        lab::Service::Queue => Some(Service::Queue),
        lab::Service::Entra => Some(Service::Entra),
        lab::Service::Platform => Some(Service::Platform),
        lab::Service::Other => None,
    }
}

fn path(path: lab::Path) -> evidence::Path {
    match path {
        lab::Path::PrivateEndpoint => evidence::Path::PrivateEndpoint,
        lab::Path::Direct => evidence::Path::Direct,
        lab::Path::Proxy => evidence::Path::Proxy,
    }
}

/// A log that nobody wrote yet is empty.
fn log_length(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |data| data.len())
}

fn read_log(log: &Path, part: Range<u64>, catalogue: &Catalogue) -> Result<Audit, CommandError> {
    let audit = || {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(part.start))?;
        let part = file.take(part.end - part.start);
        sidestep_audit::audit(BufReader::new(part), catalogue)
    };
    audit().map_err(|error: std::io::Error| {
        let message = format!("cannot read the rehearsal's proxy log: {error}");
        CommandError::new(Exit::Environment, Code::FILE_UNREADABLE, message)
    })
}
