//! Lists that are given on the command line: as text, `@FILE`, or `-` for stdin.

use std::io::{self, Read as _};
use std::path::Path;

use sidestep_model::bypass;
use sidestep_model::finding::Code;

use crate::error::{CommandError, Exit};
use crate::site_file;

/// A list and what it is called.
#[derive(Debug)]
pub(crate) struct ListText {
    /// The text as given.
    pub(crate) text: String,
    /// The file, or what stands for one.
    pub(crate) name: String,
}

impl ListText {
    pub(crate) fn read(given: &str) -> Result<Self, CommandError> {
        if let Some(path) = given.strip_prefix('@') {
            return Ok(Self {
                text: site_file::read_text(Path::new(path))?,
                name: path.to_owned(),
            });
        }
        if given == "-" {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(|error| {
                let message = format!("cannot read standard input: {error}");
                CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
            })?;
            let name = "stdin".to_owned();
            return Ok(Self { text, name });
        }
        Ok(Self {
            text: given.to_owned(),
            name: "LIST".to_owned(),
        })
    }

    /// The list as Windows stores it: as it was typed; a file may also have an
    /// entry a line.
    pub(crate) fn stored(given: &str) -> Result<String, CommandError> {
        let text = Self::read(given)?.text;
        // What was typed is read by each consumer's own rules, line ends too.
        if text == given || text.contains(';') {
            return Ok(text);
        }
        let lines = text.lines();
        Ok(bypass::join(lines.filter(|line| !line.trim().is_empty())))
    }
}
