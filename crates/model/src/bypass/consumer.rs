//! Who reads the settings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The code that reads an account's settings and obeys them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Consumer {
    /// `System.Net` of .NET Framework 4.6.1 to 4.8, which the backup services
    /// are taken to use.
    #[default]
    DotnetFramework,
    /// Windows' own `WinINet`.
    Wininet,
}

impl Consumer {
    /// Both consumers.
    pub const ALL: [Self; 2] = [Self::DotnetFramework, Self::Wininet];

    /// The name that options and JSON use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::DotnetFramework => "dotnet-framework",
            Self::Wininet => "wininet",
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

impl FromStr for Consumer {
    type Err = UnknownConsumer;

    fn from_str(text: &str) -> Result<Self, UnknownConsumer> {
        Self::ALL
            .into_iter()
            .find(|consumer| consumer.key() == text)
            .ok_or_else(|| UnknownConsumer(text.to_owned()))
    }
}

/// No consumer has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown consumer `{0}`: dotnet-framework or wininet")]
pub struct UnknownConsumer(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for consumer in Consumer::ALL {
            assert_eq!(consumer.to_string().parse(), Ok(consumer));
            assert_eq!(serde_json::to_value(consumer).unwrap(), consumer.key());
        }
        assert!("winhttp".parse::<Consumer>().is_err());
    }
}
