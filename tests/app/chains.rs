//! A model of another method: a generator behind an emitter, and an encoder of two steps.

use std::path::{Path, PathBuf};

use crate::window::{Window, click, set, settle, until, window};
use egui::accesskit::Role as Node;
use egui_kittest::kittest::Queryable;
use idgan::app::Options;
use idgan::base::{Pool, Stream};
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::ModelSource;
use idgan::inference::open_encoder;
use idgan::model::{
    Architecture, Chain, CodeBlock, CodeKind, ENCODER, GAN, GENERATOR, Model, ModelDescription, Network,
    Port, VAE,
};
use idgan::nets::{GeneratorConfig, MlpConfig, Parameters, VaeConfig};

const FROM_Z: &str = "from z";

fn block(name: &str, dims: usize, kind: CodeKind) -> CodeBlock {
    CodeBlock { name: name.into(), kind, ..CodeBlock::disentangled(dims) }
}

/// IB-GAN's shape: the generator draws r, or r that an emitter makes of z, with noise s, a uniform u and a choice k; the
/// encoder reads z, and through the emitter r.
fn model() -> Model {
    let (widths, reading) = (vec![2, 8, 6], VaeConfig { channels: 1, c_dim: 2 });
    let generator = GeneratorConfig::Small { z_dim: 9, channels: 1 };
    let uniform = CodeBlock { range: [0.0, 1.0], neutral: 0.5, ..block("u", 1, CodeKind::Uniform) };
    let codes = vec![
        block("r", 3, CodeKind::Gaussian),
        block("z", 2, CodeKind::Gaussian),
        uniform,
        block("k", 3, CodeKind::OneHot),
        CodeBlock::nuisance(2),
    ];
    let emitter = Network {
        architecture: Architecture::Mlp(MlpConfig { widths: widths.clone() }),
        weights: "emitter".into(),
        inputs: vec![Port::code("z")],
        outputs: Port::posterior("r"),
    };
    let mut description = ModelDescription { codes, ..ModelDescription::empty("another method") }
        .with_generator(generator, ["s", "r", "u", "k"])
        .with_encoder(reading, "z");
    description.networks.insert("emitter".into(), emitter);
    description.render.push(Chain::new(FROM_Z, ["emitter", GENERATOR]));
    description.encode.push(Chain::new("to r", [ENCODER, "emitter"]));
    let mut stream = Stream::new(1, "weights");
    let mut vae = reading.initialise_uniform(&mut stream);
    vae.retain(|name, _| name.starts_with("encoder."));
    let mut model = Model::new(description)
        .with_weights(GENERATOR, generator.initialise_uniform(&mut stream))
        .with_weights("emitter", MlpConfig { widths }.initialise_uniform(&mut stream))
        .with_weights(VAE, vae);
    // Larger weights than at the start of training, so that a code visibly does something.
    for array in model.weights.values_mut().flat_map(|group| group.values_mut()) {
        array.data_mut().iter_mut().for_each(|value| *value *= 2.0);
    }
    model
}

/// A bundle of `model` in `folder`.
fn bundle(folder: &Path, model: &Model) -> PathBuf {
    let path = folder.join("another-method.safetensors");
    write_bundle(&path, model, Precision::F32).unwrap();
    path
}

fn opened(path: &Path) -> Window {
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(path) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    window
}

/// The pixels of both pictures.
fn pictures(window: &Window) -> [Vec<u8>; 2] {
    [GAN, FROM_Z].map(|chain| window.state().picture(chain).unwrap().rgba().to_vec())
}

/// Which of both pictures `change` changes.
fn changed(window: &mut Window, change: impl FnOnce(&mut Window)) -> [bool; 2] {
    let before = pictures(window);
    change(window);
    settle(window);
    let after = pictures(window);
    [0, 1].map(|at| before[at] != after[at])
}

#[test]
fn every_chain_is_shown_and_every_code_moves_what_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(&bundle(folder.path(), &model()));
    assert_eq!(window.state().notice(), None);
    window.get_by_role_and_label(Node::Image, "Generator picture");
    window.get_by_role_and_label(Node::Image, "Picture of from z");
    assert_eq!(
        changed(&mut window, |w| set(w, "r 1", 2.0)),
        [true, false],
        "r is an input of the first alone"
    );
    assert_eq!(changed(&mut window, |w| set(w, "z 0", -2.0)), [false, true], "z is one of the second");
    assert_eq!(changed(&mut window, |w| set(w, "u 0", 1.0)), [true, true]);
    assert_eq!(window.state().values("u"), [1.0], "as far as its range goes");
    assert_eq!(changed(&mut window, |w| click(w, "New nuisance sample")), [true, true]);
    assert_eq!(window.state().values("k"), [1.0, 0.0, 0.0]);
}

#[test]
fn a_code_is_read_back_in_two_steps() {
    let (folder, model) = (tempfile::tempdir().unwrap(), model());
    let mut window = opened(&bundle(folder.path(), &model));
    let before = window.state().shown_code(GAN);
    set(&mut window, "r 0", 1.5);
    assert_ne!(window.state().shown_code(GAN), before);
    let picture = window.state().picture(GAN).unwrap();
    let grey: Vec<f32> = picture.rgba().chunks(4).map(|pixel| f32::from(pixel[0]) / 255.0).collect();
    let pool = Pool::new("test", 1).unwrap();
    let chain = &model.description.encode[1];
    let mut encoder = open_encoder(&model, chain, &idgan::inference::Computer::processor(), &pool).unwrap();
    let (mut mu, mut logvar) = ([0.0; 3], [0.0; 3]);
    encoder.encode(&grey, &mut mu, &mut logvar).unwrap();
    let is_read = |window: &Window| {
        let read = window.state().read_back();
        read.is_some_and(|(block, found)| {
            block == "r" && found.iter().zip(&mu).all(|(found, expected)| (found - expected).abs() < 1e-5)
        })
    };
    until(&mut window, "the code that was read back", is_read);
}

#[test]
fn an_encoder_that_cannot_run_is_a_warning_and_the_rest_opens() {
    let (folder, mut model) = (tempfile::tempdir().unwrap(), model());
    let said = serde_json::json!({"kind": "of-another-program"});
    let encoder = model.description.networks.get_mut(ENCODER).unwrap();
    encoder.architecture = Architecture::Unknown(said.as_object().cloned().unwrap());
    let mut window = opened(&bundle(folder.path(), &model));
    assert!(window.state().notice().unwrap().contains("of-another-program that reads pictures"));
    assert_eq!(changed(&mut window, |w| set(w, "r 1", 2.0)), [true, false]);
    assert!(window.state().read_back().is_none());
}
