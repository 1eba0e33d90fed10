//! The form of a new run: its values beside the preset's, what is wrong with them, and the command that says the same.

use std::path::Path;

use crate::window::{Window, click, sized, type_into, until};
use egui::accesskit::Role as Node;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::{Options, Tool};

/// A window that is high enough for the whole form, for a run in `folder`.
fn form(folder: &Path) -> Window {
    let mut window = sized(Options { tool: Some(Tool::Train), ..Options::default() }, [1200.0, 1800.0]);
    window.step();
    type_into(&mut window, "Folder", &folder.display().to_string());
    window
}

/// What is said to be wrong.
fn problems(window: &Window) -> Vec<String> {
    let text = |node: egui_kittest::Node<'_>| {
        let access = node.accesskit_node();
        access.label().or_else(|| access.value()).unwrap_or_default()
    };
    window.query_all_by_label_contains("Problem: ").map(text).collect()
}

/// Types into a field and lets the form take it in.
fn fill_in(window: &mut Window, name: &str, text: &str) {
    type_into(window, name, text);
    window.run_steps(2);
}

/// The same for the lines.
fn fill_in_lines(window: &mut Window, text: &str) {
    window.get_by_role_and_label(Node::MultilineTextInput, "lines").focus();
    window.step();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.step();
    window.event(egui::Event::Text(text.to_owned()));
    window.run_steps(3);
}

fn text(window: &Window, name: &str) -> String {
    window.get_by_role_and_label(Node::TextInput, name).accesskit_node().value().unwrap_or_default()
}

/// What was put on the clipboard in the last frame.
fn copied(window: &Window) -> Option<String> {
    window.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn what_is_not_the_presets_is_shown_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut window = form(&run);
    assert_eq!((text(&window, "c_dim").as_str(), problems(&window)), ("10", Vec::new()));
    assert!(window.query_by_label("All values").is_some());
    fill_in(&mut window, "beta", "{ from = 10, to = 4, over = 100 }");
    assert!(window.query_by_label("All values, 1 changed").is_some());
    window.get_by_label("Copy command").click_accesskit();
    window.step();
    let command = copied(&window).unwrap();
    assert_eq!(
        command,
        format!(
            "idgan train vae --preset dsprites-small --set 'vae.beta={{ from = 10, to = 4, over = 100 }}' --out {}",
            run.display()
        )
    );
    click(&mut window, "Reset beta");
    assert!(window.query_by_label("All values").is_some());
    assert_eq!(window.state().notice(), None);
}

#[test]
fn what_is_wrong_is_said_beside_the_field_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = form(&folder.path().join("run"));
    fill_in(&mut window, "c_dim", "many");
    let said = problems(&window);
    assert!(said.len() == 1 && said[0].contains("many"), "{said:?}");
    let (field, label) =
        (window.get_by_role_and_label(Node::TextInput, "c_dim").rect(), window.get_by_label(&said[0]).rect());
    let gap = label.top() - field.bottom();
    assert!((0.0..16.0).contains(&gap), "it stands below the field: {gap}");
    click(&mut window, "Reset c_dim");
    fill_in_lines(&mut window, "vae.nonsense = 1");
    assert!(problems(&window)[0].contains("nonsense"), "{:?}", problems(&window));
    fill_in_lines(&mut window, "log_every = 5");
    assert!(problems(&window).is_empty(), "{:?}", problems(&window));
    click(&mut window, "2  GAN");
    assert!(problems(&window)[0].contains("VAE"), "{:?}", problems(&window));
    assert!(window.query_by_role_and_label(Node::TextInput, "w_info").is_some());
    click(&mut window, "OOGAN");
    assert!(window.query_by_role_and_label(Node::TextInput, "lambda").is_some(), "each method has its own");
}

#[test]
fn a_run_in_the_folder_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut window = form(&run);
    for (name, value) in [("Steps", 40_000.0), ("Batch", 4.0)] {
        window.get_by_role_and_label(Node::SpinButton, name).set_value_accesskit(value);
        window.step();
    }
    fill_in(&mut window, "log_every", "1");
    click(&mut window, "Start training");
    until(&mut window, "a step", |w| w.query_all_by_label_contains(" left").next().is_some());
    assert!(window.query_by_label("Copy command").is_none(), "the form is gone while it trains");
    click(&mut window, "Stop");
    until(&mut window, "the end", |w| w.query_all_by_label_contains("stopped and saved").next().is_some());
    window.step();
    let said = problems(&window);
    assert!(said.len() == 1 && said[0].contains("already holds a run"), "{said:?}");
    let again = window.get_all_by_label("Resume this run").count();
    assert_eq!(again, 2, "in the form and below the run");
    window.get_all_by_label("Resume this run").next().unwrap().click_accesskit();
    until(&mut window, "the run", |w| w.query_by_label("Stop").is_some());
    click(&mut window, "Stop");
    until(&mut window, "the end", |w| w.query_all_by_label_contains("stopped and saved").next().is_some());
    assert_eq!(window.state().notice(), None);
}
