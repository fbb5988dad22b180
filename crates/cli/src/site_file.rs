//! From a path to a site, or to every error in its line.

use std::fs;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use sidestep_model::finding::Code;
use sidestep_model::site::{Site, SiteError};

use crate::error::{CommandError, Exit};

/// Where a site is read when nothing else is said.
const DEFAULT: &str = "site.toml";

/// Which site file was asked for.
#[derive(Debug)]
pub(crate) struct SiteFile {
    named: Option<PathBuf>,
}

impl SiteFile {
    /// The file named on the command line, if one was.
    pub(crate) fn new(named: Option<PathBuf>) -> Self {
        Self { named }
    }

    /// The file that was named.
    pub(crate) fn named(&self) -> Option<&Path> {
        self.named.as_deref()
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

/// The site that `text` describes; errors are shown in their lines of `name`.
pub(crate) fn parse(text: &str, name: &str) -> Result<Site, CommandError> {
    Site::parse(text).map_err(|errors| {
        let excerpts: Vec<String> = errors
            .iter()
            .map(|error| excerpt(error, text, name))
            .collect();
        CommandError::new(Exit::Usage, Code::SITE_INVALID, excerpts.join("\n\n"))
    })
}

fn excerpt(error: &SiteError, text: &str, name: &str) -> String {
    let title = error.kind.to_string();
    let mut group = Group::with_title(
        Level::ERROR
            .primary_title(title.as_str())
            .id(Code::SITE_INVALID.to_string()),
    );
    if let Some(span) = error.span.clone() {
        let snippet = Snippet::source(text)
            .path(name)
            .annotation(AnnotationKind::Primary.span(span));
        group = group.element(snippet);
    }
    let help = error.kind.help();
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::styled().render(&[group])
}
