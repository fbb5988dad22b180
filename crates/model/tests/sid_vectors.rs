//! Service SIDs from public listings.

use serde_json::Value;
use sidestep_model::account::{Account, PLUGIN_SERVICE, Sid};

/// As printed in the support article that Sidestep automates.
const PLUGIN_SID: &str = "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151";

#[test]
fn every_service_has_its_published_sid() {
    let document: Value =
        serde_json::from_str(include_str!("data/service_sids.json")).expect("JSON");
    let vectors = document["vectors"].as_array().expect("a list");
    assert_eq!(
        Some(vectors.len() as u64),
        document["meta"]["count"].as_u64()
    );
    for vector in vectors {
        let service = vector["service"].as_str().expect("a name");
        assert_eq!(
            vector["sid"],
            Sid::of_service(service).as_str(),
            "{service}"
        );
    }
}

#[test]
fn the_case_of_a_service_name_does_not_matter() {
    let sid = Sid::of_service(PLUGIN_SERVICE);
    assert_eq!(sid, Sid::of_service(&PLUGIN_SERVICE.to_lowercase()));
    assert_eq!(sid, Sid::of_service(&PLUGIN_SERVICE.to_uppercase()));
}

#[test]
fn the_two_accounts_are_those_of_the_article() {
    assert_eq!(Account::Plugin.sid().unwrap().as_str(), PLUGIN_SID);
    assert_eq!(Account::System.sid().unwrap().as_str(), "S-1-5-18");
}
