//! What `WinINet` does with bypass lists: every row that is measured, documented
//! or tested elsewhere.

use serde_json::Value;
use sidestep_model::bypass::{Consumer, HostContext};
use sidestep_model::destination::Destination;
use sidestep_model::route::{Route, route};
use sidestep_model::settings::ProxySettings;

const VECTORS: &str = include_str!("data/bypass_vectors.json");
const DOTNET_VECTORS: &str = include_str!("data/dotnet_framework_vectors.json");

#[test]
fn every_row_agrees() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    assert_agreement(file["vectors"].as_array().unwrap(), "expected");
}

#[test]
fn every_row_told_apart_from_dotnet_agrees() {
    let file: Value = serde_json::from_str(DOTNET_VECTORS).unwrap();
    let rows: Vec<Value> = file["bypass_vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["wininet_expected"].is_string())
        .cloned()
        .collect();
    assert_agreement(&rows, "wininet_expected");
}

fn assert_agreement(rows: &[Value], expected: &str) {
    let disagreements: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let text = |key: &str| row[key].as_str().expect("a row holds text");
            let settings = ProxySettings::manual("proxy.example:8080", text("bypass_list"));
            let destination = Destination::parse(text("url")).expect("every row can be routed");
            let decision = route(
                &destination,
                &settings,
                Consumer::Wininet,
                &HostContext::default(),
            );
            let answer = match &decision.route {
                Route::Direct => "direct",
                Route::Proxy(_) => "proxy",
                other => panic!("{}: {other:?}", row["id"]),
            };
            (answer != text(expected))
                .then(|| format!("{}: {answer} by {:?}", row["id"], decision.reason))
        })
        .collect();
    assert!(!rows.is_empty());
    assert!(
        disagreements.is_empty(),
        "of {} rows: {disagreements:#?}",
        rows.len()
    );
}
