//! Where things lie: the pictures have the room, nothing is cut, and numbers about the picture are true.

use std::sync::Arc;

use crate::window::{Window, click, controls, set, settle, sized, until};
use egui::accesskit::Role as Node;
use egui::{Key, Rect, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::Options;
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;

/// A window of this size with a toy whose pictures have 128 and 64 pixels.
fn start(size: [f32; 2]) -> Window {
    let mut window = sized(
        Options {
            source: Some(ModelSource::file("both")),
            library: Arc::new(ToyLibrary::default()),
            ..Options::default()
        },
        size,
    );
    settle(&mut window);
    until(&mut window, "the rest", |w| w.state().is_calm());
    window.run_steps(4);
    window
}

fn rect(window: &Window, name: &str) -> Rect {
    window.get_by_label(name).rect()
}

/// The stage from the factors on the left to the tools on the right.
fn stage(window: &Window) -> [f32; 2] {
    [rect(window, "Reset factors").right(), rect(window, "Inspect").left()]
}

/// Buttons and fields.
const CONTROLS: [Node; 5] = [Node::Button, Node::CheckBox, Node::TextInput, Node::SpinButton, Node::ComboBox];

const TABS: [&str; 5] = ["Evaluate", "Traverse", "Train", "Log", "Inspect"];

#[test]
fn in_a_small_window_the_pictures_keep_most_of_the_width_whatever_the_tools_need() {
    let mut cut = Vec::new();
    for (width, height) in [(900.0, 600.0), (800.0, 520.0)] {
        let mut window = start([width, height]);
        for tab in TABS {
            click(&mut window, tab);
            window.run_steps(6);
            let [left, right] = stage(&window);
            assert!(right - left > 0.5 * width, "{tab} at {width}: the stage reaches from {left} to {right}");
            // What is in the tools is not cut by the window's edge; what is below can be scrolled to.
            let is_tool = |(name, place): &(String, Rect)| {
                place.left() >= right - 1.0 && !name.starts_with("Nuisance sample")
            };
            for (name, place) in controls(&window, &CONTROLS).into_iter().filter(is_tool) {
                let end = place.right();
                if end > width + 0.5 {
                    cut.push(format!("{tab} at {width}: {name} reaches to {end}"));
                }
            }
        }
        for name in ["Compare side by side", "Compare by difference", "Fit pictures", "Crisp pixels"] {
            let (place, [left, right]) = (rect(&window, name), stage(&window));
            assert!(
                place.left() >= left && place.right() <= right,
                "{name} at {place:?} in {left} to {right}"
            );
            assert!(place.bottom() <= rect(&window, "Bookmarks").top(), "{name} lies under the film strip");
        }
        click(&mut window, "Compare by difference");
        window.run_steps(4);
        let gain = window.get_by_role_and_label(Node::Slider, "Difference gain").rect();
        let crisp = rect(&window, "Crisp pixels");
        assert!(
            gain.right() <= stage(&window)[1] && crisp.right() <= stage(&window)[1],
            "{gain:?}, {crisp:?}"
        );
    }
    assert!(cut.is_empty(), "{cut:?}");
}

#[test]
fn panels_that_gave_way_come_back_with_the_room() {
    let mut window = start([1440.0, 900.0]);
    let before = stage(&window);
    window.set_size(vec2(900.0, 600.0));
    window.run_steps(4);
    assert!(stage(&window)[0] < before[0]);
    window.set_size(vec2(1440.0, 900.0));
    window.run_steps(4);
    assert_eq!(stage(&window), before);
}

#[test]
fn an_edge_that_is_dragged_stays_where_it_is_let_go() {
    let mut window = start([1440.0, 900.0]);
    let before = stage(&window);
    let edges = window.get_all_by_label("Resize panel").map(|edge| edge.rect());
    let edge = edges.min_by(|a, b| a.left().total_cmp(&b.left())).unwrap().center();
    window.hover_at(edge);
    window.step();
    window.drag_at(edge);
    window.step();
    for step in 1..=4 {
        window.hover_at(edge - vec2(10.0 * step as f32, 0.0));
        window.step();
    }
    window.drop_at(edge - vec2(40.0, 0.0));
    window.run_steps(6);
    let after = stage(&window);
    assert!((before[0] - after[0] - 40.0).abs() < 4.0, "from {before:?} to {after:?}");
    click(&mut window, "Evaluate");
    window.run_steps(4);
    assert_eq!(stage(&window)[0], after[0]);
}

#[test]
fn two_pictures_beside_each_other_leave_no_part_of_the_height_empty() {
    let window = start([1440.0, 900.0]);
    let (picture, bar) = (rect(&window, "Generator picture"), rect(&window, "Compare side by side"));
    let top = rect(&window, "Reset factors").top();
    assert!(bar.top() - picture.bottom() < 48.0, "{} points are empty below", bar.top() - picture.bottom());
    assert!(picture.top() - top < 64.0, "{} points are empty above", picture.top() - top);
    let samples: Vec<Rect> = (1..=9).map(|n| rect(&window, &format!("Nuisance sample {n}"))).collect();
    assert!(samples.iter().all(|sample| sample.width() > 120.0), "the nine use what is left: {samples:?}");
}

#[test]
fn the_zoom_is_said_in_pixels_of_the_screen_for_each_of_the_picture() {
    let mut window = start([1440.0, 900.0]);
    let side = rect(&window, "Generator picture").width();
    assert_eq!(side % 128.0, 0.0, "crisp pixels are whole");
    let said = format!("{:.0} %", side / 128.0 * 100.0);
    assert!(window.query_by_label(&said).is_some(), "{said}");
    window.key_press(Key::A);
    window.run_steps(2);
    assert!(window.query_by_label("100 %").is_some());
    window.key_press(Key::F);
    window.run_steps(2);
    assert!(window.query_by_label(&said).is_some());
    click(&mut window, "Crisp pixels");
    window.run_steps(2);
    let side = rect(&window, "Generator picture").width();
    assert_ne!(side % 128.0, 0.0, "what is blended fills its room");
    let said = format!("{:.0} %", side / 128.0 * 100.0);
    assert!(window.query_by_label(&said).is_some(), "{said}");
}

#[test]
fn one_of_the_nine_is_the_sample_of_its_number() {
    let mut window = start([1440.0, 900.0]);
    click(&mut window, "Nuisance sample 6");
    settle(&mut window);
    let seed = window.get_by_role_and_label(Node::SpinButton, "seed").accesskit_node().numeric_value();
    assert_eq!(seed, Some(6.0));
    let picked = window.state().values("s").to_vec();
    click(&mut window, "New nuisance sample");
    settle(&mut window);
    assert_ne!(window.state().values("s"), picked);
    set(&mut window, "c 0", 1.0);
    assert_eq!(window.state().notice(), None);
}

#[test]
fn the_window_is_called_after_its_model() {
    let title = |window: &Window| {
        let commands = &window.output().viewport_output[&egui::ViewportId::ROOT].commands;
        commands.iter().find_map(|command| match command {
            egui::ViewportCommand::Title(title) => Some(title.clone()),
            _ => None,
        })
    };
    let source = Some(ModelSource::file("first"));
    let options = Options { source, library: Arc::new(ToyLibrary::default()), ..Options::default() };
    let mut window = sized(options, [1000.0, 700.0]);
    settle(&mut window);
    window.state_mut().open_model(ModelSource::file("second"));
    until(&mut window, "the new name", |w| title(w).as_deref() == Some("second – idgan"));
}
