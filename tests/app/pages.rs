//! Pages about the codes of the open model: tables of factors and dimensions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::window::{Window, click, controls, remembering, save_as, settle, sized, type_into, until, window};
use egui::Key;
use egui::accesskit::Role as Node;
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::{Options, Tool};
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::toy::ToyLibrary;
use idgan::engine::{ModelSource, RandomLibrary};
use idgan::metrics::Disentanglement;
use idgan::nets::ResnetTrunk;

/// Tables of a toy's five dimensions and two factors, as the window keeps them.
fn keep_tables(folder: &Path) {
    let row = |first: f64| (0..5).map(|dim| first / f64::from(1 + dim)).collect::<Vec<f64>>();
    let tables = Disentanglement {
        data: "dsprites".into(),
        samples: 100,
        factors: vec!["shape".into(), "scale".into()],
        dims: (0..5).map(|dim| format!("c{dim}")).collect(),
        information: vec![row(1.2), row(0.75)],
        correlation: vec![row(0.9), row(0.5)],
        votes: vec![vec![400, 0, 0, 0, 0], vec![0, 300, 100, 0, 0]],
        importance: vec![row(0.5), row(0.25)],
        kl: Some(row(4.0)),
        ..Disentanglement::default()
    };
    let models = folder.join("config/models");
    std::fs::create_dir_all(&models).unwrap();
    tables.write(&models.join(".disentanglement.json")).unwrap();
}

/// Buttons of the columns of all maps, by name.
fn columns(window: &Window, title: &str) -> Vec<String> {
    let mut names: Vec<String> = controls(window, &[Node::Button])
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(title))
        .collect();
    names.sort();
    names
}

#[test]
fn kept_tables_are_shown_with_their_numbers_and_a_click_selects_the_dimension() {
    let folder = tempfile::tempdir().unwrap();
    keep_tables(folder.path());
    let mut window = remembering(folder.path());
    assert!(window.query_by_label("Tables").is_none(), "they are a page of Evaluate");
    click(&mut window, "Evaluate");
    assert!(
        columns(&window, "|Correlation|").is_empty(),
        "the pictures stay until somebody asks for the tables"
    );
    click(&mut window, "Tables");
    let information = columns(&window, "Mutual information (nats)");
    assert_eq!(information.len(), 5);
    assert_eq!(information[1], "Mutual information (nats), c 1: shape 0.60, scale 0.38");
    assert_eq!(columns(&window, "Votes")[1], "Votes of the FactorVAE metric, c 1: shape 0, scale 300");
    assert_eq!(columns(&window, "KL from the prior (nats)")[0], "KL from the prior (nats), c 0: 4.00");
    assert!(window.query_by_label("Generator picture").is_none(), "the page has the stage");
    click(&mut window, "|Correlation|, c 3: shape 0.23, scale 0.12");
    click(&mut window, "Inspect");
    assert!(window.query_by_label("MOVED BY  c 3").is_some(), "the column's dimension is selected");
    assert!(window.query_by_label("Generator picture").is_some(), "the pictures are back");
    // By the keyboard, too.
    click(&mut window, "Evaluate");
    let name = "Importance (DCI), c 2: shape 0.17, scale 0.08";
    window.get_by_role_and_label(Node::Button, name).focus();
    window.step();
    window.key_press(Key::Enter);
    window.run_steps(2);
    click(&mut window, "Inspect");
    assert!(window.query_by_label("MOVED BY  c 2").is_some());
    assert_eq!(window.state().notice(), None);
}

#[test]
fn what_is_below_the_pointer_is_told() {
    let folder = tempfile::tempdir().unwrap();
    keep_tables(folder.path());
    let mut window = remembering(folder.path());
    click(&mut window, "Evaluate");
    click(&mut window, "Tables");
    let column = window.get_by_label("|Correlation|, c 1: shape 0.45, scale 0.25").rect();
    // Below the name of the column lie the two rows.
    window.hover_at(egui::pos2(column.center().x, column.bottom() - 4.0));
    until(&mut window, "the value", |w| w.query_by_label("scale, c 1: 0.25").is_some());
    window.hover_at(egui::pos2(column.center().x, column.center().y - 4.0));
    until(&mut window, "the other", |w| w.query_by_label("shape, c 1: 0.45").is_some());
}

#[test]
fn in_a_small_window_the_maps_lie_below_each_other_and_stay_on_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    keep_tables(folder.path());
    let model = folder.path().join("model");
    std::fs::write(&model, b"").unwrap();
    for (size, beside) in [([900.0, 600.0], false), ([1600.0, 1000.0], true)] {
        let options = Options {
            source: Some(ModelSource::file(&model)),
            library: Arc::new(ToyLibrary::default()),
            config: Some(folder.path().join("config")),
            tool: Some(Tool::Evaluate),
            ..Options::default()
        };
        let mut window = sized(options, size);
        settle(&mut window);
        click(&mut window, "Tables");
        window.run_steps(4);
        let place = |name: &str| window.get_by_label(name).rect();
        let information = place("Mutual information (nats), c 0: shape 1.20, scale 0.75");
        let correlation = place("|Correlation|, c 0: shape 0.90, scale 0.50");
        assert_eq!(
            correlation.left() > information.right(),
            beside,
            "{size:?}: {information:?} {correlation:?}"
        );
        let last = place("Mutual information (nats), c 4: shape 0.24, scale 0.15");
        assert!(last.right() < place("Inspect").left(), "{last:?} of {size:?}");
        assert!(information.width() >= 28.0, "numbers have room: {information:?}");
    }
}

/// A small model in a file, as the command line needs it.
fn bundle(folder: &Path) -> PathBuf {
    let path = folder.join("tiny.safetensors");
    let trunk = ResnetTrunk { size: 64, nfilter: 2, nfilter_max: 4, channels: 3 };
    write_bundle(&path, &RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model(), Precision::F32).unwrap();
    path
}

/// A window with that model, whose tool is Evaluate.
pub fn measuring(folder: &Path) -> Window {
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(bundle(folder)) };
    let mut window = window(Options {
        source: Some(source),
        config: Some(folder.join("config")),
        tool: Some(Tool::Evaluate),
        ..Options::default()
    });
    settle(&mut window);
    window
}

/// Whether a button can be pressed.
fn is_enabled(window: &Window, name: &str) -> bool {
    !window.get_by_role_and_label(Node::Button, name).accesskit_node().is_disabled()
}

/// The command that an SVG says makes it again.
fn command_in(svg: &Path) -> String {
    let text = std::fs::read_to_string(svg).unwrap();
    let start = text.find("<desc>").unwrap() + "<desc>".len();
    text[start..start + text[start..].find("</desc>").unwrap()].to_owned()
}

/// Runs the command that `path` names, which has to make the same bytes again.
pub fn assert_made_again(path: &Path) {
    let (bytes, command) = (std::fs::read(path).unwrap(), command_in(path));
    std::fs::remove_file(path).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_idgan")).parent().unwrap();
    let line = format!("PATH='{}':$PATH {command}", programs.display());
    assert!(std::process::Command::new("sh").arg("-c").arg(line).status().unwrap().success(), "{command}");
    assert!(std::fs::read(path).unwrap() == bytes, "{command} makes other bytes");
}

#[test]
fn tables_are_made_kept_and_exported_and_their_command_makes_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = measuring(folder.path());
    assert!(!is_enabled(&first, "Make the tables"), "no data is named");
    type_into(&mut first, "Data", "images:/pictures");
    assert!(!is_enabled(&first, "Make the tables"), "these have no factors");
    type_into(&mut first, "Data", "color-dsprites");
    first.get_by_role_and_label(Node::SpinButton, "Samples").set_value_accesskit(64.0);
    first.step();
    click(&mut first, "Make the tables");
    until(&mut first, "the tables", |w| w.query_by_label("Export tables…").is_some());
    assert_eq!(columns(&first, "Importance (DCI), c 2").len(), 1);
    until(&mut first, "the rest", |w| w.state().is_calm());
    click(&mut first, "Export tables…");
    let page = folder.path().join("a page.svg");
    save_as(&mut first, &page);
    assert_made_again(&page);
    click(&mut first, "Export tables…");
    let json = folder.path().join("tables.json");
    save_as(&mut first, &json);
    let told = Disentanglement::read(&json).unwrap();
    assert_eq!((told.samples, told.factors.len(), told.data.as_str()), (64, 5, "color-dsprites"));
    assert!(told.provenance.command_line().ends_with("tables.json"), "{:?}", told.provenance.command);
    drop(first);
    let mut second = measuring(folder.path());
    click(&mut second, "Tables");
    assert_eq!(columns(&second, "Importance (DCI), c 2").len(), 1, "they are kept with the model");
    assert_eq!(second.state().notice(), None);
}

#[test]
fn tables_that_nobody_waits_for_are_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = measuring(folder.path());
    type_into(&mut window, "Data", "color-dsprites");
    click(&mut window, "Make the tables");
    until(&mut window, "how long it takes", |w| w.query_by_label_contains("Making the tables").is_some());
    click(&mut window, "Cancel the tables");
    until(&mut window, "the end", |w| w.query_by_label("Make the tables").is_some());
    assert!(window.query_by_label("Tables").is_none());
    assert_eq!(window.state().notice(), None);
}

#[test]
fn a_model_without_an_encoder_has_no_tables() {
    let source = Some(ModelSource::file("gan"));
    let options = Options {
        source,
        library: Arc::new(ToyLibrary::default()),
        tool: Some(Tool::Evaluate),
        ..Options::default()
    };
    let mut window = window(options);
    settle(&mut window);
    type_into(&mut window, "Data", "dsprites");
    assert!(!is_enabled(&window, "Make the tables"));
}
