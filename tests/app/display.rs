//! Displays that are not as they should be: a window opens all the same, or one sentence says what to do.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::screen::{Ending, has};
use crate::skip::skipped;

const PATIENCE: Duration = Duration::from_secs(60);

/// A virtual screen of so many bits a pixel, and its name; `None` (said and counted) where there can be none. It does
/// not start anew whenever the last program leaves it, which one that comes just then would not survive.
fn screen(depth: u32) -> Option<(Ending, String)> {
    if let Some(missing) = ["Xvfb", "xdotool"].into_iter().find(|program| !has(program)) {
        skipped("window", &format!("{missing} is not installed"));
        return None;
    }
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            &format!("1280x800x{depth}"),
            "-nolisten",
            "tcp",
            "-noreset",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
    Some((Ending(server), format!(":{}", number.trim())))
}

/// The program about to open a window, with a home of its own and none of our displays.
fn explore(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idgan"));
    command.args(["explore", "sprites-64", "--device", "cpu"]).env("HOME", home).env("XDG_CONFIG_HOME", home);
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_RUNTIME_DIR", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn is_open(display: &str) -> bool {
    // before it has painted its first frame the window is there, but not to be seen
    let words = ["search", "--onlyvisible", "--name", "idgan"];
    let found = Command::new("xdotool").args(words).env("DISPLAY", display).output();
    !found.unwrap().stdout.is_empty()
}

/// The window of `command` once it is open; `None` (said and counted) without a graphics driver.
fn opened(command: &mut Command, display: &str) -> Option<Ending> {
    let mut window = Ending(command.env("DISPLAY", display).spawn().unwrap());
    let start = Instant::now();
    while !is_open(display) {
        if window.0.try_wait().unwrap().is_some() {
            let said = said(&mut window);
            assert!(said.contains("no graphics driver"), "it ended: {said}");
            skipped("graphics", "there is no graphics driver, not even a software one");
            return None;
        }
        assert!(start.elapsed() < PATIENCE, "no window opened");
        std::thread::sleep(Duration::from_millis(200));
    }
    Some(window)
}

/// What the program has said on stderr when it has ended.
fn said(window: &mut Ending) -> String {
    let mut said = String::new();
    window.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

/// The one sentence with which the program ended, exit code 1.
fn sentence(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    assert!(!said.contains(".cargo") && !said.contains("backend"), "words of a library: {said}");
    said
}

#[test]
fn a_wayland_display_that_is_not_there_makes_way_for_the_x_server_and_nothing_is_said() {
    let Some((_server, display)) = screen(24) else { return };
    let home = tempfile::tempdir().unwrap();
    for stale in [Some("wayland-9"), None] {
        let mut command = explore(home.path());
        if let Some(stale) = stale {
            command.env("WAYLAND_DISPLAY", stale).env("XDG_RUNTIME_DIR", home.path());
        }
        let Some(mut window) = opened(&mut command, &display) else { return };
        window.0.kill().unwrap();
        assert_eq!(said(&mut window), "", "WAYLAND_DISPLAY {stale:?}");
        while is_open(&display) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn displays_that_do_not_answer_are_told_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    for (name, value) in [("DISPLAY", ":4077"), ("DISPLAY", "nonsense"), ("WAYLAND_DISPLAY", "wayland-9")] {
        let said = sentence(&explore(home.path()).env(name, value).output().unwrap());
        assert!(said.contains(value) && said.contains("--screenshot"), "{said}");
    }
}

#[test]
fn a_display_or_driver_that_cannot_show_the_window_is_told_with_what_to_do() {
    let Some((_server, display)) = screen(16) else { return };
    let home = tempfile::tempdir().unwrap();
    let said = sentence(&explore(home.path()).env("DISPLAY", &display).output().unwrap());
    assert!(said.contains("24-bit") && said.contains("--screenshot"), "{said}");
    // a driver that this system cannot have
    let said = sentence(
        &explore(home.path()).env("DISPLAY", &display).env("WGPU_BACKEND", "dx12").output().unwrap(),
    );
    assert!(said.contains("no graphics driver") && said.contains("idgan traverse"), "{said}");
}

#[test]
fn an_x_server_that_goes_away_is_told_in_a_sentence() {
    let Some((mut server, display)) = screen(24) else { return };
    let home = tempfile::tempdir().unwrap();
    let Some(mut window) = opened(&mut explore(home.path()), &display) else { return };
    server.0.kill().unwrap();
    let said = said(&mut window);
    assert_eq!(window.0.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.starts_with("error: the display has gone") && said.lines().count() == 1, "{said}");
}
