//! Which format a log is of.

use super::columns::{Chosen, Table};
use super::{FIELDS, Format, Layout, json, ncsa, squid};

/// Lines that are looked at before a log is given up: the first may be cut.
const FIRST_LINES: usize = 50;

/// The layout of a log that begins with `head`, of the format that is forced if
/// one is. `None` where no line is of any format.
#[must_use]
pub fn detect(head: &[u8], forced: Option<Format>, chosen: &Chosen) -> Option<Layout> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let lines = || {
        let lines = head.split(|byte| *byte == b'\n');
        let lines = lines.map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty()).take(FIRST_LINES)
    };
    match forced {
        None => lines().find_map(|line| guess(line, chosen)),
        Some(Format::Squid) => Some(Layout::Squid),
        Some(Format::Common) => Some(Layout::Common),
        // Where a part of a log is read, the names may come later.
        Some(Format::W3c) => Some(Layout::W3c(chosen.clone(), None)),
        Some(Format::Json) => Some(Layout::Json(chosen.clone())),
        Some(Format::Csv) => lines()
            .find_map(|line| Table::of_csv(line, chosen))
            .map(Layout::Csv),
    }
}

fn guess(line: &[u8], chosen: &Chosen) -> Option<Layout> {
    if line.starts_with(FIELDS) || line.starts_with(b"#Version:") || line.starts_with(b"#Software:")
    {
        Some(Layout::W3c(chosen.clone(), None))
    } else if line.starts_with(b"{") {
        json::parse(line, chosen)?;
        Some(Layout::Json(chosen.clone()))
    } else if !chosen.is_empty() {
        Table::of_csv(line, chosen).map(Layout::Csv)
    } else if squid::parse(line).is_some() {
        Some(Layout::Squid)
    } else if ncsa::parse(line).is_some() {
        Some(Layout::Common)
    } else {
        Table::of_csv(line, chosen).map(Layout::Csv)
    }
}
