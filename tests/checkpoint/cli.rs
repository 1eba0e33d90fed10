//! `idgan inspect` and `idgan convert` as a person calls them: output, one-sentence errors, exit codes.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::made::vae_file;
use assert_cmd::Command;
use idgan::base::Array;
use idgan::checkpoint::npz::{NpzArray, write_npz};
use idgan::checkpoint::{Sources, open};
use idgan::nets::VaeConfig;

/// The VAE of the sprites.
const VAE: VaeConfig = VaeConfig { channels: 1, c_dim: 10 };

fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name).display().to_string()
}

fn idgan(arguments: &[&str]) -> Output {
    Command::cargo_bin("idgan").unwrap().args(arguments).output().unwrap()
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard error of a call that must fail with `code` and one line.
fn failure(arguments: &[&str], code: i32) -> String {
    let output = idgan(arguments);
    let error = shown(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    error
}

fn file(folder: &tempfile::TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    (path.clone(), path.display().to_string())
}

#[test]
fn inspect_says_what_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let vae = vae_file(folder.path(), VAE).display().to_string();
    let output = idgan(&["inspect", &data("tiny_model.legacy.pt"), &vae]);
    let text = shown(&output.stdout);
    assert!(output.status.success() && output.stderr.is_empty());
    for expected in [
        "PyTorch (before 1.6)",
        "resnet, 8x8, RGB, 2 to 4 feature maps, z of 5 dimensions",
        "gan iteration: 41",
        "gan optimisers: true",
        "VAE            64x64, grey, c of 10 dimensions; 763,285 parameters in 24 tensors",
        "vae optimiser: false",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let output = idgan(&["inspect", "--json", &data("tiny_model.pt")]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json[0]["generator"]["architecture"]["trunk"]["nfilter_max"], 4);
    assert_eq!(json[0]["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    let output = idgan(&["inspect", "/nonexistent", &data("tiny_model.pt")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(shown(&output.stdout).contains("8x8"));
    assert_eq!(shown(&output.stderr), "error: no such file; check the spelling: /nonexistent\n");
}

#[test]
fn convert_goes_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, bundle_text) = file(&folder, "x.safetensors");
    let output =
        idgan(&["convert", "--gan", &data("tiny_model_bare.pt"), "--c-dim", "2", "--out", &bundle_text]);
    assert!(output.status.success());
    assert_eq!(shown(&output.stdout).trim(), bundle_text);
    assert!(shown(&output.stderr).starts_with("warning: it has no `generator_test`"));
    let full = std::fs::metadata(&bundle).unwrap().len();
    let (half, half_text) = file(&folder, "half.safetensors");
    assert!(idgan(&["convert", &bundle_text, "--f16", "--out", &half_text]).status.success());
    assert!(std::fs::metadata(&half).unwrap().len() < full);
    let (exported, exported_text) = file(&folder, "exported");
    let output =
        idgan(&["convert", "--checkpoint", &bundle_text, "--to", "pytorch", "--out", &exported_text]);
    assert!(output.status.success(), "{}", shown(&output.stderr));
    assert!(exported.join("model.pt").is_file() && !exported.join("last").exists());
    let shown_again = shown(&idgan(&["inspect", &format!("{exported_text}/model.pt")]).stdout);
    assert!(shown_again.contains("gan iteration: 41") && shown_again.contains("gan optimisers: false"));
}

#[test]
fn a_bundle_keeps_the_codes_that_it_opens_with() {
    let folder = tempfile::tempdir().unwrap();
    let (path, codes) = file(&folder, "codes.npz");
    let c = Array::new([2, 2], vec![0.0, 0.0, 1.0, -2.0]).unwrap();
    write_npz(&path, &[("c", NpzArray::F32(&c))]).unwrap();
    let (bundle, out) = file(&folder, "opening.safetensors");
    let gan = data("tiny_model.pt");
    let words = ["convert", "--gan", &gan, "--c-dim", "2", "--opening", &codes, "--row", "1", "--out", &out];
    assert!(idgan(&words).status.success());
    let description =
        open(&Sources { checkpoint: Some(bundle), ..Sources::default() }).unwrap().model.description;
    assert_eq!(description.block("c").unwrap().opening, [1.0, -2.0]);
    assert!(description.block("s").unwrap().opening.is_empty());
}

#[test]
fn failures_are_one_sentence_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (out, out_text) = file(&folder, "x.safetensors");
    let (_, missing) = file(&folder, "missing/x.safetensors");
    let vae = vae_file(&folder.path().join("vae"), VAE).display().to_string();
    let gan = data("tiny_model.pt");
    let (path, codes) = file(&folder, "codes.npz");
    let c = Array::new([1, 3], vec![0.0, 1.0, 2.0]).unwrap();
    write_npz(&path, &[("c", NpzArray::F32(&c))]).unwrap();
    for (arguments, code, expected) in [
        (vec!["convert", "--out", &out_text], 2, "no model is named"),
        (vec!["convert", &gan, "--out", "x.pt"], 2, "a bundle ends in .safetensors"),
        (vec!["convert", &vae, "--labels", "10=far", "--out", &out_text], 2, "has 10 dimensions"),
        (vec!["convert", &vae, "--row", "1", "--out", &out_text], 2, "--opening <FILE>"),
        (
            vec!["convert", &vae, "--opening", &codes, "--out", &out_text],
            1,
            "has shape (1, 3), but this model takes (N, 10)",
        ),
        (vec!["convert", &gan, "--f16", "--to", "pytorch", "--out", &out_text], 2, "--f16 is for bundles"),
        (vec!["convert", "--vae", &vae, "--gan", &gan, "--out", &out_text], 1, "were not trained together"),
        (vec!["convert", "--vae", &gan, "--out", &out_text], 1, "goes with --gan"),
        (vec!["convert", &gan, "--out", &missing], 1, "missing does not exist; create it first"),
        (vec!["inspect"], 2, "FILE"),
    ] {
        let error = failure(&arguments, code);
        assert!(error.contains(expected), "{arguments:?}: {error}");
        if code == 1 {
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
    assert!(!out.exists());
}
