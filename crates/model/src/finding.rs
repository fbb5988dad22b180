//! The registry of findings: everything that Sidestep can say about a site, a
//! machine or a run, as data. Prose is written where it is shown.

mod azure;
mod code;
mod severity;
mod subject;
mod surrounding;

use crate::account::Account;
use crate::catalogue::Service;
use crate::desired::SourceFault;
use crate::dns::ZoneRecord;
use crate::evidence::Path;
use crate::journal::RunNumber;
use crate::observed::{Absence, ValueName};
use crate::readers::Difference;
use crate::redacted::Address;
use crate::tcp_table::ProxyClient;
use crate::tls::{SchannelFault, TlsValue};

pub use azure::AzureFinding;
pub use code::Code;
pub use severity::{Effect, Severity};
pub use surrounding::Surrounding;

/// Something found, with what it was found on.
///
/// Codes: `SS1xx` settings and lists · `SS2xx` DNS · `SS3xx` network and proxy ·
/// `SS4xx` TLS · `SS5xx` Azure · `SS7xx` files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// SS101: automatic detection decides before the bypass list is consulted.
    AutoDetectOn {
        /// Whose settings.
        account: Account,
        /// What the site sends direct.
        direct: Vec<&'static str>,
    },
    /// SS102: a configuration script decides before the bypass list is consulted.
    AutoConfigScript {
        /// Whose settings.
        account: Account,
        /// Where the script is.
        url: String,
        /// What the site sends direct.
        direct: Vec<&'static str>,
    },
    /// SS103: a policy makes Windows ignore the accounts' own settings.
    PerMachinePolicy,
    /// SS104: the account stores a proxy that is switched off.
    ProxySwitchedOff {
        /// Whose settings.
        account: Account,
        /// The stored proxy, credentials masked.
        proxy: String,
        /// Whether the site sends anything by that proxy.
        needed: bool,
    },
    /// SS105: the site sends something by the proxy, but the account has none.
    ProxyMissing {
        /// Whose settings.
        account: Account,
    },
    /// SS106: .NET Framework cannot use the proxy string, so every request fails.
    ProxyUnusable {
        /// Whose settings.
        account: Account,
        /// The string, credentials masked.
        proxy: String,
    },
    /// SS107: an entry is one slip away from a known name, which it does not cover.
    MisspeltName {
        /// The entry as stored.
        entry: String,
        /// The name that was probably meant.
        meant: String,
    },
    /// SS108: an entry that breaks the list for a reader.
    EntryBreaksList {
        /// Whose settings.
        account: Account,
        /// The entry as stored.
        entry: String,
    },
    /// SS109: an entry sends direct what the site says goes by the proxy.
    EntryAgainstSite {
        /// Whose settings.
        account: Account,
        /// The entry as stored.
        entry: String,
        /// What it sends direct.
        service: Service,
    },
    /// SS110: the list is longer than some readers take.
    ListLong {
        /// Whose settings.
        account: Account,
        /// Its length in characters.
        characters: usize,
    },
    /// SS111: the account has no key: the plugin's appears with registration,
    /// SYSTEM's is missing from an incomplete export only. SS142: its service is
    /// there and has not loaded it. SS143: its profile is on the disk alone.
    AccountMissing {
        /// Which account.
        account: Account,
        /// Why, where that is known.
        absence: Absence,
    },
    /// SS112: a settings blob cannot be read.
    BlobUnreadable {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: &'static str,
        /// Why, as the codec says it.
        error: String,
    },
    /// SS114: the account has no settings, so Windows detects them automatically.
    SettingsUnset {
        /// Whose settings.
        account: Account,
    },
    /// SS115: only the plain values are there, which the services do not read.
    BlobMissing {
        /// Whose settings.
        account: Account,
    },
    /// SS116: the list does not send direct what the site says goes direct.
    NameNotCovered {
        /// Whose settings.
        account: Account,
        /// The catalogue's name or pattern.
        name: &'static str,
        /// Its service.
        service: Service,
    },
    /// SS117: .NET Framework and WinINet make different things of a text.
    ReadersDisagree {
        /// Whose settings.
        account: Account,
        /// An entry or a proxy string, credentials masked.
        text: String,
    },
    /// SS118: settings cannot be copied from where they were to be.
    SourceNotCopyable {
        /// From whom.
        from: String,
        /// Why not.
        fault: SourceFault,
    },
    /// SS119: a user and password would be overwritten, which no journal may
    /// hold and no undo could bring back.
    CredentialsWouldBeLost {
        /// Whose settings.
        account: Account,
        /// Which value holds them.
        value: ValueName,
        /// What they belong to.
        address: Address,
    },
    /// SS120: somebody else edited a value since it was written, so it stays.
    EditedSince {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// SS124: a plain value says something else than `DefaultConnectionSettings`.
    PlainValueDiffers {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: ValueName,
        /// What it says, and what the blob says.
        difference: Difference,
    },
    /// SS125: `SavedLegacySettings` says something else than `DefaultConnectionSettings`.
    BlobsDiffer {
        /// Whose settings.
        account: Account,
        /// What it says, and what `DefaultConnectionSettings` says.
        differences: Vec<Difference>,
    },
    /// SS126: `SavedLegacySettings` is missing beside `DefaultConnectionSettings`.
    SavedBlobMissing {
        /// Whose settings.
        account: Account,
    },
    /// SS127: the machine's `WinHTTP` has another proxy or list.
    WinHttpDiffers {
        /// Than whose.
        accounts: Vec<Account>,
    },
    /// SS128: the machine's `WinHttpSettings` cannot be read.
    WinHttpUnreadable {
        /// Why, as the codec says it.
        error: String,
    },
    /// SS129: `WinHTTP` documents wildcards at the front of an entry only.
    WinHttpWildcard {
        /// The entry as stored.
        entry: String,
    },
    /// SS130: a blob of a version whose writer is not known.
    ForeignVersion {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: ValueName,
        /// Its version.
        version: u32,
    },
    /// SS131: a configuration script without an address, such as one blank.
    ScriptBlank {
        /// Whose settings.
        account: Account,
        /// The values that say so.
        values: Vec<ValueName>,
    },
    /// SS132: a plain value of another type than Windows gives it.
    WrongType {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: ValueName,
        /// Its type's number, as in `winnt.h`.
        kind: u32,
    },
    /// SS133: a blob without the flag 0x01, which Windows always sets.
    DirectFlagMissing {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// SS134: entries with a blank between them, which only `WinINet` takes apart.
    EntriesRunTogether {
        /// Whose settings.
        account: Account,
        /// What .NET Framework takes for one entry.
        text: String,
    },
    /// SS135: a value holds entries that its new list lacks, because the list
    /// that the services read lacks them.
    EntriesDropped {
        /// Whose settings.
        account: Account,
        /// Which value.
        value: ValueName,
        /// The entries.
        entries: Vec<String>,
    },
    /// SS136: a value held a user and password, which no journal holds and the
    /// account no longer has, so that it cannot be put back.
    CredentialsGone {
        /// Whose settings.
        account: Account,
        /// Which value held them.
        value: ValueName,
    },
    /// SS711: a run was interrupted.
    RunInterrupted {
        /// Which.
        run: RunNumber,
        /// What became of it.
        state: Interruption,
    },
    /// SS201: names do not resolve.
    NameUnknown {
        /// Who needs it.
        account: Account,
        /// The names.
        hosts: Vec<String>,
    },
    /// SS301: the proxy cannot be reached.
    ProxyUnreachable {
        /// The proxy, `host:port`.
        proxy: String,
        /// What happened.
        detail: String,
    },
    /// SS302: Entra ID is reachable by the proxy only, but the site sends it direct.
    EntraByProxyOnly {
        /// The name tried.
        host: String,
        /// The proxy that reaches it.
        proxy: String,
    },
    /// SS303: Entra ID is reachable directly only, but the site sends it to the proxy.
    EntraDirectOnly {
        /// The name tried.
        host: String,
        /// The proxy that does not reach it.
        proxy: String,
    },
    /// SS304: endpoints cannot be reached by their route.
    EndpointUnreachable {
        /// Who needs it.
        account: Account,
        /// The names.
        hosts: Vec<String>,
        /// Its service.
        service: Service,
        /// The proxy in the way to it, if one is.
        proxy: Option<String>,
        /// What happened.
        detail: String,
    },
    /// SS305: Backup or Storage connections went to the proxy although the site says direct.
    ProtectedOnProxy {
        /// How many.
        connections: u64,
    },
    /// SS306: Entra ID was reached by another route than the site names.
    EntraOffRoute {
        /// By whom.
        account: Account,
        /// The path seen.
        path: Path,
    },
    /// SS307: Backup or Storage connections went around the proxy although the site says by it.
    ProtectedOffProxy {
        /// How many.
        connections: u64,
    },
    /// SS308: the listeners and the proxy's own log count differently.
    WitnessesDisagree {
        /// Backup and Storage connections on the proxy, by the listeners.
        listeners: u64,
        /// The same, by the proxy's log.
        log: u64,
    },
    /// SS401: the TLS handshake with an endpoint fails.
    TlsFails {
        /// Who needs it.
        account: Account,
        /// Its name.
        host: String,
        /// What happened.
        detail: String,
    },
    /// SS140: an account does not exist, and the step cannot do without it.
    AccountNeeded {
        /// Which.
        account: Account,
    },
    /// SS141: an account's settings are not what the site wants.
    SettingsNotAsWanted {
        /// Whose.
        account: Account,
        /// Which values.
        values: Vec<ValueName>,
    },
    /// SS202: DNS does not answer with the records of the private endpoint, and
    /// another team keeps them.
    RecordsMissing {
        /// What has to be entered.
        records: Vec<ZoneRecord>,
        /// Zones to forward to Azure's resolver instead.
        forwarders: Vec<String>,
    },
    /// SS203: names do not lead to the private endpoint.
    NamesNotPrivate {
        /// Which.
        names: Vec<String>,
    },
    /// SS204: names lead elsewhere, and the vault also takes data publicly, so
    /// that the extension falls back without a word.
    PublicFallback {
        /// Which.
        names: Vec<String>,
    },
    /// SS309: Backup or Storage connections went to public addresses.
    ProtectedPublic {
        /// How many.
        connections: u64,
    },
    /// SS311: an account's settings send names another way than the site says.
    RouteAgainstSite {
        /// Whose settings.
        account: Account,
        /// The names.
        hosts: Vec<String>,
        /// Its service.
        service: Service,
        /// The entry that decided, where one did.
        entry: Option<String>,
    },
    /// SS312: accounts connected to the proxy, and the table of connections does
    /// not tell what they asked it for.
    AskedOfProxyUnseen {
        /// How many connections.
        connections: u64,
        /// Whether the site sends Entra ID there.
        is_expected: bool,
    },
    /// SS313: no Backup or Storage connection was seen, so nothing is known of
    /// the path.
    BackupUnseen,
    /// SS315: a proxy has no address here, so that connections to it cannot be
    /// told from direct ones.
    ProxyUnresolved {
        /// The names in the accounts' settings.
        hosts: Vec<String>,
    },
    /// SS314: others that run as SYSTEM are on its proxy now, and follow its list.
    AlsoOnProxy {
        /// Who.
        clients: Vec<ProxyClient>,
    },
    /// SS402: something on the way opens TLS.
    TlsInspected {
        /// The names.
        hosts: Vec<String>,
        /// Who issued the certificate that came instead.
        issuer: Option<String>,
    },
    /// SS403: `SChannel`, by which the services speak TLS, does not shake hands
    /// where another TLS does.
    SchannelFails {
        /// With which names.
        hosts: Vec<String>,
        /// Why.
        fault: SchannelFault,
    },
    /// SS404: `SChannel` is told not to speak TLS 1.2.
    Tls12Off,
    /// SS405: `SChannel` is told not to offer TLS 1.2 by itself.
    Tls12NotOffered {
        /// Whether .NET Framework is told to offer what `SChannel` does.
        is_followed: bool,
    },
    /// SS406: .NET Framework is told to offer old versions of TLS only.
    DotnetWeak {
        /// By which value.
        value: TlsValue,
    },
    /// About what stands around the settings.
    Surrounding(Surrounding),
    /// `SS5xx` and `SS6xx`: about Azure and the databases in it.
    Azure(AzureFinding),
}

impl From<AzureFinding> for Finding {
    fn from(finding: AzureFinding) -> Self {
        Self::Azure(finding)
    }
}

impl From<Surrounding> for Finding {
    fn from(finding: Surrounding) -> Self {
        Self::Surrounding(finding)
    }
}

/// What became of an interrupted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Nothing yet: what reads only puts nothing right.
    Open,
    /// Everything was as intended.
    Finished,
    /// It had written nothing.
    NothingWritten,
    /// What had been written was put back.
    PutBack,
}
