//! `docs/conformance.md` says what the vectors and the model say; its last column
//! is held against hyper-util in `xtask/tests`.

use serde_json::Value;
use sidestep_model::bypass::{BypassList, Consumer, Decision, HostContext};
use sidestep_model::destination::Destination;
use sidestep_model::route::{Route, by_winhttp};
use sidestep_model::settings::ProxySettings;

const PAGE: &str = include_str!("../../../docs/conformance.md");
const VECTORS: &str = include_str!("data/conformance.json");
/// The columns behind `WinHTTP`, as the vectors name them.
const OTHERS: [&str; 5] = [
    "dotnet_socketshttphandler",
    "chromium",
    "firefox",
    "cpython_urllib",
    "wine",
];

#[test]
fn every_cell_has_its_vector() {
    let file: Value = serde_json::from_str(VECTORS).expect("the carried rows are JSON");
    let vectors = file["vectors"].as_array().expect("vectors are a list");
    let rows = PAGE.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [
            _,
            list,
            url,
            vector,
            dotnet,
            wininet,
            winhttp,
            others @ ..,
            _hyper_util,
        ] = cells.as_slice()
        else {
            panic!("{row}");
        };
        let (id, basis) = vector.split_once(", ").expect("a vector has a basis");
        let vector = vectors
            .iter()
            .find(|vector| vector["id"] == id)
            .expect("the vector is there");
        let text = |key: &str| vector[key].as_str().expect("a vector holds text");
        assert_eq!(*url, text("url"), "{id}");
        assert_eq!(basis, text("basis").replace('_', " "), "{id}");
        let written = text("bypass_list").replace('\u{a0}', "\\u{a0}");
        assert_eq!(
            list.trim_matches('`'),
            if written.is_empty() {
                "empty"
            } else {
                &written
            }
        );
        assert_eq!(*wininet, text("expected"), "{id}");
        assert_eq!(others.len(), OTHERS.len(), "{id}");
        for (name, cell) in OTHERS.iter().zip(others) {
            let parts = vector["disagreement"].as_array().into_iter().flatten();
            let own = parts.filter(|part| part["implementation"] == *name);
            let expected = own.map(|part| &part["expected"]).next();
            assert_eq!(
                expected.unwrap_or_else(|| &vector["expected"]),
                cell,
                "{id} {name}"
            );
        }
        let destination = Destination::parse(url).expect("every row can be routed");
        for (consumer, cell) in Consumer::ALL.into_iter().zip([dotnet, wininet]) {
            let list = BypassList::parse(text("bypass_list"), consumer);
            let decision = list.decide(&destination, &HostContext::default());
            let expected = if decision == Decision::NotListed {
                "proxy"
            } else {
                "direct"
            };
            assert_eq!(expected, *cell, "{id} for {consumer}");
        }
        let settings = ProxySettings::manual("proxy.example:8080", text("bypass_list"));
        let expected = match by_winhttp(&destination, &settings).route {
            Route::Direct => "direct",
            Route::Proxy(_) => "proxy",
            other => {
                assert_eq!(other, Route::Unknown, "{id}");
                "*not confirmed*"
            }
        };
        assert_eq!(expected, *winhttp, "{id} for winhttp");
        count += 1;
    }
    assert!(count > 20);
}
