//! VAEs that others have published: opened by the names and shapes of their tensors, they give PyTorch's numbers.
//!
//! Lists of tensors (`NAME.tsv`) and what the networks of their repositories make of made-up weights (`checks.tsv`) lie in
//! `tests/files/published` (`scripts/make-published-references`) and, from the repositories' own code, beside the checkout.

use std::path::{Path, PathBuf};

use candle_core::Device;
use idgan::base::{Array, Cancel, PixelRange, Pool};
use idgan::checkpoint::{Opened, Precision, Reading, Sources, open, summarise, write_bundle, write_tensors};
use idgan::inference::{self, Computer, Renderer, TensorRenderer};
use idgan::model::{DECODER, ModelDescription, VAE};

use crate::common::skip::skipped;

/// A number in [-.5, .5) for element `i` of what has number `t`: a hash of both.
fn u(i: usize, t: usize) -> f64 {
    let mut h = (i as u32).wrapping_mul(2_654_435_761).wrapping_add((t as u32).wrapping_mul(40503));
    h = h.wrapping_add(12345);
    h ^= h >> 16;
    h = h.wrapping_mul(0x045d_9f3b);
    h ^= h >> 16;
    f64::from(h) / 4_294_967_296.0 - 0.5
}

/// The made-up values of the tensor in row `t` of a list.
fn made_up(key: &str, shape: &[usize], t: usize) -> Array {
    let count: usize = shape.iter().product();
    let is_norm = key.rsplit_once('.').is_some_and(|(layer, _)| layer.ends_with(".1"));
    let gain = (24.0 * shape.first().copied().unwrap_or(1) as f64 / count as f64).sqrt();
    let value = |i: usize| match shape {
        [] => 1.0,
        [_] if key.ends_with("running_var") || (is_norm && key.ends_with(".weight")) => 1.0 + u(i, t),
        [_] => 0.2 * u(i, t),
        _ => u(i, t) * gain,
    };
    Array::new(shape, (0..count).map(|i| value(i) as f32).collect()).unwrap()
}

/// The fields of a table's rows, without its head.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Writes a file with the tensors of a list into `folder`, after `change` has changed their names and shapes.
fn file_of(list: &Path, folder: &Path, change: impl Fn(&mut Vec<(String, Array)>)) -> PathBuf {
    let shape = |text: &str| match text {
        "scalar" => Vec::new(),
        sides => sides.split('x').map(|side| side.parse().unwrap()).collect(),
    };
    let mut tensors: Vec<(String, Array)> = rows(list)
        .iter()
        .enumerate()
        .map(|(t, row)| (row[1].clone(), made_up(&row[1], &shape(&row[2]), t)))
        .collect();
    change(&mut tensors);
    let listed: Vec<(String, &Array, Precision)> =
        tensors.iter().map(|(name, array)| (name.clone(), array, Precision::F32)).collect();
    let path = folder.join("weights.safetensors");
    write_tensors(&path, &listed, ("made", "up")).unwrap();
    path
}

fn opened(path: &Path, range: Option<PixelRange>) -> Opened {
    let reading = Reading { range, ..Reading::default() };
    open(&Sources { checkpoint: Some(path.to_owned()), reading, ..Sources::default() }).unwrap()
}

/// What the row of `checks.tsv` says of values: their mean, that of their magnitudes, and four of them.
fn assert_agree(values: &[f32], row: &[String]) {
    let expected: Vec<f64> = row[3..9].iter().map(|number| number.parse().unwrap()).collect();
    let n = values.len();
    let mean = |of: fn(f64) -> f64| values.iter().map(|v| of(f64::from(*v))).sum::<f64>() / n as f64;
    let some = [0, n / 3, n / 2, n - 1].map(|at| f64::from(values[at]));
    let found: Vec<f64> = [mean(|v| v), mean(f64::abs)].into_iter().chain(some).collect();
    let sides: usize = row[2].split('x').map(|side| side.parse::<usize>().unwrap()).product();
    assert_eq!(n, sides, "{row:?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0), "{found} for {row:?}");
    }
}

/// Pictures of two codes, `(2, values)`.
fn drawn(renderer: &mut dyn Renderer, codes: &[f32]) -> Vec<f32> {
    let mut pictures = vec![f32::NAN; 2 * renderer.picture_shape().iter().product::<usize>()];
    renderer.render(codes, &mut pictures, &Cancel::new()).unwrap();
    pictures
}

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

/// Compares every VAE of a folder; there must be `least`.
fn check_all(folder: &Path, prefixes: &[&str], least: usize) {
    let checks = rows(&folder.join("checks.tsv"));
    let mut names: Vec<&str> = checks.iter().map(|row| row[0].as_str()).collect();
    names.dedup();
    names.retain(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    assert!(names.len() >= least, "{names:?}");
    for name in names {
        let checks: Vec<Vec<String>> = checks.iter().filter(|row| row[0] == name).cloned().collect();
        check(&folder.join(format!("{name}.tsv")), &checks, None);
    }
}

/// What `scripts/make-published-references` wrote.
fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/published")
}

#[test]
fn published_vaes_give_the_numbers_that_pytorch_gives() {
    check_all(&references(), &[""], 4);
}

#[test]
fn published_vaes_give_the_numbers_of_their_repositories() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/keys");
    match folder.is_dir() {
        true => check_all(&folder, &["betavae", "disvae", "pytorchvae"], 9),
        false => skipped("official", &format!("{} is not beside this checkout", folder.display())),
    }
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
