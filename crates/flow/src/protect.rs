//! Protection: the databases that the site chooses, under its policy.

use sidestep_azure::{Azure, ItemKind, Policy, ProtectableItem, ProtectedItem};
use sidestep_machine::Store;
use sidestep_model::event::{Outcome, ResourceKind};
use sidestep_model::finding::{AzureFinding, Effect};
use sidestep_model::selection;
use sidestep_model::site::{Database, Site};

use crate::hand::Hand;
use crate::ids::Ids;
use crate::run::StepError;
use crate::world::{Person, Witness, World};

/// The policy that a vault brings along; it is made anew where it is missing.
const DEFAULT_POLICY: &str = "HourlyLogBackup";

pub(crate) async fn step<S: Store, W: Witness, P: Person>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    hand: &mut Hand<'_>,
) -> Result<Outcome, StepError> {
    let azure = world.azure;
    let ids = Ids::of(site);
    let items = offered(azure, &ids, hand).await?;
    if items.is_empty() && hand.only_looks() {
        return Ok(Outcome::Pending);
    }
    let databases: Vec<Database> = items.iter().map(|(database, _)| database.clone()).collect();
    let chosen = if site.sql.databases.is_empty() {
        if hand.only_looks() {
            return Ok(Outcome::Done);
        }
        world.person.choose(&databases)
    } else {
        let selection = selection::select(&site.sql.databases, &databases);
        let effect = Effect::of(&selection.findings);
        if effect != Effect::GoOn {
            return Err(StepError::Ended(selection.findings));
        }
        for finding in selection.findings {
            hand.found(finding);
        }
        selection.chosen
    };
    if chosen.is_empty() {
        let offered = databases.iter().map(ToString::to_string).collect();
        return Err(StepError::found(AzureFinding::NothingChosen { offered }));
    }
    let protected = azure.protected_items(&ids.vault).await?;
    let mut policy = None;
    for (database, item) in items.iter().filter(|(one, _)| chosen.contains(one)) {
        let name = database.to_string();
        let known = protected.iter().find(|one| is_of(one, database, item));
        match known {
            Some(known) if known.is_soft_deleted => {
                return Err(StepError::found(AzureFinding::SoftDeleted {
                    database: name,
                }));
            }
            Some(known) if is_protected(known) => {
                hand.is_there(ResourceKind::Protection, &name, Some(&known.id));
                continue;
            }
            _ => {}
        }
        if policy.is_none() {
            policy = self::policy(site, azure, &ids, hand).await?;
        }
        let Some(policy) = &policy else {
            continue;
        };
        let creation = azure.protect(&ids.vault, item, policy);
        hand.make(ResourceKind::Protection, &name, Some(&item.id), creation)
            .await?;
    }
    Ok(Outcome::Done)
}

/// The databases of the site's machines that Azure found.
async fn offered(
    azure: &Azure,
    ids: &Ids,
    hand: &Hand<'_>,
) -> Result<Vec<(Database, ProtectableItem)>, StepError> {
    let containers = azure.containers(&ids.vault).await?;
    let of_site: Vec<String> = containers
        .into_iter()
        .filter(|container| ids.vms.iter().any(|(_, vm)| *vm == container.vm))
        .map(|container| container.name)
        .collect();
    let mut items = azure.protectable_items(&ids.vault).await?;
    if items.is_empty() && !hand.only_looks() {
        // Registration looks around by itself; if it did not, this does.
        for container in &of_site {
            azure.inquire(&ids.vault, container).await?;
        }
        items = azure.protectable_items(&ids.vault).await?;
    }
    let is_of_site = |item: &ProtectableItem| {
        of_site
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&item.container))
    };
    Ok(items
        .into_iter()
        .filter(|item| item.kind == ItemKind::Database && is_of_site(item))
        .map(|item| {
            let database = Database {
                instance: item.instance.clone(),
                name: item.friendly_name.clone(),
            };
            (database, item)
        })
        .collect())
}

/// Whether the protected item is that database: Azure returns names in varying case.
fn is_of(protected: &ProtectedItem, database: &Database, item: &ProtectableItem) -> bool {
    protected.friendly_name.eq_ignore_ascii_case(&database.name)
        && protected.instance.eq_ignore_ascii_case(&database.instance)
        && protected
            .container_name
            .eq_ignore_ascii_case(&item.container)
}

fn is_protected(item: &ProtectedItem) -> bool {
    !item
        .protection_state
        .eq_ignore_ascii_case("ProtectionStopped")
}

/// The site's policy; `None` where it would be made and the run only looks.
async fn policy(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    hand: &mut Hand<'_>,
) -> Result<Option<Policy>, StepError> {
    let name = &site.sql.policy;
    if let Some(policy) = azure.policy(&ids.vault, name).await? {
        hand.is_there(ResourceKind::Policy, name, Some(&policy.id));
        return Ok(Some(policy));
    }
    if !name.eq_ignore_ascii_case(DEFAULT_POLICY) {
        let known = azure.policies(&ids.vault).await?.into_iter();
        return Err(StepError::found(AzureFinding::PolicyMissing {
            policy: name.clone(),
            known: known.map(|policy| policy.name).collect(),
        }));
    }
    let creation = azure.create_policy(&ids.vault, name);
    Ok(hand
        .make(ResourceKind::Policy, name, None, creation)
        .await?)
}

/// The protected item of a database, on one of the site's machines.
pub(crate) fn protected_item(
    items: Vec<ProtectedItem>,
    ids: &Ids,
    database: &Database,
) -> Option<ProtectedItem> {
    let is_here = |item: &ProtectedItem| match &item.vm {
        Some(vm) => ids.vms.iter().any(|(_, one)| one == vm),
        None => true,
    };
    items.into_iter().find(|item| {
        item.friendly_name.eq_ignore_ascii_case(&database.name)
            && item.instance.eq_ignore_ascii_case(&database.instance)
            && is_here(item)
    })
}
