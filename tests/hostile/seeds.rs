//! Small valid files of every kind, to be damaged.

use std::io::{Cursor, Read};
use std::path::Path;

use idgan::base::{Array, Arrays};
use idgan::checkpoint::npz::{NpzArray, write_npz};
use idgan::checkpoint::{Precision, export_torch, write_bundle, write_bundle_with, write_tensors};
use idgan::model::{CodeBlock, CodeKind, DISCRIMINATOR, GENERATOR, Model, ModelDescription, Stats};
use idgan::nets::{DiscriminatorConfig, GeneratorConfig, Parameters, ResnetTrunk};
use idgan::training::{Family, RunFolder, preset};
use image::{DynamicImage, ImageFormat, RgbaImage};
use serde_json::json;

use crate::damage::{Form, Member, Method, Seed};
use crate::files::data;
use crate::methods;

/// The smallest trunk there is: pictures of 8x8 pixels.
const TRUNK: ResnetTrunk = ResnetTrunk { size: 8, nfilter: 1, nfilter_max: 2, channels: 3 };

/// The members of a zip archive in the test data.
fn members(path: &Path) -> Vec<Member> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let count = archive.len();
    let member = |index: usize| {
        let mut member = archive.by_index(index).unwrap();
        let is_packed = member.compression() == zip::CompressionMethod::Deflated;
        let name = member.name().unwrap().into_owned();
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        Member { name, content, method: if is_packed { Method::Deflated } else { Method::Stored } }
    };
    (0..count).map(member).collect()
}

fn member(name: &str, content: Vec<u8>, method: Method) -> Member {
    Member { name: name.into(), content, method }
}

/// Lines of `text` that are files of their own.
fn texts(texts: &[&str]) -> Vec<Seed> {
    texts.iter().map(|text| Seed::File(Form::Words, text.as_bytes().to_vec())).collect()
}

/// PyTorch's files in both encodings, one of PyTorch Lightning among them.
pub fn torch() -> Vec<Seed> {
    let zips =
        ["tiny_model.pt", "tiny_model_bare.pt", "views.pt", "views.deflated.pt", "published/lightning.ckpt"];
    let streams = ["tiny_model.legacy.pt", "views.legacy.pt", "published/ibgan_70"];
    let stream = |name: &str| Seed::File(Form::PickleStream, std::fs::read(data(name)).unwrap());
    zips.map(|name| Seed::Zip(members(&data(name)))).into_iter().chain(streams.map(stream)).collect()
}

fn weights(network: &impl Parameters) -> Arrays {
    let array = |shape: Vec<usize>| {
        let values = (0..shape.iter().product()).map(|i: usize| (i % 7) as f32 / 7.0 - 0.4).collect();
        Array::new(shape, values).unwrap()
    };
    network.parameters().into_iter().map(|parameter| (parameter.name, array(parameter.shape))).collect()
}

/// A GAN with three kinds of codes, statistics, and the notes of a training state.
pub fn model() -> Model {
    let config = GeneratorConfig::Resnet { z_dim: 7, trunk: TRUNK };
    let discriminator = DiscriminatorConfig::Resnet { trunk: TRUNK };
    let block = |name: &str, dims, kind, range| CodeBlock {
        kind,
        range,
        name: name.into(),
        labels: vec!["first".into(); dims],
        opening: vec![0.0; dims],
        ..CodeBlock::disentangled(dims)
    };
    let mut description = ModelDescription {
        codes: vec![
            CodeBlock::disentangled(2),
            block("u", 2, CodeKind::Uniform, [0.0, 1.0]),
            CodeBlock { opening: Vec::new(), ..block("k", 2, CodeKind::OneHot, [0.0, 1.0]) },
            CodeBlock::nuisance(1),
        ],
        data: Some("dsprites".into()),
        ..ModelDescription::empty("toy")
    }
    .with_generator(config, ["c", "u", "k", "s"])
    .with_discriminator(discriminator);
    let noise = json!({"seed": 1, "stream": 2, "word_high": 0, "word_low": 3});
    let batches = json!({"seed": 1, "epoch": 2, "position": 3});
    let state = json!({
        "step": 5, "batches": batches, "listing": "ab", "second_batches": batches, "noise": noise,
        "bottleneck": {"beta": 0.1, "target_kl": 0.1, "step": 1e-5}, "dropped": 0, "dropped_in_a_row": 0,
        "score": {"sum": 1.5, "count": 3}, "final_score": 0.5, "r1": 0.25, "seconds": 1.5,
    });
    description.training.insert("state".into(), state);
    description.provenance.insert("config".into(), json!({"method": "idgan", "picture": ""}));
    let array = |shape: &[usize]| Array::new(shape, vec![0.5; shape.iter().product()]).unwrap();
    let stats = Some(Stats { mu: array(&[4, 2]), logvar: array(&[4, 2]), kl: array(&[2]) });
    Model { stats, ..Model::new(description) }
        .with_weights(GENERATOR, weights(&config))
        .with_weights(DISCRIMINATOR, weights(&discriminator))
}

/// Bundles in both precisions, a training state, a network that tells factors, and tensors alone.
pub fn tensors(folder: &Path) -> Vec<Seed> {
    let path = folder.join("seed.safetensors");
    let mut seeds = Vec::new();
    let mut keep = || seeds.push(Seed::File(Form::Tensors, std::fs::read(&path).unwrap()));
    let model = model();
    let training = Arrays::from([("training.average".to_owned(), model.group(GENERATOR)["fc.bias"].clone())]);
    for precision in [Precision::F32, Precision::F16] {
        write_bundle_with(&path, &model, precision, &training).unwrap();
        keep();
    }
    let task = json!({
        "data": "dsprites", "channels": 1, "factors": [{"name": "shape", "classes": 3, "accuracy": 0.9}],
        "steps": 1, "batch": 2, "learning_rate": 0.1, "seed": 0,
    });
    let tensors: Vec<_> =
        model.group(GENERATOR).iter().map(|(name, array)| (name.clone(), array, Precision::F16)).collect();
    write_tensors(&path, &tensors, ("idgan-features", &task.to_string())).unwrap();
    keep();
    seeds
}

/// The models of other methods beside ID-GAN.
fn related() -> [Model; 4] {
    [methods::ib_gan(), methods::oogan(), methods::iae(), methods::clusters()]
}

/// Bundles of IB-GAN, OOGAN and implicit autoencoders.
pub fn related_bundles(folder: &Path) -> Vec<Seed> {
    let path = folder.join("related.safetensors");
    let seed = |model: Model| {
        write_bundle(&path, &model, Precision::F16).unwrap();
        Seed::File(Form::Tensors, std::fs::read(&path).unwrap())
    };
    related().map(seed).into()
}

/// What the published programs of IB-GAN and OOGAN leave, as PyTorch writes it.
pub fn related_torch(folder: &Path) -> Vec<Seed> {
    let seeds = |model: Model| {
        let written = export_torch(&folder.join(&model.description.name), &model).unwrap();
        written.iter().map(|path| Seed::Zip(members(path))).collect::<Vec<_>>()
    };
    let [ib_gan, oogan, ..] = related();
    [ib_gan, oogan].map(seeds).concat()
}

/// VAEs that others have published, of made-up weights: their tensors' names and shapes decide how they are read.
pub fn published(folder: &Path) -> Vec<Seed> {
    let path = folder.join("published.safetensors");
    let seed = |list: &str| {
        let list = std::fs::read_to_string(data("published").join(list)).unwrap();
        let tensor = |row: &str| {
            let [_, key, sides] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let shape: Vec<usize> = sides.split('x').filter_map(|side| side.parse().ok()).collect();
            let count = shape.iter().product();
            (key.to_owned(), Array::new(shape, vec![0.25; count]).unwrap())
        };
        let tensors: Vec<(String, Array)> = list.lines().skip(1).map(tensor).collect();
        let tensors: Vec<_> =
            tensors.iter().map(|(name, array)| (name.clone(), array, Precision::F16)).collect();
        write_tensors(&path, &tensors, ("made", "up")).unwrap();
        Seed::File(Form::Tensors, std::fs::read(&path).unwrap())
    };
    ["beta_vae_b_64.tsv", "burgess_32.tsv", "burgess_64.tsv"].map(seed).into()
}

/// An array as NumPy writes it.
fn npy(descr: &str, fortran: bool, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes(), bytes].concat()
}

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Codes, pictures and notes in `.npz` archives.
pub fn npz(folder: &Path) -> Vec<Seed> {
    let path = folder.join("seed.npz");
    let codes = Array::new([3, 2], vec![0.5; 6]).unwrap();
    let pictures = Array::new([2, 3, 8, 8], vec![0.25; 384]).unwrap();
    let arrays = [
        ("c", NpzArray::F32(&codes)),
        ("x", NpzArray::F32(&pictures)),
        ("index", NpzArray::I64(&[2], &[0, 1])),
        ("gan", NpzArray::U8(&[1, 2], &[7, 8])),
        ("mu", NpzArray::F32(&codes)),
        ("factors", NpzArray::U8(&[3, 1], &[1, 1, 2])),
        ("provenance", NpzArray::Text("idgan sample")),
    ];
    write_npz(&path, &arrays).unwrap();
    let turned = vec![
        member("c.npy", npy("<f8", true, "(2, 3)", &f64s(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])), Method::Deflated),
        member("x.npy", npy("|u1", true, "(2, 1, 8, 8)", &[1; 128]), Method::Deflated),
        member("h.npy", npy("<f2", false, "(4,)", &[0, 60, 0, 64, 0, 66, 0, 68]), Method::Stored),
        member("o.npy", npy("|O", false, "(1,)", b"cos\nsystem\n."), Method::Deflated),
    ];
    vec![Seed::Zip(members(&path)), Seed::Zip(turned)]
}

/// The published sprites in small: two places across, two down.
pub fn sprites() -> Vec<Seed> {
    let rows = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let latents: Vec<f64> = rows.iter().flat_map(|[x, y]| [1.0, 1.0, 0.5, 0.0, *x, *y]).collect();
    vec![Seed::Zip(vec![
        member("imgs.npy", npy("|u1", false, "(4, 64, 64)", &[1; 4 * 64 * 64]), Method::Deflated),
        member("latents_values.npy", npy("<f8", false, "(4, 6)", &f64s(&latents)), Method::Deflated),
        member("metadata.npy", npy("|O", false, "()", b"cos\nsystem\n."), Method::Deflated),
    ])]
}

/// Pictures in MNIST's format and their labels, plain and compressed.
pub fn digits() -> Vec<Seed> {
    let files = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte.gz"];
    let seed =
        |name: &str| Seed::File(Form::Bytes, std::fs::read(data("labelled/mnist").join(name)).unwrap());
    files.map(seed).into()
}

/// SVHN in small.
pub fn street() -> Vec<Seed> {
    let seed = |name: &str| Seed::File(Form::Matlab, std::fs::read(data("labelled").join(name)).unwrap());
    ["svhn.mat", "svhn_plain.mat"].map(seed).into()
}

fn known(form: Form, name: &str) -> Seed {
    Seed::File(form, std::fs::read(data("known-factors").join(name)).unwrap())
}

/// 3D Shapes in small, as h5py packs it in several ways.
pub fn shapes3d() -> Vec<Seed> {
    let kinds = [
        "contiguous",
        "gzip",
        "shuffle",
        "latest-single",
        "latest-fixed",
        "latest-extensible",
        "latest-tree",
        "v108",
    ];
    kinds.map(|kind| known(Form::Bytes, &format!("shapes3d-{kind}.h5"))).into()
}

/// MPI3D in small.
pub fn mpi3d() -> Vec<Seed> {
    vec![Seed::Zip(members(&data("known-factors/mpi3d.npz")))]
}

/// Two cars, packed and not.
pub fn cars3d() -> Vec<Seed> {
    ["cars3d/car_001_mesh.mat", "cars3d/car_002_mesh.mat"].map(|name| known(Form::Matlab, name)).into()
}

/// The three kinds of SmallNORB's files, plain and compressed.
pub fn norb() -> Vec<Seed> {
    let start = "smallnorb/smallnorb-5x46789x9x18x6x2x96x96-training";
    let packed = "smallnorb/smallnorb-5x01235x9x18x6x2x96x96-testing-cat.mat.gz";
    let plain = ["dat", "cat", "info"].map(|part| known(Form::Bytes, &format!("{start}-{part}.mat")));
    plain.into_iter().chain([known(Form::Bytes, packed)]).collect()
}

/// Numbered pictures and a table of labels, in a zip and a tar.
pub fn rendered() -> Vec<Seed> {
    let members = members(&data("known-factors/falcor3d.zip"));
    vec![Seed::Zip(members.clone()), Seed::Tar(members)]
}

/// CelebA's attributes, of four faces.
pub fn attributes() -> Vec<Seed> {
    vec![known(Form::Words, "celeba/list_attr_celeba.txt")]
}

/// Two prepared pictures of 8x8 pixels and one channel, with a factor.
pub fn factors() -> Vec<Seed> {
    let text = br#"{"channels":1,"size":8,"pictures":2,"factors":[{"name":"scale","values":[0.5,0.75],"names":[]}]}"#;
    let end = [&[0, 0, 1, 0], &text[..], &(text.len() as u64).to_le_bytes(), b"idganfac"].concat();
    vec![Seed::File(Form::Pixels, [vec![9; 128], end].concat())]
}

fn picture() -> DynamicImage {
    let pixel =
        |x: u32, y: u32| [x * 30, y * 25, x * x * 7 + y * 31, 255 - 20 * x].map(|value| value as u8).into();
    DynamicImage::from(RgbaImage::from_fn(8, 9, pixel))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Pictures by the ending of their names, one of each kind that the formats know.
pub fn pictures() -> Vec<(String, Seed)> {
    let mut pictures = Vec::new();
    let mut add = |ending: &str, bytes: Vec<u8>| {
        pictures.push((ending.to_owned(), Seed::File(Form::of_name(ending), bytes)));
    };
    let (colour, deep) =
        (DynamicImage::from(picture().to_rgb8()), DynamicImage::from(picture().to_luma_alpha16()));
    add("png", encoded(&picture(), ImageFormat::Png));
    add("png", encoded(&deep, ImageFormat::Png));
    add("webp", encoded(&picture(), ImageFormat::WebP));
    for format in [ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Tga]
    {
        add(
            if format == ImageFormat::Tiff { "tif" } else { format.extensions_str()[0] },
            encoded(&colour, format),
        );
    }
    add("qoi", encoded(&picture(), ImageFormat::Qoi));
    add("ppm", encoded(&colour, ImageFormat::Pnm));
    add("pgm", b"P2\n# grey\n3 2\n255\n0 10 20\n30 40 255\n".to_vec());
    add("pbm", b"P1\n3 2\n0 1 0\n1 0 1\n".to_vec());
    add("pbm", b"P4\n9 2\n\xa5\x80\x5a\0".to_vec());
    add("ppm", b"P3\n2 1\n65535\n0 1000 65535 7 8 9\n".to_vec());
    add("pam", b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n12345678".to_vec());
    for folder in ["pictures", "tiff"] {
        let entries = std::fs::read_dir(data(folder)).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for path in files {
            let ending = path.extension().unwrap().to_str().unwrap();
            // beside a kind of TIFF that is read lies what it shows
            if folder == "pictures" || (ending == "tif" && path.with_extension("png").exists()) {
                add(ending, std::fs::read(&path).unwrap());
            }
        }
    }
    pictures
}

/// Archives of photographs: cars with their annotations, faces and chairs in a zip and a tar.
pub fn photographs() -> Vec<Seed> {
    let png = || encoded(&DynamicImage::from(picture().to_rgb8()), ImageFormat::Png);
    let mat = |name: &str| std::fs::read(data(name)).unwrap();
    let cars = vec![
        member(
            "cars_train/00001.jpg",
            encoded(&DynamicImage::new_rgb8(70, 66), ImageFormat::Png),
            Method::Deflated,
        ),
        member("devkit/cars_train_annos.mat", mat("annotations_compressed.mat"), Method::Stored),
        member("devkit/cars_test_annos.mat", mat("annotations_plain.mat"), Method::Deflated),
    ];
    let mixed = vec![
        member("chairs/one/renders/a.png", png(), Method::Stored),
        member("b.jpg", encoded(&DynamicImage::from(picture().to_rgb8()), ImageFormat::Jpeg), Method::Bzip2),
        member("c.heic", vec![7; 20], Method::Deflated),
    ];
    vec![Seed::Zip(cars.clone()), Seed::Tar(cars), Seed::Zip(mixed.clone()), Seed::Tar(mixed)]
}

/// Two prepared pictures of 8x8 pixels.
pub fn prepared() -> Vec<Seed> {
    let text = br#"{"cached":2,"broken":[1,3]}"#;
    let end = [&text[..], &(text.len() as u64).to_le_bytes(), b"idganpix"].concat();
    vec![Seed::File(Form::Pixels, [vec![9; 2 * 192], end].concat())]
}

/// Settings, sessions and notes, each in a file of that name.
#[cfg(feature = "gui")]
pub fn remembered() -> Vec<(&'static str, Seed)> {
    let settings = r#"{"dark": true, "zoom": 1.5, "crisp": true, "compare": "wipe", "show_tabs": false,
        "recent": [{"model": "a.safetensors"}, {"vae": "last", "gan": "model.pt", "c_dim": 3, "device": "cpu"}]}"#;
    let session =
        r#"{"source": {"model": "/x/a.safetensors"}, "codes": {"c": [0.5, -1.0], "k": [0, 1], "s": [0.25]}}"#;
    let notes = r#"{"path": "/x/a.safetensors", "names": {"c": ["smile", ""]},
        "bookmarks": [{"name": "one", "codes": {"c": [1, 2], "s": [3]}}, {"name": "two", "codes": {}}]}"#;
    let text = |text: &str| Seed::File(Form::Words, text.as_bytes().to_vec());
    vec![("settings.json", text(settings)), ("session.json", text(session)), ("notes.json", text(notes))]
}

/// Codes as people copy them.
#[cfg(feature = "gui")]
pub fn pasted() -> Vec<Seed> {
    texts(&[r#"{"c": [0.5, -1e3], "u": [0, 1], "k": [1, 0]}"#, "[0.5]"])
}

/// Configurations of runs, as the program writes them.
pub fn configurations(folder: &Path) -> Vec<Seed> {
    let written = |(number, (stage, name)): (usize, (Family, &str))| {
        let folder = folder.join(format!("run-{number}"));
        RunFolder::create(&folder, &preset(stage, name).unwrap()).unwrap();
        Seed::File(Form::Words, std::fs::read(folder.join("config.toml")).unwrap())
    };
    let presets = [
        (Family::Vae, "dsprites-small"),
        (Family::Vae, "celeba"),
        (Family::Gan, "celeba-64"),
        (Family::Gan, "celeba-hq"),
        (Family::Ibgan, "celeba"),
        (Family::Oogan, "dsprites"),
        (Family::Iae, "mnist-labels"),
    ];
    presets.into_iter().enumerate().map(written).collect()
}

/// Arguments of `idgan train`, a line each.
pub fn arguments() -> Vec<Seed> {
    texts(&[
        "vae\n--data\ndsprites\n--set\nvae.beta=4\n--set\nvae.learning_rate=1e-4\n--steps\n10",
        "gan\n--data\nscenes:100\n--size\n64\n--vae\nruns/vae\n--set\ngan.w_info=1e-3\n--set\nbatch=8\n--seed\n3",
        "vae\n--method\nannealed-vae\n--set\nvae.capacity={ from = 0, to = 2, over = 10 }",
        "ibgan\n--data\ndsprites\n--set\nibgan.beta={ from = 0, to = 1, over = 10 }\n--set\nibgan.real_labels=[0.7, 1.2]",
        "oogan\n--method\noogan-infogan\n--size\n32\n--set\noogan.width=4",
        "iae\n--preset\nmnist-labels\n--set\niae.z_dim=5\n--set\niae.labelled=10",
        "gan\n--method\ninfogan\n--data\nimages:/x\n--set\ngan.nfilter=16\n--set\ngan.learning_rate_generator=1e-4",
    ])
}

/// Ranges, dimensions and the like, as command lines have them; a line each.
pub fn words() -> Vec<Seed> {
    texts(&[
        "-3..3\nprior:0.99\nposterior:0.5\ndata\n0,3,5-7\nall\nfvm\nR-ID\n",
        "1e3..-1e3\nprior:1\n0-18446744073709551615\n",
    ])
}

/// A sweep as its documentation shows it.
pub fn sweeps() -> Vec<Seed> {
    texts(&[r#"out = "runs/table2"
seeds = [0, 1]
metrics = ["fvm", "mig", "fid"]
set = ["batch=8"]

[[data]]
name = "dsprites"
vae = "dsprites-small"
gan = "dsprites-small"
arguments = ["--picture", "scream.jpg"]

[[method]]
name = "beta-vae"
steps = 12000
set = ["vae.beta=4"]

[[method]]
name = "two-step"
method = "idgan"
vae = "beta-vae"
vary = { "gan.w_info" = [0.001, 0.01] }
"#])
}

/// The log of a run.
pub fn logs() -> Vec<Seed> {
    texts(&[
        "{\"step\":20,\"kl\":1.5,\"seconds\":3.0}\n{\"step\":40,\"kl\":2.5,\"reconstruction\":1e3}\n{\"step\":60,\"r1\":null}\n",
    ])
}

/// Results of `idgan eval`.
pub fn evaluations() -> Vec<Seed> {
    texts(&[r#"{"model_hash": "ab", "data": "dsprites", "seed": 1, "samples": {"fvm": 800, "mig": 10000},
  "settings": {"fvm": "paper"}, "metrics": {"fvm": {"value": 0.5, "low": 0.4, "high": 0.6,
  "parts": [{"name": "shape", "value": 0.1}]}, "mig": {"value": 0.25, "low": 0.2, "high": 0.3}},
  "left_out": {"fid": "no features"}, "warnings": ["fvm is rough"]}"#])
}

/// Small networks as PyTorch's exporters write them.
pub fn onnx() -> Vec<Seed> {
    let files: [&[u8]; 5] = [
        include_bytes!("../files/onnx/plain.onnx"),
        include_bytes!("../files/onnx/normalised-dynamo.onnx"),
        include_bytes!("../files/onnx/shuffled.onnx"),
        include_bytes!("../files/onnx/encoder.onnx"),
        include_bytes!("../files/onnx/constants.onnx"),
    ];
    files.into_iter().map(|bytes| Seed::File(Form::Bytes, bytes.to_vec())).collect()
}
