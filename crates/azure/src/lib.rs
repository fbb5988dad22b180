//! Speak with Azure.
//!
//! So far: the metadata service, which tells a virtual machine who it is. The
//! control plane (ARM) joins it with the steps that need it.

mod metadata;

pub use metadata::{Machine, MetadataError, machine};
