//! The training board: curves of runs over each other, sample grids, and runs that somebody else trains.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::window::{Window, click, command, settle, toy, type_into, until, window};
use egui::accesskit::Role as Node;
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::Options;
use idgan::base::Array;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::toy::ToyLibrary;
use idgan::engine::{ModelSource, RandomLibrary};
use idgan::model::Stats;
use idgan::nets::ResnetTrunk;
use idgan::training::{Family, RunFolder, preset};

/// A run folder whose run has logged `lines` times and drawn grids after these steps.
fn run(folder: &Path, name: &str, lines: u64, sampled: &[u64]) -> PathBuf {
    let run = folder.join(name);
    std::fs::create_dir_all(&run).unwrap();
    log(&run, 1..=lines);
    for step in sampled {
        let path = RunFolder::samples_at(&run, *step);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbaImage::new(8 + *step as u32 / 20, 4).save(path).unwrap();
    }
    run
}

/// Writes the log up to here.
fn log(run: &Path, lines: std::ops::RangeInclusive<u64>) {
    let mut text = String::new();
    for line in lines {
        let (step, seconds, loss) = (line * 20, line as f64 * 2.5, 100.0 / line as f64);
        writeln!(
            text,
            "{{\"step\":{step},\"loss\":{loss},\"kl_per_dimension\":[{loss},0.5],\"pictures_per_second\":64.0,\
             \"seconds\":{seconds}}}"
        )
        .unwrap();
    }
    std::fs::write(RunFolder::log_of(run), text).unwrap();
}

/// Lists the runs of `folder` in the Train panel.
fn list(window: &mut Window, folder: &Path) {
    until(window, "everything", |w| w.state().is_calm());
    command(window, "overlay runs");
    window.event(egui::Event::Text(folder.display().to_string()));
    window.step();
    click(window, "Open");
    window.step();
}

fn is_checked(window: &Window, name: &str) -> bool {
    let node = window.get_by_role_and_label(Node::CheckBox, name);
    node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

/// Draws the run called `name` over the others, or no longer does.
fn overlay(window: &mut Window, name: &str) {
    window.get_by_role_and_label(Node::CheckBox, name).click_accesskit();
    window.run_steps(2);
}

/// Images of the accessibility tree whose name begins with `name`.
fn images(window: &Window, name: &str) -> Vec<String> {
    let found = crate::window::controls(window, &[Node::Image]).into_iter().map(|(label, _)| label);
    found.filter(|label| label.starts_with(name)).collect()
}

#[test]
fn runs_of_a_folder_are_laid_over_each_other() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 30, &[]);
    run(folder.path(), "sweep/second", 20, &[]);
    let mut window = toy("both", ToyLibrary::default());
    list(&mut window, folder.path());
    let second = format!("sweep{}second", std::path::MAIN_SEPARATOR);
    until(&mut window, "the list", |w| w.query_by_role_and_label(Node::CheckBox, &second).is_some());
    assert!(images(&window, "Plot of").is_empty(), "none is chosen yet");
    for name in ["first", &second] {
        overlay(&mut window, name);
        assert!(is_checked(&window, name));
    }
    until(&mut window, "their curves", |w| images(w, "Plot of").len() == 4 && w.state().is_calm());
    let plots = images(&window, "Plot of");
    for (name, count) in [("loss", 1), ("pictures per second", 1), ("kl per dimension", 2)] {
        let expected = format!("Plot of {name}");
        assert_eq!(plots.iter().filter(|plot| **plot == expected).count(), count, "{plots:?}");
    }
    let says = |text: &str| window.query_all_by_label(text).next().is_some();
    assert!(says("step 600") && says("step 400"));
    // One plot alone is as large as the stage.
    let before = window.get_by_label("Plot of loss").rect().height();
    click(&mut window, "loss");
    until(&mut window, "one plot", |w| images(w, "Plot of").len() == 1);
    assert!(window.get_by_label("Plot of loss").rect().height() > 2.0 * before);
    click(&mut window, "All plots");
    overlay(&mut window, "first");
    until(&mut window, "the other run's curves", |w| images(w, "Plot of").len() == 3);
    assert_eq!(window.state().notice(), None);
}

#[test]
fn the_axis_is_steps_or_time_and_a_part_of_it_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 30, &[]);
    let mut window = toy("both", ToyLibrary::default());
    list(&mut window, folder.path());
    until(&mut window, "the list", |w| w.query_by_label("first").is_some());
    overlay(&mut window, "first");
    let end = |window: &Window, name: &str| {
        window.get_by_role_and_label(Node::SpinButton, name).accesskit_node().numeric_value().unwrap()
    };
    until(&mut window, "the curves", |w| w.query_by_label("Plot of loss").is_some() && w.state().is_calm());
    window.step();
    assert_eq!((end(&window, "from"), end(&window, "to")), (20.0, 600.0));
    // Dragging over a plot looks at that part.
    let plot = window.get_by_label("Plot of loss").rect();
    let at = |share: f32| egui::pos2(plot.left() + plot.width() * share, plot.center().y);
    window.hover_at(at(0.25));
    window.step();
    window.drag_at(at(0.25));
    window.step();
    window.hover_at(at(0.5));
    window.step();
    window.drop_at(at(0.5));
    window.run_steps(2);
    until(&mut window, "the part", |w| w.state().is_calm());
    let (from, to) = (end(&window, "from"), end(&window, "to"));
    assert!((from - 165.0).abs() < 15.0 && (to - 310.0).abs() < 15.0, "{from} to {to}");
    click(&mut window, "Whole range");
    until(&mut window, "the whole", |w| end(w, "to") == 600.0);
    // The keyboard does it, too.
    window.get_by_role_and_label(Node::SpinButton, "to").set_value_accesskit(300.0);
    window.run_steps(2);
    assert_eq!(end(&window, "to"), 300.0);
    click(&mut window, "Time");
    until(&mut window, "minutes", |w| w.state().is_calm());
    window.step();
    assert!((end(&window, "to") - 75.0 / 60.0).abs() < 0.06, "{}", end(&window, "to"));
    click(&mut window, "Log y");
    until(&mut window, "the logarithms", |w| w.state().is_calm());
    assert!(window.query_by_label("Plot of loss").is_some());
}

#[test]
fn sample_grids_lie_on_a_slider_of_steps_and_can_be_enlarged() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 30, &[0, 200, 600]);
    let mut window = toy("both", ToyLibrary::default());
    list(&mut window, folder.path());
    until(&mut window, "the list", |w| w.query_by_label("first").is_some());
    overlay(&mut window, "first");
    click(&mut window, "Samples");
    until(&mut window, "the newest", |w| w.query_by_label("Sample grid after 600 steps").is_some());
    window.get_by_role_and_label(Node::Slider, "Step").set_value_accesskit(1.0);
    until(&mut window, "the one before", |w| w.query_by_label("Sample grid after 200 steps").is_some());
    click(&mut window, "Grid at actual size");
    window.step();
    assert!(window.query_by_label("100 %").is_some());
    click(&mut window, "Larger");
    window.step();
    assert!(window.query_by_label("200 %").is_some());
    click(&mut window, "Pictures");
    settle(&mut window);
    assert!(window.query_by_label("Generator picture").is_some(), "the model is a click away");
}

#[test]
fn a_run_that_another_process_trains_is_followed_in_title_and_bottom_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs");
    let config = idgan::training::TrainConfig {
        steps: 1000,
        batch: 64,
        ..preset(Family::Vae, "dsprites-small").unwrap()
    };
    // Whoever holds the folder trains into it.
    let theirs = RunFolder::create(&path, &config).unwrap();
    log(&path, 1..=3);
    let source = Some(ModelSource::file(&path));
    let mut window =
        window(Options { source, library: Arc::new(ToyLibrary::default()), ..Options::default() });
    settle(&mut window);
    let says = |window: &Window, text: &str| {
        let commands = &window.output().viewport_output[&egui::ViewportId::ROOT].commands;
        let title = format!("{text} – theirs – idgan");
        commands.iter().any(|c| matches!(c, egui::ViewportCommand::Title(own) if *own == title))
    };
    let first = "theirs: step 60 of 1000, 64 pictures/s, 15 min left";
    until(&mut window, "the bottom line", |w| w.query_by_label(first).is_some());
    log(&path, 1..=20);
    until(&mut window, "another", |w| says(w, "theirs: step 400 of 1000, 64 pictures/s, 10 min left"));
    assert!(window.query_by_label("theirs: step 400 of 1000, 64 pictures/s, 10 min left").is_some());
    click(&mut window, "Train");
    until(&mut window, "its curves", |w| w.query_by_label("Plot of loss").is_some());
    drop(theirs);
    until(&mut window, "its end", |w| w.query_all_by_label_contains("10 min left").next().is_none());
    assert!(window.query_all_by_label("step 400 of 1000").next().is_some());
}

/// Writes a checkpoint into run folder `run` whose dimensions have this KL divergence.
fn checkpoint(run: &Path, kl: [f32; 3]) {
    let trunk = ResnetTrunk { size: 16, nfilter: 2, nfilter_max: 4, channels: 3 };
    let mut model = RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model();
    let mu: Vec<f32> = (0..64 * 3).map(|at| kl[at % 3] * if at % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let array = |shape: &[usize], data: Vec<f32>| Array::new(shape, data).unwrap();
    model.stats = Some(Stats {
        mu: array(&[64, 3], mu),
        logvar: array(&[64, 3], vec![-4.0; 64 * 3]),
        kl: array(&[3], kl.to_vec()),
    });
    write_bundle(&run.join("checkpoint.safetensors"), &model, Precision::F32).unwrap();
}

#[test]
fn sliders_stay_where_they_are_when_a_run_has_written_another_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), "run", 3, &[]);
    checkpoint(&path, [2.0, 3.0, 1.0]);
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(&path) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    until(&mut window, "the profile", |w| w.state().is_calm());
    window.step();
    let order = |window: &Window| {
        let mut names = ["c 0", "c 1", "c 2"];
        let top = |name: &&str| window.get_by_role_and_label(Node::Slider, name).rect().top();
        names.sort_by(|a, b| top(a).total_cmp(&top(b)));
        names
    };
    assert_eq!(order(&window), ["c 1", "c 0", "c 2"]);
    assert!(window.query_by_label("MOVED BY  c 1").is_some(), "the most informative one is selected");
    checkpoint(&path, [2.0, 1.0, 3.0]);
    window.key_press(egui::Key::F5);
    window.run_steps(2);
    settle(&mut window);
    until(&mut window, "the new profile", |w| w.state().is_calm());
    window.step();
    assert_eq!(order(&window), ["c 1", "c 0", "c 2"], "nothing moves under the hand");
    assert!(window.query_by_label("MOVED BY  c 1").is_some(), "the selection stays");
    click(&mut window, "By KL");
    click(&mut window, "By index");
    assert_eq!(order(&window), ["c 2", "c 0", "c 1"], "sorting anew is a wish of its own");
}

#[test]
fn a_folder_that_is_named_is_kept_among_those_of_runs() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 2, &[]);
    let mut window = toy("both", ToyLibrary::default());
    list(&mut window, folder.path());
    until(&mut window, "the list", |w| w.query_by_label("first").is_some());
    // A run that appears is listed, too.
    run(folder.path(), "later", 2, &[]);
    until(&mut window, "the other", |w| w.query_by_label("later").is_some());
    type_into(&mut window, "Folder", "elsewhere");
    assert_eq!(window.state().notice(), None);
}
