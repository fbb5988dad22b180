//! `sidestep decode`: a blob's fields.

use std::io::Read;
use std::path::Path;
use std::{fs, io};

use serde_json::Value;
use sidestep_model::blob::{self, Blob};
use sidestep_model::finding::Code;

use crate::args::Decode;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::render::table;

pub(crate) fn run(args: &Decode, printer: Printer) -> Result<Exit, CommandError> {
    let text = match args.hex.as_slice() {
        [one] if one == "-" => stdin()?,
        [one] if one.starts_with('@') => file(Path::new(&one[1..]))?,
        words => words.join(" "),
    };
    let invalid = |error: &dyn std::error::Error| {
        CommandError::new(Exit::Failed, Code::BLOB_INVALID, error).hint(
            "the value is DefaultConnectionSettings, SavedLegacySettings or WinHttpSettings, as \
             `reg query` or a .reg file shows it",
        )
    };
    let bytes = blob::parse_hex(&text).map_err(|error| invalid(&error))?;
    let blob = Blob::decode(&bytes).map_err(|error| invalid(&error))?;
    let document = blob::describe(&blob);
    if printer.json {
        printer.document(&document)?;
    } else {
        let fields = serde_json::to_value(&document).unwrap_or_default();
        printer.text(&fields_text(&fields))?;
    }
    Ok(Exit::Done)
}

fn fields_text(fields: &Value) -> String {
    let mut rows = table(&["Field", "Value"]);
    for (name, value) in fields.as_object().into_iter().flatten() {
        let shown = match (name.as_str(), value) {
            (_, Value::Null) => continue,
            ("version", Value::Number(number)) => number
                .as_u64()
                .map_or_else(String::new, |n| format!("{n:#x}")),
            ("flags", Value::Number(number)) => number.as_u64().map_or_else(String::new, flags),
            (_, Value::String(text)) => text.clone(),
            (_, Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().unwrap_or_default())
                .collect::<Vec<_>>()
                .join(" "),
            (_, other) => other.to_string(),
        };
        rows.add_row(vec![name.clone(), shown]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn flags(bits: u64) -> String {
    let names = [
        (1, "direct"),
        (2, "manual proxy"),
        (4, "configuration script"),
        (8, "auto-detect"),
    ];
    let on: Vec<&str> = names
        .into_iter()
        .filter_map(|(bit, name)| (bits & bit != 0).then_some(name))
        .collect();
    format!("{bits:#x} ({})", on.join(", "))
}

fn stdin() -> Result<String, CommandError> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| {
        let message = format!("cannot read standard input: {error}");
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
    })?;
    Ok(text)
}

/// A text of hex digits, or the bytes themselves.
fn file(path: &Path) -> Result<String, CommandError> {
    let bytes = fs::read(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
    })?;
    let is_text = bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_text && let Ok(text) = String::from_utf8(bytes.clone()) {
        return Ok(text);
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
