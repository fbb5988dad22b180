//! How another process reaches a lab: a file that `lab serve` writes and `--lab` reads.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use sidestep_lab::{Access, Lab};
use sidestep_model::finding::Code;
use sidestep_model::network::{AddressMap, Network, Resolver};

use crate::error::{CommandError, Exit};

/// What a lab's file says.
pub(crate) fn read(file: &Path) -> Result<Access, CommandError> {
    let unusable = |error: &dyn std::fmt::Display| {
        let message = format!("{} does not tell where a lab is: {error}", file.display());
        CommandError::new(Exit::Usage, Code::FILE_UNUSABLE, message)
            .hint("`sidestep lab serve` writes one and keeps its lab up")
    };
    let text = fs::read_to_string(file).map_err(|error| unusable(&error))?;
    let access: Access = serde_json::from_str(&text).map_err(|error| unusable(&error))?;
    if access.registry_file.exists() {
        return Ok(access);
    }
    let message = format!(
        "the lab that {} tells of is not there any more",
        file.display()
    );
    Err(
        CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, message)
            .hint("`sidestep lab serve` starts one and writes the file anew"),
    )
}

/// Writes how `lab` is reached. Its secrets open nothing but the lab.
pub(crate) fn write(lab: &Lab, file: &Path) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(&lab.connection()).unwrap_or_default();
    fs::write(file, text).map_err(|error| {
        let message = format!("cannot write {}: {error}", file.display());
        CommandError::new(Exit::Environment, Code::FILE_NOT_WRITTEN, message)
            .hint("`--connection FILE` names another file")
    })
}

/// The lab's network, as its machine sees it.
pub(crate) fn network(lab: &Access) -> Network {
    seen_by(&lab.addresses, lab)
}

/// The lab's network, as the computer sees it from which Sidestep speaks to
/// Azure: the machine's own bars are not in its way.
pub(crate) fn administrator_network(lab: &Access) -> Network {
    seen_by(&lab.administrator_addresses, lab)
}

fn seen_by(addresses: &[(SocketAddr, SocketAddr)], lab: &Access) -> Network {
    Network {
        addresses: AddressMap::closed(addresses.iter().copied()),
        resolver: Resolver::Servers(vec![lab.dns_server]),
        only_authority_pem: Some(lab.authority_pem.clone()),
    }
}
