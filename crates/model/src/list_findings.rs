//! What is the matter with a list, whatever a site wants of it.

use crate::account::Account;
use crate::bypass::{BypassList, Consumer, EntryForm, readers_agree};
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
        // A `/` outside a scheme makes WinINet drop the whole list; text that is
        // not ASCII means different things to different readers.
        let breaks_a_reader = entry.form == EntryForm::Poison || !entry.text.is_ascii();
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
        findings.push(Finding::ListLong { characters });
    }
}
