//! What to do about a finding.

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::desired::SourceFault;
use sidestep_model::finding::{Finding, Interruption};
use sidestep_model::observed::{Absence, ServiceState, ValueName};
use sidestep_model::redacted::Address;
use sidestep_model::tls::{SchannelFault, TlsValue};

use super::{azure, surrounding};
use crate::dns_view;

/// Where the lines for a script come from when no site says which.
const PAC_LINES: &str = "and without that option `sidestep plan` prints the lines that the \
                         script's owner has to add";

/// What to do next.
#[expect(clippy::too_many_lines, reason = "one arm a finding")]
pub(crate) fn remedy(finding: &Finding) -> String {
    match finding {
        Finding::AutoDetectOn { direct, .. } if direct.is_empty() => format!(
            "nothing, if WPAD is meant to decide; else `sidestep apply --clear-auto-detect` \
             switches it off, {PAC_LINES}"
        ),
        Finding::AutoConfigScript { direct, .. } if direct.is_empty() => format!(
            "nothing, if the script is meant to decide; else `sidestep apply --clear-pac` switches \
             it off, {PAC_LINES}"
        ),
        Finding::AutoDetectOn { direct, .. } => format!(
            "switch it off for this account (--clear-auto-detect), or have the WPAD script's owner put these lines at \
             the top of FindProxyForURL:\n{}",
            pac_fragment(direct)
        ),
        Finding::AutoConfigScript { direct, .. } => format!(
            "switch it off for this account (--clear-pac), or have the script's owner put these lines at the top of FindProxyForURL:\n{}",
            pac_fragment(direct)
        ),
        Finding::PerMachinePolicy => {
            "change the machine's settings (--account machine), which count for everybody then, \
             or have the policy \"Make proxy settings per-machine\" removed"
                .to_owned()
        }
        Finding::ProxySwitchedOff { needed: true, .. } | Finding::ProxyMissing { .. } => {
            "set [proxy] mode = \"set\" and server in the site file, so that Sidestep writes and \
             switches the proxy on; or give the VM a direct way to Entra ID and set bypass.entra = \
             \"direct\""
                .to_owned()
        }
        Finding::ProxySwitchedOff { needed: false, .. } => {
            "nothing, if the account is meant to go direct".to_owned()
        }
        Finding::ProxyUnusable { .. } => "correct it to one host:port without a trailing \
             semicolon, or name the proxy in the site file with [proxy] mode = \"set\""
            .to_owned(),
        Finding::MisspeltName { entry, meant } => format!(
            "where the site sends it direct, Sidestep adds \"{meant}\" itself; drop the misspelt \
             entry with bypass.remove = [\"{entry}\"]"
        ),
        Finding::EntryBreaksList { entry, .. } => format!(
            "name it in bypass.remove = [\"{entry}\"], and write the hosts that it meant without a \
             path or mask"
        ),
        Finding::EntryAgainstSite { entry, .. }
        | Finding::RouteAgainstSite {
            entry: Some(entry), ..
        } => {
            format!("name it in bypass.remove = [\"{entry}\"], if the site is right")
        }
        Finding::ListLong { .. } => {
            "nothing: the backup services read it whole; do not copy it by such a script".to_owned()
        }
        Finding::AccountMissing {
            account: Account::System,
            ..
        } => {
            "export HKEY_USERS whole: `reg export HKEY_USERS FILE.reg` as administrator".to_owned()
        }
        Finding::AccountMissing {
            account: Account::Machine | Account::Machine32,
            ..
        } => r"export HKEY_LOCAL_MACHINE\SOFTWARE, too, with the policies and the settings in it"
            .to_owned(),
        Finding::SettingsUnset { .. } => "nothing where no WPAD answers; to have a proxy and its \
             list written, set [proxy] mode = \"set\""
            .to_owned(),
        Finding::BlobMissing { .. } => {
            "`sidestep apply` writes the blob beside the plain values".to_owned()
        }
        Finding::NameNotCovered { name, .. } => format!(
            "take \"{name}\" out of bypass.remove, or list a name that covers it in bypass.add"
        ),
        Finding::AccountMissing { absence, .. } => account_missing_remedy(absence),
        Finding::BlobUnreadable { .. } => "export the key, look at it with `sidestep decode`, and \
             open the account's proxy settings once in Windows to have it rewritten"
            .to_owned(),
        Finding::ReadersDisagree { text, .. } => format!(
            "the services follow .NET Framework; `sidestep route` shows both with --consumer; an \
             entry is dropped with bypass.remove = [\"{text}\"] and written without a port or a \
             wildcard in front"
        ),
        Finding::SourceNotCopyable {
            fault: SourceFault::AutoDetect,
            ..
        } => "switch it off there, or copy without it: --clear-auto-detect".to_owned(),
        Finding::SourceNotCopyable {
            fault: SourceFault::AutoConfigScript,
            ..
        } => "switch it off there, or copy without it: --clear-pac".to_owned(),
        Finding::SourceNotCopyable { .. } => "set the proxy up there and switch it on, or leave \
             --copy-from out and name the proxy in the site file with [proxy] mode = \"set\""
            .to_owned(),
        Finding::CredentialsWouldBeLost {
            address: Address::Script,
            ..
        } => "note them down and take them out of the script's address yourself first".to_owned(),
        Finding::CredentialsWouldBeLost {
            address: Address::Unknown,
            ..
        } => "look at it with `sidestep decode`, keep a copy and set it anew in Windows' own \
              dialog first"
            .to_owned(),
        Finding::CredentialsWouldBeLost { .. } => "note them down and take them out yourself \
             first; Azure Backup supports no proxy that asks for a user"
            .to_owned(),
        Finding::CredentialsGone { .. } => "set that proxy or script once more as it was set then, by \
             --copy-from or in Windows' own dialog; nothing else of the run is put back without it"
            .to_owned(),
        Finding::EditedSince { .. } => "look at it with `sidestep show`; what Sidestep had added \
             and that stays in the list does no harm"
            .to_owned(),
        Finding::PlainValueDiffers {
            value: ValueName::AutoConfigUrl,
            ..
        } => "if no script is wanted, `sidestep apply --clear-pac` takes it away; else set it once \
              more in Windows' own dialog, which writes both"
            .to_owned(),
        Finding::PlainValueDiffers { .. } | Finding::BlobsDiffer { .. } => {
            "if DefaultConnectionSettings is right, `sidestep apply` makes the others say the same; \
             else set the proxy once more in Windows' own dialog, which writes all of them"
                .to_owned()
        }
        Finding::SavedBlobMissing { .. } => "nothing for the services; `sidestep apply` writes it \
             beside the other values"
            .to_owned(),
        Finding::WinHttpDiffers { .. } => "nothing for the backup; if those programs need the \
             proxy, too, their owner sets it with `netsh winhttp set proxy`"
            .to_owned(),
        Finding::WinHttpUnreadable { .. } => "look at it with `netsh winhttp show advproxy` on the \
             machine; the backup services do not read it"
            .to_owned(),
        Finding::WinHttpWildcard { .. } => "nothing for the backup; do not count on it for what \
             follows WinHTTP"
            .to_owned(),
        Finding::ForeignVersion { .. } => "nothing where the strings are as they should be: \
             Sidestep keeps the rest byte for byte; `sidestep decode` shows it"
            .to_owned(),
        Finding::ScriptBlank { .. } => "nothing for the services, which pass it over; `sidestep \
             apply --clear-pac` takes it away"
            .to_owned(),
        Finding::WrongType { .. } => {
            "`sidestep apply` writes the proxy's values with Windows' own types".to_owned()
        }
        Finding::DirectFlagMissing { .. } => {
            "`sidestep apply` sets it with whatever else it writes".to_owned()
        }
        Finding::EntriesRunTogether { .. } => {
            "`sidestep apply` writes the same entries with semicolons, which both read".to_owned()
        }
        Finding::EntriesDropped { entries, .. } => {
            let quoted: Vec<String> = entries.iter().map(|one| format!("\"{one}\"")).collect();
            format!(
                "where they are meant, name them in bypass.add = [{}]; undo brings them back",
                quoted.join(", ")
            )
        }
        Finding::RunInterrupted {
            state: Interruption::Open,
            ..
        } => "`sidestep apply` or `sidestep undo` puts it right before anything else; `sidestep \
              history` shows it"
            .to_owned(),
        Finding::RunInterrupted { .. } => "nothing".to_owned(),
        Finding::NameUnknown { .. } => "have the record made in the private DNS zone, or the zone \
             linked to the VM's network"
            .to_owned(),
        Finding::ProxyUnreachable { .. } => {
            "check that the proxy runs and that the VM's network may connect to it".to_owned()
        }
        Finding::EntraByProxyOnly { .. } => {
            "set bypass.entra = \"proxy\" in the site file, so that \
             Entra ID's names stay out of the list; or open a direct way to Entra ID (service tag \
             AzureActiveDirectory)"
                .to_owned()
        }
        Finding::EntraDirectOnly { .. } => {
            "set bypass.entra = \"direct\" in the site file, or have \
             the proxy allow Entra ID's names"
                .to_owned()
        }
        Finding::EndpointUnreachable { proxy: Some(_), .. } => "the proxy's network needs the \
             private DNS zones and a way to the endpoint; or set bypass.backup = \"direct\""
            .to_owned(),
        Finding::EndpointUnreachable { .. } => {
            "check the network security group, the firewall and \
             the address that the name resolves to"
                .to_owned()
        }
        Finding::ProtectedOnProxy { .. } => {
            "look the names up in the proxy's log, and list what covers them in \
             bypass.add"
                .to_owned()
        }
        Finding::ProtectedOffProxy { .. } => "look at the list with `sidestep route`: an entry \
             covers these names; name it in bypass.remove"
            .to_owned(),
        Finding::AskedOfProxyUnseen { .. } => {
            "look in the proxy's log of that time: no name of Azure Backup or Azure Storage should \
             stand there for this machine"
                .to_owned()
        }
        Finding::AlsoOnProxy { .. } => "ask their owners whether they send anything to the names \
             that are added, and see that the VM's network lets it out directly; `sidestep bypass \
             --exact --names …` lists only the endpoint's own names of Azure Storage"
            .to_owned(),
        Finding::SchannelFails { fault, .. } => schannel_remedy(*fault).to_owned(),
        Finding::Tls12Off | Finding::Tls12NotOffered { .. } => format!(
            "set Enabled to 1 and DisabledByDefault to 0 in {}, have the computer start again, and \
             check once more; a group policy may set them",
            TlsValue::Enabled.key()
        ),
        Finding::DotnetWeak { value } => format!(
            "set SchUseStrongCrypto and SystemDefaultTlsVersions to 1 in {}, and restart the \
             services",
            value.key()
        ),
        Finding::ProxyUnresolved { .. } => "correct the name, or ask who runs DNS for it; until \
             then only the proxy's log tells who came"
            .to_owned(),
        Finding::BackupUnseen => "back up a database that takes longer than a second; else look in \
             the proxy's log of that time"
            .to_owned(),
        Finding::WitnessesDisagree { .. } => {
            "please report this with the output of `--json`: it is a bug in the rehearsal"
                .to_owned()
        }
        Finding::EntraOffRoute { .. } => "if the site is right, `sidestep route` on the account's \
             settings shows the entry that decided; else correct bypass.entra"
            .to_owned(),
        Finding::TlsFails { .. } => {
            "look who issued the certificate: a proxy or firewall that opens TLS breaks the \
             services, which have to be excepted from it"
                .to_owned()
        }
        Finding::AccountNeeded {
            account: Account::Plugin,
        } => "see that the service AzureWLBackupPluginSvc is there and was started once; \
              `sidestep run --from register` registers the machine again where Azure counts it as \
              registered"
            .to_owned(),
        Finding::AccountNeeded { .. } => {
            "export HKEY_USERS whole: `reg export HKEY_USERS FILE.reg` as administrator".to_owned()
        }
        Finding::SettingsNotAsWanted { .. } => {
            "`sidestep plan` shows the difference, `sidestep apply` or `run` writes it".to_owned()
        }
        Finding::RecordsMissing {
            records,
            forwarders,
        } => format!(
            "ask the team that owns DNS for this, then start again: what they have done counts as \
             done\n{}",
            dns_view::request(records, forwarders)
        ),
        Finding::NamesNotPrivate { .. } => "link the private DNS zones to the network whose DNS \
             the machine asks: [dns] link_vnets; where the machine asks a server of your own, \
             have it forward these names to Azure (168.63.129.16)"
            .to_owned(),
        Finding::PublicFallback { .. } => "link the private DNS zones to the machine's network \
             ([dns] link_vnets), and set [vault] public_network_access = \"deny\", so that a wrong \
             path fails instead of working"
            .to_owned(),
        Finding::ProtectedPublic { .. } => "see that the names resolve to the private endpoint \
             (`sidestep check`), and set [vault] public_network_access = \"deny\""
            .to_owned(),
        Finding::RouteAgainstSite { .. } => {
            "`sidestep plan` shows what the list lacks; `sidestep apply` adds it".to_owned()
        }
        Finding::TlsInspected { .. } => "have the proxy or firewall leave this name alone: Azure \
             Backup supports no inspection of TLS"
            .to_owned(),
        Finding::Surrounding(finding) => surrounding::remedy(finding),
        Finding::Azure(finding) => azure::remedy(finding),
    }
}

fn schannel_remedy(fault: SchannelFault) -> &'static str {
    match fault {
        SchannelFault::Untrusted => {
            "see that this computer may update its root certificates, or that its administrators \
             put Azure's authorities (DigiCert Global Root G2, Microsoft RSA Root 2017) in its store"
        }
        SchannelFault::OtherName => {
            "see where the name leads (`sidestep check` shows its addresses): something else answers"
        }
        SchannelFault::Expired => "see that this computer's clock is right",
        SchannelFault::Revocation => {
            "see who issued the certificate: something on the way answers in Azure's name"
        }
        SchannelFault::NothingInCommon
        | SchannelFault::ProtocolOff
        | SchannelFault::PeerRefused
        | SchannelFault::Closed => {
            "look at SChannel's settings: `sidestep show` names TLS 1.2; the order of ciphers is a \
             group policy (\"SSL Cipher Suite Order\"), which has to hold \
             TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 or its like"
        }
        SchannelFault::TimedOut => "try again; where it stays so, look at the firewall",
        SchannelFault::Other(_) => {
            "look it up with `certutil -error CODE`, and in the event log for Schannel at that time"
        }
    }
}

/// The lines that make a configuration script send these names direct.
fn pac_fragment(direct: &[&str]) -> String {
    let lines: Vec<String> = direct
        .iter()
        .map(|pattern| format!("if (shExpMatch(host, \"{pattern}\")) return \"DIRECT\";"))
        .collect();
    lines.join("\n")
}

fn account_missing_remedy(absence: &Absence) -> String {
    match absence {
        Absence::NotSaid | Absence::NotRegistered => {
            "register the machine with the vault (discover databases), then plan again".to_owned()
        }
        Absence::ServiceIsThere {
            state: ServiceState::Running,
            ..
        } => format!(
            "`sc.exe qc {PLUGIN_SERVICE}` says as whom it runs; that account's settings decide, and \
             Sidestep does not change them"
        ),
        Absence::ServiceIsThere {
            state: ServiceState::Changing,
            ..
        } => "wait a moment, then plan again".to_owned(),
        Absence::ServiceIsThere { has_profile, .. } => {
            let or = if *has_profile {
                "; where it must stay stopped, --load-profile loads them for the moment"
            } else {
                ""
            };
            format!(
                "start it (`sc.exe start {PLUGIN_SERVICE}`), which loads its settings, then plan \
                 again{or}"
            )
        }
        Absence::ProfileAlone { .. } => {
            "register the machine with the vault again, which installs the service, then plan \
             again; or change what is in the profile with --load-profile"
                .to_owned()
        }
    }
}
