//! `sidestep lint`: what is wrong with a list, its remedy, and proofs.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};
use sidestep_model::bypass::proof::{Comparison, Scope, compare};
use sidestep_model::bypass::{Consumer, minimise};
use sidestep_model::finding::Severity;
use sidestep_model::lint::{Finding, Wants, fixed, lint};
use sidestep_model::site::{Route, Site};

use super::bypass::cloud_named;
use crate::args::{self, LintFormat, RouteChoice};
use crate::error::{CommandError, Exit};
use crate::list_text::ListText;
use crate::output::Printer;
use crate::render::plural;
use crate::site_file::SiteFile;
use crate::{proof_view, prose, sarif};

pub(crate) fn run(
    args: &args::Lint,
    site: &SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let list = ListText::read(&args.list)?;
    let site = site.site_if_any()?;
    let wants = wants(args, site.as_ref())?;
    let findings = lint(&list.text, &wants);
    let format = if printer.json {
        LintFormat::Json
    } else {
        args.format
    };
    if format != LintFormat::Text && args.format == LintFormat::Sarif && printer.json {
        return Err(CommandError::usage(
            "--json and --format sarif are two formats",
        ));
    }
    let changed = Change::of(args, &list.text, &wants)?;
    match (format, &changed) {
        (LintFormat::Sarif, _) => {
            let log = sarif::log(&findings, &list.text, &list.name);
            printer.text(&format!("{log:#}\n"))?;
        }
        (LintFormat::Json, changed) => printer.document(&document(&findings, changed))?,
        (LintFormat::Text, Change::None) => {
            printer.text(&findings_text(&findings, &list))?;
        }
        (LintFormat::Text, Change::Proved(proofs)) => {
            printer.text(&proof_view::text(
                proofs,
                ["the first list", "the second list"],
            ))?;
        }
        (LintFormat::Text, Change::Fixed { list: new, proofs }) => {
            printer.note(&findings_text(&findings, &list));
            printer.note(&proof_view::text(
                proofs,
                ["the list before", "the new list"],
            ));
            let new = new.as_deref().unwrap_or(&list.text);
            printer.text(&format!("{}\n", new.trim_end()))?;
        }
        (LintFormat::Text, Change::Minimised(minimised)) => {
            printer.note(&proof_view::minimised_text(minimised, &list.text));
            printer.text(&format!("{}\n", minimised.list))?;
        }
    }
    Ok(match changed {
        Change::Proved(proofs) if proofs.iter().any(|proof| proof.is_equal() != Some(true)) => {
            Exit::Failed
        }
        Change::Proved(_) => Exit::Done,
        Change::Fixed {
            list: Some(new), ..
        } => outcome(&lint(&new, &wants), args),
        Change::None | Change::Fixed { .. } | Change::Minimised(_) => outcome(&findings, args),
    })
}

/// What was asked for besides findings.
enum Change {
    None,
    Fixed {
        list: Option<String>,
        proofs: Vec<Comparison>,
    },
    Minimised(Box<sidestep_model::bypass::Minimised>),
    Proved(Vec<Comparison>),
}

impl Change {
    fn of(args: &args::Lint, text: &str, wants: &Wants<'_>) -> Result<Self, CommandError> {
        Ok(if let Some(other) = &args.prove {
            Self::Proved(proofs(text, &ListText::read(other)?.text))
        } else if args.fix {
            let list = fixed(text, wants);
            let proofs = proofs(text, list.as_deref().unwrap_or(text));
            Self::Fixed { list, proofs }
        } else if args.minimise {
            Self::Minimised(Box::new(minimise(text)))
        } else {
            Self::None
        })
    }
}

fn proofs(left: &str, right: &str) -> Vec<Comparison> {
    let compared = |consumer| compare(left, right, consumer, Scope::default());
    Consumer::ALL.map(compared).to_vec()
}

fn wants<'a>(args: &'a args::Lint, site: Option<&'a Site>) -> Result<Wants<'a>, CommandError> {
    let mut wants = site.map_or_else(Wants::default, |site| {
        Wants::of(site.azure.cloud, &site.bypass)
    });
    if let Some(name) = &args.cloud {
        wants.cloud = cloud_named(name)?;
    }
    match args.entra {
        Some(RouteChoice::Direct) => wants.entra = Some(Route::Direct),
        Some(RouteChoice::Proxy) => wants.entra = Some(Route::Proxy),
        None => {}
    }
    wants.proxy_server = args.proxy.as_deref();
    wants.winhttp = args.winhttp;
    Ok(wants)
}

fn outcome(findings: &[Finding], args: &args::Lint) -> Exit {
    let least = match args.deny {
        Some(args::DenyChoice::Warning) => Severity::Warning,
        None => Severity::Error,
    };
    let fails = findings.iter().any(|finding| finding.severity() >= least);
    if fails { Exit::Failed } else { Exit::Done }
}

fn document(findings: &[Finding], changed: &Change) -> Value {
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "code": finding.rule.code(),
                "severity": finding.severity(),
                "entry": finding.entry,
                "span": [finding.span.start, finding.span.end],
                "message": prose::lint::message(finding),
                "remedy": prose::lint::remedy(&finding.rule),
            })
        })
        .collect();
    let mut document = json!({ "findings": findings, "fixed": null });
    match changed {
        Change::None => {}
        Change::Fixed { list, proofs } => {
            document["fixed"] = json!(list);
            document["proof"] = proof_view::document(proofs);
        }
        Change::Minimised(minimised) => {
            document["minimised"] = proof_view::minimised_document(minimised);
            document["proof"] = proof_view::document(&minimised.proofs);
        }
        Change::Proved(proofs) => document["proof"] = proof_view::document(proofs),
    }
    document
}

/// Findings for a person, each below its place in the list, and their number.
fn findings_text(findings: &[Finding], list: &ListText) -> String {
    let count = |severity| {
        let found = findings
            .iter()
            .filter(|finding| finding.severity() == severity);
        found.count() as u64
    };
    let shown: Vec<String> = findings
        .iter()
        .map(|finding| shown(finding, list))
        .collect();
    let summary = format!(
        "{}, {}, {}\n",
        plural(count(Severity::Error), "error", "errors"),
        plural(count(Severity::Warning), "warning", "warnings"),
        plural(count(Severity::Note), "note", "notes"),
    );
    shown
        .into_iter()
        .chain([summary])
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn shown(finding: &Finding, list: &ListText) -> String {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let code = finding.rule.code().to_string();
    let message = prose::lint::message(finding);
    let next = prose::lint::remedy(&finding.rule);
    let mut group = Group::with_title(level.primary_title(message.as_str()).id(code));
    if finding.entry.is_some() {
        let snippet = Snippet::source(list.text.as_str())
            .path(list.name.as_str())
            .annotation(AnnotationKind::Primary.span(finding.span.clone()));
        group = group.element(snippet);
    }
    group = group.element(Level::HELP.message(next.as_str()));
    Renderer::styled().render(&[group])
}
