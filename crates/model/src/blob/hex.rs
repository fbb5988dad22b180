//! Bytes as people paste them.

use std::fmt::Write as _;

use thiserror::Error;

/// Why a text is not a run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("position {position}: {kind}")]
pub struct HexError {
    /// Where in the text, in bytes from its start.
    pub position: usize,
    /// What is there.
    pub kind: HexErrorKind,
}

/// What is wrong at one place of a hexadecimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HexErrorKind {
    /// A character that is neither a digit nor a separator.
    #[error("`{}` is not a hexadecimal digit", .0.escape_default())]
    NotADigit(char),
    /// An odd number of digits, so that a byte is cut in half (or the bytes are decimal).
    #[error("a byte needs two hexadecimal digits")]
    HalfAByte,
    /// A `\` that does not end its line.
    #[error("a backslash may only end a line")]
    StrayBackslash,
}

/// Reads bytes from the forms in which registry data is shown and exported:
/// digits with or without spaces, commas, hyphens and line ends between bytes;
/// `0x` before bytes; `hex:` and `hex(3):` with lines continued by `\`, also
/// behind `"Name"=`; and a line of `reg query`, behind its `REG_BINARY`.
///
/// ```
/// use sidestep_model::blob::parse_hex;
///
/// assert_eq!(parse_hex("46 00,00")?, [0x46, 0, 0]);
/// assert_eq!(parse_hex("\"Name\"=hex:46,00,\\\r\n  00")?, [0x46, 0, 0]);
/// # Ok::<(), sidestep_model::blob::HexError>(())
/// ```
pub fn parse_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut position = data_start(text);
    while let Some(character) = text[position..].chars().next() {
        let rest = &text[position..];
        if character.is_whitespace() || matches!(character, ',' | '-') {
            position += character.len_utf8();
        } else if character == '\\' {
            position += continuation(rest).ok_or(HexError {
                position,
                kind: HexErrorKind::StrayBackslash,
            })?;
        } else {
            position += run_of_bytes(rest, &mut bytes).map_err(|error| HexError {
                position: position + error.position,
                ..error
            })?;
        }
    }
    Ok(bytes)
}

/// Bytes as lower-case digits without separators.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where the bytes begin: behind a value's name, its type and its form.
fn data_start(text: &str) -> usize {
    if let Some(found) = text.find("REG_BINARY") {
        return found + "REG_BINARY".len();
    }
    let blank = |text: &str| text.len() - text.trim_start_matches(is_blank).len();
    let mut start = blank(text);
    start += name_length(&text[start..]);
    start += blank(&text[start..]);
    start + form_length(&text[start..])
}

/// A byte order mark counts as blank, so that an exported file can be pasted whole.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// The length of `"Name"=` or `@=`; 0 where there is none.
fn name_length(text: &str) -> usize {
    if text.starts_with("@=") {
        return 2;
    }
    if !text.starts_with('"') {
        return 0;
    }
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if text[index + 1..].starts_with('=') => return index + 2,
            '"' => return 0,
            _ => {}
        }
    }
    0
}

/// The length of `hex:` or `hex(3):`; 0 where there is none.
fn form_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("hex") else {
        return 0;
    };
    match rest.split_once(':') {
        Some(("", _)) => 4,
        Some((kind, _)) if kind.starts_with('(') && kind.ends_with(')') => 4 + kind.len(),
        _ => 0,
    }
}

/// The length of a `\` with the blanks up to its line's end.
fn continuation(text: &str) -> Option<usize> {
    let rest = text[1..].trim_start_matches([' ', '\t']);
    (rest.is_empty() || rest.starts_with(['\r', '\n'])).then(|| text.len() - rest.len())
}

/// Reads digits up to the next separator; returns how much of the text they are.
fn run_of_bytes(text: &str, bytes: &mut Vec<u8>) -> Result<usize, HexError> {
    let prefix = if text.starts_with("0x") || text.starts_with("0X") {
        2
    } else {
        0
    };
    let mut digits = Vec::new();
    for character in text[prefix..].chars() {
        match character
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
        {
            Some(digit) => digits.push(digit),
            None if character.is_whitespace() || matches!(character, ',' | '-' | '\\') => break,
            None => {
                return Err(HexError {
                    position: prefix + digits.len(),
                    kind: HexErrorKind::NotADigit(character),
                });
            }
        }
    }
    let length = prefix + digits.len();
    // `0x5` says that it is one byte; a bare `5` may as well be decimal or cut off.
    if prefix > 0 && digits.len() == 1 {
        digits.insert(0, 0);
    }
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err(HexError {
            position: 0,
            kind: HexErrorKind::HalfAByte,
        });
    }
    bytes.extend(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    Ok(length)
}
