//! Resource ids of Azure Resource Manager.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer};

/// A resource's path, as `/subscriptions/…/resourceGroups/…/providers/…`.
///
/// ARM gives the same id back in varying letter case (`SQL-CLITEST-RG`,
/// `vmappcontainer;compute;…`), so equality ignores it. Names stand as they are,
/// with `;` and blanks; they are encoded when a request is sent.
#[derive(Clone)]
pub struct ArmId(String);

impl ArmId {
    /// Reads the id of a resource in a resource group; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('/');
        let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        let is_fixed = |at: usize, word: &str| {
            segments
                .get(at)
                .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
        };
        let is_valid = segments.len() >= 8
            && segments.len().is_multiple_of(2)
            && segments.iter().all(|segment| !segment.is_empty())
            && is_fixed(0, "subscriptions")
            && is_fixed(2, "resourceGroups")
            && is_fixed(4, "providers");
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The id of a resource in a group; `kind` with its provider, as
    /// `Microsoft.Network/privateEndpoints`.
    #[must_use]
    pub fn in_group(subscription: &str, group: &str, kind: &str, name: &str) -> Self {
        Self(format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"
        ))
    }

    /// The id of a resource below this one.
    #[must_use]
    pub fn child(&self, kind: &str, name: &str) -> Self {
        Self(format!("{}/{kind}/{name}", self.0))
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.segments().nth(1).unwrap_or_default()
    }

    /// The resource group.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        self.segments().nth(3).unwrap_or_default()
    }

    /// The name that follows `kind`: of an item with `protectionContainers`, its
    /// container's.
    #[must_use]
    pub fn name_of(&self, kind: &str) -> Option<&str> {
        let mut segments = self.segments();
        segments.find(|segment| segment.eq_ignore_ascii_case(kind))?;
        segments.next()
    }

    /// The id of the resource of `kind` that this one is, or is below.
    #[must_use]
    pub fn up_to(&self, kind: &str) -> Option<Self> {
        let segments: Vec<&str> = self.segments().collect();
        let at = segments
            .iter()
            .position(|segment| segment.eq_ignore_ascii_case(kind))?;
        let through = segments.get(..at + 2)?;
        Some(Self(format!("/{}", through.join("/"))))
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

impl fmt::Display for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for ArmId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ArmId {}

impl Hash for ArmId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl<'de> Deserialize<'de> for ArmId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no resource id"))
    }
}

/// An id that may be missing, null or empty: Azure gives `""` for a policy that
/// was taken away.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ArmId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(ArmId::parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "/subscriptions/s/resourceGroups/G/providers/Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/protectionContainers/VMAppContainer;compute;g;vm/protectedItems/SQLDataBase;mssqlserver;a b";

    #[test]
    fn parts_are_found_whatever_their_case() {
        let id = ArmId::parse(ITEM).unwrap();
        assert_eq!(id.name(), "SQLDataBase;mssqlserver;a b");
        assert_eq!((id.subscription(), id.resource_group()), ("s", "G"));
        assert_eq!(
            id.name_of("PROTECTIONCONTAINERS"),
            Some("VMAppContainer;compute;g;vm")
        );
        let vault = id.up_to("vaults").unwrap();
        assert_eq!(
            vault,
            ArmId::in_group("s", "g", "microsoft.recoveryservices/VAULTS", "V")
        );
        assert_eq!(vault.child("backupJobs", "j").name(), "j");
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        for text in [
            "",
            "/",
            "/subscriptions/s",
            "/subscriptions/s/resourceGroups/g/providers/P/vaults",
            "/subscriptions/s/resourceGroups/g/providers/P/vaults//x",
            "https://management.azure.com/subscriptions/s",
        ] {
            assert!(ArmId::parse(text).is_none(), "{text}");
        }
    }
}
