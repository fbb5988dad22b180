//! Speak with Azure.
//!
//! [`Azure`] is Azure Resource Manager: thin typed requests, of which only the
//! fields that are read are taken out, and long operations followed to their
//! end. [`machine`] is the metadata service, which tells a virtual machine who
//! it is.
//!
//! Names and ids come out of answers and are never put together, because Azure
//! gives them back in other letter case than it takes them. Each kind of request
//! says itself whether it may be sent twice.

mod answer;
mod arm_id;
mod backup;
mod client;
mod cloud;
mod containers;
mod credential;
mod error;
mod items;
mod jobs;
mod metadata;
mod network;
mod operation;
mod policies;
mod private_dns;
mod private_endpoint;
mod proxy;
mod request;
mod resolve;
mod retry;
mod timestamp;
mod tls;
mod vault;
mod wire;

pub use arm_id::ArmId;
pub use backup::{BackupKind, BackupOrder, JobId, StartBackupError, request_id};
pub use client::{Azure, Options, Pace};
pub use containers::{Container, ProtectableContainer, Registration};
pub use credential::Credential;
pub use error::{AzureError, MissingPermission, Refusal};
pub use items::{ItemKind, ProtectableItem, ProtectedItem};
pub use jobs::{Job, JobError, JobFilter, JobOperation, JobState, Task};
pub use metadata::{Machine, MetadataError, machine};
pub use network::{Subnet, VirtualMachine, VirtualNetwork};
pub use policies::Policy;
pub use private_dns::{PrivateDnsZone, ZoneLink};
pub use private_endpoint::{NewPrivateEndpoint, PrivateEndpoint, ZoneGroup};
pub use proxy::OwnProxy;
pub use vault::{EndpointConnection, NewVault, PrivateLinkResource, Vault};
