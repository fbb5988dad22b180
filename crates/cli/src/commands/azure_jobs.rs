//! `sidestep azure jobs`: what the vault did and does.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sidestep_azure::{Job, JobError, JobState};

use crate::args;
use crate::commands::azure::told;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::place::{Place, until_interrupted};
use crate::render::{local_time, table};
use crate::site_file::SiteFile;

/// How far back the list goes.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(crate) fn run(
    args: &args::Jobs,
    file: &SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let site = file.site()?;
    let place = Place::cloud(&args.cloud, file)?;
    let jobs = until_interrupted(async {
        let azure = place.azure(&site, args.cloud.credential, printer).await?;
        let now = Timestamp::now();
        let since = now.checked_sub(WEEK).unwrap_or(now);
        let jobs = match &args.id {
            Some(id) => sidestep_flow::job(&site, &azure, id)
                .await
                .map(|job| vec![job]),
            None => sidestep_flow::jobs(&site, &azure, since).await,
        };
        jobs.map_err(told)
    })?;
    let Some(jobs) = jobs else {
        return Ok(Exit::Interrupted);
    };
    if printer.json {
        let jobs: Vec<Value> = jobs.iter().map(document).collect();
        let mut document = json!({ "jobs": jobs });
        place.stamp(&mut document);
        printer.document(&document)?;
    } else {
        let text = match (&args.id, jobs.as_slice()) {
            (Some(_), [job]) => one(job),
            (_, []) => "no job in the last seven days".to_owned(),
            (_, jobs) => list(jobs),
        };
        printer.text(&format!("{}{text}\n", place.heading()))?;
    }
    Ok(Exit::Done)
}

fn list(jobs: &[Job]) -> String {
    let mut rows = table(&["Job", "Started", "Took", "Operation", "Of", "State"]);
    for job in jobs {
        rows.add_row(vec![
            job.id.clone(),
            job.start.map_or_else(String::new, local_time),
            took(job),
            job.operation.clone(),
            job.entity.clone(),
            job.status.clone(),
        ]);
    }
    let mut text = rows.trim_fmt();
    for job in jobs {
        for error in &job.errors {
            text = format!("{text}\n\n{}\n  {}", job.id, said(error));
        }
    }
    text
}

fn one(job: &Job) -> String {
    let mut rows = table(&[]);
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.add_row(vec![name.to_owned(), value]);
        }
    };
    row("Job", job.id.clone());
    row("Operation", job.operation.clone());
    row("Of", job.entity.clone());
    row("State", job.status.clone());
    row("Started", job.start.map_or_else(String::new, local_time));
    row("Ended", job.end.map_or_else(String::new, local_time));
    row("Took", took(job));
    let moved = job.transferred_mb;
    row(
        "Moved",
        moved.map_or_else(String::new, |moved| format!("{moved:.1} MB")),
    );
    for task in &job.tasks {
        row("Task", format!("{}: {}", task.name, task.status));
    }
    for error in &job.errors {
        row("Error", said(error));
        for advice in &error.recommendations {
            row("", advice.clone());
        }
    }
    row("Activity", job.activity_id.clone().unwrap_or_default());
    // The header is empty.
    rows.trim_fmt().trim_start_matches('\n').to_owned()
}

fn said(error: &JobError) -> String {
    match error.code {
        0 => format!("{}: {}", error.title, error.message),
        code => format!("{} ({code}): {}", error.title, error.message),
    }
}

/// From its start to its end; nothing while it runs.
fn took(job: &Job) -> String {
    let span = job
        .start
        .zip(job.end)
        .map(|(start, end)| end.duration_since(start));
    match span {
        Some(span) => {
            let seconds = span.as_secs().max(0);
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            format!("{hours}:{minutes:02}:{:02}", seconds % 60)
        }
        None if job.state() == JobState::Running => String::new(),
        None => job.duration.clone().unwrap_or_default(),
    }
}

fn document(job: &Job) -> Value {
    let tasks: Vec<Value> = job
        .tasks
        .iter()
        .map(|task| json!({ "name": task.name, "status": task.status }))
        .collect();
    let errors: Vec<Value> = job
        .errors
        .iter()
        .map(|error| {
            json!({
                "code": error.code,
                "title": error.title,
                "message": error.message,
                "recommendations": error.recommendations,
            })
        })
        .collect();
    json!({
        "job": job.id,
        "operation": job.operation,
        "entity": job.entity,
        "state": job.status,
        "start": job.start.map(|time| time.to_string()),
        "end": job.end.map(|time| time.to_string()),
        "duration": job.duration,
        "transferred_mb": job.transferred_mb,
        "tasks": tasks,
        "errors": errors,
        "activity": job.activity_id,
        "user_triggered": job.is_user_triggered,
    })
}
