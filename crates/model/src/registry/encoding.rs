//! The encodings in which `.reg` files come.

use std::ops::Range;

use super::text::{RegistryFileError, RegistryFileErrorKind};

const UTF16_LE_MARK: &[u8] = &[0xFF, 0xFE];
const UTF16_BE_MARK: &[u8] = &[0xFE, 0xFF];
const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// How a file's text is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// With a byte order mark: what `regedit` and `reg export` write.
    Utf16Le,
    /// With a byte order mark.
    Utf8Marked,
    /// Without one: what editors write.
    Utf8,
}

impl Encoding {
    /// The encoding of a file and its text.
    ///
    /// A lone surrogate, which UTF-16 exports may hold, becomes one U+FFFD: both
    /// are one unit, so [`Self::stored_length`] stays exact.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, String), RegistryFileError> {
        let first_line = |kind| RegistryFileError { line: 1, kind };
        if let Some(text) = bytes.strip_prefix(UTF16_LE_MARK) {
            if !text.len().is_multiple_of(2) {
                return Err(first_line(RegistryFileErrorKind::Encoding));
            }
            let units = text
                .chunks_exact(2)
                .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            let text = char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            return Ok((Self::Utf16Le, text));
        }
        // A NUL in the first character: UTF-16 whose mark was lost.
        if bytes.starts_with(UTF16_BE_MARK) || bytes.iter().take(2).any(|byte| *byte == 0) {
            return Err(first_line(RegistryFileErrorKind::Encoding));
        }
        let (encoding, text) = match bytes.strip_prefix(UTF8_MARK) {
            Some(text) => (Self::Utf8Marked, text),
            None => (Self::Utf8, bytes),
        };
        match std::str::from_utf8(text) {
            Ok(text) => Ok((encoding, text.to_owned())),
            Err(error) => Err(RegistryFileError {
                line: 1 + line_ends(&text[..error.valid_up_to()]),
                kind: RegistryFileErrorKind::Encoding,
            }),
        }
    }

    /// The bytes before the text.
    pub(super) fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf16Le => UTF16_LE_MARK,
            Self::Utf8Marked => UTF8_MARK,
            Self::Utf8 => &[],
        }
    }

    /// `text` as stored.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf8Marked | Self::Utf8 => text.as_bytes().to_vec(),
        }
    }

    /// Where a part of `text` stands once it is stored.
    pub(super) fn stored_range(self, text: &str, part: Range<usize>) -> Range<usize> {
        let start = self.stored_length(&text[..part.start]);
        start..start + self.stored_length(&text[part])
    }

    /// How many bytes `text` takes as stored.
    pub(super) fn stored_length(self, text: &str) -> usize {
        match self {
            Self::Utf16Le => 2 * text.encode_utf16().count(),
            Self::Utf8Marked | Self::Utf8 => text.len(),
        }
    }
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}
