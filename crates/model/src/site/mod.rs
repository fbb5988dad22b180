//! `site.toml`: what the owner wants, read with every mistake shown in its line.
//!
//! [`Site::parse`] reads the whole file and reports all errors at once, each
//! with the span to underline, the reason, and the next step.

mod bypass_entry;
mod choice;
mod database;
mod error;
mod name;
mod parse;
mod proxy_address;
mod reader;
mod resource;
mod tables;

pub use bypass_entry::EntryFault;
pub use database::{Database, DatabasePattern};
pub use error::{SiteError, SiteErrorKind};
pub use name::NameKind;
pub use parse::SAMPLE;
pub use proxy_address::{ProxyAddress, ProxyAddressFault};
pub use resource::{ResourceId, ResourceKind};
pub use tables::{
    Azure, Bypass, Dns, DnsMode, PrivateEndpoint, Proxy, ProxyMode, PublicNetworkAccess,
    Redundancy, Route, Site, Sql, Vault, Via, Vm,
};
