//! VAEs that others have published: opened by the names and shapes of their tensors, they give PyTorch's numbers.

use std::path::Path;

use candle_core::Device;
use idgan::base::{Array, PixelRange, Pool};
use idgan::checkpoint::{Opened, Precision, Reading, Sources, open, summarise, write_bundle};
use idgan::inference::{self, Computer, TensorRenderer};
use idgan::model::{DECODER, ModelDescription, VAE};

use crate::common::skip::skipped;
use crate::published_files::{assert_agree, drawn, file_of, for_all, of_repositories, opened, references, u};

/// Which numbers the decoder of a description gives.
fn range_of(description: &ModelDescription) -> PixelRange {
    match description.published() {
        Some(vae) => vae.range,
        None => PixelRange::Logits,
    }
}

fn pixel(value: f64, range: PixelRange) -> f64 {
    match range {
        PixelRange::Unit => value.clamp(0.0, 1.0),
        PixelRange::Signed => f64::midpoint(value, 1.0),
        PixelRange::Logits => 1.0 / (1.0 + (-value).exp()),
    }
}

/// Compares a model with the rows of `checks.tsv` about it.
fn check(list: &Path, checks: &[Vec<String>], range: Option<PixelRange>) {
    let folder = tempfile::tempdir().unwrap();
    let first = opened(&file_of(list, folder.path(), |_| ()), range);
    // What files do not say may be the other thing.
    let others = first.unsaid.range.map(|guess| guess.others).unwrap_or_default();
    others.into_iter().for_each(|other| check(list, checks, Some(other)));
    let model = first.model;
    let (pool, device) = (Pool::new("test", 2).unwrap(), Device::Cpu);
    let mut networks = inference::open(&model, &Computer::processor(), &pool).unwrap();
    assert!(networks.warnings.is_empty(), "{:?}", networks.warnings);
    let range = range_of(&model.description);
    let code = model.description.encoded().unwrap().to_owned();
    let dims = model.description.block(&code).unwrap().dims;
    let codes: Vec<f32> = (0..2 * dims).map(|i| (12f64.sqrt() * u(i, 1000)) as f32).collect();

    let of = |what: &str| checks.iter().find(|row| row[1].starts_with(what)).unwrap();
    // What the decoder itself gives: (x + 1) / 2 through candle can be undone.
    let decoder = model.description.networks[DECODER].architecture.graph().unwrap();
    let undone = decoder.to_pixels(PixelRange::Signed);
    let mut raw = TensorRenderer::new(&undone, model.group(VAE), &device, &pool).unwrap();
    let values: Vec<f32> = drawn(&mut raw, &codes).iter().map(|value| 2.0 * value - 1.0).collect();
    assert_agree(&values, of("deco"));
    // What is drawn of it.
    let renderer = networks.renderers.get_mut(VAE).unwrap();
    let pictures = drawn(renderer.as_mut(), &codes);
    for (picture, value) in pictures.iter().zip(&values) {
        let expected = pixel(f64::from(*value), range);
        assert!((f64::from(*picture) - expected).abs() < 1e-5, "{picture} for {expected}");
    }

    let encoder = networks.encoder.as_mut().unwrap();
    let count = 2 * encoder.picture_shape().iter().product::<usize>();
    // What it is given is in [0, 1]; one that was trained on [-1, 1] is to see the same numbers.
    let seen = |x: f64| if range == PixelRange::Signed { f64::midpoint(x, 1.0) } else { x };
    let photos: Vec<f32> = (0..count).map(|i| seen(u(i, 2000) + 0.5) as f32).collect();
    let (mut mu, mut logvar) = (vec![f32::NAN; 2 * dims], vec![f32::NAN; 2 * dims]);
    encoder.encode(&photos, &mut mu, &mut logvar).unwrap();
    assert_agree(&mu, of("mu"));
    assert_agree(&logvar, of("logvar"));

    // A bundle of it says everything, and is the same model.
    let bundle = folder.path().join("bundle.safetensors");
    write_bundle(&bundle, &model, Precision::F32).unwrap();
    let summary = summarise(&bundle).unwrap();
    assert_eq!(summary.published.map(|it| it.architecture), model.description.published().map(Some));
    let again = opened(&bundle, None);
    assert!(again.said().is_empty(), "{:?}", again.said());
    assert_eq!((again.model.description, again.model.weights), (model.description, model.weights));
}

#[test]
fn published_vaes_give_the_numbers_that_pytorch_gives() {
    for_all(&references(), &["beta_vae", "burgess", "pytorch_vae"], 4, |list, checks| {
        check(list, checks, None);
    });
}

#[test]
fn published_vaes_give_the_numbers_of_their_repositories() {
    let Some(folder) = of_repositories() else { return };
    for_all(&folder, &["betavae", "disvae", "pytorchvae"], 9, |list, checks| check(list, checks, None));
}

#[test]
fn trained_files_of_others_open() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/foreign");
    if !folder.is_dir() {
        return skipped("official", &format!("{} is not beside this checkout", folder.display()));
    }
    for (name, channels) in [("factor_dsprites.pt", 1), ("betaB_chairs.pt", 1), ("btcvae_celeba.pt", 3)] {
        let found = opened(&folder.join(name), None);
        assert!(found.said().is_empty(), "{name}: {:?}", found.said());
        let description = found.model.description;
        assert_eq!(description.picture_shape(VAE), Some([channels, 64, 64]), "{name}");
        assert_eq!(description.block("z").map(|block| block.dims), Some(10), "{name}");
        assert_eq!(description.name, name.trim_end_matches(".pt"));
    }
}

#[test]
fn the_range_that_files_do_not_say_is_guessed_unless_it_is_said() {
    let path = references().join("lightning.ckpt");
    let Opened { model, unsaid, .. } = opened(&path, None);
    let guess = unsaid.range.unwrap();
    assert!(unsaid.data, "it says no data, and has an encoder");
    assert_eq!((guess.range, guess.others.as_slice()), (PixelRange::Unit, &[PixelRange::Signed][..]));
    assert_eq!(
        guess.warning(),
        "its pictures are taken for numbers from 0 to 1, since PyTorch Lightning 1.5.6 wrote the file, with which its pictures \
         are not scaled; say otherwise by --pixels"
    );
    assert_eq!(
        (range_of(&model.description), model.description.name.as_str()),
        (PixelRange::Unit, "lightning")
    );
    let said = opened(&path, Some(PixelRange::Signed));
    assert_eq!((range_of(&said.model.description), said.unsaid.range), (PixelRange::Signed, None));
    let reading = Reading { range: Some(PixelRange::Logits), ..Reading::default() };
    let asked = Sources { checkpoint: Some(path), reading, ..Sources::default() };
    let error = open(&asked).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "--pixels says logits, but the VAE of PyTorch-VAE (AntixK), vanilla or beta gives signed or unit"
        ),
        "{error}"
    );
}

#[test]
fn what_does_not_fit_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    type Change = fn(&mut Vec<(String, Array)>);
    let cases: [(Change, &str); 6] = [
        (
            |tensors| tensors.retain(|(name, _)| name != "encoder.conv_64.bias"),
            "tensor `encoder.conv_64.bias` of the VAE of Burgess et al. (YannDubs/disentangling-vae) is missing (expected \
             shape [32])",
        ),
        (
            |tensors| tensors.retain(|(name, _)| name != "encoder.conv1.weight"),
            "tensor `encoder.conv1.weight` of the VAE of Burgess et al. (YannDubs/disentangling-vae) is missing",
        ),
        (
            |tensors| replace(tensors, "decoder.lin2.weight", &[256, 128]),
            "tensor `decoder.lin2.weight` of the VAE of Burgess et al. (YannDubs/disentangling-vae) has shape [256, 128], \
             expected [256, 256]",
        ),
        (
            |tensors| replace(tensors, "encoder.conv1.weight", &[64, 3, 4, 4]),
            "tensor `encoder.conv1.weight` of the VAE of Burgess et al. (YannDubs/disentangling-vae) has shape [64, 3, 4, 4]",
        ),
        (
            |tensors| replace(tensors, "encoder.conv1.weight", &[32, 4, 4, 4]),
            "of the VAE of Burgess et al. (YannDubs/disentangling-vae) has shape [3], expected [4]",
        ),
        (
            |tensors| tensors.push(("encoder.lin3.weight".into(), Array::zeros([256, 256]))),
            "tensor `encoder.lin3.weight` with shape [256, 256] belongs to no layer of the VAE of Burgess et al.",
        ),
    ];
    for (change, said) in cases {
        let path = file_of(&references().join("burgess_64.tsv"), folder.path(), change);
        let error = open(&Sources { checkpoint: Some(path.clone()), ..Sources::default() }).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(said), "{error}");
        assert!(error.contains("of the VAE of Burgess et al."), "{error}");
        assert!(error.ends_with(&path.display().to_string()) && !error.contains('\n'), "{error}");
    }
    // Sources that fit nothing of it.
    let path = file_of(&references().join("burgess_64.tsv"), folder.path(), |_| ());
    let lone = Sources { vae: Some(path.clone()), ..Sources::default() };
    let error = open(&lone).unwrap_err().to_string();
    assert!(error.contains("open it by itself, without --vae"), "{error}");
    let reading = Reading { range: Some(PixelRange::Signed), ..Reading::default() };
    let asked = Sources { checkpoint: Some(path), reading, ..Sources::default() };
    let error = open(&asked).unwrap_err().to_string();
    assert!(error.contains("leave --pixels out"), "{error}");
}

/// Gives a tensor another shape.
fn replace(tensors: &mut [(String, Array)], name: &str, shape: &[usize]) {
    let tensor = tensors.iter_mut().find(|(other, _)| other == name).unwrap();
    tensor.1 = Array::zeros(shape.to_vec());
}
