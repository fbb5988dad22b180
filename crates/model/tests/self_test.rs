//! What a service's answers prove, and what they leave open.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::self_test::{
    Answer, Question, SettingsTold, State, Subject, Told, Verdict, judge, urls,
};
use sidestep_model::settings::ProxySettings;

const SID: &str = "S-1-5-80-1-2-3-4-5";
const PROXY: &str = "127.0.0.1:3128";

fn settings() -> ProxySettings {
    ProxySettings::manual(PROXY, "*.blob.core.windows.net;<local>")
}

fn question() -> Question {
    Question {
        connect: PROXY.parse().unwrap(),
        urls: [
            "https://a.blob.core.windows.net/",
            "https://www.example.com/",
            "https://fileserver/",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn as_predicted() -> Answer {
    let seen = SettingsTold::expected(&settings());
    let dotnet = ["direct", "http://127.0.0.1:3128/", "direct"];
    Answer {
        sid: Told::Said(SID.to_owned()),
        wininet: Told::Said(seen.clone()),
        winhttp: Told::Said(seen),
        dotnet: Told::Said(dotnet.map(str::to_owned).to_vec()),
        connected: Told::Said(()),
    }
}

fn judged(answer: &Answer) -> Vec<(Subject, State)> {
    judge(SID, &settings(), &question(), answer)
}

fn verdict(answer: &Answer) -> Verdict {
    Verdict::of(judged(answer).iter().map(|(_, state)| state))
}

#[test]
fn what_is_as_predicted_agrees() {
    let agrees = |observations| State::Agrees { observations };
    assert_eq!(
        judged(&as_predicted()),
        [
            (Subject::Account, agrees(1)),
            (Subject::Wininet, agrees(4)),
            (Subject::Winhttp, agrees(4)),
            (Subject::DotnetFramework, agrees(3)),
        ]
    );
    assert_eq!(verdict(&as_predicted()), Verdict::Agrees);
}

#[test]
fn one_way_that_is_another_disagrees() {
    let mut answer = as_predicted();
    let proxied = "http://127.0.0.1:3128/".to_owned();
    answer.dotnet = Told::Said(vec![proxied.clone(), proxied.clone(), "direct".to_owned()]);
    let states = judged(&answer);
    let State::Disagrees { against, .. } = &states[3].1 else {
        panic!("{states:?}");
    };
    let [one] = against.as_slice() else {
        panic!("{against:?}");
    };
    assert_eq!(one.asked, "https://a.blob.core.windows.net/");
    assert_eq!(one.expected, "direct");
    assert_eq!(one.seen, "http://127.0.0.1:3128");
    assert_eq!(verdict(&answer), Verdict::Disagrees);
}

#[test]
fn settings_that_are_others_disagree_field_by_field() {
    let mut answer = as_predicted();
    let mut other = SettingsTold::expected(&settings());
    other.auto_detect = true;
    other.list.clear();
    answer.winhttp = Told::Said(other);
    let states = judged(&answer);
    let State::Disagrees { against, .. } = &states[2].1 else {
        panic!("{states:?}");
    };
    let asked: Vec<&str> = against.iter().map(|one| one.asked.as_str()).collect();
    assert_eq!(asked, ["auto-detect", "list"]);
    assert_eq!(verdict(&answer), Verdict::Disagrees);
}

/// A reader that is absent, or says too little, proves nothing either way.
#[test]
fn silence_is_neither_for_nor_against() {
    let silent: [Told<Vec<String>>; 2] = [
        Told::Nothing("there is no PowerShell".to_owned()),
        Told::Said(vec!["direct".to_owned()]),
    ];
    for dotnet in silent {
        let answer = Answer {
            dotnet,
            ..as_predicted()
        };
        assert!(matches!(judged(&answer)[3].1, State::NotAsked { .. }));
        assert_eq!(verdict(&answer), Verdict::Incomplete);
        // What disagrees is not hidden by what is silent.
        let other = Answer {
            sid: Told::Said("S-1-5-18".to_owned()),
            ..answer
        };
        assert_eq!(verdict(&other), Verdict::Disagrees);
    }
}

#[test]
fn enough_is_asked_and_by_both_ways() {
    let urls = urls(Catalogue::of(Cloud::AzureCloud));
    assert!(urls.len() >= 30, "{}", urls.len());
    let question = Question { urls, ..question() };
    let all_direct = vec!["direct".to_owned(); question.urls.len()];
    let answer = Answer {
        dotnet: Told::Said(all_direct),
        ..as_predicted()
    };
    let states = judge(SID, &settings(), &question, &answer);
    let State::Disagrees {
        against,
        observations,
    } = &states[3].1
    else {
        panic!("everything is predicted to go direct");
    };
    assert!(against.len() >= 15 && observations - against.len() >= 5);
    // What comes back is what was sent.
    let written = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&written).unwrap(), answer);
}
