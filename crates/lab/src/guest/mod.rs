//! The virtual machine: two services that behave as .NET Framework programs do.

mod backup;
mod http;
mod registry;
mod settings;

pub(crate) use backup::Guest;
pub use backup::{Backup, BackupFailure};
pub(crate) use http::Network;
