//! Models of the methods beside ID-GAN through the commands.

use std::path::Path;

use crate::methods::{clusters, clusters_of, cycle, iae, ib_gan, oogan};
use crate::toy::{array, fail, id_gan, idgan, png_texts, succeed};
use idgan::checkpoint::{Precision, Sources, open, write_bundle};
use idgan::model::{GENERATOR, Model};
use image::{Rgb, RgbImage};

/// A folder with `model.safetensors`, and three pictures of 64x64 in `pictures`.
fn folder_of(model: &Model) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_bundle(&folder.path().join("model.safetensors"), model, Precision::F32).unwrap();
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for k in 0..3 {
        let picture =
            RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 3 + k * 80) as u8, (y * 4) as u8, (x ^ y) as u8]));
        picture.save(pictures.join(format!("{k}.png"))).unwrap();
    }
    folder
}

fn said(folder: &Path, arguments: &str) -> String {
    let output = succeed(folder, arguments);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Draws, reads and measures a model of the code `code`, which has three dimensions.
fn serve(model: &Model, code: &str) {
    let (folder, file) =
        (folder_of(model), |folder: &tempfile::TempDir, name: &str| folder.path().join(name));
    let told = said(folder.path(), "inspect model.safetensors");
    assert!(model.description.networks.keys().all(|name| told.contains(&format!("{name}: "))), "{told}");
    succeed(folder.path(), "traverse model.safetensors --out rows.png");
    succeed(folder.path(), "sample model.safetensors --count 2 --out samples.npz");
    let drawn = array(&file(&folder, "samples.npz"), &model.description.render[0].name);
    assert!(drawn.data().iter().all(|value| (0.0..=1.0).contains(value)));
    let half = drawn.len() / 2;
    assert_ne!(drawn.data()[..half], drawn.data()[half..], "other codes are other pictures");

    succeed(folder.path(), "encode model.safetensors --images pictures --out codes.npz");
    let mu = array(&file(&folder, "codes.npz"), "mu");
    assert_eq!(mu.shape(), [3, 3]);
    assert_ne!(mu.row(0), mu.row(1));
    succeed(folder.path(), "sample model.safetensors --codes codes.npz --out again.npz");
    assert_eq!(array(&file(&folder, "again.npz"), code).data(), mu.data());
    let ask =
        "eval model.safetensors --data color-dsprites --samples 200 --votes 20 --seed 3 --json --metrics mig";
    let result: serde_json::Value = serde_json::from_slice(&succeed(folder.path(), ask).stdout).unwrap();
    assert!(result["metrics"]["mig"]["value"].is_f64(), "{result}");
    succeed(folder.path(), "stats model.safetensors --images pictures --out measured.safetensors");
    let sources = Sources { checkpoint: Some(file(&folder, "measured.safetensors")), ..Sources::default() };
    let measured = open(&sources).unwrap().model;
    assert_eq!(measured.stats.map(|stats| stats.kl.len()), Some(3));
    assert_eq!((measured.description, measured.weights), (model.description.clone(), model.weights.clone()));
}

/// Draws a matrix of codes and noise.
fn vary(model: &Model) {
    succeed(folder_of(model).path(), "grid model.safetensors --codes-c 2 --codes-s 3 --out grid.png");
}

#[test]
fn an_ib_gan_is_drawn_read_in_two_steps_and_measured() {
    let model = ib_gan();
    serve(&model, "r");
    let folder = folder_of(&model);
    let matrix = "grid model.safetensors --codes-c 2 --codes-s 3 --out grid.png";
    fail(folder.path(), matrix, 1, "this model's z moves its pictures through r alone");
    // Without a discriminator it reads all the same.
    succeed(folder.path(), "convert model.safetensors --without-discriminator --out small.safetensors");
    succeed(folder.path(), "encode small.safetensors --images pictures --out codes.npz");
    let drawn = idgan(folder.path())
        .args(["sample", "model.safetensors", "--count", "2", "--decoder", "from z", "--out", "z.npz"])
        .output()
        .unwrap();
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    assert_eq!(array(&folder.path().join("z.npz"), "z").shape(), [2, 4]);
}

/// What `eval` measures of a model on `data`.
fn measured(model: &Model, data: &str, metrics: &str) -> serde_json::Value {
    let folder = folder_of(model);
    let words = format!(
        "eval model.safetensors --data {data} --samples 300 --votes 20 --seed 3 --json --metrics {metrics}"
    );
    serde_json::from_slice(&succeed(folder.path(), &words).stdout).unwrap()
}

/// The value of a metric, which lies in its interval, and those of its parts.
fn value_and_parts(result: &serde_json::Value, metric: &str) -> (f64, Vec<(String, f64)>) {
    let score = &result["metrics"][metric];
    let [low, value, high] = ["low", "value", "high"].map(|end| score[end].as_f64().unwrap());
    assert!(low <= value && value <= high, "{metric}: {score}");
    let parts = score["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let part = |part: &serde_json::Value| {
        (part["name"].as_str().unwrap().to_owned(), part["value"].as_f64().unwrap())
    };
    (value, parts.iter().map(part).collect())
}

#[test]
fn the_bounds_of_an_ib_gan_are_measured_on_the_same_draws() {
    let result = measured(&ib_gan(), "color-dsprites", "information,bottleneck");
    let (information, _) = value_and_parts(&result, "information");
    let (bottleneck, parts) = value_and_parts(&result, "bottleneck");
    assert!(information <= bottleneck && bottleneck > 0.0, "{result}");
    assert_eq!(parts.len(), 3);
    assert!((parts.iter().map(|(_, kl)| kl).sum::<f64>() - bottleneck).abs() < 1e-9, "{result}");
    assert!(result["warnings"].is_null(), "{result}");
    let folder = folder_of(&oogan());
    let words = "eval model.safetensors --data color-dsprites --metrics bottleneck";
    fail(folder.path(), words, 2, "bottleneck bounds what pictures know of the noise");
}

#[test]
fn the_controls_of_an_oogan_are_measured_and_vote_by_the_variance_of_their_range() {
    let result = measured(&oogan(), "color-dsprites", "one_hot_l1,uniform_l1,cosine,fvm");
    for metric in ["one_hot_l1", "uniform_l1"] {
        assert!(value_and_parts(&result, metric).0 > 0.0, "{result}");
    }
    let (cosine, parts) = value_and_parts(&result, "cosine");
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["kernels", "product"]);
    // six rows of 16 numbers: mean and spread of three controls
    assert!((1.0 / 6.0..1.0).contains(&cosine) && cosine == parts[0].1, "{result}");
    assert_eq!(value_and_parts(&result, "fvm").1[0].0, "means as they are");
    let setting = result["settings"]["fvm"].as_str().unwrap();
    assert!(setting.contains("at least 0.00416") && setting.contains("sqrt(12) / 1"), "{setting}");
    let result = measured(&oogan(), "scenes", "diversity");
    assert!(value_and_parts(&result, "diversity").0 > 0.0, "{result}");
    let folder = folder_of(&ib_gan());
    for (metric, said) in [("uniform_l1", "set controls between two ends"), ("cosine", "has neither")] {
        let words = format!("eval model.safetensors --data color-dsprites --metrics {metric}");
        fail(folder.path(), &words, 2, said);
    }
}

#[test]
fn an_oogan_is_drawn_read_and_measured() {
    serve(&oogan(), "c");
    vary(&oogan());
}

#[test]
fn an_implicit_autoencoder_is_drawn_read_and_measured() {
    serve(&iae(), "z");
    vary(&iae());
}

#[test]
fn clusters_are_drawn() {
    let folder = folder_of(&clusters());
    succeed(folder.path(), "sample model.safetensors --count 2 --out samples.npz");
    let chosen = array(&folder.path().join("samples.npz"), "z");
    assert!(chosen.data().iter().all(|&value| value == 0.0 || value == 1.0), "{chosen:?}");
    succeed(folder.path(), "traverse model.safetensors --out rows.png");
}

#[test]
fn choices_are_measured_against_labels_and_pictures_against_their_own_codes() {
    let mut model = clusters_of(5);
    let mnist = format!("mnist:{}/tests/files/labelled/mnist", env!("CARGO_MANIFEST_DIR"));
    let folder = folder_of(&model);
    let ask = |folder: &Path, metrics: &str| {
        let words = format!("eval model.safetensors --data {mnist} --json --seed 2 --metrics {metrics}");
        serde_json::from_slice::<serde_json::Value>(&succeed(folder, &words).stdout).unwrap()
    };
    let result = ask(folder.path(), "clustering_error,reconstruction,spread");
    let value_of = |name: &str| {
        let score = &result["metrics"][name];
        let [low, value, high] = ["low", "value", "high"].map(|end| score[end].as_f64().unwrap_or(f64::NAN));
        assert!(0.0 <= low && low <= value && value <= high && high <= 1.0, "{name}: {score}");
        value
    };
    // five pictures of five labels: no half knows what the other is called
    assert_eq!(value_of("clustering_error"), 1.0);
    assert!(value_of("reconstruction") > 0.0 && value_of("spread") > 0.0);
    assert!(result["settings"]["reconstruction"].as_str().is_some_and(|words| words.contains("[0, 1]")));

    let words = format!("eval model.safetensors --data {mnist} --metrics classification_error");
    fail(folder.path(), &words, 2, "are not called as those of mnist");
    let names = ["4", "3", "2", "1", "0"].map(String::from);
    let block = model.description.codes.iter_mut().find(|block| block.name == "z").unwrap();
    block.labels = names.to_vec();
    let folder = folder_of(&model);
    let result = ask(folder.path(), "classification_error");
    succeed(folder.path(), &format!("encode model.safetensors --data {mnist} --out codes.npz"));
    let mu = array(&folder.path().join("codes.npz"), "mu");
    let is_wrong = |picture: &usize| {
        let largest = (0..5).max_by(|&a, &b| mu.row(*picture)[a].total_cmp(&mu.row(*picture)[b])).unwrap();
        names[largest] != picture.to_string()
    };
    let expected = (0..5).filter(is_wrong).count() as f64 / 5.0;
    assert_eq!(result["metrics"]["classification_error"]["value"].as_f64(), Some(expected));
    let gaussian = folder_of(&iae());
    let words = "eval model.safetensors --data color-dsprites --metrics clustering_error";
    fail(gaussian.path(), words, 2, "needs a code that chooses");
}

#[test]
fn statistics_of_batch_normalisation_are_gathered_anew() {
    let mut model = oogan();
    let name = "init_block.from_c_8.main.2.running_mean";
    let wrong = model.weights.get_mut(GENERATOR).unwrap().get_mut(name).unwrap();
    wrong.data_mut().fill(5.0);
    let folder = folder_of(&model);
    let told = said(folder.path(), "stats model.safetensors --normalisation --out gathered.safetensors");
    // Two of c, two of z, and three doublings.
    assert!(told.contains("statistics of 7 normalised layers gathered"), "{told}");
    let read = |name: &str| {
        let sources = Sources { checkpoint: Some(folder.path().join(name)), ..Sources::default() };
        open(&sources).unwrap().model
    };
    let gathered = read("gathered.safetensors");
    assert!(gathered.group(GENERATOR)[name].data().iter().all(|value| value.abs() < 3.0));
    let is_gathered = |(name, array): (&String, &idgan::base::Array)| {
        name.contains("running") == (*array != model.group(GENERATOR)[name])
    };
    assert!(gathered.group(GENERATOR).iter().all(is_gathered), "statistics are other ones, weights the same");
    // Once more, from those: they do not depend on what was there.
    succeed(folder.path(), "stats gathered.safetensors --normalisation --out again.safetensors");
    assert_eq!(read("again.safetensors").weights, gathered.weights);
    fail(
        id_gan().path(),
        "stats model.safetensors --normalisation --out x.safetensors",
        1,
        "the network that draws has no batch normalisation",
    );
}

#[test]
fn a_cycle_iae_translates_pictures_both_ways() {
    let folder = folder_of(&cycle());
    let file = |name: &str| image::open(folder.path().join(name)).unwrap().to_rgb8();
    let told = said(folder.path(), "inspect model.safetensors");
    let both =
        ["f: 3 maps of 16x16 to 1 maps of 16x16", "g: 1 maps of 16x16 and 4 numbers to 3 maps of 16x16"];
    assert!(both.iter().all(|network| told.contains(network)), "{told}");

    // a row an input, a column a noise; without noise one column
    succeed(
        folder.path(),
        "translate model.safetensors pictures/0.png pictures/1.png --chain g --noises 3 --out g.png",
    );
    succeed(folder.path(), "translate model.safetensors pictures/0.png pictures/1.png --out f.png");
    let (back, there) = (file("g.png"), file("f.png"));
    assert_eq!(back.height(), there.height());
    assert!(back.width() >= there.width() + 2 * 16, "{:?} and {:?}", back.dimensions(), there.dimensions());
    let (texts, _) = png_texts(&folder.path().join("g.png"));
    let command =
        "translate model.safetensors pictures/0.png pictures/1.png --chain g --noises 3 --out g.png";
    assert!(texts["Command"].ends_with(command), "{}", texts["Command"]);

    succeed(
        folder.path(),
        "translate model.safetensors pictures/0.png pictures/1.png --chain g --noises 2 --seed 3 --out all",
    );
    let of = |name: &str| file(&format!("all/{name}_g.png"));
    assert_eq!(of("00000_000").dimensions(), (16, 16));
    assert_ne!(of("00000_000"), of("00000_001"), "another noise");
    assert_ne!(of("00000_000"), of("00001_000"), "another picture");
    assert_eq!(std::fs::read_dir(folder.path().join("all")).unwrap().count(), 4);

    for (arguments, code, says) in [
        ("translate model.safetensors --out x.png", 2, "name the pictures to translate"),
        ("translate model.safetensors pictures/9.png --out x.png", 1, "no such file"),
        ("translate model.safetensors model.safetensors --out x.png", 1, "model.safetensors"),
        ("translate model.safetensors pictures/0.png --crop 99 --out x.png", 1, "99"),
        (
            "translate model.safetensors pictures/0.png --chain h --out x.png",
            1,
            "what draws is called f, there and back, g",
        ),
        ("translate model.safetensors pictures/0.png --out x.gif", 2, "a folder"),
        ("sample model.safetensors --count 2 --out x", 1, "give it such pictures with `idgan translate`"),
        ("traverse model.safetensors --out x.png", 1, "translate"),
        ("encode model.safetensors --images pictures --out x.npz", 1, "no encoder"),
    ] {
        fail(folder.path(), arguments, code, says);
        assert!(!folder.path().join("x.png").exists() && !folder.path().join("x").exists(), "{arguments}");
    }
    let folder = folder_of(&iae());
    let says = "makes no pictures of pictures";
    fail(folder.path(), "translate model.safetensors pictures/0.png --out x.png", 1, says);
    let says = "the chain decoder takes no picture";
    fail(folder.path(), "translate model.safetensors pictures/0.png --chain decoder --out x.png", 1, says);
}
