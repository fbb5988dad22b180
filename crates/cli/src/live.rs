//! What a run shows while it goes on, on a terminal only.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sidestep_model::event::{Event, JobProgress};

use crate::output::Printer;
use crate::prose;

const MEGABYTE: f64 = 1024.0 * 1024.0;

/// Shows steps as they begin, and a job as it goes on.
#[derive(Clone)]
pub(crate) struct Live {
    bar: ProgressBar,
    /// What a backup will move, where that is known: Azure does not say.
    total: Option<u64>,
}

impl Live {
    pub(crate) fn new(printer: Printer, total: Option<u64>) -> Self {
        Self {
            bar: ProgressBar::with_draw_target(None, target(printer)),
            total,
        }
    }

    pub(crate) fn hear(&self, event: &Event) {
        match event {
            Event::Started(step) => {
                // A bar that was finished draws nothing any more.
                self.bar.reset();
                self.bar.set_style(spinner());
                self.bar.set_message(prose::step(*step));
                self.bar.enable_steady_tick(Duration::from_millis(100));
            }
            Event::Job(progress) => self.job(progress),
            Event::Ended(_) => self.bar.finish_and_clear(),
            _ => {}
        }
    }

    /// Does something with the terminal while nothing is drawn.
    pub(crate) fn aside<T>(&self, with_terminal: impl FnOnce() -> T) -> T {
        self.bar.suspend(with_terminal)
    }

    fn job(&self, progress: &JobProgress) {
        let moved = progress.transferred_mb.unwrap_or_default();
        if let Some(total) = self.total {
            self.bar.set_length(total);
            self.bar.set_style(bar());
        }
        self.bar.set_position(bytes_of(moved));
        let seconds = progress.elapsed.as_secs_f64().max(0.1);
        let task = progress
            .tasks
            .iter()
            .find(|(_, status)| status == "InProgress");
        let task = task.map_or(progress.status.as_str(), |(name, _)| name);
        // The narrower the terminal, the more of the end is cut off.
        self.bar.set_message(format!(
            "{moved:.1} MB, {:.1} MB/s, {task}",
            moved / seconds
        ));
    }
}

/// Nothing that was drawn stays, however a command ends.
impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows how much of so many bytes was read; of what has no length, how much.
pub(crate) fn reading(printer: Printer, length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => {
            "{spinner} {elapsed:>4} {bar:20} {percent:>3} % {binary_bytes_per_sec} {wide_msg}"
        }
        None => "{spinner} {elapsed:>4} {binary_bytes} {binary_bytes_per_sec} {wide_msg}",
    };
    ProgressBar::with_draw_target(length, target(printer)).with_style(style(template))
}

fn target(printer: Printer) -> ProgressDrawTarget {
    if !printer.quiet && io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a progress bar may be off by a byte"
)]
fn bytes_of(megabytes: f64) -> u64 {
    (megabytes * MEGABYTE).max(0.0) as u64
}

fn spinner() -> ProgressStyle {
    style("{spinner} {elapsed:>4} {wide_msg}")
}

fn bar() -> ProgressStyle {
    style("{spinner} {elapsed:>4} {bar:20} {percent:>3} % {wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
