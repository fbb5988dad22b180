//! The parts of a `.reg` file as they are kept: a heading, its entries, names.

use std::ops::Range;

use super::encoding::Encoding;
use super::render::render_data;
use super::text::{Content, Heading};
use super::value::RegistryData;

/// A heading and what stands under it.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) heading: Heading,
    /// The heading's line as stored.
    pub(super) source: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

impl Block {
    pub(super) fn new(heading: Heading, source: Vec<u8>) -> Self {
        Self {
            heading,
            source,
            entries: Vec::new(),
        }
    }

    /// The place behind the last value. Blank lines and comments after it
    /// belong, to a reader's eye, to the next key.
    pub(super) fn end_of_values(&self) -> usize {
        self.entries
            .iter()
            .rposition(|entry| matches!(entry.content, Content::Value { .. }))
            .map_or(0, |last| last + 1)
    }
}

/// A value, a comment or a blank line.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its lines as stored, with their ends.
    pub(super) source: Vec<u8>,
    /// Where in `source` a value's data stands.
    pub(super) data: Range<usize>,
    pub(super) content: Content,
}

impl Entry {
    pub(super) fn blank(encoding: Encoding, line_ending: &str) -> Self {
        Self {
            source: encoding.encode(line_ending),
            data: 0..0,
            content: Content::Blank,
        }
    }

    pub(super) fn mentions(&self, wanted: &str) -> bool {
        match &self.content {
            Content::Value { name, .. } => name
                .chars()
                .map(fold_char)
                .eq(wanted.chars().map(fold_char)),
            Content::Blank | Content::Comment => false,
        }
    }

    pub(super) fn set_data(&mut self, new: &RegistryData, encoding: Encoding, line_ending: &str) {
        let Content::Value { data, .. } = &mut self.content else {
            return;
        };
        if data.as_ref() == Some(new) {
            return;
        }
        let column = match encoding {
            Encoding::Utf16Le => self.data.start / 2,
            Encoding::Utf8Marked | Encoding::Utf8 => {
                String::from_utf8_lossy(&self.source[..self.data.start])
                    .chars()
                    .count()
            }
        };
        let text = encoding.encode(&render_data(new, column, line_ending));
        let end = self.data.start + text.len();
        self.source.splice(self.data.clone(), text);
        self.data.end = end;
        *data = Some(new.clone());
    }
}

/// A name by which names that Windows holds for equal are equal.
pub(super) fn fold(name: &str) -> String {
    name.chars().map(fold_char).collect()
}

/// Windows compares characters one by one in upper case, so one that would
/// become several (`ß`) stays.
fn fold_char(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}
