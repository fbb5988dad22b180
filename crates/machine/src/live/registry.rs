//! Keys and values, by name: whatever is not there is `None` or nothing to do.

use std::io;

use sidestep_model::registry::RegistryData;
use windows_registry::{Key, Type};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_KEY_DELETED, ERROR_MORE_DATA, ERROR_SUCCESS,
};
use windows_sys::Win32::System::Registry::{
    KEY_CREATE_SUB_KEY, KEY_SET_VALUE, RegDeleteKeyExW, RegFlushKey,
};

use crate::reading::Registry;
use crate::store::StoreError;

/// The registry of the running Windows.
pub(super) struct LiveRegistry;

impl Registry for LiveRegistry {
    fn has_key(&self, key: &str) -> Result<bool, StoreError> {
        Place::named(key).is_there()
    }

    fn keys(&self, key: &str) -> Result<Vec<String>, StoreError> {
        Place::named(key).keys()
    }

    fn value(&self, key: &str, name: &str) -> Result<Option<RegistryData>, StoreError> {
        Place::named(key).value(name)
    }
}

#[derive(Clone, Copy, Debug)]
enum Hive {
    Users,
    LocalMachine,
    CurrentUser,
}

impl Hive {
    const ALL: [Self; 3] = [Self::Users, Self::LocalMachine, Self::CurrentUser];

    fn name(self) -> &'static str {
        match self {
            Self::Users => "HKEY_USERS",
            Self::LocalMachine => "HKEY_LOCAL_MACHINE",
            Self::CurrentUser => "HKEY_CURRENT_USER",
        }
    }

    fn key(self) -> &'static Key {
        match self {
            Self::Users => windows_registry::USERS,
            Self::LocalMachine => windows_registry::LOCAL_MACHINE,
            Self::CurrentUser => windows_registry::CURRENT_USER,
        }
    }
}

/// A key, which need not be there.
#[derive(Debug)]
pub(super) struct Place {
    hive: Hive,
    path: String,
}

impl Place {
    /// By its whole name, such as `HKEY_USERS\.DEFAULT`.
    pub(super) fn named(name: &str) -> Self {
        let (first, path) = name.split_once('\\').unwrap_or((name, ""));
        let mut hives = Hive::ALL.into_iter();
        Self {
            // The model names no others.
            hive: hives
                .find(|hive| hive.name() == first)
                .unwrap_or(Hive::LocalMachine),
            path: path.to_owned(),
        }
    }

    /// A key in it, by its path from here.
    pub(super) fn below(&self, path: &str) -> Self {
        Self::named(&format!(r"{}\{path}", self.name()))
    }

    pub(super) fn name(&self) -> String {
        format!(r"{}\{}", self.hive.name(), self.path)
    }

    pub(super) fn is_there(&self) -> Result<bool, StoreError> {
        Ok(self.open()?.is_some())
    }

    /// The names of the keys in it.
    pub(super) fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.open()?.map_or(Ok(Vec::new()), |key| {
            Ok(plain(key.keys())
                .map_err(|error| self.failed(error))?
                .collect())
        })
    }

    /// One of its values, with its type. Read until two readings agree: a value
    /// that grows or shrinks meanwhile is never seen half.
    pub(super) fn value(&self, name: &str) -> Result<Option<RegistryData>, StoreError> {
        let Some(key) = self.open()? else {
            return Ok(None);
        };
        let read = || loop {
            match plain(key.get_value(name)) {
                Ok(value) => {
                    let kind = u32::from(value.ty());
                    return Ok(Some(RegistryData::from_raw(kind, value.to_vec())));
                }
                Err(ERROR_MORE_DATA) => {}
                Err(error) if is_missing(error) => return Ok(None),
                Err(error) => return Err(self.failed(error)),
            }
        };
        let mut last = read()?;
        loop {
            let now = read()?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
    }

    /// Sets one of its values; it is on the disk when this returns. Makes the
    /// key where it is missing.
    pub(super) fn set(&self, name: &str, data: &RegistryData) -> Result<(), StoreError> {
        let mut options = self.hive.key().options();
        let opened = options.read().write().create().open(&self.path);
        let key = plain(opened).map_err(|error| self.failed(error))?;
        // By its number, whatever the type: data is put back as it was found,
        // also a string that does not end.
        plain(key.set_bytes(name, Type::Other(data.kind()), &data.raw_bytes()))
            .map_err(|error| self.failed(error))?;
        self.flush(&key)
    }

    /// Takes one of its values away, if it is there.
    pub(super) fn remove_value(&self, name: &str) -> Result<(), StoreError> {
        let mut options = self.hive.key().options();
        let opened = plain(options.read().write().open(&self.path));
        let removed = opened.and_then(|key| plain(key.remove_value(name)).map(|()| key));
        match removed {
            Ok(key) => self.flush(&key),
            Err(error) if is_missing(error) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Takes it away, if it is there and holds nothing. Windows itself refuses
    /// where a key is in it; a value that somebody makes at this moment goes, too.
    #[expect(
        unsafe_code,
        reason = "what windows-registry has takes keys inside away, too"
    )]
    pub(super) fn remove_if_empty(&self) -> Result<(), StoreError> {
        let Some(key) = self.open()? else {
            return Ok(());
        };
        let has_keys = plain(key.keys()).map(|mut keys| keys.next().is_some());
        let has_values = plain(key.values()).map(|mut values| values.next().is_some());
        let failed = |error| self.failed(error);
        if has_keys.map_err(failed)? || has_values.map_err(failed)? {
            return Ok(());
        }
        drop(key);
        let path = wide(&self.path);
        // SAFETY: a hive's handle is predefined and always valid; `path` ends
        // with a NUL and outlives the call, which keeps no pointer.
        let error = unsafe { RegDeleteKeyExW(self.hive.key().as_raw(), path.as_ptr(), 0, 0) };
        match error {
            ERROR_SUCCESS => Ok(()),
            error if is_missing(error) => Ok(()),
            error => Err(failed(error)),
        }
    }

    /// Whether it, or what it would be made in, may be written.
    pub(super) fn is_writable(&self) -> Result<bool, StoreError> {
        let mut path = self.path.as_str();
        loop {
            let mut options = self.hive.key().options();
            let opened = options
                .access(KEY_SET_VALUE | KEY_CREATE_SUB_KEY)
                .open(path);
            match plain(opened) {
                Ok(_) => return Ok(true),
                Err(ERROR_ACCESS_DENIED) => return Ok(false),
                Err(error) if is_missing(error) => match path.rsplit_once('\\') {
                    Some((above, _)) => path = above,
                    None => return Err(self.failed(error)),
                },
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn open(&self) -> Result<Option<Key>, StoreError> {
        match plain(self.hive.key().open(&self.path)) {
            Ok(key) => Ok(Some(key)),
            Err(error) if is_missing(error) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Windows itself writes a hive within seconds; here a run that says it is
    /// done has to be done.
    #[expect(unsafe_code, reason = "windows-registry has no such call")]
    fn flush(&self, key: &Key) -> Result<(), StoreError> {
        // SAFETY: `key` is borrowed and so stays open during the call.
        match unsafe { RegFlushKey(key.as_raw()) } {
            ERROR_SUCCESS => Ok(()),
            error => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: u32) -> StoreError {
        let key = self.name();
        if error == ERROR_ACCESS_DENIED {
            return StoreError::Denied { key };
        }
        let source = io::Error::from_raw_os_error(error.cast_signed());
        StoreError::Registry { key, source }
    }
}

/// An error as Windows' own number, which windows-registry wraps in an HRESULT.
fn plain<T>(result: windows_registry::Result<T>) -> Result<T, u32> {
    result.map_err(|error| {
        let wrapped = io::Error::from(error).raw_os_error().unwrap_or_default();
        wrapped.cast_unsigned() & 0xFFFF
    })
}

fn is_missing(error: u32) -> bool {
    matches!(error, ERROR_FILE_NOT_FOUND | ERROR_KEY_DELETED)
}

/// Text as Windows takes it: UTF-16 that a NUL ends.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
