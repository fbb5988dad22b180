//! The real program under Wine 10, where Wine's own tools, WinINet and WinHTTP
//! say what it did. What Wine cannot say is in `docs/windows-verification.md`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Verdict;
use crate::check_deps::metadata;
use crate::{windows, workspace};
use chroot::Wine;
use desk::Desk;
use network::Way;

mod chroot;
mod claims;
mod desk;
mod kills;
mod network;
mod profile;
mod restart;
mod second_writer;
mod self_test;
mod start;
mod tests;
mod traffic;

/// What speaks against a claim beyond these adds nothing.
const SHOWN: usize = 10;

pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let program = match windows::program(workspace())? {
        Ok(program) => program,
        Err(reason) => return Ok(Verdict::NotJudged(reason)),
    };
    let folder = folder()?;
    let wine = match Wine::start(&folder, None)? {
        Ok(wine) => wine,
        Err(reason) => return Ok(Verdict::NotJudged(format!("no Wine 10: {reason}"))),
    };
    writeln!(out, "  {}", wine.version()?)?;
    let desk = Desk::set_up(wine, &program, &claims::HOSTS)?;
    let mut tally = Tally::new(out);
    claims::rights(&desk, &mut tally)?;
    claims::plugin_states(&desk, &mut tally)?;
    second_writer::second_writer(&desk, &mut tally)?;
    claims::machine(&desk, &mut tally)?;
    claims::services(&desk, &mut tally)?;
    claims::written(&desk, &mut tally)?;
    claims::read_by_winhttp(&desk, &mut tally)?;
    claims::routes(&desk, &mut tally)?;
    claims::undone(&desk, &mut tally)?;
    claims::killed(&desk, &mut tally)?;
    claims::tls(&desk, &mut tally)?;
    profile::profile(&desk, &mut tally)?;
    self_test::self_test(&desk, &mut tally)?;
    start::start(&desk, &mut tally)?;
    let Desk { wine, network } = desk;
    let (by_proxy, logged) = (tally.by_proxy, network.logged(&wine)?.len());
    tally.see(by_proxy == logged, || format!("squid logged {logged}"));
    tally.end(&format!(
        "squid's own log has each of the {by_proxy} requests by proxy"
    ))?;
    drop(wine);
    kills::killed_everywhere(&folder, &mut tally)?;
    let traffic = match traffic::judge(&folder, &mut tally)? {
        Verdict::Agrees(tried) => tried,
        Verdict::NotJudged(reason) => format!("traffic not judged: {reason}"),
        against @ Verdict::Disagrees(_) => return Ok(against),
    };
    let tried = format!("{} observations; {traffic}", tally.all);
    Ok(match tally.all_against {
        0 => Verdict::Agrees(tried),
        some => Verdict::Disagrees(format!("{some} of {tried}")),
    })
}

/// The product's own tests under Wine.
pub(super) fn tests(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    tests::judge(&folder()?, out)
}

/// Where Wine's Debian is kept.
fn folder() -> anyhow::Result<PathBuf> {
    let target = &metadata(workspace())?["target_directory"];
    let target = target
        .as_str()
        .context("cargo metadata names no target directory")?;
    Ok(Path::new(target).join("judges/wine"))
}

/// What was seen, claim by claim.
struct Tally<'a> {
    out: &'a mut dyn Write,
    all: usize,
    all_against: usize,
    seen: usize,
    against: Vec<String>,
    direct: usize,
    by_proxy: usize,
}

impl<'a> Tally<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            all: 0,
            all_against: 0,
            seen: 0,
            against: Vec::new(),
            direct: 0,
            by_proxy: 0,
        }
    }

    /// Counts what was seen; what speaks against the claim is put into words.
    fn see(&mut self, is_so: bool, words: impl FnOnce() -> String) {
        self.seen += 1;
        if !is_so {
            self.against.push(words());
        }
    }

    /// Counts by which way a request went.
    fn ways(&mut self, way: Option<Way>) {
        match way {
            Some(Way::Direct) => self.direct += 1,
            Some(Way::Proxy) => self.by_proxy += 1,
            None => {}
        }
    }

    /// Says what belongs to the claim just told.
    fn remark(&mut self, name: &str, words: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "    {name}: {words}")?)
    }

    /// Says what came out for one claim.
    fn end(&mut self, claim: &str) -> anyhow::Result<()> {
        let against = self.against.len();
        let ways = match (self.direct, self.by_proxy) {
            (direct, by_proxy) if direct + by_proxy == self.seen && self.seen > 0 => {
                format!(" ({direct} direct, {by_proxy} by proxy)")
            }
            _ => String::new(),
        };
        writeln!(
            self.out,
            "  {claim}: {} seen{ways}, {against} against",
            self.seen
        )?;
        for words in self.against.iter().take(SHOWN) {
            writeln!(self.out, "    {words}")?;
        }
        self.all += self.seen;
        self.all_against += against;
        self.seen = 0;
        self.against.clear();
        Ok(())
    }
}
