//! From a path to a site, or to every error in its line.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use sidestep_model::finding::Code;
use sidestep_model::site::{Site, SiteError};

use crate::error::{CommandError, Exit, Place};
use crate::render::plural;

/// Where a site is read when nothing else is said.
const DEFAULT: &str = "site.toml";

/// Which site file was asked for.
#[derive(Clone, Debug)]
pub(crate) struct SiteFile {
    named: Option<PathBuf>,
}

impl SiteFile {
    /// The file named on the command line, if one was.
    pub(crate) fn new(named: Option<PathBuf>) -> Self {
        Self { named }
    }

    /// The file named in place of an argument of the verb's own, if that is given.
    pub(crate) fn or(self, argument: Option<&Path>) -> Result<Self, CommandError> {
        match (self.named, argument) {
            (Some(_), Some(_)) => Err(CommandError::usage(
                "two site files are named: SITE and --site",
            )
            .hint("name one of them")),
            (named, argument) => Ok(Self {
                named: named.or_else(|| argument.map(Path::to_owned)),
            }),
        }
    }

    /// The file that was named.
    pub(crate) fn named(&self) -> Option<&Path> {
        self.named.as_deref()
    }

    /// The file that a site is read from, for people.
    pub(crate) fn name(&self) -> String {
        let path = self.named().unwrap_or_else(|| Path::new(DEFAULT));
        path.display().to_string()
    }

    /// The site of the file named or, without one, of `./site.toml`.
    pub(crate) fn site(&self) -> Result<Site, CommandError> {
        let path = self.named().unwrap_or_else(|| Path::new(DEFAULT));
        parse(&read(path)?, &path.display().to_string())
    }

    /// As [`Self::site`], but `None` where none was named and there is no `./site.toml`.
    pub(crate) fn site_if_any(&self) -> Result<Option<Site>, CommandError> {
        if self.named.is_none() && !Path::new(DEFAULT).exists() {
            return Ok(None);
        }
        self.site().map(Some)
    }
}

/// The text of a site file.
pub(crate) fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read the site file {}: {error}", path.display());
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
            .hint("`sidestep init` writes one; `--site FILE` names another")
    })
}

/// The text of a file that a shell may have written: Windows PowerShell's `>`
/// writes UTF-16.
pub(crate) fn read_text(path: &Path) -> Result<String, CommandError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        let message = format!("cannot read {}: {error}", path.display());
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
    };
    let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
    if let Some(units) = bytes.strip_prefix(b"\xff\xfe") {
        let units = units.chunks(2).map(|unit| match unit {
            [low, high] => u16::from_le_bytes([*low, *high]),
            // Half a character is none.
            _ => 0xd800,
        });
        return char::decode_utf16(units)
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(&error));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    String::from_utf8(text.to_vec()).map_err(|error| unreadable(&error))
}

/// The site that `text` describes; errors are shown in their lines of `name`.
pub(crate) fn parse(text: &str, name: &str) -> Result<Site, CommandError> {
    Site::parse(text).map_err(|errors| {
        let count = plural(errors.len() as u64, "mistake", "mistakes");
        let shown = without_credentials(text);
        let mut error = CommandError::new(
            Exit::Usage,
            Code::SITE_INVALID,
            format!("{name} has {count}"),
        );
        error.places = errors
            .iter()
            .map(|error| place(error, &shown, name))
            .collect();
        error
    })
}

fn place(error: &SiteError, text: &str, name: &str) -> Place {
    let message = error.kind.to_string();
    let help = error.kind.help();
    let mut group = Group::with_title(Level::ERROR.primary_title(message.as_str()));
    let masked = error.span.as_ref().map(|span| hidden(text, span));
    let text = masked.as_deref().unwrap_or(text);
    if let Some(span) = error.span.clone() {
        let snippet = Snippet::source(text)
            .path(name)
            .annotation(AnnotationKind::Primary.span(span));
        group = group.element(snippet);
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let excerpt = Renderer::styled().render(&[group]);
    let line = error.span.as_ref().and_then(|span| {
        let before = text.get(..span.start)?;
        Some(before.matches('\n').count() + 1)
    });
    Place {
        line,
        message,
        help,
        excerpt,
    }
}

/// The text with a value that is written with escapes starred out, because
/// an escape can hide an `@`.
fn hidden(text: &str, span: &Range<usize>) -> String {
    match text.get(span.clone()) {
        Some(value) if value.contains('\\') => {
            let stars = "*".repeat(value.len());
            [&text[..span.start], &stars, &text[span.end..]].concat()
        }
        _ => text.to_owned(),
    }
}

/// The text with whatever stands before an `@` starred out, byte for byte, so
/// that a line can be shown although it holds a password.
fn without_credentials(text: &str) -> String {
    let mut shown = text.as_bytes().to_vec();
    for (at, _) in text.match_indices('@') {
        let start = text[..at]
            .rfind(['"', '\'', '\n'])
            .map_or(0, |quote| quote + 1);
        shown[start..at].fill(b'*');
    }
    String::from_utf8(shown).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_starred_out_in_place() {
        let text = "server = \"http://us\u{e9}r:geheim@10.2.0.16:8080\"\nx = 'a:b@c'";
        let shown = without_credentials(text);
        assert_eq!(shown.len(), text.len());
        assert!(shown.ends_with("@10.2.0.16:8080\"\nx = '***@c'"), "{shown}");
        assert!(shown.starts_with("server = \"****") && !shown.contains("geheim"));

        let escaped = r#"server = "u:geheim\u0040h:1""#;
        assert!(!hidden(escaped, &(9..escaped.len())).contains("geheim"));
    }
}
