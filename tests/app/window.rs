//! The window without pixels, for the tests that drive it by its accessibility tree.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::skip::skipped;
use egui::accesskit::Role as Node;
use egui::{Key, Modifiers, Pos2, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::wgpu::WgpuTestRenderer;
use idgan::app::{Explorer, FileDialogs, Options};
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;

/// What paints the window, on whatever driver there is (a software one will do); `None` (said and counted) without any.
pub fn renderer() -> Option<WgpuTestRenderer> {
    let renderer = std::panic::catch_unwind(WgpuTestRenderer::new).ok();
    if renderer.is_none() {
        skipped("graphics", "there is no graphics driver, not even a software one");
    }
    renderer
}

pub const PATIENCE: Duration = Duration::from_secs(30);

pub type Window = Harness<'static, Explorer>;

pub fn window(options: Options) -> Window {
    asking(options, None)
}

/// The window, whose paths are asked for by `dialogs`.
pub fn asking(options: Options, dialogs: Option<Arc<dyn FileDialogs>>) -> Window {
    build(options, dialogs, [1400.0, 900.0])
}

/// A window of a width and a height in points.
pub fn sized(options: Options, size: [f32; 2]) -> Window {
    build(options, None, size)
}

fn build(options: Options, dialogs: Option<Arc<dyn FileDialogs>>, [width, height]: [f32; 2]) -> Window {
    Harness::builder().with_size(vec2(width, height)).with_max_steps(64).build_eframe(move |creation| {
        let options =
            Options { dialogs: dialogs.clone(), program: env!("CARGO_BIN_EXE_idgan").into(), ..options };
        Explorer::new(&creation.egui_ctx, None, &options).unwrap()
    })
}

/// The window with toy `name` open and its pictures shown.
pub fn toy(name: &str, library: ToyLibrary) -> Window {
    let mut window = window(Options {
        source: Some(ModelSource::file(name)),
        library: Arc::new(library),
        ..Options::default()
    });
    settle(&mut window);
    window
}

/// The window with a toy model, which keeps in `folder` what outlives it.
pub fn remembering(folder: &Path) -> Window {
    let model = folder.join("model");
    std::fs::write(&model, b"").unwrap();
    let mut window = window(Options {
        source: Some(ModelSource::file(&model)),
        library: Arc::new(ToyLibrary::default()),
        config: Some(folder.join("config")),
        ..Options::default()
    });
    settle(&mut window);
    window
}

/// Nodes of the tree in one of these roles, by name and place.
pub fn controls(window: &Window, roles: &[Node]) -> Vec<(String, Rect)> {
    let mut pending: Vec<_> = window.root().children().collect();
    let mut found = Vec::new();
    while let Some(node) = pending.pop() {
        let access = node.accesskit_node();
        if roles.contains(&access.role()) {
            found.push((access.label().unwrap_or_default(), node.rect()));
        }
        pending.extend(node.children());
    }
    found
}

/// Runs frames until `done`, as the event loop would when woken.
pub fn until(window: &mut Window, what: &str, done: impl Fn(&Window) -> bool) {
    let start = Instant::now();
    while !done(window) {
        assert!(
            start.elapsed() < PATIENCE,
            "waited in vain for {what}; notice: {:?}",
            window.state().notice()
        );
        std::thread::sleep(Duration::from_millis(2));
        window.step();
    }
}

/// A command by its name in the palette.
pub fn command(window: &mut Window, text: &str) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::P);
    window.step();
    window.step();
    window.event(egui::Event::Text(text.to_owned()));
    window.step();
    window.key_press(Key::Enter);
    window.step();
    window.step();
}

/// Waits until the pictures show the codes.
pub fn settle(window: &mut Window) {
    window.step();
    until(window, "the pictures", |w| w.state().has_model() && w.state().is_settled());
    window.step();
}

/// Sets the slider called `name` as assistive technology does.
pub fn set(window: &mut Window, name: &str, value: f64) {
    window.get_by_role_and_label(Node::Slider, name).set_value_accesskit(value);
    window.step();
    settle(window);
}

/// Clicks what is called `name` as assistive technology does: the pointer would miss what moves meanwhile because
/// something arrived from the background.
pub fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click_accesskit();
    window.step();
    window.step();
}

/// Replaces the text of the field called `name`.
pub fn type_into(window: &mut Window, name: &str, text: &str) {
    window.get_by_role_and_label(Node::TextInput, name).focus();
    window.step();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.step();
    window.event(egui::Event::Text(text.to_owned()));
    window.step();
}

/// Answers the field that asks for a path.
pub fn save_as(window: &mut Window, path: &std::path::Path) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text(path.display().to_string()));
    window.step();
    click(window, "Save");
    until(window, "the file", |w| w.state().is_calm());
    assert_eq!(window.state().notice(), None);
}

/// Presses and lets go at a place.
pub fn click_at(window: &mut Window, place: Pos2) {
    window.hover_at(place);
    window.step();
    window.drag_at(place);
    window.step();
    window.drop_at(place);
    window.step();
    window.step();
}

/// The grey of the toy's band that shows `value`.
pub fn grey(value: f32) -> u8 {
    (255.0 / (1.0 + (-value).exp()) + 0.5) as u8
}

/// The grey of a toy's top band, dimension 0.
pub fn top_of(picture: &idgan::base::Picture) -> u8 {
    picture.pixel(5, 1)[0]
}

/// The grey of the top band that `chain` shows.
pub fn top(window: &Window, chain: &str) -> u8 {
    top_of(&window.state().picture(chain).unwrap())
}
