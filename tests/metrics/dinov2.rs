//! DINOv2's features against PyTorch's, of a small one with made-up weights (`scripts/make-dinov2-reference`).

use std::path::{Path, PathBuf};

use candle_core::Device;
use idgan::base::{Array, Arrays, Pool};
use idgan::checkpoint::{Precision, write_tensors};
use idgan::metrics::{DinoV2Features, Features};

use crate::common::largest_difference;
use crate::common::made::made;

const DIMS: usize = 128;

/// The weights that the script makes.
fn weights() -> Arrays {
    let mut all = Arrays::new();
    let mut add = |name: String, shape: &[usize], scale: f64, shift: f64| {
        let array = made(&name, shape, scale, shift);
        all.insert(name, array);
    };
    let mut layer = |name: &str, shape: &[usize]| {
        let inputs: usize = shape[1..].iter().product();
        add(format!("{name}.weight"), shape, (12.0 / inputs as f64).sqrt(), 0.0);
        add(format!("{name}.bias"), &shape[..1], 0.2, 0.0);
    };
    layer("patch_embed.proj", &[DIMS, 3, 14, 14]);
    for i in 0..2 {
        layer(&format!("blocks.{i}.attn.qkv"), &[3 * DIMS, DIMS]);
        layer(&format!("blocks.{i}.attn.proj"), &[DIMS, DIMS]);
        layer(&format!("blocks.{i}.mlp.fc1"), &[4 * DIMS, DIMS]);
        layer(&format!("blocks.{i}.mlp.fc2"), &[DIMS, 4 * DIMS]);
    }
    let blocks = [0, 1].map(|i| [format!("blocks.{i}.norm1"), format!("blocks.{i}.norm2")]);
    for name in blocks.iter().flatten().map(String::as_str).chain(["norm"]) {
        add(format!("{name}.weight"), &[DIMS], 0.5, 1.0);
        add(format!("{name}.bias"), &[DIMS], 0.2, 0.0);
    }
    for name in ["blocks.0.ls1", "blocks.0.ls2", "blocks.1.ls1", "blocks.1.ls2"] {
        add(format!("{name}.gamma"), &[DIMS], 0.5, 0.6);
    }
    add("pos_embed".into(), &[1, 1 + 37 * 37, DIMS], 1.0, 0.0);
    add("cls_token".into(), &[1, 1, DIMS], 1.0, 0.0);
    add("mask_token".into(), &[1, DIMS], 1.0, 0.0);
    all
}

fn written(folder: &Path, name: &str, weights: &Arrays) -> PathBuf {
    let path = folder.join(name);
    let named: Vec<_> = weights.iter().map(|(name, array)| (name.clone(), array, Precision::F32)).collect();
    write_tensors(&path, &named, ("note", "")).unwrap();
    path
}

#[test]
fn features_are_those_of_pytorch() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/dinov2.json");
    let expected: Vec<Vec<f32>> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let expected = expected.concat();
    let (folder, pool) = (tempfile::tempdir().unwrap(), Pool::new("test", 2).unwrap());
    let path = written(folder.path(), "small.safetensors", &weights());
    let mut features = DinoV2Features::read(&path, &Device::Cpu, &pool).unwrap();
    assert_eq!(features.dims(), DIMS);
    assert_eq!(features.name(), "128 features of DINOv2 2 blocks (small.safetensors)");
    let pictures = made("pictures", &[2, 3, 40, 30], 1.0, 0.5);
    let ours = features.extract(pictures.data(), [3, 40, 30]).unwrap();
    let apart = largest_difference(&ours, &expected);
    assert!(apart < 5e-3, "{apart}: {ours:?} against {expected:?}");
    assert!(largest_difference(&ours[..DIMS], &ours[DIMS..]) > 0.05, "pictures differ in their features");
}

#[test]
fn other_weights_are_refused_and_the_files_that_are_wanted_are_named() {
    let (folder, pool) = (tempfile::tempdir().unwrap(), Pool::new("test", 1).unwrap());
    let changed = |name: &str, change: &dyn Fn(&mut Arrays)| {
        let mut weights = weights();
        change(&mut weights);
        written(folder.path(), name, &weights)
    };
    let registers = changed("registers.safetensors", &|weights| {
        weights.insert("register_tokens".into(), Array::zeros([1, 4, DIMS]));
    });
    let giant = changed("giant.safetensors", &|weights| drop(weights.remove("blocks.0.mlp.fc1.weight")));
    let wide = changed("wide.safetensors", &|weights| {
        weights.insert("patch_embed.proj.weight".into(), Array::zeros([DIMS, 3, 16, 16]));
    });
    let small = changed("small.safetensors", &|weights| {
        weights.insert("pos_embed".into(), Array::zeros([1, 257, DIMS]));
    });
    let inception = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/inception/sixteenth.pth");
    for (path, expected) in [
        (&registers, "DINOv2 with registers"),
        (&giant, "they have no blocks.0.mlp.fc1.weight"),
        (&wide, "which no DINOv2 with patches of 14 pixels has"),
        (&small, "pos_embed has the shape [1, 257, 128] and not [1, 1370, 128]"),
        (&inception, "it has no tensor `patch_embed.proj.weight`"),
    ] {
        let message = DinoV2Features::read(path, &Device::Cpu, &pool).err().unwrap().to_string();
        assert!(message.contains(expected) && message.contains("dinov2_vitl14_pretrain.pth"), "{message}");
        assert!(message.ends_with(path.file_name().unwrap().to_str().unwrap()), "{message}");
    }
}
