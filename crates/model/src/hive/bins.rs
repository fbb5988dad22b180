//! The bins of a hive: bytes in which cells name each other by offset.

/// Why a hive cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HiveError {
    /// It does not begin as a hive does.
    #[error("it is no registry hive")]
    NotAHive,
    /// Something leads out of it, or to what is not there.
    #[error("it is damaged near byte {0:#x} of its data")]
    Damaged(u32),
}

/// Everything behind a hive's header.
#[derive(Clone, Debug)]
pub(super) struct Bins(pub(super) Vec<u8>);

impl Bins {
    /// What a cell in use holds. Its first four bytes are its size, negative.
    pub(super) fn cell(&self, offset: u32) -> Result<&[u8], HiveError> {
        let damaged = HiveError::Damaged(offset);
        let start = usize::try_from(offset).map_err(|_| damaged)?;
        let cell = self.0.get(start..).ok_or(damaged)?;
        let size = number(cell, 0).ok_or(damaged)?.cast_signed();
        let size = usize::try_from(size.checked_neg().ok_or(damaged)?).map_err(|_| damaged)?;
        cell.get(4..size).ok_or(damaged)
    }
}

/// The little-endian number of four bytes at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four))
}

/// The little-endian number of two bytes at `at`.
pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*two))
}
