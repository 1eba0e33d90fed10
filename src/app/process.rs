//! Work that a process of its own does: measuring.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs this program's command line and waits.
///
/// # Errors
/// What it says last on stderr.
pub(super) fn run(program: &Path, words: &[String]) -> Result<(), String> {
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("the command could not be started ({error}): {}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(last_line(&String::from_utf8_lossy(&output.stderr)))
}

/// The last thing that a command has said, which is its error.
pub(super) fn last_line(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or("the command said nothing", |line| line.trim_start_matches("error: ")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_error() {
        assert_eq!(last_line("warning: x\nerror: the disk is full: a.png\n\n"), "the disk is full: a.png");
        assert_eq!(last_line("\n"), "the command said nothing");
    }
}
