//! Where a run acts: on an exported registry and the real Azure, or in a lab
//! that another process keeps up.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;
use sidestep_azure::Azure;
use sidestep_flow::{Extent, Patience, Run, Witness, World};
use sidestep_machine::{Journal, RegFileStore};
use sidestep_model::event::Event;
use sidestep_model::evidence::Evidence;
use sidestep_model::finding::Code;
use sidestep_model::network::Network;
use sidestep_model::site::Site;

use crate::error::{CommandError, Exit};
use crate::lab_connection::LabConnection;
use crate::output::Printer;
use crate::person::AtTerminal;
use crate::{access, args, prose, rehearsal};

/// Where a run acts.
pub(crate) enum Place {
    /// An exported registry, and the real Azure.
    Export(PathBuf),
    /// A lab.
    Lab(LabConnection),
}

impl Place {
    pub(crate) fn new(args: &args::Place) -> Result<Self, CommandError> {
        match (&args.at, &args.lab) {
            (Some(at), _) => Ok(Self::Export(at.clone())),
            (None, Some(lab)) => LabConnection::read(lab).map(Self::Lab),
            (None, None) => Err(
                CommandError::usage("it is not said whose settings are meant")
                    .hint(
                        "`--at FILE.reg` names a registry export; `reg export HKEY_USERS FILE.reg` \
                     writes one",
                    )
                    .hint("`--lab FILE` acts in the lab that `sidestep lab serve` keeps up"),
            ),
        }
    }

    /// What every screen of a lab carries.
    pub(crate) fn heading(&self) -> String {
        match self {
            Self::Export(_) => String::new(),
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
    args: &args::Place,
    printer: Printer,
    hear: impl FnMut(&Event),
) -> Result<Option<Run>, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("cannot start threads: {error}");
            CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, message)
        })?;
    runtime.block_on(async {
        let carried = async {
            let outside = place.outside(site, args, printer).await?;
            let mut store = RegFileStore::new(&outside.registry);
            let journal = Journal::open(&store.journal_folder(), Timestamp::now)?;
            let world = World {
                store: &mut store,
                journal: &journal,
                network: &outside.network,
                azure: &outside.azure,
                witness: &mut Nobody,
                person: &mut AtTerminal { printer },
                patience: outside.patience,
            };
            Ok(sidestep_flow::run(world, site, extent, hear).await?)
        };
        tokio::select! {
            run = carried => run.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        }
    })
}

/// What a run needs of the outside.
struct Outside {
    registry: PathBuf,
    network: Network,
    azure: Azure,
    patience: Patience,
}

impl Place {
    async fn outside(
        &self,
        site: &Site,
        args: &args::Place,
        printer: Printer,
    ) -> Result<Outside, CommandError> {
        Ok(match self {
            Self::Export(registry) => Outside {
                registry: registry.clone(),
                network: Network::default(),
                azure: access::azure(site, args.credential, printer).await?,
                patience: Patience::default(),
            },
            Self::Lab(lab) => {
                let network = lab.network();
                Outside {
                    registry: lab.registry.clone(),
                    azure: rehearsal::azure(site, network.clone(), &lab.credentials)?,
                    network,
                    patience: rehearsal::patience(),
                }
            }
        })
    }
}

/// Nobody counts connections here: an exported registry is not the machine.
struct Nobody;

impl Witness for Nobody {
    fn evidence(&mut self) -> Option<Evidence> {
        None
    }
}
