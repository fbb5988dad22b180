//! What is the matter with a list, whatever a site wants of it.

use crate::account::Account;
use crate::bypass::{BypassList, Consumer, Entry, EntryForm, readers_agree};
use crate::catalogue::Catalogue;
use crate::finding::Finding;

/// The longest list that every known reader takes: scripts and tools with
/// one-byte lengths break above it; others at 1,024 (libproxy's buffer) and
/// 2,064 characters (the limit of Windows' own dialogs).
const SHORTEST_LIST_LIMIT: usize = 255;

/// Names what breaks a list, what its readers part on, and what is misspelt.
pub(crate) fn inspect(
    account: Account,
    catalogue: &'static Catalogue,
    list: &str,
    findings: &mut Vec<Finding>,
) {
    for entry in BypassList::parse(list, Consumer::Wininet).entries() {
        let breaks_a_reader = breaks_a_reader(entry);
        let entry = &entry.text;
        if breaks_a_reader {
            findings.push(Finding::EntryBreaksList {
                account,
                entry: entry.clone(),
            });
        } else if !readers_agree(entry) {
            findings.push(Finding::ReadersDisagree {
                account,
                text: entry.clone(),
            });
        } else if let Some(meant) = catalogue.misspelling_of(entry) {
            findings.push(Finding::MisspeltName {
                entry: entry.clone(),
                meant: meant.to_owned(),
            });
        }
    }
    let characters = list.chars().count();
    if characters > SHORTEST_LIST_LIMIT {
        findings.push(Finding::ListLong {
            account,
            characters,
        });
    }
}

/// What breaks a list for a reader, also where it would separate entries for
/// another, as a line end does.
pub(crate) fn breaking_entries(list: &str) -> Vec<String> {
    let parts = list
        .split(';')
        .filter(|part| part.contains(char::is_control));
    let mut breaking: Vec<String> = parts.map(str::to_owned).collect();
    for entry in BypassList::parse(list, Consumer::Wininet).entries() {
        let is_known = breaking.iter().any(|part| part.contains(&entry.text));
        if breaks_a_reader(entry) && !is_known {
            breaking.push(entry.text.clone());
        }
    }
    breaking
}

/// A `/` outside a scheme makes `WinINet` drop the whole list; text that is not
/// ASCII, or not printed, means different things to different readers.
fn breaks_a_reader(entry: &Entry) -> bool {
    let is_odd = |character: char| !character.is_ascii() || character.is_control();
    entry.form == EntryForm::Poison || entry.text.contains(is_odd)
}
