//! What .NET Framework does with the same strings, as read from Microsoft's
//! reference source and run on the copy of it that Mono carries.

use serde_json::Value;
use sidestep_model::bypass::{Consumer, HostContext};
use sidestep_model::destination::Destination;
use sidestep_model::proxy_server::ProxyServerError;
use sidestep_model::route::{Route, route};
use sidestep_model::settings::{Flags, ProxySettings};

const VECTORS: &str = include_str!("data/dotnet_framework_vectors.json");
const CONSUMER: Consumer = Consumer::DotnetFramework;

#[test]
fn every_list_agrees() {
    let file = vectors();
    let proxy_server = file["environment"]["proxy_server"].as_str().unwrap();
    let disagreements: Vec<String> = file["bypass_vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| {
            let answer = answer(row, proxy_server, &host(row, &file["environment"]));
            let kind = if answer == "direct" {
                "direct"
            } else {
                "proxy"
            };
            (row["expected"] != kind).then(|| format!("{}: {answer}", row["id"]))
        })
        .collect();
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}

#[test]
fn every_proxy_server_string_agrees() {
    let file = vectors();
    for row in file["proxy_server_vectors"].as_array().unwrap() {
        let proxy_server = row["proxy_server"].as_str().unwrap();
        assert_eq!(
            row["expected"],
            answer(row, proxy_server, &HostContext::default()),
            "{}",
            row["id"]
        );
    }
}

/// What a script answers is not ours to say; that it is asked, is, and so is
/// what happens where none can be had.
#[test]
fn every_order_agrees() {
    let file = vectors();
    let proxy_server = file["environment"]["proxy_server"].as_str().unwrap();
    for row in file["order_vectors"].as_array().unwrap() {
        let mechanisms: Vec<&str> = row["flags"].as_str().unwrap().split('+').collect();
        let has = |mechanism: &str, bit: u32| {
            if mechanisms.contains(&mechanism) {
                bit
            } else {
                0
            }
        };
        let settings = ProxySettings {
            flags: Flags(
                Flags::DIRECT
                    | has("manual", Flags::MANUAL_PROXY)
                    | has("pac", Flags::AUTO_CONFIG_URL)
                    | has("autodetect", Flags::AUTO_DETECT),
            ),
            proxy_server: proxy_server.to_owned(),
            proxy_override: if row["listed"] == true {
                "listed.example"
            } else {
                "other.example"
            }
            .to_owned(),
            auto_config_url: "http://wpad.example/proxy.pac".to_owned(),
        };
        let destination = Destination::parse("https://listed.example/").unwrap();
        let decided = route(&destination, &settings, CONSUMER, &HostContext::default()).route;
        let is_listed = row["listed"] == true;
        let manual = format!("http://{proxy_server}");
        match decided {
            Route::Auto { fallback } => {
                assert!(
                    mechanisms.contains(&"pac") || mechanisms.contains(&"autodetect"),
                    "{}",
                    row["id"]
                );
                let expected = (mechanisms.contains(&"manual") && !is_listed).then_some(manual);
                assert_eq!(
                    fallback.map(|proxy| proxy.to_string()),
                    expected,
                    "{}",
                    row["id"]
                );
            }
            Route::Proxy(proxy) => {
                assert_eq!(
                    (row["expected"].as_str(), proxy.to_string()),
                    (Some("proxy"), manual),
                    "{}",
                    row["id"]
                );
            }
            other => assert_eq!(
                (other, row["expected"].as_str()),
                (Route::Direct, Some("direct")),
                "{}",
                row["id"]
            ),
        }
    }
}

fn vectors() -> Value {
    serde_json::from_str(VECTORS).expect("the carried rows are JSON")
}

fn host(row: &Value, environment: &Value) -> HostContext {
    let setting = |key: &str| {
        if row[key].is_null() {
            environment[key].clone()
        } else {
            row[key].clone()
        }
    };
    HostContext {
        dns_suffix: setting("machine_dns_suffix")
            .as_str()
            .expect("a suffix is text")
            .to_owned(),
        own_addresses: serde_json::from_value(setting("own_addresses"))
            .expect("addresses are a list"),
    }
}

fn answer(row: &Value, proxy_server: &str, host: &HostContext) -> String {
    let text = |key: &str| row[key].as_str().expect("a row names list and URL");
    let destination = Destination::parse(text("url")).expect("every row can be routed");
    let settings = ProxySettings::manual(proxy_server, text("bypass_list"));
    match route(&destination, &settings, CONSUMER, host).route {
        Route::Direct => "direct".to_owned(),
        Route::Proxy(proxy) => proxy.to_string(),
        Route::Error(ProxyServerError::Format { .. }) => "error:FormatException".to_owned(),
        Route::Error(ProxyServerError::NotSupported { .. }) => {
            "error:NotSupportedException".to_owned()
        }
        Route::Auto { .. } | Route::Unknown => panic!("{}: nothing automatic is on", row["id"]),
    }
}
