//! How proofs about two lists are shown.

use serde_json::{Value, json};
use sidestep_model::bypass::proof::{Comparison, Difference, Undecided};
use sidestep_model::bypass::{DirectBecause, Dropped, DroppedBecause, Minimised};

use crate::render::{plural, table};

/// What was proven, consumer by consumer, with every difference.
pub(crate) fn text(proofs: &[Comparison], names: [&str; 2]) -> String {
    let mut text = String::new();
    let mut shown: Vec<(&Difference, Vec<String>)> = Vec::new();
    for proof in proofs {
        let consumer = proof.consumer;
        let states = proof.states;
        let verdict = match (proof.is_equal(), proof.differences.len() as u64) {
            (Some(true), _) => {
                format!("equal for every destination, proven through {states} states")
            }
            (_, 0) => String::new(),
            (_, count) => format!(
                "differ by {}",
                plural(
                    count,
                    "entry, with a shortest URL",
                    "entries, each with a shortest URL"
                )
            ),
        };
        let undecided = proof.undecided.as_ref().map(undecided).unwrap_or_default();
        let undecided = match verdict.as_str() {
            "" => undecided,
            _ if undecided.is_empty() => undecided,
            _ => format!("perhaps by more: {undecided}"),
        };
        let verdict = [verdict, undecided]
            .into_iter()
            .filter(|part| !part.is_empty());
        let verdict = verdict.collect::<Vec<_>>().join("; ");
        text = format!("{text}{consumer}: {verdict}\n");
        for difference in &proof.differences {
            let same = |(known, _): &&mut (&Difference, Vec<String>)| {
                known.url == difference.url && known.is_left_direct() == difference.is_left_direct()
            };
            match shown.iter_mut().find(same) {
                Some((_, consumers)) => consumers.push(consumer.to_string()),
                None => shown.push((difference, vec![consumer.to_string()])),
            }
        }
    }
    if shown.is_empty() {
        return text;
    }
    let mut rows = table(&["URL", "Direct by", "Entry", "For"]);
    for (difference, consumers) in shown {
        let by = names[usize::from(!difference.is_left_direct())];
        rows.add_row(vec![
            difference.url.clone(),
            format!("{by}{}", context(difference)),
            difference.entry.clone().unwrap_or_default(),
            consumers.join(", "),
        ]);
    }
    format!("{text}{}\n", rows.trim_fmt())
}

/// The computer that a difference needs, where it needs one.
fn context(difference: &Difference) -> String {
    let host = &difference.host;
    match host.own_addresses.first() {
        Some(address) => format!(", on the computer that has {address}"),
        None if host.dns_suffix != "domain.invalid" => {
            format!(", on a computer of the domain {}", host.dns_suffix)
        }
        None => String::new(),
    }
}

fn undecided(undecided: &Undecided) -> String {
    match undecided {
        Undecided::TooComplex { states } => {
            format!("too complex to settle: more than {states} states")
        }
        Undecided::Unwritable { text } => {
            format!("not settled: they part on {text}, which is no URL, and perhaps on others")
        }
    }
}

/// The same for a script.
pub(crate) fn document(proofs: &[Comparison]) -> Value {
    let proofs = proofs.iter().map(|proof| {
        let differences = proof.differences.iter().map(|difference| {
            let entry = match difference.because() {
                Some(DirectBecause::Entry { index } | DirectBecause::ListInvalid { index }) => {
                    Some(index)
                }
                _ => None,
            };
            let left = difference.is_left_direct();
            json!({
                "url": difference.url,
                "direct_by": if left { "first" } else { "second" },
                "entry": entry.map(|index| json!({ "text": difference.entry, "index": index })),
                "dns_suffix": difference.host.dns_suffix,
                "own_addresses": difference.host.own_addresses,
            })
        });
        json!({
            "consumer": proof.consumer,
            "equal": proof.is_equal(),
            "states": proof.states,
            "undecided": proof.undecided.as_ref().map(undecided),
            "differences": differences.collect::<Vec<_>>(),
        })
    });
    proofs.collect()
}

/// What could go, why, and the proof that it could.
pub(crate) fn minimised_text(minimised: &Minimised, before: &str) -> String {
    let Minimised {
        list,
        entries,
        dropped,
        is_fewest,
        proofs,
    } = minimised;
    let mut rows = table(&["Entry", "", "Could go because"]);
    for dropped in dropped {
        rows.add_row(vec![
            (dropped.index + 1).to_string(),
            dropped.entry.clone(),
            because(dropped),
        ]);
    }
    let fewest = if *is_fewest {
        "no choice of fewer entries would do"
    } else {
        "each that stays is needed beside the others"
    };
    let dropped_rows = if dropped.is_empty() {
        String::new()
    } else {
        format!("{}\n", rows.trim_fmt())
    };
    format!(
        "{dropped_rows}{} entries → {entries}, {} characters → {}; {fewest}\n{}",
        entries + dropped.len(),
        before.chars().count(),
        list.chars().count(),
        text(proofs, ["the list before", "the new list"]).trim_end(),
    )
}

/// The same for a script.
pub(crate) fn minimised_document(minimised: &Minimised) -> Value {
    let dropped = minimised.dropped.iter().map(|dropped| {
        json!({
            "entry": dropped.entry,
            "index": dropped.index,
            "why": because(dropped),
        })
    });
    json!({
        "list": minimised.list,
        "entries": minimised.entries,
        "fewest": minimised.is_fewest,
        "dropped": dropped.collect::<Vec<_>>(),
    })
}

fn because(dropped: &Dropped) -> String {
    match &dropped.because {
        DroppedBecause::Repeats(other) => format!("{other} is listed before"),
        DroppedBecause::CoveredBy(other) => format!("{other} covers it"),
        DroppedBecause::CoveredByOthers => "others together cover it".to_owned(),
        DroppedBecause::CoversNothing => "it covers no destination".to_owned(),
    }
}
