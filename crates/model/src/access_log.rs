//! Lines of a proxy's access log, read where they lie: nothing is copied.

mod columns;
mod detect;
mod json;
mod lines;
mod ncsa;
mod places;
mod role;
mod shape;
mod squid;
mod target;
mod time;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use columns::{Chosen, ChosenError, Table};
pub use detect::detect;
pub use lines::{Glance, Lines};
pub use shape::shape;
pub use time::Time;

/// One request as the proxy logged it, borrowed from its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// When, as written.
    pub time: Time<'a>,
    /// Who asked; empty where the log does not say.
    pub client: &'a [u8],
    /// The name asked for, without a port, in the letters of the log.
    pub host: &'a [u8],
    /// Bytes sent to the client; 0 where the log does not say.
    pub bytes: u64,
    /// HTTP's status in the answer, where the log says.
    pub status: Option<u16>,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Squid's native format.
    Squid,
    /// The common log format, and the combined one, which goes on behind it.
    Common,
    /// W3C's extended log file format: `#Fields:` names the columns.
    W3c,
    /// A JSON object a line.
    Json,
    /// Comma, semicolon or tab between the columns.
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Squid, Self::Common, Self::W3c, Self::Json, Self::Csv];

    /// The name that the command line and JSON use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Squid => "squid",
            Self::Common => "common",
            Self::W3c => "w3c",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.into_iter().find(|format| format.key() == name);
        known.ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// There is no format of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no format \"{0}\": squid, common, w3c, json or csv")]
pub struct UnknownFormat(pub String);

/// What reads the lines of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Squid's native format.
    Squid,
    /// The common and the combined log format.
    Common,
    /// Columns that were chosen or that `#Fields:` names; it may have named none yet.
    W3c(Chosen, Option<Table>),
    /// Keys of a JSON object; the usual ones where none are chosen.
    Json(Chosen),
    /// Columns that were chosen, or that the first line names.
    Csv(Table),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A request.
    Request(Request<'a>),
    /// Nothing: empty, a remark, or the names of the columns.
    Remark,
    /// `#Fields:`, which names the columns of the lines behind it.
    Fields,
    /// Not of this format.
    Malformed,
}

impl Layout {
    /// Reads a line without its line feed.
    #[must_use]
    pub fn read<'a>(&self, line: &'a [u8]) -> Line<'a> {
        let line = match line {
            [] | [b'\r'] => return Line::Remark,
            [line @ .., b'\r'] => line,
            _ => line,
        };
        let request = match self {
            Self::Squid => squid::parse(line),
            Self::Common => ncsa::parse(line),
            Self::W3c(_, table) => match (line.starts_with(b"#"), table) {
                (true, _) if line.starts_with(FIELDS) => return Line::Fields,
                (true, _) => return Line::Remark,
                (false, None) => None,
                (false, Some(table)) => table.parse(line),
            },
            Self::Json(chosen) => json::parse(line, chosen),
            Self::Csv(table) if table.is_heading(line) => return Line::Remark,
            Self::Csv(table) => table.parse(line),
        };
        request.map_or(Line::Malformed, Line::Request)
    }

    /// The layout behind a line that names the columns anew, which only W3C's
    /// format has.
    #[must_use]
    pub fn renamed(&self, line: &[u8]) -> Self {
        let Self::W3c(chosen, _) = self else {
            return self.clone();
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let names = line.strip_prefix(FIELDS).unwrap_or(line);
        Self::W3c(chosen.clone(), Table::of_fields(names, chosen))
    }

    /// The format that it reads.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Squid => Format::Squid,
            Self::Common => Format::Common,
            Self::W3c(..) => Format::W3c,
            Self::Json(_) => Format::Json,
            Self::Csv(_) => Format::Csv,
        }
    }
}

/// What begins the line that names the columns (W3C, `WD-logfile-960323`).
pub const FIELDS: &[u8] = b"#Fields:";
