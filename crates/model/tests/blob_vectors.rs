//! Blobs that other programs wrote, byte for byte.

use proptest::prelude::*;
use serde_json::Value;
use sidestep_model::blob::{
    Blob, BlobError, BlobText, ConnectionSettings, DiscoveryCache, Tail, WinHttpSettings, describe,
    parse_hex,
};
use sidestep_model::settings::{Flags, ProxySettings};

/// `How_to_PE…_06.png` in jpabrs-scem/blog, transcribed: the plugin account's
/// value in the published article. The proxy is named but switched off.
const PUBLISHED_SAMPLE: &str = "\
    460000004f000000090000000e00000031302e322e302e31363a38303830930000006c6f63616c686f7374\
    3b3136382e36332e3132392e31363b3136392e3235342e3136392e3235343b2a2e6261636b75702e77696e\
    646f7773617a7572652e636f6d3b2a2e71756575652e636f72652e77696e646f77732e6e65743b2a2e626c\
    6f622e636f72652e77696e646f77732e6e65743b2a2e626c6f622e73746f726167652e617a7572652e6e65\
    743b3c6c6f63616c3e00000000000000000000000000000000000000000000000000000000000000000000\
    0000";

#[test]
fn every_vector_decodes_to_its_fields_and_back() {
    let mut decoded = 0;
    for vector in vectors() {
        let id = vector["id"].as_str().expect("an id");
        let bytes = parse_hex(vector["hex"].as_str().expect("hex")).expect("plain hex");
        assert_eq!(Some(bytes.len() as u64), vector["length"].as_u64(), "{id}");
        let Ok(blob) = Blob::decode(&bytes) else {
            continue;
        };
        decoded += 1;
        assert_eq!(blob.encode(), bytes, "{id}: encoding");
        let expected = &vector["decoded"];
        let document = serde_json::to_value(describe(&blob)).expect("a document");
        for key in [
            "version",
            "counter",
            "flags",
            "proxy_server",
            "proxy_bypass",
            "auto_config_url",
            "autodiscovery_flags",
            "last_detect_url",
            "last_detect_filetime",
            "ipv4_list",
            "secondary_auto_config_url",
            "auto_config_reload_delay_mins",
            "sockaddr_list",
        ] {
            assert_eq!(document[key], expected[key], "{id}: {key}");
        }
        assert_eq!(document["complete"], vector["complete"], "{id}: complete");
        let trailing = document["trailing_hex"].as_str().expect("trailing bytes");
        match &expected["trailing_hex"] {
            Value::String(expected) => assert_eq!(trailing, expected, "{id}: trailing"),
            _ => assert_eq!(
                Some(trailing.len() as u64 / 2),
                expected["leftover_bytes"].as_u64(),
                "{id}: trailing"
            ),
        }
        let is_winhttp = vector["value_name"] == "WinHttpSettings";
        let kind = if is_winhttp { "winhttp" } else { "connection" };
        assert_eq!(document["kind"], kind, "{id}: kind");
    }
    assert!(decoded > 20, "only {decoded} vectors were decoded");
}

#[test]
fn unusable_vectors_are_refused_with_the_place() {
    let mut refused = 0;
    for vector in vectors() {
        let id = vector["id"].as_str().expect("an id");
        let bytes = parse_hex(vector["hex"].as_str().expect("hex")).expect("plain hex");
        let is_readable = vector["valid_prefix"] == true && vector["decoded"]["version"] != 0;
        let Err(error) = Blob::decode(&bytes) else {
            assert!(is_readable, "{id} must be refused");
            continue;
        };
        refused += 1;
        assert!(!is_readable, "{id} must be readable, not: {error}");
        let place = match error {
            BlobError::TooShort { offset, .. } => format!("short at {offset}"),
            BlobError::StringOverrun { offset, len, .. } => {
                format!("string overruns at {offset} len {len}")
            }
            BlobError::UnknownVersion(version) => {
                assert_eq!(vector["decoded"]["version"], version, "{id}");
                continue;
            }
        };
        assert_eq!(vector["decode_error"], place, "{id}");
    }
    assert!(refused >= 4, "only {refused} vectors were refused");
}

#[test]
fn the_published_sample_is_a_named_proxy_that_is_off() {
    let bytes = parse_hex(PUBLISHED_SAMPLE).expect("plain hex");
    assert_eq!(bytes.len(), 217);
    let settings = ConnectionSettings::decode(&bytes).expect("a published value");
    assert!(settings.is_complete());
    assert_eq!(settings.counter, 79);
    let meaning = settings.settings();
    assert_eq!(
        meaning,
        ProxySettings {
            flags: Flags(Flags::DIRECT | Flags::AUTO_DETECT),
            proxy_server: "10.2.0.16:8080".to_owned(),
            proxy_override: "localhost;168.63.129.16;169.254.169.254;\
                *.backup.windowsazure.com;*.queue.core.windows.net;*.blob.core.windows.net;\
                *.blob.storage.azure.net;<local>"
                .to_owned(),
            auto_config_url: String::new(),
        }
    );
    assert!(!meaning.has_manual_proxy());
}

#[test]
fn new_settings_are_what_windows_writes_first() {
    let nothing = ConnectionSettings::new(&ProxySettings::default());
    let mut expected = vec![0x46, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    expected.resize(56, 0);
    assert_eq!(nothing.encode(), expected);
    assert!(nothing.is_complete());

    // The layout holds beyond the 255 bytes at which scripts with one-byte lengths break.
    let long = ProxySettings::manual("10.2.0.16:8080", &"*.example.com;".repeat(200));
    let written = ConnectionSettings::new(&long).encode();
    let read = ConnectionSettings::decode(&written).expect("our own value");
    assert_eq!(read.settings(), long);
}

#[test]
fn new_settings_keep_counter_tail_and_untouched_strings() {
    let before = ConnectionSettings {
        version: 0x46,
        counter: u32::MAX,
        flags: Flags(Flags::AUTO_DETECT),
        proxy_server: BlobText::from("old:1"),
        proxy_bypass: BlobText::from(vec![b'b', 0xFC, b'r', b'o']),
        auto_config_url: BlobText::from(" "),
        tail: Tail::Opaque(vec![1, 2, 3]),
    };
    assert_eq!(before.settings().proxy_override, "büro");
    let wanted = ProxySettings {
        flags: Flags(Flags::MANUAL_PROXY),
        proxy_server: "new:2".to_owned(),
        ..before.settings()
    };
    let after = before.with_settings(&wanted);
    assert_eq!(after.counter, 0, "the counter wraps");
    assert_eq!(after.flags, Flags(Flags::DIRECT | Flags::MANUAL_PROXY));
    assert_eq!(after.proxy_server.as_bytes(), b"new:2");
    assert_eq!(after.proxy_bypass, before.proxy_bypass);
    assert_eq!(after.auto_config_url, before.auto_config_url);
    assert_eq!(after.tail, before.tail);
}

#[test]
fn what_other_writers_append_survives() {
    // Wine's wininet ends with 40 bytes instead of 32.
    let mut wine = ConnectionSettings::new(&ProxySettings::manual("proxy:80", "")).encode();
    wine.extend([0; 8]);
    let read = ConnectionSettings::decode(&wine).expect("a longer tail is no error");
    assert!(!read.is_complete());
    assert_eq!(read.trailing(), [0; 8]);
    assert_eq!(read.encode(), wine);

    // A version that nobody knows yet keeps its tail, whatever it means.
    let mut future = wine.clone();
    future[0] = 0x50;
    let read = ConnectionSettings::decode(&future).expect("the strings are where they were");
    assert_eq!(read.trailing().len(), 40);
    assert_eq!(read.settings().proxy_server, "proxy:80");
    assert_eq!(read.encode(), future);

    // What `netsh winhttp set advproxy` may append is not ours to judge.
    let winhttp = parse_hex("2800000000000000010000000000000000000000 0102").expect("hex");
    let read = WinHttpSettings::decode(&winhttp).expect("trailing bytes are no error");
    assert!(!read.is_complete());
    assert_eq!(read.encode(), winhttp);
}

#[test]
fn the_documented_direct_value_is_of_the_older_version() {
    // `use-group-policy-apply-winhttp-proxy-settings`, MicrosoftDocs/SupportArticles-docs.
    let bytes = parse_hex("1800000000000000010000000000000000000000").expect("hex");
    let Ok(Blob::WinHttp(settings)) = Blob::decode(&bytes) else {
        panic!("0x18 marks the machine's settings");
    };
    assert!(settings.is_complete());
    assert_eq!(settings.version, 0x18);
    assert_eq!(settings.settings().flags, Flags(Flags::DIRECT));
    assert_eq!(settings.encode(), bytes);
}

#[test]
fn versions_between_the_two_kinds_are_refused() {
    for version in [0_u32, 1, 0x17, 0x19, 0x27, 0x29, 0x3B] {
        let mut bytes = version.to_le_bytes().to_vec();
        bytes.resize(64, 0);
        assert_eq!(
            Blob::decode(&bytes),
            Err(BlobError::UnknownVersion(version))
        );
    }
}

#[test]
fn credentials_stay_out_of_the_document() {
    let settings = ProxySettings {
        proxy_server: "http=http://user:secret@proxy:8080".to_owned(),
        auto_config_url: "http://user:secret@wpad/proxy.pac".to_owned(),
        ..ProxySettings::default()
    };
    let blob = Blob::Connection(ConnectionSettings::new(&settings));
    let document = serde_json::to_string(&describe(&blob)).expect("a document");
    assert!(!document.contains("secret"), "{document}");
    assert!(document.contains(r#""proxy_server":"http=http://***@proxy:8080""#));
    assert!(document.contains(r#""auto_config_url":"http://***@wpad/proxy.pac""#));
}

#[test]
fn bytes_are_read_as_people_paste_them() {
    let expected = [0x46, 0x00, 0x0a, 0xff];
    for text in [
        "46000aff",
        "46000AFF",
        "46 00 0a ff",
        "46,00,0a,ff\r\n",
        "46-00-0A-FF",
        "0x46, 0x0, 0xa, 0xff",
        "0x46000aff",
        "hex:46,00,0a,ff",
        "hex(3):46,00,\\\r\n  0a,ff",
        "\"DefaultConnectionSettings\"=hex:46,00,\\\r\n  0a,ff\r\n",
        "\u{feff}\"a \\\"hex:\\\" name\"=hex:46,00,0a,ff",
        "@=hex:46,00,0a,ff",
        "\r\nHKEY_USERS\\S-1-5-18\\Software\\Connections\r\n    \
         DefaultConnectionSettings    REG_BINARY    46000AFF\r\n\r\n",
    ] {
        assert_eq!(parse_hex(text).as_deref(), Ok(&expected[..]), "{text}");
    }
    assert_eq!(parse_hex("hex:"), Ok(Vec::new()));
    for (text, position) in [
        ("46 0", 3),
        ("460", 0),
        ("70 0 0 0", 3),
        ("4600 xy", 5),
        ("46\\00", 2),
        ("0x", 0),
        ("46 000é", 6),
        ("a REG_BINARY 46\r\nb REG_BINARY 46", 17),
    ] {
        let error = parse_hex(text).expect_err(text);
        assert_eq!(error.position, position, "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes in blob_like()) {
        if let Ok(blob) = Blob::decode(&bytes) {
            prop_assert_eq!(blob.encode(), bytes);
        }
    }

    #[test]
    fn whole_values_decode_to_what_was_encoded(settings in connection()) {
        let decoded = ConnectionSettings::decode(&settings.encode());
        prop_assert_eq!(decoded.as_ref(), Ok(&settings));
        prop_assert!(settings.with_settings(&settings.settings()).tail == settings.tail);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, text: String) {
        if let Ok(blob) = Blob::decode(&bytes) {
            let _document = describe(&blob);
        }
        if let Err(error) = parse_hex(&text) {
            prop_assert!(text.is_char_boundary(error.position));
        }
    }
}

/// Real values cut, prolonged and with bytes changed: most still decode.
fn blob_like() -> impl Strategy<Value = Vec<u8>> {
    let real: Vec<Vec<u8>> = vectors()
        .iter()
        .map(|vector| parse_hex(vector["hex"].as_str().expect("hex")).expect("plain hex"))
        .collect();
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let more = prop::collection::vec(any::<u8>(), 0..12);
    (prop::sample::select(real), changes, 0..12_usize, more).prop_map(
        |(mut bytes, changes, cut, more)| {
            for (index, byte) in changes {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            bytes.extend(more);
            bytes
        },
    )
}

fn connection() -> impl Strategy<Value = ConnectionSettings> {
    let text = || prop::collection::vec(any::<u8>(), 0..40).prop_map(BlobText::from);
    let address = prop::array::uniform32(any::<u8>()).prop_map(|quarter| {
        let mut storage = [0; 128];
        storage[..32].copy_from_slice(&quarter);
        storage
    });
    let cache = (
        (any::<u32>(), text(), any::<u64>(), text(), any::<u32>()),
        prop::collection::vec(any::<std::net::Ipv4Addr>(), 0..4),
        prop::option::of(prop::collection::vec(address, 0..3)),
        prop::collection::vec(any::<u8>(), 0..20),
    )
        .prop_map(
            |(numbers, ipv4_list, sockaddr_list, surplus)| DiscoveryCache {
                autodiscovery_flags: numbers.0,
                last_detect_url: numbers.1,
                last_detect_filetime: numbers.2,
                ipv4_list,
                secondary_auto_config_url: numbers.3,
                auto_config_reload_delay_mins: numbers.4,
                sockaddr_list,
                surplus,
            },
        );
    (any::<u32>(), any::<u32>(), text(), text(), text(), cache).prop_map(
        |(counter, flags, proxy_server, proxy_bypass, auto_config_url, cache)| ConnectionSettings {
            version: if cache.sockaddr_list.is_some() {
                0x46
            } else {
                0x3C
            },
            counter,
            flags: Flags(flags),
            proxy_server,
            proxy_bypass,
            auto_config_url,
            tail: Tail::Whole(cache),
        },
    )
}

fn vectors() -> Vec<Value> {
    let document: Value =
        serde_json::from_str(include_str!("data/wininet_blobs.json")).expect("JSON");
    document["blobs"].as_array().expect("a list").clone()
}
