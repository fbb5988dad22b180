//! Resource ids of Azure Resource Manager.

use std::fmt;

use super::NameKind;

/// A resource of `Microsoft.Network`, by its full id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceId {
    /// The subscription, a GUID.
    pub subscription: String,
    /// The resource group.
    pub resource_group: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Its names, the outermost first: of a subnet, the network's and its own.
    pub names: Vec<String>,
}

/// The kinds of resources that `site.toml` refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A virtual network.
    VirtualNetwork,
    /// A subnet of a virtual network.
    Subnet,
    /// A private DNS zone.
    PrivateDnsZone,
}

impl ResourceKind {
    /// What it is called in a sentence.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::VirtualNetwork => "virtual network",
            Self::Subnet => "subnet",
            Self::PrivateDnsZone => "private DNS zone",
        }
    }

    /// The ways to write one in `site.toml`.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::VirtualNetwork => {
                "its name, or /subscriptions/<guid>/resourceGroups/<group>/providers/\
                 Microsoft.Network/virtualNetworks/<network>"
            }
            Self::Subnet => {
                "`network/subnet`, or /subscriptions/<guid>/resourceGroups/<group>/providers/\
                 Microsoft.Network/virtualNetworks/<network>/subnets/<subnet>"
            }
            Self::PrivateDnsZone => {
                "/subscriptions/<guid>/resourceGroups/<group>/providers/\
                 Microsoft.Network/privateDnsZones/<zone>"
            }
        }
    }

    /// The types in the id, each with the rule of the name that follows it.
    fn path(self) -> &'static [(&'static str, NameKind)] {
        match self {
            Self::VirtualNetwork => &[("virtualNetworks", NameKind::VirtualNetwork)],
            Self::Subnet => &[
                ("virtualNetworks", NameKind::VirtualNetwork),
                ("subnets", NameKind::Subnet),
            ],
            Self::PrivateDnsZone => &[("privateDnsZones", NameKind::PrivateDnsZone)],
        }
    }
}

/// A resource group, as the place of what is named without one.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) subscription: &'a str,
    pub(super) name: &'a str,
}

impl ResourceId {
    /// Reads a full resource id. Azure ignores letter case in its fixed parts.
    pub(super) fn parse(text: &str, kind: ResourceKind) -> Option<Self> {
        let rest = fixed(text.strip_prefix('/')?, "subscriptions")?;
        let (subscription, rest) = rest.split_once('/')?;
        let rest = fixed(rest, "resourceGroups")?;
        let (resource_group, rest) = rest.split_once('/')?;
        let rest = fixed(fixed(rest, "providers")?, PROVIDER)?;

        let mut parts = rest.split('/');
        let mut names = Vec::new();
        for (kind, rule) in kind.path() {
            if !parts.next()?.eq_ignore_ascii_case(kind) {
                return None;
            }
            names.push(parts.next().filter(|name| rule.accepts(name))?.to_owned());
        }
        let is_valid = parts.next().is_none()
            && is_guid(subscription)
            && NameKind::ResourceGroup.accepts(resource_group);
        is_valid.then(|| Self {
            subscription: subscription.to_owned(),
            resource_group: resource_group.to_owned(),
            kind,
            names,
        })
    }

    /// Reads a full resource id, or just the names (`network/subnet`) of a
    /// resource in the given group.
    pub(super) fn parse_within(text: &str, kind: ResourceKind, group: Group<'_>) -> Option<Self> {
        if text.starts_with('/') {
            return Self::parse(text, kind);
        }
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        let path = kind.path();
        let is_valid = names.len() == path.len()
            && path
                .iter()
                .zip(&names)
                .all(|((_, rule), name)| rule.accepts(name));
        is_valid.then(|| Self {
            subscription: group.subscription.to_owned(),
            resource_group: group.name.to_owned(),
            kind,
            names,
        })
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/{PROVIDER}",
            self.subscription, self.resource_group
        )?;
        for ((kind, _), name) in self.kind.path().iter().zip(&self.names) {
            write!(f, "/{kind}/{name}")?;
        }
        Ok(())
    }
}

/// Whether `text` is 32 hexadecimal digits grouped 8-4-4-4-12.
pub(super) fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

const PROVIDER: &str = "Microsoft.Network";

/// What follows the fixed segment `name`.
fn fixed<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (segment, rest) = text.split_once('/')?;
    segment.eq_ignore_ascii_case(name).then_some(rest)
}
