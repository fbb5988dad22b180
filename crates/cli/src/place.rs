//! Where a run acts: on a machine's settings and the real Azure, on that alone, or
//! in a lab that another process keeps up.

use std::future::Future;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use sidestep_azure::Azure;
use sidestep_flow::{Extent, Patience, Run, World};
use sidestep_lab::Access;
use sidestep_machine::{Journal, Store};
use sidestep_model::account::Account;
use sidestep_model::catalogue::{Catalogue, Service};
use sidestep_model::check::Target;
use sidestep_model::event::Event;
use sidestep_model::finding::{Code, Finding};
use sidestep_model::network::Network;
use sidestep_model::plan::Plan;
use sidestep_model::site::Site;

use crate::args::{CloudChoice, CredentialChoice};
use crate::at::{self, At};
use crate::error::{CommandError, Exit};
use crate::live::Live;
use crate::on_proxy::also_on_proxy;
use crate::output::Printer;
use crate::person::AtTerminal;
use crate::render::findings_text;
use crate::site_file::SiteFile;
use crate::witness::{OnMachine, TableWitness};
use crate::{access, args, lab_connection, prose, rehearsal};

/// Where a run acts.
pub(crate) enum Place {
    /// A machine's settings, and the real Azure.
    Machine(At),
    /// The real Azure alone; what is written down is kept beside the site's file.
    Azure {
        /// Where.
        journals: PathBuf,
    },
    /// A lab.
    Lab(Box<Access>),
}

impl Place {
    pub(crate) fn new(args: &args::Place) -> Result<Self, CommandError> {
        if let (None, Some(lab)) = (&args.at, &args.cloud.lab) {
            return Self::lab(lab);
        }
        let at = At::said_or_here(args.at.as_ref()).map_err(|error| {
            error.hint("`--lab FILE` acts in the lab that `sidestep lab serve` keeps up")
        })?;
        Ok(Self::Machine(at))
    }

    /// As [`Self::new`]; where nobody's settings are meant, Azure alone.
    pub(crate) fn or_azure(args: &args::Place, site: &SiteFile) -> Result<Self, CommandError> {
        match &args.at {
            Some(at) => Ok(Self::Machine(at.clone())),
            None => Self::cloud(&args.cloud, site),
        }
    }

    /// Azure alone, or a lab.
    pub(crate) fn cloud(choice: &CloudChoice, site: &SiteFile) -> Result<Self, CommandError> {
        match &choice.lab {
            Some(lab) => Self::lab(lab),
            None => Ok(Self::Azure {
                journals: PathBuf::from(format!("{}.sidestep", site.name())),
            }),
        }
    }

    fn lab(file: &Path) -> Result<Self, CommandError> {
        Ok(Self::Lab(Box::new(lab_connection::read(file)?)))
    }

    /// What every screen of a lab carries.
    pub(crate) fn heading(&self) -> String {
        match self {
            Self::Machine(_) | Self::Azure { .. } => String::new(),
            Self::Lab(_) => format!("{}\n", prose::REHEARSAL),
        }
    }

    /// The same for a document.
    pub(crate) fn stamp(&self, document: &mut Value) {
        if matches!(self, Self::Lab(_)) {
            document["rehearsal"] = true.into();
            document["stamp"] = prose::REHEARSAL.into();
        }
    }
}

/// Carries the site through the steps; `None` where the person interrupted it.
pub(crate) fn carry(
    place: &Place,
    site: &Site,
    extent: Extent,
    credential: Option<CredentialChoice>,
    printer: Printer,
    live: &Live,
    hear: impl FnMut(&Event),
) -> Result<Option<Run>, CommandError> {
    // Before anybody is asked to sign in.
    let mut settings = match place.settings() {
        Settings::Here(at) => {
            let mut store = at.open()?;
            store.may_change(&Account::SERVICES)?;
            if at.release_left()? {
                // The steps load no profile.
                let journal = at::journal(&store)?;
                let findings = at.put_right(&mut store, Some(&journal), true)?;
                printer.note(&findings_text(&findings));
            }
            Ok(store)
        }
        Settings::Elsewhere { journals } => Err(journals),
    };
    until_interrupted(async {
        let azure = place.azure(site, credential, printer).await?;
        let journal = match &settings {
            Ok(store) => at::journal(store)?,
            Err(journals) => Journal::open(journals, Timestamp::now)?,
        };
        let world = World {
            store: settings.as_mut().ok(),
            journal: &journal,
            network: &place.network(),
            azure: &azure,
            witness: &mut place.witness(site, printer),
            person: &mut AtTerminal { printer, live },
            patience: place.patience(),
        };
        Ok(sidestep_flow::run(world, site, extent, hear).await?)
    })
}

/// Waits for something that talks to Azure; `None` where the person interrupted it.
pub(crate) fn until_interrupted<T>(
    talk: impl Future<Output = Result<T, CommandError>>,
) -> Result<Option<T>, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("cannot start threads: {error}");
            CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, message)
        })?;
    runtime.block_on(async {
        tokio::select! {
            said = talk => said.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        }
    })
}

impl Place {
    /// Azure, signed in to when it is first asked.
    pub(crate) async fn azure(
        &self,
        site: &Site,
        credential: Option<CredentialChoice>,
        printer: Printer,
    ) -> Result<Azure, CommandError> {
        match self {
            Self::Machine(_) | Self::Azure { .. } => access::azure(site, credential, printer).await,
            Self::Lab(lab) => rehearsal::azure(site, lab),
        }
    }

    fn settings(&self) -> Settings<'_> {
        match self {
            Self::Machine(at) => Settings::Here(at.clone()),
            Self::Azure { journals } => Settings::Elsewhere { journals },
            Self::Lab(lab) => Settings::Here(At::File(lab.registry_file.clone())),
        }
    }

    fn network(&self) -> Network {
        match self {
            Self::Machine(_) | Self::Azure { .. } => Network::default(),
            Self::Lab(lab) => lab_connection::network(lab),
        }
    }

    /// Who counts connections: this computer's own table, where its settings are
    /// meant. A laptop's table says nothing about a server.
    fn witness(&self, site: &Site, printer: Printer) -> OnMachine {
        match self {
            Self::Machine(At::Live) => OnMachine::Table(TableWitness::new(
                self.network(),
                vec![sign_in(site)],
                printer,
            )),
            Self::Machine(At::File(_) | At::Hive(_)) | Self::Azure { .. } | Self::Lab(_) => {
                OnMachine::Nobody
            }
        }
    }

    /// Who else follows the settings that `plan` is about to change.
    pub(crate) fn also_on_proxy(&self, plan: &Plan, printer: Printer) -> Option<Finding> {
        let Self::Machine(at @ At::Live) = self else {
            return None;
        };
        // What cannot be read is not about to be changed.
        let observed = at.open().ok()?.read().ok()?;
        also_on_proxy(at, &observed, std::slice::from_ref(plan), printer)
    }

    fn patience(&self) -> Patience {
        match self {
            Self::Machine(_) | Self::Azure { .. } => Patience::default(),
            Self::Lab(_) => rehearsal::patience(),
        }
    }
}

/// Where the machine's settings are.
enum Settings<'a> {
    Here(At),
    /// Not at hand; journals are kept in this folder.
    Elsewhere {
        journals: &'a Path,
    },
}

/// Entra ID, whose addresses change from one question to the next.
fn sign_in(site: &Site) -> Target {
    let host = site.azure.cloud.sign_in_host();
    let service = Catalogue::of(site.azure.cloud).service_of(host);
    Target {
        host: host.to_owned(),
        service: service.unwrap_or(Service::Entra),
        expected: Vec::new(),
    }
}
