//! Everything that `lint` can say, as data.

use crate::bypass::Consumer;
use crate::catalogue::Service;
use crate::finding::{Code, Severity};

/// What is the matter with a list or one of its entries.
///
/// Each rule names its source; "measured" is gnoays/proxy-watch `tests/bypass.rs`
/// at 3cef7733 (Windows 11), ".NET" is `_WebProxyDataBuilder.cs` and
/// `webproxy.cs` in microsoft/referencesource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// SS106: .NET cannot use the `ProxyServer` string (.NET, `ParseProxyUri`).
    ProxyUnusable {
        /// The string, credentials masked.
        proxy: String,
    },
    /// SS107: one edit away from a name of the catalogue, which it does not cover.
    Misspelt {
        /// The name that was probably meant.
        meant: &'static str,
    },
    /// SS108: a `/` outside a scheme. `WinINet` sends everything direct
    /// (measured), .NET passes over the entry.
    Slash {
        /// Whether it is a range in CIDR notation.
        cidr: bool,
    },
    /// SS108: text outside ASCII, which readers decode differently
    /// (`_RegBlobWebProxyDataBuilder.cs`: UTF-8; others: ASCII, Latin-1).
    NotAscii,
    /// SS109: sends direct what goes by the proxy.
    AgainstRoute {
        /// What it sends direct.
        service: Service,
    },
    /// SS110: longer than a reader takes: scripts that write one-byte lengths
    /// (255), libproxy's buffer (1,024), Windows' dialogs (2,064;
    /// MicrosoftDocs/microsoft-365-docs PR #8080).
    Long {
        /// Its length in characters.
        characters: usize,
        /// The limit that it passes.
        limit: usize,
    },
    /// SS116: a documented name that is to go direct is covered by no entry (the
    /// catalogue's sources).
    Missing {
        /// The name or pattern.
        name: &'static str,
        /// What it belongs to.
        service: Service,
    },
    /// SS117: the two consumers make different things of it.
    ReadersPart,
    /// SS129: `WinHTTP` and BITS document wildcards at the very front only
    /// (MicrosoftDocs/win32, proxycfg.exe; sdk-api, `SetProxySettings`).
    WildcardNotInFront,
    /// SS134: blanks or line breaks between entries, as `bitsadmin` writes them:
    /// one dead entry to .NET, several to `WinINet` (win32, Enabling Internet
    /// Functionality).
    RunTogether,
    /// SS150: the same entry again, but for letter case.
    Duplicate {
        /// Where the other stands, from 0.
        first: usize,
    },
    /// SS151: another entry covers all that it covers.
    Covered {
        /// The other entry.
        by: String,
    },
    /// SS152: the platform's addresses (`WireServer`, instance metadata) and
    /// `localhost` are not listed. 169.254.169.254 is implicit to `WinINet`
    /// alone (measured), and 168.63.129.16 to nobody.
    PlatformMissing {
        /// The address or name.
        name: &'static str,
    },
    /// SS153: no host begins with a dot (measured; .NET anchors the entry).
    LeadingDot,
    /// SS154: an address pattern that covers a part of a published range only.
    NarrowerThanRange {
        /// The range.
        range: &'static str,
    },
    /// SS155: an address pattern that covers more than the published range.
    WiderThanRange {
        /// The range.
        range: &'static str,
    },
    /// SS156: an address pattern, which no named endpoint can match: lists are
    /// compared with the text of the URL, before DNS (chromium
    /// `net/docs/proxy.md`; .NET).
    AddressPattern,
    /// SS157: asked for by the article of October 2022, and by no document today.
    NoLongerPublished,
    /// SS158: covers a documented name and much besides.
    WiderThanNeeded {
        /// A narrower entry that would do.
        enough: &'static str,
    },
    /// SS159: `*.x` does not cover `x` (measured).
    ApexNotCovered {
        /// The name without the wildcard.
        apex: String,
        /// Whether a document asks for that name.
        documented: bool,
    },
    /// SS160: names without a dot go to the proxy.
    LocalMissing,
    /// SS161: takes the loopback out of what `WinINet` never proxies (measured);
    /// a dead entry to .NET.
    MinusLoopback,
    /// SS162: a comma separates for Chromium alone.
    Comma,
    /// SS163: a character that is taken for a blank or quote and is none: NBSP,
    /// curly or straight quotes, zero-width blanks.
    StrayCharacter {
        /// Which.
        character: char,
    },
    /// SS164: line breaks beside separators: harmless to both, not to others.
    LineBreak,
    /// SS165: a scheme's default port, which .NET leaves out of the compared text.
    DefaultPort {
        /// The port.
        port: u16,
    },
    /// SS166: a wildcard that reaches across `scheme://`, which .NET compares, too.
    ReachesScheme,
    /// SS167: it can match nothing for this consumer.
    Dead {
        /// Whose reading.
        consumer: Consumer,
    },
}

impl Rule {
    /// Its code, name for machines, and how much it matters by default; where
    /// rules share a code, the first one's.
    pub const REGISTRY: &'static [(u16, &'static str, Severity)] = &[
        (106, "proxy-unusable", Severity::Error),
        (107, "misspelt-name", Severity::Warning),
        (108, "breaks-list", Severity::Error),
        (109, "against-route", Severity::Error),
        (110, "long", Severity::Note),
        (116, "missing-name", Severity::Error),
        (117, "readers-part", Severity::Warning),
        (129, "wildcard-not-in-front", Severity::Note),
        (134, "entries-run-together", Severity::Error),
        (150, "duplicate", Severity::Note),
        (151, "covered", Severity::Note),
        (152, "platform-missing", Severity::Warning),
        (153, "leading-dot", Severity::Error),
        (154, "narrower-than-range", Severity::Warning),
        (155, "wider-than-range", Severity::Warning),
        (156, "address-pattern", Severity::Note),
        (157, "no-longer-published", Severity::Note),
        (158, "wider-than-needed", Severity::Warning),
        (159, "apex-not-covered", Severity::Note),
        (160, "local-missing", Severity::Warning),
        (161, "minus-loopback", Severity::Warning),
        (162, "comma", Severity::Error),
        (163, "stray-character", Severity::Error),
        (164, "line-break", Severity::Note),
        (165, "default-port", Severity::Warning),
        (166, "reaches-scheme", Severity::Error),
        (167, "dead-entry", Severity::Error),
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::lint(Self::REGISTRY[self.place()].0)
    }

    /// Its place in the registry.
    #[must_use]
    pub fn place(&self) -> usize {
        match self {
            Self::ProxyUnusable { .. } => 0,
            Self::Misspelt { .. } => 1,
            Self::Slash { .. } | Self::NotAscii => 2,
            Self::AgainstRoute { .. } => 3,
            Self::Long { .. } => 4,
            Self::Missing { .. } => 5,
            Self::ReadersPart => 6,
            Self::WildcardNotInFront => 7,
            Self::RunTogether => 8,
            Self::Duplicate { .. } => 9,
            Self::Covered { .. } => 10,
            Self::PlatformMissing { .. } => 11,
            Self::LeadingDot => 12,
            Self::NarrowerThanRange { .. } => 13,
            Self::WiderThanRange { .. } => 14,
            Self::AddressPattern => 15,
            Self::NoLongerPublished => 16,
            Self::WiderThanNeeded { .. } => 17,
            Self::ApexNotCovered { .. } => 18,
            Self::LocalMissing => 19,
            Self::MinusLoopback => 20,
            Self::Comma => 21,
            Self::StrayCharacter { .. } => 22,
            Self::LineBreak => 23,
            Self::DefaultPort { .. } => 24,
            Self::ReachesScheme => 25,
            Self::Dead { .. } => 26,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Missing { service, .. } if !service.is_protected() => Severity::Warning,
            Self::Long { limit: 2064, .. }
            | Self::ApexNotCovered {
                documented: true, ..
            } => Severity::Warning,
            _ => Self::REGISTRY[self.place()].2,
        }
    }
}
