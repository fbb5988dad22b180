//! The program on a machine whose way out is a real squid.

use std::fs;
use std::io::Write;
use std::path::Path;

use sidestep_model::account::Account;

use super::chroot::Wine;
use super::desk::{link, settings_key, unlink};
use crate::judges::Verdict;
use crate::judges::squid::before_and_after;
use crate::judges::squid::network::{self, Network, PROXY, RESOLVER};

const SITE: &str = r"Z:\judge\traffic.toml";

/// `check` as found, after `apply` and after `undo`: what comes to squid.
/// `folder` holds a Wine that has ended, with the judge's programs in it.
pub(super) fn judge(folder: &Path, out: &mut dyn Write) -> anyhow::Result<Verdict> {
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
    let run = |arguments: &[&str]| {
        let told = told.iter().map(|(name, value)| format!("{name}={value}"));
        let words = ["wine", "/judge/elevate.exe", "/judge/sidestep.exe"].map(str::to_owned);
        let mut command = wine.inside(std::iter::once("env".to_owned()).chain(told).chain(words));
        Ok(command.args(arguments).output()?)
    };
    before_and_after(&network, SITE, "live", run, out)
}
