//! What is true, what is wanted, what to change: the pure core of Sidestep.
//!
//! ```text
//!  facts ──► desired ──► plan ──► apply ──► check ──► report
//! Catalogue  Desired   Plan(diff)
//!              ▲          ▲
//!    Site ─────┘ Observed ┘
//! ```
//!
//! One type per stage; each stage takes only the types before it. Nothing here
//! touches a file, a socket, the environment or the clock: time, text and bytes
//! come in as arguments, and findings go out as values without prose.

#![forbid(unsafe_code)]

pub mod access_log;
pub mod account;
pub mod blob;
pub mod bypass;
pub mod catalogue;
pub mod check;
pub mod desired;
pub mod destination;
pub mod dns;
pub mod event;
pub mod evidence;
pub mod finding;
pub mod journal;
pub mod lint;
mod list_findings;
pub mod network;
pub mod observation;
pub mod observed;
pub mod plan;
pub mod proxy_server;
pub mod readers;
pub mod redacted;
pub mod registry;
pub mod route;
pub mod selection;
pub mod settings;
pub mod site;
mod undo;
mod writable;
