//! PyTorch's files open and give PyTorch's pictures and encodings, through the compiled plans, through candle, and through
//! the command line: those of small networks that travel with the project, and the published ones where they lie beside
//! the checkout.

use std::path::{Path, PathBuf};

use crate::common::made::{made, normal, vae, vae_file, weights};
use crate::common::{largest_difference, official, parity, read_arrays, tensor};
use candle_core::Device;
use idgan::base::{Array, Arrays, Cancel, Pool};
use idgan::checkpoint::npz::{NpzArray, NpzFile, write_npz};
use idgan::checkpoint::{GAN_FILE, Sources, VAE_FILE, export_torch, open};
use idgan::inference::{self, Computer, Encoder, Networks, Renderer, TensorEncoder, TensorRenderer};
use idgan::model::{CodeBlock, DECODER, DISCRIMINATOR, ENCODER, GAN, GENERATOR, Model, Network, VAE};
use idgan::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig};
use idgan::training::Downsample;
use idgan::training::methods::gan::FrozenEncoder;

/// Pictures and encodings agree within 1e-4 (the reference's README).
const TOLERANCE: f32 = 1e-4;

fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    let difference = largest_difference(ours, theirs);
    assert!(difference <= TOLERANCE, "{what} is off by {difference:.2e}");
}

/// [-1, 1] to the [0, 1] that renderers give.
fn unit(pictures: &Array) -> Vec<f32> {
    pictures.data().iter().map(|v| (v + 1.0) * 0.5).collect()
}

/// A network that draws, run by candle.
fn through_candle(model: &Model, network: &Network) -> Box<dyn Renderer> {
    let (pool, graph) = (Pool::new("test", 2).unwrap(), network.picture_graph().unwrap());
    Box::new(TensorRenderer::new(&graph, model.group(&network.weights), &Device::Cpu, &pool).unwrap())
}

/// Both implementations of a model's networks.
fn implementations(model: &Model) -> [(&'static str, Networks); 2] {
    let (pool, device) = (Pool::new("test", 2).unwrap(), Device::Cpu);
    let plans = inference::open(model, &Computer::processor(), &pool).unwrap();
    let networks = &model.description.networks;
    let painters = [(GAN, GENERATOR), (VAE, DECODER)].into_iter().filter_map(|(chain, network)| {
        Some((chain.to_owned(), through_candle(model, networks.get(network)?)))
    });
    let renderers = painters.collect();
    let graph = networks[ENCODER].architecture.graph().unwrap();
    let encoder = TensorEncoder::new(&graph, model.group(VAE), &device, &pool).unwrap();
    let encoder: Box<dyn Encoder> = Box::new(encoder);
    [("plan", plans), ("candle", Networks { renderers, encoder: Some(encoder), ..Networks::default() })]
}

fn check_vae(path: PathBuf, expected: &Arrays, what: &str) {
    let model = open(&Sources { vae: Some(path), ..Sources::default() }).unwrap().model;
    for (name, mut networks) in implementations(&model) {
        let what = format!("{what} ({name})");
        let mut pictures = vec![f32::NAN; expected["decoded"].len()];
        let decoder = networks.renderers.get_mut(VAE).unwrap();
        decoder.render(expected["c"].data(), &mut pictures, &Cancel::new()).unwrap();
        assert_close(&pictures, expected["decoded"].data(), &format!("{what} decoded"));
        let (mut mu, mut logvar) =
            (vec![f32::NAN; expected["mu"].len()], vec![f32::NAN; expected["mu"].len()]);
        networks.encoder.as_mut().unwrap().encode(expected["x"].data(), &mut mu, &mut logvar).unwrap();
        assert_close(&mu, expected["mu"].data(), &format!("{what} mu"));
        assert_close(&logvar, expected["logvar"].data(), &format!("{what} logvar"));
    }
}

fn check_gan(vae: Option<&Path>, gan: &Path, expected: &Arrays, what: &str) {
    let c_dim = vae.is_none().then_some(expected["enc_mu"].shape()[1]);
    let model = open(&Sources {
        vae: vae.map(Path::to_owned),
        gan: Some(gan.to_owned()),
        c_dim,
        ..Sources::default()
    })
    .unwrap()
    .model;
    check_generator(&model, &expected["z"], &expected["image_ema"], what);
    let Some(vae) = vae else { return };
    check_downsampled_encoding(&model, expected, what);
    check_sample(vae, gan, expected, what);
}

/// The generator's pictures of `z`, `expected` in [-1, 1].
fn check_generator(model: &Model, z: &Array, expected: &Array, what: &str) {
    assert_eq!(expected.shape()[1..], model.description.picture_shape(GAN).unwrap());
    let pool = Pool::new("test", 2).unwrap();
    let mut renderers: Vec<(&str, Box<dyn Renderer>)> = vec![
        (
            "plan",
            inference::open(model, &Computer::processor(), &pool).unwrap().renderers.remove(GAN).unwrap(),
        ),
        ("candle", through_candle(model, &model.description.networks[GENERATOR])),
    ];
    for (name, renderer) in &mut renderers {
        let mut pictures = vec![f32::NAN; expected.len()];
        renderer.render(z.data(), &mut pictures, &Cancel::new()).unwrap();
        // in [0, 1] half the tolerance is the tolerance in [-1, 1]
        let difference = largest_difference(&pictures, &unit(expected));
        assert!(difference <= TOLERANCE / 2.0, "{what} ({name}) is off by {difference:.2e}");
    }
}

/// The frozen encoder of a picture at the GAN's size.
fn check_downsampled_encoding(model: &Model, expected: &Arrays, what: &str) {
    let config = model.description.encoder().unwrap();
    let device = Device::Cpu;
    let encoder = FrozenEncoder::new(config, model.group(VAE), Downsample::Area, &device).unwrap();
    let posterior = encoder.encode(&tensor(expected, "x")).unwrap();
    let values = |t: candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_close(&values(posterior.mu), expected["enc_mu"].data(), &format!("{what} enc_mu"));
    assert_close(&values(posterior.logvar), expected["enc_logvar"].data(), &format!("{what} enc_logvar"));
}

/// `idgan sample` on a codes.npz with the reference's z.
fn check_sample(vae: &Path, gan: &Path, expected: &Arrays, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (codes, out) = (folder.path().join("codes.npz"), folder.path().join("out.npz"));
    let c_dim = expected["enc_mu"].shape()[1];
    let z = &expected["z"];
    let (rows, s_dim) = (z.shape()[0], z.shape()[1] - c_dim);
    let part = |range: std::ops::Range<usize>| -> Vec<f32> {
        (0..rows).flat_map(|row| z.row(row)[range.clone()].to_vec()).collect()
    };
    let (s, c) = (part(0..s_dim), part(s_dim..s_dim + c_dim));
    let (c, s) = (Array::new([rows, c_dim], c).unwrap(), Array::new([rows, s_dim], s).unwrap());
    let mut members = vec![("c", NpzArray::F32(&c))];
    if s_dim > 0 {
        members.push(("s", NpzArray::F32(&s)));
    }
    write_npz(&codes, &members).unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_idgan"))
        .args(["sample", "--device", "cpu", "--threads", "2", "--vae"])
        .arg(vae)
        .arg("--gan")
        .arg(gan)
        .arg("--codes")
        .arg(&codes)
        .arg("--out")
        .arg(&out)
        .status()
        .unwrap();
    assert!(status.success(), "{what}");
    let pictures = NpzFile::open(&out).unwrap().array("gan").unwrap();
    assert_eq!(pictures.shape(), expected["image_ema"].shape());
    let difference = largest_difference(pictures.data(), &unit(&expected["image_ema"]));
    assert!(difference <= TOLERANCE / 2.0, "{what} (idgan sample) is off by {difference:.2e}");
}

const VAES: [&str; 3] = ["dvae_dsprites_last", "dvae_faces_last.legacy", "dvae_faces_vgan_last"];
const GANS: [(&str, &str, &str); 4] = [
    ("dvae_dsprites_last", "idgan_dsprites_model.pt", "idgan_dsprites_model"),
    ("dvae_faces_last.legacy", "idgan_faces64_model.legacy.pt", "idgan_faces64_model.legacy"),
    ("dvae_faces_last.legacy", "idgan_faces128_model.pt", "idgan_faces128_model"),
    ("dvae_faces_vgan_last", "vgan_faces64_model.pt", "vgan_faces64_model"),
];

#[test]
fn every_published_vae_gives_pytorchs_numbers() {
    for name in VAES {
        let (Some(path), Some(expected)) =
            (official(name), official(&format!("{name}.expected.safetensors")))
        else {
            return;
        };
        check_vae(path, &read_arrays(&expected), name);
    }
}

#[test]
fn every_published_gan_gives_pytorchs_pictures() {
    for (vae, gan, name) in GANS {
        let Some(expected) = official(&format!("{name}.expected.safetensors")) else { return };
        check_gan(official(vae).as_deref(), &official(gan).unwrap(), &read_arrays(&expected), name);
    }
}

/// The rows of the small networks' numbers.
const ROWS: usize = 2;

#[test]
fn a_small_vae_gives_pytorchs_numbers() {
    let Some(mut expected) = parity("vae") else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = VaeConfig { channels: 1, c_dim: 3 };
    expected.insert("x".into(), made("x", &[ROWS, 1, 64, 64], 1.0, 0.5));
    expected.insert("c".into(), normal("c", &[ROWS, config.c_dim]));
    check_vae(vae_file(folder.path(), config), &expected, "a small VAE");
}

#[test]
fn small_pairs_give_pytorchs_pictures() {
    let trunk = ResnetTrunk { size: 64, nfilter: 2, nfilter_max: 8, channels: 3 };
    let resnet = GeneratorConfig::Resnet { z_dim: 8, trunk };
    for (name, generator, discriminator) in [
        (
            "small",
            GeneratorConfig::Small { z_dim: 5, channels: 1 },
            DiscriminatorConfig::Small { channels: 1 },
        ),
        ("resnet", resnet, DiscriminatorConfig::Resnet { trunk }),
        ("resnet_vdb", resnet, DiscriminatorConfig::ResnetVdb { trunk }),
    ] {
        let Some(mut expected) = parity(name) else { return };
        let (channels, z_dim) = (generator.channels(), generator.z_dim());
        let mut model = vae(VaeConfig { channels, c_dim: 3 });
        model.description.codes.push(CodeBlock::nuisance(z_dim - 3));
        model.description =
            model.description.with_generator(generator, ["s", "c"]).with_discriminator(discriminator);
        let model = model
            .with_weights(GENERATOR, weights("G.", &generator, 1.0))
            .with_weights(DISCRIMINATOR, weights("D.", &discriminator, 1.0));
        let folder = tempfile::tempdir().unwrap();
        export_torch(folder.path(), &model).unwrap();

        expected.insert("z".into(), normal("z", &[ROWS, z_dim]));
        expected.insert("x".into(), made("x", &[ROWS, channels, 64, 64], 2.0, 0.0));
        let image = expected["image"].clone();
        expected.insert("image_ema".into(), image);
        let (vae, gan) = (folder.path().join(VAE_FILE), folder.path().join(GAN_FILE));
        check_gan(Some(&vae), &gan, &expected, name);
    }
}

/// Files that PyTorch wrote, in both encodings, with and without prefix and moving average.
#[test]
fn pytorchs_own_files_give_pytorchs_pictures() {
    let Some(expected) = parity("tiny_model") else { return };
    let z = normal("z", &[ROWS, 5]);
    assert_eq!(expected.len(), 3);
    for (name, pictures) in &expected {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
        let model = open(&Sources { checkpoint: Some(path), ..Sources::default() }).unwrap().model;
        check_generator(&model, &z, pictures, name);
    }
}
