//! A JSON object a line.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Request;
use super::columns::{Chosen, Role, request};

/// Reads an object's own keys; what is nested in it says nothing here.
pub(super) fn parse<'a>(line: &'a [u8], chosen: &Chosen) -> Option<Request<'a>> {
    let mut reader = serde_json::Deserializer::from_slice(line);
    let found = Keys(chosen).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    request(found)
}

type Found<'a> = [Option<&'a [u8]>; Role::COUNT];

struct Keys<'c>(&'c Chosen);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Found<'de>, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Found<'de>, M::Error> {
        let mut best = [None::<(usize, &'de [u8])>; Role::COUNT];
        while let Some(role) = map.next_key_seed(Key(self.0))? {
            let Some((role, rank)) = role else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&'de RawValue>()?.get().as_bytes();
            let known = &mut best[role as usize];
            if value != b"null" && known.is_none_or(|(before, _)| rank < before) {
                *known = Some((rank, unquoted(value)));
            }
        }
        Ok(best.map(|known| known.map(|(_, value)| value)))
    }
}

struct Key<'c>(&'c Chosen);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<(Role, usize)>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<(Role, usize)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.role_of(key.as_bytes()))
    }
}

/// A value as it is written, without its quotation marks.
fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"");
    inner
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(value)
}
