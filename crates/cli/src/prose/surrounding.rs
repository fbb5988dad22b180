//! What is said of what stands around the settings, and what to do about it.

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::finding::Surrounding;
use sidestep_model::net_config::ProxyOverride;

/// What is the matter.
pub(super) fn message(finding: &Surrounding) -> String {
    match finding {
        Surrounding::MachineUnread => "nobody reads the machine's settings: the policy \
             ProxySettingsPerUser is not 0, so that each account has its own"
            .to_owned(),
        Surrounding::ServiceAccount {
            service,
            runs_as,
            expected,
        } => format!(
            "{service} runs as {runs_as}, not as {expected}: it follows that account's settings"
        ),
        Surrounding::HiveBehind { hive } => format!(
            "Windows was changing {hive}, and the logs beside it (.LOG1, .LOG2) do not hold the \
             changes: what is shown may be older than what Windows had"
        ),
        Surrounding::HivesRecovered { hives } => format!(
            "the last changes of {} stood in the logs beside, and are shown here as Windows would \
             have them at its next start",
            hives.join(", ")
        ),
        Surrounding::SidDiffers { windows } => format!(
            "Windows knows {} as {windows}, not as the SID that its name gives: the settings of \
             another account are looked at",
            Account::Plugin
        ),
        Surrounding::SidUnknown => format!(
            "the service {PLUGIN_SERVICE} is there, but Windows knows no account {}",
            Account::Plugin
        ),
        Surrounding::LeftLoaded { key } => format!(
            "an interrupted run left the profile of {} loaded as {key}: were its service started \
             now, it would get an empty one",
            Account::Plugin
        ),
        Surrounding::ConfigDecides {
            file,
            service,
            does,
        } => config_decides(file, service.as_deref(), does),
        Surrounding::ConfigUnreadable { file, error } => {
            format!("what {file} says of proxies is not known: {error}")
        }
    }
}

/// What to do next.
pub(super) fn remedy(finding: &Surrounding) -> String {
    match finding {
        Surrounding::HivesRecovered { .. } => "nothing".to_owned(),
        Surrounding::MachineUnread => {
            "change the accounts' own settings: leave `--account machine` \
             out"
            .to_owned()
        }
        Surrounding::ServiceAccount { expected, .. } => format!(
            "have it run as {expected} again (`sc.exe qc` shows it, registering the machine again \
             sets it), or set that account's proxy in Windows' own dialog"
        ),
        Surrounding::HiveBehind { .. } => {
            "start that Windows once and shut it down, or look at the \
             disk as it was copied, with the logs beside the hives"
                .to_owned()
        }
        Surrounding::SidDiffers { .. } => "compare `sc.exe showsid AzureWLBackupPluginSvc` with \
             `sidestep sid`, and report both: Windows gives every service the same SID for a name"
            .to_owned(),
        Surrounding::SidUnknown => {
            "nothing, as long as the service runs as that account (`sc.exe qc \
             AzureWLBackupPluginSvc`); `sidestep sid` says which SID is looked at"
                .to_owned()
        }
        Surrounding::LeftLoaded { .. } => {
            "`sidestep apply` or `sidestep undo` puts right what was begun, and lets go of it"
                .to_owned()
        }
        Surrounding::ConfigDecides { .. } => {
            "have its owner take <defaultProxy> out, or write into it \
             what the site needs; Sidestep changes no such file, and the service reads it only \
             when it starts"
                .to_owned()
        }
        Surrounding::ConfigUnreadable { .. } => {
            "look whether <system.net> in it has a <defaultProxy>, \
             which would decide before the account's settings"
                .to_owned()
        }
    }
}

fn config_decides(file: &str, service: Option<&str>, does: &ProxyOverride) -> String {
    let whose = service.map_or_else(
        || "every .NET Framework program whose own file says nothing else".to_owned(),
        str::to_owned,
    );
    let does = match does {
        ProxyOverride::NoProxy => "has it use no proxy, whatever its account's settings say",
        ProxyOverride::ManualOnly => {
            "has it take proxy and list from its account, but neither detection nor script"
        }
        ProxyOverride::PartsReplaced => {
            "replaces parts of its account's settings, which it then reads once, when it starts"
        }
        ProxyOverride::AllDirect => {
            "names a list without a proxy, so that everything goes direct, whatever its account's \
             settings say"
        }
        ProxyOverride::OwnProxy(proxy) => {
            return format!(
                "{file} has {whose} use the proxy {proxy} and the file's own list: its account's \
                 settings count for nothing"
            );
        }
        ProxyOverride::OwnScript => {
            "has it detect a proxy or ask a script of its own, before its account's settings"
        }
        ProxyOverride::Module => {
            "has code of its own choose the proxy, whatever its account's settings say"
        }
    };
    format!("<defaultProxy> in {file} decides for {whose}: it {does}")
}
