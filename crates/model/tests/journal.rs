//! A journal is read as it was written, or not at all.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use jiff::Timestamp;
use proptest::prelude::*;
use sidestep_model::account::Account;
use sidestep_model::journal::{
    BackupOrder, Begin, Command, FORMAT, Intent, JournalErrorKind, Kept, OrderFate, Record,
    Recorded, Run, RunNumber, Sealer, TransactionEnd, last_backup, last_undoable, overlaid_by,
    undone_by,
};
use sidestep_model::observed::{SettingsKey, ValueName};
use sidestep_model::redacted::Redacted;
use sidestep_model::registry::RegistryData;

/// A journal of the first format. It is never written anew: a Sidestep of any
/// later version has to read it.
const FORMAT_1: &[u8] = include_bytes!("data/journal/format-1.jsonl");

fn time() -> Timestamp {
    "2026-11-24T05:36:37.5Z".parse().unwrap()
}

fn begin(run: u32, command: Command) -> Record {
    Record::Begin(Begin {
        format: FORMAT,
        run: RunNumber(run),
        time: time(),
        sidestep: "0.1.0".to_owned(),
        command,
        at: "server.reg".to_owned(),
    })
}

fn intent(value: ValueName) -> Record {
    let text = |text: &str| Redacted::of(value, &RegistryData::Text(text.to_owned()));
    Record::Intent {
        accounts: vec![Intent {
            account: Account::System,
            new_keys: vec![SettingsKey::Connections],
            removed_keys: Vec::new(),
            changes: vec![Recorded {
                value,
                before: Some(text("*.corp.example")),
                after: Some(text("*.corp.example;地域")),
            }],
        }],
        kept: Vec::new(),
    }
}

fn write(value: ValueName) -> Record {
    Record::Write {
        account: Account::System,
        value,
    }
}

fn whole(run: u32, command: Command, value: ValueName) -> Vec<Record> {
    let commit = Record::Commit { time: time() };
    vec![begin(run, command), intent(value), write(value), commit]
}

fn sealed(records: &[Record]) -> Vec<u8> {
    let mut sealer = Sealer::default();
    let lines = records.iter().map(|record| sealer.seal(record));
    lines.collect::<String>().into_bytes()
}

fn run(number: u32, command: Command) -> Run {
    let records = whole(number, command, ValueName::ProxyOverride);
    Run::parse(&sealed(&records)).unwrap().unwrap()
}

#[test]
fn the_first_format_stays_readable() {
    let run = Run::parse(FORMAT_1).unwrap().unwrap();
    assert_eq!(run.begin.run, RunNumber(7));
    assert_eq!(run.begin.command, Command::Undo(RunNumber(6)));
    assert_eq!(run.sound_bytes, FORMAT_1.len());
    let ends: Vec<_> = run.transactions.iter().map(|one| &one.end).collect();
    let kept = Kept {
        account: Account::Plugin,
        value: ValueName::ProxyOverride,
    };
    assert_eq!(
        ends,
        [
            &Some(TransactionEnd::Committed(time())),
            &Some(TransactionEnd::RolledBack {
                time: time(),
                kept: vec![kept]
            }),
            &None,
        ]
    );
    let [committed] = &run.committed()[..] else {
        panic!("one account was changed")
    };
    assert_eq!(committed.removed_keys, [SettingsKey::InternetSettings]);
    let data: Vec<_> = committed
        .changes
        .iter()
        .map(|change| change.after.as_ref().map(Redacted::data))
        .collect();
    assert_eq!(
        data,
        [
            Some(&RegistryData::Dword(1)),
            Some(&RegistryData::Text("http://***@10.2.0.16:8080".to_owned())),
            Some(&RegistryData::ExpandText("%PROXY%".to_owned())),
            Some(&RegistryData::Other {
                kind: 7,
                bytes: vec![0x61, 0]
            }),
            Some(&RegistryData::Binary(vec![0x46, 0, 0, 0])),
            None,
        ]
    );
}

/// What today's writer makes of the same record is the fixture, byte for byte;
/// a difference is a new format and needs a new number.
#[test]
fn the_fixture_begins_as_a_journal_does_today() {
    let run = Run::parse(FORMAT_1).unwrap().unwrap();
    let mut lines = FORMAT_1.split_inclusive(|byte| *byte == b'\n');
    let first = sealed(&[Record::Begin(run.begin)]);
    assert_eq!(lines.next().unwrap(), first);
}

#[test]
fn what_was_torn_off_at_the_end_counts_for_nothing() {
    let records = whole(1, Command::Apply, ValueName::ProxyOverride);
    let bytes = sealed(&records);
    let ends: Vec<usize> = (0..=records.len())
        .map(|count| sealed(&records[..count]).len())
        .collect();
    for length in 0..=bytes.len() {
        let sound = ends.iter().rev().find(|end| **end <= length).unwrap();
        match Run::parse(&bytes[..length]).unwrap() {
            Some(run) => assert_eq!(run.sound_bytes, *sound, "cut at {length}"),
            None => assert!(length < ends[1], "cut at {length}"),
        }
    }
    // The first line is short: whole but wrong, it was not torn off.
    for wrong in [&b"rubbish\n"[..], b"\0\xff{\n\0\0", b"\n"] {
        let error = Run::parse(wrong).unwrap_err();
        assert_eq!((error.line, error.kind), (1, JournalErrorKind::Damaged));
    }
    // A file system that lost power can leave zeros where a line was to be.
    let mut zeros = bytes[..ends[3]].to_vec();
    zeros.extend([0; 200]);
    let run = Run::parse(&zeros).unwrap().unwrap();
    assert_eq!(run.sound_bytes, ends[3]);
    assert!(run.interrupted().is_some());
}

#[test]
fn a_line_out_of_place_or_of_a_later_format_is_refused() {
    let kind = |bytes: &[u8]| Run::parse(bytes).unwrap_err().kind;
    let value = ValueName::ProxyOverride;
    for records in [
        vec![intent(value)],
        vec![begin(1, Command::Apply), write(value)],
        vec![begin(1, Command::Apply), begin(1, Command::Apply)],
        vec![begin(1, Command::Apply), intent(value), intent(value)],
    ] {
        assert_eq!(kind(&sealed(&records)), JournalErrorKind::OutOfPlace);
    }
    let mut later = begin(1, Command::Apply);
    if let Record::Begin(begin) = &mut later {
        begin.format = FORMAT + 1;
    }
    assert_eq!(
        kind(&sealed(&[later])),
        JournalErrorKind::LaterFormat(FORMAT + 1)
    );
}

#[test]
fn undoing_pairs_runs_like_brackets() {
    let undo = |of| Command::Undo(RunNumber(of));
    let runs = [
        run(1, Command::Apply),
        run(2, Command::Apply),
        run(3, undo(2)),
    ];
    let last = |runs: &[Run]| last_undoable(runs).map(|run| run.begin.run.0);
    assert_eq!(last(&runs), Some(1));
    assert_eq!(undone_by(RunNumber(2), &runs), Some(RunNumber(3)));
    assert_eq!(overlaid_by(&runs[0], &runs), None);
    assert_eq!(
        overlaid_by(&runs[0], &runs[..2]),
        Some(RunNumber(2)),
        "the second run wrote the same value"
    );

    // An undo that is undone itself counts no longer.
    let more = [&runs[..], &[run(4, undo(3))]].concat();
    assert_eq!(undone_by(RunNumber(2), &more), None);
    assert_eq!(last(&more), Some(2));
    let done = [&runs[..], &[run(4, undo(1))]].concat();
    assert_eq!(last(&done), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A changed byte is noticed: what is read is a beginning of what was written.
    #[test]
    fn a_changed_byte_never_passes_for_a_record(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let records = whole(1, Command::Apply, ValueName::ProxyOverride);
        let mut bytes = sealed(&records);
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let intact = Run::parse(&sealed(&records)).unwrap().unwrap();
        match Run::parse(&bytes) {
            Ok(Some(run)) => {
                prop_assert_eq!(run.begin, intact.begin);
                prop_assert!(run.sound_bytes <= at);
            }
            Ok(None) => prop_assert!(at < sealed(&records[..1]).len()),
            Err(error) => prop_assert!(error.line >= 1),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(Run::parse(&bytes));
    }
}

fn order(item: &str) -> Record {
    Record::BackupOrder(BackupOrder {
        item: item.to_owned(),
        database: "MSSQLSERVER/orders".to_owned(),
        kind: "Full".to_owned(),
        time: time(),
        request: "0f0e0d0c-0b0a-4908-8706-050403020100".to_owned(),
    })
}

/// Backups as they are written down. Like the fixture, these lines never change:
/// a lost order is found again by them.
#[test]
fn backups_are_written_down_as_ever() {
    let records = [
        begin(7, Command::Run),
        order("/vaults/v/protectedItems/i"),
        Record::BackupJob {
            job: "j".to_owned(),
        },
        Record::BackupEnd {
            job: "j".to_owned(),
            is_complete: true,
        },
        order("/vaults/v/protectedItems/i"),
        Record::BackupDropped { time: time() },
    ];
    let written = String::from_utf8(sealed(&records)).unwrap();
    let entries: Vec<&str> = written
        .lines()
        .skip(1)
        .map(|line| line.split_once("\"entry\":").unwrap().1)
        .map(|entry| entry.strip_suffix('}').unwrap())
        .collect();
    let order = r#"{"record":"backup-order","item":"/vaults/v/protectedItems/i","database":"MSSQLSERVER/orders","kind":"Full","time":"2026-11-24T05:36:37.5Z","request":"0f0e0d0c-0b0a-4908-8706-050403020100"}"#;
    assert_eq!(
        entries,
        [
            order,
            r#"{"record":"backup-job","job":"j"}"#,
            r#"{"record":"backup-end","job":"j","is_complete":true}"#,
            order,
            r#"{"record":"backup-dropped","time":"2026-11-24T05:36:37.5Z"}"#,
        ]
    );
}

#[test]
fn a_backup_is_known_by_its_item_and_a_run_of_backups_changes_nothing() {
    let of = |number: u32, item: &str, end: Record| {
        let records = [begin(number, Command::Run), order(item), end];
        Run::parse(&sealed(&records)).unwrap().unwrap()
    };
    let runs = [
        run(1, Command::Run),
        of(
            3,
            "/vaults/new/protectedItems/i",
            Record::BackupJob {
                job: "third".to_owned(),
            },
        ),
        of(
            2,
            "/vaults/old/protectedItems/i",
            Record::BackupEnd {
                job: "second".to_owned(),
                is_complete: true,
            },
        ),
    ];
    let fate = |item: &str| last_backup(&runs, item).map(|backup| &backup.fate);
    assert_eq!(
        fate("/Vaults/new/protecteditems/I"),
        Some(&OrderFate::Job("third".to_owned()))
    );
    assert!(matches!(
        fate("/vaults/old/protectedItems/i"),
        Some(OrderFate::Ended {
            is_complete: true,
            ..
        })
    ));
    assert_eq!(fate("/vaults/other/protectedItems/i"), None);
    // What can be undone is what changed settings.
    assert_eq!(last_undoable(&runs).unwrap().begin.run, RunNumber(1));
}
