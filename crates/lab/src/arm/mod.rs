//! Azure Resource Manager over HTTPS, and what stands behind it.
//!
//! ```text
//!  request ─► azure (log, gate, weather, token) ─► router ─► one file per provider ─► World
//!                                                                │
//!                              guest ◄── registration, backup ◄──┘
//! ```
//!
//! Paths, bodies, headers and statuses as Microsoft's `OpenAPI` documents
//! (Azure/azure-rest-api-specs) and recordings of real Azure (Azure/azure-cli,
//! `test_backup_wl_sql_*.yaml`) have them.

mod access;
mod azure;
mod call;
mod census;
mod container;
mod directory;
mod dns;
mod endpoint;
mod error;
mod failure;
mod filter;
mod gate;
mod identity;
mod item;
mod item_document;
mod job;
mod log;
mod network;
mod operation;
mod policy;
mod protectable;
mod router;
mod start;
mod state;
mod vault;
mod weather;
mod work;
mod world;
mod zone_group;

pub use access::{Access, Credentials};
pub(crate) use azure::Azure;
pub(crate) use call::decoded;
pub use census::Census;
pub use gate::{Hold, When};
pub(crate) use identity::{base64, guid};
pub(crate) use state::State;
pub(crate) use work::Work;
pub(crate) use world::World;
