//! A key of a hive, the keys in it and its values.

use super::bins::{Bins, HiveError, number, short};
use super::file::is_same;
use crate::registry::RegistryData;

/// Set where a name has one byte a character, of Latin-1.
const NARROW_KEY: u16 = 0x20;
const NARROW_VALUE: u16 = 0x01;
/// Set in the size of data that stands in the place of its offset.
const INLINE: u32 = 0x8000_0000;
/// Larger data is in segments of this size.
const SEGMENT: usize = 16_344;

#[derive(Clone, Debug)]
pub(super) struct Key<'h> {
    bins: &'h Bins,
    offset: u32,
    node: &'h [u8],
}

impl<'h> Key<'h> {
    pub(super) fn at(bins: &'h Bins, offset: u32) -> Result<Self, HiveError> {
        let node = bins.cell(offset)?;
        if !node.starts_with(b"nk") || node.len() < 76 {
            return Err(HiveError::Damaged(offset));
        }
        Ok(Self { bins, offset, node })
    }

    pub(super) fn name(&self) -> String {
        let length = short(self.node, 72).unwrap_or_default();
        let flags = short(self.node, 2).unwrap_or_default();
        text(self.node, 76, length, flags & NARROW_KEY != 0)
    }

    /// The keys in it.
    pub(super) fn inside(&self) -> Result<Vec<Self>, HiveError> {
        let count = usize::try_from(self.field(20)?).unwrap_or(usize::MAX);
        if count == 0 {
            return Ok(Vec::new());
        }
        let list = self.field(28)?;
        // Each has a cell of its own, of at least eight bytes.
        if count > self.bins.0.len() / 8 {
            return Err(HiveError::Damaged(list));
        }
        let mut offsets = Vec::new();
        for (offset, is_list) in elements(self.bins, list)? {
            if !is_list {
                offsets.push(offset);
                continue;
            }
            // A list of lists, which do not hold lists themselves.
            for (inner, is_list) in elements(self.bins, offset)? {
                if is_list {
                    return Err(HiveError::Damaged(offset));
                }
                offsets.push(inner);
            }
            // Lists may name one list again and again.
            if offsets.len() > count {
                return Err(HiveError::Damaged(list));
            }
        }
        let keys = offsets
            .into_iter()
            .map(|offset| Self::at(self.bins, offset));
        keys.collect()
    }

    pub(super) fn value(&self, name: &str) -> Result<Option<RegistryData>, HiveError> {
        let count = usize::try_from(self.field(36)?).unwrap_or_default();
        if count == 0 {
            return Ok(None);
        }
        let at = self.field(40)?;
        let list = self.bins.cell(at)?;
        for index in 0..count {
            let offset = number(list, 4 * index).ok_or(HiveError::Damaged(at))?;
            let value = Value::at(self.bins, offset)?;
            if is_same(&value.name(), name) {
                return value.data().map(Some);
            }
        }
        Ok(None)
    }

    fn field(&self, at: usize) -> Result<u32, HiveError> {
        number(self.node, at).ok_or(HiveError::Damaged(self.offset))
    }
}

/// The offsets in a list of keys, each with whether it leads to another list.
fn elements(bins: &Bins, at: u32) -> Result<Vec<(u32, bool)>, HiveError> {
    let damaged = HiveError::Damaged(at);
    let list = bins.cell(at)?;
    let (width, is_list) = match list.get(..2) {
        // With a hash or a hint behind each offset.
        Some(b"lf" | b"lh") => (8, false),
        Some(b"li") => (4, false),
        Some(b"ri") => (4, true),
        _ => return Err(damaged),
    };
    let count = usize::from(short(list, 2).ok_or(damaged)?);
    let element = |index| Some((number(list, 4 + width * index)?, is_list));
    (0..count)
        .map(|index| element(index).ok_or(damaged))
        .collect()
}

struct Value<'h> {
    bins: &'h Bins,
    offset: u32,
    record: &'h [u8],
}

impl<'h> Value<'h> {
    fn at(bins: &'h Bins, offset: u32) -> Result<Self, HiveError> {
        let record = bins.cell(offset)?;
        if !record.starts_with(b"vk") || record.len() < 20 {
            return Err(HiveError::Damaged(offset));
        }
        Ok(Self {
            bins,
            offset,
            record,
        })
    }

    fn name(&self) -> String {
        let length = short(self.record, 2).unwrap_or_default();
        let flags = short(self.record, 16).unwrap_or_default();
        text(self.record, 20, length, flags & NARROW_VALUE != 0)
    }

    fn data(&self) -> Result<RegistryData, HiveError> {
        let damaged = HiveError::Damaged(self.offset);
        let field = |at| number(self.record, at).ok_or(damaged);
        let (size, kind) = (field(4)?, field(12)?);
        let length = usize::try_from(size & !INLINE).map_err(|_| damaged)?;
        let bytes = if size & INLINE != 0 {
            let inline = self.record.get(8..12).and_then(|four| four.get(..length));
            inline.ok_or(damaged)?.to_vec()
        } else if length == 0 {
            Vec::new()
        } else {
            self.stored(field(8)?, length)?
        };
        Ok(RegistryData::from_raw(kind, bytes))
    }

    fn stored(&self, at: u32, length: usize) -> Result<Vec<u8>, HiveError> {
        let damaged = HiveError::Damaged(at);
        let cell = self.bins.cell(at)?;
        if length <= SEGMENT || !cell.starts_with(b"db") {
            return Ok(cell.get(..length).ok_or(damaged)?.to_vec());
        }
        if length > self.bins.0.len() {
            return Err(damaged);
        }
        let count = usize::from(short(cell, 2).ok_or(damaged)?);
        let list = self.bins.cell(number(cell, 4).ok_or(damaged)?)?;
        let mut bytes = Vec::new();
        for index in 0..count {
            let segment = self.bins.cell(number(list, 4 * index).ok_or(damaged)?)?;
            let rest = length - bytes.len();
            bytes.extend(segment.iter().take(rest.min(SEGMENT)));
        }
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(damaged)
        }
    }
}

/// A name, which at worst is shorter than it says.
fn text(bytes: &[u8], at: usize, length: u16, is_narrow: bool) -> String {
    let bytes = bytes.get(at..).unwrap_or_default();
    let bytes = bytes.get(..usize::from(length)).unwrap_or(bytes);
    if is_narrow {
        return bytes.iter().map(|byte| char::from(*byte)).collect();
    }
    let units: Vec<u16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|unit| u16::from_le_bytes(*unit))
        .collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(bytes: &mut Vec<u8>, content: &[u8]) -> u32 {
        let offset = u32::try_from(bytes.len()).unwrap();
        let size = i32::try_from(content.len() + 4).unwrap();
        bytes.extend((-size).to_le_bytes());
        bytes.extend(content);
        offset
    }

    fn list(kind: [u8; 2], offsets: &[u32]) -> Vec<u8> {
        let count = u16::try_from(offsets.len()).unwrap().to_le_bytes();
        let offsets = offsets.iter().copied().flat_map(u32::to_le_bytes);
        kind.into_iter().chain(count).chain(offsets).collect()
    }

    #[test]
    fn lists_that_name_one_list_again_and_again_are_damaged() {
        let mut bytes = Vec::new();
        let inner = cell(&mut bytes, &list(*b"li", &[0; 1000]));
        let outer = cell(&mut bytes, &list(*b"ri", &[inner; 1000]));
        for (count, damaged) in [(2, outer), (u32::MAX, outer)] {
            let mut node = [0; 80];
            node[..2].copy_from_slice(b"nk");
            node[20..24].copy_from_slice(&count.to_le_bytes());
            node[28..32].copy_from_slice(&outer.to_le_bytes());
            let mut bytes = bytes.clone();
            let node = cell(&mut bytes, &node);
            let bins = Bins(bytes);
            let key = Key::at(&bins, node).unwrap();
            assert_eq!(key.inside().err(), Some(HiveError::Damaged(damaged)));
        }
    }
}
