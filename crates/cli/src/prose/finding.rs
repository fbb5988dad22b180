//! What a finding means.

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::desired::SourceFault;
use sidestep_model::finding::{Finding, Interruption};
use sidestep_model::observed::{Absence, ServiceState, SettingsKey, ValueName};
use sidestep_model::readers::Difference;
use sidestep_model::redacted::Address;
use sidestep_model::tcp_table::ProxyClient;
use sidestep_model::tls::SchannelFault;

use super::{azure, surrounding};
use crate::prose;
use crate::render::plural;

fn schannel_fault(fault: SchannelFault) -> String {
    match fault {
        SchannelFault::Untrusted => "the certificate's authority is not in this computer's store",
        SchannelFault::OtherName => "the certificate is for another name",
        SchannelFault::Expired => "the certificate's time is over, or has not begun by this clock",
        SchannelFault::Revocation => "the certificate is withdrawn",
        SchannelFault::NothingInCommon => "they have no cipher and no version in common",
        SchannelFault::ProtocolOff => "the version that is needed is switched off",
        SchannelFault::PeerRefused => "the other end refuses what this computer offers",
        SchannelFault::Closed => "the other end closes the connection",
        SchannelFault::TimedOut => "it does not answer in time",
        SchannelFault::Other(code) => return format!("Windows' error {code:#010x}"),
    }
    .to_owned()
}

/// A program, and the services in it that tell one from another.
fn client(client: &ProxyClient) -> String {
    let connections = plural(client.connections, "connection", "connections");
    match client.services.as_slice() {
        [] => format!("{} ({connections})", client.image),
        services => format!("{} ({}; {connections})", client.image, services.join(", ")),
    }
}

/// What is the matter.
#[expect(clippy::too_many_lines, reason = "one arm a finding")]
pub(crate) fn message(finding: &Finding) -> String {
    match finding {
        Finding::AutoDetectOn { account, .. } => format!(
            "\"Automatically detect settings\" is on for {account}: whatever WPAD answers is used \
             without looking at the bypass list"
        ),
        Finding::AutoConfigScript { account, url, .. } => format!(
            "{account} uses the configuration script {url}: its answer is used without looking at \
             the bypass list"
        ),
        Finding::PerMachinePolicy => {
            "the policy ProxySettingsPerUser = 0 makes Windows ignore the \
             accounts' own settings and use the machine's"
                .to_owned()
        }
        Finding::ProxySwitchedOff {
            account,
            proxy,
            needed: true,
        } => format!(
            "{account} stores the proxy {proxy}, but it is switched off, so nothing of this \
             account can go by it; the site sends traffic by the proxy"
        ),
        Finding::ProxySwitchedOff {
            account,
            proxy,
            needed: false,
        } => format!("{account} stores the proxy {proxy}, but it is switched off"),
        Finding::ProxyMissing { account } => {
            format!("the site sends traffic by the proxy, but {account} has none")
        }
        Finding::ProxyUnusable { account, proxy } => format!(
            "the proxy string \"{}\" of {account} cannot be used by .NET Framework: every \
             request of the service would fail",
            printable(proxy)
        ),
        Finding::MisspeltName { entry, meant } => format!(
            "the list holds \"{entry}\", which is no known name; \"{meant}\" was probably meant \
             and is not covered by it"
        ),
        Finding::EntryBreaksList { account, entry } => format!(
            "the entry \"{}\" in the list of {account} breaks the list for a reader (a / \
             outside http:// or https://, a line end or another control character, or text that \
             is not ASCII)",
            printable(entry)
        ),
        Finding::EntryAgainstSite {
            account,
            entry,
            service,
        } => format!(
            "the entry \"{entry}\" in the list of {account} sends {} direct, but the site says by \
             the proxy",
            prose::service(*service)
        ),
        Finding::ListLong {
            account,
            characters,
        } => format!(
            "the list of {account} has {characters} characters, more than {}",
            readers_that_break(*characters)
        ),
        Finding::AccountMissing {
            account: account @ Account::System,
            ..
        } => format!("the key of {account} is not there, though every Windows has it"),
        Finding::AccountMissing {
            account: account @ (Account::Machine | Account::Machine32),
            ..
        } => format!(
            "the settings of {account} are not there: the key {}",
            SettingsKey::InternetSettings.below(&account.software())
        ),
        Finding::AccountMissing { account, absence } => account_missing(*account, absence),
        Finding::BlobUnreadable {
            account,
            value,
            error,
        } => format!("{value} of {account} cannot be read: {error}"),
        Finding::ReadersDisagree { account, text } => format!(
            "\"{text}\" in the settings of {account} means one thing to .NET Framework and another \
             to WinINet"
        ),
        Finding::SettingsUnset { account } => format!(
            "{account} has no proxy settings at all: Windows then detects them automatically, and \
             what WPAD answers is used"
        ),
        Finding::BlobMissing { account } => format!(
            "{account} has plain values but no DefaultConnectionSettings, which is what the \
             services read"
        ),
        Finding::NameNotCovered {
            account,
            name,
            service,
        } => format!(
            "the site sends {} direct, but no entry in the list of {account} covers \"{name}\"",
            prose::service(*service)
        ),
        Finding::SourceNotCopyable { from, fault } => {
            format!(
                "the settings of {from} cannot be copied: {}",
                source_fault(fault)
            )
        }
        Finding::CredentialsWouldBeLost {
            account,
            value,
            address,
        } => format!(
            "{} of {account} holds {}, which would be overwritten; a journal never holds them, so \
             they could not be put back",
            value.name(),
            match address {
                Address::Proxy => "a user and password for the proxy",
                Address::Script => "a user and password for the configuration script",
                Address::Unknown => "bytes in which a user and password may be",
            }
        ),
        Finding::CredentialsGone { account, value } => format!(
            "{} of {account} held what is, or may be, a user and password, which no journal holds \
             and the account no longer has: it cannot be put back",
            value.name()
        ),
        Finding::EditedSince { account, value } => format!(
            "{} of {account} was edited by somebody else since; what was edited stays",
            value.name()
        ),
        Finding::PlainValueDiffers {
            account,
            value,
            difference,
        } => format!(
            "{} of {account}, which scripts read, is not what DefaultConnectionSettings says, \
             which the services read: {}",
            value.name(),
            self::difference(difference)
        ),
        Finding::BlobsDiffer {
            account,
            differences,
        } => {
            let differences: Vec<String> = differences.iter().map(difference).collect();
            format!(
                "SavedLegacySettings of {account} is not what DefaultConnectionSettings says: {}",
                differences.join("; ")
            )
        }
        Finding::SavedBlobMissing { account } => format!(
            "{account} has no SavedLegacySettings, which WinINet reads for connections other than \
             the default (dial-up, VPN)"
        ),
        Finding::WinHttpDiffers { accounts } => {
            let accounts: Vec<&str> = accounts.iter().map(|one| one.name()).collect();
            format!(
                "the machine's WinHTTP settings (netsh winhttp) have another proxy or list than \
                 those of {}: BITS, Windows Update and whatever else is built on WinHTTP follow \
                 them, the backup services do not",
                accounts.join(" and ")
            )
        }
        Finding::WinHttpUnreadable { error } => {
            format!("WinHttpSettings of the machine cannot be read: {error}")
        }
        Finding::WinHttpWildcard { entry } => format!(
            "WinHTTP's list holds \"{entry}\", but its documentation knows wildcards at the front of \
             an entry only"
        ),
        Finding::ForeignVersion {
            account,
            value,
            version,
        } => format!(
            "{} of {account} has the version {version:#x}, neither 0x3c nor 0x46: what stands \
             behind its three strings is not understood",
            value.name()
        ),
        Finding::ScriptBlank { account, values } => {
            let values: Vec<&str> = values.iter().map(|value| value.name()).collect();
            format!(
                "{account} has a configuration script without an address in {}, as Windows' \
                 Settings app leaves it behind",
                values.join(" and ")
            )
        }
        Finding::WrongType {
            account,
            value,
            kind,
        } => format!(
            "{} of {account} is {}, not as {}: programs that look at the type take it for missing",
            value.name(),
            stored_as(*kind, wanted_type(*value)),
            wanted_type(*value)
        ),
        Finding::DirectFlagMissing { account, value } => format!(
            "{} of {account} lacks the flag 0x01, which Windows always sets: Internet Explorer was \
             seen to ignore such a value",
            value.name()
        ),
        Finding::EntriesRunTogether { account, text } => format!(
            "the list of {account} holds \"{text}\", with blanks between entries: WinINet reads \
             several entries, .NET Framework one that matches nothing"
        ),
        Finding::EntriesDropped {
            account,
            value,
            entries,
        } => format!(
            "{} of {account} holds entries that are not in the list that the services read, and \
             loses them, because one list is written everywhere: {}",
            value.name(),
            entries.join("; ")
        ),
        Finding::RunInterrupted { run, state } => match state {
            Interruption::Open => format!("run {run} was interrupted and is not put right yet"),
            Interruption::Finished => {
                format!("run {run} was interrupted; it is finished now")
            }
            Interruption::NothingWritten => {
                format!("run {run} was interrupted before it had written anything")
            }
            Interruption::PutBack => {
                format!("run {run} was interrupted; what it had written is put back now")
            }
        },
        Finding::NameUnknown { hosts, .. } => match hosts.as_slice() {
            [host] => format!("{host} does not resolve"),
            hosts => format!("these names do not resolve: {}", hosts.join(", ")),
        },
        Finding::ProxyUnreachable { proxy, detail } => {
            format!("the proxy {proxy} cannot be reached: {detail}")
        }
        Finding::EntraByProxyOnly { host, proxy } => format!(
            "Entra ID ({host}) is not reachable directly, but it is by the proxy {proxy}; the \
             settings send it direct"
        ),
        Finding::EntraDirectOnly { host, proxy } => format!(
            "Entra ID ({host}) is not reachable by the proxy {proxy}, but it is directly; the \
             settings send it to the proxy"
        ),
        Finding::EndpointUnreachable {
            account,
            hosts,
            service,
            proxy,
            detail,
        } => {
            let by = proxy
                .as_ref()
                .map_or_else(String::new, |proxy| format!(" by the proxy {proxy}"));
            format!(
                "{account} cannot reach {} ({}){by}: {detail}",
                prose::service(*service),
                hosts.join(", ")
            )
        }
        Finding::ProtectedOnProxy { connections } => format!(
            "{connections} Backup or Storage connections went to the proxy, although the site says \
             direct"
        ),
        Finding::ProtectedOffProxy { connections } => format!(
            "{connections} Backup or Storage connections went around the proxy, although the site \
             says by it"
        ),
        Finding::AskedOfProxyUnseen {
            connections,
            is_expected,
        } => format!(
            "{} of the backup services went to the proxy; the table of connections does not tell \
             what they asked it for{}",
            plural(*connections, "connection", "connections"),
            if *is_expected {
                ", which is Entra ID by the site's word"
            } else {
                ", though the site sends nothing of theirs there"
            }
        ),
        Finding::AlsoOnProxy { clients } => {
            let clients: Vec<String> = clients.iter().map(client).collect();
            format!(
                "also run as SYSTEM, are connected to its proxy now and follow its list: {}",
                clients.join(", ")
            )
        }
        Finding::SchannelFails { hosts, fault } => format!(
            "Windows' own TLS (SChannel), by which the backup services speak, does not shake hands \
             with {}, though another TLS does: {}",
            hosts.join(", "),
            schannel_fault(*fault)
        ),
        Finding::Tls12Off => {
            "TLS 1.2 is switched off for this computer's clients (Enabled = 0), and \
             Azure takes nothing older"
                .to_owned()
        }
        Finding::Tls12NotOffered { is_followed: true } => {
            "this computer does not offer TLS 1.2 by \
             itself (DisabledByDefault), and .NET Framework is told to offer what it does \
             (SystemDefaultTlsVersions)"
                .to_owned()
        }
        Finding::Tls12NotOffered { is_followed: false } => {
            "this computer does not offer TLS 1.2 by \
             itself (DisabledByDefault); a program gets it only by asking for it"
                .to_owned()
        }
        Finding::DotnetWeak { value } => format!(
            "{}\\{} is 0: .NET Framework then offers TLS 1.0 at most, unless a program asks for more",
            value.key(),
            value.name()
        ),
        Finding::ProxyUnresolved { hosts } => format!(
            "this computer finds no address of the proxy {}: a connection to it would be counted \
             as direct, to something else",
            hosts.join(", ")
        ),
        Finding::BackupUnseen => "no connection of the backup services to Backup or Storage was \
             seen, so that nothing is known of the path of the backup's bytes"
            .to_owned(),
        Finding::WitnessesDisagree { listeners, log } => format!(
            "the listeners saw {listeners} Backup or Storage connections on the proxy, the proxy's \
             own log names {log}: one of them is not to be believed"
        ),
        Finding::EntraOffRoute { account, path } => format!(
            "{account} reached Entra ID by another route than the site names: {}",
            prose::path(*path)
        ),
        Finding::TlsFails { host, detail, .. } => {
            format!("the TLS handshake with {host} fails: {detail}")
        }
        Finding::AccountNeeded { account } => {
            format!("{account} does not exist, and this step cannot do without it")
        }
        Finding::SettingsNotAsWanted { account, values } => {
            let values: Vec<&str> = values.iter().map(|value| value.name()).collect();
            format!(
                "the settings of {account} are not what the site wants: {}",
                values.join(", ")
            )
        }
        Finding::RecordsMissing { records, .. } => format!(
            "DNS does not answer with {} of the private endpoint, and the site says that another \
             team keeps them",
            plural(records.len() as u64, "record", "records")
        ),
        Finding::NamesNotPrivate { names } => format!(
            "{} not resolve to the private endpoint: {}",
            if names.len() == 1 {
                "this name does"
            } else {
                "these names do"
            },
            names.join(", ")
        ),
        Finding::PublicFallback { names } => format!(
            "{} not resolve to the private endpoint, and the vault also takes data publicly: the \
             extension falls back to the public path without a word, so a backup that works proves \
             nothing about its path: {}",
            if names.len() == 1 {
                "this name does"
            } else {
                "these names do"
            },
            names.join(", ")
        ),
        Finding::ProtectedPublic { connections } => format!(
            "{connections} Backup or Storage connections went to public addresses, not to the \
             private endpoint"
        ),
        Finding::RouteAgainstSite {
            account,
            hosts,
            entry,
            ..
        } => {
            let whose = match entry {
                Some(entry) => format!("the entry \"{entry}\" in the list of {account} sends"),
                None => format!("the settings of {account} send"),
            };
            format!(
                "{whose} another way than the site says: {}",
                hosts.join(", ")
            )
        }
        Finding::TlsInspected { hosts, issuer } => match issuer {
            Some(issuer) => format!(
                "something on the way to {} opens TLS: the certificate that arrives was issued by \
                 \"{issuer}\", which this machine does not trust",
                hosts.join(", ")
            ),
            None => format!(
                "the certificate that arrives for {} is not trusted",
                hosts.join(", ")
            ),
        },
        Finding::Surrounding(finding) => surrounding::message(finding),
        Finding::Azure(finding) => azure::message(finding),
    }
}

/// Text in which a control character is seen and does nothing.
fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        control if control.is_control() => control.escape_default().to_string(),
        other => other.to_string(),
    };
    text.chars().map(shown).collect()
}

/// What stands first, and what it is held against.
fn difference(difference: &Difference) -> String {
    let pair = |what: &str, first: &str, second: &str| {
        let shown = |text: &str| match text {
            "" => "none".to_owned(),
            text => format!("\"{text}\""),
        };
        if first == second {
            format!("{what} {} with other credentials", shown(first))
        } else {
            format!("{what} {} instead of {}", shown(first), shown(second))
        }
    };
    match difference {
        Difference::Flags(first, second) => format!(
            "{} instead of {}",
            prose::flags(*first),
            prose::flags(*second)
        ),
        Difference::Proxy(first, second) => pair("the proxy", first, second),
        Difference::Script(first, second) => pair("the script", first, second),
        Difference::List(more, fewer) => {
            let (more, fewer) = (more.join("; "), fewer.join("; "));
            match (more.is_empty(), fewer.is_empty()) {
                (true, true) => "the same list in another order or writing".to_owned(),
                (true, false) => format!("the list lacks {fewer}"),
                (false, true) => format!("the list also holds {more}"),
                (false, false) => format!("the list also holds {more} and lacks {fewer}"),
            }
        }
    }
}

/// The type that Windows gives a plain value.
fn wanted_type(value: ValueName) -> &'static str {
    match value {
        ValueName::ProxyEnable => "REG_DWORD",
        ValueName::SavedLegacySettings | ValueName::DefaultConnectionSettings => "REG_BINARY",
        _ => "REG_SZ",
    }
}

/// A type by the number that `winnt.h` gives it.
fn stored_as(kind: u32, wanted: &str) -> String {
    let name = match kind {
        1 => "REG_SZ",
        2 => "REG_EXPAND_SZ",
        3 => "REG_BINARY",
        4 => "REG_DWORD",
        7 => "REG_MULTI_SZ",
        11 => "REG_QWORD",
        other => return format!("stored as type {other}"),
    };
    if name == wanted {
        "stored with data that does not fit its type".to_owned()
    } else {
        format!("stored as {name}")
    }
}

fn readers_that_break(characters: usize) -> &'static str {
    match characters {
        2065.. => {
            "Windows' own dialogs keep (2,064), libproxy reads (1,024) and scripts with one-byte \
             lengths write (255)"
        }
        1025.. => "libproxy reads (1,024) and scripts with one-byte lengths write (255)",
        _ => "scripts with one-byte lengths write (255)",
    }
}

fn source_fault(fault: &SourceFault) -> String {
    match fault {
        SourceFault::Unreadable(error) => format!("its blob cannot be read: {error}"),
        SourceFault::AutoDetect => {
            "it detects automatically, and a bypass list counts for nothing there".to_owned()
        }
        SourceFault::AutoConfigScript => {
            "it uses a configuration script, and a bypass list counts for nothing there".to_owned()
        }
        SourceFault::SwitchedOff(proxy) => {
            format!("its proxy {proxy} is switched off, and the copy would be, too")
        }
        SourceFault::NoProxy => "it has no proxy".to_owned(),
    }
}

fn account_missing(account: Account, absence: &Absence) -> String {
    match absence {
        Absence::NotSaid | Absence::NotRegistered => {
            format!("{account} does not exist yet: the machine is not registered with a vault")
        }
        Absence::ServiceIsThere { state, has_profile } => {
            let service = match state {
                ServiceState::Stopped if *has_profile => "is stopped",
                ServiceState::Stopped => "never ran",
                ServiceState::Running => "runs, but as another account",
                ServiceState::Changing => "is just starting or stopping",
                ServiceState::Unknown => "is there, in a state that is not known",
            };
            format!(
                "the settings of {account} are not loaded: its service {PLUGIN_SERVICE} {service}"
            )
        }
        Absence::ProfileAlone { folder } => format!(
            "the settings of {account} are not loaded: its profile is in {folder}, and its service \
             {PLUGIN_SERVICE} is not installed"
        ),
    }
}
