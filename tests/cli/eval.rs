//! `idgan eval`: what it prints, keeps and refuses.

use std::path::Path;

use crate::toy::{fail, id_gan, info_gan, succeed};
use idgan::base::{Array, Stream};
use idgan::checkpoint::npz::{NpzArray, write_npz};
use idgan::checkpoint::{Sources, open};
use idgan::metrics::{Evaluation, Metric};
use image::{Rgb, RgbImage};

fn json(folder: &Path, arguments: &str) -> serde_json::Value {
    serde_json::from_slice(&succeed(folder, arguments).stdout).unwrap()
}

#[test]
fn a_run_folder_keeps_its_results_and_equal_seeds_repeat_them() {
    let folder = id_gan();
    let run = folder.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::copy(folder.path().join("model.safetensors"), run.join("checkpoint.safetensors")).unwrap();
    let ask = "eval run --data color-dsprites --samples 300 --votes 20 --seed 3 --json --metrics";
    let first = json(folder.path(), &format!("{ask} fvm,mig,kl"));
    assert_eq!(first["samples"]["fvm"], 20);
    assert_eq!(first["samples"]["mig"], 300);
    assert_eq!(first["metrics"]["mig"]["parts"].as_array().unwrap().len(), 5);
    assert!(first["metrics"]["kl"]["value"].as_f64().unwrap() > 0.0);
    let again = json(folder.path(), &format!("{ask} fvm"));
    assert_eq!(again["metrics"]["fvm"], first["metrics"]["fvm"]);
    let kept = Evaluation::read(&run.join("eval.json")).unwrap();
    assert_eq!(kept.metrics.keys().copied().collect::<Vec<_>>(), [Metric::Fvm, Metric::Mig, Metric::Kl]);
    assert_eq!(kept.model_hash, first["model_hash"].as_str().unwrap());
    let other =
        json(folder.path(), &ask.replace("--seed 3", "--seed 4").replace("--metrics", "--metrics kl"));
    assert_ne!(other["metrics"]["kl"]["value"], first["metrics"]["kl"]["value"]);
    let kept = Evaluation::read(&run.join("eval.json")).unwrap();
    assert_eq!(kept.metrics.keys().copied().collect::<Vec<_>>(), [Metric::Kl], "other seeds are not mixed");
}

#[test]
fn drawn_pictures_are_read_back_whatever_their_size() {
    let folder = id_gan();
    let result =
        json(folder.path(), "eval model.safetensors --data scenes --samples 20 --metrics r_id --json");
    let score = &result["metrics"]["r_id"];
    let [low, value, high] = ["low", "value", "high"].map(|end| score[end].as_f64().unwrap());
    assert!(low < value && value < high);
    assert_eq!(result["settings"]["r_id"], "drawn by gan, codes from the posterior");
    let by_vae = json(
        folder.path(),
        "eval model.safetensors --data scenes --samples 20 --metrics r_id --decoder vae --json",
    );
    assert_ne!(by_vae["metrics"]["r_id"]["value"].as_f64().unwrap(), value);
}

#[test]
fn fid_with_a_network_that_was_trained_here() {
    let folder = id_gan();
    let train = "train features --data color-dsprites --steps 3 --batch 8 --out features.safetensors";
    let told = String::from_utf8(succeed(folder.path(), train).stdout).unwrap();
    assert!(told.contains("shape") && told.contains("40 classes"), "{told}");
    let ask =
        "eval model.safetensors --data color-dsprites --decoder vae --features features.safetensors --json";
    let gilbo = "--gilbo-steps 3 --gilbo-trainings 2";
    let result = json(folder.path(), &format!("{ask} --metrics fid,gilbo --samples 60 {gilbo}"));
    let value = |metric: &str, end: &str| result["metrics"][metric][end].as_f64().unwrap();
    assert!(value("fid", "value") > 0.0 && value("fid", "low") < value("fid", "high"));
    let trainings = result["metrics"]["gilbo"]["parts"].as_array().unwrap();
    let [one, other] = [0, 1].map(|at| trainings[at]["value"].as_f64().unwrap());
    assert!((value("gilbo", "value") - (one + other) / 2.0).abs() < 1e-9 && one != other);
    // Student's t of two values: 12.706 times half their distance.
    let reach = value("gilbo", "high") - value("gilbo", "value");
    assert!((reach / (12.706 * (one - other).abs() / 2.0) - 1.0).abs() < 1e-6, "{reach}");
    let single = json(
        folder.path(),
        &format!("{ask} --metrics gilbo --samples 60 --gilbo-steps 3 --gilbo-trainings 1"),
    );
    assert_eq!(
        single["metrics"]["gilbo"]["value"], trainings[0]["value"],
        "trainings are alike, however many"
    );
    assert!(single["settings"]["gilbo"].as_str().unwrap().contains("leaves out"), "{single}");
    let warning = result["warnings"][0].as_str().unwrap();
    assert!(warning.contains("60 pictures, not more than the 256 features") && warning.contains("biased"));
    let posterior = json(folder.path(), &format!("{ask} --metrics fid --samples 60 --codes posterior"));
    assert_ne!(posterior["metrics"]["fid"]["value"].as_f64().unwrap(), value("fid", "value"));
    let few = json(folder.path(), &format!("{ask} --metrics fid --samples 12 --out few.json"));
    assert!(few["metrics"]["fid"]["high"].is_null() && few["metrics"]["fid"]["low"].is_f64(), "{few}");
    let few = Evaluation::read(&folder.path().join("few.json")).unwrap();
    assert_eq!(few.metrics[&Metric::Fid].high, f64::MAX);
    let too_few = format!("{ask} --metrics fid,fd_infinity --samples 12");
    fail(
        folder.path(),
        &too_few,
        2,
        "fd_infinity needs 20 real and 20 drawn pictures at least, and would have 12",
    );
    fail(folder.path(), "train features --data images:. --out x.safetensors", 1, "pictures");
}

#[test]
fn total_correlation_says_how_many_posteriors_it_mixes() {
    let folder = id_gan();
    let ask = "eval model.safetensors --data color-dsprites --metrics tc --samples 200 --json";
    let result = json(folder.path(), ask);
    assert_eq!(result["samples"]["tc"], 200);
    let setting = result["settings"]["tc"].as_str().unwrap();
    assert!(setting.contains("mixture of 200 of 737280 posteriors: biased upward"), "{setting}");
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for k in 0..40 {
        RgbImage::from_pixel(64, 64, Rgb([k * 6, 9, 200])).save(photos.join(format!("{k}.png"))).unwrap();
    }
    let result = json(folder.path(), "eval model.safetensors --data images:photos --metrics tc --json");
    assert_eq!(result["settings"]["tc"], "1000 codes, mixture of all 40 posteriors");
    assert!(result["warnings"].is_null() && result["metrics"]["tc"]["value"].is_number(), "{result}");
}

#[test]
fn statistics_of_a_data_set() {
    let folder = id_gan();
    succeed(folder.path(), "stats model.safetensors --data color-dsprites --out measured.safetensors");
    let sources =
        Sources { checkpoint: Some(folder.path().join("measured.safetensors")), ..Sources::default() };
    let stats = open(&sources).unwrap().model.stats.unwrap();
    assert_eq!(stats.mu.shape(), [4096, 3]);
    fail(folder.path(), "stats model.safetensors --data dsprites --out x.safetensors", 1, "grey pictures");
    fail(folder.path(), "stats model.safetensors --out x.safetensors", 2, "--images");
}

/// A file of 300 codes of two factors, of 3 and 4 classes: one a dimension, and noise.
fn write_codes(path: &Path) {
    let classes: Vec<i64> = (0..300).flat_map(|row| [row % 3, (row / 3) % 4]).collect();
    let mut noise = Stream::new(1, "test codes");
    let code = |pair: &[i64]| [pair[0] as f32 + 0.01 * noise.normal(), -2.0 * pair[1] as f32, noise.normal()];
    let mu: Vec<f32> = classes.chunks_exact(2).flat_map(code).collect();
    let mu = Array::new([300, 3], mu).unwrap();
    let logvar = Array::new([300, 3], vec![-3.0; 900]).unwrap();
    let members = [
        ("mu", NpzArray::F32(&mu)),
        ("logvar", NpzArray::F32(&logvar)),
        ("factors", NpzArray::I64(&[300, 2], &classes)),
    ];
    write_npz(path, &members).unwrap();
}

#[test]
fn codes_of_anybody_are_measured_with_every_metric_of_codes() {
    let folder = tempfile::tempdir().unwrap();
    write_codes(&folder.path().join("codes.npz"));
    let result = json(folder.path(), "eval --codes codes.npz --metrics codes --json");
    let value = |metric: &str| result["metrics"][metric]["value"].as_f64().unwrap_or(f64::NAN);
    for metric in ["fvm", "beta_vae", "dci_d", "dci_c", "dci_i", "explicitness", "infoc"] {
        assert!(value(metric) > 0.9 && value(metric) <= 1.0, "{metric}: {}", value(metric));
        let [low, high] = ["low", "high"].map(|end| result["metrics"][metric][end].as_f64().unwrap());
        assert!(low <= value(metric) && value(metric) <= high, "{metric}: {low} to {high}");
    }
    for metric in [
        "mig",
        "modularity",
        "sap",
        "irs",
        "infom",
        "infoe",
        "correlation",
        "kl",
        "tc",
        "gaussian_wc",
        "mean_mi",
    ] {
        assert!(value(metric).is_finite(), "{metric}: {result}");
    }
    assert_eq!(value("active"), 3.0);
    assert_eq!(result["samples"]["sap"], 200, "a third is kept to ask about");
    assert_eq!(result["model_hash"].as_str().unwrap().len(), 64);
    let quick = json(folder.path(), "eval --codes codes.npz --json");
    assert!(quick["metrics"]["dci_d"].is_null() && quick["metrics"]["sap"] == result["metrics"]["sap"]);
    let told = |format: &str| {
        let ask = format!("eval --codes codes.npz --metrics mig,infomec --format {format}");
        String::from_utf8(succeed(folder.path(), &ask).stdout).unwrap()
    };
    assert!(told("csv").starts_with("metric,value,low,high,samples,data,seed,model\nmig,"));
    assert!(told("latex").contains("\nInfoC & $") && told("latex").contains("\\toprule"));
}

#[test]
fn codes_that_lack_something_are_measured_without_it_or_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mu = Array::new([40, 2], (0..80).map(|value| (value % 7) as f32).collect()).unwrap();
    write_npz(&folder.path().join("bare.npz"), &[("mu", NpzArray::F32(&mu))]).unwrap();
    let result = json(folder.path(), "eval --codes bare.npz --metrics all --json");
    let metrics: Vec<&String> = result["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(metrics, ["active", "gaussian_tc", "gaussian_wc", "mean_mi"]);
    for (ask, words) in [
        ("eval --codes bare.npz --metrics sap", "sap compares codes with the true factors"),
        ("eval --codes bare.npz --metrics codes,kl", "have no array logvar"),
        ("eval --codes bare.npz --metrics fid", "fid needs a model with its networks"),
        ("eval model.safetensors --codes bare.npz", "leave the model and --data out"),
        ("eval --codes bare.npz --data dsprites", "leave the model and --data out"),
        ("eval --codes bare.txt", "expected prior, posterior, or a file of codes"),
    ] {
        fail(folder.path(), ask, 2, words);
    }
    fail(folder.path(), "eval --codes none.npz", 1, "none.npz");
    std::fs::write(folder.path().join("text.npz"), "mu").unwrap();
    fail(folder.path(), "eval --codes text.npz", 1, "text.npz");
}

#[test]
fn models_that_agree_are_ranked_above_one_that_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(2, "test codes");
    let hidden: Vec<[f32; 3]> = (0..800).map(|_| [(); 3].map(|()| stream.normal())).collect();
    let turns: [fn([f32; 3]) -> [f32; 3]; 3] =
        [|c| c, |[a, b, c]| [c, -a, b], |[a, b, c]| [a + b, a - b, b + c]];
    for (name, turn) in ["one", "two", "odd"].into_iter().zip(turns) {
        let mu = Array::new([800, 3], hidden.iter().flat_map(|&code| turn(code)).collect()).unwrap();
        write_npz(&folder.path().join(format!("{name}.npz")), &[("mu", NpzArray::F32(&mu))]).unwrap();
    }
    let result = json(folder.path(), "udr one.npz two.npz odd.npz --json");
    let value = |at: usize| result["models"][at]["value"].as_f64().unwrap();
    assert!(value(0) > value(2) + 0.1 && (value(0) - value(1)).abs() < 0.1, "{result}");
    assert_eq!(result["samples"], 800);
    let text = String::from_utf8(succeed(folder.path(), "udr one.npz two.npz").stdout).unwrap();
    assert!(text.contains("95 % interval") && text.contains("two.npz"), "{text}");
    fail(folder.path(), "udr one.npz", 2, "2 values required");
}

#[test]
fn nonsense_is_refused_in_words() {
    let folder = id_gan();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for k in 0..3 {
        RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8 * k, y as u8, 9]))
            .save(photos.join(format!("{k}.png")))
            .unwrap();
    }
    let refused = |arguments: &str, words: &str| {
        fail(folder.path(), &format!("eval model.safetensors {arguments}"), 2, words);
    };
    refused("--metrics kl", "--data SPEC");
    refused(
        "--data dsprites",
        "the encoder takes colour pictures of 64x64, and dsprites has grey pictures of 64x64",
    );
    refused("--data images:photos --metrics mig", "those of images:photos are not known");
    refused("--data images:photos --metrics fid", "--inception FILE");
    refused("--data scenes --metrics elbo", "known are fvm, mig");
    let alone = info_gan();
    fail(alone.path(), "eval model.safetensors --data dsprites --metrics mig", 2, "has no VAE");
    fail(alone.path(), "eval model.safetensors --data dsprites --metrics r_id", 2, "has no VAE");
}
