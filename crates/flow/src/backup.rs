//! One backup, and the cause when it fails.

use sidestep_machine::Store;
use sidestep_model::diagnosis::{self, BackupFailure};
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::network::Network;
use sidestep_model::site::Site;
use sidestep_probe as probe;

use crate::run::RunError;
use crate::world::{Vault, Witness, World};

pub(crate) async fn step<S: Store, V: Vault, W: Witness>(
    site: &Site,
    world: &mut World<'_, S, V, W>,
    found: &mut impl FnMut(Event),
) -> Result<Outcome, RunError> {
    let Some(database) = &site.sql.backup else {
        return Ok(Outcome::NotNeeded);
    };
    let result = world.vault.back_up(database).await;
    let evidence = world.witness.evidence();
    let against = evidence.against(site);
    found(Event::Witnessed(evidence));
    let effect = Effect::of(&against);
    match &result {
        Ok(backed_up) => found(Event::BackedUp(backed_up.clone())),
        // Traffic on the wrong path explains a failure; else the ways are tried.
        Err(failure) if effect == Effect::GoOn => {
            let cause = cause(failure, world.store, world.network).await?;
            found(Event::Found(cause));
        }
        Err(_) => {}
    }
    for finding in against {
        found(Event::Found(finding));
    }
    Ok(if result.is_ok() && effect == Effect::GoOn {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

/// Tries the ways that could explain the failure, under the settings as they are now.
async fn cause(
    failure: &BackupFailure,
    store: &impl Store,
    network: &Network,
) -> Result<Finding, RunError> {
    let observed = store.read()?;
    let settings = observed.account(failure.account).settings();
    let mut seen = Vec::new();
    for way in diagnosis::ways(failure, &settings.unwrap_or_default()) {
        seen.push(probe::reach(network, &failure.host, 443, way, probe::DEADLINE).await);
    }
    Ok(diagnosis::cause(failure, &seen))
}
