//! The network of the sprites' factors that comes with the program.

use std::path::Path;

use candle_core::Device;
use idgan::base::{Pool, Stream};
use idgan::data::{self, DrawingVersion, OpenOptions};
use idgan::metrics::{FactorFeatures, FactorNetwork, Features, MomentSums};

#[test]
fn its_features_vary_by_one_and_tell_sprites_from_noise() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/features-dsprites.safetensors");
    let network = FactorNetwork::read(&path).unwrap();
    assert_eq!(FactorNetwork::bundled("dsprites:file.npz").unwrap().unwrap().task, network.task);
    let scenes = FactorNetwork::bundled("scenes:50000").unwrap().unwrap().task;
    assert_eq!((scenes.channels, scenes.factors.len()), (3, 6));
    assert!(FactorNetwork::bundled("images:folder").is_none());
    let pool = Pool::new("test", 2).unwrap();
    let mut features = FactorFeatures::new(&network, &Device::Cpu, &pool).unwrap();
    let sprites = data::open("dsprites", None, &OpenOptions::default()).unwrap();
    let mut stream = Stream::new(5, "pictures");
    let mut describe = |noise: f32| {
        let mut described = Vec::new();
        let mut pictures = vec![0.0; 64 * 64 * 64];
        for _ in 0..16 {
            for picture in pictures.chunks_mut(64 * 64) {
                sprites.read(stream.below(sprites.len()), 0, picture).unwrap();
                picture
                    .iter_mut()
                    .for_each(|value| *value = (*value + noise * stream.normal()).clamp(0.0, 1.0));
            }
            described.extend(features.extract(&pictures, [1, 64, 64]).unwrap());
        }
        described
    };
    let [clean, again, noisy] = [0.0, 0.0, 0.3].map(&mut describe);
    let dims = 256;
    let variance = |feature: usize| {
        let column: Vec<f64> =
            clean.iter().skip(feature).step_by(dims).map(|&value| f64::from(value)).collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / column.len() as f64
    };
    let spread = (0..dims).map(variance).sum::<f64>() / dims as f64;
    // It is one over the pictures that the network was trained on, which may have been drawn otherwise.
    let is_of_these = network.task.drawing == DrawingVersion::of("dsprites");
    assert!((spread - 1.0).abs() < if is_of_these { 0.1 } else { 0.5 }, "mean variance {spread}");
    let moments = |described: &[f32]| {
        let mut sums = MomentSums::new(dims);
        sums.add(described);
        sums.take()
    };
    let same = moments(&clean).distance(&moments(&again)).unwrap();
    let different = moments(&clean).distance(&moments(&noisy)).unwrap();
    assert!(different > 3.0 * same, "{different} against {same}");
}
