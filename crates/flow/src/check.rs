//! Every way of both accounts, tried at once.

use std::sync::Arc;
use std::time::Instant;

use sidestep_machine::{LiveStore, Store, system_handshake};
use sidestep_model::account::Account;
use sidestep_model::check::{self, Check, Tried};
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::AzureFinding;
use sidestep_model::network::Network;
use sidestep_model::observation::{Failure, Observation, Stage};
use sidestep_model::observed::Observed;
use sidestep_model::site::Site;
use sidestep_probe as probe;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::hand::Hand;
use crate::ids::Ids;
use crate::names::Names;
use crate::run::StepError;
use crate::world::World;

/// Attempts that go on at the same time.
const AT_ONCE: usize = 64;

pub(crate) async fn step<S: Store, W, P>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    hand: &mut Hand<'_>,
) -> Result<Outcome, StepError> {
    let names = Names::listed(world.azure, &Ids::of(site)).await?;
    if names.records.is_empty() {
        return Err(StepError::found(AzureFinding::EndpointMissing {
            endpoint: site.private_endpoint.name.clone(),
        }));
    }
    let observed = world.settings()?.read()?;
    let check = try_ways(site, world.network, &observed, &Account::SERVICES, &names).await;
    let (findings, is_passed) = (check.findings.clone(), check.is_passed());
    hand.say(Event::Checked(Box::new(check)));
    if is_passed {
        for finding in findings {
            hand.found(finding);
        }
        return Ok(Outcome::Done);
    }
    Err(StepError::Ended(findings))
}

/// Tries every way of `accounts` to every endpoint, at once, so that the whole
/// takes about as long as its slowest part.
pub(crate) async fn try_ways(
    site: &Site,
    network: &Network,
    observed: &Observed,
    accounts: &[Account],
    names: &Names,
) -> Check {
    let network = Arc::new(network.clone());
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut attempts = JoinSet::new();
    let probes = check::probes(observed, accounts, &names.targets(site));
    for (index, planned) in probes.iter().enumerate() {
        for (place, way) in planned.ways.iter().cloned().enumerate() {
            let (network, gate) = (network.clone(), gate.clone());
            let host = planned.target.host.clone();
            attempts.spawn(async move {
                // The gate is never closed, so a permit always comes.
                let _permit = gate.acquire().await;
                let mut seen = probe::reach(&network, &host, 443, way, probe::DEADLINE).await;
                if matches!(seen.tls, Stage::Passed(_)) {
                    seen.schannel = by_schannel(&network, &seen).await;
                }
                (index, place, seen)
            });
        }
    }
    let mut seen = attempts.join_all().await;
    seen.sort_by_key(|(index, place, _)| (*index, *place));
    let mut seen = seen.into_iter().peekable();
    let mut tried = Vec::new();
    for (index, probe) in probes.into_iter().enumerate() {
        let mut of_probe = Vec::new();
        while let Some((_, _, one)) = seen.next_if(|(of, ..)| *of == index) {
            of_probe.push(one);
        }
        tried.push(Tried {
            probe,
            seen: of_probe,
        });
    }
    check::verdict(site, observed, accounts, tried)
}

/// The handshake once more as the services make it, by a connection of its own.
/// A rehearsal's authority is none of Windows', so nobody asks it there.
async fn by_schannel(network: &Network, seen: &Observation) -> Stage {
    if !LiveStore::IS_HERE || network.only_authority_pem.is_some() {
        return Stage::NotNeeded;
    }
    let opened = probe::open(network, &seen.host, seen.port, &seen.via, probe::DEADLINE).await;
    let Ok(stream) = opened else {
        // What is about the way and not about TLS is told by the first attempt.
        return Stage::NotReached;
    };
    let (start, host) = (Instant::now(), seen.host.clone());
    let shaken = tokio::task::spawn_blocking(move || system_handshake(stream, &host)).await;
    match shaken {
        Ok(Ok(())) => Stage::Passed(start.elapsed()),
        Ok(Err(fault)) => Stage::Failed(start.elapsed(), Failure::Schannel(fault)),
        Err(_) => Stage::NotReached,
    }
}
