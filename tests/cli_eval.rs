//! `idgan eval`: what it prints, keeps and refuses.
#![allow(clippy::unwrap_used, reason = "test code")]

mod toy;

use std::path::Path;

use idgan::metrics::{Evaluation, Metric};
use image::{Rgb, RgbImage};
use toy::{fail, id_gan, info_gan, succeed};

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
    refused("--data scenes --metrics fid", "--inception FILE");
    refused("--data scenes --metrics sap", "known are fvm, mig");
    let alone = info_gan();
    fail(alone.path(), "eval model.safetensors --data dsprites --metrics mig", 2, "has no VAE");
    fail(alone.path(), "eval model.safetensors --data dsprites --metrics r_id", 2, "has no VAE");
}
