//! The real window on a virtual screen: it opens, takes a mouse, and shows another picture.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::skip::skipped;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::RandomLibrary;
use idgan::nets::ResnetTrunk;
use image::RgbaImage;

const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the process however the test ends.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// A virtual screen and its name.
fn screen() -> (Ending, String) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
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

#[test]
fn a_slider_moved_by_the_mouse_changes_the_picture() {
    if let Some(missing) = ["Xvfb", "xdotool", "import"].into_iter().find(|program| !has(program)) {
        skipped("window", &format!("{missing} is not installed"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trunk = ResnetTrunk { size: 32, nfilter: 4, nfilter_max: 8, channels: 3 };
    let mut model = RandomLibrary { trunk, c_dim: 5, s_dim: 4 }.model();
    // Larger weights than at the start of training, so that a factor visibly does something.
    for array in model.generator.values_mut() {
        array.data_mut().iter_mut().for_each(|value| *value *= 2.0);
    }
    let path = folder.path().join("model.safetensors");
    write_bundle(&path, &model, Precision::F32).unwrap();
    let (_server, display) = screen();
    let mut command = Command::new(env!("CARGO_BIN_EXE_idgan"));
    command
        .args(["explore", "--device", "cpu", "--size", "1280x800", "--theme", "dark"])
        .arg(&path)
        .env("DISPLAY", &display)
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::null());
    let _window = Ending(command.spawn().unwrap());
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
