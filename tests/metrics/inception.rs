//! Inception's features against PyTorch's, at a sixteenth of the width with random weights
//! (`scripts/make-inception-reference`).

use std::path::Path;

use crate::common::largest_difference;
use candle_core::Device;
use idgan::base::Pool;
use idgan::checkpoint::{Precision, read_state_dict, write_tensors};
use idgan::metrics::{Features, InceptionFeatures};

/// Two colour pictures of 40x40.
const PICTURES: usize = 2 * 3 * 40 * 40;

#[test]
fn features_are_those_of_pytorch_from_either_format() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/inception");
    let bytes = std::fs::read(folder.join("pictures_features.f32")).unwrap();
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let (pictures, expected) = values.split_at(PICTURES);
    let pool = Pool::new("test", 2).unwrap();
    let mut features = InceptionFeatures::read(&folder.join("sixteenth.pth"), &Device::Cpu, &pool).unwrap();
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
    let weights = read_state_dict(&folder.join("sixteenth.pth")).unwrap();
    let named: Vec<_> = weights.iter().map(|(name, array)| (name.clone(), array, Precision::F32)).collect();
    write_tensors(&path, &named, ("note", "")).unwrap();
    let mut again = InceptionFeatures::read(&path, &Device::Cpu, &pool).unwrap();
    assert_eq!(again.extract(pictures, [3, 40, 40]).unwrap(), ours);
}

#[test]
fn other_weights_are_refused_by_the_name_that_is_missing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/views.pt");
    let pool = Pool::new("test", 1).unwrap();
    let refused = InceptionFeatures::read(&path, &Device::Cpu, &pool).err().unwrap().to_string();
    assert!(refused.ends_with("views.pt"), "{refused}");
}
