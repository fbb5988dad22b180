//! Azure regions and the geo codes in Azure Backup's host names.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Cloud, embedded, spelling};

/// An Azure region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The name in Azure Resource Manager: `japaneast`.
    pub name: &'static str,
    /// The code in Azure Backup's host names: `jpe` in
    /// `privatelink.jpe.backup.windowsazure.com`.
    pub geo_code: &'static str,
    /// The name for people: `Japan East`.
    pub display_name: &'static str,
    /// The cloud that it belongs to; `None` where Sidestep has no catalogue of
    /// that cloud (closed or retired).
    pub cloud: Option<Cloud>,
    /// How far the geo code can be trusted.
    pub confidence: Confidence,
    /// The public document that gives the code.
    pub source: &'static str,
    /// Month of that document (`YYYY-MM`), or of reading it where it has none.
    pub date: &'static str,
}

/// How far a geo code can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Published by Azure Backup itself.
    High,
    /// Taken from deployment templates: compare with a name that the vault gives.
    Lower,
}

/// Every known region.
#[must_use]
pub fn regions() -> &'static [Region] {
    static REGIONS: LazyLock<Vec<Region>> =
        LazyLock::new(|| parse(include_str!("../../catalogue/regions.toml")));
    &REGIONS
}

/// The region of that name, with its geo code. Letter case and blanks do not
/// matter, as in Azure Resource Manager: `Japan East` is `japaneast`.
#[must_use]
pub fn geo_code(region: &str) -> Option<&'static Region> {
    let name = normal(region);
    regions().iter().find(|region| region.name == name)
}

/// The region that was probably meant, among those of the clouds that Sidestep
/// knows: the one with that geo code, or the most similar name.
#[must_use]
pub fn nearest_region(name: &str) -> Option<&'static str> {
    let name = normal(name);
    let known = || regions().iter().filter(|region| region.cloud.is_some());
    known()
        .find(|region| region.geo_code == name)
        .map(|region| region.name)
        .or_else(|| spelling::nearest(&name, known().map(|region| region.name)))
}

fn normal(name: &str) -> String {
    name.chars()
        .filter(|character| *character != ' ')
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

fn parse(text: &'static str) -> Vec<Region> {
    let Lists { list } = embedded(text);
    list.iter()
        .flat_map(|list| {
            list.regions.iter().map(|entry| Region {
                name: entry.name,
                geo_code: entry.geo_code,
                display_name: entry.display_name,
                cloud: list.cloud,
                confidence: list.confidence,
                source: list.source,
                date: list.date,
            })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists<'a> {
    #[serde(borrow)]
    list: Vec<List<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List<'a> {
    source: &'a str,
    date: &'a str,
    confidence: Confidence,
    cloud: Option<Cloud>,
    #[serde(borrow)]
    regions: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    name: &'a str,
    geo_code: &'a str,
    display_name: &'a str,
}
