//! The backup extension's services, and why the plugin's account has no key:
//! what the registry, the service manager and the list of profiles say.

use std::path::{Path, PathBuf};
use std::{io, ptr};

use sidestep_model::account::{PLUGIN_SERVICE, Sid};
use sidestep_model::observed::{Absence, Service, ServiceState};
use windows_sys::Win32::Foundation::ERROR_SERVICE_DOES_NOT_EXIST;
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, QueryServiceStatus, SC_HANDLE,
    SC_MANAGER_CONNECT, SERVICE_PAUSED, SERVICE_QUERY_STATUS, SERVICE_RUNNING, SERVICE_STATUS,
    SERVICE_STOPPED,
};

use super::folder;
use super::registry::{LiveRegistry, wide};
use crate::reading::{self, PROFILES, Registry};
use crate::store::StoreError;

const SERVICES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";

/// The backup extension's services. Which there are, and as whom they run, is
/// what the service manager itself reads in the registry; what they do, it says.
pub(super) fn backup_services() -> Result<Vec<Service>, StoreError> {
    let mut services = reading::services(&LiveRegistry, SERVICES)?;
    for service in &mut services {
        service.state = asked(&service.name).unwrap_or(ServiceState::Unknown);
    }
    Ok(services)
}

/// Why the plugin's account, `sid`, has no key.
pub(super) fn absence(sid: &Sid) -> Result<Absence, StoreError> {
    let hive = hive_of(sid)?;
    let folder = hive.as_deref().and_then(Path::parent);
    let folder = folder.map(|folder| folder.display().to_string());
    if let Some(state) = state(PLUGIN_SERVICE)? {
        return Ok(Absence::ServiceIsThere {
            state,
            has_profile: folder.is_some(),
        });
    }
    Ok(
        folder.map_or(Absence::NotRegistered, |folder| Absence::ProfileAlone {
            folder,
        }),
    )
}

/// Where an account's profile keeps its registry; `None` where it has no profile.
/// One that cannot be looked at counts as there.
pub(super) fn hive_of(sid: &Sid) -> Result<Option<PathBuf>, StoreError> {
    let folder = LiveRegistry.value(&format!(r"{PROFILES}\{sid}"), "ProfileImagePath")?;
    let hive = folder
        .and_then(|folder| folder.text())
        .map(|folder| folder::expanded(&folder).unwrap_or(folder))
        .map(|folder| Path::new(&folder).join("NTUSER.DAT"));
    Ok(hive.filter(|hive| hive.try_exists().unwrap_or(true)))
}

/// What a service does; `None` where there is none of that name.
pub(super) fn state(service: &str) -> Result<Option<ServiceState>, StoreError> {
    match asked(service) {
        Ok(state) => Ok(Some(state)),
        Err(error) if is_no_service(&error) => Ok(None),
        // Where the manager does not answer, the services' own keys tell at
        // least whether there is one.
        Err(_) => {
            let is_there = LiveRegistry.has_key(&format!(r"{SERVICES}\{service}"))?;
            Ok(is_there.then_some(ServiceState::Unknown))
        }
    }
}

fn is_no_service(error: &io::Error) -> bool {
    error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_SERVICE_DOES_NOT_EXIST)
}

#[expect(unsafe_code, reason = "Windows' own functions")]
fn asked(service: &str) -> io::Result<ServiceState> {
    // SAFETY: no names mean this computer's own list of services.
    let manager =
        Handle::new(unsafe { OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_CONNECT) })?;
    let name = wide(service);
    // SAFETY: the manager is open, and `name` ends with a NUL.
    let service =
        Handle::new(unsafe { OpenServiceW(manager.0, name.as_ptr(), SERVICE_QUERY_STATUS) })?;
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the service is open, and `status` is a place for its status.
    if unsafe { QueryServiceStatus(service.0, &raw mut status) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(match status.dwCurrentState {
        SERVICE_STOPPED => ServiceState::Stopped,
        SERVICE_RUNNING | SERVICE_PAUSED => ServiceState::Running,
        _ => ServiceState::Changing,
    })
}

/// What Windows said of a service.
pub(super) fn plain(error: windows_service::Error) -> io::Error {
    match error {
        windows_service::Error::Winapi(error) => error,
        other => io::Error::other(other),
    }
}

/// A handle of the service manager's.
pub(super) struct Handle(SC_HANDLE);

impl Handle {
    pub(super) fn raw(&self) -> SC_HANDLE {
        self.0
    }

    pub(super) fn new(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(handle))
    }
}

impl Drop for Handle {
    #[expect(unsafe_code, reason = "Windows' own functions")]
    fn drop(&mut self) {
        // SAFETY: it is open, and this is its only owner.
        unsafe { CloseServiceHandle(self.0) };
    }
}
