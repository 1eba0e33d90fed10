use candle_core::Device;

use crate::base::Pool;
use crate::checkpoint::Model;

use super::plan::{compile_decoder, compile_encoder, compile_generator};
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

/// Makes the networks of `model` ready on `device`: compiled plans on `pool`'s threads on the CPU, candle elsewhere.
///
/// # Errors
/// When the weights do not fit the description or the device cannot hold them.
pub fn open(model: &Model, device: &Device, pool: &Pool) -> Result<Networks, RenderError> {
    let on_cpu = device.is_cpu();
    let mut networks = Networks::default();
    if let Some(part) = &model.description.generator {
        let weights = &model.generator;
        networks.generator = Some(match on_cpu {
            true => Box::new(compile_generator(&part.config, weights, pool)?),
            false => Box::new(TensorRenderer::generator(&part.config, weights, device, pool)?),
        });
    }
    if let Some(part) = &model.description.vae {
        let weights = &model.vae;
        if !part.encoder_only {
            networks.decoder = Some(match on_cpu {
                true => Box::new(compile_decoder(&part.config, weights, pool)?),
                false => Box::new(TensorRenderer::decoder(part.config, weights, device, pool)?),
            });
        }
        networks.encoder = Some(match on_cpu {
            true => Box::new(compile_encoder(&part.config, weights, pool)?),
            false => Box::new(TensorEncoder::new(part.config, weights, device, pool)?),
        });
    }
    Ok(networks)
}
