//! A computer that has no such settings.

use std::io;
use std::net::TcpStream;
use std::path::PathBuf;

use jiff::Timestamp;
use sidestep_model::account::Account;
use sidestep_model::observed::{Observed, SettingsKey};
use sidestep_model::plan::Change;
use sidestep_model::self_test::SettingsTold;
use sidestep_model::tcp_table::{Program, Row, ServiceProcess};
use sidestep_model::tls::SchannelFault;

use crate::profile::ProfileError;
use crate::restart::{RestartError, Stage};
use crate::self_test::SelfTestError;
use crate::store::{Store, StoreError};

/// The registry of this computer, which has none: there is no value of this type.
#[derive(Debug)]
pub enum LiveStore {}

impl LiveStore {
    /// Whether this computer has such settings.
    pub const IS_HERE: bool = false;

    /// Opens this computer's settings, which are not there.
    pub fn open() -> Result<Self, StoreError> {
        Err(StoreError::NotWindows)
    }
}

impl Store for LiveStore {
    fn read(&self) -> Result<Observed, StoreError> {
        match *self {}
    }

    fn write(&mut self, _account: Account, _change: &Change) -> Result<(), StoreError> {
        match *self {}
    }

    fn remove_empty_key(&mut self, _account: Account, _key: SettingsKey) -> Result<(), StoreError> {
        match *self {}
    }

    fn journal_folder(&self) -> PathBuf {
        match *self {}
    }

    fn place(&self) -> String {
        match *self {}
    }
}

fn not_windows<T>() -> io::Result<T> {
    let kind = io::ErrorKind::Unsupported;
    Err(io::Error::new(kind, "this is not a Windows computer"))
}

/// The connections that are made now; nobody is asked here.
pub fn connections() -> io::Result<Vec<Row>> {
    not_windows()
}

/// Has a connection's payload counted; nobody counts here.
pub fn count_payload(_row: &Row) -> io::Result<u64> {
    not_windows()
}

/// What was counted of a connection's payload; nobody counts here.
pub fn payload(_row: &Row) -> io::Result<u64> {
    not_windows()
}

/// The same, and those that are tried; nobody is asked here.
pub fn attempts() -> io::Result<Vec<Row>> {
    not_windows()
}

/// The running services whose names begin with `prefix`, which are not here.
pub fn running_services(_prefix: &str) -> io::Result<Vec<ServiceProcess>> {
    not_windows()
}

/// A process's program; nobody is asked here.
pub fn program(_process: u32) -> io::Result<Program> {
    not_windows()
}

/// When a process began; nobody is asked here.
pub fn process_start(_process: u32) -> io::Result<Timestamp> {
    not_windows()
}

/// TLS as Windows' services speak it, which nobody speaks here; not to be asked.
pub fn system_handshake(_stream: TcpStream, _host: &str) -> Result<(), SchannelFault> {
    Err(SchannelFault::Other(0))
}

/// Stops a service, which is not here, and starts it again.
pub fn restart_service(name: &str) -> Result<bool, RestartError> {
    not_windows().map_err(|source| RestartError {
        service: name.to_owned(),
        stage: Stage::Told,
        source,
    })
}

/// The plugin account's profile, loaded: there is no value of this type.
#[derive(Debug)]
pub enum LoadedProfile {}

impl LoadedProfile {
    /// What an interrupted run left loaded: nothing, here.
    pub fn release_left() -> Result<bool, ProfileError> {
        Ok(false)
    }

    /// Loads it, which is not possible here.
    pub fn load() -> Result<Option<Self>, ProfileError> {
        Err(StoreError::NotWindows.into())
    }

    /// Lets go of it.
    pub fn unload(self) -> Result<(), ProfileError> {
        match self {}
    }
}

/// The SID that this process runs as; there is none here.
pub fn own_sid() -> io::Result<String> {
    not_windows()
}

/// What `WinINet` gives this process; it is not here.
pub fn wininet_settings() -> io::Result<SettingsTold> {
    not_windows()
}

/// What `WinHTTP` gives this process; it is not here.
pub fn winhttp_settings() -> io::Result<SettingsTold> {
    not_windows()
}

/// Where .NET Framework sends each URL; it is not here.
pub fn dotnet_routes(_urls: &[String]) -> io::Result<Vec<String>> {
    not_windows()
}

/// Which Windows this is.
#[must_use]
pub fn windows_version() -> Option<String> {
    None
}

/// Serves as a self-test's service, which no service manager starts here.
pub fn serve_self_test(_answer: fn(&str) -> String) -> io::Result<()> {
    not_windows()
}

/// A self-test's service: there is no value of this type.
#[derive(Debug)]
pub enum SelfTest {}

impl SelfTest {
    /// Installs and starts it, which is not possible here.
    pub fn start(_arguments: &[&str]) -> Result<Self, SelfTestError> {
        Err(StoreError::NotWindows.into())
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        match *self {}
    }

    /// Whether an earlier test had left something behind.
    #[must_use]
    pub fn had_leftovers(&self) -> bool {
        match *self {}
    }

    /// The settings of its account, as the plugin's.
    #[must_use]
    pub fn settings(&self) -> Box<dyn Store> {
        match *self {}
    }

    /// Asks it, and waits for what it says.
    pub fn ask(&self, _question: &str) -> Result<String, SelfTestError> {
        match *self {}
    }

    /// Stops and removes it.
    pub fn remove(self) -> Result<(), SelfTestError> {
        match self {}
    }
}
