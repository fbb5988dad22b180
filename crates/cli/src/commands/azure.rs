//! `sidestep azure`: the steps in Azure one at a time, and what Azure knows.

use sidestep_azure::AzureError;
use sidestep_flow::{Extent, refusal};
use sidestep_model::event::Step;

use crate::args::{self, AzureStep, AzureVerb};
use crate::commands::{azure_discover, azure_jobs, run};
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::place::Place;
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Azure,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    match &args.verb {
        AzureVerb::Endpoint(args) => step(Step::Endpoint, args, site, printer),
        AzureVerb::Register(args) => step(Step::Register, args, site, printer),
        AzureVerb::Protect(args) => step(Step::Protect, args, site, printer),
        AzureVerb::Backup(args) => step(Step::Backup, args, site, printer),
        AzureVerb::Discover(args) => azure_discover::run(args, site, printer),
        AzureVerb::Jobs(args) => azure_jobs::run(args, &site, printer),
    }
}

fn step(
    step: Step,
    args: &AzureStep,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let file = site.or(args.site_file.as_deref())?;
    let site = file.site()?;
    let place = Place::or_azure(&args.place, &file)?;
    let extent = Extent {
        from: step,
        until: step,
        only_looks: args.what_if,
        backs_up_again: step == Step::Backup,
    };
    let credential = args.place.cloud.credential;
    run::carried(&place, &site, extent, credential, printer, |one| {
        one == step
    })
}

/// Azure's error, where nothing else is left to report.
pub(super) fn told(error: AzureError) -> CommandError {
    CommandError::finding(&refusal(error).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use sidestep_flow::{Run, RunError, Witness, World};
    use sidestep_lab::Lab;
    use sidestep_machine::{Journal, RegFileStore};
    use sidestep_model::check::Target;
    use sidestep_model::event::Outcome;
    use sidestep_model::evidence::Evidence;
    use sidestep_model::finding::{Effect, Finding};
    use sidestep_model::restart::Work;
    use sidestep_model::site::Site;

    use super::*;
    use crate::person::Rehearsing;
    use crate::rehearsed::Rehearsed;
    use crate::{lab_connection, rehearsal};

    struct Nobody;

    impl Witness for Nobody {
        async fn begin(&mut self) {}

        async fn evidence(&mut self, _: &[Target]) -> Option<Evidence> {
            None
        }
    }

    /// What the vault says that it does now with the site's machine.
    async fn at_work(lab: &Lab, site: &Site) -> Vec<Work> {
        let azure = rehearsal::azure(site, &lab.connection()).unwrap();
        let day = SignedDuration::from_hours(24);
        let since = Timestamp::now().checked_sub(day).unwrap();
        sidestep_flow::at_work(site, &azure, since).await.unwrap()
    }

    /// One step where the machine's settings are not at hand.
    async fn from_afar(lab: &Lab, site: &Site, step: Step) -> Result<Run, RunError> {
        let connection = lab.connection();
        let folder = tempfile::tempdir().unwrap();
        let world = World {
            store: None::<&mut RegFileStore>,
            journal: &Journal::open(folder.path(), Timestamp::now).unwrap(),
            network: &lab_connection::network(&connection),
            azure: &rehearsal::azure(site, &connection).unwrap(),
            witness: &mut Nobody,
            person: &mut Rehearsing,
            patience: rehearsal::patience(),
        };
        let extent = Extent {
            from: step,
            until: step,
            ..Extent::default()
        };
        sidestep_flow::run(world, site, extent, |_| {}).await
    }

    fn codes(run: &Run) -> Vec<String> {
        run.findings
            .iter()
            .map(|one| one.code().to_string())
            .collect()
    }

    fn outcomes(run: &Run) -> Vec<Outcome> {
        let reached = run.steps.iter().map(|end| end.outcome);
        reached.filter(|one| *one != Outcome::NotReached).collect()
    }

    #[tokio::test]
    async fn from_afar_nobody_waits_for_the_plugins_account() {
        let Rehearsed { site, setup, .. } = Rehearsed::new("not-needed", None, None).unwrap();
        let lab = Lab::start(setup).await.unwrap();
        let made = from_afar(&lab, &site, Step::Endpoint).await.unwrap();
        assert_eq!(at_work(&lab, &site).await, []);
        assert_eq!(
            (outcomes(&made), codes(&made)),
            (vec![Outcome::Done], vec![])
        );
        for registrations in [1, 1] {
            let run = from_afar(&lab, &site, Step::Register).await.unwrap();
            assert_eq!(outcomes(&run), [Outcome::Done]);
            assert_eq!(codes(&run), ["SS526"]);
            assert_eq!(
                run.findings.iter().map(Finding::effect).max(),
                Some(Effect::GoOn)
            );
            assert_eq!(lab.census().registrations, registrations);
        }
        let run = from_afar(&lab, &site, Step::Protect).await.unwrap();
        assert_eq!(outcomes(&run), [Outcome::Done], "{run:?}");
        assert_eq!(at_work(&lab, &site).await, []);
        let working = async {
            loop {
                let work = at_work(&lab, &site).await;
                if !work.is_empty() {
                    break work;
                }
                tokio::task::yield_now().await;
            }
        };
        let backup = from_afar(&lab, &site, Step::Backup);
        let both = Box::pin(async { tokio::join!(backup, working) });
        let (run, work) = tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .unwrap();
        assert_eq!(outcomes(&run.unwrap()), [Outcome::Done]);
        assert_eq!(work.len(), 1);
        let expected = ("Backup (Full)", format!("orders [{}]", site.vms[0].name));
        assert_eq!((work[0].operation.as_str(), work[0].of.clone()), expected);
        for step in [Step::SystemBypass, Step::Check] {
            let broken = from_afar(&lab, &site, step).await;
            assert!(matches!(broken, Err(RunError::NoSettings)));
        }
    }

    #[tokio::test]
    async fn from_afar_a_failure_is_told_in_azures_words() {
        let Rehearsed { site, setup, .. } = Rehearsed::new("happy", None, None).unwrap();
        let lab = Lab::start(setup).await.unwrap();
        from_afar(&lab, &site, Step::Endpoint).await.unwrap();
        let run = from_afar(&lab, &site, Step::Register).await.unwrap();
        assert_eq!(
            (outcomes(&run), codes(&run)),
            (
                vec![Outcome::Failed],
                vec!["SS501".to_owned(), "SS527".to_owned()]
            )
        );
    }
}
