//! Libraries of Windows' that few commands need, loaded when one does.
//!
//! With the program they would be loaded at every start, and Windows would look
//! for most of them in the program's own folder first, where anything can lie.

use std::ffi::CString;
use std::io;
use std::mem::{size_of, transmute_copy};
use std::ptr;

use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use super::registry::wide;

/// The function of that name as windows-sys declares it, out of a library that is
/// loaded now; an error where this Windows lacks either.
macro_rules! on_demand {
    ($library:literal, $function:ident: $pointer:ty) => {{
        // The compiler holds the type against windows-sys' declaration, and
        // nothing else names the function, so that it is not linked.
        const _: $pointer = $function;
        static FOUND: std::sync::OnceLock<$pointer> = std::sync::OnceLock::new();
        #[expect(unsafe_code, reason = "the type is vouched for here, once for all")]
        let find = || {
            // SAFETY: the first line holds that it is a pointer to that function.
            let found = unsafe { $crate::live::library::find($library, stringify!($function)) };
            found.map(|function| *FOUND.get_or_init(|| function))
        };
        FOUND.get().copied().map_or_else(find, std::io::Result::Ok)
    }};
}
pub(super) use on_demand;

/// A function of one of Windows' own libraries, which stays loaded.
///
/// # Safety
///
/// `F` is the type of a pointer to the function that the library has by that name.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub(super) unsafe fn find<F: Copy>(library: &str, name: &str) -> io::Result<F> {
    const { assert!(size_of::<F>() == size_of::<usize>()) };
    let (library, name) = (wide(library), CString::new(name)?);
    // SAFETY: `library` ends with a NUL; there is no file's handle to give. Only
    // Windows' own folder is searched.
    let module = unsafe {
        LoadLibraryExW(
            library.as_ptr(),
            ptr::null_mut(),
            LOAD_LIBRARY_SEARCH_SYSTEM32,
        )
    };
    if module.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the library is loaded, and `name` ends with a NUL.
    let found = unsafe { GetProcAddress(module, name.as_ptr().cast()) };
    let found = found.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the caller vouches for the type; both have a pointer's size, and
    // nobody unloads the library.
    Ok(unsafe { transmute_copy(&found) })
}
