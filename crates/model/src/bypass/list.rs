//! A whole list: split into entries, then asked about destinations.

use std::ops::Range;

use super::entry::{Entry, EntryForm};
use super::{Consumer, HostContext, matching};
use crate::destination::Destination;

/// A bypass list as one consumer reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BypassList {
    consumer: Consumer,
    entries: Vec<Entry>,
}

impl BypassList {
    /// Reads any text; no list is refused, entries that mean nothing are kept
    /// and say so.
    #[must_use]
    pub fn parse(text: &str, consumer: Consumer) -> Self {
        let entries = spans(text, consumer)
            .enumerate()
            .map(|(index, span)| {
                let entry = &text[span.clone()];
                Entry {
                    text: entry.to_owned(),
                    span,
                    index,
                    form: EntryForm::parse(entry, consumer),
                }
            })
            .collect();
        Self { consumer, entries }
    }

    /// The entries in their order; empty ones are dropped, as both consumers do.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The consumer that it was read for.
    #[must_use]
    pub fn consumer(&self) -> Consumer {
        self.consumer
    }

    /// Whether the destination goes around the proxy, and why. Only .NET's
    /// `<local>` asks for `host`.
    #[must_use]
    pub fn decide(&self, destination: &Destination, host: &HostContext) -> Decision {
        match self.consumer {
            Consumer::DotnetFramework => self.decide_dotnet(destination, host),
            Consumer::Wininet => self.decide_wininet(destination, host),
        }
    }

    /// The entry that covers the destination, whatever the consumer does without
    /// being told; for `WinINet` the last one, and whatever `<-loopback>` says.
    #[must_use]
    pub fn coverage(&self, destination: &Destination, host: &HostContext) -> Decision {
        let poison = |entry: &&Entry| entry.form == EntryForm::Poison;
        if let Some(entry) = self.entries.iter().find(poison) {
            return Decision::Direct(DirectBecause::ListInvalid { index: entry.index });
        }
        let covers = |entry: &&Entry| self.covers(entry, destination, host);
        let entry = match self.consumer {
            Consumer::DotnetFramework => self.entries.iter().find(covers),
            Consumer::Wininet => self.entries.iter().rfind(covers),
        };
        entry.map_or(Decision::NotListed, |entry| {
            Decision::Direct(DirectBecause::Entry { index: entry.index })
        })
    }

    /// Loopback first, whatever the list says; then any entry will do.
    fn decide_dotnet(&self, destination: &Destination, host: &HostContext) -> Decision {
        if destination.is_implicit(self.consumer) {
            return Decision::Direct(DirectBecause::Implicit);
        }
        self.entries
            .iter()
            .find(|entry| self.covers(entry, destination, host))
            .map_or(Decision::NotListed, |entry| {
                Decision::Direct(DirectBecause::Entry { index: entry.index })
            })
    }

    /// From left to right, the implicit set before everything; the last entry
    /// that concerns the destination decides.
    fn decide_wininet(&self, destination: &Destination, host: &HostContext) -> Decision {
        if let Some(entry) = self
            .entries
            .iter()
            .find(|entry| entry.form == EntryForm::Poison)
        {
            return Decision::Direct(DirectBecause::ListInvalid { index: entry.index });
        }
        let implicit = destination.is_implicit(self.consumer);
        for entry in self.entries.iter().rev() {
            if self.covers(entry, destination, host) {
                return Decision::Direct(DirectBecause::Entry { index: entry.index });
            }
            if implicit && entry.form == EntryForm::MinusLoopback {
                return Decision::NotListed;
            }
        }
        if implicit {
            Decision::Direct(DirectBecause::Implicit)
        } else {
            Decision::NotListed
        }
    }

    /// Whether the entry at a place is `<-loopback>`.
    pub(super) fn is_minus_loopback(&self, index: usize) -> bool {
        self.entries[index].form == EntryForm::MinusLoopback
    }

    /// Whether the entry at a place covers a destination.
    pub(super) fn covers_at(
        &self,
        index: usize,
        destination: &Destination,
        host: &HostContext,
    ) -> bool {
        self.covers(&self.entries[index], destination, host)
    }

    /// Whether the entry at a place covers `https://` and this host, in lower case.
    pub(super) fn covers_host_at(&self, index: usize, host: &str) -> bool {
        match &self.entries[index].form {
            EntryForm::Local => !host.contains(['.', '[']),
            EntryForm::Pattern(pattern) => matching::covers_host(pattern, host, self.consumer),
            EntryForm::MinusLoopback | EntryForm::Poison | EntryForm::Dead(_) => false,
        }
    }

    fn covers(&self, entry: &Entry, destination: &Destination, host: &HostContext) -> bool {
        match &entry.form {
            EntryForm::Local => matching::is_local(destination, self.consumer, host),
            EntryForm::Pattern(pattern) => matching::covers(pattern, destination, self.consumer),
            EntryForm::MinusLoopback | EntryForm::Poison | EntryForm::Dead(_) => false,
        }
    }
}

/// What a list says of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Around the proxy.
    Direct(DirectBecause),
    /// Nothing keeps it from the proxy.
    NotListed,
}

/// Why a destination goes around the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectBecause {
    /// An entry covers it.
    Entry {
        /// The entry's place in the list, from 0.
        index: usize,
    },
    /// The consumer never proxies it, unless told to: the loopback, and for
    /// `WinINet` the link-local addresses.
    Implicit,
    /// The list sends everything direct (`WinINet`).
    ListInvalid {
        /// The first entry that does so.
        index: usize,
    },
}

/// A list of these entries, joined by `;`, the only separator that every
/// consumer splits on.
pub fn join<'a>(entries: impl IntoIterator<Item = &'a str>) -> String {
    entries.into_iter().collect::<Vec<_>>().join(";")
}

/// Where the entries stand: .NET splits on `;` and trims any white space
/// (`ParseBypassList` in _WebProxyDataBuilder.cs, microsoft/referencesource);
/// `WinINet` also splits on ASCII white space ("Enabling Internet
/// Functionality", MicrosoftDocs/win32).
fn spans(text: &str, consumer: Consumer) -> impl Iterator<Item = Range<usize>> {
    let separates = move |c: char| {
        c == ';' || (consumer == Consumer::Wininet && matches!(c, '\t'..='\r' | ' '))
    };
    text.split(separates)
        .scan(0, |start, piece| {
            let at = *start;
            *start += piece.len() + 1;
            Some((at, piece))
        })
        .filter_map(move |(at, piece)| {
            let piece_start = match consumer {
                Consumer::DotnetFramework => piece.trim_start(),
                Consumer::Wininet => piece,
            };
            let start = at + piece.len() - piece_start.len();
            let trimmed = match consumer {
                Consumer::DotnetFramework => piece_start.trim_end(),
                Consumer::Wininet => piece_start,
            };
            (!trimmed.is_empty()).then(|| start..start + trimmed.len())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &str, consumer: Consumer) -> Vec<String> {
        BypassList::parse(list, consumer)
            .entries()
            .iter()
            .map(|entry| entry.text.clone())
            .collect()
    }

    #[test]
    fn only_semicolons_separate_for_dotnet() {
        let list = " a b ;;\u{a0}c\r\n;d ";
        assert_eq!(texts(list, Consumer::DotnetFramework), ["a b", "c", "d"]);
        assert_eq!(texts(list, Consumer::Wininet), ["a", "b", "\u{a0}c", "d"]);
    }

    #[test]
    fn joined_entries_come_back() {
        let entries = ["*.blob.core.windows.net", "169.254.169.254", "<local>"];
        for consumer in Consumer::ALL {
            assert_eq!(texts(&join(entries), consumer), entries);
        }
    }

    #[test]
    fn the_deciding_entry_is_named() {
        let destination = Destination::parse("https://login.microsoftonline.com/").unwrap();
        let list = "x.example;login.microsoftonline.com;*.microsoftonline.com";
        let decide = |consumer| {
            BypassList::parse(list, consumer).decide(&destination, &HostContext::default())
        };
        assert_eq!(
            decide(Consumer::DotnetFramework),
            Decision::Direct(DirectBecause::Entry { index: 1 })
        );
        assert_eq!(
            decide(Consumer::Wininet),
            Decision::Direct(DirectBecause::Entry { index: 2 })
        );
    }

    #[test]
    fn a_slash_sends_everything_direct_for_wininet() {
        let destination = Destination::parse("https://unrelated.example/").unwrap();
        let list = BypassList::parse("a.example;10.0.0.0/8", Consumer::Wininet);
        assert_eq!(
            list.decide(&destination, &HostContext::default()),
            Decision::Direct(DirectBecause::ListInvalid { index: 1 }),
        );
    }
}
