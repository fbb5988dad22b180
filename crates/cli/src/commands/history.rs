//! `sidestep history`: the runs that changed settings or backed up.

use serde_json::{Value, json};
use sidestep_machine::{JournalError, JournalFile, Store, runs};
use sidestep_model::account::Account;
use sidestep_model::finding::Code;
use sidestep_model::journal::{Backup, Command, Kept, OrderFate, Run, TransactionEnd, undone_by};

use crate::args;
use crate::at::At;
use crate::error::{CommandError, Exit, chain};
use crate::output::Printer;
use crate::plan_view::value_lines;
use crate::prose;
use crate::render::{local_time, table};

pub(crate) fn run(args: &args::History, printer: Printer) -> Result<Exit, CommandError> {
    let store = At::said_or_here(args.at.as_ref())?.open()?;
    let folder = store.journal_folder();
    if !folder.exists() {
        // No run has changed what is not there, but nobody means that.
        store.read()?;
    }
    let mut readable = Vec::new();
    let mut damaged = Vec::new();
    for JournalFile { path, run } in runs(&folder)? {
        match run {
            Ok(run) => readable.push(run),
            Err(error) => damaged.push((path, error)),
        }
    }
    if let Some(number) = args.run {
        let run = readable.iter().find(|run| run.begin.run.0 == number);
        let run = run.ok_or_else(|| {
            let message = format!("there is no run {number} that can be read");
            CommandError::new(Exit::Usage, Code::RUN_UNKNOWN, message)
                .hint("`sidestep history` without a number lists them")
        })?;
        if printer.json {
            printer.document(&run_document(run, &readable))?;
        } else {
            printer.text(&run_text(run, &readable))?;
        }
        return Ok(Exit::Done);
    }
    if printer.json {
        let runs: Vec<Value> = readable
            .iter()
            .map(|run| run_document(run, &readable))
            .collect();
        let damaged: Vec<Value> = damaged
            .iter()
            .map(|(path, error)| json!({ "file": path, "message": chain(error) }))
            .collect();
        printer.document(&json!({ "runs": runs, "damaged": damaged }))?;
    } else {
        printer.text(&list_text(&readable, &damaged))?;
    }
    Ok(Exit::Done)
}

fn list_text(runs: &[Run], damaged: &[(std::path::PathBuf, JournalError)]) -> String {
    let mut text = if runs.is_empty() {
        "no run has changed these settings\n".to_owned()
    } else {
        let mut rows = table(&["Run", "Time", "Command", "Accounts", "Outcome"]);
        for run in runs {
            rows.add_row(vec![
                run.begin.run.to_string(),
                local_time(run.begin.time),
                command(run.begin.command),
                accounts(run)
                    .map(prose::account)
                    .collect::<Vec<_>>()
                    .join(", "),
                outcome(run, runs),
            ]);
        }
        format!("{}\n", rows.trim_fmt())
    };
    for (_, error) in damaged {
        text = format!("{text}\nunreadable: {}\n", chain(error));
    }
    text
}

fn run_text(run: &Run, runs: &[Run]) -> String {
    let mut lines = vec![format!(
        "Run {}: {}, {}, {}, at {}",
        run.begin.run,
        command(run.begin.command),
        local_time(run.begin.time),
        outcome(run, runs),
        run.begin.at
    )];
    let intents = run.transactions.iter().flat_map(|one| &one.intents);
    for intent in intents.filter(|intent| !intent.changes.is_empty()) {
        lines.push(format!("{} ({})", intent.account, intent.account.sid()));
        lines.extend(value_lines(intent));
    }
    for backup in &run.backups {
        let ordered = local_time(backup.order.time);
        let job = job(backup).map_or_else(String::new, |job| format!(", job {job}"));
        let (kind, said) = (&backup.order.kind, backup_text(backup));
        lines.push(format!("{said}: {kind}, ordered {ordered}{job}"));
    }
    lines.join("\n") + "\n"
}

fn run_document(run: &Run, runs: &[Run]) -> Value {
    let transactions: Vec<Value> = run
        .transactions
        .iter()
        .map(|transaction| json!({ "accounts": transaction.intents }))
        .collect();
    json!({
        "run": run.begin.run,
        "time": run.begin.time,
        "command": run.begin.command,
        "at": run.begin.at,
        "outcome": outcome_key(run),
        "undone_by": undone_by(run.begin.run, runs),
        "kept": run.kept(),
        "transactions": transactions,
        "backups": run.backups.iter().map(backup_document).collect::<Vec<_>>(),
    })
}

fn backup_document(backup: &Backup) -> Value {
    json!({
        "database": backup.order.database,
        "item": backup.order.item,
        "kind": backup.order.kind,
        "time": backup.order.time,
        "job": job(backup),
        "outcome": backup_key(backup),
    })
}

fn job(backup: &Backup) -> Option<&str> {
    match &backup.fate {
        OrderFate::Open | OrderFate::Dropped => None,
        OrderFate::Job(job) | OrderFate::Ended { job, .. } => Some(job),
    }
}

fn backup_key(backup: &Backup) -> &'static str {
    match backup.fate {
        OrderFate::Open => "unknown",
        OrderFate::Dropped => "not-begun",
        OrderFate::Job(_) => "begun",
        OrderFate::Ended {
            is_complete: true, ..
        } => "done",
        OrderFate::Ended { .. } => "failed",
    }
}

fn backup_text(backup: &Backup) -> String {
    let database = &backup.order.database;
    match backup_key(backup) {
        "done" => format!("{database} backed up"),
        "unknown" => {
            format!("backup of {database} ordered; the next run finds out what became of it")
        }
        "begun" => format!("backup of {database} begun; the next run follows it"),
        "not-begun" => format!("backup of {database} not begun"),
        key => format!("backup of {database} {key}"),
    }
}

fn accounts(run: &Run) -> impl Iterator<Item = Account> {
    let touches = |account: &Account| {
        let mut intents = run.transactions.iter().flat_map(|one| &one.intents);
        intents.any(|intent| intent.account == *account && !intent.changes.is_empty())
    };
    Account::ALL.into_iter().filter(touches)
}

fn command(command: Command) -> String {
    match command {
        Command::Apply => "apply".to_owned(),
        Command::Run => "run".to_owned(),
        Command::Undo(run) => format!("undo {run}"),
    }
}

fn outcome_key(run: &Run) -> &'static str {
    match run.transactions.last().map(|last| &last.end) {
        None => "nothing-changed",
        Some(None) => "interrupted",
        Some(Some(TransactionEnd::Committed(_))) => "done",
        Some(Some(TransactionEnd::RolledBack { .. })) => "put-back",
    }
}

fn outcome(run: &Run, runs: &[Run]) -> String {
    let undone_by = undone_by(run.begin.run, runs);
    let undo = undone_by.and_then(|by| runs.iter().find(|one| one.begin.run == by));
    let but = |run: &Run| {
        let kept: Vec<String> = run.kept().into_iter().map(name).collect();
        if kept.is_empty() {
            String::new()
        } else {
            format!(", but for {}", kept.join(", "))
        }
    };
    let settings = match (outcome_key(run), undo) {
        ("nothing-changed", _) if !run.backups.is_empty() => None,
        ("done", Some(undo)) => Some(format!("undone by run {}{}", undo.begin.run, but(undo))),
        ("interrupted", _) => Some("interrupted; the next apply or undo puts it right".to_owned()),
        (key, _) => Some(key.replace('-', " ") + &but(run)),
    };
    let backups = run.backups.iter().map(backup_text);
    let parts: Vec<String> = settings.into_iter().chain(backups).collect();
    parts.join(", ")
}

fn name(kept: Kept) -> String {
    format!("{} of {}", kept.value.name(), prose::account(kept.account))
}
