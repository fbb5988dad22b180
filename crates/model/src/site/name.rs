//! Names that Azure accepts.

/// A kind of name with a rule of its own.
///
/// Source: `articles/azure-resource-manager/management/resource-name-rules.md`
/// in MicrosoftDocs/azure-docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A resource group.
    ResourceGroup,
    /// A Recovery Services vault.
    Vault,
    /// A backup policy of a vault.
    BackupPolicy,
    /// A private endpoint.
    PrivateEndpoint,
    /// A virtual network.
    VirtualNetwork,
    /// A subnet.
    Subnet,
    /// A private DNS zone.
    PrivateDnsZone,
    /// A virtual machine's resource name, which may be longer than its host name.
    VirtualMachine,
}

impl NameKind {
    /// The rule in words: what such a name consists of.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::ResourceGroup => {
                "1 to 90 letters, digits, `_`, `-`, `.`, `(` or `)`, the last one no `.`"
            }
            Self::Vault => "2 to 50 letters, digits or `-`, the first one a letter",
            Self::BackupPolicy => {
                "3 to 150 letters, digits or `-`, the first one a letter, the last one no `-`"
            }
            Self::PrivateEndpoint | Self::VirtualNetwork => {
                "2 to 64 letters, digits, `_`, `-` or `.`, the first one a letter or digit, \
                 the last one a letter, digit or `_`"
            }
            Self::Subnet => {
                "1 to 80 letters, digits, `_`, `-` or `.`, the first one a letter or digit, \
                 the last one a letter, digit or `_`"
            }
            Self::PrivateDnsZone => {
                "2 to 34 labels of letters, digits, `_` or `-`, separated by `.`"
            }
            Self::VirtualMachine => {
                "1 to 64 letters, digits, `_`, `-` or `.`, the first one no `_`, \
                 the last one neither `.` nor `-`"
            }
        }
    }

    /// Whether `name` follows the rule.
    #[must_use]
    pub fn accepts(self, name: &str) -> bool {
        let length = name.chars().count();
        match self {
            Self::ResourceGroup => {
                (1..=90).contains(&length)
                    && !name.ends_with('.')
                    && name
                        .chars()
                        .all(|c| c.is_alphanumeric() || "_-.()".contains(c))
            }
            Self::Vault => {
                (2..=50).contains(&length)
                    && name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && consists_of(name, "-")
            }
            Self::BackupPolicy => {
                (3..=150).contains(&length)
                    && name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && !name.ends_with('-')
                    && consists_of(name, "-")
            }
            Self::PrivateEndpoint | Self::VirtualNetwork => {
                (2..=64).contains(&length) && is_network_name(name)
            }
            Self::Subnet => (1..=80).contains(&length) && is_network_name(name),
            Self::PrivateDnsZone => {
                (2..=34).contains(&name.split('.').count())
                    && name
                        .split('.')
                        .all(|label| (1..=63).contains(&label.len()) && consists_of(label, "-_"))
            }
            Self::VirtualMachine => {
                (1..=64).contains(&length)
                    && !name.starts_with('_')
                    && !name.ends_with(['.', '-'])
                    && consists_of(name, "_-.")
            }
        }
    }
}

fn is_network_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && consists_of(name, "_-.")
}

fn consists_of(name: &str, marks: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}
