//! DINOv2's features, which tell pictures as people do better than Inception's (Stein et al. 2023: FD-DINOv2).

use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::base::Pool;
use crate::explore::resample::{Filter, resized};
use crate::inference::{Footprint, MemoryBudget};
use crate::nets::DinoV2;

use super::published_network::published_network;
use super::{Features, MetricError};

/// Pictures that a processor describes at once.
const BATCH: usize = 8;
/// Which file is wanted.
const WANTED: &str = "FD-DINOv2 is computed with dinov2_vitl14_pretrain.pth, and more quickly with dinov2_vitb14_pretrain.pth or dinov2_vits14_pretrain.pth, which facebookresearch/dinov2 publishes";
/// Mean and deviation of ImageNet's channels.
const IMAGENET: [[f32; 2]; 3] = [[0.485, 0.229], [0.456, 0.224], [0.406, 0.225]];

/// A vision transformer of DINOv2.
pub struct DinoV2Features {
    net: DinoV2,
    name: String,
    device: Device,
    pool: Pool,
}

impl DinoV2Features {
    /// Reads published weights (`dinov2_vit{s,b,l}14_pretrain.pth`), in any file of weights.
    ///
    /// # Errors
    /// When the file cannot be read or holds other weights.
    pub fn read(path: &Path, device: &Device, pool: &Pool) -> Result<Self, MetricError> {
        let build = |weights: &_| DinoV2::new(weights, device);
        let (net, name) = published_network(path, "patch_embed.proj.weight", WANTED, build)?;
        Ok(Self { net, name, device: device.clone(), pool: pool.clone() })
    }
}

impl Features for DinoV2Features {
    fn name(&self) -> String {
        let size = match (self.net.dims(), self.net.depth()) {
            (384, 12) => "ViT-S/14".to_owned(),
            (768, 12) => "ViT-B/14".to_owned(),
            (1024, 24) => "ViT-L/14".to_owned(),
            (_, depth) => format!("{depth} blocks"),
        };
        format!("{} features of DINOv2 {size} ({})", self.dims(), self.name)
    }

    fn dims(&self) -> usize {
        self.net.dims()
    }

    fn batch(&self) -> usize {
        if self.device.is_cpu() {
            return BATCH;
        }
        let tokens = 257 * 4 * self.net.dims() as u64;
        MemoryBudget::of(&self.device).pictures(Footprint::of_layer(tokens, 3 * 224 * 224))
    }

    /// Grey pictures count as colour pictures of three equal channels.
    fn extract(
        &mut self,
        pictures: &[f32],
        [channels, height, width]: [usize; 3],
    ) -> Result<Vec<f32>, MetricError> {
        let rows = pictures.len() / (channels * height * width).max(1);
        let described = self.pool.run(|| -> candle_core::Result<Vec<f32>> {
            let prepared = prepared(pictures, channels, [height, width]);
            let shape = (rows, 3, DinoV2::SIDE, DinoV2::SIDE);
            self.net.features(&Tensor::from_vec(prepared, shape, &self.device)?)?.flatten_all()?.to_vec1()
        })?;
        Ok(described)
    }
}

/// Pictures `(N, channels, height, width)` in [0, 1] as `(N, 3, 224, 224)`: rounded to 8 bits, resized by Pillow's bicubic filter,
/// which rounds after either direction, and brought to ImageNet's mean and deviation. Runs on the rayon pool that it is called in.
fn prepared(pictures: &[f32], channels: usize, [height, width]: [usize; 2]) -> Vec<f32> {
    let side = DinoV2::SIDE;
    let rounded =
        |plane: &mut Vec<f32>| plane.iter_mut().for_each(|value| *value = value.round().clamp(0.0, 255.0));
    let of_plane = |plane: &[f32]| {
        let mut bytes: Vec<f32> = plane.iter().map(|value| value * 255.0).collect();
        rounded(&mut bytes);
        let mut narrow = resized(&bytes, [height, width], [height, side], Filter::Bicubic);
        rounded(&mut narrow);
        let mut small = resized(&narrow, [height, side], [side, side], Filter::Bicubic);
        rounded(&mut small);
        small
    };
    let of_picture = |picture: &[f32]| {
        let planes: Vec<Vec<f32>> = picture.chunks_exact(height * width).map(of_plane).collect();
        let of_channel = |(channel, [mean, deviation]): (usize, [f32; 2])| {
            let plane = &planes[channel.min(channels - 1)];
            plane.iter().map(move |value| (value / 255.0 - mean) / deviation).collect::<Vec<f32>>()
        };
        IMAGENET.into_iter().enumerate().flat_map(of_channel).collect::<Vec<f32>>()
    };
    pictures.par_chunks_exact((channels * height * width).max(1)).flat_map_iter(of_picture).collect()
}
