//! The syntax of `.reg` files, version 5, on the way in: text into statements.

use std::ops::Range;

use thiserror::Error;

use super::value::RegistryData;

/// The first line of a file.
pub(super) const SIGNATURE: &str = "Windows Registry Editor Version 5.00";

/// Why a file cannot be read as a registry export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {kind}")]
pub struct RegistryFileError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub kind: RegistryFileErrorKind,
}

/// What is wrong in one line of a registry export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RegistryFileErrorKind {
    /// Neither UTF-16LE with a byte order mark nor UTF-8.
    #[error(
        "the file is neither UTF-16LE (as regedit exports it) nor UTF-8; save it as one of them"
    )]
    Encoding,
    /// The format of Windows 95, which stores text in an unnamed code page.
    #[error("this is the old REGEDIT4 format; export it again in the version 5 format")]
    Regedit4,
    /// The first line is not the version 5 signature.
    #[error("a registry export begins with `{SIGNATURE}`")]
    Signature,
    /// A line that is neither a key, a value, a comment nor blank.
    #[error("neither a key, a value nor a comment")]
    Statement,
    /// `[` without `]`.
    #[error("the key's name is not closed by `]`")]
    KeyNotClosed,
    /// A value before the first key, or under a key that is being deleted.
    #[error("the value belongs to no key")]
    ValueWithoutKey,
    /// A quoted name or text without its second quote.
    #[error("the quoted text is not closed")]
    QuoteNotClosed,
    /// A `\` before a character that needs none.
    #[error("`\\{}` is not an escape; write a backslash as `\\\\`", .0.escape_default())]
    Escape(char),
    /// No `=` after a value's name.
    #[error("`=` is missing after the value's name")]
    EqualsSign,
    /// Data in a form that the format does not have.
    #[error("the data is neither quoted text, `dword:`, `hex:` nor `-`")]
    Data,
    /// `dword:` without one to eight hexadecimal digits.
    #[error("`dword:` takes one to eight hexadecimal digits")]
    Dword,
    /// Something in a list of bytes that is no byte.
    #[error("bytes are one or two hexadecimal digits, separated by commas")]
    Bytes,
    /// A `\` that does not end its line, or nothing on the next.
    #[error("the bytes break off after a backslash")]
    Continuation,
    /// Something behind a value's data.
    #[error("unexpected text after the value")]
    TrailingText,
}

/// One statement of a file: mostly one line, more where bytes or text go on.
#[derive(Debug)]
pub(super) struct Statement<'t> {
    /// The statement's text with its line end.
    pub(super) source: &'t str,
    /// Where in `source` the data stands; empty unless it is a value.
    pub(super) data: Range<usize>,
    pub(super) meaning: Meaning,
}

#[derive(Debug)]
pub(super) enum Meaning {
    Heading(Heading),
    Content(Content),
}

/// What begins a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// The signature, before any key.
    Signature,
    /// `[key]`.
    Key(String),
    /// `[-key]`: the key goes, with all keys below it.
    DeletedKey(String),
}

/// What stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Blank,
    Comment,
    /// `"name"=data`; no data for `"name"=-`, which deletes the value.
    Value {
        name: String,
        data: Option<RegistryData>,
    },
}

/// The statements of a text, from a given line on.
pub(super) struct Statements<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Statements<'t> {
    pub(super) fn new(text: &'t str, first_line: usize) -> Self {
        Self {
            rest: text,
            line: first_line,
        }
    }

    /// The line of the statement that comes next.
    pub(super) fn line(&self) -> usize {
        self.line
    }
}

impl<'t> Iterator for Statements<'t> {
    type Item = Result<Statement<'t>, RegistryFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut cursor = Cursor {
            text: self.rest,
            position: 0,
        };
        Some(match cursor.statement() {
            Ok((data, meaning)) => {
                let (source, rest) = self.rest.split_at(cursor.position);
                self.rest = rest;
                self.line += line_ends(source);
                Ok(Statement {
                    source,
                    data,
                    meaning,
                })
            }
            Err(kind) => {
                let line = self.line + line_ends(&self.rest[..cursor.position]);
                self.rest = "";
                Err(RegistryFileError { line, kind })
            }
        })
    }
}

fn line_ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Reads one statement. On an error `position` is where it is.
struct Cursor<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Cursor<'t> {
    fn statement(&mut self) -> Result<(Range<usize>, Meaning), RegistryFileErrorKind> {
        self.skip_blanks();
        match self.peek() {
            None | Some(b'\r' | b'\n') => {
                self.end_of_line()?;
                Ok((0..0, Meaning::Content(Content::Blank)))
            }
            // `#` is in no documentation, but Windows takes it, too.
            Some(b';' | b'#') => {
                self.skip_line();
                Ok((0..0, Meaning::Content(Content::Comment)))
            }
            Some(b'[') => Ok((0..0, Meaning::Heading(self.heading()?))),
            Some(b'"' | b'@') => {
                let name = self.name()?;
                let start = self.position;
                let data = self.data()?;
                let range = start..self.position;
                self.end_of_line()?;
                Ok((range, Meaning::Content(Content::Value { name, data })))
            }
            Some(_) => Err(RegistryFileErrorKind::Statement),
        }
    }

    /// A key's name may hold `]`, so its last one closes it; `regedit` ignores
    /// what follows.
    fn heading(&mut self) -> Result<Heading, RegistryFileErrorKind> {
        let start = self.position + 1;
        let rest = &self.text[start..];
        let line = rest.split('\n').next().unwrap_or(rest);
        let Some(end) = line.rfind(']') else {
            return Err(RegistryFileErrorKind::KeyNotClosed);
        };
        self.skip_line();
        Ok(match line[..end].strip_prefix('-') {
            Some(key) => Heading::DeletedKey(key.to_owned()),
            None => Heading::Key(line[..end].to_owned()),
        })
    }

    /// `"name"=` or `@=` with the blanks around `=`. `@` is the name "".
    fn name(&mut self) -> Result<String, RegistryFileErrorKind> {
        let name = if self.eat(b'@') {
            String::new()
        } else {
            self.quoted()?
        };
        self.skip_blanks();
        if !self.eat(b'=') {
            return Err(RegistryFileErrorKind::EqualsSign);
        }
        self.skip_blanks();
        Ok(name)
    }

    fn data(&mut self) -> Result<Option<RegistryData>, RegistryFileErrorKind> {
        if self.eat(b'-') {
            return Ok(None);
        }
        let data = if self.peek() == Some(b'"') {
            RegistryData::Text(self.quoted()?)
        } else if self.eat_word("dword:") {
            RegistryData::Dword(self.dword()?)
        } else if self.eat_word("hex:") {
            RegistryData::Binary(self.bytes()?)
        } else if self.eat_word("hex(") {
            let kind =
                u32::from_str_radix(self.digits(), 16).map_err(|_| RegistryFileErrorKind::Data)?;
            if !self.eat_word("):") {
                return Err(RegistryFileErrorKind::Data);
            }
            RegistryData::from_raw(kind, self.bytes()?)
        } else {
            return Err(RegistryFileErrorKind::Data);
        };
        Ok(Some(data))
    }

    /// A quoted text. Line ends within it belong to it: `regedit` exports them
    /// as they are, while Wine's writes them as `\r` and `\n`, and NUL as `\0`.
    fn quoted(&mut self) -> Result<String, RegistryFileErrorKind> {
        let opening = self.position;
        let mut text = String::new();
        self.position += 1;
        loop {
            let rest = &self.text[self.position..];
            let Some(length) = rest.find(['"', '\\']) else {
                self.position = opening;
                return Err(RegistryFileErrorKind::QuoteNotClosed);
            };
            text.push_str(&rest[..length]);
            self.position += length;
            if self.eat(b'"') {
                return Ok(text);
            }
            text.push(match rest[length + 1..].chars().next() {
                Some(character @ ('\\' | '"')) => character,
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                Some(character) => return Err(RegistryFileErrorKind::Escape(character)),
                None => return Err(RegistryFileErrorKind::QuoteNotClosed),
            });
            self.position += 2;
        }
    }

    fn dword(&mut self) -> Result<u32, RegistryFileErrorKind> {
        let digits = self.digits();
        if digits.len() > 8 {
            return Err(RegistryFileErrorKind::Dword);
        }
        u32::from_str_radix(digits, 16).map_err(|_| RegistryFileErrorKind::Dword)
    }

    /// Bytes separated by commas, a comma at the end allowed; `\` after a comma
    /// (or before the first byte) leads to the next line.
    fn bytes(&mut self) -> Result<Vec<u8>, RegistryFileErrorKind> {
        let mut bytes = Vec::new();
        loop {
            let end = self.position;
            let continued = self.skip_continuations()?;
            let digits = self.digits();
            match digits.len() {
                0 if continued => return Err(RegistryFileErrorKind::Continuation),
                0 => {
                    self.position = end;
                    return Ok(bytes);
                }
                1 | 2 => bytes.push(
                    u8::from_str_radix(digits, 16).map_err(|_| RegistryFileErrorKind::Bytes)?,
                ),
                _ => return Err(RegistryFileErrorKind::Bytes),
            }
            let end = self.position;
            self.skip_blanks();
            if !self.eat(b',') {
                self.position = end;
                return Ok(bytes);
            }
        }
    }

    /// Skips blanks and `\` with the line end behind it; whether there was one.
    fn skip_continuations(&mut self) -> Result<bool, RegistryFileErrorKind> {
        let mut continued = false;
        self.skip_blanks();
        while self.eat(b'\\') {
            continued = true;
            self.skip_blanks();
            if self.peek() == Some(b';') {
                self.skip_line();
            } else {
                self.eat(b'\r');
                if !self.eat(b'\n') {
                    return Err(RegistryFileErrorKind::Continuation);
                }
            }
            self.skip_blanks();
        }
        Ok(continued)
    }

    /// The hexadecimal digits from here on.
    fn digits(&mut self) -> &'t str {
        let rest = &self.text[self.position..];
        let length = rest
            .bytes()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    /// Blanks and a comment up to the line's end, and that.
    fn end_of_line(&mut self) -> Result<(), RegistryFileErrorKind> {
        self.skip_blanks();
        if self.peek() == Some(b';') {
            self.skip_line();
            return Ok(());
        }
        let at = self.position;
        self.eat(b'\r');
        if self.eat(b'\n') || self.peek().is_none() {
            return Ok(());
        }
        self.position = at;
        Err(RegistryFileErrorKind::TrailingText)
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.position..];
        self.position += rest.find('\n').map_or(rest.len(), |length| length + 1);
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.position += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.position..]
            .get(..word.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()));
        if found {
            self.position += word.len();
        }
        found
    }
}
