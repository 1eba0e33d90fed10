//! How somebody begins: the hint of the first start, the gallery, and pictures of the model's own data.

use std::path::Path;

use crate::window::{Window, click, remembering, set, settle, toy, until, window};
use egui_kittest::kittest::Queryable;
use idgan::app::Options;
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;

fn bundled(config: Option<&Path>) -> Window {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("checkpoints/sprites-64.safetensors");
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(path) };
    let config = config.map(Path::to_owned);
    let mut window = window(Options { source: Some(source), config, ..Options::default() });
    settle(&mut window);
    window
}

#[test]
fn the_hint_of_the_first_start_is_shown_until_somebody_closes_it_or_moves_a_slider() {
    for closes in [true, false] {
        check_hint(closes);
    }
}

fn check_hint(closes: bool) {
    let folder = tempfile::tempdir().unwrap();
    let start = || remembering(folder.path());
    let hint = |window: &Window| window.query_by_label_contains("Drag a slider").is_some();
    let mut first = start();
    assert!(hint(&first));
    if closes {
        click(&mut first, "Close hint");
    } else {
        set(&mut first, "c 0", 1.0);
        first.run_steps(2);
    }
    assert!(!hint(&first), "it is closed, or has been understood");
    eframe::App::on_exit(first.state_mut());
    drop(first);
    assert!(!hint(&start()), "and does not come back");
    // Where nothing is remembered, it would come back every time.
    assert!(!hint(&toy("both", ToyLibrary::default())));
}

#[test]
fn a_model_of_the_gallery_opens_with_one_click() {
    let mut window = toy("both", ToyLibrary::default());
    click(&mut window, "Model");
    click(&mut window, "Gallery of models…");
    window.run_steps(2);
    assert!(window.query_by_label_contains("trained on dsprites").is_some());
    click(&mut window, "Open sprites-64");
    until(&mut window, "the model", |w| w.query_by_label_contains("sprites-64 on CPU").is_some());
    settle(&mut window);
    assert!(window.query_by_label("Close gallery").is_none());
    assert_eq!(window.state().notice(), None);
}

#[test]
fn a_model_is_opened_again_in_bf16_and_back() {
    let mut window = bundled(None);
    for (device, shown) in [("CPU, bf16", "sprites-64 on CPU (bf16)"), ("CPU", "sprites-64 on CPU")] {
        click(&mut window, "Model");
        click(&mut window, "Device");
        click(&mut window, device);
        until(&mut window, shown, |w| w.query_by_label(shown).is_some());
        settle(&mut window);
        assert_eq!(window.state().notice(), None);
    }
}

#[test]
fn pictures_of_the_data_set_the_factors() {
    let mut window = bundled(None);
    assert!(window.state().values("c").iter().all(|&value| value == 0.0));
    // A model without nuisance begins with them; so does somebody who comes back from the bookmarks.
    until(&mut window, "the pictures", |w| w.query_by_label("Picture of the data 9").is_some());
    click(&mut window, "Bookmarks");
    assert!(window.query_by_label("Picture of the data 9").is_none());
    click(&mut window, "Pictures of the data");
    until(&mut window, "the pictures", |w| w.query_by_label("Picture of the data 9").is_some());
    click(&mut window, "Picture of the data 4");
    until(&mut window, "the code", |w| w.state().values("c").iter().any(|&value| value.abs() > 0.2));
    settle(&mut window);
    assert!(window.query_by_label("Start picture: picture 4 of the data").is_some());
    let first = window.state().values("c").to_vec();
    click(&mut window, "New pictures");
    until(&mut window, "other pictures", |w| w.state().is_calm());
    click(&mut window, "Picture of the data 4");
    until(&mut window, "another code", |w| w.state().values("c") != first);
}

#[test]
fn a_model_of_unknown_data_offers_no_pictures_of_it() {
    let window = toy("both", ToyLibrary::default());
    assert!(window.query_by_label("Bookmarks").is_some());
    assert!(window.query_by_label("Pictures of the data").is_none());
}

#[test]
fn help_lists_every_key_that_works() {
    let mut window = toy("both", ToyLibrary::default());
    window.key_press(egui::Key::F1);
    window.run_steps(3);
    assert!(window.query_by_label_contains(&format!("idgan {}", env!("CARGO_PKG_VERSION"))).is_some());
    for text in ["Command palette", "Undo", "Drag on a picture", "MIT or Apache-2.0"] {
        assert!(window.query_all_by_label_contains(text).next().is_some(), "{text}");
    }
    click(&mut window, "Close help");
    window.run_steps(2);
    assert!(window.query_by_label("Close help").is_none());
}
