//! The column of `docs/conformance.md` that another library answers by itself.

use hyper_util::client::proxy::matcher::Matcher;
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/conformance.md");
const VECTORS: &str = include_str!("../../crates/model/tests/data/conformance.json");

#[test]
fn hyper_util_says_what_its_column_says() {
    let file: Value = serde_json::from_str(VECTORS).expect("the carried rows are JSON");
    let vectors = file["vectors"].as_array().expect("vectors are a list");
    let rows = PAGE.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut count = 0;
    for row in rows {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let id = cells.nth(3).and_then(|vector| vector.split(',').next());
        let vector = vectors.iter().find(|vector| vector["id"].as_str() == id);
        let text = |key: &str| vector.and_then(|vector| vector[key].as_str());
        let [list, url] =
            ["bypass_list", "url"].map(|key| text(key).expect("a row has its vector"));
        assert_eq!(cells.next_back(), Some(by_hyper_util(list, url)), "{row}");
        count += 1;
    }
    assert!(count > 20);
}

/// hyper-util itself, told of the list as it tells itself on Windows: blanks around
/// entries go, `10.*.*.*` becomes `10.0.0.0/8`, `*.` goes (`normalize_proxy_override`
/// in its `client/proxy/matcher.rs`, 0.1.21).
fn by_hyper_util(list: &str, url: &str) -> &'static str {
    let entries = list.split(';').map(|entry| {
        let entry = entry.trim();
        let fixed: Vec<&str> = entry.split('.').take_while(|part| *part != "*").collect();
        let wild = entry.split('.').count() - fixed.len();
        let is_wild_behind = entry.split('.').skip(fixed.len()).all(|part| part == "*");
        let octets: Result<Vec<u8>, _> = fixed.iter().map(|part| part.parse::<u8>()).collect();
        match octets {
            Ok(mut octets) if is_wild_behind && wild > 0 && (1..=3).contains(&fixed.len()) => {
                octets.resize(4, 0);
                let octets: Vec<String> = octets.iter().map(ToString::to_string).collect();
                format!("{}/{}", octets.join("."), fixed.len() * 8)
            }
            _ => entry.to_owned(),
        }
    });
    let list = entries.collect::<Vec<_>>().join(",").replace("*.", "");
    let matcher = Matcher::builder()
        .all("http://proxy.example:8080")
        .no(list)
        .build();
    let uri: http::Uri = url.parse().expect("every row's URL is one to hyper, too");
    match matcher.intercept(&uri) {
        Some(_) => "proxy",
        None => "direct",
    }
}
