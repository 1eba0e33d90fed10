//! Two models on the same codes, beside each other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::window::{Window, click, command, grey, set, settle, top_of, toy, until};
use egui::accesskit::Role as Node;
use egui_kittest::kittest::Queryable;
use idgan::engine::ModelSource;
use idgan::engine::toy::{ToyBehaviour, ToyLibrary};
use idgan::model::{GAN, VAE};

/// An empty file, which the toys take their name from.
fn file(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, b"").unwrap();
    path
}

fn beside(window: &Window, chain: &str) -> Option<u8> {
    window.state().picture_beside(chain).map(|picture| top_of(&picture))
}

/// Opens `path` beside by the field that asks for it.
fn open_beside(window: &mut Window, path: &Path) {
    command(window, "open beside");
    window.event(egui::Event::Text(path.display().to_string()));
    window.step();
    click(window, "Open");
}

#[test]
fn a_second_model_shows_the_same_codes_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("first", ToyLibrary::default());
    set(&mut window, "c 0", 1.5);
    open_beside(&mut window, &file(folder.path(), "second"));
    until(&mut window, "the second picture", |w| beside(w, GAN) == Some(grey(1.5)));
    window.step();
    assert!(window.query_by_label("Generator picture of the model beside").is_some());
    assert!(window.query_by_label("VAE decoder picture").is_none(), "generators are compared");
    assert!(window.query_by_label("Generator · first").is_some(), "each picture says of which network it is");
    assert!(window.query_by_label("Generator · second").is_some());
    set(&mut window, "c 0", -2.0);
    assert_eq!(beside(&window, GAN), Some(grey(-2.0)), "both follow the sliders");
    click(&mut window, "VAEs");
    settle(&mut window);
    assert!(window.query_by_label("VAE · second").is_some());
    assert_eq!(beside(&window, VAE), Some(grey(-2.0)));
    assert!(window.query_by_label("VAE decoder picture of the model beside").is_some());
    click(&mut window, "Compare by difference");
    assert!(window.query_by_label("Difference of the pictures").is_some());
    click(&mut window, "Compare side by side");
    click(&mut window, "Close the model beside");
    assert!(window.state().picture_beside(VAE).is_none());
    assert!(window.query_by_label("VAE decoder picture").is_some());
    assert!(window.query_by_label("VAE decoder picture of the model beside").is_none());
    set(&mut window, "c 0", 1.0);
    assert_eq!(window.state().notice(), None);
}

#[test]
fn a_model_of_other_codes_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("vae", ToyLibrary::default());
    open_beside(&mut window, &file(folder.path(), "second"));
    until(&mut window, "the message", |w| {
        w.state().notice().is_some_and(|n| n.contains("its code s has 3 dimensions and vae has no code s"))
    });
    assert!(window.state().picture_beside(GAN).is_none());
    set(&mut window, "c 0", 1.0);
    // The other way round it fits; but not any more once another first model is opened.
    click(&mut window, "Close message");
    window.state_mut().open_model(ModelSource::file("first"));
    settle(&mut window);
    open_beside(&mut window, &file(folder.path(), "vae"));
    until(&mut window, "the second picture", |w| beside(w, VAE).is_some());
    window.state_mut().open_model(ModelSource::file("noise"));
    until(&mut window, "the message", |w| {
        w.state().notice().is_some_and(|n| n.contains("noise has no code c"))
    });
    assert!(window.state().picture_beside(VAE).is_none());
}

#[test]
fn a_second_model_that_cannot_be_opened_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("first", ToyLibrary::default());
    open_beside(&mut window, &file(folder.path(), "missing"));
    until(&mut window, "the message", |w| w.state().notice().is_some_and(|n| n.contains("no such file")));
    set(&mut window, "c 0", 1.0);
    assert!(window.query_by_label("VAE decoder picture").is_some());
}

#[test]
fn a_slow_second_model_delays_neither_the_first_decoder_nor_the_window() {
    let slow = ToyBehaviour { layers: 8, layer: Duration::from_millis(250), ..ToyBehaviour::default() };
    let mut window = toy("first", ToyLibrary { generator: slow, ..ToyLibrary::default() });
    window.state_mut().open_beside(ModelSource::file("second"));
    until(&mut window, "the second picture", |w| beside(w, GAN).is_some());
    let mut answers = Vec::new();
    let mut updates = Vec::new();
    for index in 0..15 {
        let value = 0.2 * index as f32 + 0.1;
        window.get_by_role_and_label(Node::Slider, "c 0").set_value_accesskit(f64::from(value));
        let asked = Instant::now();
        loop {
            let start = Instant::now();
            window.step();
            updates.push(start.elapsed());
            if window.state().picture(VAE).is_some_and(|picture| top_of(&picture) == grey(value)) {
                break;
            }
            assert!(asked.elapsed() < Duration::from_secs(20), "the decoder never answered");
        }
        answers.push(asked.elapsed());
        // Both generators are in the middle of a picture that takes two seconds when the next code comes.
        std::thread::sleep(Duration::from_millis(30));
    }
    answers.sort();
    updates.sort();
    let (answer, update) = (answers[answers.len() / 2], updates[updates.len() / 2]);
    assert!(answer < Duration::from_millis(250), "the decoder's answers: {answers:?}");
    assert!(update < Duration::from_millis(100), "the window's updates: {updates:?}");
}
