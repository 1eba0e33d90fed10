//! The window, driven by its accessibility tree: what a person can see and say, without pixels.

use std::path::Path;
use std::sync::Arc;

use crate::window::{Window, click, controls, grey, set, settle, sized, top, toy, type_into, until, window};
use egui::accesskit::Role as Node;
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::{Options, Tool};
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::toy::{ToyBehaviour, ToyLibrary};
use idgan::engine::{ModelSource, RandomLibrary};
use idgan::explore::RangeSpec;
use idgan::model::{GAN, VAE};
use idgan::nets::ResnetTrunk;

#[test]
fn a_slider_moves_both_pictures() {
    let mut window = toy("both", ToyLibrary::default());
    assert_eq!((top(&window, GAN), top(&window, VAE)), (grey(0.0), grey(0.0)));
    set(&mut window, "c 0", 1.5);
    assert_eq!(window.state().values("c")[0], 1.5);
    assert_eq!((top(&window, GAN), top(&window, VAE)), (grey(1.5), grey(1.5)));
}

#[test]
fn a_model_opens_with_the_codes_of_its_author() {
    let mut window = toy("opening", ToyLibrary::default());
    assert_eq!(window.state().values("c"), [0.0, 0.1, 0.2, 0.3, 0.4]);
    assert_eq!(window.state().values("s"), [0.0, 0.1, 0.2]);
    click(&mut window, "Reset c 2");
    settle(&mut window);
    assert_eq!(window.state().values("c"), [0.0, 0.1, 0.0, 0.3, 0.4], "one resets to neutral");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.step();
    settle(&mut window);
    assert_eq!(window.state().values("c")[2], 0.2);
}

#[test]
fn a_mouse_drag_is_one_step_of_undo_and_redo() {
    let mut window = toy("both", ToyLibrary::default());
    let rail = window.get_by_role_and_label(Node::Slider, "c 1").rect();
    window.drag_at(rail.center());
    window.step();
    for step in 1..=10 {
        window.hover_at(rail.center() + vec2(step as f32 * 4.0, 0.0));
        window.step();
    }
    window.drop_at(rail.center() + vec2(40.0, 0.0));
    window.step();
    settle(&mut window);
    let dragged = window.state().values("c")[1];
    assert!(dragged > 0.3, "{dragged}");
    assert_eq!(window.state().shown_code(VAE).unwrap()[1], dragged, "the last picture is exact");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.step();
    settle(&mut window);
    assert_eq!(window.state().values("c"), [0.0; 5]);
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.step();
    settle(&mut window);
    assert_eq!(window.state().values("c")[1], dragged);
    assert_eq!(window.state().shown_code(VAE).unwrap()[1], dragged);
}

#[test]
fn reset_is_offered_only_when_it_would_change_something() {
    let mut window = toy("both", ToyLibrary::default());
    let is_enabled = |window: &Window| !window.get_by_label("Reset c 2").accesskit_node().is_disabled();
    assert!(!is_enabled(&window));
    set(&mut window, "c 2", -2.0);
    assert!(is_enabled(&window));
    click(&mut window, "Reset c 2");
    settle(&mut window);
    assert_eq!(window.state().values("c")[2], 0.0);
    assert!(!is_enabled(&window));
}

#[test]
fn a_locked_factor_survives_reset_and_random() {
    let mut window = toy("both", ToyLibrary::default());
    set(&mut window, "c 0", 1.0);
    set(&mut window, "c 1", 1.0);
    click(&mut window, "Lock c 0");
    click(&mut window, "Reset factors");
    settle(&mut window);
    assert_eq!(window.state().values("c")[..2], [1.0, 0.0]);
    click(&mut window, "Random");
    settle(&mut window);
    assert_eq!(window.state().values("c")[0], 1.0);
    assert_ne!(window.state().values("c")[1], 0.0);
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut window = toy("both", ToyLibrary::default());
    let before = window.state().values("s").to_vec();
    window.key_press_modifiers(Modifiers::COMMAND, Key::P);
    window.step();
    window.step();
    window.event(egui::Event::Text("new nuis".to_owned()));
    window.step();
    window.key_press(Key::Enter);
    window.step();
    settle(&mut window);
    assert_ne!(window.state().values("s"), before);
    assert_eq!(window.state().values("c"), [0.0; 5], "the same factors");
    click(&mut window, "Previous nuisance sample");
    settle(&mut window);
    assert_eq!(window.state().values("s"), before);
}

#[test]
fn escape_closes_the_palette_and_keys_do_nothing_behind_it() {
    let mut window = toy("both", ToyLibrary::default());
    let is_open = |window: &Window| !controls(window, &[Node::ListBoxOption]).is_empty();
    window.key_press_modifiers(Modifiers::COMMAND, Key::P);
    window.run_steps(2);
    assert!(is_open(&window));
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert!(!is_open(&window));
    click(&mut window, "File");
    click(&mut window, "Gallery of models…");
    let before = window.state().values("s").to_vec();
    window.key_press(Key::S);
    window.run_steps(2);
    assert_eq!(window.state().values("s"), before, "the gallery lies over the window");
    window.key_press(Key::Escape);
    window.run_steps(2);
    window.key_press(Key::S);
    window.run_steps(2);
    assert_ne!(window.state().values("s"), before, "it is closed");
}

#[test]
fn a_panic_in_a_network_is_a_message_and_the_window_goes_on() {
    let fragile = ToyBehaviour { panic_above: 2.5, ..ToyBehaviour::default() };
    let mut window = toy("both", ToyLibrary { generator: fragile, ..ToyLibrary::default() });
    window.get_by_role_and_label(Node::Slider, "c 0").set_value_accesskit(2.9);
    window.step();
    until(&mut window, "the message", |w| w.state().notice().is_some_and(|n| n.contains("unexpectedly")));
    until(&mut window, "the decoder", |w| top(w, VAE) == grey(2.9));
    click(&mut window, "Close message");
    set(&mut window, "c 0", 1.0);
    assert_eq!(top(&window, GAN), grey(1.0));
}

#[test]
fn a_gan_with_a_uniform_code_and_no_vae_opens_and_drags() {
    let mut window = toy("gan", ToyLibrary::default());
    assert!(window.state().picture(VAE).is_none());
    assert_eq!(window.state().values("c"), [0.5; 5]);
    set(&mut window, "c 3", 0.9);
    assert_eq!(window.state().shown_code(GAN).unwrap()[3], 0.9f32);
    assert!(window.query_by_label("Compare by wipe").is_none(), "there is nothing to compare with");
    assert!(window.query_by_label("New nuisance sample").is_none());
}

#[test]
fn a_model_that_cannot_be_opened_leaves_the_old_one() {
    let mut window = toy("both", ToyLibrary::default());
    set(&mut window, "c 0", 1.0);
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    window.step();
    window.step();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    std::fs::write(&missing, b"").unwrap();
    window.event(egui::Event::Text(missing.display().to_string()));
    window.step();
    click(&mut window, "Open");
    until(&mut window, "the message", |w| w.state().notice().is_some_and(|n| n.contains("no such file")));
    set(&mut window, "c 0", -1.0);
    assert_eq!(top(&window, GAN), grey(-1.0));
}

#[test]
fn bookmarks_names_and_codes_come_back_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    std::fs::write(&model, b"").unwrap();
    let options = |source: Option<&Path>| Options {
        source: source.map(ModelSource::file),
        library: Arc::new(ToyLibrary::default()),
        config: Some(folder.path().join("config")),
        ..Options::default()
    };
    let mut first = window(options(Some(&model)));
    settle(&mut first);
    set(&mut first, "c 0", 1.25);
    first.key_press_modifiers(Modifiers::COMMAND, Key::B);
    first.step();
    first.step();
    set(&mut first, "c 1", -0.5);
    eframe::App::on_exit(first.state_mut());
    drop(first);

    let mut second = window(options(None));
    settle(&mut second);
    assert_eq!(second.state().values("c")[..2], [1.25, -0.5]);
    click(&mut second, "Bookmarks");
    until(&mut second, "the bookmark", |w| w.query_by_label("Bookmark 1").is_some());
    click(&mut second, "Bookmark 1");
    settle(&mut second);
    assert_eq!(second.state().values("c")[..2], [1.25, 0.0]);
}

#[test]
fn a_traversal_is_exported_by_the_command_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    let trunk = ResnetTrunk { size: 16, nfilter: 2, nfilter_max: 4, channels: 3 };
    let model = RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model();
    write_bundle(&path, &model, Precision::F32).unwrap();
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(&path) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    set(&mut window, "c 1", 0.75);
    window.key_press_modifiers(Modifiers::COMMAND, Key::T);
    window.step();
    window.step();
    until(&mut window, "the grid", |w| w.query_by_label("Traversal grid, 21 of 21 pictures").is_some());
    // What is still found out about the model adds a line above the button.
    until(&mut window, "all about the model", |w| w.state().is_calm());
    click(&mut window, "Export…");
    let out = folder.path().join("figure.png");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text(out.display().to_string()));
    window.step();
    click(&mut window, "Save");
    until(&mut window, "the file", |w| w.state().is_calm());
    assert_eq!(window.state().notice(), None);
    let text = String::from_utf8_lossy(&std::fs::read(&out).unwrap()).into_owned();
    assert!(
        text.contains("idgan traverse") && text.contains("--steps=7"),
        "the provenance holds the command"
    );
    assert!(folder.path().join("figure.codes.npz").exists(), "the base code lies beside it");
}

#[test]
fn a_run_is_started_explored_and_resumed_from_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut window = window(Options::default());
    click(&mut window, "Train");
    let field = |window: &Window| window.get_by_role_and_label(Node::TextInput, "Folder").rect();
    let before = field(&window);
    window.run_steps(8);
    assert_eq!(field(&window), before, "the panel keeps its width");
    assert!(before.right() <= 1400.0, "{before:?}");
    type_into(&mut window, "Folder", &run.display().to_string());
    for (name, value) in [("Steps", 6.0), ("Batch", 4.0)] {
        window.get_by_role_and_label(Node::SpinButton, name).set_value_accesskit(value);
        window.step();
    }
    click(&mut window, "Start training");
    until(&mut window, "the end", |w| w.query_by_label_contains("finished, step 6 of 6").is_some());
    assert_eq!(window.state().notice(), None);
    assert!(window.query_by_label("6 of 6 steps").is_some());
    assert!(window.query_all_by_label("reconstruction").next().is_some(), "its losses are shown");
    until(&mut window, "its curves", |w| w.query_by_label("Plot of reconstruction").is_some());
    assert!(window.query_by_label("Plot of kl per dimension").is_some());
    click(&mut window, "Samples");
    until(&mut window, "the grid of its end", |w| w.query_by_label("Sample grid after 6 steps").is_some());
    click(&mut window, "Explore this run now");
    settle(&mut window);
    assert_eq!(window.state().values("c").len(), 10);
    assert!(run.join("checkpoint.safetensors").exists() && run.join("log.jsonl").exists());
    // The same folder again: refused with a reason, then resumed.
    type_into(&mut window, "Folder", &run.display().to_string());
    click(&mut window, "Start training");
    until(&mut window, "the refusal", |w| {
        w.state().notice().is_some_and(|n| n.contains("already holds a run"))
    });
    let notice = window.state().notice().unwrap().to_owned();
    assert!(notice.contains("press Resume…") && !notice.contains("--"), "the window's own words: {notice}");
    click(&mut window, "Close message");
    click(&mut window, "Resume…");
    window.event(egui::Event::Text(run.display().to_string()));
    window.step();
    click(&mut window, "Open");
    until(&mut window, "the end", |w| w.query_by_label_contains("finished, step 6 of 6").is_some());
    assert_eq!(window.state().notice(), None);
}

#[test]
fn a_model_is_measured_and_the_results_exported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    let trunk = ResnetTrunk { size: 64, nfilter: 2, nfilter_max: 4, channels: 3 };
    let model = RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model();
    write_bundle(&path, &model, Precision::F32).unwrap();
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(&path) };
    let options = || Options {
        source: Some(source.clone()),
        config: Some(folder.path().join("config")),
        ..Options::default()
    };
    let mut first = window(options());
    settle(&mut first);
    click(&mut first, "Evaluate");
    type_into(&mut first, "Data", "color-dsprites");
    first.get_by_role_and_label(Node::SpinButton, "Samples").set_value_accesskit(64.0);
    first.step();
    for name in
        ["FVM", "MIG", "R_ID (nats)", "total correlation (nats)", "total correlation, Gaussian (nats)"]
    {
        click(&mut first, name);
    }
    click(&mut first, "Evaluate this model");
    until(&mut first, "the values", |w| w.query_by_label("Export results…").is_some());
    until(&mut first, "the end", |w| {
        w.query_by_label("Evaluate this model").is_some() && w.state().is_calm()
    });
    assert_eq!(first.state().notice(), None);
    click(&mut first, "Export results…");
    let out = folder.path().join("results.csv");
    first.key_press_modifiers(Modifiers::COMMAND, Key::A);
    first.event(egui::Event::Text(out.display().to_string()));
    first.step();
    click(&mut first, "Save");
    until(&mut first, "the file", |w| w.state().is_calm());
    let table = std::fs::read_to_string(&out).unwrap();
    assert!(table.contains("\nkl,") && table.contains("\nactive,"), "{table}");
    drop(first);
    // Kept with the model.
    let mut second = window(options());
    settle(&mut second);
    click(&mut second, "Evaluate");
    assert!(second.query_by_label("Export results…").is_some());
}

#[test]
fn every_control_has_a_name() {
    let window = toy("both", ToyLibrary::default());
    let interactive =
        [Node::Button, Node::Slider, Node::SpinButton, Node::CheckBox, Node::TextInput, Node::ComboBox];
    let mut pending: Vec<_> = window.root().children().collect();
    let mut seen = 0;
    while let Some(node) = pending.pop() {
        let access = node.accesskit_node();
        if interactive.contains(&access.role()) {
            seen += 1;
            let name = access.label().unwrap_or_default();
            assert!(!name.trim().is_empty(), "a {:?} without a name: {node:?}", access.role());
        }
        pending.extend(node.children());
    }
    assert!(seen > 20, "{seen} controls");
}

#[test]
fn the_most_informative_factor_is_selected_until_somebody_chooses() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("checkpoints/sprites-64.safetensors");
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(bundle) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    until(&mut window, "the statistics", |w| w.state().is_calm());
    window.run_steps(4);
    let highest = window
        .get_all_by_role(Node::Slider)
        .filter(|slider| slider.accesskit_node().label().is_some_and(|name| name != "Difference gain"))
        .min_by(|a, b| a.rect().top().total_cmp(&b.rect().top()))
        .and_then(|slider| slider.accesskit_node().label())
        .unwrap();
    assert!(window.query_by_label(&format!("MOVED BY  {highest}")).is_some(), "{highest}");
    assert_ne!(highest, "c 0", "dimension 0 says little in this model");
    click(&mut window, "By KL");
    assert!(window.query_by_label(&format!("MOVED BY  {highest}")).is_some(), "another order keeps it");
}

#[test]
fn a_gan_without_factors_has_nothing_that_moves_its_picture() {
    let mut window = toy("noise", ToyLibrary::default());
    assert!(window.state().values("c").is_empty() && !window.state().values("s").is_empty());
    assert!(window.query_by_label_contains("MOVED BY").is_none());
    click(&mut window, "New nuisance sample");
    settle(&mut window);
}

/// What somebody can act on.
const CONTROLS: [Node; 6] =
    [Node::Button, Node::Slider, Node::SpinButton, Node::CheckBox, Node::TextInput, Node::ComboBox];

fn count_nodes(window: &Window) -> usize {
    let mut pending: Vec<_> = window.root().children().collect();
    let mut count = 0;
    while let Some(node) = pending.pop() {
        count += 1;
        pending.extend(node.children());
    }
    count
}

#[test]
fn every_control_has_a_tooltip() {
    // High enough for the longest tool: what is scrolled out of sight cannot be pointed at.
    let source = Some(ModelSource::file("both"));
    let options = Options { source, library: Arc::new(ToyLibrary::default()), ..Options::default() };
    let mut window = sized(options, [1400.0, 1800.0]);
    settle(&mut window);
    let menus = ["File", "Edit", "View", "Model", "Window", "Help", "Resize panel"];
    let mut bare = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for tab in ["Inspect", "Traverse", "c × s", "Animation", "Train", "Evaluate", "Log"] {
        click(&mut window, tab);
        until(&mut window, "everything", |w| w.state().is_calm());
        for (name, place) in controls(&window, &CONTROLS) {
            if menus.contains(&name.as_str()) || !seen.insert(name.clone()) {
                continue;
            }
            window.hover_at(egui::pos2(700.0, 3.0));
            window.run_steps(4);
            let before = count_nodes(&window);
            window.hover_at(place.center());
            window.run_steps(6);
            if count_nodes(&window) <= before {
                bare.push(format!("{name} ({tab})"));
            }
        }
    }
    assert!(seen.len() > 70, "{} controls: {seen:?}", seen.len());
    assert!(bare.is_empty(), "without a tooltip: {bare:?}");
}

#[test]
fn the_ranges_of_a_traversal_are_worked_out_once_for_each_setting() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("checkpoints/sprites-64.safetensors");
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(bundle) };
    let mut window =
        window(Options { source: Some(source), tool: Some(Tool::Traverse), ..Options::default() });
    settle(&mut window);
    until(&mut window, "the statistics", |w| w.state().is_calm());
    let mut expected = 0;
    let ranges = ["posterior:0.99", "posterior:0.975", "data", "prior:0.99", "-3..3", "posterior:0.99"];
    for range in ranges.map(|text| text.parse::<RangeSpec>().unwrap()) {
        window.state_mut().set_range(range);
        window.step();
        until(&mut window, "the grid", |w| {
            w.state().is_calm() && w.query_by_label_contains("--range=").is_some()
        });
        // What is written out needs no working out.
        expected += u64::from(!matches!(range, RangeSpec::Fixed(..)));
        for _ in 0..40 {
            window.key_press(Key::ArrowRight);
            window.step();
        }
        settle(&mut window);
        assert_eq!(window.state().range_resolutions(), expected, "{range}");
        let command = format!("--range={range} ");
        assert!(window.query_by_label_contains(&command).is_some(), "{command} is what the command says");
    }
}

#[test]
fn a_measurement_that_panics_says_so_and_can_be_made_again() {
    let lying = ToyBehaviour { lie_above: 0.0, ..ToyBehaviour::default() };
    let mut window = toy("both", ToyLibrary { generator: lying, ..ToyLibrary::default() });
    let is_enabled = |window: &Window| !window.get_by_label("Measure").accesskit_node().is_disabled();
    for _ in 0..2 {
        // What comes in between two frames moves the button away from under the pointer.
        for _ in 0..10 {
            if window.state().notice().is_none() && is_enabled(&window) {
                click(&mut window, "Measure");
            }
        }
        until(&mut window, "the message", |w| w.state().notice().is_some_and(|n| n.contains("given up")));
        // Drawn before the end of the measurement was seen, it may need another frame.
        until(&mut window, "the button", is_enabled);
        click(&mut window, "Close message");
    }
    assert_eq!(window.state().notice(), None);
}

#[test]
fn a_message_goes_with_the_next_success_of_its_kind_and_with_escape() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = toy("both", ToyLibrary::default());
    let save = |window: &mut Window, path: &Path| {
        window.key_press_modifiers(Modifiers::COMMAND, Key::S);
        window.step();
        window.step();
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.event(egui::Event::Text(path.display().to_string()));
        window.step();
        click(window, "Save");
        until(window, "the end", |w| w.state().is_calm());
    };
    let says = |window: &Window, text: &str| window.state().notice().is_some_and(|n| n.contains(text));
    save(&mut window, &folder.path().join("no/such/picture.png"));
    assert!(says(&window, "does not exist; create it first"));
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::C);
    window.step();
    set(&mut window, "c 0", 1.0);
    assert!(says(&window, "does not exist"), "codes that were copied say nothing about files");
    save(&mut window, &folder.path().join("picture.png"));
    assert_eq!(window.state().notice(), None, "the file is there");
    save(&mut window, &folder.path().join("no/such/picture.png"));
    assert!(says(&window, "does not exist"));
    window.key_press(Key::Escape);
    window.step();
    window.step();
    assert_eq!(window.state().notice(), None);
}
