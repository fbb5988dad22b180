//! What the registry and `SChannel` say of TLS.

use sidestep_model::finding::{Effect, Finding, Severity};
use sidestep_model::registry::RegistryData;
use sidestep_model::tls::{SchannelFault, TlsSettings, TlsValue};

fn settings(values: &[(TlsValue, u32)]) -> TlsSettings {
    let values = values.iter();
    TlsSettings(
        values
            .map(|(value, number)| (*value, RegistryData::Dword(*number)))
            .collect(),
    )
}

#[test]
fn what_keeps_tls_1_2_away_is_named() {
    use TlsValue::{
        DisabledByDefault, Enabled, StrongCrypto, StrongCrypto32, SystemDefault, SystemDefault32,
    };
    let hidden = |is_followed| Finding::Tls12NotOffered { is_followed };
    let weak = |value| Finding::DotnetWeak { value };
    let cases: [(&[(TlsValue, u32)], Vec<Finding>); 11] = [
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
        assert_eq!(settings(values).findings(), expected, "{values:?}");
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
