//! Microsoft's own parser and `WebProxy`, which Mono 6.8 carries.

use std::fmt;
use std::io::Write;

use anyhow::Context as _;
use sidestep_model::bypass::{Consumer, HostContext};
use sidestep_model::destination::Destination;
use sidestep_model::proxy_server::ProxyServerError;
use sidestep_model::route::{Route, route};
use sidestep_model::settings::ProxySettings;

use super::Verdict;
use mono::{Mono, Unavailable};

mod generator;
mod mono;
mod vectors;

/// How many pairs of list and URL, and of `ProxyServer` string and URL, are made up.
const RANDOM_LISTS: usize = 120_000;
const RANDOM_PROXY_SERVERS: usize = 60_000;
/// The cases are the same every time.
const SEED: u64 = 20_221_024;
/// Disagreements beyond these add nothing to what the first ones show.
const SHOWN: usize = 20;

/// One question: where does a request go?
#[derive(Clone, Debug)]
struct Case {
    proxy_server: String,
    bypass_list: String,
    url: String,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            proxy_server,
            bypass_list,
            url,
        } = self;
        write!(
            f,
            "proxy `{}` list `{}` url `{}`",
            proxy_server.escape_debug(),
            bypass_list.escape_debug(),
            url.escape_debug()
        )
    }
}

/// Differences that say nothing against our reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exception {
    /// The row's answer depends on a DNS domain that this computer is not in; it
    /// is still judged with what Mono knows of this computer.
    DnsSuffix,
    /// The row's answer depends on an address that this computer does not have;
    /// judged likewise.
    OwnAddress,
    /// Brackets that hold no IPv6 address, with a lone leading colon or a
    /// misplaced prefix length. .NET's check lets some pass, depending on
    /// `UseStrictIPv6AddressParsing`; we refuse them all.
    NoIpv6Address,
    /// A name outside ASCII that only a file server may have, such as `_é`.
    /// `System.Uri` takes it and then has an empty host; we refuse it.
    FileServerName,
    /// A proxy that begins with `/`, which is a file to Mono on Unix and nothing
    /// that .NET can read on Windows.
    UnixPath,
}

impl Exception {
    const ALL: [(Self, &'static str); 5] = [
        (Self::DnsSuffix, "another computer's DNS suffix"),
        (Self::OwnAddress, "another computer's own address"),
        (
            Self::NoIpv6Address,
            "text in brackets that is no IPv6 address",
        ),
        (Self::FileServerName, "file server name outside ASCII"),
        (Self::UnixPath, "path that is absolute on Unix only"),
    ];

    /// Why we may refuse what Microsoft takes.
    fn refusing(case: &Case, ours: &str) -> Option<Self> {
        let refused = match ours {
            "error:UriFormatException" => &case.url,
            "error:FormatException" => &case.proxy_server,
            _ => return None,
        };
        let is_no_address = |(_, after): (&str, &str)| {
            let inside = after.split_once(']').map_or(after, |(inside, _)| inside);
            inside.contains('/') || (inside.starts_with(':') && !inside.starts_with("::"))
        };
        if refused.split_once('[').is_some_and(is_no_address) {
            return Some(Self::NoIpv6Address);
        }
        let begins_with_slash = |part: &str| part.trim_start().starts_with('/');
        if ours == "error:FormatException" && refused.split(['=', ';']).any(begins_with_slash) {
            return Some(Self::UnixPath);
        }
        (!refused.is_ascii() && refused.contains(['-', '_'])).then_some(Self::FileServerName)
    }
}

pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let mono = match Mono::compile() {
        Ok(mono) => mono,
        Err(Unavailable::Here(reason)) => return Ok(Verdict::NotJudged(reason)),
        Err(Unavailable::Broken(error)) => return Err(error),
    };
    let conversation = mono.start()?;
    let here = conversation.host().clone();
    let rows = vectors::carried()?;
    let mut cases: Vec<Case> = rows.iter().map(|row| row.case.clone()).collect();
    let mut generator = generator::Generator::new(SEED, &here);
    cases.extend((0..RANDOM_LISTS).map(|_| generator.list_case()));
    cases.extend((0..RANDOM_PROXY_SERVERS).map(|_| generator.proxy_server_case()));

    let answers = conversation
        .ask(&cases)
        .context("Mono did not answer every case")?;
    let mut tally = Tally::default();
    for (case, answer) in cases.iter().zip(&answers) {
        let ours = our_answer(case, &here);
        tally.count(answer);
        if ours == *answer {
            tally.agreements += 1;
            continue;
        }
        if let Some(exception) = Exception::refusing(case, &ours) {
            tally.exceptions.push(exception);
            continue;
        }
        if tally.disagreements < SHOWN {
            writeln!(out, "  {case}: Microsoft {answer}, sidestep {ours}")?;
        }
        tally.disagreements += 1;
    }
    for (row, answer) in rows.iter().zip(&answers) {
        if row.is_answered_by(answer) {
            continue;
        }
        // Right for the computer that the row describes, which is not this one.
        let published = our_answer(&row.case, &row.host);
        if let Some(exception) = row.exception().filter(|_| row.is_answered_by(&published)) {
            tally.exceptions.push(exception);
        } else {
            writeln!(out, "  row {}: {}: Microsoft {answer}", row.id, row.case)?;
            tally.disagreements += 1;
        }
    }
    tally.report(out)?;
    let tried = format!(
        "{} cases: {} rows, {RANDOM_LISTS} random lists, {RANDOM_PROXY_SERVERS} random ProxyServer strings",
        cases.len(),
        rows.len()
    );
    Ok(match tally.disagreements {
        0 => Verdict::Agrees(tried),
        some => Verdict::Disagrees(format!("{some} of {tried}")),
    })
}

#[derive(Default)]
struct Tally {
    direct: usize,
    proxy: usize,
    error: usize,
    agreements: usize,
    disagreements: usize,
    exceptions: Vec<Exception>,
}

impl Tally {
    fn count(&mut self, answer: &str) {
        match answer {
            "direct" => self.direct += 1,
            error if error.starts_with("error:") => self.error += 1,
            _ => self.proxy += 1,
        }
    }

    fn report(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let Self {
            direct,
            proxy,
            error,
            agreements,
            disagreements,
            exceptions,
        } = self;
        writeln!(
            out,
            "  Microsoft's answers: {direct} direct, {proxy} by proxy, {error} errors"
        )?;
        writeln!(
            out,
            "  agreements: {agreements}, disagreements: {disagreements}"
        )?;
        for (exception, reason) in Exception::ALL {
            let count = exceptions
                .iter()
                .filter(|found| **found == exception)
                .count();
            writeln!(out, "  exceptions, {reason}: {count}")?;
        }
        Ok(())
    }
}

/// Our answer in the judge's words.
fn our_answer(case: &Case, host: &HostContext) -> String {
    let settings = ProxySettings::manual(&case.proxy_server, &case.bypass_list);
    let decided = |url: &str| {
        Destination::parse(url).map(|destination| {
            route(&destination, &settings, Consumer::DotnetFramework, host).route
        })
    };
    // .NET reads the settings before it looks at the URL.
    let unreadable = Ok(Route::Error(ProxyServerError::Format {
        part: String::new(),
    }));
    let readable = decided("http://localhost/").map(|route| !matches!(route, Route::Error(_)));
    let decided = if readable == Ok(true) {
        decided(&case.url)
    } else {
        unreadable
    };
    match decided {
        Ok(Route::Direct) => "direct".to_owned(),
        Ok(Route::Proxy(proxy)) => proxy.to_string(),
        Ok(Route::Error(ProxyServerError::Format { .. })) => "error:FormatException".to_owned(),
        Ok(Route::Error(ProxyServerError::NotSupported { .. })) => {
            "error:NotSupportedException".to_owned()
        }
        Ok(Route::Auto { .. }) => "auto".to_owned(),
        Ok(Route::Unknown) => "unknown".to_owned(),
        Err(_) => "error:UriFormatException".to_owned(),
    }
}
