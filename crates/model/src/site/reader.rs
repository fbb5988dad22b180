//! Typed reading of TOML with spans: every mistake is noted, none stops the reading.
//!
//! Whatever gives `None`, or a default in place of an unusable value, has noted
//! why, so that callers need not care: a file with any note is refused as a whole.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::TABLES;
use super::{SiteError, SiteErrorKind};
use crate::catalogue::spelling;

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Errors(RefCell<Vec<SiteError>>);

impl Errors {
    pub(super) fn note(&self, span: Option<Range<usize>>, kind: SiteErrorKind) {
        self.0.borrow_mut().push(SiteError { span, kind });
    }

    /// All mistakes in the order of the file; what has no place comes last.
    pub(super) fn into_sorted(self) -> Vec<SiteError> {
        let mut errors = self.0.into_inner();
        errors.sort_by_key(|error| error.span.as_ref().map_or(usize::MAX, |span| span.start));
        errors
    }
}

/// A table of the file, possibly absent.
pub(super) struct Table<'t> {
    name: &'static str,
    span: Option<Range<usize>>,
    content: Option<&'t DeTable<'t>>,
    /// There is something of that name, but no table: what it lacks is no news.
    is_unreadable: bool,
    errors: &'t Errors,
}

impl<'t> Table<'t> {
    /// The whole file.
    pub(super) fn root(
        content: &'t DeTable<'t>,
        keys: &'static [&'static str],
        errors: &'t Errors,
    ) -> Self {
        Self::new("", None, Some(content), keys, errors)
    }

    fn new(
        name: &'static str,
        span: Option<Range<usize>>,
        content: Option<&'t DeTable<'t>>,
        keys: &'static [&'static str],
        errors: &'t Errors,
    ) -> Self {
        for key in content.iter().flat_map(|table| table.keys()) {
            let word = key.get_ref().as_ref();
            if !keys.contains(&word) {
                let kind = SiteErrorKind::UnknownKey {
                    table: name,
                    key: word.to_owned(),
                    valid: keys,
                    nearest: spelling::nearest(word, keys.iter().copied()),
                };
                errors.note(Some(key.span()), kind);
            }
        }
        Self {
            name,
            span,
            content,
            is_unreadable: false,
            errors,
        }
    }

    /// The header of the table, to underline what concerns it as a whole.
    fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// A table that takes `keys`; an absent one reads as empty.
    pub(super) fn table(&self, name: &'static str, keys: &'static [&'static str]) -> Self {
        let value = self.value(name);
        let content = value.and_then(|value| match value.get_ref() {
            DeValue::Table(content) => Some(content),
            other => self.wrong_type(name, value.span(), "a table", other),
        });
        let span = value.map(Spanned::span);
        Self {
            is_unreadable: value.is_some() && content.is_none(),
            ..Self::new(name, span, content, keys, self.errors)
        }
    }

    /// An array of tables that take `keys`; an absent one reads as empty.
    pub(super) fn tables(
        &self,
        name: &'static str,
        keys: &'static [&'static str],
    ) -> Option<Vec<Self>> {
        let Some(value) = self.value(name) else {
            return Some(Vec::new());
        };
        let items = match value.get_ref() {
            DeValue::Array(items) => items,
            other => return self.wrong_type(name, value.span(), TABLES, other),
        };
        items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::Table(content) => Some(Self::new(
                    name,
                    Some(item.span()),
                    Some(content),
                    keys,
                    self.errors,
                )),
                other => self.wrong_type(name, item.span(), TABLES, other),
            })
            .collect()
    }

    /// A string; a blank one counts as absent.
    pub(super) fn text(&self, key: &'static str) -> Option<Text<'t>> {
        self.string(key)
            .filter(|text| !text.value.trim().is_empty())
    }

    /// A string that must be there; a blank one is left to its own rule to refuse.
    pub(super) fn required_text(&self, key: &'static str) -> Option<Text<'t>> {
        self.require(
            key,
            SiteErrorKind::MissingKey {
                table: self.name,
                key,
            },
        )?;
        self.string(key)
    }

    /// One of a few words, which must be there; `missing` says why.
    pub(super) fn required_choice<T: Copy>(
        &self,
        key: &'static str,
        missing: SiteErrorKind,
        all: &'static [T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        self.require(key, missing)?;
        self.choice(key, all, word)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &'static str,
        all: &'static [T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        let words = || -> Vec<&'static str> { all.iter().copied().map(word).collect() };
        let value = self.value(key)?;
        if !value.get_ref().is_str() {
            return self.wrong_value(key, value.span(), "a string", words(), value.get_ref());
        }
        self.string(key)?.read(|text| {
            let found = all
                .iter()
                .copied()
                .find(|choice| word(*choice) == text.value);
            found.ok_or_else(|| SiteErrorKind::UnknownValue {
                key: text.key.clone(),
                value: text.value.to_owned(),
                nearest: spelling::nearest(text.value, words()),
                allowed: words(),
            })
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => self.wrong_type(key, value.span(), "true or false", other),
        }
    }

    /// The strings of an array, none where it is absent.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Text<'t>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let expected = "an array of strings";
        match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| self.as_text(key, expected, item))
                .collect(),
            other => self
                .wrong_type(key, value.span(), expected, other)
                .unwrap_or_default(),
        }
    }

    /// Where the value of `key` stands.
    pub(super) fn span_of(&self, key: &'static str) -> Option<Range<usize>> {
        self.value(key).map(Spanned::span)
    }

    /// Notes a mistake of the table as a whole, or of one of its values.
    pub(super) fn note(&self, span: Option<Range<usize>>, kind: SiteErrorKind) {
        self.errors.note(span, kind);
    }

    fn require(&self, key: &'static str, missing: SiteErrorKind) -> Option<()> {
        if self.value(key).is_some() {
            return Some(());
        }
        if !self.is_unreadable {
            self.note(self.span(), missing);
        }
        None
    }

    fn string(&self, key: &'static str) -> Option<Text<'t>> {
        self.as_text(key, "a string", self.value(key)?)
    }

    fn as_text(
        &self,
        key: &'static str,
        expected: &'static str,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Option<Text<'t>> {
        match value.get_ref() {
            DeValue::String(text) => Some(Text {
                key: self.path(key),
                value: text,
                span: value.span(),
                errors: self.errors,
            }),
            other => self.wrong_type(key, value.span(), expected, other),
        }
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.content?.get(key)
    }

    fn path(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            table => format!("{table}.{key}"),
        }
    }

    fn wrong_type<T>(
        &self,
        key: &str,
        span: Range<usize>,
        expected: &'static str,
        found: &DeValue<'_>,
    ) -> Option<T> {
        self.wrong_value(key, span, expected, Vec::new(), found)
    }

    fn wrong_value<T>(
        &self,
        key: &str,
        span: Range<usize>,
        expected: &'static str,
        allowed: Vec<&'static str>,
        found: &DeValue<'_>,
    ) -> Option<T> {
        let kind = SiteErrorKind::WrongType {
            key: self.path(key),
            expected,
            allowed,
            found: match found {
                DeValue::String(_) => "a string",
                DeValue::Integer(_) => "an integer",
                DeValue::Float(_) => "a float",
                DeValue::Boolean(_) => "a boolean",
                DeValue::Datetime(_) => "a date",
                DeValue::Array(_) => "an array",
                DeValue::Table(_) => "a table",
            },
        };
        self.note(Some(span), kind);
        None
    }
}

/// A string of the file with its place.
pub(super) struct Text<'t> {
    /// The key with its table: `vault.name`.
    pub(super) key: String,
    /// The string.
    pub(super) value: &'t str,
    span: Range<usize>,
    errors: &'t Errors,
}

impl Text<'_> {
    /// Where it stands, quotes included.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Reads a meaning out of the string, or notes the mistake at its place.
    pub(super) fn read<T>(
        &self,
        meaning: impl FnOnce(&Self) -> Result<T, SiteErrorKind>,
    ) -> Option<T> {
        meaning(self)
            .map_err(|kind| self.errors.note(Some(self.span()), kind))
            .ok()
    }
}
