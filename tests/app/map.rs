//! The map of codes beside the pictures: looked at, dragged on, started from.

use std::path::Path;

use crate::pages::{assert_made_again, measuring};
use crate::window::{Window, click, command, remembering, save_as, set, settle, type_into, until};
use egui::accesskit::Role as Node;
use egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::metrics::{CodeMap, MappedFactor};

/// A map of sixty codes on a grid from -2 to 2 in the first two of a toy's five dimensions, as the window keeps it.
fn keep_map(folder: &Path) {
    let place = |at: usize, of: usize| 4.0 * at as f32 / (of - 1) as f32 - 2.0;
    let map = CodeMap {
        data: "color-dsprites".into(),
        dims: (0..5).map(|dim| format!("c{dim}")).collect(),
        indices: (0..60).map(|row| 1000 * row).collect(),
        codes: (0..60).map(|row| vec![place(row % 10, 10), place(row / 10, 6), 0.0, 0.0, 0.0]).collect(),
        factors: ["shape", "scale"]
            .into_iter()
            .zip([3, 12])
            .map(|(name, count)| MappedFactor {
                name: name.into(),
                values: (0..count).map(|class| class as f64 / 2.0).collect(),
                names: Vec::new(),
                classes: (0..60).map(|row| row % count).collect(),
            })
            .collect(),
        ..CodeMap::default()
    };
    let models = folder.join("config/models");
    std::fs::create_dir_all(&models).unwrap();
    map.write(&models.join(".map.json")).unwrap();
}

/// A window whose stage shows the kept map over the first two dimensions.
fn shown(folder: &Path) -> Window {
    keep_map(folder);
    let mut window = remembering(folder);
    click(&mut window, "Evaluate");
    click(&mut window, "Map");
    click(&mut window, "Dimensions");
    until(&mut window, "the thumbnails", |w| w.query_by_label("Start from picture 0").is_some());
    settle(&mut window);
    window
}

/// Where the code lies on the screen.
fn code(window: &Window) -> egui::Pos2 {
    window.get_by_label_contains("Code on the map at").rect().center()
}

#[test]
fn the_code_is_dragged_on_the_map_and_two_dimensions_follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = shown(folder.path());
    // The hint of the first start goes, and with it the room that it took.
    set(&mut window, "c 4", 0.5);
    settle(&mut window);
    assert!(window.query_by_label("Generator picture").is_some(), "the pictures stay beside it");
    let plot = window.get_by_label("Map of 60 pictures of color-dsprites").rect();
    let from = code(&window);
    assert!(plot.contains(from) && plot.width() > 200.0, "{from:?} in {plot:?}");
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    for step in 1..=4 {
        window.hover_at(from + vec2(10.0, -8.0) * step as f32);
        window.step();
    }
    window.drop_at(from + vec2(40.0, -32.0));
    window.step();
    settle(&mut window);
    let values = window.state().values("c").to_vec();
    assert!(values[0] > 0.1 && values[1] > 0.1, "right and up is more: {values:?}");
    assert_eq!(values[2..], [0.0, 0.0, 0.5]);
    let moved = code(&window) - from - vec2(40.0, -32.0);
    assert!(moved.length() < 2.0, "it lies {moved:?} from the pointer");
    command(&mut window, "Undo");
    settle(&mut window);
    assert_eq!(window.state().values("c"), [0.0, 0.0, 0.0, 0.0, 0.5], "a drag is one step");
}

#[test]
fn arrow_keys_move_the_code_and_a_free_place_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = shown(folder.path());
    window.get_by_label_contains("Code on the map at").focus();
    window.step();
    window.key_press(Key::ArrowRight);
    window.run_steps(2);
    settle(&mut window);
    let values = window.state().values("c").to_vec();
    assert!((values[0] - 0.04).abs() < 1e-4 && values[1..] == [0.0; 4], "a hundredth of 4: {values:?}");
    // Between the dots and the pictures of some.
    click(&mut window, "Thumbnails");
    let plot = window.get_by_label("Map of 60 pictures of color-dsprites").rect();
    crate::window::click_at(&mut window, plot.right_top() + vec2(-6.0, 6.0));
    settle(&mut window);
    let values = window.state().values("c").to_vec();
    assert!(values[0] > 2.0 && values[1] > 2.0, "beyond the last dot: {values:?}");
}

#[test]
fn a_picture_on_the_map_is_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = shown(folder.path());
    until(&mut window, "the pictures", |w| w.query_by_label("Start from picture 0").is_some());
    click(&mut window, "Start from picture 0");
    until(&mut window, "its code", |w| w.state().values("c") != [0.0; 5]);
    settle(&mut window);
    click(&mut window, "Inspect");
    let name = "Start picture: picture 0 of color-dsprites";
    assert!(window.query_by_role_and_label(Node::Image, name).is_some());
    assert_eq!(window.state().notice(), None);
}

#[test]
fn the_factor_that_colours_the_dots_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = shown(folder.path());
    let says = |window: &Window, text: &str| window.query_all_by_label(text).next().is_some();
    assert!(says(&window, "1") && !says(&window, "5.50"), "three classes have a colour each");
    window.get_by_role_and_label(Node::ComboBox, "Colour").click_accesskit();
    window.run_steps(2);
    click(&mut window, "scale");
    window.run_steps(2);
    assert!(says(&window, "5.50"), "twelve have a scale");
    // Another dimension across.
    window.get_by_role_and_label(Node::ComboBox, "Across").click_accesskit();
    window.run_steps(2);
    window.get_by_role_and_label(Node::Button, "c 4").click_accesskit();
    window.run_steps(2);
    let across = window.get_by_role_and_label(Node::ComboBox, "Across");
    assert_eq!(across.accesskit_node().value().as_deref(), Some("c 4"));
}

#[test]
fn a_map_is_made_kept_and_exported_and_its_command_makes_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = measuring(folder.path());
    type_into(&mut first, "Data", "color-dsprites");
    first.get_by_role_and_label(Node::SpinButton, "Samples").set_value_accesskit(64.0);
    first.step();
    click(&mut first, "Make the map");
    until(&mut first, "the map", |w| w.query_by_label("Map of 64 pictures of color-dsprites").is_some());
    click(&mut first, "Dimensions");
    until(&mut first, "the rest", |w| w.state().is_calm());
    click(&mut first, "Export map…");
    let page = folder.path().join("a map.svg");
    save_as(&mut first, &page);
    assert_made_again(&page);
    drop(first);
    let mut second = measuring(folder.path());
    click(&mut second, "Map");
    assert!(second.query_by_label("Map of 64 pictures of color-dsprites").is_some());
    assert_eq!(second.state().notice(), None);
}
