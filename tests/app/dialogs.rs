//! Asking for paths: the system's dialog that is slow, fails or is closed, and the field in the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use idgan::app::{FileDialogs, Options, Question};
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;

use crate::window::{Window, asking, click, settle, toy, until};

/// A dialog that answers when the test says so.
struct Scripted {
    answers: Receiver<Result<Option<PathBuf>, String>>,
}

impl FileDialogs for Scripted {
    fn ask(&self, _question: &Question) -> Result<Option<PathBuf>, String> {
        self.answers.recv().unwrap_or(Ok(None))
    }
}

/// A window with a toy open, whose dialogs answer what is sent.
fn scripted() -> (Window, Sender<Result<Option<PathBuf>, String>>) {
    let (sender, answers) = bounded(1);
    let options = Options {
        source: Some(ModelSource::file("both")),
        library: Arc::new(ToyLibrary::default()),
        ..Options::default()
    };
    let mut window = asking(options, Some(Arc::new(Scripted { answers })));
    settle(&mut window);
    (window, sender)
}

fn save_picture(window: &mut Window) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    window.step();
    window.step();
}

/// Replaces the text of the field that asks for a path.
fn type_path(window: &mut Window, path: &Path) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text(path.display().to_string()));
    window.step();
}

#[test]
fn keys_for_a_dialog_that_is_out_do_nothing_in_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, dialog) = scripted();
    let before = [window.state().values("c").to_vec(), window.state().values("s").to_vec()];
    save_picture(&mut window);
    for (key, text) in [(Key::R, "r"), (Key::P, "p"), (Key::S, "s"), (Key::Num9, "9"), (Key::ArrowRight, "")]
    {
        window.key_press(key);
        window.event(egui::Event::Text(text.to_owned()));
        window.step();
        window.run_steps(3);
    }
    window.event(egui::Event::Paste("{\"c\": [1, 1, 1, 1, 1]}".to_owned()));
    window.run_steps(3);
    let after = [window.state().values("c").to_vec(), window.state().values("s").to_vec()];
    assert_eq!(after, before, "what is typed is meant for the dialog");
    let out = folder.path().join("picture.png");
    dialog.send(Ok(Some(out.clone()))).unwrap();
    until(&mut window, "the file", |w| out.exists() && w.state().is_calm());
    window.key_press(Key::R);
    window.step();
    settle(&mut window);
    assert_ne!(window.state().values("c"), before[0], "and now it is meant for the window again");
}

#[test]
fn a_dialog_that_fails_late_says_so_and_the_field_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, dialog) = scripted();
    save_picture(&mut window);
    // Longer than anybody takes for a dialog that never was.
    std::thread::sleep(Duration::from_millis(600));
    dialog.send(Err("This system has no file dialog.".to_owned())).unwrap();
    until(&mut window, "the field", |w| w.query_by_label("Save picture (.png)").is_some());
    assert!(window.query_by_label("This system has no file dialog.").is_some());
    let out = folder.path().join("picture.png");
    type_path(&mut window, &out);
    click(&mut window, "Save");
    until(&mut window, "the file", |w| out.exists() && w.state().is_calm());
}

#[test]
fn a_dialog_that_was_closed_is_told_and_one_that_does_not_come_can_be_passed_by() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, dialog) = scripted();
    save_picture(&mut window);
    dialog.send(Ok(None)).unwrap();
    until(&mut window, "the word", |w| w.query_by_label_contains("Nothing was chosen").is_some());
    assert!(window.query_by_label("Path").is_none(), "whoever closes a dialog wants no other");
    save_picture(&mut window);
    until(&mut window, "the way out", |w| w.query_by_label("Type the path").is_some());
    click(&mut window, "Type the path");
    let out = folder.path().join("typed.png");
    window.step();
    type_path(&mut window, &out);
    // The dialog's own answer comes too late.
    let late = folder.path().join("late.png");
    dialog.send(Ok(Some(late.clone()))).unwrap();
    click(&mut window, "Save");
    until(&mut window, "the file", |w| out.exists() && w.state().is_calm());
    assert!(!late.exists());
}

#[test]
fn a_dialogs_answer_is_checked_like_a_typed_one() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, dialog) = scripted();
    // The dialog has asked about `picture`, but what is written is picture.png.
    std::fs::write(folder.path().join("picture.png"), b"somebody's").unwrap();
    save_picture(&mut window);
    dialog.send(Ok(Some(folder.path().join("picture")))).unwrap();
    until(&mut window, "the question", |w| w.query_by_label_contains("picture.png exists").is_some());
    assert_eq!(std::fs::read(folder.path().join("picture.png")).unwrap(), b"somebody's");
    click(&mut window, "Save");
    until(&mut window, "the file", |w| w.state().is_calm() && w.query_by_label("Path").is_none());
    assert!(std::fs::read(folder.path().join("picture.png")).unwrap().len() > 100);
}

#[test]
fn the_name_of_a_folder_is_refused_and_a_file_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("both", ToyLibrary::default());
    let figures = folder.path().join("figures");
    std::fs::create_dir(&figures).unwrap();
    save_picture(&mut window);
    type_path(&mut window, &figures);
    click(&mut window, "Save");
    assert!(window.query_by_label_contains("This is a folder; name a file in it").is_some());
    assert!(!folder.path().join("figures.png").exists());
    std::fs::write(folder.path().join("face.npz"), b"somebody's").unwrap();
    type_path(&mut window, &folder.path().join("face"));
    assert!(window.query_by_label_contains("This is a folder").is_none(), "it was about another path");
    click(&mut window, "Save");
    assert!(window.query_by_label_contains("face.npz exists").is_some());
    assert_eq!(std::fs::read(folder.path().join("face.npz")).unwrap(), b"somebody's");
    click(&mut window, "Save");
    until(&mut window, "the files", |w| w.state().is_calm() && folder.path().join("face.png").exists());
    assert_eq!(window.state().notice(), None);
}
