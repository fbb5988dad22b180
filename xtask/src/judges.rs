//! Judges: code and data that nobody here wrote, to which claims are put.
//!
//! A judge that cannot be had is *not judged*, never passed. Judges run by
//! `cargo xtask judges NAME` and never inside `cargo test`, because most clones
//! lack what they need.

use std::io::Write;

mod dotnet;
mod recordings;

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
        let verdict = match (judge.ask)(out)? {
            Verdict::Agrees(tried) => format!("agrees ({tried})"),
            Verdict::NotJudged(reason) => format!("not judged ({reason})"),
            Verdict::Disagrees(found) => {
                nothing_against = false;
                format!("DISAGREES ({found})")
            }
        };
        writeln!(out, "judge {}: {verdict}", judge.name)?;
    }
    Ok(nothing_against)
}
