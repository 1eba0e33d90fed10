//! Networks of other programs in ONNX files give what ONNX Runtime makes of them, and ours in such files give what we make of
//! them (`scripts/make-onnx-files`, `scripts/check-onnx-export`).

use std::path::{Path, PathBuf};

use idgan::base::{Cancel, PixelRange, Pool};
use idgan::checkpoint::{Halves, Precision, Reading, Sources, open, to_onnx, write_bundle};
use idgan::inference::{self, Computer, Networks};
use idgan::model::{DECODER, Model};

use crate::common::{largest_difference, read_arrays};

/// Our numbers and ONNX Runtime's.
const TOLERANCE: f32 = 5e-5;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/onnx").join(name)
}

fn opened(decoder: &Path, reading: Reading) -> Result<Model, String> {
    let sources = Sources { checkpoint: Some(decoder.to_owned()), reading, ..Sources::default() };
    open(&sources).map(|opened| opened.model).map_err(|error| error.to_string())
}

fn networks(model: &Model) -> Networks {
    inference::open(model, &Computer::processor(), &Pool::new("test", 2).unwrap()).unwrap()
}

/// What a network gave, in [0, 1].
fn in_unit(value: f32, range: PixelRange) -> f32 {
    match range {
        PixelRange::Unit => value,
        PixelRange::Signed => (value + 1.0) * 0.5,
        PixelRange::Logits => 1.0 / (1.0 + (-value).exp()),
    }
}

fn check_decoder(model: &Model, name: &str, range: PixelRange) {
    let answers = read_arrays(&file("answers.safetensors"));
    let (codes, expected) = (&answers[&format!("{name}.in")], &answers[&format!("{name}.out.0")]);
    let mut networks = networks(model);
    let renderer = networks.renderers.get_mut(DECODER).unwrap();
    assert_eq!(renderer.code_dim(), codes.len() / 3, "{name}");
    let mut pictures = vec![f32::NAN; expected.len()];
    renderer.render(codes.data(), &mut pictures, &Cancel::new()).unwrap();
    let expected: Vec<f32> = expected.data().iter().map(|value| in_unit(*value, range)).collect();
    let difference = largest_difference(&pictures, &expected);
    assert!(difference <= TOLERANCE, "{name} is off by {difference:.2e}");
}

#[test]
fn decoders_draw_what_onnx_runtime_draws() {
    for (name, range) in [
        ("plain", PixelRange::Logits),
        ("normalised", PixelRange::Unit),
        ("dcgan", PixelRange::Signed),
        ("shuffled", PixelRange::Unit),
        ("perceptron", PixelRange::Unit),
    ] {
        for name in [name.to_owned(), format!("{name}-dynamo")] {
            let path = file(&format!("{name}.onnx"));
            let sources = Sources { checkpoint: Some(path), ..Sources::default() };
            let opened = open(&sources).unwrap_or_else(|error| panic!("{error}"));
            assert!(opened.warnings.is_empty(), "{:?}", opened.warnings);
            assert_eq!(
                opened.unsaid.range.as_ref().map(|guess| guess.range),
                Some(range),
                "{:?}",
                opened.unsaid
            );
            check_decoder(&opened.model, &name, range);

            // In a bundle it stays what it is.
            let folder = tempfile::tempdir().unwrap();
            let bundle = folder.path().join("model.safetensors");
            write_bundle(&bundle, &opened.model, Precision::F32).unwrap();
            let again = super::onnx::opened(&bundle, Reading::default()).unwrap();
            assert_eq!(again.description.networks, opened.model.description.networks);
            check_decoder(&again, &name, range);

            // And so it does in an ONNX file of ours.
            let network = &opened.model.description.networks[DECODER];
            let (graph, weights) = (network.architecture.graph().unwrap(), opened.model.group(DECODER));
            let written = folder.path().join("decoder.onnx");
            std::fs::write(&written, to_onnx(&graph, weights, "code", &["picture"], &[]).unwrap()).unwrap();
            check_decoder(&super::onnx::opened(&written, Reading::default()).unwrap(), &name, range);
        }
    }
}

/// A decoder for the codes and pictures of `encoder.onnx`.
fn fitting_decoder(folder: &Path) -> PathBuf {
    use idgan::graph::{Graph, Linear, Operation, Shape};
    let mut graph = Graph::default();
    let z = graph.input(Shape::Row(5));
    let row = graph.linear(z, Linear::new("fc", 5, 256));
    let picture = graph.apply(Operation::Reshape(Shape::Map([1, 16, 16])), &[row]);
    graph.give(picture);
    let weights =
        graph.parameters().into_iter().map(|p| (p.name, idgan::base::Array::zeros(p.shape))).collect();
    let path = folder.join("decoder.onnx");
    std::fs::write(&path, to_onnx(&graph, &weights, "z", &["x"], &[]).unwrap()).unwrap();
    path
}

#[test]
fn encoders_read_what_onnx_runtime_reads() {
    let folder = tempfile::tempdir().unwrap();
    let decoder = fitting_decoder(folder.path());
    let answers = read_arrays(&file("answers.safetensors"));
    for name in ["encoder", "encoder-dynamo"] {
        let encoder = Some(file(&format!("{name}.onnx")));
        let model = opened(&decoder, Reading { encoder: encoder.clone(), ..Reading::default() }).unwrap();
        let mut networks = networks(&model);
        let ours = networks.encoder.as_mut().unwrap();
        assert_eq!((ours.code_dim(), ours.picture_shape()), (5, [1, 16, 16]));
        let (mut mu, mut logvar) = (vec![f32::NAN; 15], vec![f32::NAN; 15]);
        ours.encode(answers[&format!("{name}.in")].data(), &mut mu, &mut logvar).unwrap();
        for (place, values) in [&mu, &logvar].into_iter().enumerate() {
            let difference = largest_difference(values, answers[&format!("{name}.out.{place}")].data());
            assert!(difference <= TOLERANCE, "{name}, result {place}, is off by {difference:.2e}");
        }

        // Its results the other way round, by their names.
        let turned =
            Reading { encoder, mean: Some("logvar".into()), logvar: Some("mu".into()), ..Reading::default() };
        let model = opened(&decoder, turned).unwrap();
        let (mut first, mut second) = (vec![f32::NAN; 15], vec![f32::NAN; 15]);
        let mut networks = super::onnx::networks(&model);
        let ours = networks.encoder.as_mut().unwrap();
        ours.encode(answers[&format!("{name}.in")].data(), &mut first, &mut second).unwrap();
        assert_eq!((first, second), (logvar, mu));
    }
}

#[test]
fn what_an_encoder_does_not_say_is_asked_for() {
    use idgan::graph::{Graph, Linear, Operation, Shape};
    let folder = tempfile::tempdir().unwrap();
    let decoder = fitting_decoder(folder.path());
    let encoder = folder.path().join("encoder.onnx");
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([1, 16, 16]));
    let row = graph.apply(Operation::Reshape(Shape::Row(256)), &[x]);
    let both = graph.linear(row, Linear::new("fc", 256, 10));
    graph.give(both);
    let mut weights: idgan::base::Arrays =
        graph.parameters().into_iter().map(|p| (p.name, idgan::base::Array::zeros(p.shape))).collect();
    weights
        .get_mut("fc.bias")
        .unwrap()
        .data_mut()
        .iter_mut()
        .enumerate()
        .for_each(|(i, value)| *value = i as f32);
    std::fs::write(&encoder, to_onnx(&graph, &weights, "x", &["posterior"], &[]).unwrap()).unwrap();

    let reading = |halves| Reading { encoder: Some(encoder.clone()), halves, ..Reading::default() };
    let said = opened(&decoder, reading(None)).unwrap_err();
    assert!(said.contains("10 numbers") && said.contains("--posterior"), "{said}");
    let read = |halves| {
        let model = opened(&decoder, reading(Some(halves))).unwrap();
        let (mut mu, mut logvar) = (vec![f32::NAN; 5], vec![f32::NAN; 5]);
        networks(&model).encoder.unwrap().encode(&[0.0; 256], &mut mu, &mut logvar).unwrap();
        (mu, logvar)
    };
    assert_eq!(read(Halves::Behind), (vec![0., 1., 2., 3., 4.], vec![5., 6., 7., 8., 9.]));
    assert_eq!(read(Halves::Interleaved), (vec![0., 2., 4., 6., 8.], vec![1., 3., 5., 7., 9.]));

    let named = Reading { mean: Some("mu".into()), ..reading(None) };
    let said = opened(&decoder, named).unwrap_err();
    assert!(said.contains("no result `mu`") && said.contains("`posterior`"), "{said}");
    let said = opened(&encoder, Reading::default()).unwrap_err();
    assert!(said.contains("not a code") && said.contains("--encoder"), "{said}");
}

#[test]
fn a_file_that_is_no_decoder_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.onnx");
    let bytes = std::fs::read(file("plain.onnx")).unwrap();
    for (content, said) in [
        (b"not a model".to_vec(), "ONNX"),
        (Vec::new(), "computes nothing"),
        (bytes[..bytes.len() / 2].to_vec(), "no sound ONNX file"),
    ] {
        std::fs::write(&path, content).unwrap();
        let message = opened(&path, Reading::default()).unwrap_err();
        assert!(message.contains(said) && message.ends_with("broken.onnx"), "{message}");
    }
    // An operator that nobody knows: the name is as long as the one it stands for.
    let field = b"\x22\x0dConvTranspose";
    let place = bytes.windows(field.len()).position(|part| part == field).unwrap();
    let mut changed = bytes;
    changed[place..place + field.len()].copy_from_slice(b"\x22\x0dConvTranspoze");
    std::fs::write(&path, changed).unwrap();
    let message = opened(&path, Reading::default()).unwrap_err();
    assert!(message.contains("ConvTranspoze") && message.contains("not known here"), "{message}");
    let reading = Reading { encoder: Some("encoder.onnx".into()), ..Reading::default() };
    let message = opened(Path::new("model.safetensors"), reading).unwrap_err();
    assert!(message.contains("ONNX decoder"), "{message}");
}
