use candle_core::Device;

use crate::base::Pool;
use crate::checkpoint::Model;

use super::tensors::{TensorEncoder, TensorRenderer};
use super::{Encoder, RenderError, Renderer};

/// The networks of a model, ready to run; each is `None` where the model lacks it.
#[derive(Default)]
pub struct Networks {
    /// From the generator's concatenated inputs to its picture.
    pub generator: Option<Box<dyn Renderer>>,
    /// From the VAE's code to its 64x64 picture.
    pub decoder: Option<Box<dyn Renderer>>,
    /// From a 64x64 picture to the posterior of the VAE's code.
    pub encoder: Option<Box<dyn Encoder>>,
}

/// Makes the networks of `model` ready on `device`; on the CPU they run on `pool`'s threads.
///
/// # Errors
/// When the weights do not fit the description or the device cannot hold them.
pub fn open(model: &Model, device: &Device, pool: &Pool) -> Result<Networks, RenderError> {
    let mut networks = Networks::default();
    if let Some(part) = &model.description.generator {
        networks.generator =
            Some(Box::new(TensorRenderer::generator(&part.config, &model.generator, device, pool)?));
    }
    if let Some(part) = &model.description.vae {
        networks.decoder = Some(Box::new(TensorRenderer::decoder(part.config, &model.vae, device, pool)?));
        networks.encoder = Some(Box::new(TensorEncoder::new(part.config, &model.vae, device, pool)?));
    }
    Ok(networks)
}
