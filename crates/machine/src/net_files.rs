//! The files that .NET Framework reads before it asks for an account's proxy.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sidestep_model::net_config::NetConfig;
use sidestep_model::observed::Service;

/// Both of the machine, for 64-bit and for 32-bit programs.
const MACHINE_CONFIGS: [&str; 2] = [
    r"%SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\Config\machine.config",
    r"%SystemRoot%\Microsoft.NET\Framework\v4.0.30319\Config\machine.config",
];

/// What the machine's and the services' files say. `place` tells where a path
/// is that Windows writes so.
pub(crate) fn read(services: &[Service], place: &dyn Fn(&str) -> PathBuf) -> Vec<NetConfig> {
    let machine = MACHINE_CONFIGS
        .iter()
        .filter_map(|file| look(&place(file), None));
    let of_services = services.iter().filter_map(|service| {
        let file = format!("{}.config", service.program()?);
        look(&place(&file), Some(&service.name))
    });
    machine.chain(of_services).collect()
}

/// What a file says; `None` where it is not there.
fn look(path: &Path, service: Option<&str>) -> Option<NetConfig> {
    let file = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => Some(NetConfig::parse(&file, service, &bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(NetConfig::unreadable(&file, service, &error.to_string())),
    }
}
