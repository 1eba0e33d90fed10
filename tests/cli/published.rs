//! A VAE that somebody else has published, from its own file to a bundle.

use std::path::Path;

use idgan::base::PixelRange;
use idgan::checkpoint::{Sources, open};
use idgan::model::ModelDescription;

use crate::toy::{fail, idgan, succeed};

/// A folder with a checkpoint of PyTorch Lightning.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/published/lightning.ckpt");
    std::fs::copy(file, folder.path().join("last.ckpt")).unwrap();
    folder
}

fn described(path: &Path) -> ModelDescription {
    open(&Sources { checkpoint: Some(path.to_owned()), ..Sources::default() }).unwrap().model.description
}

#[test]
fn what_its_file_does_not_say_is_said_and_kept_in_a_bundle() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let warned = |arguments: &str| {
        let stderr = String::from_utf8(succeed(folder.path(), arguments).stderr).unwrap();
        stderr.lines().filter(|line| line.contains("say otherwise by --pixels")).count()
    };
    assert_eq!(warned("traverse last.ckpt --dims 0,1 --steps 3 --out rows.png"), 1);
    assert_eq!(warned("sample last.ckpt --pixels signed --count 1 --out samples"), 0);
    assert_eq!(warned("convert last.ckpt --out guessed.safetensors"), 1);
    assert_eq!(
        warned("convert last.ckpt --pixels signed --trained-on celeba:/faces --out said.safetensors"),
        0
    );
    let said = described(&path("said.safetensors"));
    assert_eq!(said.published().map(|vae| vae.range), Some(PixelRange::Signed));
    assert_eq!(said.data.as_deref(), Some("celeba:/faces"));
    let guessed = described(&path("guessed.safetensors"));
    assert_eq!((guessed.published().map(|vae| vae.range), guessed.data), (Some(PixelRange::Unit), None));
    assert_eq!(warned("sample guessed.safetensors --count 1 --out more"), 0);

    let shown = idgan(folder.path()).args(["inspect", "last.ckpt", "said.safetensors"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = "VAE of PyTorch-VAE (AntixK), vanilla or beta, 64x64, RGB, z of 5 dimensions; ";
    assert_eq!(shown.matches(line).count(), 2, "{shown}");
}

#[test]
fn what_it_says_or_cannot_be_is_refused() {
    let folder = folder();
    let refuse = |arguments: &str, code, words| fail(folder.path(), arguments, code, words);
    succeed(folder.path(), "convert last.ckpt --trained-on celeba:/faces --out kept.safetensors");
    refuse("sample last.ckpt --pixels logits --count 1 --out x", 1, "gives signed or unit");
    refuse("sample kept.safetensors --pixels unit --count 1 --out x", 1, "leave --pixels out");
    refuse("sample --vae last.ckpt --count 1 --out x", 1, "open it by itself, without --vae");
    refuse("convert last.ckpt --trained-on nowhere --out x.safetensors", 2, "no data set called \"nowhere\"");
    refuse(
        "convert kept.safetensors --trained-on cars:/c --out x.safetensors",
        1,
        "trained on celeba:/faces",
    );
    refuse("convert last.ckpt --to pytorch --out x", 1, "no network that published code loads");
}
