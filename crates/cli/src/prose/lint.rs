//! What the rules of `lint` say to a person.

use sidestep_model::lint::{Finding, Rule};

use crate::prose;

/// A rule in a few words, by its place in [`Rule::REGISTRY`].
pub(crate) const TITLES: [&str; 27] = [
    "the proxy string cannot be used by .NET Framework",
    "misspelt name",
    "entry breaks the list for a reader",
    "entry goes against the chosen route",
    "longer than a reader takes",
    "documented name not covered",
    ".NET Framework and WinINet part",
    "wildcard that WinHTTP does not document",
    "entries run together",
    "entry listed twice",
    "entry covered by another",
    "address of the platform not listed",
    "leading dot",
    "narrower than the published range",
    "wider than the published range",
    "address pattern in a list of names",
    "no longer published",
    "wider than needed",
    "a wildcard that does not cover the name itself",
    "<local> is missing",
    "<-loopback>",
    "comma between entries",
    "stray character",
    "line breaks between entries",
    "default port written out",
    "wildcard reaches into the scheme",
    "entry that matches nothing",
];

/// What is the matter.
pub(crate) fn message(finding: &Finding) -> String {
    let entry = finding.entry.as_deref().unwrap_or_default();
    match &finding.rule {
        Rule::ProxyUnusable { proxy } => format!(
            "the proxy string \"{proxy}\" cannot be used by .NET Framework: every request fails"
        ),
        Rule::Misspelt { meant } => {
            format!("\"{entry}\" is no known name; \"{meant}\" was probably meant")
        }
        Rule::Slash { cidr } => {
            let what = if *cidr {
                "is a range, which no list can express"
            } else {
                "holds a /"
            };
            format!(
                "\"{entry}\" {what}: WinINet then sends everything direct, .NET Framework passes \
                 over the entry"
            )
        }
        Rule::NotAscii => format!("\"{entry}\" is not ASCII: readers decode it differently"),
        Rule::AgainstRoute { service } => format!(
            "\"{entry}\" sends {} direct, but that goes by the proxy here",
            prose::service(*service)
        ),
        Rule::Long { characters, limit } => format!(
            "the list has {characters} characters, more than {}",
            match limit {
                2064 => "Windows' own dialogs keep (2,064)",
                1024 => "libproxy reads (1,024)",
                _ => "scripts with one-byte lengths write (255)",
            }
        ),
        Rule::Missing { name, service } => format!(
            "no entry covers \"{name}\" ({}), so that it goes to the proxy",
            prose::service(*service)
        ),
        Rule::ReadersPart => {
            format!("\"{entry}\" means one thing to .NET Framework and another to WinINet")
        }
        Rule::WildcardNotInFront => {
            format!("WinHTTP and BITS document wildcards at the front only, not as in \"{entry}\"")
        }
        Rule::RunTogether => format!(
            "\"{}\" is one dead entry to .NET Framework, which separates by ; alone, and several \
             to WinINet",
            entry.escape_debug()
        ),
        Rule::Duplicate { first } => {
            format!("\"{entry}\" is listed before, as entry {}", first + 1)
        }
        Rule::Covered { by } => format!("\"{entry}\" is covered by \"{by}\""),
        Rule::PlatformMissing { name } => format!(
            "\"{name}\" is not listed: it answers only from inside the machine, and must not go \
             to the proxy"
        ),
        Rule::LeadingDot => format!("\"{entry}\" begins with a dot, as no host does"),
        Rule::NarrowerThanRange { range } => {
            format!("\"{entry}\" is only a part of the published range {range}")
        }
        Rule::WiderThanRange { range } => {
            format!("\"{entry}\" is more than the published range {range}")
        }
        Rule::AddressPattern => format!(
            "\"{entry}\" matches addresses in URLs only: a list is compared before DNS, and Azure \
             is asked for by name"
        ),
        Rule::NoLongerPublished => format!(
            "\"{entry}\" is in the article of October 2022; no document asks for it any more"
        ),
        Rule::WiderThanNeeded { enough } => {
            format!("\"{entry}\" covers \"{enough}\" and much that was not asked for")
        }
        Rule::ApexNotCovered { apex, .. } => {
            format!("\"{entry}\" does not cover \"{apex}\" itself")
        }
        Rule::LocalMissing => "<local> is missing: names without a dot go to the proxy".to_owned(),
        Rule::MinusLoopback => format!(
            "\"{entry}\" sends localhost and link-local addresses to the proxy for WinINet; it is \
             nothing to .NET Framework"
        ),
        Rule::Comma => format!("\"{entry}\" holds a comma, which separates nothing"),
        Rule::StrayCharacter { character } => format!(
            "\"{entry}\" holds U+{:04X}, which no host does",
            u32::from(*character)
        ),
        Rule::LineBreak => {
            "the list has line breaks after its separators: harmless to both consumers, not to \
             every tool"
                .to_owned()
        }
        Rule::DefaultPort { port } => format!(
            "\"{entry}\" never matches for .NET Framework, which leaves the default port {port} out"
        ),
        Rule::ReachesScheme => format!(
            "\"{entry}\" also matches inside \"https://\" for .NET Framework, and so hosts that it \
             does not name"
        ),
        Rule::Dead { consumer } => format!("\"{entry}\" matches nothing for {consumer}"),
    }
}

/// What to do about it.
pub(crate) fn remedy(rule: &Rule) -> String {
    match rule {
        Rule::ProxyUnusable { .. } => {
            "write host:port, or http=host:port;https=host:port, without a trailing ;".to_owned()
        }
        Rule::Misspelt { meant } => format!("write {meant}"),
        Rule::Slash { cidr: true } => {
            "drop it; ranges belong in firewalls and route tables".to_owned()
        }
        Rule::Slash { cidr: false } => "write the host alone".to_owned(),
        Rule::NotAscii => "write the name's punycode form (xn--...)".to_owned(),
        Rule::AgainstRoute { .. } => "drop it, or choose the direct route".to_owned(),
        Rule::Long { .. } => {
            "nothing, where no such reader is used; `--minimise` shortens".to_owned()
        }
        Rule::Missing { name, .. } | Rule::PlatformMissing { name } => format!("add {name}"),
        Rule::ReadersPart => "write the hosts out, or a wildcard between dots".to_owned(),
        Rule::WildcardNotInFront => "do not count on it for WinHTTP and BITS".to_owned(),
        Rule::RunTogether => "put ; between the entries".to_owned(),
        Rule::Duplicate { .. } | Rule::Covered { .. } => "it can go".to_owned(),
        Rule::LeadingDot => "write *. and the domain".to_owned(),
        Rule::NarrowerThanRange { .. } | Rule::WiderThanRange { .. } => {
            "drop it; the range belongs in firewalls and route tables".to_owned()
        }
        Rule::AddressPattern => "keep it only where URLs hold such addresses".to_owned(),
        Rule::NoLongerPublished => "drop it, unless something else here needs it".to_owned(),
        Rule::WiderThanNeeded { enough } => format!("write {enough}"),
        Rule::ApexNotCovered { apex, .. } => format!("add {apex} where it is meant, too"),
        Rule::LocalMissing => "add <local>".to_owned(),
        Rule::MinusLoopback => "drop it, unless a debugging proxy is to see loopback".to_owned(),
        Rule::Comma => "write ; instead".to_owned(),
        Rule::StrayCharacter { .. } => "type the entry again".to_owned(),
        Rule::LineBreak => "join the lines".to_owned(),
        Rule::DefaultPort { .. } => "leave the port out".to_owned(),
        Rule::ReachesScheme => "begin with *. and a domain, or write the hosts out".to_owned(),
        Rule::Dead { .. } => "drop it, or write a host".to_owned(),
    }
}
