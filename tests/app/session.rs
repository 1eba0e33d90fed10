//! What outlives a window: where somebody was, names and bookmarks, and what is read again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::window::{PATIENCE, Window, click, set, settle, type_into, until, window};
use egui::accesskit::Role as Node;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::Options;
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;

/// A folder with a toy's file and one for what is kept.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(home.model(), b"").unwrap();
        home
    }

    fn model(&self) -> PathBuf {
        self.0.path().join("model")
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config")
    }

    fn notes(&self) -> PathBuf {
        self.config().join("models/model.json")
    }

    fn options(&self, source: Option<&Path>) -> Options {
        Options {
            source: source.map(ModelSource::file),
            library: Arc::new(ToyLibrary::default()),
            config: Some(self.config()),
            ..Options::default()
        }
    }

    /// A window with the toy.
    fn start(&self) -> Window {
        let mut window = window(self.options(Some(&self.model())));
        settle(&mut window);
        window
    }

    /// A window as somebody opens it who names no model.
    fn start_again(&self) -> Window {
        let mut window = window(self.options(None));
        settle(&mut window);
        window
    }
}

fn quit(mut window: Window) {
    eframe::App::on_exit(window.state_mut());
}

fn bookmark(window: &mut Window) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::B);
    window.step();
}

/// Waits for the saver's thread alone: no frame is drawn meanwhile.
fn until_file(path: &Path, what: &str, done: impl Fn(&str) -> bool) {
    let start = Instant::now();
    while !std::fs::read_to_string(path).is_ok_and(|text| done(&text)) {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The seed that the nuisance code is said to be of.
fn seed(window: &Window) -> Option<f64> {
    window.get_by_role_and_label(Node::SpinButton, "seed").accesskit_node().numeric_value()
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn the_next_start_goes_on_where_this_one_ended() {
    let home = Home::new();
    let mut first = home.start();
    set(&mut first, "c 0", 1.25);
    set(&mut first, "c 3", -0.5);
    click(&mut first, "New nuisance sample");
    settle(&mut first);
    click(&mut first, "Lock c 3");
    click(&mut first, "Select c 2");
    let (c, s) = (first.state().values("c").to_vec(), first.state().values("s").to_vec());
    click(&mut first, "Log");
    quit(first);

    let mut second = home.start_again();
    assert_eq!((second.state().values("c"), second.state().values("s")), (&c[..], &s[..]));
    assert!(second.query_by_label("Unlock c 3").is_some(), "the lock");
    assert!(second.query_by_label_contains("Opened model").is_some(), "the tool is still the log");
    second.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    second.step();
    assert_eq!(second.state().values("c"), c, "there is nothing to undo yet");
    click(&mut second, "Inspect");
    assert!(second.query_by_label("MOVED BY  c 2").is_some(), "the selection");
    assert_eq!(seed(&second), Some(2.0));
    assert_eq!(second.state().notice(), None);
}

#[test]
fn a_model_that_is_gone_is_said_and_the_bundled_one_is_shown() {
    let home = Home::new();
    quit(home.start());
    std::fs::remove_file(home.model()).unwrap();
    let mut second = window(Options { begins_bundled: true, ..home.options(None) });
    settle(&mut second);
    let notice = second.state().notice().unwrap().to_owned();
    assert!(notice.contains("last session is gone, so another one is shown"), "{notice}");
    assert!(notice.ends_with(&home.model().display().to_string()), "{notice}");
    assert!(second.query_by_label_contains("scenes-128 on CPU").is_some());
}

#[test]
fn a_model_that_cannot_be_opened_any_more_gives_way_to_the_bundled_one() {
    let home = Home::new();
    quit(home.start());
    let session = home.config().join("session.json");
    let broken = home.0.path().join("missing");
    std::fs::write(&broken, b"").unwrap();
    let text = std::fs::read_to_string(&session).unwrap();
    let text = text.replace(home.model().to_str().unwrap(), broken.to_str().unwrap());
    std::fs::write(&session, text).unwrap();
    let mut second = window(Options { begins_bundled: true, ..home.options(None) });
    settle(&mut second);
    assert!(second.state().notice().is_some_and(|notice| notice.contains("no such file")));
    assert!(second.query_by_label_contains("scenes-128 on CPU").is_some());
}

#[test]
fn a_bookmark_is_written_without_another_frame() {
    let home = Home::new();
    let mut window = home.start();
    set(&mut window, "c 0", 1.0);
    bookmark(&mut window);
    until_file(&home.notes(), "the first bookmark", |text| count(text, "\"name\"") == 1);
    // At once after another change, too.
    set(&mut window, "c 0", 2.0);
    bookmark(&mut window);
    until_file(&home.notes(), "the second bookmark", |text| count(text, "\"name\"") == 2);
    until_file(&home.config().join("session.json"), "the codes", |text| text.contains("2.0"));
}

#[test]
fn two_windows_keep_each_others_bookmarks() {
    let home = Home::new();
    let (mut first, mut second) = (home.start(), home.start());
    set(&mut first, "c 0", 1.0);
    bookmark(&mut first);
    until_file(&home.notes(), "the first window's", |text| count(text, "\"name\"") == 1);
    set(&mut second, "c 0", 2.0);
    bookmark(&mut second);
    until_file(&home.notes(), "both", |text| count(text, "\"name\"") == 2);
    until(&mut second, "the first window's bookmark", |w| w.query_by_label("Bookmark 2").is_some());
    // What one throws away comes back from neither.
    set(&mut first, "c 0", 3.0);
    bookmark(&mut first);
    until(&mut first, "all three", |w| w.query_by_label("Bookmark 3").is_some());
    first.get_by_label("Bookmark 1").click_secondary();
    first.run_steps(3);
    click(&mut first, "Remove bookmark");
    until_file(&home.notes(), "two", |text| count(text, "\"name\"") == 2);
    quit(first);
    set(&mut second, "c 0", -1.0);
    bookmark(&mut second);
    quit(second);
    let kept = std::fs::read_to_string(home.notes()).unwrap();
    let values: Vec<&str> =
        ["1.0,", "2.0,", "3.0,", "-1.0,"].into_iter().filter(|v| kept.contains(&format!(" {v}"))).collect();
    assert_eq!(values, ["2.0,", "3.0,", "-1.0,"], "{kept}");
}

#[test]
fn what_is_damaged_is_kept_beside_and_said() {
    let home = Home::new();
    let mut first = home.start();
    bookmark(&mut first);
    quit(first);
    let files = [home.notes(), home.config().join("session.json"), home.config().join("settings.json")];
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, &text[..text.len() / 2]).unwrap();
    }
    let mut second = home.start();
    assert!(second.state().notice().is_some_and(|notice| notice.contains("is damaged")));
    click(&mut second, "Log");
    for path in &files {
        let beside = format!("{}.bak", path.display());
        assert!(second.query_all_by_label_contains(&beside).next().is_some(), "the log names {beside}");
        assert!(Path::new(&beside).exists());
    }
    // The new file begins without the old one's bookmark, and keeps new ones.
    bookmark(&mut second);
    quit(second);
    assert_eq!(count(&std::fs::read_to_string(home.notes()).unwrap(), "\"name\""), 1);
}

#[test]
fn reading_the_model_again_keeps_everything() {
    let home = Home::new();
    let mut window = home.start();
    set(&mut window, "c 0", 1.5);
    click(&mut window, "New nuisance sample");
    settle(&mut window);
    click(&mut window, "Lock c 0");
    click(&mut window, "Lock nuisance");
    click(&mut window, "Select c 2");
    click(&mut window, "Measure");
    until(&mut window, "the matrix", |w| w.query_by_label("Leakage matrix").is_some() && w.state().is_calm());
    bookmark(&mut window);
    window.step();
    let (c, s) = (window.state().values("c").to_vec(), window.state().values("s").to_vec());
    window.key_press(Key::F5);
    window.run_steps(2);
    settle(&mut window);
    until(&mut window, "the rest", |w| w.state().is_calm());
    assert_eq!((window.state().values("c"), window.state().values("s")), (&c[..], &s[..]));
    for name in ["Unlock c 0", "Unlock nuisance", "MOVED BY  c 2", "Leakage matrix", "Bookmark 1"] {
        assert!(window.query_by_label(name).is_some(), "{name}");
    }
    assert_eq!(seed(&window), Some(2.0));
    assert!(window.query_by_label_contains("Measured before").is_none(), "the weights are the same");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(2);
    assert!(window.query_by_label("Lock c 0").is_some(), "the lock can still be taken back");
    assert_eq!(window.state().notice(), None);
}

/// Asks the window to close, as its frame does, and takes a step; whether it does.
fn closes(window: &mut Window) -> bool {
    let root = window.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
    root.events.push(egui::ViewportEvent::Close);
    window.step();
    let commands = &window.output().viewport_output[&egui::ViewportId::ROOT].commands;
    let is_held = commands.contains(&egui::ViewportCommand::CancelClose);
    window.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default().events.clear();
    !is_held
}

#[test]
fn a_run_is_not_ended_without_asking_and_saves_first() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut window = window(Options::default());
    assert!(closes(&mut window), "nothing goes on");
    click(&mut window, "Train");
    type_into(&mut window, "Folder", &run.display().to_string());
    window.get_by_role_and_label(Node::SpinButton, "Batch").set_value_accesskit(4.0);
    window.step();
    click(&mut window, "Start training");
    until(&mut window, "a step", |w| w.query_all_by_label_contains(" left").next().is_some());
    assert!(!closes(&mut window));
    window.run_steps(2);
    assert!(window.query_by_label_contains("run is training: step").is_some());
    click(&mut window, "Stay");
    assert!(window.query_by_label("Finish and quit").is_none());
    assert!(window.query_by_label("Pause").is_some(), "it goes on");
    assert!(!closes(&mut window));
    window.run_steps(2);
    click(&mut window, "Finish and quit");
    until(&mut window, "the end", |w| {
        w.output().viewport_output[&egui::ViewportId::ROOT].commands.contains(&egui::ViewportCommand::Close)
    });
    assert!(closes(&mut window));
    assert!(run.join("checkpoint.safetensors").exists());
}
