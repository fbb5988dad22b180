//! `sidestep init`: a commented site file, with what only the owner knows asked for.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use serde_json::json;
use sidestep_azure::Machine;
use sidestep_model::finding::Code;
use sidestep_model::network::Network;
use sidestep_model::site::{self, Site};
use toml_edit::{DocumentMut, Item, Value};

use crate::args::{DnsChoice, Init, RouteChoice};
use crate::error::{CommandError, Exit, chain};
use crate::output::Printer;

pub(crate) fn run(args: &Init, printer: Printer) -> Result<Exit, CommandError> {
    if args.file.exists() {
        let message = format!(
            "{} is there already; it was not touched",
            args.file.display()
        );
        return Err(
            CommandError::new(Exit::Refused, Code::FILE_NOT_WRITTEN, message)
                .hint("name another file: `sidestep init FILE`"),
        );
    }
    let answers = answers(args)?;
    let text = fill(site::SAMPLE, &answers);
    if let Err(mistakes) = Site::parse(&text) {
        let mut error =
            CommandError::usage("these answers make no valid site file; nothing was written");
        for mistake in mistakes {
            error = error.hint(&mistake.kind);
            if let Some(help) = mistake.kind.help() {
                error = error.hint(help);
            }
        }
        return Err(error);
    }
    write_new(&args.file, &text)?;
    if printer.json {
        printer.document(&json!({ "file": args.file }))?;
    } else {
        printer.text(&format!("{}\n", args.file.display()))?;
    }
    printer.note(&format!(
        "fill in the vault, the endpoint's subnet and the proxy, then try it: `sidestep rehearse \
         {}`",
        args.file.display()
    ));
    Ok(Exit::Done)
}

/// What goes into the file: key path → TOML value.
struct Answers(Vec<(&'static str, &'static str, Value)>);

fn answers(args: &Init) -> Result<Answers, CommandError> {
    let entra = match args.entra {
        Some(RouteChoice::Direct) => "direct".to_owned(),
        Some(RouteChoice::Proxy) => "proxy".to_owned(),
        None => ask(
            "How does the VM reach Entra ID, which has no private endpoint?",
            &["direct", "proxy"],
            "--entra",
        )?,
    };
    let dns = match args.dns {
        Some(DnsChoice::Manual) => "manual".to_owned(),
        None if io::stdin().is_terminal() => ask(
            "Who makes the DNS records: Azure's private zones, or another team by hand?",
            &["azure", "manual"],
            "--dns",
        )?,
        Some(DnsChoice::Azure) | None => "azure".to_owned(),
    };
    let mut answers = vec![
        ("bypass", "entra", entra.into()),
        ("dns", "mode", dns.into()),
    ];
    let database = match &args.database {
        Some(database) => Some(database.clone()),
        None if io::stdin().is_terminal() => Some(ask(
            "Which database proves the path (INSTANCE/database)?",
            &[],
            "--database",
        )?),
        None => None,
    };
    if let Some(database) = database {
        answers.push(("sql", "databases", Value::from_iter([database.as_str()])));
        answers.push(("sql", "backup", database.into()));
    }
    if args.from_vm {
        let machine = this_machine()?;
        let cloud = match machine.cloud.as_str() {
            "AzurePublicCloud" => "AzureCloud",
            "AzureUSGovernmentCloud" => "AzureUSGovernment",
            other => other,
        };
        answers.extend([
            ("azure", "cloud", cloud.into()),
            ("azure", "subscription", machine.subscription.into()),
            ("azure", "location", machine.location.into()),
            ("vm", "name", machine.name.into()),
            ("vm", "resource_group", machine.resource_group.into()),
        ]);
    }
    Ok(Answers(answers))
}

fn this_machine() -> Result<Machine, CommandError> {
    let asked = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(Exit::Environment, Code::METADATA_SILENT, error))?
        .block_on(sidestep_azure::machine(&Network::default()));
    asked.map_err(|error| {
        CommandError::new(Exit::Environment, Code::METADATA_SILENT, chain(&error))
            .hint("--from-vm works on the Azure VM itself; leave it out elsewhere")
    })
}

/// Asks on a terminal; elsewhere says which option answers.
fn ask(question: &str, choices: &[&str], option: &str) -> Result<String, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(
            CommandError::usage(format!("nobody is here to answer: {question}"))
                .hint(format!("answer with {option}")),
        );
    }
    let mut lines = io::stdin().lock().lines();
    loop {
        let mut prompt = anstream::stderr().lock();
        let shown = match choices {
            [] => format!("{question} "),
            _ => format!("{question} [{}] ", choices.join("/")),
        };
        drop(
            prompt
                .write_all(shown.as_bytes())
                .and_then(|()| prompt.flush()),
        );
        drop(prompt);
        let Some(Ok(line)) = lines.next() else {
            return Err(CommandError::usage("no answer; nothing was written")
                .hint(format!("answer with {option}")));
        };
        let answer = line.trim();
        if choices.contains(&answer) || (choices.is_empty() && !answer.is_empty()) {
            return Ok(answer.to_owned());
        }
    }
}

/// The sample with the answers in their places; its comments stay.
fn fill(sample: &str, answers: &Answers) -> String {
    let Ok(mut document) = sample.parse::<DocumentMut>() else {
        return sample.to_owned();
    };
    for (table, key, answer) in &answers.0 {
        let place = match *table {
            "vm" => document
                .get_mut("vm")
                .and_then(Item::as_array_of_tables_mut)
                .and_then(|machines| machines.get_mut(0))
                .and_then(|machine| machine.get_mut(key)),
            table => document.get_mut(table).and_then(|table| table.get_mut(key)),
        };
        if let Some(value) = place.and_then(Item::as_value_mut) {
            let decor = value.decor().clone();
            *value = answer.clone();
            *value.decor_mut() = decor;
        }
    }
    document.to_string()
}

fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let write = || {
        let mut file = std::fs::File::create_new(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error: io::Error| {
        let message = format!("cannot write {}: {error}", path.display());
        CommandError::new(Exit::Environment, Code::FILE_NOT_WRITTEN, message)
    })
}
