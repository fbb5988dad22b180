//! Shapes that several commands print.

use comfy_table::{Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sidestep_model::finding::Finding;

use crate::prose;

/// A table without lines: it survives a mail and a ticket.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

/// Findings for a person, the gravest first, each with what to do next.
pub(crate) fn findings_text(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    let texts: Vec<String> = sorted
        .into_iter()
        .map(|finding| {
            format!(
                "{}[{}]: {}\n  next: {}",
                prose::severity(finding.severity()),
                finding.code(),
                prose::message(finding),
                prose::remedy(finding).replace('\n', "\n  "),
            )
        })
        .collect();
    texts.join("\n\n")
}

/// Findings for a script.
pub(crate) fn findings_document(findings: &[Finding]) -> Vec<Value> {
    findings
        .iter()
        .map(|finding| {
            json!({
                "code": finding.code(),
                "severity": finding.severity(),
                "account": finding.account(),
                "endpoint": finding.endpoint(),
                "message": prose::message(finding),
                "remedy": prose::remedy(finding),
            })
        })
        .collect()
}

/// A time as the person's own clock shows it.
pub(crate) fn local_time(time: Timestamp) -> String {
    let local = time.to_zoned_datetime(TimeZone::system());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `1 entry`, `2 entries`.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A size that a person takes in: `8.0 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(power, _)| count >> power > 0) {
        Some((power, unit)) => {
            let tenths = (u128::from(count) * 10) >> power;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{count} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 1023, 1024, 1536, 8 << 20, (5 << 30) + (1 << 29)].map(bytes);
        assert_eq!(
            shown,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "8.0 MiB", "5.5 GiB"]
        );
    }
}
