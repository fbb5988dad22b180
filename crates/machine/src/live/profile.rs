//! The plugin account's profile, loaded from the disk while nothing uses it.
//!
//! Windows loads it under the account's SID when the service starts. Here it is
//! under a name of its own: were it under the SID, Windows would take it for the
//! one that it loaded itself, and what a crash left behind could not be told.

use std::mem::size_of;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, ptr, thread};

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::observed::ServiceState;
use windows_registry::Key;
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GetLastError, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_BACKUP_NAME,
    SE_PRIVILEGE_ENABLED, SE_RESTORE_NAME, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Registry::{RegLoadKeyW, RegUnLoadKeyW};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::core::PCWSTR;

use super::registry::{LiveRegistry, Place, wide};
use super::{access, services};
use crate::profile::ProfileError;
use crate::reading::{PROFILES, Registry};
use crate::store::{MissingRight, StoreError};

/// Below `HKEY_USERS`.
const NAME: &str = "Sidestep-AzureWLBackupPluginSvc";

/// How long other programs, such as scanners, may keep a key in it open.
const UNLOADING: Duration = Duration::from_secs(5);

/// Between two tries.
const LOOK: Duration = Duration::from_millis(100);

/// The key under which the profile is, while it is loaded.
pub(super) fn key() -> String {
    format!(r"HKEY_USERS\{NAME}")
}

/// The key under which a profile is loaded that nobody here loaded.
pub(super) fn left_loaded() -> Result<Option<String>, StoreError> {
    let is_left = !IS_OURS.load(Ordering::Relaxed) && Place::named(&key()).is_there()?;
    Ok(is_left.then(key))
}

/// Whether this process has the profile loaded.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The plugin account's profile, loaded until this is unloaded or dropped.
///
/// While it is, the service cannot have it, and Windows would give it an empty
/// one: so it is loaded only while the service is stopped, and for moments.
#[derive(Debug)]
pub struct LoadedProfile {
    /// Open, so that another Sidestep cannot take it away meanwhile.
    root: Option<Key>,
    is_loaded: bool,
}

impl LoadedProfile {
    /// Lets go of what a run left loaded that ended on the way; whether there was
    /// anything. Another that is at it now keeps it.
    pub fn release_left() -> Result<bool, ProfileError> {
        if !Place::named(&key()).is_there()? {
            return Ok(false);
        }
        enable_privileges()?;
        let left = Self {
            root: None,
            is_loaded: true,
        };
        left.unload().map(|()| true)
    }

    /// Loads the profile; `None` where Windows has loaded it itself, and where
    /// there is none.
    pub fn load() -> Result<Option<Self>, ProfileError> {
        let Some(sid) = Account::Plugin.sid() else {
            return Ok(None);
        };
        Self::release_left()?;
        if LiveRegistry.has_key(&format!(r"HKEY_USERS\{sid}"))? {
            return Ok(None);
        }
        if LiveRegistry.has_key(&format!(r"{PROFILES}\{sid}.bak"))? {
            return Err(ProfileError::Doubled);
        }
        let Some(path) = services::hive_of(&sid)? else {
            return Ok(None);
        };
        enable_privileges()?;
        if let Some(state) = running_state()? {
            return Err(ProfileError::InUse { state });
        }
        load(&path).map_err(|source| ProfileError::NotLoaded { path, source })?;
        IS_OURS.store(true, Ordering::Relaxed);
        // From here on it is let go of, whatever happens.
        let mut profile = Self {
            root: None,
            is_loaded: true,
        };
        let opened = windows_registry::USERS.open(NAME);
        profile.root = Some(opened.map_err(|error| StoreError::Registry {
            key: key(),
            source: error.into(),
        })?);
        Ok(Some(profile))
    }

    /// Lets go of it, and sees that Windows did and that nobody wanted it meanwhile.
    pub fn unload(mut self) -> Result<(), ProfileError> {
        self.close()?;
        match running_state()? {
            None => Ok(()),
            Some(state) => Err(ProfileError::Missed { state }),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "nobody tells when another program closes a key"
    )]
    fn close(&mut self) -> Result<(), ProfileError> {
        self.is_loaded = false;
        IS_OURS.store(false, Ordering::Relaxed);
        drop(self.root.take());
        let place = Place::named(&key());
        let begin = Instant::now();
        loop {
            let unloaded = unload();
            if !place.is_there()? {
                return Ok(());
            }
            match unloaded {
                Err(source) if begin.elapsed() >= UNLOADING => {
                    let key = key();
                    return Err(ProfileError::NotUnloaded { key, source });
                }
                _ => thread::sleep(LOOK),
            }
        }
    }
}

impl Drop for LoadedProfile {
    fn drop(&mut self) {
        if self.is_loaded {
            // Whatever went wrong before counts; the next start tries again.
            drop(self.close());
        }
    }
}

/// What the service does; `None` where it is stopped, or not there at all.
fn running_state() -> Result<Option<ServiceState>, ProfileError> {
    let state = services::state(PLUGIN_SERVICE)?;
    Ok(state.filter(|state| *state != ServiceState::Stopped))
}

#[expect(unsafe_code, reason = "Windows' own function")]
fn load(path: &Path) -> io::Result<()> {
    let (name, path) = (wide(NAME), wide(&path.to_string_lossy()));
    // SAFETY: `HKEY_USERS` is predefined and always valid; both texts end with a
    // NUL and outlive the call, which keeps no pointer.
    let error = unsafe {
        RegLoadKeyW(
            windows_registry::USERS.as_raw(),
            name.as_ptr(),
            path.as_ptr(),
        )
    };
    done(error)
}

#[expect(unsafe_code, reason = "Windows' own function")]
fn unload() -> io::Result<()> {
    let name = wide(NAME);
    // SAFETY: as for loading.
    done(unsafe { RegUnLoadKeyW(windows_registry::USERS.as_raw(), name.as_ptr()) })
}

fn done(error: u32) -> io::Result<()> {
    match error {
        ERROR_SUCCESS => Ok(()),
        error => Err(io::Error::from_raw_os_error(error.cast_signed())),
    }
}

/// An administrator has these and uses them only when asked for; they end with
/// the process.
fn enable_privileges() -> Result<(), ProfileError> {
    let lacks = || StoreError::NotChangeable(MissingRight::Elevation);
    if !access::is_elevated() {
        return Err(lacks().into());
    }
    for privilege in [SE_BACKUP_NAME, SE_RESTORE_NAME] {
        enable(privilege).map_err(|_| lacks())?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "Windows' own functions")]
fn enable(privilege: PCWSTR) -> io::Result<()> {
    let mut token = ptr::null_mut();
    let access = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY;
    // SAFETY: the process's own handle is always valid; `token` is a place for one.
    if unsafe { OpenProcessToken(GetCurrentProcess(), access, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Windows just gave this handle, and nobody else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut luid = LUID::default();
    // SAFETY: no system means this one, `privilege` is one of Windows' own names,
    // and `luid` is a place for its number.
    if unsafe { LookupPrivilegeValueW(ptr::null(), privilege, &raw mut luid) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES {
            Luid: luid,
            Attributes: SE_PRIVILEGE_ENABLED,
        }],
    };
    let length = u32::try_from(size_of::<TOKEN_PRIVILEGES>()).map_err(io::Error::other)?;
    // SAFETY: the token is open, `wanted` has `length` bytes, and what was before
    // is not asked for.
    let adjusted = unsafe {
        AdjustTokenPrivileges(
            token.as_raw_handle(),
            0,
            &raw const wanted,
            length,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    // SAFETY: it only reads this thread's last error. What the token lacks is
    // told there alone.
    let error = unsafe { GetLastError() };
    if adjusted == 0 || error != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(error.cast_signed()));
    }
    Ok(())
}
