//! Columns by number or by name.

use std::str::FromStr;

use memchr::{memchr, memchr_iter};
use thiserror::Error;

use super::role::Role;
use super::squid::{number, status};
use super::target::{host_of, names_host};
use super::{Request, Time};

/// Which columns were chosen: `host=3,client=1`, by number from 1 or by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    columns: [Option<String>; Role::COUNT],
}

impl Chosen {
    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.iter().all(Option::is_none)
    }

    /// The columns that were chosen by number, counted from 0.
    fn numbers(&self) -> [Option<usize>; Role::COUNT] {
        let number = |column: &Option<String>| column.as_ref()?.parse::<usize>().ok();
        self.columns
            .each_ref()
            .map(|column| number(column)?.checked_sub(1))
    }

    /// What was chosen by name.
    fn names(&self) -> impl Iterator<Item = Role> {
        let numbers = self.numbers();
        Role::ALL.into_iter().filter(move |role| {
            self.columns[*role as usize].is_some() && numbers[*role as usize].is_none()
        })
    }

    /// The role of the column of that name.
    pub(super) fn role_of(&self, name: &[u8]) -> Option<(Role, usize)> {
        let is_it = |column: &Option<String>| {
            let column = column.as_ref().map(String::as_bytes);
            column.is_some_and(|column| column.eq_ignore_ascii_case(name))
        };
        let chosen = Role::ALL
            .into_iter()
            .find(|role| is_it(&self.columns[*role as usize]));
        match chosen {
            Some(role) => Some((role, 0)),
            None => Role::of(name).filter(|(role, _)| !self.has(*role)),
        }
    }

    /// Whether a role was chosen, which then has one column: no URL tells of
    /// another host than the chosen one.
    fn has(&self, role: Role) -> bool {
        let role = if role == Role::Url { Role::Host } else { role };
        self.columns[role as usize].is_some()
    }
}

impl FromStr for Chosen {
    type Err = ChosenError;

    fn from_str(text: &str) -> Result<Self, ChosenError> {
        let mut chosen = Self::default();
        for pair in text.split(',') {
            let malformed = || ChosenError::Pair(pair.to_owned());
            let (role, column) = pair.split_once('=').ok_or_else(malformed)?;
            let role = Role::ALL
                .into_iter()
                .find(|known| known.key() == Some(role.trim()))
                .ok_or_else(|| ChosenError::Role(role.trim().to_owned()))?;
            let column = column.trim();
            if column.is_empty() || column == "0" {
                return Err(malformed());
            }
            chosen.columns[role as usize] = Some(column.to_owned());
        }
        if chosen.columns[Role::Host as usize].is_none() {
            return Err(ChosenError::NoHost);
        }
        Ok(chosen)
    }
}

/// Why columns were not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChosenError {
    /// Not `what=column`.
    #[error("\"{0}\" is not WHAT=COLUMN, with columns counted from 1 or named")]
    Pair(String),
    /// Nothing of that name is asked for.
    #[error("there is no column \"{0}\" to choose: host, client, bytes, time, date or status")]
    Role(String),
    /// Without it there is nothing to look for.
    #[error("host is missing")]
    NoHost,
}

/// Where the columns are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    separator: Separator,
    places: [Option<usize>; Role::COUNT],
    last: usize,
    /// What stands in the host's column of a line that names the columns.
    heading: Option<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    /// One or more.
    Blanks,
    /// Exactly one.
    Byte(u8),
}

impl Table {
    /// The columns that `#Fields:` names, and those chosen; `None` where no host is
    /// among them, or one that was chosen is missing.
    pub(super) fn of_fields(names: &[u8], chosen: &Chosen) -> Option<Self> {
        let names = names.trim_ascii();
        let separator = if memchr(b'\t', names).is_some() {
            Separator::Byte(b'\t')
        } else {
            Separator::Blanks
        };
        Self::new(separator, places_in(names, separator, chosen)?)
    }

    /// The columns of a CSV file that begins with `line`: those chosen by number,
    /// and those that the line names. `None` where one that was chosen is missing.
    pub(super) fn of_csv(line: &[u8], chosen: &Chosen) -> Option<Self> {
        let count = |separator: &u8| memchr_iter(*separator, line).count();
        let separator = [b',', b'\t', b';'].into_iter().rev().max_by_key(count)?;
        let separator = Separator::Byte(separator);
        let is_by_number = !chosen.is_empty() && chosen.names().next().is_none();
        let places = if is_by_number {
            chosen.numbers()
        } else {
            places_in(line, separator, chosen)?
        };
        let mut table = Self::new(separator, places)?;
        let heading = table.host_in(line);
        table.heading = heading
            .filter(|host| !is_by_number || table.seems_heading(host, line))
            .map(Into::into);
        Some(table)
    }

    fn new(separator: Separator, places: [Option<usize>; Role::COUNT]) -> Option<Self> {
        host_place(&places)?;
        Some(Self {
            separator,
            places,
            last: places.into_iter().flatten().max()?,
            heading: None,
        })
    }

    /// Whether a first line with this host names columns that were chosen by
    /// number. No name of a catalogue is taken for a heading: all have a dot.
    fn seems_heading(&self, host: &[u8], line: &[u8]) -> bool {
        if matches!(Role::of(host), Some((Role::Host | Role::Url, _))) {
            return true;
        }
        let counts = self.places[Role::Bytes as usize].is_some();
        let is_data = |request: Request<'_>| counts || request.time.timestamp().is_some();
        !host.contains(&b'.') && !self.parse(line).is_some_and(is_data)
    }

    /// Whether the line names the columns: the first, or, where files were put
    /// together, a later one.
    pub(super) fn is_heading(&self, line: &[u8]) -> bool {
        let heading = self.heading.as_deref();
        heading.is_some_and(|heading| self.host_in(line) == Some(heading))
    }

    fn host_in<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.fields(line).nth(host_place(&self.places)?)
    }

    pub(super) fn parse<'a>(&self, line: &'a [u8]) -> Option<Request<'a>> {
        let mut found: [Option<&'a [u8]>; Role::COUNT] = [None; Role::COUNT];
        for (place, field) in self.fields(line).take(self.last + 1).enumerate() {
            for (found, wanted) in found.iter_mut().zip(&self.places) {
                if *wanted == Some(place) {
                    *found = Some(field);
                }
            }
        }
        // A line that breaks off is none.
        let is_whole =
            |role: Role| self.places[role as usize].is_none() || found[role as usize].is_some();
        if !Role::ALL.into_iter().all(is_whole) {
            return None;
        }
        request(found)
    }

    fn fields<'a>(&self, line: &'a [u8]) -> Fields<'a> {
        Fields {
            separator: self.separator,
            rest: Some(line),
        }
    }
}

/// Where the host stands, or else the URL.
fn host_place(places: &[Option<usize>; Role::COUNT]) -> Option<usize> {
    places[Role::Host as usize].or(places[Role::Url as usize])
}

/// A request of what stands in the columns.
pub(super) fn request(found: [Option<&[u8]>; Role::COUNT]) -> Option<Request<'_>> {
    let [host, url, client, bytes, time, date, answer] = found;
    Some(Request {
        time: match (date, time) {
            (Some(date), Some(time)) => Time::Parts(date, time),
            (Some(whole), None) | (None, Some(whole)) => Time::Whole(whole),
            (None, None) => Time::Absent,
        },
        client: client.unwrap_or_default(),
        host: asked_for(host, url)?,
        bytes: match bytes {
            None | Some(b"-" | b"") => 0,
            Some(text) => number(text)?,
        },
        status: answer.and_then(status),
    })
}

/// The host that was asked for. `host` is also what loggers call the computer
/// that sends the line, so that a URL that names a host for certain decides.
fn asked_for<'a>(host: Option<&'a [u8]>, url: Option<&'a [u8]>) -> Option<&'a [u8]> {
    let certain = url.filter(|url| names_host(url)).and_then(host_of);
    certain.or_else(|| {
        let host = host.filter(|host| url.is_none() || !matches!(*host, b"-" | b""));
        host_of(host.or(url)?)
    })
}

/// The places of the columns that a line names, or that were chosen by number;
/// `None` where one that was chosen by name is missing.
fn places_in(
    names: &[u8],
    separator: Separator,
    chosen: &Chosen,
) -> Option<[Option<usize>; Role::COUNT]> {
    let mut best = [None::<(usize, usize)>; Role::COUNT];
    let names = Fields {
        separator,
        rest: Some(names),
    };
    for (place, name) in names.enumerate() {
        let Some((role, rank)) = chosen.role_of(name) else {
            continue;
        };
        let known = &mut best[role as usize];
        if known.is_none_or(|(before, _)| rank < before) {
            *known = Some((rank, place));
        }
    }
    let mut places = best.map(|known| known.map(|(_, place)| place));
    for (place, number) in places.iter_mut().zip(chosen.numbers()) {
        *place = number.or(*place);
    }
    let has_all = chosen.names().all(|role| places[role as usize].is_some());
    has_all.then_some(places)
}

/// The fields of a line, without blanks around; in quotation marks a separator separates nothing.
struct Fields<'a> {
    separator: Separator,
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest?;
        let separator = match self.separator {
            Separator::Blanks => b' ',
            Separator::Byte(byte) => byte,
        };
        while let Some((b' ', behind)) = rest.split_first() {
            rest = behind;
        }
        if self.separator == Separator::Blanks && rest.is_empty() {
            self.rest = None;
            return None;
        }
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let end = end_of_quoted(quoted);
            let behind = quoted.get(end + 1..).unwrap_or_default();
            self.rest = memchr(separator, behind).map(|at| &behind[at + 1..]);
            return Some(&quoted[..end]);
        }
        let end = memchr(separator, rest);
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(rest[..end.unwrap_or(rest.len())].trim_ascii_end())
    }
}

/// Where the text ends whose opening mark was read; `""` is a mark in it.
fn end_of_quoted(text: &[u8]) -> usize {
    let mut from = 0;
    while let Some(quote) = memchr(b'"', &text[from..]) {
        let quote = from + quote;
        if text.get(quote + 1) != Some(&b'"') {
            return quote;
        }
        from = quote + 2;
    }
    text.len()
}
