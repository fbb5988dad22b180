//! Judges: code and data that nobody here wrote, to which claims are put.
//!
//! A judge that cannot be had is *not judged*, never passed. Judges run by
//! `cargo xtask judges NAME` and never inside `cargo test`, because most clones
//! lack what they need.

use std::io::Write;

mod dotnet;
mod openapi;
mod pac;
mod recordings;
mod sarif;
mod squid;
mod wine;

/// A claim and who can say whether it is true.
pub(crate) struct Judge {
    name: &'static str,
    claim: &'static str,
    ask: fn(&mut dyn Write) -> anyhow::Result<Verdict>,
}

/// What a judge said.
pub(crate) enum Verdict {
    /// Nothing was found against the claim; what was tried.
    Agrees(String),
    /// Something was found against it; what.
    Disagrees(String),
    /// The judge could not be had; why.
    NotJudged(String),
}

const JUDGES: &[Judge] = &[
    Judge {
        name: "dotnet",
        claim: "bypass lists and ProxyServer strings mean to us what they mean to .NET Framework",
        ask: dotnet::judge,
    },
    Judge {
        name: "recordings",
        claim: "we ask Azure as its own tool does, and understand what it answers",
        ask: recordings::judge,
    },
    Judge {
        name: "openapi",
        claim: "what we say to Azure, and what the lab answers for it, is as Microsoft documents it",
        ask: openapi::judge,
    },
    Judge {
        name: "squid",
        claim: "after `apply`, Backup and Storage come to the proxy no more",
        ask: squid::judge,
    },
    Judge {
        name: "pac",
        claim: "the script that is made of a list sends requests where `route` says",
        ask: pac::judge,
    },
    Judge {
        name: "sarif",
        claim: "what `lint --format sarif` prints is SARIF 2.1.0",
        ask: sarif::judge,
    },
    Judge {
        name: "wine",
        claim: "sidestep.exe changes the accounts' real settings as planned, and gives them back",
        ask: wine::judge,
    },
];

/// The judges with these names, all for none, or the first name that is unknown.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Judge>, &String> {
    if names.is_empty() {
        return Ok(JUDGES.iter().collect());
    }
    names
        .iter()
        .map(|name| JUDGES.iter().find(|judge| judge.name == name).ok_or(name))
        .collect()
}

/// The names there are.
pub(crate) fn names() -> String {
    JUDGES
        .iter()
        .map(|judge| judge.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Asks each judge; false if one disagrees.
pub(crate) fn run(judges: &[&Judge], out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut nothing_against = true;
    for judge in judges {
        writeln!(out, "judge {}: {}", judge.name, judge.claim)?;
        let verdict = (judge.ask)(out)?;
        nothing_against &= pronounce(judge.name, &verdict, out)?;
    }
    Ok(nothing_against)
}

/// Holds logs of traffic against Microsoft's `OpenAPI` documents; false if they part.
pub(crate) fn openapi_logs(files: &[String], out: &mut dyn Write) -> anyhow::Result<bool> {
    let verdict = openapi::logs(files, out)?;
    pronounce("openapi", &verdict, out)
}

/// Runs the product's own tests for Windows under Wine; false if one fails.
pub(crate) fn windows_tests(out: &mut dyn Write) -> anyhow::Result<bool> {
    let verdict = wine::tests(out)?;
    pronounce("windows test", &verdict, out)
}

/// Says what a judge said; false if it disagrees.
fn pronounce(judge: &str, verdict: &Verdict, out: &mut dyn Write) -> anyhow::Result<bool> {
    let said = match verdict {
        Verdict::Agrees(tried) => format!("agrees ({tried})"),
        Verdict::NotJudged(reason) => format!("not judged ({reason})"),
        Verdict::Disagrees(found) => format!("DISAGREES ({found})"),
    };
    writeln!(out, "judge {judge}: {said}")?;
    Ok(!matches!(verdict, Verdict::Disagrees(_)))
}
