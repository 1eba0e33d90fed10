//! What a model's file does not say is asked, and the answers are kept.

use std::path::{Path, PathBuf};

use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::{Options, Tool};
use idgan::base::{Array, Arrays};
use idgan::checkpoint::to_onnx;
use idgan::engine::ModelSource;
use idgan::graph::{Graph, Linear, Operation, Shape};

use crate::window::{Window, click, command, set, settle, type_into, until, window};

const QUESTION: &str = "The file does not say which numbers its pictures are in; they are taken for logits, since nothing \
     that limits them comes last. They are:";

fn opened(config: &Path) -> Window {
    opened_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/onnx/plain.onnx"), config)
}

fn opened_file(file: &Path, config: &Path) -> Window {
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(file) };
    let config = Some(config.to_owned());
    let mut window = window(Options { source: Some(source), config, ..Options::default() });
    settle(&mut window);
    window
}

fn is_asked(window: &Window) -> bool {
    window.query_by_label(QUESTION).is_some()
}

#[test]
fn what_a_file_does_not_say_is_asked_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = opened(folder.path());
    assert!(is_asked(&first));
    set(&mut first, "z 0", 1.5);
    let before = first.state().picture("decoder").unwrap();
    click(&mut first, "-1 to 1");
    until(&mut first, "the answer", |w| !is_asked(w) && w.state().is_settled());
    settle(&mut first);
    assert_eq!(first.state().values("z")[0], 1.5, "what was set stays");
    let after = first.state().picture("decoder").unwrap();
    assert_ne!(before.rgba(), after.rgba(), "the same numbers in another range");
    until(&mut first, "the session to be kept", |w| w.state().is_calm());
    drop(first);

    // The next start goes on with the session.
    let mut second = window(Options { config: Some(folder.path().to_owned()), ..Options::default() });
    settle(&mut second);
    assert!(!is_asked(&second));
    assert_eq!(second.state().picture("decoder").unwrap().rgba(), after.rgba());
}

/// Writes a network with weights of 0 and biases that count up by tenths, whose results are called `outputs`.
fn write(path: &Path, graph: &Graph, outputs: &[&str], notes: &[(&str, &str)]) {
    let tenths = |shape: &[usize]| (0..shape.iter().product()).map(|i: usize| i as f32 / 10.0).collect();
    let weights: Arrays = graph
        .parameters()
        .into_iter()
        .map(|parameter| {
            let is_bias = parameter.name.ends_with("bias");
            let array = if is_bias {
                Array::new(parameter.shape.clone(), tenths(&parameter.shape)).unwrap()
            } else {
                Array::zeros(parameter.shape)
            };
            (parameter.name, array)
        })
        .collect();
    std::fs::write(path, to_onnx(graph, &weights, "x", outputs, notes).unwrap()).unwrap();
}

/// A decoder of a code of 3 to 8x8 pixels, which says their range.
fn decoder(folder: &Path) -> PathBuf {
    let mut graph = Graph::default();
    let z = graph.input(Shape::Row(3));
    let row = graph.linear(z, Linear::new("fc", 3, 64));
    let map = graph.reshape(row, Shape::Map([1, 8, 8]));
    graph.give(map);
    let path = folder.join("decoder.onnx");
    write(&path, &graph, &["picture"], &[("idgan.pixels", "unit")]);
    path
}

/// An encoder of its pictures whose results have so many numbers and these names.
fn encoder(folder: &Path, results: &[(&str, usize)]) -> PathBuf {
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([1, 8, 8]));
    let row = graph.apply(Operation::Reshape(Shape::Row(64)), &[x]);
    for (name, count) in results {
        let result = graph.linear(row, Linear::new(*name, 64, *count));
        graph.give(result);
    }
    let path = folder.join("encoder.onnx");
    write(&path, &graph, &results.iter().map(|(name, _)| *name).collect::<Vec<_>>(), &[]);
    path
}

/// Opens `path` by File > Open its encoder.
fn open_encoder(window: &mut Window, path: &Path) {
    command(window, "open its encoder");
    window.event(egui::Event::Text(path.display().to_string()));
    window.step();
    click(window, "Open");
}

fn wait_for(window: &mut Window, text: &str) {
    until(window, text, |w| w.query_by_label(text).is_some());
}

const DATA: &str = "The file does not say which pictures the model was trained on. They are:";

#[test]
fn an_encoder_is_opened_beside_its_decoder_and_asked_what_its_results_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let path = encoder(folder.path(), &[("first", 3), ("spread", 3), ("centre", 3)]);
    let mut first = opened_file(&decoder(folder.path()), &config);
    assert!(first.state().read_back().is_none() && first.query_by_label(DATA).is_none());
    set(&mut first, "z 1", 1.5);
    open_encoder(&mut first, &path);
    wait_for(&mut first, "The encoder has 3 results. Which one is the mean of the code?");
    assert_eq!(first.state().notice(), None, "a question is no failure");
    click(&mut first, "centre");
    wait_for(&mut first, "centre is the mean. Which one is the log variance?");
    click(&mut first, "spread");
    until(&mut first, "the encoder", |w| w.state().read_back().is_some());
    let read =
        |window: &Window| window.state().read_back().map(|(block, mean)| (block.to_owned(), mean.to_vec()));
    let code = Some(("z".to_owned(), vec![0.0, 0.1, 0.2]));
    assert_eq!(read(&first), code);
    assert_eq!(first.state().values("z")[1], 1.5, "what was set stays");
    settle(&mut first);
    until(&mut first, "the session to be kept", |w| w.state().is_calm());
    drop(first);

    let mut second = window(Options { config: Some(config), ..Options::default() });
    settle(&mut second);
    until(&mut second, "the encoder", |w| w.state().read_back().is_some());
    assert_eq!(read(&second), code);
}

#[test]
fn an_encoder_that_gives_one_row_is_asked_how_it_holds_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoder(folder.path(), &[("posterior", 6)]);
    let question = "The encoder gives one row of 6 numbers, twice the code's. They are:";
    let mut window = opened_file(&decoder(folder.path()), &folder.path().join("config"));
    open_encoder(&mut window, &path);
    wait_for(&mut window, question);
    click(&mut window, "Leave the encoder out");
    until(&mut window, "the decoder alone", |w| {
        w.query_by_label(question).is_none() && w.state().is_settled()
    });
    assert!(window.state().read_back().is_none());
    open_encoder(&mut window, &path);
    wait_for(&mut window, question);
    click(&mut window, "Each mean with its log variance");
    until(&mut window, "the encoder", |w| w.state().read_back().is_some());
    assert_eq!(window.state().read_back().map(|(_, mean)| mean.to_vec()), Some(vec![0.0, 0.2, 0.4]));
}

#[test]
fn the_data_of_a_published_vae_is_asked_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last.ckpt");
    let published = "tests/files/published/lightning.ckpt";
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(published), &file).unwrap();
    let config = folder.path().join("config");
    let mut first = opened_file(&file, &config);
    assert!(first.query_by_label(DATA).is_none(), "one question at a time");
    click(&mut first, "0 to 1");
    wait_for(&mut first, DATA);
    let is_enabled = |window: &Window| !window.get_by_label("Keep").accesskit_node().is_disabled();
    type_into(&mut first, "Data of the model", "faces");
    assert!(!is_enabled(&first), "no data set is called so");
    type_into(&mut first, "Data of the model", "celeba:/faces");
    assert!(is_enabled(&first));
    click(&mut first, "Keep");
    until(&mut first, "the answer", |w| w.query_by_label(DATA).is_none() && w.state().is_settled());
    settle(&mut first);
    until(&mut first, "the session to be kept", |w| w.state().is_calm());
    drop(first);

    let options = Options { config: Some(config), tool: Some(Tool::Evaluate), ..Options::default() };
    let mut second = window(options);
    settle(&mut second);
    assert!(second.query_by_label(DATA).is_none());
    let named = second.get_by_role_and_label(egui::accesskit::Role::TextInput, "Data");
    assert_eq!(named.accesskit_node().value().as_deref(), Some("celeba:/faces"), "what is measured on");
    // What was answered can be asked again, and nobody has to know.
    command(&mut second, "ask about this file");
    until(&mut second, "the range", |w| w.query_by_label("-1 to 1").is_some());
    click(&mut second, "-1 to 1");
    wait_for(&mut second, DATA);
    click(&mut second, "Nobody knows");
    until(&mut second, "the answer", |w| w.query_by_label(DATA).is_none() && w.state().is_settled());
}
