//! What was made, and what was asked for.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was made since the lab started, by whoever asked Azure for it. What was
/// there from the start does not count, nor does a request that joined another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Vaults.
    pub vaults: usize,
    /// Private endpoints.
    pub endpoints: usize,
    /// Private DNS zones.
    pub zones: usize,
    /// Links between zones and networks.
    pub links: usize,
    /// Zone groups of endpoints.
    pub zone_groups: usize,
    /// Registrations that were begun, repeated ones included.
    pub registrations: usize,
    /// Databases for which protection was begun.
    pub protections: usize,
    /// Backup policies.
    pub policies: usize,
    /// Backup jobs.
    pub backup_jobs: usize,
    /// Requests to Resource Manager, by method.
    pub requests: BTreeMap<String, usize>,
}
