//! Inception's features against PyTorch's, at a sixteenth of the width with random weights
//! (`scripts/make-inception-reference`).

use std::path::Path;

use crate::common::largest_difference;
use candle_core::Device;
use idgan::base::{Array, Arrays, Pool};
use idgan::checkpoint::{Precision, read_state_dict, write_tensors};
use idgan::metrics::{Features, InceptionFeatures, InceptionResize};

/// Two colour pictures of 40x40.
const PICTURES: usize = 2 * 3 * 40 * 40;

#[test]
fn features_are_those_of_pytorch_from_either_format() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/inception");
    let bytes = std::fs::read(folder.join("pictures_features.f32")).unwrap();
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let (pictures, expected) = values.split_at(PICTURES);
    let pool = Pool::new("test", 2).unwrap();
    let mut features = InceptionFeatures::read(
        &folder.join("sixteenth.pth"),
        InceptionResize::Bilinear,
        &Device::Cpu,
        &pool,
    )
    .unwrap();
    assert_eq!(features.dims(), 128);
    let ours = features.extract(pictures, [3, 40, 40]).unwrap();
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!(largest_difference(&ours, expected) < 1e-3 * largest.min(1.0), "{ours:?} against {expected:?}");
    assert!(
        largest_difference(&ours[..128], &ours[128..]) > 0.01 * largest,
        "pictures differ in their features"
    );

    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("inception.safetensors");
    let weights = read_state_dict(&folder.join("sixteenth.pth"), "Conv2d_1a_3x3.conv.weight").unwrap();
    let named: Vec<_> = weights.iter().map(|(name, array)| (name.clone(), array, Precision::F32)).collect();
    write_tensors(&path, &named, ("note", "")).unwrap();
    let mut again = InceptionFeatures::read(&path, InceptionResize::Bilinear, &Device::Cpu, &pool).unwrap();
    assert_eq!(again.extract(pictures, [3, 40, 40]).unwrap(), ours);
}

#[test]
fn other_weights_are_refused_and_the_file_that_is_wanted_is_named() {
    let (folder, temporary) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files"), tempfile::tempdir().unwrap());
    let pool = Pool::new("test", 1).unwrap();
    let refused = |path: &Path| {
        InceptionFeatures::read(path, InceptionResize::Bilinear, &Device::Cpu, &pool)
            .err()
            .unwrap()
            .to_string()
    };
    let weights =
        read_state_dict(&folder.join("inception/sixteenth.pth"), "Conv2d_1a_3x3.conv.weight").unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut Arrays)| {
        let path = temporary.path().join(name);
        let mut weights = weights.clone();
        change(&mut weights);
        let named: Vec<_> =
            weights.iter().map(|(name, array)| (name.clone(), array, Precision::F32)).collect();
        write_tensors(&path, &named, ("note", "")).unwrap();
        path
    };
    let classes = |count| Array::zeros([count, 128]);
    let torchvision = changed("torchvision.safetensors", &|weights| {
        weights.insert("fc.weight".into(), classes(1000));
        weights.insert("AuxLogits.conv0.conv.weight".into(), Array::zeros([8, 48, 1, 1]));
    });
    let timm =
        changed("timm.safetensors", &|weights| drop(weights.insert("fc.weight".into(), classes(1000))));
    let bare = changed("bare.safetensors", &|weights| drop(weights.remove("fc.weight")));
    let resnet = changed("resnet.safetensors", &|weights| {
        weights.clear();
        for name in ["conv1", "layer1.0.conv1", "layer4.0.conv1"] {
            weights.insert(format!("module.{name}.weight"), Array::zeros([4, 3, 3, 3]));
        }
    });
    for (path, expected) in [
        (&torchvision, "`AuxLogits`"),
        (&timm, "1000 classes"),
        (&bare, "have no `fc`"),
        (&resnet, "look like a ResNet of torchvision"),
        (&folder.join("tiny_model.pt"), "are networks of ID-GAN"),
        (&folder.join("views.pt"), "its tensors are `whole`"),
    ] {
        let message = refused(path);
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("FID is computed with pt_inception-2015-12-05-6726825d.pth"), "{message}");
        assert!(message.ends_with(path.file_name().unwrap().to_str().unwrap()), "{message}");
    }
}
