//! What PyTorch writes is read right: both encodings, every type, views of shared storages; and the files that
//! belong together open together, with or without prefix and moving average.

use std::path::{Path, PathBuf};

use idgan::base::{Array, Arrays};
use idgan::checkpoint::npz::{NpzArray, NpzFile, write_npz};
use idgan::checkpoint::pickle::{Encoding, TorchFile, Value};
use idgan::checkpoint::{
    Format, Precision, Sources, TensorFile, describe, export_torch, open, summarise, write_bundle,
    write_tensors,
};
use idgan::model::{CodeBlock, CodeKind, GAN, GENERATOR, Model, ModelDescription, Stats, VAE};
use idgan::nets::{DiscriminatorConfig, GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

fn checkpoint(path: impl Into<PathBuf>) -> Sources {
    Sources { checkpoint: Some(path.into()), ..Sources::default() }
}

/// A network's weights, all different.
fn weights(network: &impl Parameters, scale: f32) -> Arrays {
    let filled = |len: usize| (0..len).map(|i| scale * (i % 97) as f32 / 97.0).collect();
    let array = |shape: Vec<usize>| Array::new(shape.clone(), filled(shape.iter().product())).unwrap();
    network.parameters().into_iter().map(|parameter| (parameter.name, array(parameter.shape))).collect()
}

const TINY: ResnetTrunk = ResnetTrunk { size: 8, nfilter: 2, nfilter_max: 4, channels: 3 };

#[test]
fn views_and_types_are_read_as_pytorch_has_them() {
    let base: Vec<f32> = (0..24).map(|v| v as f32).collect();
    let transposed: Vec<f32> = (0..24).map(|i| ((i % 4) * 6 + i / 4) as f32).collect();
    for (name, encoding) in [
        ("views.pt", Encoding::Zip),
        ("views.deflated.pt", Encoding::Zip),
        ("views.legacy.pt", Encoding::Legacy),
    ] {
        let mut file = TorchFile::open(&data(name)).unwrap();
        assert_eq!(file.encoding(), encoding);
        let mut expect = |key: &str, shape: &[usize], values: &[f32]| {
            let tensor = file.root().get(key).unwrap().as_tensor().unwrap().clone();
            let array = file.array(&tensor).unwrap();
            assert_eq!((array.shape(), array.data()), (shape, values), "{name} {key}");
        };
        expect("whole", &[4, 6], &base);
        expect("transposed", &[6, 4], &transposed);
        expect("part", &[2, 3], &[8.0, 9.0, 10.0, 14.0, 15.0, 16.0]);
        expect("stepped", &[5], &[1.0, 6.0, 11.0, 16.0, 21.0]);
        expect("scalar", &[], &[2.5]);
        expect("empty", &[0, 3], &[]);
        expect("broadcast", &[3], &[7.0; 3]);
        expect("parameter", &[2], &[1.0, 2.0]);
        for dtype in ["float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"] {
            expect(dtype, &[3], &[0.0, 1.0, 100.0]);
        }
        expect("bool", &[3], &[0.0, 1.0, 1.0]);
        let size: Vec<_> = file.root().get("size").unwrap().items().unwrap().map(Value::as_int).collect();
        assert_eq!(size, [Some(1), Some(2)]);
    }
}

#[test]
fn optimiser_states_are_there_for_the_trainer() {
    let mut file = TorchFile::open(&data("tiny_model.legacy.pt")).unwrap();
    let optimiser = file.root().get("g_optimizer").unwrap();
    let first = optimiser.get("state").unwrap().get_number(0).unwrap();
    let average = first.get("square_avg").unwrap().as_tensor().unwrap().clone();
    let group = optimiser.get("param_groups").unwrap().items().unwrap().next().unwrap();
    assert_eq!(group.get("alpha").unwrap().as_float(), Some(0.99));
    assert_eq!(group.get("centered").unwrap().as_bool(), Some(false));
    let average = file.array(&average).unwrap();
    assert!(average.data().iter().all(|v| (v - 0.01).abs() < 1e-6), "gradients of 1, alpha .99");
}

#[test]
fn the_raw_generator_serves_where_the_average_is_missing() {
    for (name, warned) in
        [("tiny_model.pt", false), ("tiny_model.legacy.pt", false), ("tiny_model_bare.pt", true)]
    {
        let opened = open(&checkpoint(data(name))).unwrap();
        let description = &opened.model.description;
        let config = description.generator();
        assert_eq!(config, Some(GeneratorConfig::Resnet { z_dim: 5, trunk: TINY }), "{name}");
        assert_eq!(description.discriminator(), Some(DiscriminatorConfig::Resnet { trunk: TINY }), "{name}");
        assert!(opened.model.group(GENERATOR).contains_key("resnet.0.conv_0.weight"), "no prefix is left");
        assert_eq!(description.training["gan_iteration"], 41);
        assert_eq!(opened.warnings.iter().any(|text| text.contains("generator_test")), warned, "{name}");
        assert_eq!(opened.model.hash.len(), 64);
        let summary = summarise(&data(name)).unwrap();
        assert_eq!(summary.training["gan_optimisers"], true);
        assert_eq!(summary.generator.unwrap().parameters, config.unwrap().parameter_count());
    }
}

#[test]
fn a_lone_gan_splits_its_input_as_told() {
    let blocks = |c_dim| {
        let sources = Sources { gan: Some(data("tiny_model.pt")), c_dim, ..Sources::default() };
        open(&sources).map(|opened| {
            let description = opened.model.description;
            let sizes: Vec<_> = description.codes.iter().map(|b| (b.name.clone(), b.dims)).collect();
            (sizes, description.inputs(GAN).join(","))
        })
    };
    let block = |name: &str, dims: usize| (name.to_owned(), dims);
    assert_eq!(blocks(None).unwrap(), (vec![block("z", 5)], "z".to_owned()));
    assert_eq!(blocks(Some(2)).unwrap(), (vec![block("c", 2), block("s", 3)], "s,c".to_owned()));
    assert_eq!(blocks(Some(5)).unwrap(), (vec![block("c", 5)], "c".to_owned()));
    for wrong in [0, 6] {
        let message = blocks(Some(wrong)).unwrap_err().to_string();
        assert!(
            message.contains(&format!("--c-dim says {wrong}")) && message.ends_with("tiny_model.pt"),
            "{message}"
        );
    }
}

#[test]
fn a_model_of_another_method_keeps_its_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("oogan.safetensors");
    let config = GeneratorConfig::Resnet { z_dim: 9, trunk: TINY };
    let block = |name: &str, dims, kind, range| CodeBlock {
        kind,
        range,
        name: name.into(),
        ..CodeBlock::disentangled(dims)
    };
    let description = ModelDescription {
        codes: vec![
            block("c", 6, CodeKind::Uniform, [0.0, 1.0]),
            block("k", 2, CodeKind::OneHot, [0.0, 1.0]),
            CodeBlock { dims: 1, ..CodeBlock::nuisance(1) },
        ],
        ..ModelDescription::empty("toy")
    };
    let description = description.with_generator(config, ["c", "k", "s"]);
    let model = Model::new(description).with_weights(GENERATOR, weights(&config, 1.0));
    write_bundle(&path, &model, Precision::F32).unwrap();
    let opened = open(&checkpoint(&path)).unwrap();
    assert_eq!(opened.model.description, model.description);
    assert_eq!(opened.model.weights, model.weights);
    assert_eq!(summarise(&path).unwrap().format, Format::Bundle.name());
    let wrong = open(&Sources { gan: Some(path), c_dim: Some(4), ..Sources::default() }).unwrap_err();
    assert!(wrong.to_string().contains("leave --c-dim out"), "{wrong}");
}

#[test]
fn an_encoder_without_a_decoder_is_a_model_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (path, torch) = (folder.path().join("infogan.safetensors"), folder.path().join("torch"));
    let config = VaeConfig { channels: 1, c_dim: 2 };
    let generator = GeneratorConfig::Small { z_dim: 2, channels: 1 };
    let codes = vec![CodeBlock::disentangled(2)];
    let description = ModelDescription { codes, ..ModelDescription::empty("infogan") }
        .with_generator(generator, ["c"])
        .with_encoder(config, "c");
    let half = |half: &str| {
        let mut weights = weights(&config, 0.1);
        weights.retain(|name, _| name.starts_with(half));
        weights
    };
    let model = Model::new(description)
        .with_weights(VAE, half("encoder."))
        .with_weights(GENERATOR, weights(&generator, 0.1));
    write_bundle(&path, &model, Precision::F32).unwrap();
    let opened = open(&checkpoint(&path)).unwrap().model;
    assert_eq!((&opened.description, &opened.weights), (&model.description, &model.weights));
    let summary = summarise(&path).unwrap();
    assert_eq!(summary.vae.unwrap().architecture, Some(config));
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
    // as a VAE for another GAN it stays what it is
    let lone = open(&Sources { vae: Some(path.clone()), ..Sources::default() }).unwrap().model;
    assert_eq!((lone.description.encoder(), lone.description.decoder()), (Some(config), None));
    let written = export_torch(&torch, &opened).unwrap();
    assert_eq!(written, [torch.join("model.pt")], "the published code knows no such VAE");

    // a decoder that the description denies, or an encoder that it promises in vain
    let whole = model.clone().with_weights(VAE, weights(&config, 0.1));
    assert!(write_bundle(&path, &whole, Precision::F32).is_err());
    let other_half = model.with_weights(VAE, half("decoder."));
    assert!(write_bundle(&path, &other_half, Precision::F32).is_err());
}

/// The bundled models were written before networks had names and chains.
#[test]
fn a_bundle_of_the_first_format_opens_and_is_written_in_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.safetensors");
    let said = |path: &Path| {
        let file = TensorFile::open(path).unwrap();
        let text = &file.metadata()["idgan"];
        serde_json::from_str::<serde_json::Value>(text).unwrap()
    };
    for bundled in idgan::checkpoint::BUNDLED {
        let old = bundled.unpack(folder.path()).unwrap();
        assert_eq!(said(&old)["format"], 1, "{}", bundled.name);
        let opened = open(&checkpoint(&old)).unwrap().model;
        write_bundle(&path, &opened, Precision::F32).unwrap();
        let new = said(&path);
        assert_eq!(new["format"], 2, "older programs look here and say that it is too new");
        assert_eq!(new["render"][0], serde_json::json!({"name": "gan", "steps": ["generator"]}));
        let again = open(&checkpoint(&path)).unwrap().model;
        assert_eq!((&again.description, &again.weights), (&opened.description, &opened.weights));
        assert_eq!(again.stats, opened.stats);
    }
}

#[test]
fn bundles_hold_statistics_in_f32_and_the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
    let config = VaeConfig { channels: 1, c_dim: 2 };
    let numbers = |shape: &[usize]| {
        let len: usize = shape.iter().product();
        Array::new(shape, (0..len).map(|i| 0.1 + i as f32).collect()).unwrap()
    };
    let stats = Stats { mu: numbers(&[7, 2]), logvar: numbers(&[7, 2]), kl: numbers(&[2]) };
    let description = ModelDescription {
        codes: vec![CodeBlock { labels: vec!["x".into(), String::new()], ..CodeBlock::disentangled(2) }],
        data: Some("dsprites".into()),
        training: [("loss".to_owned(), serde_json::json!(0.1))].into(),
        ..ModelDescription::empty("with statistics")
    };
    let model = Model { stats: Some(stats), ..Model::new(description.with_vae(config, "c")) }
        .with_weights(VAE, weights(&config, 0.1));
    write_bundle(&first, &model, Precision::F16).unwrap();
    write_bundle(&second, &model, Precision::F16).unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    let opened = open(&checkpoint(&first)).unwrap().model;
    assert_eq!(opened.stats, model.stats);
    assert_eq!(opened.description, model.description);
    for (name, array) in opened.group(VAE) {
        let exact = model.group(VAE)[name].data();
        assert!(
            array.data().iter().zip(exact).all(|(a, b)| (a - b).abs() <= b.abs() * 4.9e-4 + 3e-8),
            "{name}"
        );
    }
    // A run folder resolves to its checkpoint, and its VAE serves a GAN that was trained elsewhere.
    std::fs::rename(&first, folder.path().join("checkpoint.safetensors")).unwrap();
    let pair =
        Sources { vae: Some(folder.path().into()), gan: Some(data("tiny_model.pt")), ..Sources::default() };
    let message = open(&pair).unwrap_err().to_string();
    assert!(message.contains("pictures of 1 channels and the generator on 3"), "{message}");
}

#[test]
fn a_vae_bundle_lends_its_labels_to_the_gan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vae.safetensors");
    let config = VaeConfig { channels: 3, c_dim: 2 };
    let labels = vec!["hue".to_owned(), "size".to_owned()];
    let codes = vec![CodeBlock { labels: labels.clone(), ..CodeBlock::disentangled(2) }];
    let description = ModelDescription { codes, ..ModelDescription::empty("vae") }.with_vae(config, "c");
    let model = Model::new(description).with_weights(VAE, weights(&config, 0.1));
    write_bundle(&path, &model, Precision::F32).unwrap();
    let pair = Sources { vae: Some(path), gan: Some(data("tiny_model.pt")), ..Sources::default() };
    let whole = open(&pair).unwrap().model;
    assert_eq!(whole.description.block("c").unwrap().labels, labels);
    assert_eq!(whole.description.block("s").unwrap().dims, 3);
    assert_eq!(whole.description.name, "tiny_model");
    // Exported and opened again it is the same model; a lone VAE or GAN exports alone.
    let files = export_torch(&folder.path().join("out"), &whole).unwrap();
    assert_eq!(
        files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect::<Vec<_>>(),
        ["last", "model.pt"]
    );
    let back = Sources { vae: Some(files[0].clone()), gan: Some(files[1].clone()), ..Sources::default() };
    let back = open(&back).unwrap().model;
    assert_eq!(back.weights, whole.weights);
    assert_eq!(export_torch(&folder.path().join("vae"), &model).unwrap().len(), 1);
}

#[test]
fn weights_open_from_every_kind_of_file_and_wrapping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.npz");
    let config = VaeConfig { channels: 1, c_dim: 3 };
    let vae = weights(&config, 0.1);
    let names: Vec<String> = vae.keys().map(|name| format!("_orig_mod.net.{name}")).collect();
    let mut arrays: Vec<_> = names.iter().map(String::as_str).zip(vae.values().map(NpzArray::F32)).collect();
    arrays.push(("note", NpzArray::Text("of no matter")));
    write_npz(&path, &arrays).unwrap();
    let opened = open(&checkpoint(&path)).unwrap();
    assert_eq!(opened.model.group(VAE), &vae);
    assert_eq!(summarise(&path).unwrap().format, Format::Npz.name());
    assert!(opened.warnings.is_empty(), "{:?}", opened.warnings);

    // Names and shapes alone describe the same model.
    let described = describe(&checkpoint(&path)).unwrap();
    assert_eq!(
        (&described.networks, &described.codes),
        (&opened.model.description.networks, &opened.model.description.codes)
    );
}

#[test]
fn weights_open_whatever_lies_beside_them() {
    let mut expected = NpzFile::open(&data("beside.expected.npz")).unwrap();
    for name in ["beside.pt", "beside.legacy.pt", "beside.protocol4.pt", "beside.protocol1.pt"] {
        let opened = open(&checkpoint(data(name))).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.model.group(GENERATOR).len(), expected.names().len(), "{name}");
        for (tensor, array) in opened.model.group(GENERATOR) {
            assert_eq!(array, &expected.array(tensor).unwrap(), "{name} {tensor}");
        }
        // The raw generator serves; nothing else is worth a word.
        assert_eq!(opened.warnings.len(), 1, "{name}: {:?}", opened.warnings);
        let mut file = TorchFile::open(&data(name)).unwrap();
        for key in ["uint16", "uint32", "uint64"] {
            let tensor = file.root().get(key).unwrap().as_tensor().unwrap().clone();
            assert_eq!(file.array(&tensor).unwrap().data(), [0.0, 1.0, 2.0], "{name} {key}");
        }
        let complex = file.root().get("complex64").unwrap().as_tensor().unwrap().clone();
        let message = file.array(&complex).unwrap_err().to_string();
        assert!(message.contains("of type complex64, which is not supported"), "{message}");
        for (key, class) in [
            ("namespace", "argparse.Namespace"),
            ("settings", "__main__.Settings"),
            ("path", "pathlib.PurePosixPath"),
            ("when", "datetime.datetime"),
            ("device", "torch.device"),
        ] {
            assert_eq!(file.root().get(key).unwrap().class(), Some(class), "{name} {key}");
        }
        let counted = file.root().get("counter").unwrap().get("a").and_then(Value::as_int);
        assert_eq!(counted, Some(2), "{name}");
        // A dict of a class of its own keeps its entries; protocol 1 hides them in the call that would make it.
        let bag = file.root().get("bag").unwrap().get("a").and_then(Value::as_int);
        assert_eq!(bag, (name != "beside.protocol1.pt").then_some(1), "{name}");
    }
}

#[test]
fn exports_say_how_long_and_how_fast_the_model_was_trained() {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = open(&checkpoint(data("tiny_model.pt"))).unwrap().model;
    let config = VaeConfig { channels: 3, c_dim: 5 };
    whole.description = whole.description.with_vae(config, "z");
    let mut whole = whole.with_weights(VAE, weights(&config, 0.1));
    let noted = [
        ("vae_iteration", serde_json::json!(12_000)),
        ("gan_iteration", serde_json::json!(777)),
        ("vae_learning_rate", serde_json::json!(1e-3)),
        ("generator_learning_rate", serde_json::json!(5e-4)),
        ("discriminator_learning_rate", serde_json::json!(2e-5)),
    ];
    whole.description.training.extend(noted.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let files = export_torch(folder.path(), &whole).unwrap();
    let back = Sources { vae: Some(files[0].clone()), gan: Some(files[1].clone()), ..Sources::default() };
    let back = open(&back).unwrap().model.description.training;
    for (key, value) in noted {
        assert_eq!(back[key], value, "{key}");
    }
    let file = TorchFile::open(&files[1]).unwrap();
    let group = |key: &str| file.root().get(key)?.get("param_groups")?.items()?.next()?.get("lr")?.as_float();
    assert_eq!((group("g_optimizer"), group("d_optimizer")), (Some(5e-4), Some(2e-5)));
    let iterations = file.root().get("it").and_then(Value::as_int);
    assert_eq!(iterations, Some(777));
}

/// Unpacks a PyTorch file as `unzip` does.
fn unpack(archive: &Path, folder: &Path) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    archive.extract(folder).unwrap();
}

#[test]
fn an_unpacked_pytorch_file_opens_like_the_file() {
    let folder = tempfile::tempdir().unwrap();
    unpack(&data("tiny_model.pt"), folder.path());
    let inner = folder.path().join("tiny_model");
    assert!(inner.join("data.pkl").is_file(), "as PyTorch names it");
    let whole = open(&checkpoint(data("tiny_model.pt"))).unwrap().model;
    for path in [folder.path(), &inner] {
        let opened = open(&checkpoint(path)).unwrap().model;
        assert_eq!(opened.weights, whole.weights);
        let summary = summarise(path).unwrap();
        assert_eq!(summary.format, Format::TorchFolder.name());
        assert_eq!(summary.sha256, opened.hash);
    }
    let hash = open(&checkpoint(&inner)).unwrap().model.hash;
    let storage = inner.join("data/0");
    let mut bytes = std::fs::read(&storage).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&storage, &bytes).unwrap();
    assert_ne!(open(&checkpoint(&inner)).unwrap().model.hash, hash, "storages count");
    let storages = || std::fs::read_dir(inner.join("data")).unwrap().map(|entry| entry.unwrap().path());
    storages().for_each(|path| std::fs::write(path, b"?").unwrap());
    let message = open(&checkpoint(&inner)).unwrap_err().to_string();
    assert!(message.contains("is shorter than its tensors need"), "{message}");
    storages().for_each(|path| std::fs::remove_file(path).unwrap());
    let message = open(&checkpoint(&inner)).unwrap_err().to_string();
    assert!(message.contains("its storage `") && message.contains("` is missing"), "{message}");
}

#[test]
fn plain_safetensors_of_other_tools_open_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.safetensors");
    let generator = GeneratorConfig::Resnet { z_dim: 5, trunk: TINY };
    let discriminator = DiscriminatorConfig::ResnetVdb { trunk: TINY };
    let small = DiscriminatorConfig::Small { channels: 1 };
    let vae = VaeConfig { channels: 1, c_dim: 3 };
    let (g, d) = (weights(&generator, 1.0), weights(&discriminator, 1.0));
    let (s, v) = (weights(&small, 1.0), weights(&vae, 1.0));
    let write = |parts: &[(&str, &Arrays)]| {
        let tensors: Vec<_> = parts
            .iter()
            .flat_map(|(prefix, arrays)| {
                arrays.iter().map(move |(name, array)| (format!("{prefix}{name}"), array, Precision::F32))
            })
            .collect();
        write_tensors(&path, &tensors, ("format", "pt")).unwrap();
    };
    for prefix in ["", "module.", "generator.", "generator.module.", "blocks.", "_orig_mod.netG.module."] {
        write(&[(prefix, &g)]);
        let opened = open(&checkpoint(&path)).unwrap();
        assert_eq!(opened.model.group(GENERATOR), &g, "{prefix}");
        assert_eq!(opened.model.description.name, "plain");
    }
    write(&[("", &d)]);
    assert_eq!(open(&checkpoint(&path)).unwrap().model.description.discriminator(), Some(discriminator));
    write(&[("", &s)]);
    assert_eq!(open(&checkpoint(&path)).unwrap().model.description.discriminator(), Some(small));
    let other: Arrays = [("loss.net.weight".to_owned(), Array::zeros([3, 4]))].into();
    write(&[("model.", &v), ("", &other)]);
    let opened = open(&checkpoint(&path)).unwrap();
    assert_eq!(opened.model.group(VAE), &v);
    assert!(opened.warnings[0].contains("1 tensor belongs to no network"), "{:?}", opened.warnings);
    write(&[("", &other)]);
    let message = open(&checkpoint(&path)).unwrap_err().to_string();
    assert!(message.contains("its tensors (`loss.net.weight`) belong to no network"), "{message}");
    assert_eq!(TensorFile::open(&path).unwrap().metadata()["format"], "pt");
}
