//! Settings blobs: the input is a registry value's bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sidestep_model::blob::{Blob, ConnectionSettings, WinHttpSettings, describe, parse_hex};
use sidestep_model::settings::{Flags, ProxySettings};

fuzz_target!(|bytes: &[u8]| {
    let connection = ConnectionSettings::decode(bytes);
    let winhttp = WinHttpSettings::decode(bytes);
    if let Ok(settings) = &connection {
        assert_eq!(settings.encode(), bytes);
        replacing_says_what_is_asked(settings);
    }
    if let Ok(settings) = &winhttp {
        assert_eq!(settings.encode(), bytes);
    }
    let of_its_kind = connection
        .map(Blob::Connection)
        .or(winhttp.map(Blob::WinHttp));
    let blob = Blob::decode(bytes);
    assert_eq!(blob.clone().ok(), of_its_kind.ok());
    if let Ok(blob) = blob {
        assert_eq!(blob.encode(), bytes);
        is_described(&blob, bytes);
    }
});

/// The replaced value says the new settings, keeps the tail and reads back as
/// itself. The new strings are the old ones, each in another's place.
fn replacing_says_what_is_asked(old: &ConnectionSettings) {
    let said = old.settings();
    let new = ProxySettings {
        flags: Flags(!said.flags.0),
        proxy_server: said.proxy_override.clone(),
        proxy_override: said.auto_config_url.clone(),
        auto_config_url: said.proxy_server.clone(),
    };
    for settings in [&said, &new] {
        let replaced = old.with_settings(settings);
        let flags = settings.flags.with(Flags::DIRECT);
        assert_eq!(
            replaced.settings(),
            ProxySettings {
                flags,
                ..settings.clone()
            }
        );
        assert_eq!(replaced.tail, old.tail);
        assert_eq!(replaced.counter, old.counter.wrapping_add(1));
        assert_eq!(
            ConnectionSettings::decode(&replaced.encode()).as_ref(),
            Ok(&replaced)
        );
    }
    // What is said already keeps its bytes, in whatever code page they are.
    let unchanged = old.with_settings(&said);
    assert_eq!(unchanged.proxy_server, old.proxy_server);
    assert_eq!(unchanged.proxy_bypass, old.proxy_bypass);
    assert_eq!(unchanged.auto_config_url, old.auto_config_url);
}

fn is_described(blob: &Blob, bytes: &[u8]) {
    let document = describe(blob);
    let not_understood = parse_hex(&document.trailing_hex).expect("hexadecimal digits");
    assert!(bytes.ends_with(&not_understood));
    assert!(!document.complete || not_understood.is_empty());
}
