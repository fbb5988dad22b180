//! A machine's proxy settings: read and apply.
//!
//! [`Store`] is the port; what stands behind it is a registry. Above it nothing
//! knows which: [`RegFileStore`] is the registry as `regedit` exports it, so
//! that a plan for a server can be made, rehearsed and applied anywhere.

mod apply;
mod reg_file;
mod store;

pub use apply::{ApplyError, apply};
pub use reg_file::RegFileStore;
pub use store::{Store, StoreError};
