//! Where a run acts: on a machine's settings and the real Azure, or in a lab
//! that another process keeps up.

use serde_json::Value;
use sidestep_azure::Azure;
use sidestep_flow::{Extent, Patience, Run, Witness, World};
use sidestep_lab::Access;
use sidestep_machine::Store;
use sidestep_model::event::Event;
use sidestep_model::evidence::Evidence;
use sidestep_model::finding::Code;
use sidestep_model::network::Network;
use sidestep_model::site::Site;

use crate::at::{self, At};
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::person::AtTerminal;
use crate::{access, args, lab_connection, prose, rehearsal};

/// Where a run acts.
pub(crate) enum Place {
    /// A machine's settings, and the real Azure.
    Machine(At),
    /// A lab.
    Lab(Box<Access>),
}

impl Place {
    pub(crate) fn new(args: &args::Place) -> Result<Self, CommandError> {
        match (&args.at, &args.lab) {
            (None, Some(lab)) => Ok(Self::Lab(Box::new(lab_connection::read(lab)?))),
            (at, _) => Ok(Self::Machine(At::said_or_here(at.as_ref()).map_err(
                |error| {
                    error.hint("`--lab FILE` acts in the lab that `sidestep lab serve` keeps up")
                },
            )?)),
        }
    }

    /// What every screen of a lab carries.
    pub(crate) fn heading(&self) -> String {
        match self {
            Self::Machine(_) => String::new(),
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
    // Before anybody is asked to sign in.
    let mut store = place.settings().open()?;
    store.may_change()?;
    runtime.block_on(async {
        let carried = async {
            let outside = place.outside(site, args, printer).await?;
            let journal = at::journal(&store)?;
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
    network: Network,
    azure: Azure,
    patience: Patience,
}

impl Place {
    fn settings(&self) -> At {
        match self {
            Self::Machine(at) => at.clone(),
            Self::Lab(lab) => At::File(lab.registry_file.clone()),
        }
    }

    async fn outside(
        &self,
        site: &Site,
        args: &args::Place,
        printer: Printer,
    ) -> Result<Outside, CommandError> {
        Ok(match self {
            Self::Machine(_) => Outside {
                network: Network::default(),
                azure: access::azure(site, args.credential, printer).await?,
                patience: Patience::default(),
            },
            Self::Lab(lab) => Outside {
                network: lab_connection::network(lab),
                azure: rehearsal::azure(site, lab)?,
                patience: rehearsal::patience(),
            },
        })
    }
}

/// Nobody counts connections here.
struct Nobody;

impl Witness for Nobody {
    async fn evidence(&mut self) -> Option<Evidence> {
        None
    }
}
