//! What is asked about lists, and of logs.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use sidestep_model::access_log::{Chosen, Format};
use sidestep_model::bypass::Consumer;

use super::{AccountChoice, RouteChoice};
use crate::at::At;

#[derive(Args, Debug)]
pub(crate) struct Bypass {
    /// How to write it.
    #[arg(long, value_name = "FORMAT", default_value = "wininet")]
    pub(crate) format: ListFormat,
    /// Which list.
    #[arg(long, value_name = "PROFILE", default_value = "current")]
    pub(crate) profile: Profile,
    /// How the VM reaches Entra ID, instead of what the site file says.
    #[arg(long, value_name = "ROUTE")]
    pub(crate) entra: Option<RouteChoice>,
    /// The cloud, instead of what the site file says.
    #[arg(long, value_name = "CLOUD")]
    pub(crate) cloud: Option<String>,
    /// Say of each entry what it is for, who asks for it, and since when.
    #[arg(long, conflicts_with = "format")]
    pub(crate) explain: bool,
    /// Only this region's names of Azure Backup, instead of every region's.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Exact names (see --names) in place of the patterns that cover them.
    #[arg(long, requires = "names")]
    pub(crate) exact: bool,
    /// The names that the private endpoint serves, or @FILE with one a line.
    #[arg(long, value_name = "NAME", num_args = 1.., requires = "exact")]
    pub(crate) names: Vec<String>,
    /// The proxy that a script (--format pac) names [default: the site's; else proxy.example:8080].
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) proxy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// One line, as Windows stores it.
    Wininet,
    /// An entry a line.
    Lines,
    /// With service, reason, source and date.
    Json,
    /// A proxy configuration script that answers as .NET Framework reads the list.
    Pac,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// What today's documentation asks for.
    Current,
    /// The support article's 44 entries, to the letter.
    #[value(name = "article-2022-10")]
    Article,
}

#[derive(Args, Debug)]
#[command(after_help = LINT_EXIT_CODES)]
pub(crate) struct Lint {
    /// The list, @FILE, or - for stdin: as Windows stores it.
    #[arg(value_name = "LIST", allow_hyphen_values = true)]
    pub(crate) list: String,
    /// Print the list that was probably meant, and by what it differs.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Print the fewest entries that decide alike, proven, and why the others could go.
    #[arg(long, visible_alias = "minimize", conflicts_with = "fix")]
    pub(crate) minimise: bool,
    /// Prove that another list (or @FILE) decides alike for every destination, or show each difference.
    #[arg(long, value_name = "OTHER", allow_hyphen_values = true, conflicts_with_all = ["fix", "minimise"])]
    pub(crate) prove: Option<String>,
    /// How to write the findings.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: LintFormat,
    /// Fail for findings of this kind, too.
    #[arg(long, value_name = "KIND")]
    pub(crate) deny: Option<DenyChoice>,
    /// How the VM reaches Entra ID [default: the site's; else direct where the list names any of it].
    #[arg(long, value_name = "ROUTE")]
    pub(crate) entra: Option<RouteChoice>,
    /// The cloud, instead of what the site file says.
    #[arg(long, value_name = "CLOUD")]
    pub(crate) cloud: Option<String>,
    /// Look at this `ProxyServer` string, too.
    #[arg(long, value_name = "SERVER", allow_hyphen_values = true)]
    pub(crate) proxy: Option<String>,
    /// The list is for `WinHTTP` and BITS, too.
    #[arg(long)]
    pub(crate) winhttp: bool,
}

const LINT_EXIT_CODES: &str = "\
Exit codes: 0 no errors · 1 errors (with --deny warning, warnings as well); with --fix, those that \
are left in the new list; with --prove, the lists differ or it cannot be settled";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// For a person, with the entry underlined.
    Text,
    /// As --json.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DenyChoice {
    Warning,
}

#[derive(Args, Debug)]
pub(crate) struct Route {
    /// The URLs (https:// is assumed), or - for those on stdin, one a line.
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<String>,
    /// Decide by this bypass list, or @FILE: as Windows stores it, or an entry a line.
    #[arg(
        long,
        value_name = "LIST",
        allow_hyphen_values = true,
        conflicts_with = "at"
    )]
    pub(crate) list: Option<String>,
    /// With this `ProxyServer` string [default: proxy.example:8080].
    #[arg(
        long,
        value_name = "SERVER",
        allow_hyphen_values = true,
        conflicts_with = "at"
    )]
    pub(crate) proxy: Option<String>,
    /// With these flags: 1 direct, 2 manual proxy, 4 configuration script, 8 auto-detect.
    /// [default: 3]
    #[arg(long, value_name = "N", conflicts_with = "at")]
    pub(crate) flags: Option<u32>,
    /// With this configuration script.
    #[arg(long, value_name = "URL", conflicts_with = "at")]
    pub(crate) auto_config_url: Option<String>,
    /// Decide by the accounts' settings: this computer's (`live`), those in a
    /// registry export or those of a disk that is mounted at DIR
    /// [default on Windows, without --list and --proxy: live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR")]
    pub(crate) at: Option<At>,
    /// By whose settings.
    #[arg(
        long,
        value_name = "ACCOUNT",
        default_value = "both",
        conflicts_with_all = ["list", "proxy"]
    )]
    pub(crate) account: AccountChoice,
    /// Decide as this client library does: dotnet-framework, wininet, or winhttp,
    /// which follows the machine's own settings (netsh winhttp), as far as that is known.
    #[arg(long, value_name = "CONSUMER", default_value_t = Follower::default())]
    pub(crate) consumer: Follower,
    /// The machine's primary DNS suffix (.NET's `<local>` looks at it).
    #[arg(long, value_name = "SUFFIX", default_value = "")]
    pub(crate) dns_suffix: String,
    /// An address of the machine (.NET's `<local>` looks at them).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) own_address: Vec<IpAddr>,
}

/// Who follows the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follower {
    /// An account's settings.
    Consumer(Consumer),
    /// The machine's `WinHTTP` settings, whose rules are known in part only.
    Winhttp,
}

const WINHTTP: &str = "winhttp";

impl Default for Follower {
    fn default() -> Self {
        Self::Consumer(Consumer::default())
    }
}

impl fmt::Display for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consumer(consumer) => consumer.fmt(f),
            Self::Winhttp => f.pad(WINHTTP),
        }
    }
}

impl FromStr for Follower {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(consumer) => Ok(Self::Consumer(consumer)),
            Err(_) if text == WINHTTP => Ok(Self::Winhttp),
            Err(_) => Err(format!(
                "unknown consumer `{text}`: dotnet-framework, wininet or {WINHTTP}"
            )),
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = AUDIT_EXIT_CODES)]
pub(crate) struct Audit {
    /// The proxy's access logs, compressed with gzip or not; - for stdin.
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,
    /// How they are written: squid (native), common (and combined), w3c, json
    /// (an object a line) or csv [default: as the first lines of each tell].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Where CSV or W3C has what, by number from 1 or by name: host=3,client=1,bytes=5,time=2
    /// (and date=…, status=…); for JSON by key, `a.b` for a nested one [default: usual names].
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) columns: Option<Chosen>,
    /// The bypass list that the clients have, or @FILE: to name what it misses.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub(crate) list: Option<String>,
    /// How Entra ID is to be reached [default: as the site says; else it is not judged].
    #[arg(long, value_name = "ROUTE")]
    pub(crate) entra: Option<RouteChoice>,
    /// The cloud, instead of what the site file says.
    #[arg(long, value_name = "CLOUD")]
    pub(crate) cloud: Option<String>,
    /// Read in so many threads, 64 at most [default: one for each core, up to four].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) threads: Option<u8>,
}

const AUDIT_EXIT_CODES: &str = "\
A request that the proxy refuses counts too, for the client went there; one that it answers \
with 407, to ask who is there, does not.

Exit codes: 0 nothing crossed that should go direct · 1 something did · 2 a log cannot be opened, \
is of no known format, or has no line that can be read · 3 a log cannot be read to its end";
