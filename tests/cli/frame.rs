//! The command line as a whole: help, versions, exit codes, pipes.

use std::process::{Command, Stdio};

use crate::toy::{fail, id_gan, idgan, succeed};

const COMMANDS: [&str; 6] = ["explore", "traverse", "grid", "sample", "encode", "stats"];

#[test]
fn help_and_version_are_printed_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let help = String::from_utf8(succeed(folder.path(), "--help").stdout).unwrap();
    for command in COMMANDS {
        assert!(help.contains(command), "{command} is in the help");
        let help = String::from_utf8(succeed(folder.path(), &format!("{command} --help")).stdout).unwrap();
        assert!(help.contains("Examples:") && help.contains(&format!("idgan {command}")), "{help}");
    }
    let version = String::from_utf8(succeed(folder.path(), "--version").stdout).unwrap();
    assert_eq!(version.trim(), concat!("idgan ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_mistyped_command_is_not_taken_for_a_window() {
    let folder = tempfile::tempdir().unwrap();
    fail(
        folder.path(),
        "trian",
        2,
        "no command and no file has this name; idgan --help lists the commands: trian",
    );
    fail(folder.path(), "a.safetensors stats --images b", 2, "the command comes before its model");
    fail(folder.path(), "traverse --frobnicate", 2, "--frobnicate");
}

#[test]
fn the_thread_count_is_checked() {
    let folder = id_gan();
    let run = |threads: &str| {
        let program = assert_cmd::cargo::cargo_bin("idgan");
        let arguments =
            ["sample", "model.safetensors", "--count", "1", "--out", "a.npz", "--threads", threads];
        Command::new(program).current_dir(folder.path()).args(arguments).output().unwrap().status.code()
    };
    assert_eq!((run("1"), run("0"), run("many")), (Some(0), Some(2), Some(2)));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = id_gan();
    std::fs::create_dir(folder.path().join("pictures")).unwrap();
    image::RgbImage::new(64, 64).save(folder.path().join("pictures/a.png")).unwrap();
    let program = assert_cmd::cargo::cargo_bin("idgan");
    for arguments in [&["--help"][..], &["stats", "model.safetensors", "--images", "pictures", "--json"]] {
        let mut child = Command::new(&program)
            .current_dir(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closes the reading end before anything is written.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_quiet = stderr.lines().all(|line| line.starts_with("warning: statistics of so few pictures"));
        assert!(output.status.success() && is_quiet, "{arguments:?}: {stderr}");
    }
}

#[test]
fn nothing_is_printed_when_nothing_is_asked() {
    let folder = id_gan();
    let output = idgan(folder.path())
        .args(["sample", "model.safetensors", "--count", "2", "--out", "a.npz"])
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}
