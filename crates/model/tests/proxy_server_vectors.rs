//! Which proxy `WinINet` takes from a `ProxyServer` string, and which mechanism
//! decides for a flags field.

use serde_json::Value;
use sidestep_model::bypass::{Consumer, HostContext};
use sidestep_model::destination::Destination;
use sidestep_model::proxy_server::{masked, select};
use sidestep_model::route::{Reason, Route, route};
use sidestep_model::settings::{Flags, ProxySettings};

const VECTORS: &str = include_str!("data/proxy_server_vectors.json");
const DOTNET_VECTORS: &str = include_str!("data/dotnet_framework_vectors.json");

#[test]
fn every_row_agrees() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    for row in file["vectors"].as_array().unwrap() {
        assert_selection(row, "expected_proxy");
    }
}

#[test]
fn every_row_told_apart_from_dotnet_agrees() {
    let file: Value = serde_json::from_str(DOTNET_VECTORS).unwrap();
    let rows = file["proxy_server_vectors"].as_array().unwrap().iter();
    let known: Vec<&Value> = rows
        .filter(|row| row["wininet_expected"].is_string())
        .collect();
    assert!(!known.is_empty());
    for row in known {
        assert_selection(row, "wininet_expected");
    }
}

#[test]
fn every_mode_agrees() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    for row in file["mode_precedence"].as_array().unwrap() {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let settings = ProxySettings {
            flags: Flags(u32::try_from(row["flags"].as_u64().unwrap()).unwrap()),
            proxy_server: text("proxy_server"),
            proxy_override: text("bypass_list"),
            auto_config_url: text("auto_config_url"),
        };
        let destination = Destination::parse(&text("url")).unwrap();
        let decision = route(
            &destination,
            &settings,
            Consumer::Wininet,
            &HostContext::default(),
        );
        let answer = match (decision.route, decision.reason) {
            (Route::Direct, _) => "direct".to_owned(),
            (Route::Proxy(proxy), _) => proxy.to_string(),
            (Route::Auto { fallback }, reason) => {
                let mechanism = if reason == Reason::AutoDetect {
                    "auto-detect"
                } else {
                    "pac"
                };
                fallback.map_or_else(
                    || mechanism.to_owned(),
                    |proxy| format!("{mechanism}, then {proxy}"),
                )
            }
            (Route::Error(error), _) => error.to_string(),
            (Route::Unknown, _) => "unknown".to_owned(),
        };
        assert_eq!(answer, text("expected"), "{}", row["id"]);
    }
}

fn assert_selection(row: &Value, expected: &str) {
    let text = |key: &str| row[key].as_str().expect("a row holds text");
    let destination = Destination::parse(text("url")).expect("every row can be routed");
    let proxy = select(
        text("proxy_server"),
        destination.scheme(),
        Consumer::Wininet,
    )
    .expect("WinINet throws nothing");
    let answer = proxy.map_or_else(|| "direct".to_owned(), |proxy| proxy.to_string());
    assert_eq!(
        answer,
        text(expected),
        "{}: {}",
        row["id"],
        text("proxy_server")
    );
    // No row holds credentials, so that nothing is to be masked.
    assert_eq!(masked(text("proxy_server")), text("proxy_server"));
}
