//! A rehearsal: the lab as the world that a run acts on.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sidestep_audit::{Audit, AuditError, How};
use sidestep_azure::{Azure, Credential, Options, OwnProxy, Pace};
use sidestep_flow::{Extent, Patience, Run, Witness, World, refusal};
use sidestep_lab as lab;
use sidestep_machine::{Journal, RegFileStore, Store};
use sidestep_model::access_log::Format;
use sidestep_model::account::Account;
use sidestep_model::catalogue::{Catalogue, Service};
use sidestep_model::check::Target;
use sidestep_model::event::{Event, Outcome};
use sidestep_model::evidence::{self, Connections, Evidence};
use sidestep_model::finding::{Code, Finding};
use sidestep_model::site::{Database, Site};

use crate::error::{CommandError, Exit, chain};
use crate::lab_connection;
use crate::person::Rehearsing;
use crate::told::Told;

/// As often as a rehearsal starts anew after another team did its work: once
/// each for the endpoint's, the registration's and the first backup's records.
const MOST_RUNS: usize = 4;

/// A rehearsal that came to its end.
pub(crate) struct Rehearsal {
    /// The backup under the settings as they were found.
    pub(crate) before: Trial,
    /// Runs that ended with a request to the team that owns DNS, which then did it.
    pub(crate) waited: Vec<Run>,
    /// How the last run's steps ended.
    pub(crate) run: Run,
    /// What it told.
    pub(crate) told: Told,
    /// What the lab's vault stored and read back.
    pub(crate) stored: Option<lab::Backup>,
    /// What the proxy's own log says about that backup.
    pub(crate) proxy_log: Audit,
}

/// A backup before anything was changed.
pub(crate) struct Trial {
    /// Whether it worked.
    pub(crate) result: Result<lab::Backup, lab::BackupFailure>,
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
    azure_log: Option<&Path>,
    mut show: impl FnMut(&Event),
) -> Result<Rehearsal, CommandError> {
    let lab = lab::Lab::start(setup).await.map_err(|error| {
        CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, chain(&error))
            .hint("the rehearsal listens on 127.0.0.1 only and writes to the temporary folder")
    })?;
    let catalogue = Catalogue::of(site.azure.cloud);
    let mut witness = LabWitness::of(&lab);

    let result = lab.back_up(&database.to_string()).await;
    let evidence = witness.count().await;
    let before = Trial {
        result,
        evidence,
        proxy_log: read_log(&lab.proxy_log(), witness.logged.clone(), catalogue)?,
    };

    let mut store = RegFileStore::new(&lab.registry_file());
    let journal = Journal::open(&store.journal_folder(), Timestamp::now)?;
    let connection = lab.connection();
    let network = lab_connection::network(&connection);
    let azure = azure(site, &connection)?;
    let mut waited = Vec::new();
    let mut told = Told::default();
    let mut run = loop {
        let world = World {
            store: Some(&mut store),
            journal: &journal,
            network: &network,
            azure: &azure,
            witness: &mut witness,
            person: &mut Rehearsing,
            patience: patience(),
        };
        let run = sidestep_flow::run(world, site, Extent::default(), |event| {
            show(event);
            told.hear(event);
        })
        .await?;
        if !asks_for_records(&run) || waited.len() + 1 >= MOST_RUNS {
            break run;
        }
        lab.enter_records();
        waited.push(run);
    };
    // Where nothing was backed up, no part of the log is about a backup.
    let logged = match &told.evidence {
        Some(_) => witness.logged.clone(),
        None => 0..0,
    };
    let proxy_log = read_log(&lab.proxy_log(), logged, catalogue)?;
    let disagreement = told
        .evidence
        .as_ref()
        .and_then(|evidence| evidence.against_log(proxy_log.protected()));
    if let Some(finding) = disagreement {
        run.findings.push(finding);
        run.outcome = Outcome::Failed;
    }
    if let Some(path) = azure_log {
        keep(&lab.azure_log(), path)?;
    }
    Ok(Rehearsal {
        before,
        waited,
        run,
        told,
        stored: lab.stored(),
        proxy_log,
    })
}

fn asks_for_records(run: &Run) -> bool {
    let is_request = |finding: &Finding| matches!(finding, Finding::RecordsMissing { .. });
    run.findings.iter().any(is_request)
}

fn keep(log: &Path, path: &Path) -> Result<(), CommandError> {
    std::fs::copy(log, path).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        CommandError::new(Exit::Environment, Code::FILE_NOT_WRITTEN, message)
            .hint("`--azure-log FILE` names another file")
    })?;
    Ok(())
}

/// The rehearsed Azure, spoken to as the real one is.
pub(crate) fn azure(site: &Site, lab: &lab::Access) -> Result<Azure, CommandError> {
    let credentials = &lab.credentials;
    let options = Options {
        cloud: site.azure.cloud,
        tenant: Some(credentials.tenant.clone()),
        network: lab_connection::administrator_network(lab),
        credential: Credential::ClientSecret {
            tenant: credentials.tenant.clone(),
            client_id: credentials.client_id.clone(),
            secret: credentials.secret.clone().into(),
        },
        // A rehearsal reaches nothing outside, least of all by a real proxy.
        proxy: OwnProxy::from_variables(|_| None),
        pace: Pace {
            poll: LOOK,
            floor: Duration::from_millis(2),
            request: Duration::from_secs(20),
            operation: Duration::from_secs(60),
        },
    };
    Azure::connect(options).map_err(|error| CommandError::finding(&refusal(error).into()))
}

/// Between two looks in a world where nothing takes long.
const LOOK: Duration = Duration::from_millis(10);

/// What takes minutes in Azure takes moments in the lab.
pub(crate) fn patience() -> Patience {
    Patience {
        poll: LOOK,
        records: Duration::ZERO,
        account: Duration::from_millis(500),
        listed: Duration::from_millis(300),
        backup: Duration::from_secs(60),
    }
}

struct LabWitness<'a> {
    lab: &'a lab::Lab,
    /// The part of the proxy's log that belongs to the last count.
    logged: Range<u64>,
}

impl<'a> LabWitness<'a> {
    fn of(lab: &'a lab::Lab) -> Self {
        Self { lab, logged: 0..0 }
    }

    async fn count(&mut self) -> Evidence {
        self.lab.settled().await;
        self.logged = self.logged.end..log_length(&self.lab.proxy_log());
        // Sidestep's own probes are nobody's backup traffic.
        let connections = self.lab.take_connections().into_iter();
        let counted = connections.filter_map(|connection| {
            Some(Connections {
                account: account(connection.account)?,
                service: Some(service(connection.service)?),
                path: path(connection.path),
                connections: 1,
                bytes: Some(connection.bytes),
            })
        });
        Evidence::count(evidence::Source::Lab, counted)
    }
}

impl Witness for LabWitness<'_> {
    async fn begin(&mut self) {
        drop(self.count().await);
    }

    async fn evidence(&mut self, _: &[Target]) -> Option<Evidence> {
        Some(self.count().await)
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

fn read_log(
    log: &PathBuf,
    part: Range<u64>,
    catalogue: &'static Catalogue,
) -> Result<Audit, CommandError> {
    let audit = || {
        let mut file = File::open(log).map_err(AuditError::Read)?;
        file.seek(SeekFrom::Start(part.start))
            .map_err(AuditError::Read)?;
        let how = How::new(catalogue).format(Some(Format::Squid));
        sidestep_audit::audit(file.take(part.end - part.start), &how)
    };
    audit().map_err(|error| {
        let message = format!("cannot read the rehearsal's proxy log: {}", chain(&error));
        CommandError::new(Exit::Environment, Code::FILE_UNREADABLE, message)
    })
}
