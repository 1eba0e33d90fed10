//! Small models on disk and the program itself, for the tests of the command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use idgan::base::{Array, Arrays, Stream};
use idgan::checkpoint::npz::NpzFile;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::model::{CodeBlock, CodeKind, GENERATOR, Model, ModelDescription, VAE};
use idgan::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

/// Dimensions of the disentangled code of [`id_gan`].
pub const C_DIM: usize = 3;
/// Dimensions of its nuisance.
pub const S_DIM: usize = 2;

/// The program, in `folder`.
pub fn idgan(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("idgan").unwrap();
    command.current_dir(folder).args(["--threads", "2"]).env_remove("RUST_LOG");
    command
}

/// Runs the program, which must succeed.
pub fn succeed(folder: &Path, arguments: &str) -> Output {
    let output = idgan(folder).args(arguments.split_whitespace()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "idgan {arguments}: {stderr}");
    output
}

/// Runs the program, which must fail with this exit code, one sentence that holds `words`, and nothing new on disk.
pub fn fail(folder: &Path, arguments: &str, code: i32, words: &str) {
    let before = listing(folder);
    let output = idgan(folder).args(arguments.split_whitespace()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "idgan {arguments}: {stderr}");
    assert!(stderr.lines().any(|line| line.starts_with("error: ")), "idgan {arguments}: {stderr}");
    assert!(stderr.contains(words), "idgan {arguments}: {stderr}");
    assert!(!stderr.contains("panicked"), "idgan {arguments}: {stderr}");
    if code == 1 {
        assert_eq!(stderr.lines().filter(|line| !line.starts_with("warning: ")).count(), 1, "{stderr}");
    }
    assert_eq!(listing(folder), before, "idgan {arguments} left something behind");
}

/// Everything below a folder, with sizes.
pub fn listing(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(listing(&path));
        }
        found.push((path.clone(), path.metadata().unwrap().len()));
    }
    found.sort();
    found
}

/// A temporary folder with the bundle `model.safetensors`: c with 3 dimensions, s with 2, a VAE at 64 px and a
/// generator at 128 px, random weights.
pub fn id_gan() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_bundle(&folder.path().join("model.safetensors"), &model(), Precision::F32).unwrap();
    folder
}

/// The model of [`id_gan`].
pub fn model() -> Model {
    let trunk = ResnetTrunk { size: 128, nfilter: 2, nfilter_max: 8, channels: 3 };
    let generator = GeneratorConfig::Resnet { z_dim: S_DIM + C_DIM, trunk };
    let vae = VaeConfig { channels: 3, c_dim: C_DIM };
    let codes = vec![CodeBlock::disentangled(C_DIM), CodeBlock::nuisance(S_DIM)];
    let description = ModelDescription { codes, ..ModelDescription::empty("toy") }
        .with_generator(generator, ["s", "c"])
        .with_vae(vae, "c");
    Model::new(description)
        .with_weights(VAE, vivid(vae.initialise_uniform(&mut Stream::new(1, "vae"))))
        .with_weights(GENERATOR, vivid(generator.initialise_uniform(&mut Stream::new(1, "generator"))))
}

/// A temporary folder with `model.safetensors`: a generator alone, with two codes in [0, 1] and a choice of four.
pub fn info_gan() -> tempfile::TempDir {
    let generator = GeneratorConfig::Small { z_dim: 9, channels: 1 };
    let block = |name: &str, dims, kind, neutral| CodeBlock {
        name: name.into(),
        dims,
        kind,
        range: [0.0, 1.0],
        neutral,
        labels: Vec::new(),
        opening: Vec::new(),
    };
    let codes = vec![
        block("u", 2, CodeKind::Uniform, 0.5),
        block("k", 4, CodeKind::OneHot, 0.0),
        CodeBlock { name: "z".into(), ..CodeBlock::nuisance(3) },
    ];
    let description = ModelDescription { codes, ..ModelDescription::empty("infogan") }
        .with_generator(generator, ["z", "k", "u"]);
    let weights = vivid(generator.initialise_uniform(&mut Stream::new(2, "generator")));
    let model = Model::new(description).with_weights(GENERATOR, weights);
    let folder = tempfile::tempdir().unwrap();
    write_bundle(&folder.path().join("model.safetensors"), &model, Precision::F32).unwrap();
    folder
}

/// Default weights give nearly flat pictures; larger ones show what depends on the code.
fn vivid(mut weights: Arrays) -> Arrays {
    for array in weights.values_mut() {
        array.data_mut().iter_mut().for_each(|value| *value *= 2.5);
    }
    weights
}

/// An array of an npz file.
pub fn array(path: &Path, name: &str) -> Array {
    NpzFile::open(path).unwrap().array(name).unwrap()
}

/// Text chunks of a PNG by keyword, and its width and height.
pub fn png_texts(path: &Path) -> (std::collections::BTreeMap<String, String>, [u32; 2]) {
    let mut reader =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    reader.finish().unwrap();
    let info = reader.info();
    let plain = info.uncompressed_latin1_text.iter().map(|text| (text.keyword.clone(), text.text.clone()));
    let international = info.utf8_text.iter().map(|text| (text.keyword.clone(), text.get_text().unwrap()));
    (plain.chain(international).collect(), [info.width, info.height])
}

/// One member of an npz file to be written by hand: name, NumPy type, shape as Python prints it, bytes.
pub type Member<'a> = (&'a str, &'a str, &'a str, Vec<u8>);

/// Writes an npz file whose headers say whatever they are told, deflated.
pub fn write_raw_npz(path: &Path, members: &[Member<'_>]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, kind, shape, bytes) in members {
        // A structure's description is a list, every other one a text.
        let quote = if kind.starts_with('[') { "" } else { "'" };
        let mut header =
            format!("{{'descr': {quote}{kind}{quote}, 'fortran_order': False, 'shape': {shape}, }}");
        header.push_str(&" ".repeat(64 - (header.len() + 11) % 64));
        header.push('\n');
        zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(header.as_bytes()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Values as the bytes of `<f4`.
pub fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Values as the bytes of `<f8`.
pub fn f64_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
