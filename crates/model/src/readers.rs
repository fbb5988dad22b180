//! How each reader sees an account's settings, and where they part.

use serde::Serialize;

use crate::account::Account;
use crate::blob::{ConnectionSettings, WinHttpSettings};
use crate::bypass::{BypassList, Consumer};
use crate::catalogue::Catalogue;
use crate::destination::system_uri::SystemUri;
use crate::finding::Finding;
use crate::list_findings::inspect;
use crate::observed::{BlobFault, Observed, ObservedAccount, ValueName};
use crate::proxy_server::{self, ProxyServerError, ProxyUri, masked};
use crate::registry::RegistryData;
use crate::settings::{Flags, ProxySettings};

/// Who looks at proxy settings, each at a place of its own or by rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// The backup services: `DefaultConnectionSettings`, by .NET's own rules.
    DotnetFramework,
    /// Windows' own clients: the same blob, by `WinINet`'s rules.
    Wininet,
    /// Scripts, Microsoft's connectivity script among them: the plain values.
    PlainValues,
    /// `WinINet` for connections other than the default: `SavedLegacySettings`.
    SavedLegacySettings,
    /// Programs on `WinHTTP`: the machine's `WinHttpSettings`, whatever the account.
    Winhttp,
}

impl Reader {
    /// Every reader, the one that counts first.
    pub const ALL: [Self; 5] = [
        Self::DotnetFramework,
        Self::Wininet,
        Self::PlainValues,
        Self::SavedLegacySettings,
        Self::Winhttp,
    ];

    /// By whose rules it takes strings apart.
    fn rules(self) -> Consumer {
        match self {
            Self::DotnetFramework => Consumer::DotnetFramework,
            _ => Consumer::Wininet,
        }
    }
}

/// What every reader makes of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSeen {
    /// Whose settings.
    pub account: Account,
    /// Whether the account has a key in `HKEY_USERS`.
    pub exists: bool,
    /// Reader by reader, in the order of [`Reader::ALL`].
    pub views: Vec<(Reader, View)>,
    /// What is the matter with it, every disagreement of its readers included.
    pub findings: Vec<Finding>,
}

impl AccountSeen {
    /// Whether .NET Framework can use what it finds; where it cannot, requests
    /// of the service fail, or nobody can say where they go.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        let is_broken = |view: &View| match view {
            View::Absent => false,
            View::Unreadable(_) => true,
            View::Settings(seen) => seen.proxy.is_err(),
        };
        let mut views = self.views.iter();
        !views.any(|(reader, view)| *reader == Reader::DotnetFramework && is_broken(view))
    }
}

/// What one reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// Nothing.
    Absent,
    /// Something that it cannot read, and why.
    Unreadable(String),
    /// These settings.
    Settings(Box<SettingsSeen>),
}

/// Settings as one reader understands them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsSeen {
    /// What is stored. The flags of plain values are put together from them.
    pub settings: ProxySettings,
    /// The proxy for https, or why the reader can use none.
    pub proxy: Result<Option<ProxyUri>, ProxyServerError>,
    /// The list as the reader splits it.
    pub entries: Vec<String>,
    /// The blob that holds them; `None` for plain values.
    pub blob: Option<BlobSeen>,
}

/// A blob's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BlobSeen {
    /// Its version.
    pub version: u32,
    /// Its change counter.
    pub counter: u32,
    /// Whether the known layout explains every byte.
    pub complete: bool,
}

/// One way in which settings differ; what is compared stands first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Other mechanisms are on.
    Flags(Flags, Flags),
    /// Another proxy string; credentials masked.
    Proxy(String, String),
    /// Another list: the entries that only the one and only the other has;
    /// none where only their order or separators differ.
    List(Vec<String>, Vec<String>),
    /// Another configuration script; credentials masked.
    Script(String, String),
}

/// Every reader's view of `account`, and every disagreement by name.
#[must_use]
pub fn seen(account: Account, observed: &Observed, catalogue: &'static Catalogue) -> AccountSeen {
    let view = |reader| (reader, view(reader, account, observed));
    AccountSeen {
        account,
        exists: observed.account(account).exists,
        views: Reader::ALL.map(view).into(),
        findings: account_findings(account, observed, catalogue),
    }
}

/// What is the matter with the machine, whatever the account: the policy, and
/// `WinHTTP` beside `accounts`.
#[must_use]
pub fn machine_findings(accounts: &[Account], observed: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    if observed.is_per_machine() {
        findings.push(Finding::PerMachinePolicy);
    }
    let winhttp = match observed.winhttp() {
        Some(Ok(blob)) => blob.settings(),
        Some(Err(fault)) => {
            let error = fault.to_string();
            findings.push(Finding::WinHttpUnreadable { error });
            return findings;
        }
        // An export of `HKEY_USERS` does not tell.
        None => return findings,
    };
    let has_another = |account: &Account| match observed.deciding_blob(*account) {
        Some(Ok(blob)) => is_another_proxy(&blob.settings(), &winhttp),
        _ => false,
    };
    let others: Vec<Account> = accounts.iter().copied().filter(has_another).collect();
    if !others.is_empty() {
        findings.push(Finding::WinHttpDiffers { accounts: others });
    }
    let list = BypassList::parse(&winhttp.proxy_override, Consumer::Wininet);
    // "Wildcard characters must be the left-most" (proxycfg in MicrosoftDocs/win32).
    let is_undocumented = |entry: &str| entry.rfind('*').is_some_and(|at| at > 0);
    findings.extend(
        list.entries()
            .iter()
            .filter(|entry| winhttp.has_manual_proxy() && is_undocumented(&entry.text))
            .map(|entry| Finding::WinHttpWildcard {
                entry: entry.text.clone(),
            }),
    );
    findings
}

fn view(reader: Reader, account: Account, observed: &Observed) -> View {
    let here = observed.account(account);
    let of_connection = |blob: Option<Result<ConnectionSettings, BlobFault>>| match blob {
        Some(Ok(blob)) => View::of(reader, blob.settings(), Some(BlobSeen::from(&blob))),
        Some(Err(fault)) => View::Unreadable(fault.to_string()),
        None => View::Absent,
    };
    match reader {
        Reader::DotnetFramework | Reader::Wininet => of_connection(observed.deciding_blob(account)),
        Reader::SavedLegacySettings => of_connection(here.blob(ValueName::SavedLegacySettings)),
        Reader::PlainValues if here.has_plain_values() => {
            View::of(reader, here.plain_settings(), None)
        }
        Reader::PlainValues => View::Absent,
        Reader::Winhttp => match observed.winhttp() {
            Some(Ok(blob)) => View::of(reader, blob.settings(), Some(BlobSeen::from(&blob))),
            Some(Err(fault)) => View::Unreadable(fault.to_string()),
            None => View::Absent,
        },
    }
}

impl View {
    fn of(reader: Reader, settings: ProxySettings, blob: Option<BlobSeen>) -> Self {
        let proxy = if settings.has_manual_proxy() {
            proxy_server::select(&settings.proxy_server, "https", reader.rules())
        } else {
            Ok(None)
        };
        let list = BypassList::parse(&settings.proxy_override, reader.rules());
        let entries = list.entries().iter();
        Self::Settings(Box::new(SettingsSeen {
            entries: entries.map(|entry| entry.text.clone()).collect(),
            settings,
            proxy,
            blob,
        }))
    }
}

impl From<&ConnectionSettings> for BlobSeen {
    fn from(blob: &ConnectionSettings) -> Self {
        Self {
            version: blob.version,
            counter: blob.counter,
            complete: blob.is_complete(),
        }
    }
}

impl From<&WinHttpSettings> for BlobSeen {
    fn from(blob: &WinHttpSettings) -> Self {
        Self {
            version: blob.version,
            counter: blob.counter,
            complete: blob.is_complete(),
        }
    }
}

fn is_another_proxy(one: &ProxySettings, other: &ProxySettings) -> bool {
    let uses = |settings: &ProxySettings| {
        let proxy = settings.proxy_server.trim().to_lowercase();
        settings.has_manual_proxy().then(|| {
            let mut entries = entries(&settings.proxy_override);
            entries.sort_unstable();
            (proxy, entries)
        })
    };
    uses(one) != uses(other)
}

fn account_findings(
    account: Account,
    observed: &Observed,
    catalogue: &'static Catalogue,
) -> Vec<Finding> {
    let here = observed.account(account);
    if !here.exists {
        let absence = here.absence.clone();
        return vec![Finding::AccountMissing { account, absence }];
    }
    let mut findings = Vec::new();
    if here.is_unset() && !observed.is_per_machine() {
        findings.push(Finding::SettingsUnset { account });
    }
    match observed.deciding_blob(account) {
        Some(Ok(blob)) => {
            let settings = blob.settings();
            findings.extend(mechanisms(account, &settings));
            findings.extend(proxy_findings(account, &settings));
            if settings.has_manual_proxy() {
                findings.extend(blanks(account, &settings.proxy_override));
                inspect(account, catalogue, &settings.proxy_override, &mut findings);
            }
        }
        Some(Err(fault)) => {
            let value = ValueName::DefaultConnectionSettings;
            findings.push(unreadable(account, value, &fault));
        }
        None => {}
    }
    // Where the policy rules, nobody reads the account's own values.
    if !observed.is_per_machine() {
        findings.extend(value_findings(account, here));
    }
    findings
}

fn unreadable(account: Account, value: ValueName, fault: &BlobFault) -> Finding {
    Finding::BlobUnreadable {
        account,
        value: value.name(),
        error: fault.to_string(),
    }
}

/// What is the matter with the values of an account, one by one and beside each other.
fn value_findings(account: Account, here: &ObservedAccount) -> Vec<Finding> {
    let mut findings = Vec::new();
    if here.has_only_plain_values() {
        findings.push(Finding::BlobMissing { account });
    }
    let saved = here.blob(ValueName::SavedLegacySettings);
    if let Some(Err(fault)) = &saved {
        findings.push(unreadable(account, ValueName::SavedLegacySettings, fault));
    }
    if let Some(Ok(default)) = here.blob(ValueName::DefaultConnectionSettings) {
        let settings = default.settings();
        findings.extend(plain_differences(account, here, &settings));
        match saved {
            Some(Ok(saved)) => {
                let differences = differences(&saved.settings(), &settings);
                if !differences.is_empty() {
                    findings.push(Finding::BlobsDiffer {
                        account,
                        differences,
                    });
                }
            }
            Some(Err(_)) => {}
            None => findings.push(Finding::SavedBlobMissing { account }),
        }
    }
    for value in [
        ValueName::DefaultConnectionSettings,
        ValueName::SavedLegacySettings,
    ] {
        let Some(Ok(blob)) = here.blob(value) else {
            continue;
        };
        if !blob.has_known_version() {
            findings.push(Finding::ForeignVersion {
                account,
                value,
                version: blob.version,
            });
        }
        if !blob.flags.has(Flags::DIRECT) {
            findings.push(Finding::DirectFlagMissing { account, value });
        }
    }
    findings.extend(blank_scripts(account, here));
    findings.extend(types(account, here));
    findings
}

/// What decides before the list is looked at.
fn mechanisms(account: Account, settings: &ProxySettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.has_auto_detect() {
        findings.push(Finding::AutoDetectOn {
            account,
            direct: Vec::new(),
        });
    }
    if settings.has_auto_config_url() {
        findings.push(Finding::AutoConfigScript {
            account,
            url: masked(&settings.auto_config_url),
            direct: Vec::new(),
        });
        // .NET passes over what is no absolute URL.
        if SystemUri::parse(&settings.auto_config_url).is_err() {
            findings.push(Finding::ReadersDisagree {
                account,
                text: masked(&settings.auto_config_url),
            });
        }
    }
    findings
}

/// What the readers make of the proxy string.
fn proxy_findings(account: Account, settings: &ProxySettings) -> Option<Finding> {
    let proxy = masked(settings.proxy_server.trim());
    if !settings.has_manual_proxy() {
        return (!proxy.is_empty()).then_some(Finding::ProxySwitchedOff {
            account,
            proxy,
            needed: false,
        });
    }
    let [dotnet, wininet] = Consumer::ALL
        .map(|consumer| proxy_server::select(&settings.proxy_server, "https", consumer));
    if dotnet.is_err() {
        Some(Finding::ProxyUnusable { account, proxy })
    } else if dotnet != wininet {
        Some(Finding::ReadersDisagree {
            account,
            text: proxy,
        })
    } else {
        None
    }
}

/// Entries that only `WinINet` takes apart.
fn blanks(account: Account, list: &str) -> Vec<Finding> {
    let parsed = BypassList::parse(list, Consumer::DotnetFramework);
    let entries = parsed.entries().iter();
    entries
        .filter(|entry| {
            let pieces = BypassList::parse(&entry.text, Consumer::Wininet);
            pieces.entries().len() > 1
        })
        .map(|entry| Finding::EntriesRunTogether {
            account,
            text: entry.text.clone(),
        })
        .collect()
}

/// The plain values against the blob, one by one.
fn plain_differences(
    account: Account,
    here: &ObservedAccount,
    blob: &ProxySettings,
) -> Vec<Finding> {
    let plain = here.plain_settings();
    let differs = |value, difference| Finding::PlainValueDiffers {
        account,
        value,
        difference,
    };
    let manual = |settings: &ProxySettings| settings.flags.only(Flags::MANUAL_PROXY);
    let mut findings = Vec::new();
    if manual(&plain) != manual(blob) {
        let difference = Difference::Flags(manual(&plain), manual(blob));
        findings.push(differs(ValueName::ProxyEnable, difference));
    }
    let proxy = proxy_difference(&plain, blob);
    findings.extend(proxy.map(|difference| differs(ValueName::ProxyServer, difference)));
    let list = list_difference(&plain, blob);
    findings.extend(list.map(|difference| differs(ValueName::ProxyOverride, difference)));
    // Windows takes the plain value away when the script is switched off.
    let script = |settings: &ProxySettings| {
        let is_on = settings.has_auto_config_url();
        let url = settings.auto_config_url.trim();
        if is_on { url } else { "" }.to_owned()
    };
    let (plain, blob) = (script(&plain), script(blob));
    if plain != blob {
        let difference = Difference::Script(masked(&plain), masked(&blob));
        findings.push(differs(ValueName::AutoConfigUrl, difference));
    }
    findings
}

/// Everything in which `one` says something else than `other`.
fn differences(one: &ProxySettings, other: &ProxySettings) -> Vec<Difference> {
    // Direct is what every value says, or means.
    let mechanisms = |settings: &ProxySettings| settings.flags.without(Flags::DIRECT);
    let flags = (mechanisms(one) != mechanisms(other))
        .then(|| Difference::Flags(mechanisms(one), mechanisms(other)));
    let (first, second) = (one.auto_config_url.trim(), other.auto_config_url.trim());
    let script = (first != second).then(|| Difference::Script(masked(first), masked(second)));
    let proxy = proxy_difference(one, other);
    let list = list_difference(one, other);
    [flags, proxy, list, script].into_iter().flatten().collect()
}

fn proxy_difference(one: &ProxySettings, other: &ProxySettings) -> Option<Difference> {
    let (first, second) = (one.proxy_server.trim(), other.proxy_server.trim());
    (first != second).then(|| Difference::Proxy(masked(first), masked(second)))
}

fn list_difference(one: &ProxySettings, other: &ProxySettings) -> Option<Difference> {
    if one.proxy_override == other.proxy_override {
        return None;
    }
    let (first, second) = (entries(&one.proxy_override), entries(&other.proxy_override));
    let only = |here: &[String], there: &[String]| {
        let lacks = |entry: &&String| !there.contains(entry);
        here.iter().filter(lacks).cloned().collect::<Vec<_>>()
    };
    Some(Difference::List(
        only(&first, &second),
        only(&second, &first),
    ))
}

/// In lower case: case decides nothing.
fn entries(list: &str) -> Vec<String> {
    let list = BypassList::parse(list, Consumer::Wininet);
    let entries = list.entries().iter();
    entries.map(|entry| entry.text.to_lowercase()).collect()
}

/// Scripts without an address: Windows' Settings app "clears" one to a blank.
fn blank_scripts(account: Account, here: &ObservedAccount) -> Option<Finding> {
    let of_blob = |name| {
        let Some(Ok(blob)) = here.blob(name) else {
            return false;
        };
        let url = blob.auto_config_url.text();
        url.trim().is_empty() && (!url.is_empty() || blob.flags.has(Flags::AUTO_CONFIG_URL))
    };
    let is_blank = |name: &ValueName| match name {
        ValueName::DefaultConnectionSettings | ValueName::SavedLegacySettings => of_blob(*name),
        ValueName::AutoConfigUrl => here
            .values
            .get(name)
            .and_then(RegistryData::text)
            .is_some_and(|url| url.trim().is_empty()),
        _ => false,
    };
    let values: Vec<ValueName> = ValueName::ALL.into_iter().filter(is_blank).collect();
    (!values.is_empty()).then_some(Finding::ScriptBlank { account, values })
}

/// Plain values that are not of the type that Windows gives them.
fn types(account: Account, here: &ObservedAccount) -> Vec<Finding> {
    let is_right = |name: ValueName, data: &RegistryData| match (name, data) {
        (ValueName::ProxyEnable, data) => matches!(data, RegistryData::Dword(_)),
        // A blob of another type is named as unreadable.
        (ValueName::DefaultConnectionSettings | ValueName::SavedLegacySettings, _) => true,
        (_, data) => matches!(data, RegistryData::Text(_)),
    };
    here.values
        .iter()
        .filter(|(name, data)| !is_right(**name, data))
        .map(|(name, data)| Finding::WrongType {
            account,
            value: *name,
            kind: data.kind(),
        })
        .collect()
}
