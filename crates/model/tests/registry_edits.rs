//! Random edits of random registry exports.

use proptest::prelude::*;
use sidestep_model::registry::{RegistryData, RegistryFile};

const SIGNATURE: &str = "Windows Registry Editor Version 5.00";

proptest! {
    #[test]
    fn any_accepted_file_is_written_as_it_was(export in export(), how in 0..3_usize) {
        let bytes = stored(&export.text(), how);
        let file = RegistryFile::parse(&bytes).expect("an export");
        prop_assert_eq!(file.to_bytes(), bytes);
        for (key, name, data) in &export.values() {
            prop_assert_eq!(file.value(key, name), Some(data.clone()));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(rest in "[\\[\\]\"@=\\\\;hex(2):,0-9a日 \r\n-]{0,60}") {
        let text = format!("{SIGNATURE}\n[A]\n{rest}");
        if let Ok(file) = RegistryFile::parse(text.as_bytes()) {
            prop_assert_eq!(file.to_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn replacing_a_value_leaves_everything_around_it(
        export in export(),
        which: prop::sample::Index,
        data in data(),
        how in 0..3_usize,
    ) {
        let values = export.values();
        if values.is_empty() {
            return Ok(());
        }
        let (key, name, _) = &values[which.index(values.len())];
        let mut file = RegistryFile::parse(&stored(&export.text(), how)).expect("an export");
        file.set(key, name, &data);
        let written = file.to_bytes();

        let (before, after) = export.around(key, name);
        let (before, after) = (stored(&before, how), stored_rest(&after, how));
        prop_assert!(written.starts_with(&before));
        prop_assert!(written.ends_with(&after));
        prop_assert!(written.len() > before.len() + after.len());
        let read = RegistryFile::parse(&written).expect("our own file");
        for (other_key, other_name, other) in &values {
            let expected = if (other_key, other_name) == (key, name) { &data } else { other };
            prop_assert_eq!(read.value(other_key, other_name), Some(expected.clone()));
            prop_assert_eq!(file.value(other_key, other_name), Some(expected.clone()));
        }
    }

    #[test]
    fn adding_and_removing_a_value_is_no_change(
        export in export(),
        which: prop::sample::Index,
        data in data(),
        how in 0..3_usize,
    ) {
        let keys = export.keys();
        if keys.is_empty() {
            return Ok(());
        }
        let bytes = stored(&export.text(), how);
        let mut file = RegistryFile::parse(&bytes).expect("an export");
        for key in [keys[which.index(keys.len())].as_str(), "HKEY_USERS\\new"] {
            file.set(key, "new", &data);
            let written = RegistryFile::parse(&file.to_bytes()).expect("our own file");
            prop_assert_eq!(written.value(key, "NEW"), Some(data.clone()));
            prop_assert!(file.remove_value(key, "New"));
        }
        prop_assert!(file.remove_key("HKEY_USERS\\new"));
        prop_assert_eq!(file.to_bytes(), bytes);
    }

    #[test]
    fn raw_data_is_what_it_was(kind in 0..12_u32, bytes: Vec<u8>) {
        let data = RegistryData::from_raw(kind, bytes.clone());
        prop_assert_eq!(data.kind(), kind);
        prop_assert_eq!(data.raw_bytes().into_owned(), bytes);
    }
}

/// An export as the lines that it is made of: blank ones, comments, headings
/// and values with their data, every value under its own name.
#[derive(Clone, Debug)]
struct Export {
    line_ending: &'static str,
    keys: Vec<Vec<Line>>,
}

#[derive(Clone, Debug)]
enum Line {
    Remark(String),
    Value(RegistryData, Style),
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Plain,
    Spaced,
    Commented,
}

impl Export {
    fn keys(&self) -> Vec<String> {
        let count = self.keys.len();
        (0..count)
            .map(|key| format!("HKEY_USERS\\Key [{key}]"))
            .collect()
    }

    fn values(&self) -> Vec<(String, String, RegistryData)> {
        let mut values = Vec::new();
        for (lines, key) in self.keys.iter().zip(self.keys()) {
            for (place, line) in lines.iter().enumerate() {
                if let Line::Value(data, _) = line {
                    values.push((key.clone(), value_name(place), data.clone()));
                }
            }
        }
        values
    }

    fn text(&self) -> String {
        let (before, _) = self.around("", "");
        before
    }

    /// The text before and after a value's own lines; all and nothing if there
    /// is no such value.
    fn around(&self, wanted_key: &str, wanted_name: &str) -> (String, String) {
        let end = self.line_ending;
        let mut parts = [vec![format!("{SIGNATURE}{end}{end}")], Vec::new()];
        let mut part = 0;
        for (lines, key) in self.keys.iter().zip(self.keys()) {
            parts[part].push(format!("[{key}]{end}"));
            for (place, line) in lines.iter().enumerate() {
                let name = value_name(place);
                match line {
                    Line::Remark(remark) => parts[part].push(format!("{remark}{end}")),
                    Line::Value(..) if key == wanted_key && name == wanted_name => part = 1,
                    Line::Value(data, style) => {
                        parts[part].push(value_line(&name, data, *style, end));
                    }
                }
            }
            parts[part].push(end.to_owned());
        }
        let [before, after] = parts;
        (before.concat(), after.concat())
    }
}

fn value_name(place: usize) -> String {
    format!("Näme \\ \"{place}")
}

/// A value as another program might write it, not as ours does.
fn value_line(name: &str, data: &RegistryData, style: Style, end: &str) -> String {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    let data = match data {
        RegistryData::Dword(number) => format!("dword:{number:x}"),
        RegistryData::Text(text) if !text.contains('\0') => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        _ => {
            let bytes: Vec<_> = data
                .raw_bytes()
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect();
            let lines: Vec<_> = bytes.chunks(5).map(|line| line.join(",")).collect();
            format!(
                "hex({:x}):{}",
                data.kind(),
                lines.join(&format!(",\\{end}  "))
            )
        }
    };
    match style {
        Style::Plain => format!("\"{name}\"={data}{end}"),
        Style::Spaced => format!(" \"{name}\" = {data} \t{end}"),
        Style::Commented => format!("\"{name}\"={data} ; \"why\"{end}"),
    }
}

fn export() -> impl Strategy<Value = Export> {
    let remark = prop::sample::select(vec!["", ";", "; \"x\"=-", "  ", "; [A]", "# 日本"]);
    let style = prop::sample::select(vec![Style::Plain, Style::Spaced, Style::Commented]);
    let line = prop_oneof![
        1 => remark.prop_map(|remark| Line::Remark(remark.to_owned())),
        3 => (data(), style).prop_map(|(data, style)| Line::Value(data, style)),
    ];
    let keys = prop::collection::vec(prop::collection::vec(line, 0..5), 0..5);
    (prop::sample::select(vec!["\r\n", "\n"]), keys)
        .prop_map(|(line_ending, keys)| Export { line_ending, keys })
}

fn data() -> impl Strategy<Value = RegistryData> {
    prop_oneof![
        any::<u32>().prop_map(RegistryData::Dword),
        "[a-z\\\\\";=\\[\\]\r\n日é\0]{0,12}".prop_map(RegistryData::Text),
        "[a-z%]{0,8}".prop_map(RegistryData::ExpandText),
        prop::collection::vec(any::<u8>(), 0..90).prop_map(RegistryData::Binary),
        (5..12_u32, prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(kind, bytes)| RegistryData::from_raw(kind, bytes)),
    ]
}

/// The text as stored: 0 UTF-16LE, 1 UTF-8 with a mark, 2 UTF-8.
fn stored(text: &str, how: usize) -> Vec<u8> {
    let mark: &[u8] = [&b"\xFF\xFE"[..], b"\xEF\xBB\xBF", b""][how];
    [mark, &stored_rest(text, how)].concat()
}

fn stored_rest(text: &str, how: usize) -> Vec<u8> {
    match how {
        0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => text.as_bytes().to_vec(),
    }
}
