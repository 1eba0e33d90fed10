//! Inception V3's features, which FID is usually computed with.

use std::path::Path;
use std::str::FromStr;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::base::{Arrays, Pool};
use crate::explore::resample::{Filter, resized};
use crate::inference::{Footprint, MemoryBudget};
use crate::nets::Inception;

use super::published_network::published_network;
use super::{Features, MetricError};

/// Pictures that a processor describes at once.
const BATCH: usize = 8;
/// Values of a picture as the network takes it, and of its largest map.
const PICTURE: u64 = 3 * 299 * 299;
const LARGEST_MAP: u64 = 64 * 147 * 147;

/// Which file is wanted.
const WANTED: &str = "FID is computed with pt_inception-2015-12-05-6726825d.pth, which pytorch-fid publishes (README, Measure a model)";
/// Classes that FID's network was trained on. torchvision's and timm's know 1000.
const CLASSES: usize = 1008;

/// Checks by the classifier and the branch beside it which training the weights of an Inception V3 come from: the
/// layers that make the features have the same names and shapes in all of them.
fn check_training(weights: &Arrays) -> Result<(), String> {
    let another = |sign: &str| {
        Err(format!(
            "these are weights of Inception V3 from another training, torchvision's or timm's ({sign}; FID's network has `fc` \
             with {CLASSES} classes and no `AuxLogits`), with which distances are no FID"
        ))
    };
    if weights.keys().any(|name| name.starts_with("AuxLogits.")) {
        return another("they have `AuxLogits`");
    }
    match weights.get("fc.weight").map(|fc| fc.shape()) {
        Some([CLASSES, _]) => Ok(()),
        Some([classes, _]) => another(&format!("their `fc` has {classes} classes")),
        _ => another("they have no `fc`, by which FID's are known"),
    }
}

/// How pictures are brought to the size that Inception takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InceptionResize {
    /// Bilinear samples without antialiasing, as the first computations of FID and pytorch-fid have it.
    #[default]
    Bilinear,
    /// Cubic and antialiased, of pictures of 8 bits, as clean-fid has it (Parmar et al. 2022).
    Clean,
}

impl FromStr for InceptionResize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bilinear" => Ok(Self::Bilinear),
            "clean" => Ok(Self::Clean),
            _ => Err("expected bilinear or clean".to_owned()),
        }
    }
}

/// Inception V3 in the variant of FID.
pub struct InceptionFeatures {
    net: Inception,
    name: String,
    resize: InceptionResize,
    device: Device,
    pool: Pool,
}

impl InceptionFeatures {
    /// Reads the weights that FID is computed with (`pt_inception-2015-12-05-6726825d.pth`), in any file of weights.
    ///
    /// # Errors
    /// When the file cannot be read or holds other weights, among them those that torchvision and timm have for a network
    /// of the same name: distances in their features are no FID.
    pub fn read(
        path: &Path,
        resize: InceptionResize,
        device: &Device,
        pool: &Pool,
    ) -> Result<Self, MetricError> {
        let (net, name) = published_network(path, "Conv2d_1a_3x3.conv.weight", WANTED, |weights| {
            check_training(weights)?;
            Inception::new(weights, device).map_err(|error| error.to_string())
        })?;
        Ok(Self { net, name, resize, device: device.clone(), pool: pool.clone() })
    }
}

impl Features for InceptionFeatures {
    fn name(&self) -> String {
        let resized = match self.resize {
            InceptionResize::Bilinear => "",
            InceptionResize::Clean => ", antialiased as clean-fid",
        };
        format!("{} features of Inception V3 ({}{resized})", self.dims(), self.name)
    }

    fn dims(&self) -> usize {
        self.net.dims()
    }

    fn batch(&self) -> usize {
        if self.device.is_cpu() {
            return BATCH;
        }
        MemoryBudget::of(&self.device).pictures(Footprint::of_layer(LARGEST_MAP, PICTURE))
    }

    /// Grey pictures count as colour pictures of three equal channels.
    fn extract(
        &mut self,
        pictures: &[f32],
        [channels, height, width]: [usize; 3],
    ) -> Result<Vec<f32>, MetricError> {
        let rows = pictures.len() / (channels * height * width).max(1);
        let described = self.pool.run(|| -> candle_core::Result<Vec<f32>> {
            let prepared;
            let (pictures, [height, width]) = match self.resize {
                InceptionResize::Bilinear => (pictures, [height, width]),
                InceptionResize::Clean => {
                    prepared = clean(pictures, [height, width]);
                    (prepared.as_slice(), [Inception::SIDE; 2])
                }
            };
            let mut x = Tensor::from_slice(pictures, (rows, channels, height, width), &self.device)?;
            if channels == 1 {
                x = Tensor::cat(&[&x, &x, &x], 1)?;
            }
            let features = match self.resize {
                InceptionResize::Bilinear => self.net.features(&x)?,
                InceptionResize::Clean => self.net.of_prepared(&x)?,
            };
            features.flatten_all()?.to_vec1()
        })?;
        Ok(described)
    }
}

/// Planes of `(height, width)` in [0, 1] as clean-fid brings them to Inception: rounded to 8 bits, resized, and less 128 in units
/// of 128. Runs on the rayon pool that it is called in.
fn clean(planes: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let of_plane = |plane: &[f32]| {
        let bytes: Vec<f32> = plane.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round()).collect();
        let mut plane = resized(&bytes, [height, width], [Inception::SIDE; 2], Filter::Bicubic);
        plane.iter_mut().for_each(|value| *value = (*value - 128.0) / 128.0);
        plane
    };
    planes.par_chunks_exact((height * width).max(1)).flat_map_iter(of_plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Array;

    #[test]
    fn only_the_training_of_fid_will_do() {
        let with = |named: &[(&str, [usize; 2])]| -> Arrays {
            named.iter().map(|&(name, shape)| (name.to_owned(), Array::zeros(shape))).collect()
        };
        assert_eq!(check_training(&with(&[("fc.weight", [1008, 2048])])), Ok(()));
        for (weights, expected) in [
            (with(&[("fc.weight", [1000, 2048])]), "1000 classes"),
            (with(&[("fc.weight", [1001, 2048])]), "1001 classes"),
            (with(&[("fc.weight", [1008, 2048]), ("AuxLogits.fc.weight", [1000, 768])]), "`AuxLogits`"),
            (with(&[("Mixed_7c.x", [1, 1])]), "have no `fc`"),
        ] {
            let message = check_training(&weights).expect_err(expected);
            assert!(message.contains(expected), "{message}");
        }
    }
}
