//! The journals of one machine: a folder with a file for each run and a lock.
//!
//! What the records mean is `sidestep_model::journal`'s business; here they are
//! made durable. A record is on the disk when [`OpenRun::record`] returns.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use same_file::Handle;
use sidestep_model::journal::{
    Begin, Command, FORMAT, JournalErrorKind, Record, Run, RunNumber, Sealer,
};

use crate::durable;

/// The journals of a machine, held by this process alone until it is dropped.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    lock: Lock,
    clock: fn() -> Timestamp,
}

/// Why a journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process changes these settings now.
    #[error("another Sidestep is changing these settings ({} is locked)", lock.display())]
    Busy {
        /// The lock's file.
        lock: PathBuf,
    },
    /// The lock's file was taken away while it was held.
    #[error("the lock {} was removed or replaced while it was held", lock.display())]
    LockLost {
        /// The lock's file.
        lock: PathBuf,
    },
    /// A journal's file or folder cannot be read.
    #[error("cannot read the journal {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A journal's file or folder cannot be written.
    #[error("cannot write the journal {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A journal is not what was written.
    #[error("the journal {} is damaged", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where and how.
        source: sidestep_model::journal::JournalError,
    },
    /// A journal that a later Sidestep wrote.
    #[error("the journal {} was written by a later Sidestep (format {format})", path.display())]
    Later {
        /// Which.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

impl Journal {
    /// Takes the journals in `folder`, which is made where it is missing.
    pub fn open(folder: &Path, clock: fn() -> Timestamp) -> Result<Self, JournalError> {
        durable::make_folder(folder).map_err(|source| JournalError::Write {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            lock: Lock::take(folder.join("lock"))?,
            clock,
        })
    }

    /// The time by this journal's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The runs that can be read, oldest first.
    pub fn runs(&self) -> Result<Vec<Run>, JournalError> {
        let files = runs(&self.folder)?.into_iter();
        Ok(files.filter_map(|file| file.run.ok()).collect())
    }

    /// The last run, where there is one that began.
    pub fn last(&self) -> Result<Option<Run>, JournalError> {
        for path in files(&self.folder)?.iter().rev() {
            if let Some(run) = read(path)? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// Begins a run.
    pub fn begin(&self, command: Command, at: &str) -> Result<OpenRun<'_>, JournalError> {
        let last = files(&self.folder)?
            .iter()
            .filter_map(|path| number(path))
            .max();
        let run = RunNumber(last.map_or(1, |last| last.saturating_add(1)));
        let time = self.now();
        let path = self.folder.join(format!("{run:04}.jsonl"));
        let failed = |source| JournalError::Write {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        let file = durable::private(&mut options).open(&path).map_err(failed)?;
        let mut open = OpenRun {
            journal: self,
            number: run,
            path: path.clone(),
            file,
            sealer: Sealer::default(),
        };
        open.record(&Record::Begin(Begin {
            format: FORMAT,
            run,
            time,
            sidestep: env!("CARGO_PKG_VERSION").to_owned(),
            command,
            at: at.to_owned(),
        }))?;
        durable::sync_folder(&self.folder).map_err(failed)?;
        Ok(open)
    }

    /// Continues the journal of `run` behind its last whole record.
    pub(crate) fn resume(&self, run: &Run) -> Result<OpenRun<'_>, JournalError> {
        let number = run.begin.run;
        let path = self.folder.join(format!("{number:04}.jsonl"));
        let open = || {
            let file = OpenOptions::new().append(true).open(&path)?;
            file.set_len(run.sound_bytes as u64)?;
            Ok(file)
        };
        let file = open().map_err(|source| JournalError::Write {
            path: path.clone(),
            source,
        })?;
        Ok(OpenRun {
            journal: self,
            number,
            path,
            file,
            sealer: run.sealer.clone(),
        })
    }
}

/// A run whose journal is being written.
#[derive(Debug)]
pub struct OpenRun<'a> {
    journal: &'a Journal,
    number: RunNumber,
    path: PathBuf,
    file: File,
    sealer: Sealer,
}

impl OpenRun<'_> {
    /// The run's number.
    #[must_use]
    pub fn number(&self) -> RunNumber {
        self.number
    }

    /// The time by the journal's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.journal.now()
    }

    /// Adds a record; it is on the disk when this returns.
    pub fn record(&mut self, record: &Record) -> Result<(), JournalError> {
        self.journal.lock.check()?;
        let line = self.sealer.seal(record);
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|source| JournalError::Write {
                path: self.path.clone(),
                source,
            })
    }
}

/// A run as its journal tells it, or why that cannot be read.
#[derive(Debug)]
pub struct JournalFile {
    /// The journal.
    pub path: PathBuf,
    /// What it tells.
    pub run: Result<Run, JournalError>,
}

/// The runs in a folder, oldest first; none where there is no folder. Needs no
/// lock: journals are only ever added to.
pub fn runs(folder: &Path) -> Result<Vec<JournalFile>, JournalError> {
    let files = files(folder)?;
    let read = |path: PathBuf| {
        let run = read(&path).transpose()?;
        Some(JournalFile { path, run })
    };
    Ok(files.into_iter().filter_map(read).collect())
}

/// The journals' files, oldest run first.
fn files(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if number(&path).is_some() {
                files.push(path);
            }
        }
        files.sort_by_key(|path| number(path));
        Ok(files)
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|source| JournalError::Read {
            path: folder.to_owned(),
            source,
        }),
    }
}

fn number(path: &Path) -> Option<u32> {
    let is_journal = path.extension()? == "jsonl";
    let number = path.file_stem()?.to_str()?.parse().ok();
    number.filter(|_| is_journal)
}

fn read(path: &Path) -> Result<Option<Run>, JournalError> {
    let bytes = fs::read(path).map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })?;
    Run::parse(&bytes).map_err(|source| match source.kind {
        JournalErrorKind::LaterFormat(format) => JournalError::Later {
            path: path.to_owned(),
            format,
        },
        _ => JournalError::Damaged {
            path: path.to_owned(),
            source,
        },
    })
}

/// A file that one process at a time holds. The operating system lets go of it
/// when the process ends, however it ends.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    held: Handle,
}

impl Lock {
    fn take(path: PathBuf) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Write {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = durable::private(&mut options).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { lock: path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let lock = Self {
            held: Handle::from_file(file).map_err(failed)?,
            path: path.clone(),
        };
        // Between opening and locking, the file can have been replaced.
        lock.check()?;
        Ok(lock)
    }

    /// Whether what others would lock is still what is held here.
    fn check(&self) -> Result<(), JournalError> {
        match Handle::from_path(&self.path) {
            Ok(now) if now == self.held => Ok(()),
            _ => Err(JournalError::LockLost {
                lock: self.path.clone(),
            }),
        }
    }
}
