//! Work that a process of its own does: measuring.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::base::Cancel;

/// How often it is looked whether such a process has ended.
const LOOK: Duration = Duration::from_millis(50);

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

/// Runs this program's command line until it ends, or ends it where `cancel` is raised; whether it has ended by itself.
///
/// # Errors
/// What it says last on stderr.
pub(super) fn run_until(
    program: &Path,
    words: &[impl AsRef<OsStr>],
    cancel: &Cancel,
) -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let said = folder.path().join("said");
    let stderr = File::create(&said).map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|error| format!("the command could not be started ({error}): {}", program.display()))?;
    let status = loop {
        if cancel.is_cancelled() {
            let _ = child.kill(); // It may have ended by itself.
            let _ = child.wait();
            return Ok(false);
        }
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => std::thread::park_timeout(LOOK),
            Err(error) => return Err(error.to_string()),
        }
    };
    if status.success() {
        return Ok(true);
    }
    Err(last_line(&std::fs::read_to_string(&said).unwrap_or_default()))
}

/// The last thing that a command has said, which is its error.
fn last_line(said: &str) -> String {
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

    #[cfg(unix)]
    #[test]
    fn a_command_ends_by_itself_or_is_ended() {
        let shell = |line: &str, cancel: &Cancel| run_until(Path::new("sh"), &["-c", line], cancel);
        assert_eq!(shell("exit 0", &Cancel::new()), Ok(true));
        assert_eq!(shell("echo error: full >&2; exit 1", &Cancel::new()), Err("full".to_owned()));
        let cancel = Cancel::new();
        cancel.cancel();
        let start = std::time::Instant::now();
        assert_eq!(shell("sleep 60", &cancel), Ok(false));
        assert!(start.elapsed() < Duration::from_secs(20));
        let missing = run_until(Path::new("/no/such/program"), &["x"], &Cancel::new());
        assert!(missing.is_err_and(|message| message.contains("could not be started")));
    }
}
