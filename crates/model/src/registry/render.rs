//! The syntax of `.reg` files, version 5, on the way out: values into text.

use std::fmt::Write as _;

use super::value::RegistryData;

/// The column at which `regedit` continues bytes on the next line. Real exports
/// and Wine's `regedit` agree.
const WRAP_COLUMN: usize = 77;

/// A value's line without its line end.
pub(super) fn render_value(name: &str, data: &RegistryData, line_ending: &str) -> String {
    let mut line = if name.is_empty() {
        "@".to_owned()
    } else {
        quote(name)
    };
    line.push('=');
    let column = line.chars().count();
    line + &render_data(data, column, line_ending)
}

/// A value's data, which begins in `column` of its line (counted from 0).
///
/// Text that quotes cannot hold unambiguously (line ends, NUL) is written as
/// bytes, which every importer reads alike.
pub(super) fn render_data(data: &RegistryData, column: usize, line_ending: &str) -> String {
    match data {
        RegistryData::Text(text) if !text.contains(['\0', '\r', '\n']) => quote(text),
        RegistryData::Dword(number) => format!("dword:{number:08x}"),
        RegistryData::Binary(bytes) => render_bytes("hex:", bytes, column, line_ending),
        _ => {
            let form = format!("hex({:x}):", data.kind());
            render_bytes(&form, &data.raw_bytes(), column, line_ending)
        }
    }
}

fn render_bytes(form: &str, bytes: &[u8], column: usize, line_ending: &str) -> String {
    let mut text = form.to_owned();
    let mut column = column + form.len();
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(',');
            column += 3;
            if column >= WRAP_COLUMN {
                text.push('\\');
                text.push_str(line_ending);
                text.push_str("  ");
                column = 2;
            }
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}
