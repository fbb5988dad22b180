//! `sidestep run`: a site through every step.

use sidestep_flow::{Extent, Run};
use sidestep_model::event::{Event, ResourceKind, ResourceState, Step};
use sidestep_model::finding::Effect;
use sidestep_model::site::Site;

use crate::args::{self, CredentialChoice};
use crate::error::{CommandError, Exit};
use crate::live::Live;
use crate::output::Printer;
use crate::place::{Place, carry};
use crate::render::findings_text;
use crate::site_file::SiteFile;
use crate::told::Told;
use crate::{check_view, dns_view, plan_view, prose, run_view};

pub(crate) fn run(
    args: &args::Run,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let site = site.or(args.site_file.as_deref())?.site()?;
    let extent = extent(args)?;
    let place = Place::new(&args.place)?;
    let credential = args.place.cloud.credential;
    carried(&place, &site, extent, credential, printer, |_| true)
}

/// Carries the site through `extent` and reports the steps that are `shown`.
pub(super) fn carried(
    place: &Place,
    site: &Site,
    extent: Extent,
    credential: Option<CredentialChoice>,
    printer: Printer,
    shown: impl Fn(Step) -> bool,
) -> Result<Exit, CommandError> {
    let live = Live::new(printer, None);
    let mut told = Told::default();
    let hear = |event: &Event| {
        live.hear(event);
        if let Event::Planned(plan) = event
            && !plan.is_empty()
            && !extent.only_looks
        {
            // Shown before it is made.
            live.aside(|| printer.note(&plan_view::text(plan)));
            if let Some(finding) = place.also_on_proxy(plan, printer) {
                live.aside(|| printer.note(&findings_text(&[finding])));
            }
        }
        told.hear(event);
    };
    let Some(mut run) = carry(place, site, extent, credential, printer, &live, hear)? else {
        live.aside(|| printer.note("interrupted; start again to go on from here"));
        return Ok(Exit::Interrupted);
    };
    run.steps.retain(|end| shown(end.step));
    if printer.json {
        let mut document = run_view::document(&run, &told);
        place.stamp(&mut document);
        printer.document(&document)?;
    } else {
        printer.text(&text(place, site, extent, &run, &told))?;
    }
    Ok(Effect::of(&run.findings).into())
}

fn extent(args: &args::Run) -> Result<Extent, CommandError> {
    let whole = Extent::default();
    let extent = Extent {
        from: args.from.map_or(whole.from, Step::from),
        until: args.until.map_or(whole.until, Step::from),
        only_looks: args.what_if,
        backs_up_again: args.from.map(Step::from) == Some(Step::Backup),
    };
    if extent.from > extent.until {
        return Err(CommandError::usage(format!(
            "--from {} comes after --until {}",
            extent.from.key(),
            extent.until.key()
        ))
        .hint("the steps' order: endpoint, system-bypass, register, plugin-bypass, protect, check, backup"));
    }
    Ok(extent)
}

fn text(place: &Place, site: &Site, extent: Extent, run: &Run, told: &Told) -> String {
    let what = if extent.only_looks {
        "What a run would do; nothing was done"
    } else {
        "Run"
    };
    let mut parts = vec![format!(
        "{}{what}: vault {} in {}",
        place.heading(),
        site.vault.name,
        site.azure.location.name
    )];
    if extent.only_looks {
        let plans = told.plans.iter().filter(|plan| !plan.is_empty());
        parts.extend(plans.map(plan_view::text));
    }
    parts.push(run_view::steps(run, told));
    let lists = [
        ("Would be made in Azure", ResourceState::Planned),
        (
            "Made in Azure; `sidestep undo` leaves it there",
            ResourceState::Made,
        ),
    ];
    for (title, state) in lists {
        parts.extend(run_view::made(told, state).map(|list| format!("{title}\n{list}")));
    }
    let is_new = told
        .resources
        .iter()
        .any(|one| one.kind == ResourceKind::PrivateEndpoint && one.state == ResourceState::Made);
    if is_new {
        parts.push(format!(
            "The private endpoint's records, as Azure lists them\n{}",
            dns_view::listed(&told.records, &told.zones)
        ));
    }
    // A check that passed is a line of the table above.
    if let Some(check) = told.check.as_ref().filter(|check| !check.is_passed()) {
        parts.push(check_view::text(check));
    }
    if let Some(evidence) = &told.evidence {
        parts.push(run_view::evidence(evidence));
    }
    if !run.findings.is_empty() {
        parts.push(findings_text(&run.findings));
    }
    parts.push(format!("outcome: {}", prose::outcome(run.outcome)));
    format!("{}\n", parts.join("\n\n"))
}
