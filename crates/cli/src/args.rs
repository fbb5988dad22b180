//! The command line, as close to what was typed as possible.

mod lists;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::event::Step;

use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::output::Printer;

pub(crate) use lists::{
    Audit, Bypass, DenyChoice, Follower, Lint, LintFormat, ListFormat, Profile, Route,
};

/// Back SQL Server on Azure VMs up through private endpoints, around the
/// corporate proxy, and prove it.
#[derive(Debug, Parser)]
#[command(name = "sidestep", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done or nothing to do · 1 a check or rehearsal failed · 2 usage · \
3 the environment is not what the command needs · 4 refused to protect data · \
5 Azure said no · 6 changes pending (--detailed-exitcode) · 70 a bug · 130 interrupted";

#[derive(Args, Debug)]
pub(crate) struct Global {
    /// One JSON document on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Nothing on stderr but errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Ask nothing.
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
    /// Colour: auto, always or never.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// The site file [default: ./site.toml; for rehearse, the built-in sample].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) site: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Rehearse a site against the built-in lab and show by which path every byte went.
    Rehearse(Rehearse),
    /// Carry a site through every step: endpoint, settings, registration, protection, check, backup.
    Run(Run),
    /// Try every way of both accounts, and compare their settings with the site.
    Check(Check),
    /// Carry the steps in Azure out one at a time, and list databases and jobs.
    Azure(Azure),
    /// Keep the rehearsal's world up, for `run --lab` and any other client.
    Lab(Lab),
    /// Write a commented site file.
    Init(Init),
    /// Print the bypass list that a site needs.
    Bypass(Bypass),
    /// Find what is wrong with a bypass list; mend it, shorten it, prove two lists equal.
    Lint(Lint),
    /// Say whether URLs go direct or to a proxy, and which entry decided.
    Route(Route),
    /// Say which protected traffic still crosses the proxy, by whom and for want of which entry.
    Audit(Audit),
    /// Show the accounts' settings as each reader sees them, and where they disagree.
    Show(Show),
    /// Decode a connection or `WinHttpSettings` blob.
    Decode(Decode),
    /// Derive the SIDs of services' virtual accounts, as `HKEY_USERS` names them.
    Sid(Sid),
    /// Show what would change in the accounts' settings.
    Plan(Plan),
    /// Change the accounts' settings: shown first, journalled, undoable.
    Apply(Apply),
    /// Put back what a run changed, and nothing that others changed since.
    Undo(Undo),
    /// List the runs that changed settings.
    History(History),
    /// Have this computer's Windows confirm what Sidestep predicts, in a temporary
    /// service, and print a report to send back. Needs an administrator.
    SelfTest,
    /// What the temporary service runs.
    #[command(hide = true)]
    SelfTestService,
}

#[derive(Args, Debug)]
pub(crate) struct Rehearse {
    /// The site to rehearse; without it, the built-in sample.
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    /// Rehearse this scenario (see --list).
    #[arg(long, value_name = "NAME", default_value = "happy")]
    pub(crate) scenario: String,
    /// List the scenarios.
    #[arg(long)]
    pub(crate) list: bool,
    /// Back this file up as the database, instead of generated content.
    #[arg(long, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
    /// Keep what was asked of the lab's Azure and what it answered, a line of JSON each.
    #[arg(long, value_name = "FILE")]
    pub(crate) azure_log: Option<PathBuf>,
}

/// The world that a run acts on.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The settings: this computer's (`live`) or those in a file, as `reg export
    /// HKEY_USERS` wrote it [default on Windows: live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR", conflicts_with = "lab")]
    pub(crate) at: Option<At>,
    #[command(flatten)]
    pub(crate) cloud: CloudChoice,
}

/// Which Azure, and as whom.
#[derive(Args, Debug)]
pub(crate) struct CloudChoice {
    /// Act in the lab that `lab serve` keeps up and wrote this file about.
    #[arg(long, value_name = "FILE")]
    pub(crate) lab: Option<PathBuf>,
    /// What to sign in to Azure with [default: what the environment holds; else
    /// the machine's identity; else the Azure CLI].
    #[arg(long, value_name = "KIND", conflicts_with = "lab")]
    pub(crate) credential: Option<CredentialChoice>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CredentialChoice {
    ManagedIdentity,
    AzureCli,
    WorkloadIdentity,
    ClientSecret,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StepChoice {
    Endpoint,
    SystemBypass,
    Register,
    PluginBypass,
    Protect,
    Check,
    Backup,
}

impl From<StepChoice> for Step {
    fn from(choice: StepChoice) -> Self {
        match choice {
            StepChoice::Endpoint => Self::Endpoint,
            StepChoice::SystemBypass => Self::SystemBypass,
            StepChoice::Register => Self::Register,
            StepChoice::PluginBypass => Self::PluginBypass,
            StepChoice::Protect => Self::Protect,
            StepChoice::Check => Self::Check,
            StepChoice::Backup => Self::Backup,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The site [default: ./site.toml].
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// The first step [default: endpoint]; `backup` orders a backup also where an earlier run did.
    #[arg(long, value_name = "STEP")]
    pub(crate) from: Option<StepChoice>,
    /// The last step [default: backup].
    #[arg(long, value_name = "STEP")]
    pub(crate) until: Option<StepChoice>,
    /// Look at everything, show what would be done and do nothing.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) what_if: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The site [default: ./site.toml].
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Azure {
    #[command(subcommand)]
    pub(crate) verb: AzureVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AzureVerb {
    /// Make the vault's private endpoint, its zones and records.
    Endpoint(AzureStep),
    /// Register the machines with the vault. With --at or --lab, wait for the plugin's account.
    Register(AzureStep),
    /// Have Azure look for databases on the machines, and list them.
    Discover(Discover),
    /// Put the databases that the site chooses under its policy.
    Protect(AzureStep),
    /// Order a backup of the site's database, and follow it to its end.
    Backup(AzureStep),
    /// List the jobs of the last seven days, or show one with its tasks.
    Jobs(Jobs),
}

#[derive(Args, Debug)]
pub(crate) struct AzureStep {
    /// The site [default: ./site.toml].
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Look at everything, show what would be done and do nothing.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) what_if: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Discover {
    /// The site [default: ./site.toml].
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cloud: CloudChoice,
}

#[derive(Args, Debug)]
pub(crate) struct Jobs {
    /// Show this job; `--site` names the site.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) cloud: CloudChoice,
}

#[derive(Args, Debug)]
pub(crate) struct Lab {
    #[command(subcommand)]
    pub(crate) verb: LabVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabVerb {
    /// Start it, say how to reach it, and keep it up until interrupted.
    Serve(Serve),
}

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The site whose world it is; without it, the built-in sample's.
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    /// With what is wrong in this scenario (see `rehearse --list`).
    #[arg(long, value_name = "NAME", default_value = "happy")]
    pub(crate) scenario: String,
    /// Where to write how it is reached, for `run --lab`.
    #[arg(long, value_name = "FILE", default_value = "lab.json")]
    pub(crate) connection: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Where to write it.
    #[arg(value_name = "FILE", default_value = "site.toml")]
    pub(crate) file: PathBuf,
    /// How the VM reaches Entra ID, which has no private endpoint.
    #[arg(long, value_name = "ROUTE")]
    pub(crate) entra: Option<RouteChoice>,
    /// The database whose backup proves the path, `INSTANCE/database`.
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,
    /// Who owns DNS: azure (private zones) or manual (another team).
    #[arg(long, value_name = "MODE")]
    pub(crate) dns: Option<DnsChoice>,
    /// Take subscription, group, region and name from this Azure VM's metadata service.
    #[arg(long)]
    pub(crate) from_vm: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RouteChoice {
    Direct,
    Proxy,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DnsChoice {
    Azure,
    Manual,
}

#[derive(Args, Debug)]
#[command(after_help = SHOW_EXIT_CODES)]
pub(crate) struct Show {
    /// The settings: this computer's (`live`) or those in a file, as `reg export
    /// HKEY_USERS` wrote it; with `HKEY_LOCAL_MACHINE` in it, too, the policy,
    /// `WinHTTP` and the machine's settings are known. `hive:DIR` are those of a
    /// disk that is mounted at DIR [default on Windows: live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR")]
    pub(crate) at: Option<At>,
    /// Whose settings.
    #[arg(long, value_name = "ACCOUNT", default_value = "both")]
    pub(crate) account: AccountChoice,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

const SHOW_EXIT_CODES: &str = "\
Exit codes: 0 shown, whatever the findings say · 1 shown, but .NET Framework cannot use the \
settings of an account that is shown: its blob cannot be read (SS112), or its proxy string (SS106)";

#[derive(Args, Debug)]
pub(crate) struct Decode {
    /// The bytes in hex, @FILE, or - for stdin; `hex:` lines of a .reg file work too.
    #[arg(value_name = "HEX", required_unless_present = "at")]
    pub(crate) hex: Vec<String>,
    /// Decode an account's blob: this computer's (`live`), in a registry export
    /// or on a disk that is mounted at DIR.
    #[arg(long, value_name = "live|FILE.reg|hive:DIR", conflicts_with = "hex")]
    pub(crate) at: Option<At>,
    /// Whose.
    #[arg(
        long,
        value_name = "ACCOUNT",
        requires = "at",
        default_value = "system"
    )]
    pub(crate) account: BlobOwner,
    /// `SavedLegacySettings`, not `DefaultConnectionSettings`.
    #[arg(long, requires = "at")]
    pub(crate) saved: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Sid {
    /// Services or accounts, such as `AzureWLBackupPluginSvc`.
    #[arg(value_name = "NAME", default_value = PLUGIN_SERVICE)]
    pub(crate) names: Vec<String>,
}

/// Whether a profile that Windows has not loaded may be.
#[derive(Args, Debug)]
pub(crate) struct Consent {
    /// Where the plugin's service is stopped or gone, load its account's profile
    /// (NTUSER.DAT) for the moments that it takes. Nobody may start the service
    /// meanwhile.
    #[arg(long)]
    pub(crate) load_profile: bool,
}

/// Which settings are meant, and what is wanted of them.
#[derive(Args, Debug)]
pub(crate) struct Settings {
    /// Whose settings [default: both; with --copy-from system, plugin].
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountChoice>,
    /// Copy proxy and list from `current-user`, `system` or a SID, instead of what a site needs.
    #[arg(long, value_name = "WHO")]
    pub(crate) copy_from: Option<String>,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Switch the configuration script off, where one is used.
    #[arg(long)]
    pub(crate) clear_pac: bool,
    /// Switch automatic detection off, where it is on.
    #[arg(long)]
    pub(crate) clear_auto_detect: bool,
}

/// Whether services are restarted that would not follow the new settings otherwise.
#[derive(Args, Debug)]
pub(crate) struct Restarts {
    /// Restart the backup's services that need it, unless they are connected, as
    /// while the machine is registered or backed up.
    #[arg(long)]
    pub(crate) restart_services: bool,
    /// Ask the vault for jobs that are going on, too, signed in with this
    /// [default: what the environment holds].
    #[arg(long, value_name = "KIND", requires = "restart_services")]
    pub(crate) credential: Option<CredentialChoice>,
}

const NOBODY_ASKED: &str = "\
Asks before it writes, but only at a terminal: with --yes or --json, or where input or errors do \
not go to a terminal (a script, a scheduled task), having typed the command is the answer.";

#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// The site [default: ./site.toml].
    #[arg(value_name = "SITE")]
    pub(crate) site_file: Option<PathBuf>,
    /// The settings: this computer's (`live`) or those in a file, as `reg export
    /// HKEY_USERS` wrote it [default on Windows: live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR")]
    pub(crate) at: Option<At>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Exit with 6 when there is something to change.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Args, Debug)]
#[command(after_help = NOBODY_ASKED)]
pub(crate) struct Apply {
    /// The site [default: ./site.toml], or a plan that `plan --json` wrote.
    #[arg(value_name = "SITE|PLAN.json")]
    pub(crate) file: Option<PathBuf>,
    /// The settings: this computer's (`live`) or those in a file, as `reg export
    /// HKEY_USERS` wrote it [default: what PLAN.json names; else, on Windows, live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR")]
    pub(crate) at: Option<At>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) restarts: Restarts,
    /// Show what would be done and do nothing.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) what_if: bool,
    /// Exit with 6 when there is something to change.
    #[arg(long, requires = "what_if")]
    pub(crate) detailed_exitcode: bool,
    /// Write a log like that of the support article's script, into this folder.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = ".")]
    pub(crate) transcript: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = NOBODY_ASKED)]
pub(crate) struct Undo {
    /// The run [default: the last one that changed something and is not undone].
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<u32>,
    /// The settings: this computer's (`live`) or those in a file, as `reg export
    /// HKEY_USERS` wrote it [default on Windows: live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR")]
    pub(crate) at: Option<At>,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) restarts: Restarts,
    /// Show what would be done and do nothing.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) what_if: bool,
    /// Exit with 6 when there is something to put back.
    #[arg(long, requires = "what_if")]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Args, Debug)]
pub(crate) struct History {
    /// Show this run value by value.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<u32>,
    /// The settings: this computer's (`live`) or those in a file, as `reg export
    /// HKEY_USERS` wrote it [default on Windows: live].
    #[arg(long, value_name = "live|FILE.reg|hive:DIR")]
    pub(crate) at: Option<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountChoice {
    System,
    Plugin,
    /// SYSTEM and the plugin's.
    Both,
    /// The machine's own, which count for every account where a policy says so.
    Machine,
}

/// Whose blob is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BlobOwner {
    System,
    Plugin,
    Machine,
    /// The machine's copy for 32-bit programs.
    #[value(name = "machine-32")]
    Machine32,
}

impl From<BlobOwner> for Account {
    fn from(owner: BlobOwner) -> Self {
        match owner {
            BlobOwner::System => Self::System,
            BlobOwner::Plugin => Self::Plugin,
            BlobOwner::Machine => Self::Machine,
            BlobOwner::Machine32 => Self::Machine32,
        }
    }
}

/// What the person typed, or how the program ends after clap's own answer
/// (help, version, a mistake). With `--json` a mistake is an error like any other.
pub(crate) fn parse() -> Result<Result<Cli, Exit>, (Printer, CommandError)> {
    let typed: Vec<_> = std::env::args_os().collect();
    let error = match Cli::try_parse_from(&typed) {
        Ok(cli) => return Ok(Ok(cli)),
        Err(error) => error,
    };
    let json = typed.iter().any(|argument| argument == "--json");
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ").to_owned();
        let printer = Printer {
            json,
            ..Printer::default()
        };
        return Err((printer, CommandError::usage(message)));
    }
    // Nobody is left to tell when the stream is gone.
    drop(error.print());
    Ok(Err(if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }))
}
