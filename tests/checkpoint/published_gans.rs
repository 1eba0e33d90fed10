//! IB-GANs and OOGANs that others have published: opened by the names and shapes of their tensors, they give the numbers of their own
//! programs, and what is opened is kept in a bundle.

use std::collections::BTreeSet;
use std::path::Path;

use candle_core::Device;
use idgan::base::{Array, Pool};
use idgan::checkpoint::pickle::TorchFile;
use idgan::checkpoint::{Opened, Precision, Sources, export_torch, open, summarise, write_bundle};
use idgan::graph::{Graph, Operation, Shape, Value};
use idgan::inference::{self, Computer, Encoder, TensorEncoder};
use idgan::model::{DISCRIMINATOR, EMITTER, GAN, GENERATOR, Model, ModelDescription, READER};

use crate::published_files::{
    assert_agree, drawn, file_of, for_all, of_repositories, opened, references, rows, u,
};

/// Codes, as the checks have them: element `i` of both is `scale` times a number of stream `t`, plus `shift`.
fn codes(dims: usize, t: usize, scale: f64, shift: f64) -> Vec<f32> {
    (0..2 * dims).map(|i| (scale * u(i, t) + shift) as f32).collect()
}

/// Two pictures in [-1, 1], as the checks have them.
fn photos(description: &ModelDescription) -> Vec<f32> {
    let picture: usize = description.picture_shape(GAN).unwrap().iter().product();
    (0..2 * picture).map(|i| (2.0 * u(i, 2000)) as f32).collect()
}

/// A network of numbers as one of pictures of a single place, and the same numbers of each.
fn on_a_map(graph: &Graph) -> Graph {
    let Some(Shape::Row(dims)) = graph.inputs().next() else { panic!("not of numbers") };
    let mut made = Graph::default();
    let mut values: Vec<Value> = Vec::new();
    for node in graph.nodes() {
        let inputs: Vec<Value> = node.inputs.iter().map(|value| values[value.index()]).collect();
        values.push(match node.operation {
            Operation::Input(_) => {
                let map = made.input(Shape::Map([dims, 1, 1]));
                made.reshape(map, Shape::Row(dims))
            }
            _ => made.apply(node.operation.clone(), &inputs),
        });
    }
    graph.outputs().iter().for_each(|value| made.give(values[value.index()]));
    made
}

/// The first row that a network of the model makes of two inputs.
fn read(model: &Model, network: &str, inputs: &[f32]) -> Vec<f32> {
    let network = &model.description.networks[network];
    let mut graph = network.architecture.graph().unwrap();
    if matches!(graph.inputs().next(), Some(Shape::Row(_))) {
        graph = on_a_map(&graph);
    }
    let pool = Pool::new("test", 2).unwrap();
    let mut encoder = TensorEncoder::new(&graph, model.group(&network.weights), &Device::Cpu, &pool).unwrap();
    let (mut mu, mut logvar) =
        (vec![f32::NAN; 2 * encoder.code_dim()], vec![f32::NAN; 2 * encoder.code_dim()]);
    encoder.encode(inputs, &mut mu, &mut logvar).unwrap();
    mu
}

/// What the generator itself gives: (x + 1) / 2 can be undone.
fn generated(model: &Model, codes: &[f32]) -> Vec<f32> {
    let pool = Pool::new("test", 2).unwrap();
    let mut networks = inference::open(model, &Computer::processor(), &pool).unwrap();
    assert!(networks.warnings.is_empty(), "{:?}", networks.warnings);
    let pictures = drawn(networks.renderers.get_mut(GAN).unwrap().as_mut(), codes);
    pictures.iter().map(|value| 2.0 * value - 1.0).collect()
}

/// The second row that a network of pictures makes of two.
fn spread(model: &Model, network: &str, pictures: &[f32]) -> Vec<f32> {
    let network = &model.description.networks[network];
    let (graph, pool) = (network.architecture.graph().unwrap(), Pool::new("test", 2).unwrap());
    let mut encoder = TensorEncoder::new(&graph, model.group(&network.weights), &Device::Cpu, &pool).unwrap();
    let (mut mu, mut logvar) =
        (vec![f32::NAN; 2 * encoder.code_dim()], vec![f32::NAN; 2 * encoder.code_dim()]);
    encoder.encode(pictures, &mut mu, &mut logvar).unwrap();
    logvar
}

/// A bundle of the model says everything, and is the same model.
fn check_bundle(model: &Model, folder: &Path) {
    let bundle = folder.join("bundle.safetensors");
    write_bundle(&bundle, model, Precision::F32).unwrap();
    let again = opened(&bundle, None);
    assert!(again.said().is_empty(), "{:?}", again.said());
    assert_eq!((&again.model.description, &again.model.weights), (&model.description, &model.weights));
    let summary = summarise(&bundle).unwrap();
    assert!(summary.generator.is_none() && summary.discriminator.is_none(), "{summary:?}");
    let names: Vec<&String> = summary.others.keys().collect();
    assert_eq!(names, model.description.networks.keys().collect::<Vec<_>>());
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
}

/// Compares an IB-GAN with the rows of checks about it.
fn check_ib_gan(list: &Path, checks: &[Vec<String>]) {
    let temporary = tempfile::tempdir().unwrap();
    let path = file_of(list, temporary.path(), |_| ());
    let summary = summarise(&path).unwrap();
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
    let found = opened(&path, None);
    assert!(found.said().is_empty(), "{:?}", found.said());
    let model = found.model;
    let description = &model.description;
    let config = description.ibgan_config().unwrap();
    let learnt: usize = [EMITTER, GENERATOR].iter().map(|name| summary.others[*name].parameters).sum();
    assert!(learnt > 0 && description.networks.len() == 4, "{description:?}");

    let of = |what: &str| checks.iter().find(|row| row[1].starts_with(what)).unwrap();
    let root = 12f64.sqrt();
    assert_agree(&generated(&model, &codes(config.r_dim, 1000, root, 0.0)), of("G(r)"));
    assert_agree(&read(&model, EMITTER, &codes(config.z_dim, 1001, root, 0.0)), of("e(z)"));
    let photos = photos(description);
    assert_agree(&read(&model, DISCRIMINATOR, &photos), of("D(x)"));
    let z = read(&model, READER, &photos);
    assert_agree(&z, of("Q(x)"));

    // What is read in two steps is what the emitter makes of z.
    let pool = Pool::new("test", 2).unwrap();
    let mut networks = inference::open(&model, &Computer::processor(), &pool).unwrap();
    let encoder = networks.encoder.as_mut().unwrap();
    let (mut mu, mut logvar) = (vec![f32::NAN; 2 * config.r_dim], vec![f32::NAN; 2 * config.r_dim]);
    let seen: Vec<f32> = photos.iter().map(|value| f32::midpoint(*value, 1.0)).collect();
    encoder.encode(&seen, &mut mu, &mut logvar).unwrap();
    let both = read(&model, EMITTER, &z);
    let expected: Vec<f32> =
        both.chunks(2 * config.r_dim).flat_map(|row| &row[..config.r_dim]).copied().collect();
    assert!(mu.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4), "{mu:?} {expected:?}");
    check_bundle(&model, temporary.path());
}

/// Compares an OOGAN with the rows of checks about it.
fn check_oogan(list: &Path, checks: &[Vec<String>]) {
    let temporary = tempfile::tempdir().unwrap();
    let path = file_of(list, temporary.path(), |_| ());
    assert!(summarise(&path).unwrap().warnings.is_empty());
    let found = opened(&path, None);
    let [said] = &found.said()[..] else { panic!("{:?}", found.said()) };
    assert!(said.contains("statistics of its batch normalisation were gathered with others"), "{said}");
    let model = found.model;
    let description = &model.description;
    let config = description.oogan_config().unwrap();
    assert_eq!(description.networks.len(), 3);

    let of = |what: &str| checks.iter().find(|row| row[1].starts_with(what)).unwrap();
    let (c, z) = (codes(config.c_dim, 1000, 1.0, 0.5), codes(config.z_dim, 1001, 12f64.sqrt(), 0.0));
    let both: Vec<f32> =
        c.chunks(config.c_dim).zip(z.chunks(config.z_dim)).flat_map(|(c, z)| [c, z].concat()).collect();
    assert_agree(&generated(&model, &both), of("G(c"));
    let photos = photos(description);
    assert_agree(&read(&model, DISCRIMINATOR, &photos), of("D(x)"));
    // Means, and logarithms of standard deviations, half of log variances.
    let (mu, logvar) = (read(&model, READER, &photos), spread(&model, READER, &photos));
    let rows = mu.chunks(config.c_dim).zip(logvar.chunks(config.c_dim));
    let halves = rows.flat_map(|(mu, logvar)| mu.iter().copied().chain(logvar.iter().map(|v| 0.5 * v)));
    assert_agree(&halves.collect::<Vec<f32>>(), of("Q(x)"));
    check_bundle(&model, temporary.path());
}

#[test]
fn published_gans_give_the_numbers_that_pytorch_gives() {
    for_all(&references(), &["ibgan"], 2, check_ib_gan);
    for_all(&references(), &["oogan"], 3, check_oogan);
}

#[test]
fn published_gans_give_the_numbers_of_their_repositories() {
    let Some(folder) = of_repositories() else { return };
    for_all(&folder, &["ibgan"], 4, check_ib_gan);
    for_all(&folder, &["oogan"], 5, check_oogan);
}

#[test]
fn an_old_file_of_pytorch_opens_with_what_it_says_of_itself() {
    let path = references().join("ibgan_70");
    let summary = summarise(&path).unwrap();
    assert_eq!(summary.format, "PyTorch (before 1.6)");
    assert_eq!(summary.others.keys().collect::<Vec<_>>(), [DISCRIMINATOR, EMITTER, GENERATOR, READER]);
    assert_eq!(summary.training["gan_iteration"], 70);
    let Opened { model, warnings, .. } = opened(&path, None);
    assert!(warnings.is_empty(), "{warnings:?}");
    let config = model.description.ibgan_config().unwrap();
    assert_eq!(
        (config.z_dim, config.r_dim, config.generator_width, config.discriminator_width),
        (5, 3, 3, 2)
    );
    assert_eq!(model.description.training["gan_iteration"], 70);
    assert_eq!(model.description.training["generator_learning_rate"], 5e-5);
}

#[test]
fn the_codes_of_an_oogan_that_come_side_by_side_can_be_said() {
    let (folder, temporary) = (references(), tempfile::tempdir().unwrap());
    let path = file_of(&folder.join("oogan_plain_input_32.tsv"), temporary.path(), |_| ());
    let asked = |c_dim| open(&Sources { checkpoint: Some(path.clone()), c_dim, ..Sources::default() });
    let dims = |c_dim| -> Vec<usize> {
        asked(c_dim).unwrap().model.description.codes.iter().map(|block| block.dims).collect()
    };
    assert_eq!(dims(None), [3, 5]);
    assert_eq!(dims(Some(6)), [6, 2], "a reader that is certain");
    let error = asked(Some(4)).unwrap_err().to_string();
    assert!(
        error.contains("(32 pixels, 1 channel(s), width 8, 4 controls) and its discriminator"),
        "{error}"
    );
    let error = asked(Some(9)).unwrap_err().to_string();
    assert!(error.contains("takes 8 numbers, of which 9 cannot be controls"), "{error}");
    // OOGAN's own input says it.
    let path = file_of(&folder.join("oogan_64.tsv"), temporary.path(), |_| ());
    let asked = Sources { checkpoint: Some(path), c_dim: Some(5), ..Sources::default() };
    let error = open(&asked).unwrap_err().to_string();
    assert!(error.contains("--c-dim says 5, but its generator takes 4 controls"), "{error}");
}

#[test]
fn what_is_written_for_published_code_is_the_same_model() {
    let temporary = tempfile::tempdir().unwrap();
    let near =
        |a: &Array, b: &Array| a.data().iter().zip(b.data()).all(|(a, b)| (a - b).abs() <= 1e-6 * a.abs());
    for (name, file) in
        [("ibgan_photos", "0"), ("ibgan_sprites", "0"), ("oogan_64", "0.pth"), ("oogan_plain_32", "0.pth")]
    {
        let list = references().join(format!("{name}.tsv"));
        let model = opened(&file_of(&list, temporary.path(), |_| ()), None).model;
        let folder = temporary.path().join(name);
        let written = export_torch(&folder, &model).unwrap();
        assert_eq!(written, [folder.join(file)], "{name}");
        let again = opened(&written[0], None).model;
        assert_eq!(again.description.networks, model.description.networks, "{name}");
        for (group, arrays) in &model.weights {
            assert_eq!(arrays.keys().collect::<Vec<_>>(), again.group(group).keys().collect::<Vec<_>>());
            assert!(
                arrays.iter().all(|(key, array)| near(array, &again.group(group)[key])),
                "{name}: {group}"
            );
        }
        // Every tensor of the published file but counters is there, and no other.
        let keys: BTreeSet<String> = rows(&list).into_iter().map(|row| row[1].clone()).collect();
        let keys: BTreeSet<String> =
            keys.into_iter().filter(|key| !key.ends_with("num_batches_tracked")).collect();
        assert_eq!(torch_keys(&written[0]), keys, "{name}");
    }
    // One that lacks a network is no file of theirs.
    let model =
        opened(&file_of(&references().join("ibgan_sprites.tsv"), temporary.path(), |_| ()), None).model;
    let mut lacking = Model { description: model.description.without(EMITTER), ..model };
    lacking.weights.get_mut(GENERATOR).unwrap().retain(|name, _| !name.starts_with("emb."));
    let error = export_torch(&temporary.path().join("lacking"), &lacking).unwrap_err().to_string();
    assert!(error.contains("this model has no emitter"), "{error}");
}

/// The tensors of the state dicts in a file of PyTorch.
fn torch_keys(path: &Path) -> BTreeSet<String> {
    let file = TorchFile::open(path).unwrap();
    let dicts = match file.root().get("model_states") {
        Some(states) => ["G", "DR"].map(|name| states.get(name).unwrap()).to_vec(),
        None => vec![file.root()],
    };
    let entries = dicts.iter().flat_map(|dict| dict.entries().unwrap());
    let tensors = entries.filter(|(_, value)| value.as_tensor().is_some());
    tensors.filter_map(|(key, _)| key.as_text().map(str::to_owned)).collect()
}

#[test]
fn what_does_not_fit_is_said_in_one_sentence() {
    let temporary = tempfile::tempdir().unwrap();
    let list = references().join("ibgan_sprites.tsv");
    type Change = fn(&mut Vec<(String, Array)>);
    let cases: [(Change, &str); 5] = [
        (
            |tensors| tensors.retain(|(name, _)| !name.ends_with("fe.3.bias")),
            "tensor `fe.3.bias` of the generator of IB-GAN is missing (expected shape [768])",
        ),
        (
            |tensors| replace(tensors, "encoder.17.weight", &[17, 32, 1, 1]),
            "of the discriminator of IB-GAN has shape [5], expected [17]",
        ),
        (
            |tensors| tensors.retain(|(name, _)| !name.starts_with("model_states.G.")),
            "it holds the discriminator of an IB-GAN without its generator, so that there is nothing to draw",
        ),
        (
            |tensors| {
                replace(tensors, "encoder.17.weight", &[4, 32, 1, 1]);
                replace(tensors, "encoder.17.bias", &[4]);
            },
            "its generator (for sprites, 1 channel(s), 5 dimensions of z) and its discriminator (for sprites, 1 channel(s), 4 \
             dimensions of z) were not trained together",
        ),
        (
            |tensors| replace(tensors, "conv.12.bias", &[2]),
            "tensor `conv.12.bias` of the generator of IB-GAN has shape [2], expected [1]",
        ),
    ];
    for (change, said) in cases {
        let path = file_of(&list, temporary.path(), change);
        let error = open(&Sources { checkpoint: Some(path.clone()), ..Sources::default() }).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(said), "{error}");
        assert!(error.ends_with(&path.display().to_string()) && !error.contains('\n'), "{error}");
    }
    // The generator alone draws.
    let path = file_of(&list, temporary.path(), |tensors| {
        tensors.retain(|(name, _)| name.starts_with("model_states.G."));
    });
    let found = opened(&path, None).model.description;
    assert_eq!(found.networks.keys().collect::<Vec<_>>(), [EMITTER, GENERATOR]);
    assert!(found.encode.is_empty() && found.render.len() == 2);
    let path = file_of(&list, temporary.path(), |_| ());
    let lone = Sources { gan: Some(path.clone()), ..Sources::default() };
    let error = open(&lone).unwrap_err().to_string();
    assert!(error.contains("open it by itself, without --gan"), "{error}");
    let asked = Sources { checkpoint: Some(path), c_dim: Some(3), ..Sources::default() };
    let error = open(&asked).unwrap_err().to_string();
    assert!(error.contains("--c-dim is for files that do not say how many codes they have"), "{error}");
}

/// Gives a tensor another shape.
fn replace(tensors: &mut [(String, Array)], ending: &str, shape: &[usize]) {
    let tensor = tensors.iter_mut().find(|(other, _)| other.ends_with(ending)).unwrap();
    tensor.1 = Array::zeros(shape.to_vec());
}
