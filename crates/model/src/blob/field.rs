//! The fields that both layouts are made of: little-endian integers and strings
//! with a 32-bit length in front, packed without padding.

use std::borrow::Cow;

use thiserror::Error;

/// Why bytes are not a settings blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlobError {
    /// The bytes end before a field that every blob has.
    #[error("the data ends at byte {offset}, inside the {field}")]
    TooShort {
        /// Where the field begins, in bytes from the start.
        offset: usize,
        /// The field, in words.
        field: &'static str,
    },
    /// A string's length reaches beyond the end of the bytes.
    #[error("the {field} at byte {offset} claims {len} bytes, more than there are")]
    StringOverrun {
        /// Where the string begins (after its length), in bytes from the start.
        offset: usize,
        /// The length that the blob states.
        len: u32,
        /// The field, in words.
        field: &'static str,
    },
    /// The first field is not a version that any known writer uses.
    #[error("version {0:#x} is not one of a settings blob")]
    UnknownVersion(u32),
}

/// A string of a blob, as the bytes that are stored: no terminator, and no
/// statement of its encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BlobText(Vec<u8>);

impl BlobText {
    /// The stored bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text: UTF-8 where the bytes are valid UTF-8, else one character for
    /// each byte (Latin-1).
    ///
    /// The encoding is documented nowhere. The reader that Microsoft published
    /// decodes UTF-8 and most writers keep to ASCII, which is the same; bytes
    /// that are not UTF-8 were written in some ANSI code page that the blob does
    /// not name. Latin-1 then shows every byte, fails on none and can be undone.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.0.iter().copied().map(char::from).collect()),
        }
    }

    /// The string that reads as `text`: these very bytes where they already do,
    /// otherwise UTF-8.
    #[must_use]
    pub fn with_text(&self, text: &str) -> Self {
        if self.text() == text {
            self.clone()
        } else {
            Self::from(text)
        }
    }
}

impl BlobText {
    /// The string after `edit` of its bytes, seen as one character each so that
    /// whatever is not touched stays; `None` where `edit` gives up.
    pub(crate) fn edited(&self, edit: impl FnOnce(&str) -> Option<String>) -> Option<Self> {
        let characters: String = self.0.iter().copied().map(char::from).collect();
        let edited = edit(&characters)?;
        edited
            .chars()
            .map(|character| u8::try_from(character).ok())
            .collect::<Option<Vec<u8>>>()
            .map(Self)
    }
}

impl From<&str> for BlobText {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for BlobText {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Reads fields one after another and never beyond the end.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], BlobError> {
        let offset = self.offset;
        self.rest()
            .first_chunk::<N>()
            .inspect(|_| self.offset += N)
            .copied()
            .ok_or(BlobError::TooShort { offset, field })
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<u32, BlobError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<BlobText, BlobError> {
        let len = self.number(field)?;
        let offset = self.offset;
        let bytes = usize::try_from(len)
            .ok()
            .and_then(|length| self.rest().get(..length))
            .ok_or(BlobError::StringOverrun { offset, len, field })?;
        self.offset += bytes.len();
        Ok(BlobText(bytes.to_vec()))
    }

    /// A count and that many items. The items are read one by one, so a wild
    /// count costs nothing: the bytes run out first.
    pub(super) fn list<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<Vec<[u8; N]>, BlobError> {
        let count = self.number(field)?;
        (0..count).map(|_| self.array(field)).collect()
    }

    /// Everything that has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }
}

/// Writes fields one after another, the inverse of [`Reader`].
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &BlobText) {
        self.count(text.0.len());
        self.bytes(&text.0);
    }

    pub(super) fn list<const N: usize>(&mut self, items: impl ExactSizeIterator<Item = [u8; N]>) {
        self.count(items.len());
        for item in items {
            self.bytes(&item);
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// A registry value ends far below 4 GiB, so the length always fits.
    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }
}
