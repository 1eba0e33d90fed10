//! Models of the methods beside ID-GAN in the window: sliders, noise, reading back.

use std::path::{Path, PathBuf};

use crate::methods::{clusters, cycle, iae, ib_gan, oogan};
use crate::window::{Window, click, command, controls, set, settle, until, window};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use idgan::app::Options;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::ModelSource;
use idgan::model::Model;

fn opened(model: &Model) -> (tempfile::TempDir, Window) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write_bundle(&path, model, Precision::F32).unwrap();
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(&path) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    (folder, window)
}

/// Whether `change` changes the picture of a chain.
fn changes(window: &mut Window, chain: &str, change: impl FnOnce(&mut Window)) -> bool {
    let before = window.state().picture(chain).unwrap().rgba().to_vec();
    change(window);
    settle(window);
    before != window.state().picture(chain).unwrap().rgba()
}

/// Waits until the code called `code` has been read back from the picture.
fn is_read(window: &mut Window, code: &str) {
    until(window, "the code that is read back", |window| {
        window.state().read_back().is_some_and(|(block, found)| block == code && found.len() == 3)
    });
}

#[test]
fn an_ib_gan_has_sliders_of_r_and_another_picture_of_z() {
    let (_folder, mut window) = opened(&ib_gan());
    assert_eq!(window.state().notice(), None);
    assert!(changes(&mut window, "gan", |w| set(w, "r 1", 2.0)));
    is_read(&mut window, "r");
    assert!(changes(&mut window, "from z", |w| click(w, "New nuisance sample")));
    // r is drawn of z by the emitter, but for what is locked.
    let seen = |window: &Window| (window.state().values("r").to_vec(), window.state().values("z").to_vec());
    let before = seen(&window);
    assert!(changes(&mut window, "gan", |w| click(w, "New nuisance sample")));
    let sampled = seen(&window);
    assert!(before.0 != sampled.0 && before.1 != sampled.1);
    assert!(changes(&mut window, "gan", |w| click(w, "New epsilon")));
    let again = seen(&window);
    assert!(again.0 != sampled.0 && again.1 == sampled.1, "another r of the same z");
    assert!(!changes(&mut window, "from z", |w| click(w, "New epsilon")), "it shows the mean of r");
    for _ in 0..2 {
        window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        settle(&mut window);
    }
    assert_eq!(seen(&window), sampled, "a sample is one step");
    click(&mut window, "Lock r 1");
    settle(&mut window);
    click(&mut window, "New nuisance sample");
    let locked = seen(&window);
    assert!(locked.0[1] == sampled.0[1] && locked.0[0] != sampled.0[0]);
}

#[test]
fn nine_samples_of_an_ib_gan_are_nine_pictures_and_a_click_on_one_draws_it() {
    let (_folder, mut window) = opened(&ib_gan());
    assert!(window.query_by_label("Nine samples of z").is_some());
    let mut seen = std::collections::BTreeSet::new();
    for index in 1..=9 {
        click(&mut window, &format!("Nuisance sample {index}"));
        settle(&mut window);
        assert!(seen.insert(window.state().picture("gan").unwrap().rgba().to_vec()), "{index}");
    }
}

#[test]
fn an_oogan_has_sliders_from_0_to_1_and_noise() {
    let (_folder, mut window) = opened(&oogan());
    assert_eq!(window.state().notice(), None);
    assert_eq!(window.state().values("c"), [0.4; 3]);
    assert!(changes(&mut window, "gan", |w| set(w, "c 1", 2.0)));
    assert_eq!(window.state().values("c"), [0.4, 1.0, 0.4], "as far as its range goes");
    assert!(changes(&mut window, "gan", |w| click(w, "New nuisance sample")));
    is_read(&mut window, "c");
}

#[test]
fn an_implicit_autoencoder_has_sliders_and_noise() {
    let (_folder, mut window) = opened(&iae());
    let notice = window.state().notice().unwrap_or_default().to_owned();
    assert!(notice.contains("gives no log variance and is taken to be certain"), "{notice}");
    assert!(changes(&mut window, "decoder", |w| set(w, "z 1", 2.0)));
    assert!(changes(&mut window, "decoder", |w| click(w, "New nuisance sample")));
    is_read(&mut window, "z");
}

#[test]
fn clusters_have_a_style_with_sliders() {
    let (_folder, mut window) = opened(&clusters());
    assert_eq!(window.state().values("z"), [1.0, 0.0, 0.0]);
    assert!(changes(&mut window, "decoder", |w| set(w, "n 1", 2.0)));
}

#[test]
fn a_cycle_iae_makes_pictures_of_what_is_dropped_on_it() {
    let (folder, mut window) = opened(&cycle());
    assert_eq!(window.state().notice(), None);
    let sliders = |window: &Window| controls(window, &[Role::Slider]).into_iter().map(|(name, _)| name);
    assert_eq!(sliders(&window).collect::<Vec<_>>(), ["Blend nuisance"], "there are no codes to set");
    assert!(window.query_by_role_and_label(Role::Image, "Input picture").is_some());
    assert!(changes(&mut window, "g", |w| click(w, "New nuisance sample")));
    assert!(!changes(&mut window, "f", |w| click(w, "New nuisance sample")), "f takes no noise");

    let path = folder.path().join("mine.png");
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(x * 6) as u8, (y * 8) as u8, 90]));
    picture.save(&path).unwrap();
    let before: Vec<Vec<u8>> = ["f", "there and back", "g"].map(|chain| pixels(&window, chain)).into();
    window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(path)));
    window.step();
    until(&mut window, "the picture", |w| pixels(w, "f") != before[0]);
    settle(&mut window);
    for (chain, before) in ["f", "there and back", "g"].into_iter().zip(&before) {
        assert_ne!(pixels(&window, chain), *before, "{chain}");
    }
    command(&mut window, "Undo");
    settle(&mut window);
    assert_eq!(pixels(&window, "f"), before[0], "the input before");
}

/// A file that is dropped on the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn pixels(window: &Window, chain: &str) -> Vec<u8> {
    window.state().picture(chain).unwrap().rgba().to_vec()
}
