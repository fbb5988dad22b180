//! What Windows says of an account's name.

use std::{io, ptr};

use sidestep_model::observed::LookedUp;
use windows_sys::Win32::Foundation::ERROR_NONE_MAPPED;
use windows_sys::Win32::Security::{LookupAccountNameW, SID_NAME_USE};

use super::access;
use super::registry::wide;

/// Longer than any SID (68 bytes), in words that are aligned for one.
const SID_WORDS: usize = 16;
/// Longer than any domain's name.
const DOMAIN: usize = 512;

/// The SID that Windows knows for an account; `None` where it cannot say.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub(super) fn sid_of(account: &str) -> Option<LookedUp> {
    let name = wide(account);
    let mut sid = [0_u64; SID_WORDS];
    let mut sid_size = u32::try_from(size_of_val(&sid)).ok()?;
    let mut domain = [0_u16; DOMAIN];
    let mut domain_size = u32::try_from(DOMAIN).ok()?;
    let mut kind = SID_NAME_USE::default();
    // SAFETY: no system's name means this computer; `name` ends with a NUL;
    // both places are as large as is said of them.
    let is_found = unsafe {
        LookupAccountNameW(
            ptr::null(),
            name.as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    };
    if is_found == 0 {
        let error = io::Error::last_os_error().raw_os_error()?;
        let is_unknown = error.cast_unsigned() == ERROR_NONE_MAPPED;
        return is_unknown.then_some(LookedUp::Unknown);
    }
    // SAFETY: on success Windows wrote a valid SID to `sid`.
    let text = unsafe { access::sid_text(sid.as_mut_ptr().cast()) };
    text.ok().map(LookedUp::Sid)
}
