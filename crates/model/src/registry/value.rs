//! The data of one registry value.

use std::borrow::Cow;

const REG_SZ: u32 = 1;
const REG_EXPAND_SZ: u32 = 2;
const REG_BINARY: u32 = 3;
const REG_DWORD: u32 = 4;

/// A registry value's data with its type.
///
/// The named forms hold well-formed data only; whatever is not (a string that
/// does not end, a DWORD of three bytes) is [`Other`](Self::Other) with its
/// type and bytes, so that it can be put back exactly as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryData {
    /// `REG_SZ`, without the NUL that ends it.
    Text(String),
    /// `REG_EXPAND_SZ`, without the NUL that ends it and not expanded.
    ExpandText(String),
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_BINARY`.
    Binary(Vec<u8>),
    /// Any other type, or data that is not what its type promises.
    Other {
        /// The type's number, as in `winnt.h`.
        kind: u32,
        /// The data as stored.
        bytes: Vec<u8>,
    },
}

impl RegistryData {
    /// Data as the registry itself holds it: a type's number and bytes.
    #[must_use]
    pub fn from_raw(kind: u32, bytes: Vec<u8>) -> Self {
        let understood = match kind {
            REG_SZ => terminated_text(&bytes).map(Self::Text),
            REG_EXPAND_SZ => terminated_text(&bytes).map(Self::ExpandText),
            REG_DWORD => <[u8; 4]>::try_from(bytes.as_slice())
                .ok()
                .map(|four| Self::Dword(u32::from_le_bytes(four))),
            REG_BINARY => return Self::Binary(bytes),
            _ => None,
        };
        understood.unwrap_or(Self::Other { kind, bytes })
    }

    /// The type's number, as in `winnt.h`.
    #[must_use]
    pub fn kind(&self) -> u32 {
        match self {
            Self::Text(_) => REG_SZ,
            Self::ExpandText(_) => REG_EXPAND_SZ,
            Self::Dword(_) => REG_DWORD,
            Self::Binary(_) => REG_BINARY,
            Self::Other { kind, .. } => *kind,
        }
    }

    /// The bytes that the registry holds for this data.
    #[must_use]
    pub fn raw_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Text(text) | Self::ExpandText(text) => Cow::Owned(
                text.encode_utf16()
                    .chain([0])
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ),
            Self::Dword(number) => Cow::Owned(number.to_le_bytes().to_vec()),
            Self::Binary(bytes) | Self::Other { bytes, .. } => Cow::Borrowed(bytes),
        }
    }

    /// The data as an on-off switch. Tools have been seen to write one as text.
    #[must_use]
    pub fn switch(&self) -> Option<bool> {
        match self {
            Self::Dword(number) => Some(*number != 0),
            _ => self.text().map(|text| text.trim() == "1"),
        }
    }

    /// The string as programs read it: up to the first NUL, whether or not the
    /// data ends as it should. `None` where the type is not a string's.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        if !matches!(self.kind(), REG_SZ | REG_EXPAND_SZ) {
            return None;
        }
        let units = units(&self.raw_bytes())
            .take_while(|unit| *unit != 0)
            .collect::<Vec<u16>>();
        Some(String::from_utf16_lossy(&units))
    }
}

/// The text of well-formed string data: valid UTF-16LE that a NUL ends. NULs
/// before the last belong to the text.
fn terminated_text(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = units(bytes).collect();
    match units.split_last() {
        Some((0, text)) if bytes.len().is_multiple_of(2) => String::from_utf16(text).ok(),
        _ => None,
    }
}

/// The UTF-16LE units of `bytes`; an odd last byte is left out.
fn units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
}
