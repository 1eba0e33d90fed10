//! Compiled networks give the pictures and codes that PyTorch gave for the published checkpoint formats.

use crate::common::official;
use idgan::base::{Array, Arrays, Cancel, PixelRange, Pool, Stream};
use idgan::checkpoint::{BUNDLED, Sources, open};
use idgan::inference::plan::{PlanEncoder, PlanRenderer};
use idgan::inference::{self, Computer, Encoder, Renderer};
use idgan::model::Model;
use idgan::nets::{GeneratorConfig, ResnetTrunk, VaeConfig};
use idgan::ops::Precision;
use safetensors::SafeTensors;

/// The tensors of a file whose names begin with `prefix`, without it, times `factor`.
fn tensors(folder: &std::path::Path, file: &str, prefix: &str, factor: f32) -> Arrays {
    let bytes = std::fs::read(folder.join(file)).expect("the file is there");
    let file = SafeTensors::deserialize(&bytes).expect("it parses");
    file.iter()
        .filter_map(|(name, view)| Some((name.strip_prefix(prefix)?, view)))
        .map(|(name, view)| {
            let values = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b) * factor).collect();
            (name.to_owned(), Array::new(view.shape(), values).expect("the length fits"))
        })
        .collect()
}

fn assert_close(actual: &[f32], expected: impl Iterator<Item = f32>, what: &str) {
    let worst = actual
        .iter()
        .zip(expected)
        .map(|(a, e)| (a - e).abs())
        .fold(0.0, |most: f32, next| if next > most || next.is_nan() { next } else { most });
    eprintln!("{what}: largest difference {worst:e}");
    assert!(worst <= 1e-4, "{what}: off by {worst}");
}

#[test]
fn generators_give_the_pictures_that_pytorch_gave() {
    let Some(folder) = official("") else { return };
    let pool = Pool::new("parity", 2).expect("starts");
    let resnet = |size, nfilter| GeneratorConfig::Resnet {
        z_dim: 276,
        trunk: ResnetTrunk { size, nfilter, nfilter_max: 32, channels: 3 },
    };
    for (name, config) in [
        ("idgan_dsprites_model", GeneratorConfig::Small { z_dim: 10, channels: 1 }),
        ("idgan_faces64_model.legacy", resnet(64, 8)),
        ("idgan_faces128_model", resnet(128, 4)),
        ("vgan_faces64_model", resnet(64, 8)),
    ] {
        let expected = tensors(&folder, &format!("{name}.expected.safetensors"), "", 1.0);
        for (group, factor, key) in [("after.G.", 1.0, "image"), ("after.G_ema.", 1.5, "image_ema")] {
            let weights = tensors(&folder, &format!("{name}.training.safetensors"), group, factor);
            let graph = config.graph().to_pixels(PixelRange::Signed);
            let mut renderer = PlanRenderer::<f32>::compile(&graph, &weights, &pool).expect("compiles");
            let mut pictures = vec![f32::NAN; expected[key].len()];
            renderer.render(expected["z"].data(), &mut pictures, &Cancel::new()).expect("renders");
            // Both in [-1, 1], as the reference has them.
            let pictures: Vec<f32> = pictures.iter().map(|v| 2.0 * v - 1.0).collect();
            assert_close(&pictures, expected[key].data().iter().copied(), &format!("{name} {key}"));
        }
    }
}

#[test]
fn the_vae_gives_the_pictures_and_codes_that_pytorch_gave() {
    let Some(folder) = official("") else { return };
    let pool = Pool::new("parity", 2).expect("starts");
    let config = VaeConfig { channels: 1, c_dim: 10 };
    let weights = tensors(&folder, "dvae_dsprites_last.training.safetensors", "after.", 1.0);
    let expected = tensors(&folder, "dvae_dsprites_last.expected.safetensors", "", 1.0);

    let graph = config.decoder_graph().to_pixels(PixelRange::Logits);
    let mut decoder = PlanRenderer::<f32>::compile(&graph, &weights, &pool).expect("compiles");
    let mut pictures = vec![f32::NAN; expected["decoded"].len()];
    decoder.render(expected["c"].data(), &mut pictures, &Cancel::new()).expect("renders");
    assert_close(&pictures, expected["decoded"].data().iter().copied(), "decoded");

    let mut encoder =
        PlanEncoder::<f32>::compile(&config.encoder_graph(), &weights, &pool).expect("compiles");
    let (mut mu, mut logvar) = (vec![f32::NAN; 30], vec![f32::NAN; 30]);
    encoder.encode(expected["x"].data(), &mut mu, &mut logvar).expect("encodes");
    assert_close(&mu, expected["mu"].data().iter().copied(), "mu");
    assert_close(&logvar, expected["logvar"].data().iter().copied(), "logvar");
}

/// What every chain of a model draws of some codes in f32 and in bf16: at most half of a 255th apart on average, and at
/// most two of them in 99 of 100 values.
fn check_bf16(model: &Model, what: &str) {
    let pool = Pool::new("bf16", 2).expect("starts");
    let open = |precision| {
        let computer = Computer { precision, ..Computer::processor() };
        inference::open(model, &computer, &pool).expect("opens").renderers
    };
    let (single, half) = (open(Precision::F32), open(Precision::Bf16));
    assert!(!single.is_empty(), "{what} draws nothing");
    for ((chain, mut single), (_, mut half)) in single.into_iter().zip(half) {
        let codes = Stream::new(1, "codes").normals(16 * single.code_dim());
        let draw = |renderer: &mut dyn Renderer| {
            let mut pictures = vec![f32::NAN; 16 * renderer.picture_shape().iter().product::<usize>()];
            renderer.render(&codes, &mut pictures, &Cancel::new()).expect("renders");
            pictures
        };
        let (single, half) = (draw(single.as_mut()), draw(half.as_mut()));
        let mut off: Vec<f32> = single.iter().zip(&half).map(|(a, b)| 255.0 * (a - b).abs()).collect();
        off.sort_by(f32::total_cmp);
        let (mean, most) = (off.iter().sum::<f32>() / off.len() as f32, off[off.len() * 99 / 100]);
        eprintln!("{what}, {chain}: {mean:.3} of 255 on average, {most:.3} at 99 %");
        assert!(mean > 0.0 && mean <= 0.5 && most <= 2.0, "{what}, {chain}: off by {mean}, {most} at 99 %");
    }
}

#[test]
fn bundled_models_draw_nearly_the_same_in_bf16() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for bundled in BUNDLED {
        let path = folder.path().join(bundled.name);
        std::fs::write(&path, bundled.bytes).expect("writes");
        let sources = Sources { checkpoint: Some(path), ..Sources::default() };
        check_bf16(&open(&sources).expect("opens").model, bundled.name);
    }
}

#[test]
fn published_models_draw_nearly_the_same_in_bf16() {
    let Some(folder) = official("") else { return };
    for (vae, gan) in [
        ("dvae_dsprites_last", "idgan_dsprites_model.pt"),
        ("dvae_faces_last.legacy", "idgan_faces64_model.legacy.pt"),
        ("dvae_faces_last.legacy", "idgan_faces128_model.pt"),
        ("dvae_faces_vgan_last", "vgan_faces64_model.pt"),
    ] {
        let sources =
            Sources { vae: Some(folder.join(vae)), gan: Some(folder.join(gan)), ..Sources::default() };
        check_bf16(&open(&sources).expect("opens").model, gan);
    }
}
