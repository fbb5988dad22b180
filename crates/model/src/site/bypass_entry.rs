//! Which entries can stand in a bypass list at all.

use thiserror::Error;

use crate::bypass::readers_agree;

/// Why a text cannot be written as one entry of a bypass list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EntryFault {
    /// There is nothing to match.
    #[error("it is empty")]
    Empty,
    /// `;` separates entries.
    #[error("`;` separates entries, so that this would be several")]
    Separator,
    /// CR, LF, NUL or another control character.
    #[error("it holds a line break or another control character")]
    Control,
    /// .NET Framework reads an entry with a blank as one dead name, `WinINet` as two.
    #[error("it holds a blank, which readers understand differently")]
    Blank,
    /// Windows stores the list in a code page.
    #[error("it holds a character outside ASCII")]
    NotAscii,
    /// Users have no business in a list, and passwords none in a site file.
    #[error("it holds an `@`, which no host does")]
    User,
    /// Measured: one such entry makes `WinINet` send everything direct, while
    /// .NET Framework ignores just this entry.
    #[error("a `/` makes WinINet ignore the proxy altogether and .NET Framework ignore the entry")]
    Slash,
    /// What Sidestep writes means the same to both readers.
    #[error("it means one thing to .NET Framework and another to WinINet")]
    ReadersPart,
}

/// Checks an entry that is to be written.
pub(super) fn writable(entry: &str) -> Result<(), EntryFault> {
    removable(entry)?;
    let host = without_scheme(entry);
    if entry.contains(char::is_whitespace) {
        Err(EntryFault::Blank)
    } else if !entry.is_ascii() {
        Err(EntryFault::NotAscii)
    } else if entry.contains('@') {
        Err(EntryFault::User)
    } else if host.contains('/') {
        Err(EntryFault::Slash)
    } else if host.is_empty() {
        Err(EntryFault::Empty)
    } else if !readers_agree(entry) {
        Err(EntryFault::ReadersPart)
    } else {
        Ok(())
    }
}

/// Checks an entry that is to be dropped: it must be able to exist, not to work.
pub(super) fn removable(entry: &str) -> Result<(), EntryFault> {
    if entry.trim().is_empty() {
        Err(EntryFault::Empty)
    } else if entry.contains(';') {
        Err(EntryFault::Separator)
    } else if entry.contains(char::is_control) {
        Err(EntryFault::Control)
    } else {
        Ok(())
    }
}

/// The entry after its `scheme://`, if it has one.
fn without_scheme(entry: &str) -> &str {
    match entry.split_once("://") {
        Some((scheme, host)) if is_scheme(scheme) => host,
        _ => entry,
    }
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}
