//! The real window on a virtual screen: mouse, keys and clipboard, and how it ends and begins again.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::skip::skipped;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::RandomLibrary;
use idgan::model::GENERATOR;
use idgan::nets::ResnetTrunk;
use image::RgbaImage;

const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the process however the test ends.
pub struct Ending(pub Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// A virtual screen and its name. It does not start anew whenever the last program leaves it, which one that comes just
/// then would not survive.
fn screen() -> (Ending, String) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
    (Ending(server), format!(":{}", number.trim()))
}

fn screenshot(display: &str, folder: &Path) -> RgbaImage {
    let path = folder.join("screen.png");
    let status =
        Command::new("import").env("DISPLAY", display).args(["-window", "root"]).arg(&path).status().unwrap();
    assert!(status.success());
    image::open(&path).unwrap().to_rgba8()
}

fn mouse(display: &str, words: &[&str]) {
    assert!(Command::new("xdotool").env("DISPLAY", display).args(words).status().unwrap().success());
}

/// Pixels of the middle of the window, where the pictures are, that differ by more than a little.
fn changed(a: &RgbaImage, b: &RgbaImage) -> usize {
    let middle = (350..980u32).flat_map(|x| (170..480u32).map(move |y| (x, y)));
    let differs = |&(x, y): &(u32, u32)| {
        let (a, b) = (a.get_pixel(x, y), b.get_pixel(x, y));
        (0..3).any(|k| a[k].abs_diff(b[k]) > 3)
    };
    middle.filter(differs).count()
}

/// Takes screenshots until `done`, which is told the newest.
fn until(display: &str, folder: &Path, what: &str, done: impl Fn(&RgbaImage) -> bool) -> RgbaImage {
    let start = Instant::now();
    loop {
        let shot = screenshot(display, folder);
        if done(&shot) {
            return shot;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Whether every program that the tests of the screen need is there; says and counts it where one is not.
fn has_all(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !has(program));
    if let Some(missing) = missing {
        skipped("window", &format!("{missing} is not installed"));
    }
    missing.is_none()
}

/// A random model in a file of `folder`.
fn model(folder: &Path, name: &str) -> PathBuf {
    let trunk = ResnetTrunk { size: 32, nfilter: 4, nfilter_max: 8, channels: 3 };
    let mut model = RandomLibrary { trunk, c_dim: 5, s_dim: 4 }.model();
    // Larger weights than at the start of training, so that a factor visibly does something.
    for array in model.weights.get_mut(GENERATOR).unwrap().values_mut() {
        array.data_mut().iter_mut().for_each(|value| *value *= 2.0);
    }
    let path = folder.join(name);
    write_bundle(&path, &model, Precision::F32).unwrap();
    path
}

/// The program on `display`, whose settings lie in `folder`.
fn explore(display: &str, folder: &Path, words: &[&str]) -> Ending {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idgan"));
    command
        .args(["explore", "--device", "cpu", "--theme", "dark"])
        .args(words)
        .env("DISPLAY", display)
        .env("XDG_CONFIG_HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::null());
    Ending(command.spawn().unwrap())
}

/// Waits until the window has drawn a model and gives it the keyboard; its number.
fn window(display: &str, folder: &Path) -> String {
    until_file(&session(folder), "the model", |text| text.contains("codes"));
    let said = output(display, "xdotool", &["search", "--sync", "--onlyvisible", "--name", "idgan"]);
    let id = said.lines().last().unwrap().to_owned();
    mouse(display, &["windowfocus", "--sync", &id]);
    id
}

fn output(display: &str, program: &str, words: &[&str]) -> String {
    let output = Command::new(program).env("DISPLAY", display).args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Where the program keeps the session.
fn session(folder: &Path) -> PathBuf {
    folder.join("idgan/session.json")
}

fn until_file(path: &Path, what: &str, done: impl Fn(&str) -> bool) {
    let start = Instant::now();
    while !std::fs::read_to_string(path).is_ok_and(|text| done(&text)) {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for the end of the program; whether it ended by itself and well.
fn ended(mut program: Ending) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            return status.success();
        }
        assert!(start.elapsed() < PATIENCE, "the program does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_slider_moved_by_the_mouse_changes_the_picture() {
    if !has_all(&["Xvfb", "xdotool", "import"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path(), "model.safetensors");
    let (_server, display) = screen();
    let words = ["--size", "1280x800", path.to_str().unwrap()];
    let _window = explore(&display, folder.path(), &words);
    let blank = RgbaImage::from_pixel(1280, 800, image::Rgba([14, 16, 19, 255]));
    until(&display, folder.path(), "the pictures", |shot| changed(shot, &blank) > 100_000);
    std::thread::sleep(Duration::from_millis(500));
    let before = screenshot(&display, folder.path());
    // The first slider lies at the top of the left panel.
    mouse(&display, &["mousemove", "158", "104", "mousedown", "1"]);
    for x in (160..=214).step_by(6) {
        mouse(&display, &["mousemove", &x.to_string(), "104"]);
        std::thread::sleep(Duration::from_millis(20));
    }
    mouse(&display, &["mouseup", "1"]);
    until(&display, folder.path(), "another picture", |shot| changed(shot, &before) > 500);
}

#[test]
fn the_clipboard_is_that_of_the_system() {
    if !has_all(&["Xvfb", "xdotool", "xclip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let first = model(folder.path(), "first.safetensors");
    let second = model(folder.path(), "second with a space.safetensors");
    let (_server, display) = screen();
    let _window = explore(&display, folder.path(), &["--size", "1200x750", first.to_str().unwrap()]);
    window(&display, folder.path());
    mouse(&display, &["key", "ctrl+shift+c"]);
    let start = Instant::now();
    let codes: serde_json::Value = loop {
        let text = output(&display, "xclip", &["-o", "-selection", "clipboard"]);
        if let Ok(codes) = serde_json::from_str(&text) {
            break codes;
        }
        assert!(start.elapsed() < PATIENCE, "the clipboard holds {text:?}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!((codes["c"].as_array().unwrap().len(), codes["s"].as_array().unwrap().len()), (5, 4));
    // What another program has copied is pasted: codes, and a path into the field that asks for one.
    copy(&display, "{\"c\": [0.25, 0, 0, 0, 1.5]}");
    mouse(&display, &["key", "ctrl+shift+v"]);
    until_file(&session(folder.path()), "the codes", |text| text.contains("0.25") && text.contains("1.5"));
    copy(&display, second.to_str().unwrap());
    mouse(&display, &["key", "ctrl+shift+o"]);
    std::thread::sleep(Duration::from_millis(500));
    mouse(&display, &["key", "ctrl+v"]);
    std::thread::sleep(Duration::from_millis(500));
    mouse(&display, &["key", "Return"]);
    until_file(&session(folder.path()), "the model", |text| text.contains("second with a space"));
}

/// Puts `text` on the clipboard, as another program.
fn copy(display: &str, text: &str) {
    let mut copying = Command::new("xclip")
        .env("DISPLAY", display)
        .args(["-i", "-selection", "clipboard"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    copying.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(copying.wait().unwrap().success());
}

#[test]
fn the_next_start_shows_the_same_model_codes_and_window() {
    if !has_all(&["Xvfb", "xdotool"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path(), "model.safetensors");
    let (_server, display) = screen();
    let first = explore(&display, folder.path(), &["--size", "1000x700", path.to_str().unwrap()]);
    let id = window(&display, folder.path());
    mouse(&display, &["windowmove", "--sync", &id, "120", "40"]);
    mouse(&display, &["key", "r"]);
    std::thread::sleep(Duration::from_millis(500));
    mouse(&display, &["key", "ctrl+q"]);
    assert!(ended(first));
    let before = std::fs::read_to_string(session(folder.path())).unwrap();
    let second = explore(&display, folder.path(), &[]);
    let id = window(&display, folder.path());
    let place = output(&display, "xdotool", &["getwindowgeometry", &id]);
    assert!(place.contains("Position: 120,40") && place.contains("Geometry: 1000x700"), "{place}");
    mouse(&display, &["key", "ctrl+q"]);
    assert!(ended(second));
    assert_eq!(std::fs::read_to_string(session(folder.path())).unwrap(), before);
}

#[test]
fn a_bookmark_outlives_the_signal_that_ends_the_window() {
    if !has_all(&["Xvfb", "xdotool"]) {
        return;
    }
    for signal in ["TERM", "INT", "HUP", "KILL"] {
        let folder = tempfile::tempdir().unwrap();
        let path = model(folder.path(), "model.safetensors");
        let (_server, display) = screen();
        let program = explore(&display, folder.path(), &["--size", "900x600", path.to_str().unwrap()]);
        window(&display, folder.path());
        mouse(&display, &["key", "r"]);
        mouse(&display, &["key", "ctrl+b"]);
        std::thread::sleep(Duration::from_millis(500));
        let id = program.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
        assert_eq!(ended(program), signal != "KILL", "{signal}");
        let notes = std::fs::read_dir(folder.path().join("idgan/models")).unwrap().flatten();
        let kept = notes.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
        assert!(kept.into_iter().any(|text| text.contains("\"name\": \"1\"")), "{signal}");
    }
}

#[test]
fn without_a_display_the_program_says_how_to_go_on() {
    let output = Command::new(env!("CARGO_BIN_EXE_idgan"))
        .arg("explore")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no display") && said.contains("--screenshot"), "{said}");
}

#[test]
fn a_screenshot_needs_no_display() {
    let folder = tempfile::tempdir().unwrap();
    let trunk = ResnetTrunk { size: 16, nfilter: 2, nfilter_max: 4, channels: 3 };
    let model = RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model();
    let path = folder.path().join("model.safetensors");
    write_bundle(&path, &model, Precision::F32).unwrap();
    let out = folder.path().join("window.png");
    let output = Command::new(env!("CARGO_BIN_EXE_idgan"))
        .args(["explore", "--device", "cpu", "--size", "900x600", "--screenshot"])
        .arg(&out)
        .arg(&path)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("XDG_RUNTIME_DIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("no graphics driver") {
        skipped("graphics", said.trim());
        return;
    }
    assert!(output.status.success(), "{said}");
    let picture = image::open(&out).unwrap().to_rgba8();
    assert_eq!(picture.dimensions(), (900, 600));
    let colours: std::collections::HashSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colours.len() > 50, "{} colours", colours.len());
}
