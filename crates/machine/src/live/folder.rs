//! Folders that only administrators and the system may enter.
//!
//! Everybody may make folders in `%ProgramData%`. So one that is there already
//! counts only if an administrator, the system or whoever runs this made it.

use std::ffi::c_void;
use std::fs;
use std::io;
use std::mem::size_of;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr;

use sidestep_model::account::Sid;
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, SetFileSecurityW,
};
use windows_sys::Win32::Storage::FileSystem::{CreateDirectoryW, FILE_ATTRIBUTE_REPARSE_POINT};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsForUserW;
use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, FOLDERID_Windows, SHGetKnownFolderPath};
use windows_sys::core::{BOOL, GUID, HRESULT, PCWSTR, PWSTR};

use super::access;
use super::library::on_demand;
use super::registry::wide;
use crate::store::{FolderFault, StoreError};

/// Full access for the system (SY) and for administrators (BA), for what is in
/// it, too, and nothing from the folder above.
const FOR_ADMINISTRATORS: &str = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// `BUILTIN\Administrators` and `NT AUTHORITY\SYSTEM`.
const TRUSTED_OWNERS: [&str; 2] = ["S-1-5-32-544", "S-1-5-18"];

/// Where programs keep what belongs to no person. Asked of Windows: a variable
/// of the environment could have been set by anybody.
pub(super) fn program_data() -> io::Result<PathBuf> {
    known(&FOLDERID_ProgramData)
}

/// Where Windows itself is.
pub(super) fn windows() -> io::Result<PathBuf> {
    known(&FOLDERID_Windows)
}

#[expect(unsafe_code, reason = "Windows' own functions")]
fn known(folder: &GUID) -> io::Result<PathBuf> {
    type Find = unsafe extern "system" fn(*const GUID, u32, HANDLE, *mut PWSTR) -> HRESULT;
    type Free = unsafe extern "system" fn(*const c_void);
    let find = on_demand!("shell32.dll", SHGetKnownFolderPath: Find)?;
    let free = on_demand!("combase.dll", CoTaskMemFree: Free)?;
    let mut text = ptr::null_mut();
    // SAFETY: the folder's identifier is borrowed, no token means this user,
    // and `text` is a place for a pointer.
    let result = unsafe { find(folder, 0, ptr::null_mut(), &raw mut text) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(result));
    }
    // SAFETY: on success `text` points to a string that a NUL ends.
    let path = unsafe { access::wide_text(text) };
    // SAFETY: Windows allocated `text` so, and it is not used again.
    unsafe { free(text.cast()) };
    Ok(path.into())
}

/// Text with the variables in it that every account has, such as
/// `%ProgramFiles%`, as the service manager reads it. Those of whoever runs this
/// do not count.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub(super) fn expanded(text: &str) -> io::Result<String> {
    type Expand = unsafe extern "system" fn(HANDLE, PCWSTR, PWSTR, u32) -> BOOL;
    /// The longest path there is, with the NUL.
    const ROOM: usize = 1 << 15;
    let expand = on_demand!("userenv.dll", ExpandEnvironmentStringsForUserW: Expand)?;
    let (text, mut read) = (wide(text), vec![0_u16; ROOM]);
    let room = u32::try_from(ROOM).map_err(io::Error::other)?;
    // SAFETY: no token means the system's own variables; `text` ends with a NUL,
    // and `read` has `room` units.
    let done = unsafe { expand(ptr::null_mut(), text.as_ptr(), read.as_mut_ptr(), room) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let end = read.iter().position(|unit| *unit == 0).unwrap_or(ROOM);
    Ok(String::from_utf16_lossy(&read[..end]))
}

/// Makes a folder for administrators and the system alone, or takes the one
/// that is there, if it is theirs.
pub(super) fn make_for_administrators(path: &Path) -> Result<(), StoreError> {
    make(path, FOR_ADMINISTRATORS)
}

/// The same; another account may read what is in it, and run it.
pub(super) fn make_readable_by(path: &Path, sid: &Sid) -> Result<(), StoreError> {
    make(path, &format!("{FOR_ADMINISTRATORS}(A;OICI;FRFX;;;{sid})"))
}

fn make(path: &Path, access: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::JournalFolder {
        path: path.to_owned(),
        source,
    };
    let is_unsafe = |fault| StoreError::JournalFolderUnsafe {
        path: path.to_owned(),
        fault,
    };
    let descriptor = Descriptor::parse(access).map_err(failed)?;
    match create(path, &descriptor) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let attributes = fs::symlink_metadata(path)
        .map_err(failed)?
        .file_attributes();
    if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(is_unsafe(FolderFault::Link));
    }
    let owner = owner(path).map_err(failed)?;
    let is_trusted =
        TRUSTED_OWNERS.contains(&owner.as_str()) || access::own_sid().is_ok_and(|own| own == owner);
    if !is_trusted {
        return Err(is_unsafe(FolderFault::Owner(owner)));
    }
    // One that an administrator made by hand lets everybody make files in it.
    protect(path, &descriptor).map_err(failed)
}

#[expect(
    unsafe_code,
    reason = "only Windows' own function gives a new folder its list at once"
)]
fn create(path: &Path, descriptor: &Descriptor) -> io::Result<()> {
    let attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).map_err(io::Error::other)?,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    let path = wide(&path.to_string_lossy());
    // SAFETY: `path` ends with a NUL; `attributes` and the descriptor in it
    // outlive the call, which keeps no pointer.
    let done = unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[expect(unsafe_code, reason = "Windows' own functions")]
fn protect(path: &Path, descriptor: &Descriptor) -> io::Result<()> {
    let path = wide(&path.to_string_lossy());
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: `path` ends with a NUL, the descriptor is valid, and neither is kept.
    if unsafe { SetFileSecurityW(path.as_ptr(), what, descriptor.0) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The SID of a file's or folder's owner.
#[expect(unsafe_code, reason = "Windows' own functions")]
fn owner(path: &Path) -> io::Result<String> {
    let path = wide(&path.to_string_lossy());
    let mut sid = ptr::null_mut();
    let mut descriptor = ptr::null_mut();
    // SAFETY: `path` ends with a NUL; `sid` and `descriptor` are places for
    // pointers, and what is not asked for may be null.
    let error = unsafe {
        GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut sid,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if error != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(error.cast_signed()));
    }
    // Freed at the end of this function, however it ends.
    let descriptor = Descriptor(descriptor);
    // SAFETY: `sid` points into `descriptor`, which lives until after the call.
    let text = unsafe { access::sid_text(sid) };
    drop(descriptor);
    text
}

/// A security descriptor that Windows allocated.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    #[expect(unsafe_code, reason = "Windows' own functions")]
    fn parse(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut descriptor = ptr::null_mut();
        // SAFETY: `text` ends with a NUL; `descriptor` is a place for a pointer,
        // and the length is not asked for.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(descriptor))
    }
}

impl Drop for Descriptor {
    #[expect(unsafe_code, reason = "Windows' own functions")]
    fn drop(&mut self) {
        // SAFETY: Windows allocated it so, and this is its only owner.
        unsafe { LocalFree(self.0) };
    }
}
