//! A JSON object a line.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Request;
use super::columns::{Chosen, request};
use super::role::Role;

/// As deep as objects are looked into; Elastic's `http.response.bytes` is two.
const DEEPEST: usize = 4;

/// Reads an object's keys. What is nested in it has a dotted name, as if it were
/// written so: `{"source":{"ip":1}}` is `{"source.ip":1}`.
pub(super) fn parse<'a>(line: &'a [u8], chosen: &Chosen) -> Option<Request<'a>> {
    let mut best = [None; Role::COUNT];
    let object = Object {
        chosen,
        path: &[],
        best: &mut best,
    };
    object.read(line)?;
    request(best.map(|known| known.map(|(_, value)| value)))
}

/// By role, the best name's rank and its value.
type Best<'a> = [Option<(usize, &'a [u8])>; Role::COUNT];

struct Object<'b, 'a> {
    chosen: &'b Chosen,
    /// The keys that lead here.
    path: &'b [&'b str],
    best: &'b mut Best<'a>,
}

impl<'a> Object<'_, 'a> {
    fn read(self, text: &'a [u8]) -> Option<()> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        self.deserialize(&mut reader).ok()?;
        reader.end().ok()
    }

    fn take<E: Error>(&mut self, key: &str, value: &'a RawValue) -> Result<(), E> {
        let value = value.get().as_bytes();
        let path = || [self.path, &[key]].concat();
        if value.starts_with(b"{") && self.path.len() + 1 < DEEPEST {
            let nested = Object {
                chosen: self.chosen,
                path: &path(),
                best: self.best,
            };
            return nested.read(value).ok_or_else(|| E::custom("no object"));
        }
        let role = if self.path.is_empty() {
            self.chosen.role_of(key.as_bytes())
        } else {
            self.chosen.role_of(path().join(".").as_bytes())
        };
        if let Some((role, rank)) = role
            && value != b"null"
            && self.best[role as usize].is_none_or(|(before, _)| rank < before)
        {
            self.best[role as usize] = Some((rank, unquoted(value)));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some((key, value)) = map.next_entry::<Cow<'_, str>, &'de RawValue>()? {
            self.take(&key, value)?;
        }
        Ok(())
    }
}

/// A value as it is written, without its quotation marks.
fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"");
    inner
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(value)
}
