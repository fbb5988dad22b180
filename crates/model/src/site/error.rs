//! What can be wrong in `site.toml`, and what to do about it.

use std::ops::Range;

use thiserror::Error;

use super::{EntryFault, NameKind, ProxyAddressFault, Redundancy, ResourceKind};
use crate::catalogue::Cloud;

/// One mistake in `site.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct SiteError {
    /// The bytes of the file to underline; `None` where something is missing
    /// that has no place yet.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub kind: SiteErrorKind,
}

impl SiteError {
    /// The next step.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.kind.help()
    }
}

/// What is wrong, with the values that a message in any language needs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SiteErrorKind {
    /// The file is not TOML.
    #[error("{0}")]
    Syntax(String),

    /// A key that means nothing there.
    #[error("unknown key `{}` {}", shown(.key), place(.table))]
    UnknownKey {
        /// The table; empty at the top level.
        table: &'static str,
        /// The key as written.
        key: String,
        /// The keys of that table.
        valid: &'static [&'static str],
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },

    /// A key that must be there.
    #[error("`{key}` is missing {}", place(.table))]
    MissingKey {
        /// The table.
        table: &'static str,
        /// The key.
        key: &'static str,
    },

    /// `bypass.entra` is not there: only the owner can answer it.
    #[error("`entra` is missing in `[bypass]`: the way to Entra ID must be chosen")]
    MissingEntraRoute,

    /// No `[[vm]]`.
    #[error("no virtual machine is named")]
    NoVirtualMachine,

    /// A value of another type.
    #[error("`{key}` must be {expected}, not {found}")]
    WrongType {
        /// The key with its table.
        key: String,
        /// What it must be, with an article.
        expected: &'static str,
        /// The words that it can be, where only some can.
        allowed: Vec<&'static str>,
        /// TOML's word for what it is, with an article.
        found: &'static str,
    },

    /// A word that is none of the key's choices.
    #[error("`{key}` cannot be \"{}\"", shown(.value))]
    UnknownValue {
        /// The key with its table.
        key: String,
        /// The word as written.
        value: String,
        /// The words that it can be.
        allowed: Vec<&'static str>,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },

    /// A subscription that is no GUID.
    #[error("`{key}` must be a GUID, not \"{}\"", shown(.value))]
    NotAGuid {
        /// The key with its table.
        key: String,
        /// The value as written.
        value: String,
    },

    /// A tenant that is neither a GUID nor a domain.
    #[error("`{key}` must be a GUID or a domain, not \"{}\"", shown(.value))]
    NotATenant {
        /// The key with its table.
        key: String,
        /// The value as written.
        value: String,
    },

    /// A region that Sidestep does not know.
    #[error("\"{}\" is no known Azure region", shown(.value))]
    UnknownRegion {
        /// The value as written.
        value: String,
        /// The region that was probably meant.
        nearest: Option<&'static str>,
    },

    /// A region of another cloud.
    #[error("region {region} is not in {cloud}")]
    RegionOfOtherCloud {
        /// The region.
        region: &'static str,
        /// The region's own cloud; `None` where Sidestep has no catalogue of it.
        home: Option<Cloud>,
        /// The cloud of the site.
        cloud: Cloud,
    },

    /// A name that Azure refuses.
    #[error("`{key}` cannot be \"{}\"", shown(.value))]
    InvalidName {
        /// The key with its table.
        key: String,
        /// The name as written.
        value: String,
        /// Its rule.
        kind: NameKind,
    },

    /// The names of a virtual machine and its group are too long together.
    /// Source: `backup-azure-sql-database.md` in MicrosoftDocs/azure-docs.
    #[error(
        "\"{vm}\" and its resource group \"{resource_group}\" are {characters} characters long together"
    )]
    VmNamesTooLong {
        /// The virtual machine.
        vm: String,
        /// Its resource group.
        resource_group: String,
        /// Both lengths together.
        characters: usize,
    },

    /// The same virtual machine twice.
    #[error("virtual machine \"{vm}\" in \"{resource_group}\" is named twice")]
    DuplicateVm {
        /// The virtual machine.
        vm: String,
        /// Its resource group.
        resource_group: String,
    },

    /// A reference to a resource that cannot be read.
    #[error("`{key}` names no {}: \"{}\"", .kind.noun(), shown(.value))]
    NotAResource {
        /// The key with its table.
        key: String,
        /// The value as written.
        value: String,
        /// What it should name.
        kind: ResourceKind,
    },

    /// `vault.create = true` without `redundancy`.
    #[error("a vault to create needs a `redundancy`")]
    MissingRedundancy,

    /// `proxy.mode = "set"` without `server`.
    #[error("`mode = \"set\"` needs a `server`")]
    MissingProxyServer,

    /// A proxy that not every reader can use.
    #[error("`{key}` cannot be \"{}\": {fault}", shown(.value))]
    ProxyServer {
        /// The key with its table.
        key: String,
        /// The value as written, without user and password.
        value: String,
        /// Why not.
        fault: ProxyAddressFault,
    },

    /// A text that cannot stand in a bypass list.
    #[error("`{key}` cannot hold \"{}\": {fault}", shown(.entry))]
    BypassEntry {
        /// The key with its table.
        key: String,
        /// The entry as written.
        entry: String,
        /// Why not.
        fault: EntryFault,
    },

    /// An entry to add and to remove.
    #[error("\"{entry}\" is in both `add` and `remove`")]
    AddedAndRemoved {
        /// The entry as written in `remove`.
        entry: String,
    },

    /// A text that names no database, or more than one where one is needed.
    #[error("`{key}` must be {expected}, not \"{}\"", shown(.value))]
    NotADatabase {
        /// The key with its table.
        key: String,
        /// The value as written.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl SiteErrorKind {
    /// The next step.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey { valid, nearest, .. } => Some(choices(*nearest, valid, '`')),
            Self::UnknownValue {
                allowed, nearest, ..
            } => Some(choices(*nearest, allowed, '"')),
            Self::MissingKey { table, key } => {
                Some(format!("add `{key} = …` to {}", header(table)))
            }
            Self::MissingEntraRoute => Some(
                "Entra ID has no private endpoint: write `entra = \"direct\"` if the virtual \
                 machine reaches the Internet without the proxy, else `entra = \"proxy\"`"
                    .to_owned(),
            ),
            Self::NoVirtualMachine => {
                Some("add a `[[vm]]` with a `name` for every SQL Server machine".to_owned())
            }
            Self::WrongType { expected, .. } if *expected == TABLES => {
                Some("write its header in double brackets, `[[vm]]`".to_owned())
            }
            Self::WrongType { allowed, .. } if !allowed.is_empty() => {
                Some(choices(None, allowed, '"'))
            }
            Self::NotAGuid { .. } => {
                Some("`az account list --output table` shows the subscriptions".to_owned())
            }
            Self::UnknownRegion { nearest, .. } => Some(match nearest {
                Some(nearest) => format!("did you mean \"{nearest}\"?"),
                None => "`az account list-locations --output table` shows the regions".to_owned(),
            }),
            Self::RegionOfOtherCloud { home, cloud, .. } => Some(match home {
                Some(home) => {
                    format!("set `azure.cloud = \"{home}\"`, or choose a region of {cloud}")
                }
                None => "it belongs to a cloud whose endpoints are not published".to_owned(),
            }),
            Self::InvalidName { kind, .. } => Some(format!("such a name is {}", kind.rule())),
            Self::VmNamesTooLong { .. } => {
                Some("Azure Backup takes at most 84 characters together".to_owned())
            }
            Self::NotAResource { kind, .. } => Some(format!("write {}", kind.form())),
            Self::MissingRedundancy => Some(format!(
                "it cannot change after the first protection, so choose: {}",
                list(
                    &Redundancy::ALL
                        .iter()
                        .map(|one| one.key())
                        .collect::<Vec<_>>(),
                    '"'
                )
            )),
            Self::MissingProxyServer => {
                Some("add `server = \"host:port\"` to `[proxy]`".to_owned())
            }
            Self::ProxyServer { .. } => {
                Some("write one `host:port`, such as \"10.2.0.16:8080\"".to_owned())
            }
            Self::BypassEntry { fault, .. } => match fault {
                EntryFault::Separator => Some("write one string for each entry".to_owned()),
                EntryFault::Slash => Some(
                    "write the host only; a range of addresses needs `*`, such as \"10.1.*\""
                        .to_owned(),
                ),
                EntryFault::ReadersPart => Some(
                    "write the host without `:443` or `:80`, and a wildcard in front of a dot or \
                     behind one"
                        .to_owned(),
                ),
                _ => None,
            },
            Self::AddedAndRemoved { .. } => Some("delete it from one of them".to_owned()),
            Self::NotADatabase { .. } => {
                Some("the default instance is MSSQLSERVER, so \"MSSQLSERVER/orders\"".to_owned())
            }
            Self::Syntax(_)
            | Self::WrongType { .. }
            | Self::NotATenant { .. }
            | Self::DuplicateVm { .. } => None,
        }
    }
}

/// What `[[vm]]` must be.
pub(super) const TABLES: &str = "an array of tables";

fn place(table: &str) -> String {
    match table {
        "" => "at the top level".to_owned(),
        table => format!("in {}", header(table)),
    }
}

fn header(table: &str) -> String {
    match table {
        "vm" => "`[[vm]]`".to_owned(),
        table => format!("`[{table}]`"),
    }
}

fn choices(nearest: Option<&str>, valid: &[&str], quote: char) -> String {
    let valid = list(valid, quote);
    match nearest {
        Some(nearest) => format!("did you mean {quote}{nearest}{quote}? valid here: {valid}"),
        None => format!("valid here: {valid}"),
    }
}

fn list(words: &[&str], quote: char) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("{quote}{word}{quote}"))
        .collect();
    quoted.join(", ")
}

/// The text with control characters made visible, so that none reaches a terminal.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|character| -> Box<dyn Iterator<Item = char>> {
            if character.is_control() {
                Box::new(character.escape_default())
            } else {
                Box::new(std::iter::once(character))
            }
        })
        .collect()
}
