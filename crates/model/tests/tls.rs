//! What the registry and `SChannel` say of TLS.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::time::Duration;

use sidestep_model::account::Account;
use sidestep_model::catalogue::Service;
use sidestep_model::check::{Target, Tried, probes, verdict};
use sidestep_model::finding::{Effect, Finding, Severity};
use sidestep_model::observation::{Failure, Observation, Stage, Via};
use sidestep_model::observed::{Observed, ObservedAccount, ValueName};
use sidestep_model::registry::RegistryData;
use sidestep_model::site::{SAMPLE, Site};
use sidestep_model::tls::{SchannelFault, TlsSettings, TlsValue};

fn settings(values: &[(TlsValue, u32)]) -> TlsSettings {
    let values = values.iter();
    TlsSettings(
        values
            .map(|(value, number)| (*value, RegistryData::Dword(*number)))
            .collect(),
    )
}

/// Values, and what they mean.
type Case<'a> = (&'a [(TlsValue, u32)], Vec<Finding>);

#[test]
fn what_keeps_tls_1_2_away_is_named() {
    use TlsValue::{
        DisabledByDefault, Enabled, StrongCrypto, StrongCrypto32, SystemDefault, SystemDefault32,
    };
    let hidden = |is_followed| Finding::Tls12NotOffered { is_followed };
    let weak = |value| Finding::DotnetWeak { value };
    let cases: &[Case<'_>] = &[
        (&[], vec![]),
        (&[(Enabled, 1), (DisabledByDefault, 0)], vec![]),
        // 0xFFFFFFFF is how older instructions write "on".
        (&[(Enabled, u32::MAX)], vec![]),
        (&[(Enabled, 0)], vec![Finding::Tls12Off]),
        // The grave cause alone.
        (
            &[(Enabled, 0), (DisabledByDefault, 1), (StrongCrypto, 0)],
            vec![Finding::Tls12Off],
        ),
        (&[(DisabledByDefault, 1)], vec![hidden(false)]),
        (
            &[(DisabledByDefault, 1), (SystemDefault, 1)],
            vec![hidden(true)],
        ),
        (&[(StrongCrypto, 0)], vec![weak(StrongCrypto)]),
        // Told to offer what Windows does, the other value counts for nothing.
        (&[(StrongCrypto, 0), (SystemDefault, 1)], vec![]),
        (
            &[(StrongCrypto32, 0), (SystemDefault32, 0), (StrongCrypto, 1)],
            vec![weak(StrongCrypto32)],
        ),
        (&[(StrongCrypto, 1), (SystemDefault, 0)], vec![]),
    ];
    for (values, expected) in cases {
        assert_eq!(settings(values).findings(), *expected, "{values:?}");
    }
}

#[test]
fn what_is_no_number_says_nothing() {
    let text = RegistryData::Text("0".to_owned());
    let settings = TlsSettings([(TlsValue::Enabled, text)].into());
    assert_eq!(settings.switch(TlsValue::Enabled), None);
    assert_eq!(settings.findings(), []);
}

#[test]
fn only_what_surely_stands_in_the_way_fails() {
    assert_eq!(Finding::Tls12Off.effect(), Effect::Fail);
    let followed = Finding::Tls12NotOffered { is_followed: true };
    assert_eq!(followed.effect(), Effect::Fail);
    let not = Finding::Tls12NotOffered { is_followed: false };
    assert_eq!(not.severity(), Severity::Warning);
    let weak = Finding::DotnetWeak {
        value: TlsValue::StrongCrypto,
    };
    assert_eq!(weak.severity(), Severity::Warning);
}

#[test]
fn windows_numbers_are_told_apart() {
    let cases = [
        (0x8009_0325_u32, SchannelFault::Untrusted),
        (0x800B_0109, SchannelFault::Untrusted),
        (0x800B_010F, SchannelFault::OtherName),
        (0x8009_0328, SchannelFault::Expired),
        (0x8009_2013, SchannelFault::Revocation),
        (0x8009_0331, SchannelFault::NothingInCommon),
        (0x8009_0302, SchannelFault::ProtocolOff),
        (0x8009_0326, SchannelFault::PeerRefused),
        (0x8009_0304, SchannelFault::Other(-2_146_893_052)),
    ];
    for (code, expected) in cases {
        assert_eq!(SchannelFault::of(code.cast_signed()), expected, "{code:#x}");
    }
}

/// A machine whose SYSTEM goes direct, and what was seen on the way to two names.
fn seen(tls: TlsSettings, schannel: &Stage) -> Vec<Finding> {
    let direct = [&[0x46, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0][..], &[0; 44]].concat();
    let blob = RegistryData::Binary(direct);
    let observed = Observed {
        system: ObservedAccount {
            exists: true,
            values: [(ValueName::DefaultConnectionSettings, blob)].into(),
            ..ObservedAccount::default()
        },
        tls,
        ..Observed::default()
    };
    let names = ["a", "b"].map(|name| Target {
        host: format!("{name}.privatelink.blob.core.windows.net"),
        service: Service::Blob,
        expected: Vec::new(),
    });
    let tried = probes(&observed, &[Account::System], &names).into_iter();
    let tried = tried.map(|probe| {
        let worked = Stage::Passed(Duration::from_millis(1));
        let seen = Observation {
            dns: worked.clone(),
            tcp: worked.clone(),
            tls: worked.clone(),
            http: worked,
            schannel: schannel.clone(),
            ..Observation::new(&probe.target.host, 443, Via::Direct)
        };
        let seen = vec![seen];
        Tried { probe, seen }
    });
    let site = Site::parse(SAMPLE).unwrap();
    verdict(&site, &observed, &[], tried.collect()).findings
}

#[test]
fn a_handshake_that_fails_is_told_once_and_not_beside_its_cause() {
    let passed = Stage::Passed(Duration::ZERO);
    let fault = SchannelFault::NothingInCommon;
    let failed = Stage::Failed(Duration::ZERO, Failure::Schannel(fault));
    assert_eq!(seen(TlsSettings::default(), &passed), []);
    assert_eq!(seen(TlsSettings::default(), &Stage::NotNeeded), []);
    let hosts = ["a", "b"].map(|name| format!("{name}.privatelink.blob.core.windows.net"));
    assert_eq!(
        seen(TlsSettings::default(), &failed),
        [Finding::SchannelFails {
            hosts: hosts.to_vec(),
            fault,
        }]
    );
    let off = settings(&[(TlsValue::Enabled, 0)]);
    assert_eq!(seen(off, &failed), [Finding::Tls12Off]);
}
