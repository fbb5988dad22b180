//! Registration with the vault: from here it cannot get its first endpoint any more.

use std::time::Instant;

use sidestep_azure::{ArmId, Azure, AzureError, Registration};
use sidestep_machine::Store;
use sidestep_model::account::Account;
use sidestep_model::check::is_about_connectivity;
use sidestep_model::event::{Outcome, ResourceKind, Step};
use sidestep_model::finding::{AzureFinding, Finding};
use sidestep_model::observed::ObservedAccount;
use sidestep_model::site::{Site, Vm};

use crate::explain::explain;
use crate::hand::Hand;
use crate::ids::Ids;
use crate::names::Names;
use crate::run::{Extent, StepError};
use crate::world::{Person, Witness, World};

pub(crate) async fn step<S: Store, W: Witness, P: Person>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    extent: Extent,
    hand: &mut Hand<'_>,
) -> Result<Outcome, StepError> {
    let ids = Ids::of(site);
    // A vault that the endpoint's step would make has nothing registered.
    if extent.only_looks
        && extent.from == Step::Endpoint
        && world.azure.vault(&ids.vault).await?.is_none()
    {
        for (vm, id) in &ids.vms {
            hand.would_make(ResourceKind::Registration, &vm.name, Some(id));
        }
        return Ok(Outcome::Done);
    }
    let mut is_new = false;
    for (vm, id) in &ids.vms {
        let registration = missing(world, &ids, id).await?;
        if let Some(registration) = registration {
            if registration == Registration::New {
                agreed(site, world, &ids, vm, extent).await?;
            }
            register(site, world, &ids, vm, id, registration, hand).await?;
            is_new = true;
        } else {
            hand.is_there(ResourceKind::Registration, &vm.name, Some(id));
        }
    }
    for (vm, _) in ids.vms.iter().skip(1) {
        hand.found(AzureFinding::OtherMachine {
            vm: vm.name.clone(),
        });
    }
    if hand.only_looks() {
        return Ok(Outcome::Done);
    }
    if is_new {
        // A first registration brings the channel's storage accounts.
        let names = Names::listed(world.azure, &ids).await?;
        let missing = names.against_dns(site, world.network, world.patience, hand);
        if let Some(finding) = missing.await {
            return Err(StepError::found(finding));
        }
    }
    if world.store.is_none() {
        hand.found(AzureFinding::AccountUnseen);
        return Ok(Outcome::Done);
    }
    if !appears(world).await? {
        return Err(StepError::found(Finding::AccountNeeded {
            account: Account::Plugin,
        }));
    }
    Ok(Outcome::Done)
}

/// What is missing: a registration, a new one of what Azure counts as registered
/// though its account is not there, or nothing.
async fn missing<S: Store, W, P>(
    world: &mut World<'_, S, W, P>,
    ids: &Ids,
    vm: &ArmId,
) -> Result<Option<Registration>, StepError> {
    let containers = world.azure.containers(&ids.vault).await?;
    let Some(container) = containers.into_iter().find(|one| one.vm == *vm) else {
        return Ok(Some(Registration::New));
    };
    let is_registered = container
        .registration_status
        .eq_ignore_ascii_case("Registered");
    let observed = world.observed()?;
    // One whose service is stopped is no reason to register again.
    let is_known = |plugin: &ObservedAccount| plugin.exists || plugin.absence.is_passing();
    let has_account = observed.is_none_or(|observed| is_known(observed.account(Account::Plugin)));
    // Only the machine that is looked at can tell whether the account is there.
    let is_here = ids.vms.first().is_some_and(|(_, first)| first == vm);
    Ok((!is_registered || (is_here && !has_account)).then_some(Registration::Again))
}

/// A registration, even one that fails, ends a vault's chance of its first
/// endpoint: so there has to be one, and the person has to agree.
async fn agreed<S: Store, W: Witness, P: Person>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    ids: &Ids,
    vm: &Vm,
    extent: Extent,
) -> Result<(), StepError> {
    if extent.only_looks && extent.from == Step::Endpoint {
        return Ok(());
    }
    let vault = world.azure.vault(&ids.vault).await?;
    let endpoints = vault.map_or(0, |vault| vault.connections.len());
    if endpoints == 0 {
        return Err(StepError::found(AzureFinding::EndpointMissing {
            endpoint: site.private_endpoint.name.clone(),
        }));
    }
    if extent.only_looks || world.person.agrees_to_register(&vm.name, endpoints).await {
        return Ok(());
    }
    Err(StepError::found(AzureFinding::NotConfirmed {
        vm: vm.name.clone(),
    }))
}

async fn register<S: Store, W: Witness, P: Person>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    ids: &Ids,
    vm: &Vm,
    id: &ArmId,
    registration: Registration,
    hand: &mut Hand<'_>,
) -> Result<(), StepError> {
    let azure = world.azure;
    let name = match registration {
        Registration::New => offered(azure, ids, vm, id).await?,
        Registration::Again => {
            let containers = azure.containers(&ids.vault).await?;
            let known = containers.into_iter().find(|one| one.vm == *id);
            match known {
                Some(container) => container.name,
                None => offered(azure, ids, vm, id).await?,
            }
        }
    };
    let creation = azure.register(&ids.vault, &name, id, registration);
    let made = hand.make(ResourceKind::Registration, &vm.name, Some(id), creation);
    let Err(error) = made.await else {
        return Ok(());
    };
    // Azure tells a registration that failed either way.
    let (code, message) = match &error {
        AzureError::OperationFailed { code, message, .. } => (code.clone(), message.clone()),
        AzureError::Refused(refusal) => (refusal.code.clone(), refusal.message.clone()),
        _ => return Err(error.into()),
    };
    if !is_about_connectivity(&code) {
        return Err(error.into());
    }
    // The plugin's account comes with the registration: only SYSTEM's ways count.
    let findings = explain(site, world, &[Account::System], &code, message, hand).await?;
    Err(StepError::Ended(findings))
}

/// The container's name as Azure offers it.
async fn offered(azure: &Azure, ids: &Ids, vm: &Vm, id: &ArmId) -> Result<String, StepError> {
    let of_vm = |vm: &ArmId, offered: Vec<sidestep_azure::ProtectableContainer>| {
        let found = offered.into_iter().find(|container| container.vm == *vm);
        found.map(|container| container.name)
    };
    if let Some(name) = of_vm(id, azure.protectable_containers(&ids.vault).await?) {
        return Ok(name);
    }
    azure.refresh_containers(&ids.vault).await?;
    let offered = azure.protectable_containers(&ids.vault).await?;
    of_vm(id, offered).ok_or_else(|| {
        StepError::found(AzureFinding::VmNotOffered {
            vm: vm.name.clone(),
        })
    })
}

/// Whether the plugin's account is there, or comes soon.
async fn appears<S: Store, W, P>(world: &mut World<'_, S, W, P>) -> Result<bool, StepError> {
    let start = Instant::now();
    loop {
        let observed = world.settings()?.read()?;
        if observed.account(Account::Plugin).exists {
            return Ok(true);
        }
        if start.elapsed() >= world.patience.account {
            return Ok(false);
        }
        tokio::time::sleep(world.patience.poll).await;
    }
}
