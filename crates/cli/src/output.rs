//! The only writer to stdout and stderr: data to the one, all else to the other.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{CommandError, Exit};

/// The version of every JSON document that Sidestep prints.
const FORMAT_VERSION: &str = "1.0";

/// How to print.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Printer {
    /// One JSON document on stdout instead of text.
    pub(crate) json: bool,
    /// Nothing on stderr but errors.
    pub(crate) quiet: bool,
    /// Every question is answered with yes.
    pub(crate) yes: bool,
}

impl Printer {
    /// Prints data.
    #[expect(clippy::unused_self, reason = "nobody prints without a printer")]
    pub(crate) fn text(self, text: &str) -> Result<(), CommandError> {
        let mut out = anstream::stdout().lock();
        written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Prints a document, with the format's version first.
    pub(crate) fn document(self, document: &impl Serialize) -> Result<(), CommandError> {
        let mut object = serde_json::Map::new();
        object.insert("format_version".to_owned(), FORMAT_VERSION.into());
        if let Ok(Value::Object(rest)) = serde_json::to_value(document) {
            object.extend(rest);
        }
        self.text(&format!("{:#}\n", Value::Object(object)))
    }

    /// Tells the person something that is not data.
    pub(crate) fn note(self, note: &str) {
        if !self.quiet {
            aside(note);
        }
    }

    /// Whether the person agrees. Where nobody can be asked, having typed the
    /// command is the answer: what is done next can be undone.
    pub(crate) fn confirm(self, question: &str) -> Result<bool, CommandError> {
        if self.yes || !self.can_ask() {
            return Ok(true);
        }
        let mut out = anstream::stderr().lock();
        written(write!(out, "{question} [y/N] ").and_then(|()| out.flush()))?;
        // Others may speak while the answer takes its time.
        drop(out);
        let mut answer = String::new();
        written(io::stdin().read_line(&mut answer).map(|_| ()))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Whether the person agrees to what cannot be taken back. Where nobody can
    /// be asked, only `--yes` is an answer.
    pub(crate) fn confirm_irrevocable(self, question: &str) -> bool {
        self.yes || (self.can_ask() && self.confirm(question).unwrap_or_default())
    }

    /// The places of what the person chooses from a list; none where nobody can be asked.
    pub(crate) fn choose(self, question: &str, offered: &[String]) -> Vec<usize> {
        if !self.can_ask() || offered.is_empty() {
            return Vec::new();
        }
        let mut out = anstream::stderr().lock();
        for (name, number) in offered.iter().zip(1..) {
            drop(writeln!(out, "{number:>4}  {name}"));
        }
        drop(write!(out, "{question} Numbers, or * for all: ").and_then(|()| out.flush()));
        drop(out);
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer).is_err() {
            return Vec::new();
        }
        if answer.trim() == "*" {
            return (0..offered.len()).collect();
        }
        let numbers = answer.split([',', ' ', '\t']).map(str::trim);
        let numbers = numbers.filter_map(|number| number.parse::<usize>().ok()?.checked_sub(1));
        numbers.filter(|index| *index < offered.len()).collect()
    }

    fn can_ask(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Shows what is being done, on a terminal only.
    pub(crate) fn progress(self, text: &str) {
        if !self.quiet && io::stderr().is_terminal() {
            aside(text);
        }
    }

    /// Says what went wrong and what to do next.
    pub(crate) fn error(self, error: &CommandError) {
        let code = error.code.map(|code| code.to_string());
        if self.json {
            let document = json!({ "error": {
                "code": code,
                "message": error.message,
                "places": error.places,
                "hints": error.hints,
            }});
            // The exit code still tells, should stdout be gone.
            drop(self.document(&document));
            return;
        }
        let heading = code.map_or_else(|| "error".to_owned(), |code| format!("error[{code}]"));
        let mut text = format!("{heading}: {}", error.message);
        for place in &error.places {
            text = format!("{text}\n\n{}", place.excerpt);
        }
        for hint in &error.hints {
            text = format!("{text}\nhint: {hint}");
        }
        aside(&text);
    }
}

/// Says what has to be known, whoever wants to hear nothing.
pub(crate) fn aside(text: &str) {
    // Nobody is left to tell when stderr is gone.
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}

/// A reader that went away early (`| head`) has all that it wanted.
fn written(result: io::Result<()>) -> Result<(), CommandError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError {
            exit: Exit::Environment,
            code: None,
            message: format!("cannot write to standard output: {error}"),
            places: Vec::new(),
            hints: Vec::new(),
        }),
        _ => Ok(()),
    }
}
