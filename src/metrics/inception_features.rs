//! Inception V3's features, which FID is usually computed with.

use std::path::Path;

use candle_core::{Device, Tensor};

use crate::base::Pool;
use crate::checkpoint::{CheckpointError, read_state_dict};
use crate::nets::Inception;

use super::{Features, MetricError};

/// Pictures that are described at once.
const BATCH: usize = 8;

/// Inception V3 in the variant of FID.
pub struct InceptionFeatures {
    net: Inception,
    name: String,
    device: Device,
    pool: Pool,
}

impl InceptionFeatures {
    /// Reads the weights that FID is computed with (`pt_inception-2015-12-05-6726825d.pth`), as a PyTorch or a
    /// safetensors file.
    ///
    /// # Errors
    /// When the file cannot be read or holds other weights.
    pub fn read(path: &Path, device: &Device, pool: &Pool) -> Result<Self, MetricError> {
        let weights = read_state_dict(path)?;
        let net = Inception::new(&weights, device)
            .map_err(|error| CheckpointError::content(error.to_string(), path))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { net, name, device: device.clone(), pool: pool.clone() })
    }
}

impl Features for InceptionFeatures {
    fn name(&self) -> String {
        format!("{} features of Inception V3 ({})", self.dims(), self.name)
    }

    fn dims(&self) -> usize {
        self.net.dims()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    /// Grey pictures count as colour pictures of three equal channels.
    fn extract(
        &mut self,
        pictures: &[f32],
        [channels, height, width]: [usize; 3],
    ) -> Result<Vec<f32>, MetricError> {
        let rows = pictures.len() / (channels * height * width).max(1);
        let described = self.pool.run(|| -> candle_core::Result<Vec<f32>> {
            let mut x = Tensor::from_slice(pictures, (rows, channels, height, width), &self.device)?;
            if channels == 1 {
                x = Tensor::cat(&[&x, &x, &x], 1)?;
            }
            self.net.features(&x)?.flatten_all()?.to_vec1()
        })?;
        Ok(described)
    }
}
