//! From a failure that Azure reports to its cause on the way.

use sidestep_machine::Store;
use sidestep_model::account::Account;
use sidestep_model::check::is_about_connectivity;
use sidestep_model::event::Event;
use sidestep_model::finding::{AzureFinding, Effect, Finding};
use sidestep_model::site::Site;

use crate::check::try_ways;
use crate::hand::Hand;
use crate::ids::Ids;
use crate::names::Names;
use crate::run::StepError;
use crate::world::World;

/// The cause: records that are missing, a way that does not work or, where
/// everything works or the accounts' settings are not at hand, what Azure said.
pub(crate) async fn explain<S: Store, W, P>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    accounts: &[Account],
    azure_code: &str,
    detail: String,
    hand: &mut Hand<'_>,
) -> Result<Vec<Finding>, StepError> {
    let unexplained = AzureFinding::BackupFailed {
        azure_code: azure_code.to_owned(),
        detail,
    };
    if !is_about_connectivity(azure_code) {
        return Ok(vec![unexplained.into()]);
    }
    // The endpoint grows while it is used: what is missing now may be new.
    let names = Names::listed(world.azure, &Ids::of(site)).await?;
    let missing = names.against_dns(site, world.network, world.patience, hand);
    if let Some(finding) = missing.await {
        return Ok(vec![finding]);
    }
    let Some(observed) = world.observed()? else {
        return Ok(vec![unexplained.into(), AzureFinding::WaysUntried.into()]);
    };
    let check = try_ways(site, world.network, &observed, accounts, &names).await;
    let findings: Vec<Finding> = check
        .findings
        .iter()
        .filter(|finding| finding.effect() > Effect::GoOn)
        .cloned()
        .collect();
    hand.say(Event::Checked(Box::new(check)));
    Ok(if findings.is_empty() {
        vec![unexplained.into()]
    } else {
        findings
    })
}
