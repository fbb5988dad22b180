//! Findings about a list as SARIF 2.1.0 (OASIS, sarif-v2.1.0-os).

use std::ops::Range;

use serde_json::{Value, json};
use sidestep_model::finding::{Code, Severity};
use sidestep_model::lint::{Finding, Rule};

use crate::prose;

/// The log of one run over one list. `name` is the file, relative or absolute.
pub(crate) fn log(findings: &[Finding], text: &str, name: &str) -> Value {
    let rules: Vec<Value> = Rule::REGISTRY
        .iter()
        .zip(prose::lint::TITLES)
        .map(|((number, id, severity), title)| {
            let sentence = format!("{}{}.", title[..1].to_uppercase(), &title[1..]);
            json!({
                "id": format!("SS{number}"),
                "name": id,
                "shortDescription": { "text": sentence },
                "help": { "text": format!("{sentence} Each finding says what to do about it.") },
                "defaultConfiguration": { "level": level(*severity) },
            })
        })
        .collect();
    let uri = uri(name);
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| result(finding, text, &uri))
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sidestep",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding, text: &str, uri: &str) -> Value {
    let code: Code = finding.rule.code();
    let message = format!(
        "{}. Next: {}.",
        prose::lint::message(finding),
        prose::lint::remedy(&finding.rule)
    );
    json!({
        "ruleId": code,
        "ruleIndex": finding.rule.place(),
        "level": level(finding.severity()),
        "message": { "text": message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": region(text, &finding.span),
        }}],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Lines and columns from 1, columns in characters.
fn region(text: &str, span: &Range<usize>) -> Value {
    let at = |offset: usize| {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, text[line_start..offset].chars().count() + 1)
    };
    let ((line, column), (end_line, end_column)) = (at(span.start), at(span.end));
    json!({
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
        "byteOffset": span.start,
        "byteLength": span.len(),
    })
}

/// A path as a relative or absolute URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'\\' => uri.push('/'),
            byte if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) => {
                uri.push(char::from(byte));
            }
            byte => uri = format!("{uri}%{byte:02X}"),
        }
    }
    uri
}
