//! Files that are there, whole, after the power went.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Replaces the file at `path` whole or not at all. What is written meanwhile
/// stands at `scratch`, in the same file system; a leftover there is
/// overwritten. Permissions and owner stay.
pub(crate) fn replace(path: &Path, scratch: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path)?;
    let before = fs::metadata(&path)?;
    if before.permissions().readonly() {
        let reason = "the file is marked read-only";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = private(&mut options).open(scratch)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| keep_owner(&file, &before))
        .and_then(|()| file.set_permissions(before.permissions()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(scratch, &path));
    if let Err(error) = written {
        // The error counts; a leftover is overwritten next time.
        drop(fs::remove_file(scratch));
        return Err(error);
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder that only its owner may enter, and its name durable.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    match private_folder().create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// What is made with these options only its owner may read.
#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

/// On Windows the folder's own access list is inherited.
#[cfg(not(unix))]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn private_folder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(not(unix))]
fn private_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// Makes names in a folder durable.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let folder = if folder.as_os_str().is_empty() {
        here
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

/// Windows offers no such thing for a folder; NTFS journals names itself.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "its twin can fail")]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// An administrator who writes somebody's file does not take it over.
#[cfg(unix)]
fn keep_owner(file: &File, before: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // Only root may; whoever else can write here owns the copy.
        drop(fchown(file, Some(before.uid()), Some(before.gid())));
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "its twin can fail")]
fn keep_owner(_file: &File, _before: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
