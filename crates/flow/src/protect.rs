//! Protection: the databases that the site chooses, under its policy.

use sidestep_azure::{Azure, AzureError, ItemKind, Policy, ProtectableItem, ProtectedItem};
use sidestep_machine::Store;
use sidestep_model::event::{Outcome, ResourceKind};
use sidestep_model::finding::{AzureFinding, Effect};
use sidestep_model::selection::{self, Selection};
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
    let mut offers = offers(azure, &ids).await?;
    let mut selection = selected(site, &offers);
    // Registration looks around by itself; what it missed, or what was made
    // since, this finds.
    if (offers.is_empty() || has_error(selection.as_ref())) && !hand.only_looks() {
        for container in containers(azure, &ids).await? {
            azure.inquire(&ids.vault, &container).await?;
        }
        offers = self::offers(azure, &ids).await?;
        selection = selected(site, &offers);
    }
    if offers.is_empty() && hand.only_looks() {
        return Ok(Outcome::Pending);
    }
    let chosen = match selection {
        None if hand.only_looks() => return Ok(Outcome::Planned),
        None => world.person.choose(&databases(&offers)).await,
        Some(selection) if Effect::of(&selection.findings) != Effect::GoOn => {
            return Err(StepError::Ended(selection.findings));
        }
        Some(selection) => {
            for finding in selection.findings {
                hand.found(finding);
            }
            selection.chosen
        }
    };
    if chosen.is_empty() {
        let offered = databases(&offers).iter().map(ToString::to_string).collect();
        return Err(StepError::found(AzureFinding::NothingChosen { offered }));
    }
    let mut policy = None;
    for offer in offers.iter().filter(|one| chosen.contains(&one.database)) {
        let name = offer.database.to_string();
        match &offer.protected {
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
            hand.would_make(ResourceKind::Protection, &name, None);
            continue;
        };
        let kind = ResourceKind::Protection;
        match (&offer.protected, &offer.item) {
            (Some(known), _) => {
                let again = azure.protect_again(known, policy);
                hand.make(kind, &name, Some(&known.id), again).await?;
            }
            (None, Some(item)) => {
                let creation = azure.protect(&ids.vault, item, policy);
                hand.make(kind, &name, Some(&item.id), creation).await?;
            }
            (None, None) => {}
        }
    }
    Ok(Outcome::Done)
}

/// A database of one of the site's machines: that can be protected, that is, or both.
struct Offer {
    database: Database,
    item: Option<ProtectableItem>,
    protected: Option<ProtectedItem>,
}

/// The databases of the site's machines that Azure knows.
async fn offers(azure: &Azure, ids: &Ids) -> Result<Vec<Offer>, AzureError> {
    let containers = containers(azure, ids).await?;
    let is_of_site = |container: &str| {
        containers
            .iter()
            .any(|name| name.eq_ignore_ascii_case(container))
    };
    let protectable = azure.protectable_items(&ids.vault).await?;
    let mut protected = azure.protected_items(&ids.vault).await?;
    protected.retain(|one| is_here(one, ids));
    let is_wanted =
        |item: &ProtectableItem| item.kind == ItemKind::Database && is_of_site(&item.container);
    let mut offers: Vec<Offer> = Vec::new();
    for item in protectable.into_iter().filter(is_wanted) {
        let known = protected.iter().position(|one| is_of(one, &item));
        offers.push(Offer {
            database: Database {
                instance: item.instance.clone(),
                name: item.friendly_name.clone(),
            },
            protected: known.map(|at| protected.remove(at)),
            item: Some(item),
        });
    }
    // Whatever Azure does not list as protectable, because it is protected.
    let rest = protected.into_iter().filter(|one| one.vm.is_some());
    offers.extend(rest.map(|known| Offer {
        database: Database {
            instance: known.instance.clone(),
            name: known.friendly_name.clone(),
        },
        item: None,
        protected: Some(known),
    }));
    Ok(offers)
}

/// The names of the site's machines that are registered.
async fn containers(azure: &Azure, ids: &Ids) -> Result<Vec<String>, AzureError> {
    let containers = azure.containers(&ids.vault).await?.into_iter();
    let of_site = containers.filter(|container| ids.vms.iter().any(|(_, vm)| *vm == container.vm));
    Ok(of_site.map(|container| container.name).collect())
}

/// What the site's patterns mean; `None` where it has none.
fn selected(site: &Site, offers: &[Offer]) -> Option<Selection> {
    let patterns = &site.sql.databases;
    (!patterns.is_empty()).then(|| selection::select(patterns, &databases(offers)))
}

fn has_error(selection: Option<&Selection>) -> bool {
    let findings = selection.map(|selection| &selection.findings);
    findings.is_some_and(|findings| Effect::of(findings) != Effect::GoOn)
}

fn databases(offers: &[Offer]) -> Vec<Database> {
    offers.iter().map(|offer| offer.database.clone()).collect()
}

/// Whether the protected item is that database: Azure returns names in varying case.
fn is_of(protected: &ProtectedItem, item: &ProtectableItem) -> bool {
    protected
        .friendly_name
        .eq_ignore_ascii_case(&item.friendly_name)
        && protected.instance.eq_ignore_ascii_case(&item.instance)
        && protected
            .id
            .name_of("protectionContainers")
            .is_some_and(|name| name.eq_ignore_ascii_case(&item.container))
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

/// The protected item of a database: on the first of the site's machines that
/// has it, because that is the one whose traffic is witnessed.
pub(crate) fn protected_item(
    items: Vec<ProtectedItem>,
    ids: &Ids,
    database: &Database,
) -> Option<ProtectedItem> {
    let place = |item: &ProtectedItem| match &item.vm {
        Some(vm) => ids.vms.iter().position(|(_, one)| one == vm),
        None => Some(usize::MAX),
    };
    items
        .into_iter()
        .filter(|item| {
            item.friendly_name.eq_ignore_ascii_case(&database.name)
                && item.instance.eq_ignore_ascii_case(&database.instance)
                && is_here(item, ids)
        })
        .min_by_key(place)
}

/// Whether the item is on one of the site's machines, as far as Azure tells.
fn is_here(item: &ProtectedItem, ids: &Ids) -> bool {
    match &item.vm {
        Some(vm) => ids.vms.iter().any(|(_, one)| one == vm),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use sidestep_azure::ArmId;
    use sidestep_model::site::SAMPLE;

    use super::*;

    const VAULT: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/\
                         rg-backup/providers/Microsoft.RecoveryServices/vaults/rsv-sql";

    fn protected(vm: &str) -> ProtectedItem {
        let item = format!(
            "{VAULT}/backupFabrics/Azure/protectionContainers/VMAppContainer;compute;rg-sql;{vm}/\
             protectedItems/SQLDataBase;mssqlserver;orders"
        );
        let vm = format!(
            "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/RG-SQL/providers/\
             Microsoft.Compute/virtualMachines/{vm}"
        );
        ProtectedItem {
            id: ArmId::parse(&item).unwrap(),
            name: "SQLDataBase;mssqlserver;orders".to_owned(),
            friendly_name: "orders".to_owned(),
            instance: "MSSQLSERVER".to_owned(),
            server_name: vm.clone(),
            vm: ArmId::parse(&vm),
            container_name: String::new(),
            protection_state: "Protected".to_owned(),
            protection_status: "Healthy".to_owned(),
            last_backup_status: "Healthy".to_owned(),
            last_backup_time: None,
            last_recovery_point: None,
            policy: None,
            is_soft_deleted: false,
        }
    }

    #[test]
    fn of_several_machines_the_first_ones_database_is_backed_up() {
        let second = "[[vm]]\nname = \"sqlvm2\"\nresource_group = \"rg-sql\"\n\n[proxy]";
        let site = Site::parse(&SAMPLE.replace("[proxy]", second)).unwrap();
        let ids = Ids::of(&site);
        let database = site.sql.backup.unwrap();
        let items = ["foreign", "sqlvm2", "sqlvm1"].map(protected);
        let found = protected_item(items.to_vec(), &ids, &database).unwrap();
        assert_eq!(found.id, protected("sqlvm1").id);
        let found = protected_item(items[..2].to_vec(), &ids, &database).unwrap();
        assert_eq!(found.id, protected("sqlvm2").id);
        assert!(protected_item(items[..1].to_vec(), &ids, &database).is_none());
    }
}
