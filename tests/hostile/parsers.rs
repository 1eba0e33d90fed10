//! Everything that reads bytes from outside, each as the program calls it.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use idgan::base::{Background, Cancel, Pool};
use idgan::checkpoint::npz::NpzFile;
use idgan::checkpoint::pickle::TorchFile;
use idgan::checkpoint::{Opened, Reading, Sources, TensorFile, open, read_state_dict, summarise};
use idgan::compare::{Results, Sweep};
use idgan::data::OpenOptions;
use idgan::explore::{Codes, Form, LatentState, Posterior, RangeSpec, draw_all, parse_dims, read_square};
use idgan::formats::picture::{Turn, decode_picture};
use idgan::graph::Graph;
use idgan::inference::{self, Computer};
use idgan::metrics::{Evaluation, FactorNetwork, Metric};
use idgan::model::{GAN, ModelDescription};
use idgan::training::RunFolder;

use crate::damage::Seed;
use crate::files::data;
use crate::seeds;

/// One way into the program.
pub struct Parser {
    pub name: &'static str,
    /// How many of a hundred inputs or so it gets.
    pub share: usize,
    /// The name of the file that it reads.
    pub file: String,
    pub seeds: Vec<Seed>,
    pub read: fn(&Input<'_>) -> Said,
}

/// A damaged file, on disk and in memory.
pub struct Input<'a> {
    /// The folder that it lies in, alone but for what parsers write.
    pub folder: &'a Path,
    pub path: PathBuf,
    pub bytes: &'a [u8],
}

/// What came of an input.
#[derive(Default)]
pub struct Said {
    pub errors: Vec<String>,
    /// How often something was read.
    pub read: usize,
}

impl Said {
    /// Notes an error, or passes on what was read.
    fn note<T, E: Display>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(read) => {
                self.read += 1;
                Some(read)
            }
            Err(error) => {
                self.errors.push(error.to_string());
                None
            }
        }
    }
}

impl Input<'_> {
    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes).into_owned()
    }
}

/// All parsers; seeds that have to be written by the program go through `folder`.
pub fn all(folder: &Path) -> Vec<Parser> {
    let parser =
        |name, share, file: &str, seeds, read| Parser { name, share, file: file.into(), seeds, read };
    let mut parsers = vec![
        parser("torch", 16, "model.pt", seeds::torch(), torch as fn(&Input<'_>) -> Said),
        parser("tensors", 12, "model.safetensors", seeds::tensors(folder), tensors),
        // A megabyte each, so few of them.
        parser("published", 1, "vae.safetensors", seeds::published(folder), tensors),
        parser("related", 2, "model.safetensors", seeds::related_bundles(folder), tensors),
        parser("related torch", 2, "70", seeds::related_torch(folder), torch),
        parser("npz", 12, "codes.npz", seeds::npz(folder), npz),
        parser("onnx", 8, "decoder.onnx", seeds::onnx(), onnx),
        parser("sprites", 4, "sprites.npz", seeds::sprites(), sprites),
        parser("digits", 4, "train-images-idx3-ubyte", seeds::digits(), digits),
        parser("street", 3, "train_32x32.mat", seeds::street(), street),
        parser("shapes3d", 6, "3dshapes.h5", seeds::shapes3d(), shapes3d),
        parser("mpi3d", 3, "mpi3d.npz", seeds::mpi3d(), mpi3d),
        parser("cars3d", 3, "car_001_mesh.mat", seeds::cars3d(), cars3d),
        parser("norb", 3, "smallnorb-x-training-dat.mat", seeds::norb(), norb),
        parser("rendered", 3, "falcor3d", seeds::rendered(), rendered),
        parser("attributes", 2, "list_attr_celeba.txt", seeds::attributes(), attributes),
        parser("factors", 3, "factors", seeds::factors(), factors),
        parser("photographs", 10, "photographs", seeds::photographs(), photographs),
        parser("prepared", 3, "prepared", seeds::prepared(), prepared),
        parser("configuration", 6, "config.toml", seeds::configurations(folder), configuration),
        parser("arguments", 3, "arguments", seeds::arguments(), arguments),
        parser("words", 2, "words", seeds::words(), words),
        parser("sweep", 3, "sweep.toml", seeds::sweeps(), sweep),
        parser("log", 3, "log.jsonl", seeds::logs(), log),
        parser("evaluation", 3, "eval.json", seeds::evaluations(), evaluation),
    ];
    #[cfg(feature = "gui")]
    {
        parsers.push(parser("pasted", 3, "pasted", seeds::pasted(), pasted));
        for (file, seed) in seeds::remembered() {
            parsers.push(parser("remembered", 2, file, vec![seed], remembered));
        }
    }
    let mut pictures = seeds::pictures();
    pictures.sort_by(|a, b| a.0.cmp(&b.0));
    for same in pictures.chunk_by(|a, b| a.0 == b.0) {
        let seeds: Vec<Seed> = same.iter().map(|(_, seed)| seed.clone()).collect();
        parsers.push(parser(
            "picture",
            2 + seeds.len() / 2,
            &format!("picture.{}", same[0].0),
            seeds,
            picture,
        ));
    }
    parsers
}

/// Opens a checkpoint in every way there is and reads all of it.
pub fn checkpoint(path: &Path, said: &mut Said) {
    if let Some(opened) = said.note(open_one(path)) {
        use_model(&opened, said);
    }
    said.note(summarise(path));
    said.note(read_state_dict(path, "fc.weight"));
}

fn open_one(path: &Path) -> Result<Opened, idgan::checkpoint::CheckpointError> {
    open(&Sources { checkpoint: Some(path.into()), ..Sources::default() })
}

/// What explorer and command line do with any model first.
fn use_model(opened: &Opened, said: &mut Said) {
    let description = &opened.model.description;
    let latent = LatentState::new(description.clone());
    said.note(Codes::neutral(description, 2).input(description, GAN));
    let measured = opened.model.stats.as_ref().zip(description.encoded());
    let posterior = measured.and_then(|(stats, code)| {
        let posterior = said.note(Posterior::new(stats, description.block(code)?))?;
        Some((code, posterior))
    });
    let posterior = posterior.as_ref().map(|(code, posterior)| (*code, posterior));
    let _ = draw_all(description, 1, 0, posterior);
    for block in &description.codes {
        for range in ["prior:0.99", "posterior:0.99", "data"] {
            let range: RangeSpec = range.parse().unwrap();
            let _ = range.resolve(block, 0, posterior);
        }
        let _ = latent.values(&block.name);
    }
}

fn torch(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    checkpoint(&input.path, &mut said);
    if let Ok(mut file) = TorchFile::open(&input.path) {
        let entries = file.root().entries().into_iter().flatten();
        let tensors: Vec<_> = entries.filter_map(|(_, value)| value.as_tensor().cloned()).collect();
        for tensor in tensors {
            said.note(file.array(&tensor));
        }
    }
    said
}

fn tensors(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    checkpoint(&input.path, &mut said);
    if let Some(mut file) = said.note(TensorFile::open(&input.path)) {
        said.note(file.group(""));
    }
    said.note(FactorNetwork::read(&input.path));
    said.note(idgan::training::door::state(&input.path));
    said
}

/// Most products of a picture that is drawn here.
const MOST_PRODUCTS: usize = 1 << 22;

fn onnx(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    said.note(summarise(&input.path));
    let Some(opened) = said.note(open_one(&input.path)) else { return said };
    use_model(&opened, &mut said);
    let graph = opened.model.description.networks.values().find_map(|network| network.picture_graph());
    let is_small = |graph: &Graph| {
        graph.multiply_adds().is_ok_and(|products| products < MOST_PRODUCTS)
            && graph.most_values_read().is_ok_and(|values| values < MOST_PRODUCTS)
    };
    if graph.is_some_and(|graph| is_small(&graph))
        && let Some(networks) = said.note(inference::open(&opened.model, &Computer::processor(), pool()))
    {
        for mut renderer in networks.renderers.into_values() {
            let code = vec![0.5; renderer.code_dim()];
            let mut picture = vec![0.0; renderer.picture_shape().iter().product()];
            said.note(renderer.render(&code, &mut picture, &Cancel::new()));
        }
    }
    // As an encoder of itself it does not fit, but is read.
    let reading = Reading { encoder: Some(input.path.clone()), ..Reading::default() };
    said.note(open(&Sources { checkpoint: Some(input.path.clone()), reading, ..Sources::default() }));
    said
}

fn npz(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    if let Some(mut file) = said.note(NpzFile::open(&input.path)) {
        for name in file.names().into_iter().map(str::to_owned).collect::<Vec<_>>() {
            said.note(file.array(&name));
        }
    }
    said.note(idgan::cli::door::codes(&input.path, &model_description(), 1));
    said.note(idgan::metrics::read_codes(&input.path));
    said.note(idgan::cli::door::pictures(&input.path));
    said
}

fn sprites(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let options =
        OpenOptions { cache_dir: input.folder.join("cache"), cache_bytes: 1 << 20, ..OpenOptions::default() };
    let spec = format!("dsprites:{}", input.path.display());
    if let Some(set) = said.note(idgan::data::open(&spec, None, &options)) {
        let mut picture = vec![0.0; set.picture_shape().iter().product()];
        for index in [0, set.len() - 1] {
            said.note(set.read(index, 0, &mut picture));
        }
    }
    said
}

/// Reads the first and the last picture of a set of pictures beside their labels.
fn labelled(spec: &str, said: &mut Said) {
    if let Some(set) = said.note(idgan::data::open(spec, None, &OpenOptions::default())) {
        let mut picture = vec![0.0; set.picture_shape().iter().product()];
        for index in [0, set.len() - 1] {
            said.note(set.read(index, 0, &mut picture));
            assert!(set.classes(index)[0] < set.factors()[0].values.len());
        }
    }
}

/// The file as that of five pictures, and as that of their labels.
fn digits(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    let spec = format!("mnist:{}", input.folder.display());
    for (damaged, whole) in [(names[0], names[1]), (names[1], names[0])] {
        std::fs::write(input.folder.join(damaged), input.bytes).unwrap();
        std::fs::copy(data("labelled/mnist").join(whole), input.folder.join(whole)).unwrap();
        labelled(&spec, &mut said);
    }
    names.iter().for_each(|name| std::fs::remove_file(input.folder.join(name)).unwrap());
    said
}

fn street(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    labelled(&format!("svhn:{}", input.path.display()), &mut said);
    said
}

/// Prepares a set with known factors at 8 pixels and reads its first and its last picture.
fn known(spec: &str, input: &Input<'_>, said: &mut Said) {
    let cache_dir = input.folder.join("cache");
    let options = OpenOptions {
        cache_dir: cache_dir.clone(),
        cache_bytes: 1 << 20,
        threads: 1,
        ..OpenOptions::default()
    };
    if let Some(set) = said.note(idgan::data::open(spec, Some(8), &options)) {
        let mut picture = vec![0.0; set.picture_shape().iter().product()];
        for index in [0, set.len() - 1] {
            said.note(set.read(index, 0, &mut picture));
            let classes = set.classes(index);
            assert!(classes.iter().zip(set.factors()).all(|(&class, factor)| class < factor.values.len()));
            assert!(set.with_classes(&classes).is_some());
        }
    }
    let _ = std::fs::remove_dir_all(cache_dir);
}

fn shapes3d(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    known(&format!("shapes3d:{}", input.path.display()), input, &mut said);
    said
}

fn mpi3d(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    known(&format!("mpi3d:{}", input.path.display()), input, &mut said);
    said
}

/// The file as a car's in a folder of its own.
fn cars3d(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let folder = input.folder.join("cars");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("car_001_mesh.mat"), input.bytes).unwrap();
    known(&format!("cars3d:{}", folder.display()), input, &mut said);
    said
}

/// The file as each of the six of SmallNORB, beside the others.
fn norb(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let folder = input.folder.join("norb");
    for damaged in ["training-dat", "training-info", "testing-cat"] {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for entry in std::fs::read_dir(data("known-factors/smallnorb")).unwrap() {
            let path = entry.unwrap().path();
            let to = folder.join(path.file_name().unwrap());
            match path.to_str().unwrap().contains(damaged) {
                true => std::fs::write(to, input.bytes).unwrap(),
                false => drop(std::fs::copy(path, to).unwrap()),
            }
        }
        known(&format!("smallnorb:{}", folder.display()), input, &mut said);
    }
    let _ = std::fs::remove_dir_all(&folder);
    said
}

fn rendered(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    known(&format!("falcor3d:{}", input.path.display()), input, &mut said);
    said
}

/// The file as the list of attributes beside four faces.
fn attributes(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let folder = input.folder.join("celeba");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 1..=4 {
        let name = format!("{number:06}.jpg");
        std::fs::copy(data("known-factors/celeba/img_align_celeba").join(&name), folder.join(&name)).unwrap();
    }
    std::fs::write(folder.join("list_attr_celeba.txt"), input.bytes).unwrap();
    known(&format!("celeba:{}", folder.display()), input, &mut said);
    let _ = std::fs::remove_dir_all(&folder);
    said
}

/// The file as prepared pictures with their factors.
fn factors(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    said.note(idgan::data::door::prepared_factors(&input.path, 1, 8));
    said
}

/// One thread that looks into files.
fn pool() -> &'static Pool {
    static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new("hostile", 1).unwrap());
    &POOL
}

fn photographs(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    if let Some((read, errors)) = said.note(idgan::data::door::photographs(&input.path, pool())) {
        said.read = read;
        said.errors.extend(errors.iter().map(ToString::to_string));
    }
    said
}

fn prepared(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    said.note(idgan::data::door::prepared_pictures(&input.path, 5, 8));
    said
}

fn picture(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    said.note(decode_picture(input.bytes, &input.path, Turn::Upright));
    for channels in [1, 3] {
        let form = Form { channels, size: 8, crop: None, background: Background::default() };
        said.note(read_square(&input.path, &form));
    }
    said
}

fn model_description() -> ModelDescription {
    seeds::model().description
}

#[cfg(feature = "gui")]
fn remembered(input: &Input<'_>) -> Said {
    let read = idgan::app::door::recall(input.folder, &model_description());
    let _ = std::fs::remove_file(input.folder.join(format!("{}.bak", input.path.display())));
    Said { read, ..Said::default() }
}

#[cfg(feature = "gui")]
fn pasted(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    said.note(idgan::app::door::paste(&input.text(), &model_description()));
    said
}

fn configuration(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    if let Some(config) = said.note(RunFolder::saved_config(input.folder)).flatten() {
        said.note(config.validate());
        said.note(toml::to_string(&config));
        for method in idgan::training::Method::all() {
            let _ = config.clone().with_method(*method).validate();
        }
    }
    for stage in ["vae", "gan"] {
        let words = [stage, "--config", &input.path.to_string_lossy()].map(str::to_owned);
        settle(&words, &mut said);
    }
    said
}

fn settle(words: &[String], said: &mut Said) {
    let words = [words, &["--dry-run".to_owned()]].concat();
    said.note(idgan::cli::door::configuration(&words));
}

fn arguments(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let words: Vec<String> = input.text().lines().map(str::to_owned).collect();
    settle(&words, &mut said);
    said
}

fn words(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    for word in input.text().lines().take(20) {
        if let Some(range) = said.note(word.parse::<RangeSpec>()) {
            for block in &model_description().codes {
                let _ = range.resolve(block, 0, None);
            }
        }
        said.note(word.parse::<Metric>());
        said.note(parse_dims(word, 20));
        let _ = idgan::data::absolute_spec(word);
    }
    said
}

fn sweep(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    if let Some(sweep) = said.note(Sweep::read(&input.path)) {
        for cell in sweep.cells().into_iter().take(100) {
            let _ = cell.measuring();
        }
    }
    said
}

fn log(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    let config = idgan::training::preset(idgan::training::Family::Vae, "dsprites-small").unwrap();
    let run = input.folder.join("run");
    let (folder, _) =
        RunFolder::open(&run).or_else(|_| RunFolder::create(&run, &config).map(|run| (run, config))).unwrap();
    std::fs::write(run.join("log.jsonl"), input.bytes).unwrap();
    said.note(idgan::training::door::log(&run));
    said.note(folder.log_from(40));
    said
}

fn evaluation(input: &Input<'_>) -> Said {
    let mut said = Said::default();
    if let Some(mut read) = said.note(Evaluation::read(&input.path)) {
        let own = read.clone();
        read.complete_from(&own);
        let _ = read.answers(Metric::Fvm);
        said.note(serde_json::to_string(&read));
    }
    let config = idgan::training::preset(idgan::training::Family::Vae, "dsprites-small").unwrap();
    let run = input.folder.join("run");
    let made = if run.exists() { Ok(()) } else { RunFolder::create(&run, &config).map(drop) };
    made.unwrap();
    std::fs::write(run.join("eval.json"), input.bytes).unwrap();
    if let Some(results) = said.note(Results::read(&[run])) {
        said.errors.extend(results.warnings);
    }
    said
}
