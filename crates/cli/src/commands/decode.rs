//! `sidestep decode`: a blob's fields.

use std::io::Read;
use std::path::Path;
use std::{fs, io};

use serde_json::Value;
use sidestep_machine::Store;
use sidestep_model::account::Account;
use sidestep_model::blob::{self, Blob};
use sidestep_model::finding::Code;
use sidestep_model::observed::ValueName;

use crate::args::Decode;
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::render::table;

pub(crate) fn run(args: &Decode, printer: Printer) -> Result<Exit, CommandError> {
    let bytes = match (&args.at, args.hex.as_slice()) {
        (Some(at), _) => stored(at, args.account.into(), args.saved)?,
        (None, [one]) if one == "-" => written_or_raw(stdin()?)?,
        (None, [one]) if one.starts_with('@') => written_or_raw(file(Path::new(&one[1..]))?)?,
        (None, words) => blob::parse_hex(&words.join(" ")).map_err(|error| invalid(&error))?,
    };
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

fn invalid(error: &dyn std::error::Error) -> CommandError {
    CommandError::new(Exit::Failed, Code::BLOB_INVALID, error).hint(
        "the value is DefaultConnectionSettings, SavedLegacySettings or WinHttpSettings, as `reg \
         query` or a .reg file shows it",
    )
}

/// An account's blob.
fn stored(at: &At, account: Account, saved: bool) -> Result<Vec<u8>, CommandError> {
    let value = if saved {
        ValueName::SavedLegacySettings
    } else {
        ValueName::DefaultConnectionSettings
    };
    let observed = at.open()?.read()?;
    let data = observed.account(account).values.get(&value);
    let data = data.ok_or_else(|| {
        let message = format!("{at} holds no {} of {account}", value.name());
        CommandError::new(Exit::Failed, Code::BLOB_INVALID, message)
            .hint("`sidestep show` on the same settings says what is there, and why it may not be")
    })?;
    Ok(data.raw_bytes().into_owned())
}

/// A file holds the bytes written in hex, or the bytes themselves.
fn written_or_raw(bytes: Vec<u8>) -> Result<Vec<u8>, CommandError> {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    match str::from_utf8(&bytes) {
        Ok(text) if bytes.iter().all(is_text) => {
            blob::parse_hex(text).map_err(|error| invalid(&error))
        }
        _ => Ok(bytes),
    }
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

fn stdin() -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| {
        let message = format!("cannot read standard input: {error}");
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
    })?;
    Ok(bytes)
}

fn file(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
    })
}
