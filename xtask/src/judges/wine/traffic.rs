//! The program on a machine whose way out is a real squid.

use std::fs;
use std::path::Path;
use std::process::Output;

use sidestep_model::account::Account;

use super::chroot::Wine;
use super::desk::{link, settings_key, unlink};
use super::{Tally, restart};
use crate::judges::Verdict;
use crate::judges::squid::before_and_after;
use crate::judges::squid::network::{self, Network, PROXY, RESOLVER};

const SITE: &str = r"Z:\judge\traffic.toml";

/// `check` as found, after `apply` and after `undo`: what comes to squid.
/// `folder` holds a Wine that has ended, with the judge's programs in it.
pub(super) fn judge(folder: &Path, tally: &mut Tally<'_>) -> anyhow::Result<Verdict> {
    let program = network::program()?;
    let network = match Network::start(&program)? {
        Ok(network) => network,
        Err(reason) => return Ok(Verdict::NotJudged(reason)),
    };
    let wine = match Wine::start(folder, Some(network.machine()))? {
        Ok(wine) => wine,
        Err(reason) => return Ok(Verdict::NotJudged(reason)),
    };
    wine.name_hosts(&[])?;
    wine.ask_names_of(RESOLVER)?;
    fs::copy(network.site(), wine.folder().join("traffic.toml"))?;
    fs::copy(network.authority(), wine.folder().join("authority.pem"))?;
    for account in Account::SERVICES {
        wine.done(&["reg", "add", &settings_key(account), "/f"])?;
        link(&wine, account)?;
        wine.done(&["/judge/setoption.exe", PROXY, ""])?;
        unlink(&wine)?;
    }
    let told = network.environment(r"Z:\judge\authority.pem");
    let told = told.iter().map(|(name, value)| format!("{name}={value}"));
    let told: Vec<String> = told.collect();
    let run = |variables: &[String], arguments: &[&str]| -> anyhow::Result<Output> {
        let mut command = wine.inside(["env"]);
        command
            .args(variables)
            .args(["wine", "/judge/elevate.exe", "/judge/sidestep.exe"]);
        Ok(command.args(arguments).output()?)
    };
    let signed_in = |arguments: &[&str]| run(&told, arguments);
    let signed_out = |arguments: &[&str]| run(&[], arguments);
    let verdict = before_and_after(&network, SITE, "live", signed_in, tally.out)?;
    network
        .with_squid(|| restart::restarted(&wine, SITE, PROXY, &signed_in, &signed_out, tally))?;
    Ok(verdict)
}
