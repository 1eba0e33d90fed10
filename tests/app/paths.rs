//! Paths: how they are asked for, typed and pasted.

use std::path::Path;

use crate::window::{Window, click, command, remembering, settle, toy, until, window};
use egui::accesskit::Role as Node;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::Options;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::toy::ToyLibrary;
use idgan::engine::{ModelSource, RandomLibrary};
use idgan::nets::ResnetTrunk;

/// What the field that asks for a path holds, and what it shows while it is empty.
fn field(window: &Window) -> [Option<String>; 2] {
    let field = window.get_by_role_and_label(Node::TextInput, "Path");
    let node = field.accesskit_node();
    [node.value(), node.placeholder().map(str::to_owned)]
}

fn paste(window: &mut Window, text: &str) {
    window.event(egui::Event::Paste(text.to_owned()));
    window.step();
}

#[test]
fn a_pasted_path_opens_in_the_field_and_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("both", ToyLibrary::default());
    let is_open = |window: &Window, name: &str| window.query_by_label(&format!("{name} on CPU")).is_some();
    for (name, before, after) in [("first", "", "\n"), ("with a space", "'", "'")] {
        let path = folder.path().join(name);
        std::fs::write(&path, b"").unwrap();
        window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
        window.run_steps(2);
        paste(&mut window, &format!("{before}{}{after}", path.display()));
        click(&mut window, "Open");
        until(&mut window, name, |w| is_open(w, name));
    }
    let path = folder.path().join("third");
    std::fs::write(&path, b"").unwrap();
    paste(&mut window, &format!("file://{}", path.display()));
    until(&mut window, "the third", |w| is_open(w, "third"));
    assert_eq!(window.state().notice(), None);
}

#[test]
fn what_is_pasted_takes_the_place_of_what_was_proposed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("both", ToyLibrary::default());
    command(&mut window, "save picture");
    paste(&mut window, &folder.path().join("mine.png").display().to_string());
    click(&mut window, "Save");
    until(&mut window, "the file", |w| w.state().is_calm());
    assert!(folder.path().join("mine.png").exists());
    // The next one is proposed where that went, and other things elsewhere.
    command(&mut window, "save codes");
    let proposed = folder.path().join("codes.npz").display().to_string();
    assert_eq!(field(&window)[0].as_deref(), Some(&*proposed));
    click(&mut window, "Cancel");
    command(&mut window, "open by path");
    assert_eq!(field(&window)[0].as_deref().unwrap_or_default(), "");
}

#[test]
fn folders_are_remembered_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let start = || remembering(folder.path());
    let mut first = start();
    command(&mut first, "save picture");
    paste(&mut first, &folder.path().join("a.png").display().to_string());
    click(&mut first, "Save");
    until(&mut first, "the file", |w| w.state().is_calm());
    eframe::App::on_exit(first.state_mut());
    drop(first);
    let mut second = start();
    command(&mut second, "save picture");
    let proposed = folder.path().join("picture.png").display().to_string();
    assert_eq!(field(&second)[0].as_deref(), Some(&*proposed));
}

#[test]
fn the_field_shows_an_example_of_what_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("both");
    std::fs::write(&model, b"").unwrap();
    let mut window = toy(model.to_str().unwrap(), ToyLibrary::default());
    for (name, part) in [
        ("open by path", ".safetensors"),
        ("open run folder", "/runs/"),
        ("start from a picture", ".jpg"),
        ("measure on my images", "/faces"),
    ] {
        command(&mut window, name);
        let [_, example] = field(&window);
        assert!(example.as_ref().is_some_and(|example| example.contains(part)), "{name}: {example:?}");
        click(&mut window, "Cancel");
    }
}

/// A random model in a bundle, and a folder of pictures.
fn tiny(folder: &Path) -> Window {
    let path = folder.join("tiny.safetensors");
    let trunk = ResnetTrunk { size: 64, nfilter: 2, nfilter_max: 4, channels: 3 };
    write_bundle(&path, &RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model(), Precision::F32).unwrap();
    std::fs::create_dir(folder.join("faces")).unwrap();
    for index in 0..6u8 {
        let picture =
            image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 3, y as u8 * 3, index * 40]));
        picture.save(folder.join(format!("faces/{index}.png"))).unwrap();
    }
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(path) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    window
}

#[test]
fn measuring_on_images_asks_where_the_result_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = tiny(folder.path());
    until(&mut window, "what is known of the model", |w| w.state().is_calm());
    let before = std::fs::read(folder.path().join("tiny.safetensors")).unwrap();
    let ask = |window: &mut Window| {
        command(window, "measure on my images");
        paste(window, &folder.path().join("faces").display().to_string());
        click(window, "Open");
    };
    ask(&mut window);
    let own = folder.path().join("tiny.safetensors").display().to_string();
    assert_eq!(field(&window)[0].as_deref(), Some(&*own), "the bundle itself can hold it");
    click(&mut window, "Cancel");
    assert!(window.state().is_calm(), "nothing is measured that nobody wants");
    ask(&mut window);
    let out = folder.path().join("measured");
    paste(&mut window, &out.display().to_string());
    click(&mut window, "Save");
    until(&mut window, "the bundle", |w| w.state().is_calm());
    assert_eq!(window.state().notice(), None);
    let out = out.with_extension("safetensors");
    assert!(out.exists() && std::fs::read(folder.path().join("tiny.safetensors")).unwrap() == before);
    settle(&mut window);
    until(&mut window, "what was measured", |w| w.query_by_label("By KL").is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "and nothing else was written");
}
