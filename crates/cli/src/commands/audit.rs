//! `sidestep audit`: what still crosses the proxy, by its own logs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use indicatif::ProgressBar;
use sidestep_audit::{Audit, AuditError, How, Leaks, MOST_SAMPLES};
use sidestep_model::access_log::Format;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::finding::Code;

use super::bypass::{cloud_of, wanted};
use crate::args::{self, RouteChoice};
use crate::audit_view::{self, Found};
use crate::error::{CommandError, Exit};
use crate::list_text::ListText;
use crate::live;
use crate::output::Printer;
use crate::site_file::SiteFile;

/// More only wait for the disk.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

pub(crate) fn run(
    args: &args::Audit,
    site: &SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let site = site.site_if_any()?;
    let catalogue = Catalogue::of(cloud_of(args.cloud.as_deref(), site.as_ref())?);
    // Nobody but the owner knows how Entra ID is to be reached.
    let is_entra_known = args.entra.is_some() || site.is_some();
    let entra = args
        .entra
        .or_else(|| (!is_entra_known).then_some(RouteChoice::Proxy));
    let wanted = wanted(site, entra);
    let list = args.list.as_deref().map(ListText::stored).transpose()?;

    let (audit, samples) = read(args, &how(args, catalogue)?, printer)?;
    let leaks = Leaks::of(&audit, catalogue, &wanted, list.as_deref());
    let found = Found {
        audit: &audit,
        logs: args.logs.len(),
        samples: &samples,
        leaks: &leaks,
        has_list: list.is_some(),
        entra: is_entra_known.then_some(wanted.entra),
    };
    if printer.json {
        printer.document(&audit_view::document(&found))?;
    } else {
        printer.text(&audit_view::text(&found))?;
    }
    Ok(if leaks.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn how(args: &args::Audit, catalogue: &'static Catalogue) -> Result<How, CommandError> {
    if let (Some(format @ (Format::Squid | Format::Common)), Some(_)) = (args.format, &args.columns)
    {
        return Err(CommandError::usage(format!(
            "--columns is for csv, json and w3c: the columns of {format} are always the same"
        )));
    }
    let threads = args.threads.map(usize::from).and_then(NonZeroUsize::new);
    let cores = || {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        cores.min(MOST_THREADS)
    };
    Ok(How::new(catalogue)
        .format(args.format)
        .columns(args.columns.clone().unwrap_or_default())
        .threads(threads.unwrap_or_else(cores)))
}

/// Reads one log after the other; each line that could not be read with its log's name.
fn read(
    args: &args::Audit,
    how: &How,
    printer: Printer,
) -> Result<(Audit, Vec<audit_view::Sample>), CommandError> {
    let bar = live::reading(printer, length(&args.logs));
    let (mut all, mut samples) = (Audit::default(), Vec::new());
    for path in &args.logs {
        let log = Log::new(path);
        bar.set_message(log.name.clone());
        let mut one = log.read(how, &bar)?;
        if one.malformed > 0 && one.malformed == one.lines {
            return Err(log.unusable(&one));
        }
        samples.extend(one.samples.drain(..).map(|sample| audit_view::Sample {
            log: log.name.clone(),
            sample,
        }));
        samples.truncate(MOST_SAMPLES);
        all.add(one);
    }
    bar.finish_and_clear();
    Ok((all, samples))
}

const FORMATS: &str = "--format squid, common, w3c, json or csv says how it is written; \
     --columns says where CSV, JSON or W3C has what";

/// How long they are together, where that is known.
fn length(logs: &[PathBuf]) -> Option<u64> {
    let length = |log: &PathBuf| {
        let data = fs::metadata(log).ok()?;
        data.is_file().then_some(data.len())
    };
    logs.iter().map(length).sum()
}

/// A log as it was named.
struct Log<'a> {
    path: &'a Path,
    name: String,
}

impl<'a> Log<'a> {
    fn new(path: &'a Path) -> Self {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        Self { path, name }
    }

    fn read(&self, how: &How, bar: &ProgressBar) -> Result<Audit, CommandError> {
        let cannot = |exit, error: &io::Error| {
            let message = format!("cannot read {}: {error}", self.name);
            CommandError::new(exit, Code::FILE_UNREADABLE, message)
        };
        let log: Box<dyn Read + Send> = if self.path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(self.path).map_err(|error| cannot(Exit::Usage, &error))?;
            Box::new(file)
        };
        sidestep_audit::audit(bar.wrap_read(log), how).map_err(|error| match error {
            AuditError::Read(error) => cannot(Exit::Environment, &error),
            AuditError::Compressed(error) => cannot(Exit::Environment, &error)
                .hint("a compressed log has to be whole: `gzip --test` tells whether it is"),
            AuditError::Utf16 => {
                let message = format!("{} is written in UTF-16", self.name);
                CommandError::new(Exit::Usage, Code::FILE_UNUSABLE, message).hint(
                    "`iconv -f UTF-16 -t UTF-8 LOG | sidestep audit -` reads it; on Windows, \
                     `Get-Content LOG | Set-Content -Encoding utf8 NEW` writes one that can be read",
                )
            }
            AuditError::UnknownFormat => {
                let message = format!("the first lines of {} are of no known format", self.name);
                CommandError::new(Exit::Usage, Code::FILE_UNUSABLE, message).hint(FORMATS)
            }
        })
    }

    /// None of its lines could be read, whatever the other logs hold.
    fn unusable(&self, audit: &Audit) -> CommandError {
        let message = format!(
            "no line of {} could be read, so that nothing is known of what crossed",
            self.name
        );
        let error = CommandError::new(Exit::Usage, Code::FILE_UNUSABLE, message);
        let error = match audit.samples.first() {
            Some(sample) => error.hint(format!(
                "the first, at byte {}, looks like this: {}",
                sample.offset, sample.shape
            )),
            None => error,
        };
        error.hint(FORMATS)
    }
}
