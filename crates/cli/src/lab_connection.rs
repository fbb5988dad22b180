//! How another process reaches a lab: a file that `lab serve` writes and `--lab` reads.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sidestep_lab as lab;
use sidestep_model::finding::Code;
use sidestep_model::network::{AddressMap, Network, Resolver};

use crate::error::{CommandError, Exit};

/// A lab, seen from another process. Its secrets open nothing but the lab.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct LabConnection {
    format_version: String,
    /// The guest's registry, as an export.
    pub(crate) registry: PathBuf,
    /// The proxy's access log.
    proxy_log: PathBuf,
    /// Who answers names.
    dns: SocketAddr,
    /// Where ordinary addresses lead.
    addresses: Vec<(SocketAddr, SocketAddr)>,
    /// The one authority to trust, in PEM.
    authority_pem: String,
    /// What to sign in with.
    pub(crate) credentials: lab::Credentials,
}

impl LabConnection {
    /// What a lab's file says.
    pub(crate) fn read(file: &Path) -> Result<Self, CommandError> {
        let unusable = |error: &dyn std::fmt::Display| {
            let message = format!("{} does not tell where a lab is: {error}", file.display());
            CommandError::new(Exit::Usage, Code::FILE_UNUSABLE, message)
                .hint("`sidestep lab serve` writes one and keeps its lab up")
        };
        let text = fs::read_to_string(file).map_err(|error| unusable(&error))?;
        serde_json::from_str(&text).map_err(|error| unusable(&error))
    }

    /// The lab's network, as its machine sees it.
    pub(crate) fn network(&self) -> Network {
        Network {
            addresses: AddressMap::closed(self.addresses.iter().copied()),
            resolver: Resolver::Servers(vec![self.dns]),
            only_authority_pem: Some(self.authority_pem.clone()),
        }
    }

    /// The lab as this process has it.
    pub(crate) fn of(lab: &lab::Lab) -> Self {
        Self {
            format_version: "1.0".to_owned(),
            registry: lab.registry_file(),
            proxy_log: lab.proxy_log(),
            dns: lab.dns_server(),
            addresses: lab.routes(),
            authority_pem: lab.authority_pem().to_owned(),
            credentials: lab.credentials(),
        }
    }
}

/// Writes how `lab` is reached.
pub(crate) fn write(lab: &lab::Lab, file: &Path) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(&LabConnection::of(lab)).unwrap_or_default();
    fs::write(file, text).map_err(|error| {
        let message = format!("cannot write {}: {error}", file.display());
        CommandError::new(Exit::Environment, Code::FILE_NOT_WRITTEN, message)
            .hint("`--connection FILE` names another file")
    })
}
