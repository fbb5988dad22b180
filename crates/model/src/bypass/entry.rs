//! One entry of a list, and what a consumer makes of it.

use std::ops::Range;

use super::Consumer;
use crate::destination::lower;

/// One entry, trimmed as the consumer trims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry as written.
    pub text: String,
    /// Where it stands in the list, in bytes.
    pub span: Range<usize>,
    /// Its place among the entries, from 0.
    pub index: usize,
    /// What the consumer makes of it.
    pub form: EntryForm,
}

/// What a consumer makes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryForm {
    /// `<local>`: names without a dot; for .NET also this computer's addresses
    /// and DNS domain.
    Local,
    /// `<-loopback>`: takes the implicit set out of what came before (`WinINet`).
    MinusLoopback,
    /// Hosts by name.
    Pattern(Pattern),
    /// It sends every destination direct: `WinINet` and any `/` outside a
    /// scheme prefix.
    Poison,
    /// It can match no destination and harms no other entry.
    Dead(DeadBecause),
}

/// `[scheme://]host[:port]`, where `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The only scheme it applies to; .NET takes wildcards here too.
    pub scheme: Option<String>,
    /// The host, as written.
    pub host: String,
    /// The only port it applies to.
    pub port: Option<u16>,
    /// What is held against the destination's text, in lower case: the host
    /// alone for `WinINet`; with scheme and port, if given, for .NET.
    pub(super) glob: String,
}

/// Why an entry can match nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadBecause {
    /// No host begins with a dot.
    LeadingDot,
    /// The port is not written as a destination's port is.
    Port,
    /// The compared text never holds this character, such as a space or comma.
    Character(char),
    /// A `/` where the compared text has none.
    Slash,
}

impl EntryForm {
    pub(super) fn parse(text: &str, consumer: Consumer) -> Self {
        if text.eq_ignore_ascii_case("<local>") {
            return Self::Local;
        }
        match consumer {
            Consumer::DotnetFramework => dotnet(text),
            Consumer::Wininet => wininet(text),
        }
    }
}

/// Scheme, host and port as one regular expression takes them apart
/// (`BypassStringEscape` in _WebProxyDataBuilder.cs, microsoft/referencesource):
/// everything up to the last `://`, no colon, one to five digits. Where that
/// fails the whole entry is the host.
fn dotnet(text: &str) -> EntryForm {
    let (scheme, rest) = match text.rsplit_once("://") {
        Some((scheme, rest)) if !scheme.contains('\n') => (Some(scheme), rest),
        _ => (None, text),
    };
    let (scheme, host, port) = match rest.split_once(':') {
        None => (scheme, rest, None),
        Some((host, digits)) if matches!(digits.len(), 1..=5) && is_digits(digits) => {
            (scheme, host, Some(digits))
        }
        _ => (None, text, None),
    };
    let mut glob = match scheme {
        Some(scheme) => format!("{scheme}://{host}"),
        None => host.to_owned(),
    };
    let port = match port.map(|digits| (digits, digits.parse::<u16>())) {
        None => None,
        // The text it is compared with has no leading zeros.
        Some((digits, Ok(number))) if number.to_string() == digits => Some(number),
        Some(_) => return EntryForm::Dead(DeadBecause::Port),
    };
    if host.starts_with('.') {
        return EntryForm::Dead(DeadBecause::LeadingDot);
    }
    if let Some(character) = glob.chars().find(|&c| !is_in_compared_text(c)) {
        return EntryForm::Dead(DeadBecause::Character(character));
    }
    // Only a wildcard can reach across `://`, and only without a scheme.
    let slash = host.find('/').filter(|_| !host.contains(':'));
    if slash.is_some_and(|at| scheme.is_some() || !host[..at].contains('*')) {
        return EntryForm::Dead(DeadBecause::Slash);
    }
    if let Some(port) = port {
        glob.push(':');
        glob.push_str(&port.to_string());
    }
    EntryForm::Pattern(Pattern {
        scheme: scheme.map(str::to_owned),
        host: host.to_owned(),
        port,
        glob: glob.chars().map(lower).collect(),
    })
}

fn is_in_compared_text(character: char) -> bool {
    !character.is_ascii() || character.is_ascii_alphanumeric() || "*-_.+:/[]".contains(character)
}

/// Sources: KB4551930 ("Use proxy servers with Internet Explorer") for scheme,
/// wildcard and port; gnoays/proxy-watch tests/bypass.rs at 3cef7733, measured
/// on Windows 11, for `/` and the leading dot.
fn wininet(text: &str) -> EntryForm {
    if text.eq_ignore_ascii_case("<-loopback>") {
        return EntryForm::MinusLoopback;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_wininet_scheme(scheme) => {
            (Some(scheme.to_ascii_lowercase()), rest)
        }
        _ => (None, text),
    };
    if rest.contains('/') {
        return EntryForm::Poison;
    }
    // The colons of an IPv6 address are not followed by a port.
    let address_end = rest.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match rest[address_end..].split_once(':') {
        Some((name, digits)) if !digits.contains(':') => {
            (&rest[..address_end + name.len()], Some(digits))
        }
        _ => (rest, None),
    };
    let port = match port.map(|digits| (is_digits(digits), digits.parse())) {
        None => None,
        Some((true, Ok(number))) => Some(number),
        Some(_) => return EntryForm::Dead(DeadBecause::Port),
    };
    if host.starts_with('.') {
        return EntryForm::Dead(DeadBecause::LeadingDot);
    }
    EntryForm::Pattern(Pattern {
        scheme,
        host: host.to_owned(),
        port,
        glob: host.to_ascii_lowercase(),
    })
}

fn is_wininet_scheme(scheme: &str) -> bool {
    ["http", "https", "ftp", "gopher"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str, consumer: Consumer) -> EntryForm {
        EntryForm::parse(text, consumer)
    }

    fn parts(text: &str, consumer: Consumer) -> (Option<String>, String, Option<u16>) {
        match form(text, consumer) {
            EntryForm::Pattern(pattern) => (pattern.scheme, pattern.host, pattern.port),
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn both_take_scheme_and_port_apart() {
        for consumer in Consumer::ALL {
            assert_eq!(
                parts("https://*.contoso.com:8443", consumer),
                (Some("https".into()), "*.contoso.com".into(), Some(8443)),
            );
        }
    }

    #[test]
    fn an_ipv6_entry_with_a_port_is_whole_to_dotnet_only() {
        let entry = "[2001:db8::1]:8443";
        assert_eq!(
            parts(entry, Consumer::DotnetFramework),
            (None, entry.into(), None)
        );
        assert_eq!(
            parts(entry, Consumer::Wininet),
            (None, "[2001:db8::1]".into(), Some(8443))
        );
    }

    #[test]
    fn a_slash_kills_one_entry_or_the_list() {
        for entry in ["10.0.0.0/8", "contoso.com/", "https://contoso.com/"] {
            assert_eq!(
                form(entry, Consumer::DotnetFramework),
                EntryForm::Dead(DeadBecause::Slash),
                "{entry}"
            );
            assert_eq!(form(entry, Consumer::Wininet), EntryForm::Poison, "{entry}");
        }
        assert!(matches!(
            form("*/x", Consumer::DotnetFramework),
            EntryForm::Pattern(_)
        ));
        assert!(matches!(
            form("https://contoso.com", Consumer::Wininet),
            EntryForm::Pattern(_)
        ));
    }

    #[test]
    fn dead_entries_say_why() {
        for (entry, consumer, why) in [
            (
                ".contoso.com",
                Consumer::DotnetFramework,
                DeadBecause::LeadingDot,
            ),
            (".contoso.com", Consumer::Wininet, DeadBecause::LeadingDot),
            (
                "a.example,b.example",
                Consumer::DotnetFramework,
                DeadBecause::Character(','),
            ),
            (
                "a.example b.example",
                Consumer::DotnetFramework,
                DeadBecause::Character(' '),
            ),
            (
                "<-loopback>",
                Consumer::DotnetFramework,
                DeadBecause::Character('<'),
            ),
            (
                "a.example:99999",
                Consumer::DotnetFramework,
                DeadBecause::Port,
            ),
            (
                "a.example:080",
                Consumer::DotnetFramework,
                DeadBecause::Port,
            ),
            ("a.example:99999", Consumer::Wininet, DeadBecause::Port),
        ] {
            assert_eq!(
                form(entry, consumer),
                EntryForm::Dead(why),
                "{entry} for {consumer}"
            );
        }
    }
}
