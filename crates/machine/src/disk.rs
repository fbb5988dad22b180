//! The disk of a Windows that does not run, mounted at some folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A disk's root. Names on it are the same whatever their case, also where the
/// file system that it is mounted with sees a difference.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What is at `path`, its parts apart by `\`; as it is written where
    /// nothing is there. No path that a disk names leads out of it.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        let is_name = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains(['/', ':']);
        let parts = path.split('\\').filter(is_name);
        parts.fold(self.root.clone(), |folder, part| inside(&folder, part))
    }

    /// What is at a path as Windows writes it: with its drive, which is taken
    /// for this disk, or with `%SystemRoot%` or `%SystemDrive%`.
    pub(crate) fn windows_path(&self, path: &str) -> PathBuf {
        let begins = |prefix: &str| {
            let start = path.get(..prefix.len())?;
            start
                .eq_ignore_ascii_case(prefix)
                .then_some(&path[prefix.len()..])
        };
        if let Some(rest) = begins("%SystemRoot%").or_else(|| begins(r"\SystemRoot")) {
            return self.place(&format!(r"Windows\{rest}"));
        }
        let rest = begins("%SystemDrive%").unwrap_or_else(|| match path.split_once(':') {
            Some((drive, rest)) if drive.len() == 1 => rest,
            _ => path,
        });
        self.place(rest)
    }

    /// What a file holds; `None` where it is not there.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn inside(folder: &Path, name: &str) -> PathBuf {
    let exact = folder.join(name);
    if exact.exists() {
        return exact;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    let is_same = |entry: &std::ffi::OsString| {
        let entry = entry.to_string_lossy();
        entry.to_lowercase() == name.to_lowercase()
    };
    names.find(is_same).map_or(exact, |name| folder.join(name))
}
