//! With which rights this process runs.

use std::mem::size_of;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::{io, ptr};

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{
    GetTokenInformation, PSID, TOKEN_ELEVATION, TOKEN_INFORMATION_CLASS, TOKEN_QUERY, TOKEN_USER,
    TokenElevation, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Whether the process has an administrator's full rights; what cannot be
/// asked counts as no.
pub(super) fn is_elevated() -> bool {
    let is_elevated = || -> io::Result<bool> {
        let words = token_information(TokenElevation, size_of::<TOKEN_ELEVATION>())?;
        Ok(words.first().is_some_and(|word| *word & 0xFFFF_FFFF != 0))
    };
    is_elevated().unwrap_or_default()
}

/// The SID of the account that the process runs as.
#[expect(unsafe_code, reason = "a SID is reached by a pointer")]
pub(super) fn own_sid() -> io::Result<String> {
    /// A SID has at most 68 bytes.
    const ROOM: usize = size_of::<TOKEN_USER>() + 68;
    let words = token_information(TokenUser, ROOM)?;
    let user = words.as_ptr().cast::<TOKEN_USER>();
    // SAFETY: Windows wrote a TOKEN_USER at the beginning of `words`, which is
    // aligned for it (a u64's 8 bytes) and long enough.
    let sid = unsafe { (*user).User.Sid };
    // SAFETY: the SID stands behind the TOKEN_USER, in `words`, which lives on.
    unsafe { sid_text(sid) }
}

/// What the token of this process says of `class`, in at most `room` bytes.
#[expect(unsafe_code, reason = "Windows' own functions")]
fn token_information(class: TOKEN_INFORMATION_CLASS, room: usize) -> io::Result<Vec<u64>> {
    let mut token = ptr::null_mut();
    // SAFETY: the process's own handle is always valid; `token` is a place for a handle.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Windows just gave this handle, and nobody else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut words = vec![0_u64; room.div_ceil(8)];
    let room = u32::try_from(words.len() * 8).map_err(io::Error::other)?;
    let mut written = 0;
    // SAFETY: `words` has `room` bytes, and the token stays open during the call.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            class,
            words.as_mut_ptr().cast(),
            room,
            &raw mut written,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(words)
}

/// A SID's text form.
///
/// # Safety
///
/// `sid` points to a valid SID.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub(super) unsafe fn sid_text(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the caller vouches for `sid`; `text` is a place for a pointer.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: on success `text` points to a string that a NUL ends.
    let read = unsafe { wide_text(text) };
    // SAFETY: Windows allocated `text` so, and it is not used again.
    unsafe { LocalFree(text.cast()) };
    Ok(read)
}

/// Text that Windows wrote.
///
/// # Safety
///
/// `text` points to UTF-16 units of which one is a NUL.
#[expect(unsafe_code, reason = "a string without a length")]
pub(super) unsafe fn wide_text(text: *const u16) -> String {
    let mut length = 0;
    // SAFETY: the caller vouches for a NUL, and none was met before `length`.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: `length` units were just read.
    String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) })
}
