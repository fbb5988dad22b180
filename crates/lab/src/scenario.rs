//! Scenarios: a site's overlay, faults, and how the rehearsal has to end. One file each.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::setup::Fault;

/// One scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in a sentence.
    pub summary: String,
    /// What is wrong in its world.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Laid over the `site.toml` that is rehearsed.
    #[serde(default)]
    pub site: toml::Table,
    /// How the rehearsal ends.
    pub expect: Expect,
}

/// How a rehearsal has to end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `done`, `not-needed`, `failed` or `refused`.
    pub outcome: String,
    /// The exit code.
    pub exit: u8,
    /// The codes of its errors and warnings, in order.
    pub findings: Vec<String>,
    /// Whether the proxy sees Backup or Storage while the settings are as found.
    pub leak_before: bool,
    /// Whether the proxy sees Backup or Storage in the final backup.
    pub leak_after: bool,
}

macro_rules! scenarios {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),+]
    };
}

static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    scenarios![
        "happy",
        "not-needed",
        "via-proxy",
        "seed-list",
        "proxy-down",
        "disabled-proxy-copied",
        "auto-detect-left-on",
        "entra-by-proxy-only",
        "per-machine-policy",
        "manual-dns",
        "plugin-not-registered",
        "tls-inspection",
        "public-fallback",
        "throttled",
        "vault-not-empty",
        "from-nothing",
    ]
    .into_iter()
    .filter_map(|(name, text)| {
        // A file that does not parse is missing, which a test notices.
        let scenario: Scenario = toml::from_str(text).ok()?;
        Some(Scenario {
            name: name.to_owned(),
            ..scenario
        })
    })
    .collect()
});

impl Scenario {
    /// Every scenario, the plain one first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &SCENARIOS
    }

    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_scenario() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).unwrap();
        assert_eq!(Scenario::all().len(), files.count());
        assert!(Scenario::named("happy").is_some_and(|happy| happy.faults.is_empty()));
        assert!(Scenario::named("nothing").is_none());
    }
}
