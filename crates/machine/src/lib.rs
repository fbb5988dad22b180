//! A machine's proxy settings: read, apply, put back.
//!
//! [`Store`] is the port; what stands behind it is a registry. Above it nothing
//! knows which: [`RegFileStore`] is the registry as `regedit` exports it, so
//! that a plan for a server can be made, rehearsed and applied anywhere;
//! [`LiveStore`] is the registry of the computer that this runs on, and
//! [`HiveStore`] that of a disk from which nothing runs, only looked at. What a
//! live computer does meanwhile is told by [`connections`], [`payload`],
//! [`running_services`] and [`program`].
//!
//! Whoever changes something holds the machine's [`Journal`]: [`recover_last`]
//! puts an interrupted run right, [`apply`] makes changes together or not at
//! all. Every change is on the disk as a record before it is made.

mod apply;
mod disk;
mod durable;
mod hive_store;
mod journal;
/// The one doorway to an operating system: the registry is Windows', and
/// elsewhere the same names say so.
#[cfg_attr(windows, path = "live/windows.rs")]
#[cfg_attr(not(windows), path = "live/elsewhere.rs")]
mod live;
mod net_files;
mod profile;
mod reading;
mod reg_file;
mod restart;
mod self_test;
mod store;

pub use apply::{
    ApplyError, Checkpoint, Recovered, RecoveryOutcome, TransactionError, apply, recover_last,
};
pub use hive_store::HiveStore;
pub use journal::{Journal, JournalError, JournalFile, OpenRun, runs};
pub use live::{
    LiveStore, LoadedProfile, SelfTest, attempts, connections, count_payload, dotnet_routes,
    own_sid, payload, process_start, program, restart_service, running_services, serve_self_test,
    system_handshake, windows_version, winhttp_settings, wininet_settings,
};
pub use profile::ProfileError;
pub use reg_file::RegFileStore;
pub use restart::{RestartError, Stage};
pub use self_test::SelfTestError;
pub use store::{FolderFault, MissingRight, Store, StoreError};
