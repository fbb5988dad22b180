//! Journals: the input is a journal's bytes, and each of its lines a record to seal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sidestep_model::account::Account;
use sidestep_model::journal::{JournalErrorKind, Record, Run, Sealer, Transaction, recover};
use sidestep_model::observed::{Observed, ObservedAccount, SettingsKey};
use sidestep_model::plan::Plan;
use sidestep_model::redacted::Redacted;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(run)) = Run::parse(bytes) {
        // The sound part alone is the same run.
        let again = Run::parse(&bytes[..run.sound_bytes]);
        assert_eq!(again.as_ref(), Ok(&Some(run)));
    }
    let lines = bytes.split(|byte| *byte == b'\n');
    let records: Vec<Record> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let mut sealer = Sealer::default();
    let sealed: String = records.iter().map(|record| sealer.seal(record)).collect();
    match Run::parse(sealed.as_bytes()) {
        Ok(Some(run)) => {
            assert_eq!(run.sound_bytes, sealed.len());
            is_recovered(&run);
        }
        Ok(None) => assert!(records.is_empty()),
        Err(error) => assert_ne!(error.kind, JournalErrorKind::Damaged, "{sealed}"),
    }
});

/// Whatever was interrupted, putting it right leads to a machine on which
/// nothing is left to put right.
fn is_recovered(run: &Run) {
    // Sidestep writes no value twice in one transaction.
    let is_sound = |transaction: &&Transaction| {
        let intents = transaction.intents.iter();
        let mut values: Vec<_> = intents
            .flat_map(|intent| {
                intent
                    .changes
                    .iter()
                    .map(|change| (intent.account, change.value))
            })
            .collect();
        let count = values.len();
        values.sort_unstable();
        values.dedup();
        values.len() == count
    };
    for transaction in run.transactions.iter().filter(is_sound) {
        for written in [false, true] {
            let mut machine = Observed::default();
            for intent in &transaction.intents {
                let account = account_of(&mut machine, intent.account);
                account.exists = true;
                account.keys = SettingsKey::ALL.into();
                for change in &intent.changes {
                    let data = if written {
                        &change.after
                    } else {
                        &change.before
                    };
                    match data.as_ref().map(Redacted::data) {
                        Some(data) => account.values.insert(change.value, data.clone()),
                        None => account.values.remove(&change.value),
                    };
                }
            }
            drop(recover(transaction, &machine));
            for intent in &transaction.intents {
                let plan = Plan::inverse(intent, &machine);
                let mut after = machine.clone();
                let here = machine.account(intent.account).after(&plan.changes);
                *account_of(&mut after, intent.account) = here;
                assert!(Plan::inverse(intent, &after).changes.is_empty());
            }
        }
    }
}

fn account_of(machine: &mut Observed, account: Account) -> &mut ObservedAccount {
    match account {
        Account::System => &mut machine.system,
        Account::Plugin => &mut machine.plugin,
        Account::Machine => &mut machine.machine,
        Account::Machine32 => &mut machine.machine_32,
    }
}
