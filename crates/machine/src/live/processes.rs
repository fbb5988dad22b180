//! Which services run in which process, and whose a process is.

use std::mem::size_of;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::{io, ptr};

use jiff::Timestamp;
use sidestep_model::tcp_table::{Program, ServiceProcess};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, FILETIME};
use windows_sys::Win32::System::Services::{
    ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW, OpenServiceW,
    QUERY_SERVICE_CONFIGW, QueryServiceConfigW, SC_ENUM_PROCESS_INFO, SC_MANAGER_CONNECT,
    SC_MANAGER_ENUMERATE_SERVICE, SERVICE_ACTIVE, SERVICE_QUERY_CONFIG, SERVICE_WIN32,
};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

use super::access;
use super::registry::wide;
use super::services::Handle;

/// The running services whose names begin with `prefix`, whatever the case of
/// their letters, and the process of each.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub fn running_services(prefix: &str) -> io::Result<Vec<ServiceProcess>> {
    let rights = SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE;
    // SAFETY: no names mean this computer's own list of services.
    let manager = Handle::new(unsafe { OpenSCManagerW(ptr::null(), ptr::null(), rights) })?;
    let mut services = Vec::new();
    for (service, process) in active(&manager)? {
        let begin = service.get(..prefix.len());
        if process == 0 || !begin.is_some_and(|begin| begin.eq_ignore_ascii_case(prefix)) {
            continue;
        }
        // One that ended meanwhile is none.
        if let Ok(logon) = logon(&manager, &service) {
            services.push(ServiceProcess {
                service,
                logon,
                process,
            });
        }
    }
    Ok(services)
}

/// The services that are not stopped, and their processes.
#[expect(unsafe_code, reason = "Windows' own functions")]
fn active(manager: &Handle) -> io::Result<Vec<(String, u32)>> {
    /// The most that Windows takes, in 64-bit words.
    const ROOM: usize = 256 * 1024 / 8;
    let mut words = vec![0_u64; ROOM];
    let bytes = u32::try_from(ROOM * 8).map_err(io::Error::other)?;
    let mut found = Vec::new();
    let mut resume = 0;
    loop {
        let (mut needed, mut count) = (0, 0);
        // SAFETY: the manager is open, `words` has `bytes` bytes, the numbers are
        // places for numbers, and no group means every service.
        let done = unsafe {
            EnumServicesStatusExW(
                manager.raw(),
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_ACTIVE,
                words.as_mut_ptr().cast(),
                bytes,
                &raw mut needed,
                &raw mut count,
                &raw mut resume,
                ptr::null(),
            )
        };
        let error = io::Error::last_os_error();
        let is_more = error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_MORE_DATA);
        if done == 0 && !is_more {
            return Err(error);
        }
        let entries = words.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>();
        for place in 0..usize::try_from(count).map_err(io::Error::other)? {
            // SAFETY: Windows wrote `count` entries at the beginning of `words`,
            // which is aligned for them (a u64's 8 bytes).
            let entry = unsafe { &*entries.add(place) };
            // SAFETY: the name stands in `words`, too, and a NUL ends it.
            let name = unsafe { access::wide_text(entry.lpServiceName) };
            found.push((name, entry.ServiceStatusProcess.dwProcessId));
        }
        if done != 0 {
            return Ok(found);
        }
    }
}

/// The account that a service logs on as.
#[expect(unsafe_code, reason = "Windows' own functions")]
fn logon(manager: &Handle, service: &str) -> io::Result<String> {
    /// The most that Windows writes, in 64-bit words.
    const ROOM: usize = 8 * 1024 / 8;
    let name = wide(service);
    // SAFETY: the manager is open, and `name` ends with a NUL.
    let service =
        Handle::new(unsafe { OpenServiceW(manager.raw(), name.as_ptr(), SERVICE_QUERY_CONFIG) })?;
    let mut words = vec![0_u64; ROOM];
    let configuration = words.as_mut_ptr().cast::<QUERY_SERVICE_CONFIGW>();
    let bytes = u32::try_from(ROOM * 8).map_err(io::Error::other)?;
    let mut needed = 0;
    // SAFETY: the service is open, and `words` has `bytes` bytes, aligned for
    // what Windows writes there.
    let done = unsafe { QueryServiceConfigW(service.raw(), configuration, bytes, &raw mut needed) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Windows wrote a configuration at the beginning of `words`.
    let logon = unsafe { (*configuration).lpServiceStartName };
    if logon.is_null() {
        return Ok(String::new());
    }
    // SAFETY: the name stands in `words`, too, and a NUL ends it.
    Ok(unsafe { access::wide_text(logon) })
}

/// A process's program, and the account that it runs as.
pub fn program(process: u32) -> io::Result<Program> {
    let handle = opened(process)?;
    Ok(Program {
        process,
        image: image(&handle)?,
        // The token of a protected process is not for everybody.
        sid: access::sid_of(&handle).ok(),
    })
}

/// When a process began.
#[expect(unsafe_code, reason = "Windows' own function")]
pub fn process_start(process: u32) -> io::Result<Timestamp> {
    /// 1601 to 1970, in the 100 nanoseconds that Windows counts.
    const EPOCH: i128 = 116_444_736_000_000_000;
    let handle = opened(process)?;
    let mut times = [FILETIME::default(); 4];
    let [creation, exit, kernel, user] = &mut times;
    // SAFETY: the process is open, and these are places for times.
    let done = unsafe { GetProcessTimes(handle.as_raw_handle(), creation, exit, kernel, user) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let high = i128::from(times[0].dwHighDateTime);
    let ticks = (high << 32) + i128::from(times[0].dwLowDateTime);
    Timestamp::from_nanosecond((ticks - EPOCH) * 100).map_err(io::Error::other)
}

#[expect(unsafe_code, reason = "Windows' own function")]
fn opened(process: u32) -> io::Result<OwnedHandle> {
    // SAFETY: any number may be asked for.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process) };
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Windows just gave this handle, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// The name of a process's file, without its folder.
#[expect(unsafe_code, reason = "Windows' own functions")]
fn image(process: &OwnedHandle) -> io::Result<String> {
    let mut path = vec![0_u16; 1024];
    loop {
        let mut length = u32::try_from(path.len()).map_err(io::Error::other)?;
        // SAFETY: the process is open, `path` has room for `length` units, and 0
        // asks for the path as programs use it.
        let done = unsafe {
            QueryFullProcessImageNameW(
                process.as_raw_handle(),
                0,
                path.as_mut_ptr(),
                &raw mut length,
            )
        };
        if done != 0 {
            let length = usize::try_from(length).map_err(io::Error::other)?;
            let path = String::from_utf16_lossy(path.get(..length).unwrap_or(&path));
            return Ok(path.rsplit('\\').next().unwrap_or_default().to_owned());
        }
        let error = io::Error::last_os_error();
        let is_short =
            error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_INSUFFICIENT_BUFFER);
        if !is_short || path.len() > 1 << 16 {
            return Err(error);
        }
        path = vec![0; path.len() * 4];
    }
}

const _: () = assert!(align_of::<ENUM_SERVICE_STATUS_PROCESSW>() <= align_of::<u64>());
const _: () = assert!(size_of::<QUERY_SERVICE_CONFIGW>() <= 8 * 1024);
