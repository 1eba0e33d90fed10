use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::base::{visible, visible_json};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whoever read our output (`head`, `less`) has closed it: the program ends quietly, without an error.
#[derive(Debug, thiserror::Error)]
#[error("the reader of our output has gone")]
pub(super) struct ReaderGone;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For a terminal.
    Text,
    /// One line a number, for programs.
    Csv,
    /// A table for the package booktabs.
    Latex,
}

/// Prints a line on stdout, without what a terminal would obey.
///
/// # Errors
/// When stdout cannot be written; a closed pipe ends the program quietly.
pub fn print(line: impl Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", visible(&line.to_string())).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to the standard output")),
    }
}

/// Prints a JSON document on stdout, indented.
///
/// # Errors
/// As [`print`].
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(visible_json(&serde_json::to_string_pretty(value)?))
}

/// Prints a warning on stderr.
pub fn warn(sentence: impl Display) {
    tell(format!("warning: {sentence}"));
}

/// Prints a line on stderr, without what a terminal would obey: errors, and progress where there is no bar.
pub fn tell(line: impl Display) {
    // Nothing to do when nobody reads stderr.
    let _ = writeln!(std::io::stderr(), "{}", visible(&line.to_string()));
}

/// A progress bar on stderr that appears when a job takes more than a second, and only on a terminal.
pub struct TerminalProgress {
    bar: ProgressBar,
    started: Instant,
}

impl TerminalProgress {
    /// Progress through `len` things called `what` (plural: `pictures`).
    pub fn new(what: &str, len: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(len as u64), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        Self { bar, started: Instant::now() }
    }

    /// Counts `done` more things.
    pub fn add(&self, done: usize) {
        self.bar.inc(done as u64);
        if self.bar.is_hidden()
            && self.started.elapsed() > Duration::from_secs(1)
            && std::io::stderr().is_terminal()
        {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
    }

    /// Adds a remark behind the numbers.
    pub fn remark(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }
}

impl Drop for TerminalProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
