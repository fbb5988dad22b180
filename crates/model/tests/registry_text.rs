//! Registry exports: what is read, what is refused, and what an edit leaves alone.

use std::time::{Duration, Instant};

use sidestep_model::blob::{BlobText, ConnectionSettings};
use sidestep_model::registry::{
    RegistryData, RegistryFile, RegistryFileError, RegistryFileErrorKind as Kind,
};
use sidestep_model::settings::ProxySettings;

const INTERNET: &str =
    r"HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
const SIGNATURE: &str = "Windows Registry Editor Version 5.00\r\n\r\n";

#[test]
fn every_form_of_data_is_read() {
    let file = parse(concat!(
        "Windows Registry Editor Version 5.00\r\n",
        "\r\n",
        "; a comment\r\n",
        "# Windows takes this for one, too\r\n",
        "[HKEY_USERS\\A]\r\n",
        "@=\"default\"\r\n",
        "\"text\"=\"C:\\\\a \\\"b\\\" ; not a comment\" ; a comment\r\n",
        "\"empty\"=\"\"\r\n",
        "\"lines\"=\"one\r\ntwo\"\r\n",
        "\"wine\"=\"one\\r\\ntwo\\0\"\r\n",
        "\"a=\\\"b\\\\\" = dword:1F\r\n",
        "\"binary\"=hex:46,00,\\\r\n",
        "  00,0,ff\r\n",
        "\"commented\"=hex:01,\\ ; Windows takes it\r\n",
        "\t02,\r\n",
        "\"next line\"=hex(2):\\\r\n",
        "  25,00,00,00\r\n",
        "\"binary too\"=hex(3):\r\n",
        "\"text too\"=hex(1):61,00,00,00,62,00,00,00\r\n",
        "\"not ended\"=hex(1):61,00\r\n",
        "\"odd\"=hex(1):61,00,00\r\n",
        "\"lone surrogate\"=hex(1):00,d8,00,00\r\n",
        "\"dword too\"=hex(4):01,02,00,00\r\n",
        "\"short dword\"=hex(4):01,02\r\n",
        "\"many\"=hex(7):61,00,00,00,00,00\r\n",
        "\"strange\"=hex(80000009):01\r\n",
    ));
    let other = |kind, bytes: &[u8]| RegistryData::Other {
        kind,
        bytes: bytes.to_vec(),
    };
    let expected = [
        ("", text("default")),
        ("text", text(r#"C:\a "b" ; not a comment"#)),
        ("empty", text("")),
        ("lines", text("one\r\ntwo")),
        ("wine", text("one\r\ntwo\0")),
        (r#"a="b\"#, RegistryData::Dword(31)),
        ("binary", RegistryData::Binary(vec![0x46, 0, 0, 0, 0xff])),
        ("commented", RegistryData::Binary(vec![1, 2])),
        ("next line", RegistryData::ExpandText("%".to_owned())),
        ("binary too", RegistryData::Binary(Vec::new())),
        ("text too", text("a\0b")),
        ("not ended", other(1, &[0x61, 0])),
        ("odd", other(1, &[0x61, 0, 0])),
        ("lone surrogate", other(1, &[0, 0xd8, 0, 0])),
        ("dword too", RegistryData::Dword(0x201)),
        ("short dword", other(4, &[1, 2])),
        ("many", other(7, &[0x61, 0, 0, 0, 0, 0])),
        ("strange", other(0x8000_0009, &[1])),
    ];
    let values: Vec<_> = file.values(r"HKEY_USERS\A").collect();
    assert_eq!(values, expected);
    for (name, data) in &expected {
        assert_eq!(
            file.value(r"hkey_users\a", &name.to_uppercase()).as_ref(),
            Some(data)
        );
    }
    // Programs stop at the first NUL and do not mind its absence.
    let read = |name| {
        file.value(r"HKEY_USERS\A", name)
            .and_then(|data| data.text())
    };
    assert_eq!(read("text too").as_deref(), Some("a"));
    assert_eq!(read("not ended").as_deref(), Some("a"));
    assert_eq!(read("binary"), None);
}

#[test]
fn the_last_word_counts() {
    let file = parse(concat!(
        "Windows Registry Editor Version 5.00\n",
        "[HKEY_USERS\\A]\n\"x\"=dword:1\n\"y\"=dword:1\n",
        "[HKEY_USERS\\A\\B]\n\"x\"=dword:1\n",
        "[HKEY_USERS\\AB]\n\"x\"=dword:1\n",
        "[HKEY_USERS\\a]\n\"X\"=dword:2\n\"y\"=-\n",
        "[-HKEY_USERS\\A\\b]\n",
        "[HKEY_USERS\\C]\n",
        "[-HKEY_USERS\\c]\n",
        "[HKEY_USERS\\C\\D]\n",
    ));
    let dword = |key, name| match file.value(key, name) {
        Some(RegistryData::Dword(number)) => Some(number),
        _ => None,
    };
    assert_eq!(dword(r"HKEY_USERS\A", "x"), Some(2));
    assert_eq!(dword(r"HKEY_USERS\A", "y"), None);
    assert_eq!(dword(r"HKEY_USERS\A\B", "x"), None);
    assert_eq!(dword(r"HKEY_USERS\AB", "x"), Some(1));
    let keys: Vec<_> = file.keys().collect();
    assert_eq!(keys, [r"HKEY_USERS\A", r"HKEY_USERS\AB", r"HKEY_USERS\C\D"]);
    assert!(file.has_key(r"hkey_users\ab"));
    assert!(!file.has_key(r"HKEY_USERS\A\B"));
    assert!(
        !file.has_key_below(r"HKEY_USERS\A"),
        "`AB` is beside, `A\\B` is gone"
    );
    assert!(!file.has_key(r"HKEY_USERS\C"));
    assert!(file.has_key_below(r"HKEY_USERS\c"));
}

#[test]
fn a_key_ends_at_the_last_bracket() {
    let file = parse("Windows Registry Editor Version 5.00\n[HKEY_USERS\\a]b[c]\n\"x\"=dword:1\n");
    assert!(file.has_key(r"HKEY_USERS\a]b[c"));
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    for (rest, line, kind) in [
        ("\"x\"=dword:1\n", 2, Kind::ValueWithoutKey),
        ("[A]\n[-A]\n\"x\"=dword:1\n", 4, Kind::ValueWithoutKey),
        ("[A\n", 2, Kind::KeyNotClosed),
        ("[A]\n\n  junk\n", 4, Kind::Statement),
        ("[A]\n\"x\"dword:1\n", 3, Kind::EqualsSign),
        ("[A]\n\"x\"=\n", 3, Kind::Data),
        ("[A]\n\"x\"=text\n", 3, Kind::Data),
        ("[A]\n\"x\"=hex(0x2):00\n", 3, Kind::Data),
        ("[A]\n\"x\"=dword:\n", 3, Kind::Dword),
        ("[A]\n\"x\"=dword:123456789\n", 3, Kind::Dword),
        ("[A]\n\"x\"=hex:00,\\\n  00,100\n", 4, Kind::Bytes),
        ("[A]\n\"x\"=hex:00,\\", 3, Kind::Continuation),
        ("[A]\n\"x\"=hex:00,\\\n\n[B]\n", 4, Kind::Continuation),
        ("[A]\n\"x\"=hex:00,\\00\n", 3, Kind::Continuation),
        ("[A]\n\"x\"=hex:00 00\n", 3, Kind::TrailingText),
        ("[A]\n\"x\"=\"a\"b\"\n", 3, Kind::TrailingText),
        ("[A]\n\"x\"=\"C:\\temp\"\n", 3, Kind::Escape('t')),
        ("[A]\n\"x\"=\"a\n\n", 3, Kind::QuoteNotClosed),
        ("[A]\n\"x\"=\"a\\", 3, Kind::QuoteNotClosed),
    ] {
        let text = format!("Windows Registry Editor Version 5.00\n{rest}");
        let error = RegistryFile::parse(text.as_bytes()).expect_err(rest);
        assert_eq!(error, RegistryFileError { line, kind }, "{rest}");
    }
}

#[test]
fn other_formats_are_named() {
    let kind = |bytes: &[u8]| {
        let error = RegistryFile::parse(bytes).expect_err("not a version 5 file");
        (error.line, error.kind)
    };
    assert_eq!(kind(b"REGEDIT4\r\n\r\n"), (1, Kind::Regedit4));
    assert_eq!(kind(b""), (1, Kind::Signature));
    assert_eq!(
        kind(b"Windows Registry Editor Version 5.000"),
        (1, Kind::Signature)
    );
    assert_eq!(kind(b"\xFE\xFF\0W"), (1, Kind::Encoding));
    assert_eq!(kind(b"W\0i\0"), (1, Kind::Encoding));
    assert_eq!(kind(b"\xFF\xFEW"), (1, Kind::Encoding));
    let shift_jis = [SIGNATURE.as_bytes(), b"; \x83\x76\n"].concat();
    assert_eq!(kind(&shift_jis), (3, Kind::Encoding));
    let message = RegistryFile::parse(b"REGEDIT4")
        .expect_err("old")
        .to_string();
    assert_eq!(
        message,
        "line 1: this is the old REGEDIT4 format; export it again in the version 5 format"
    );
}

#[test]
fn bytes_are_wrapped_as_regedit_wraps_them() {
    // An export published on a blog, as regedit wrapped it; proxy 127.0.0.1:80, `<local>`.
    let exported = concat!(
        "\"DefaultConnectionSettings\"=hex:46,00,00,00,0a,00,00,00,01,00,00,00,00,00,00,\\\r\n",
        "  00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,\\\r\n",
        "  00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00\r\n",
    );
    let mut settings = ConnectionSettings::new(&ProxySettings::default());
    settings.counter = 10;
    let mut file = RegistryFile::new();
    let data = RegistryData::Binary(settings.encode());
    file.set("HKEY_USERS\\A", "DefaultConnectionSettings", &data);
    let expected = format!("{SIGNATURE}[HKEY_USERS\\A]\r\n{exported}\r\n");
    assert_eq!(file.to_bytes(), utf16(&expected));

    // Setting the same again changes nothing, setting other bytes wraps alike.
    file.set("hkey_users\\a", "defaultconnectionsettings", &data);
    assert_eq!(file.to_bytes(), utf16(&expected));
    settings.counter = 11;
    settings.proxy_server = BlobText::from("p");
    file.set(
        "HKEY_USERS\\A",
        "DefaultConnectionSettings",
        &RegistryData::Binary(settings.encode()),
    );
    let expected = expected
        .replace(
            "0a,00,00,00,01,00,00,00,00,00,00",
            "0b,00,00,00,01,00,00,00,01,00,00",
        )
        .replace(
            "\\\r\n  00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00\r\n",
            "\\\r\n  00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00\r\n",
        )
        .replacen("\\\r\n  00,00", "\\\r\n  00,70", 1);
    assert_eq!(file.to_bytes(), utf16(&expected));
}

#[test]
fn an_edit_touches_only_its_value() {
    let before = format!(
        "{SIGNATURE}; by hand\r\n[{INTERNET}]\r\n\"ProxyEnable\"=dword:00000000 ; off\r\n\
         \"ProxyServer\"  =  \"old:1\"\r\n\r\n; next\r\n[HKEY_USERS\\B]\r\n\"ProxyServer\"=\"b\""
    );
    let mut file = parse(&before);
    file.set(INTERNET, "proxyenable", &RegistryData::Dword(1));
    file.set(INTERNET, "ProxyServer", &text("new:2"));
    file.set(INTERNET, "ProxyOverride", &text(r#"a\"b""#));
    let after = before
        .replace("dword:00000000 ; off", "dword:00000001 ; off")
        .replace(
            "\"old:1\"\r\n",
            "\"new:2\"\r\n\"ProxyOverride\"=\"a\\\\\\\"b\\\"\"\r\n",
        );
    assert_eq!(file.to_bytes(), after.as_bytes());
    assert_eq!(
        file.value(INTERNET, "PROXYOVERRIDE"),
        Some(text(r#"a\"b""#))
    );
    assert_eq!(
        parse(&after).value(INTERNET, "ProxyOverride"),
        Some(text(r#"a\"b""#))
    );

    // A file without a final line end gets one before a line is added.
    file.set("HKEY_USERS\\B", "x", &RegistryData::Dword(1));
    let after = after + "\r\n\"x\"=dword:00000001\r\n";
    assert_eq!(file.to_bytes(), after.as_bytes());
}

#[test]
fn a_file_that_breaks_off_inside_a_line_end_can_be_added_to() {
    for last_line in ["\"x\"=dword:00000001\r", "; kept\r", "\r"] {
        let before = format!("{SIGNATURE}[HKEY_USERS\\A]\r\n{last_line}");
        for before in [before.clone().into_bytes(), utf16(&before)] {
            for key in ["HKEY_USERS\\A", "HKEY_USERS\\B"] {
                let mut file = RegistryFile::parse(&before).expect("an export");
                file.set(key, "new", &RegistryData::Dword(2));
                let read = RegistryFile::parse(&file.to_bytes()).expect("our own file");
                assert_eq!(read.value(key, "new"), Some(RegistryData::Dword(2)));
            }
        }
    }
}

#[test]
fn making_a_key_is_undone_to_the_byte() {
    let before = format!("{SIGNATURE}[HKEY_USERS\\A]\r\n\"x\"=dword:00000001\r\n\r\n");
    let key = "HKEY_USERS\\B\\Connections";
    let mut file = parse(&before);
    file.set(key, "x", &RegistryData::Binary(vec![1]));
    file.set(key, "y", &RegistryData::Dword(2));
    let added = "[HKEY_USERS\\B\\Connections]\r\n\"x\"=hex:01\r\n\"y\"=dword:00000002\r\n\r\n";
    assert_eq!(file.to_bytes(), format!("{before}{added}").as_bytes());
    assert!(file.has_key(key) && file.has_key_below("HKEY_USERS\\B"));

    // As undo does it, from the file on disk.
    let mut file = parse(&format!("{before}{added}"));
    assert!(!file.remove_key(key), "it still has values");
    assert!(file.remove_value(key, "X"));
    assert!(!file.remove_value(key, "X"), "it is gone");
    assert!(file.remove_value(key, "y"));
    assert!(file.remove_key("hkey_users\\b\\connections"));
    assert!(!file.remove_key(key), "it is gone");
    assert_eq!(file.to_bytes(), before.as_bytes());
    assert!(!file.has_key_below("HKEY_USERS\\B"));
    assert_eq!(
        file.value("HKEY_USERS\\A", "x"),
        Some(RegistryData::Dword(1))
    );
}

#[test]
fn a_key_in_use_is_not_removed() {
    let before = format!("{SIGNATURE}[HKEY_USERS\\A]\r\n\r\n[HKEY_USERS\\A\\B]\r\n; kept\r\n");
    let mut file = parse(&before);
    assert!(!file.remove_key("HKEY_USERS\\A"), "a key below it exists");
    assert!(file.remove_key("HKEY_USERS\\A\\B"));
    assert!(file.remove_key("HKEY_USERS\\A"));
    assert_eq!(file.to_bytes(), format!("{SIGNATURE}; kept\r\n").as_bytes());
}

#[test]
fn every_setting_line_of_a_removed_value_goes() {
    let mut file = parse(concat!(
        "Windows Registry Editor Version 5.00\n",
        "[A]\n\"x\"=dword:1\n\"x\"=-\n\"X\"=dword:2\n[B]\n[A]\n\"x\"=dword:3\n",
    ));
    file.set("a", "x", &RegistryData::Dword(4));
    assert_eq!(file.value("A", "x"), Some(RegistryData::Dword(4)));
    assert!(file.remove_value("A", "x"));
    assert_eq!(file.value("A", "x"), None);
    let expected = "Windows Registry Editor Version 5.00\n[A]\n\"x\"=-\n[B]\n[A]\n";
    assert_eq!(file.to_bytes(), expected.as_bytes());
    // A deleted value is set again where it was deleted.
    file.set("A", "x", &RegistryData::Dword(5));
    let expected = expected.replace("\"x\"=-", "\"x\"=dword:00000005");
    assert_eq!(file.to_bytes(), expected.as_bytes());
}

#[test]
fn text_that_quotes_cannot_hold_is_written_as_bytes() {
    for data in [text("a\r\nb"), text("a\0b"), text("日本\"\\"), text("")] {
        let mut file = RegistryFile::new();
        file.set("A", "x", &data);
        let read = RegistryFile::parse(&file.to_bytes()).expect("our own file");
        assert_eq!(read.value("A", "x"), Some(data));
        let lines = read.to_bytes().split(|byte| *byte == b'\n').count();
        assert_eq!(lines, 6, "a line end in the data must not end the line");
    }
}

#[test]
fn lone_surrogates_in_foreign_values_survive() {
    let mut bytes = utf16(&format!(
        "{SIGNATURE}[A]\r\n\"junk\"=\"?\"\r\n\"x\"=dword:00000001\r\n"
    ));
    let question = bytes
        .iter()
        .position(|byte| *byte == b'?')
        .expect("it is there");
    bytes[question + 1] = 0xD8;
    let mut file = RegistryFile::parse(&bytes).expect("regedit exports such text");
    assert_eq!(file.to_bytes(), bytes);
    file.set("A", "x", &RegistryData::Dword(2));
    let digit = bytes
        .iter()
        .rposition(|byte| *byte == b'1')
        .expect("it is there");
    bytes[digit] = b'2';
    assert_eq!(file.to_bytes(), bytes);
}

#[test]
fn a_large_export_is_read_at_once() {
    let value = |value| {
        format!(
            "\"Text {value}\"=\"C:\\\\Program Files\\\\Some\\\\Where\"\r\n\
             \"Data {value}\"=hex:46,00,00,00,0a,00,00,00,\\\r\n  01,00,00,00\r\n"
        )
    };
    let values: String = (0..6).map(value).collect();
    let block = |key| format!("[HKEY_USERS\\S-1-5-18\\Software\\Key {key}]\r\n{values}\r\n");
    let exported = SIGNATURE.to_owned() + &(0..8_000).map(block).collect::<String>();
    let bytes = utf16(&exported);
    assert!(bytes.len() > 10_000_000);
    let start = Instant::now();
    let file = RegistryFile::parse(&bytes).expect("an export");
    assert!(file.has_key(r"HKEY_USERS\S-1-5-18\Software\Key 7999"));
    assert_eq!(file.keys().count(), 8_000);
    // Generous for an unoptimised build on a busy machine; quadratic work takes minutes.
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(file.to_bytes(), bytes);
}

fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

fn text(text: &str) -> RegistryData {
    RegistryData::Text(text.to_owned())
}

fn parse(text: &str) -> RegistryFile {
    RegistryFile::parse(text.as_bytes()).expect("a registry export")
}
