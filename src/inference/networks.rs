use std::collections::BTreeMap;

use candle_core::Device;

use crate::base::Pool;
use crate::model::{Architecture, Chain, Model, Network};

use super::chain::ChainRenderer;
use super::plan::{compile_decoder, compile_encoder, compile_generator};
use super::tensors::{TensorEncoder, TensorRenderer};
use super::{Encoder, RenderError, Renderer};

/// The networks of a model, ready to run.
#[derive(Default)]
pub struct Networks {
    /// What draws, by the names of the render chains: from a chain's codes, side by side, to its picture.
    pub renderers: BTreeMap<String, Box<dyn Renderer>>,
    /// From a picture to the posterior of the code that the model infers, if it infers one.
    pub encoder: Option<Box<dyn Encoder>>,
}

/// Makes the networks of `model` ready on `device`: compiled plans on `pool`'s threads on the CPU, candle elsewhere.
///
/// # Errors
/// When the weights do not fit the description, the device cannot hold them, or a chain cannot be run here.
pub fn open(model: &Model, device: &Device, pool: &Pool) -> Result<Networks, RenderError> {
    let renderers = model.description.render.iter().map(|chain| {
        let renderer = open_chain(model, chain, device, pool)?;
        Ok::<_, RenderError>((chain.name.clone(), renderer))
    });
    Ok(Networks {
        renderers: renderers.collect::<Result<_, _>>()?,
        encoder: open_encoder(model, device, pool)?,
    })
}

/// Makes one render chain of `model` ready. A chain of one network is that network's plan.
///
/// # Errors
/// As [`open`].
pub fn open_chain(
    model: &Model,
    chain: &Chain,
    device: &Device,
    pool: &Pool,
) -> Result<Box<dyn Renderer>, RenderError> {
    let wiring = model.description.wiring(chain).map_err(RenderError::Chain)?;
    if wiring.picture_taken().is_some() {
        let name = &chain.name;
        return Err(RenderError::Chain(format!(
            "its chain {name} draws pictures of pictures, which idgan cannot run"
        )));
    }
    match &wiring.steps[..] {
        [(network, feeds)] if feeds.len() == wiring.takes.len() => {
            open_renderer(model, network, device, pool)
        }
        _ => Ok(Box::new(ChainRenderer::new(model, &wiring, device, pool)?)),
    }
}

/// Makes a network that draws ready.
pub(super) fn open_renderer(
    model: &Model,
    network: &Network,
    device: &Device,
    pool: &Pool,
) -> Result<Box<dyn Renderer>, RenderError> {
    let weights = model.group(&network.weights);
    Ok(match (&network.architecture, device.is_cpu()) {
        (Architecture::Generator(config), true) => Box::new(compile_generator(config, weights, pool)?),
        (Architecture::Generator(config), false) => {
            Box::new(TensorRenderer::generator(config, weights, device, pool)?)
        }
        (Architecture::VaeDecoder(config), true) => Box::new(compile_decoder(config, weights, pool)?),
        (Architecture::VaeDecoder(config), false) => {
            Box::new(TensorRenderer::decoder(*config, weights, device, pool)?)
        }
        _ => return Err(cannot_run("draws", network)),
    })
}

/// Makes the first encode chain of `model` ready; `None` where it has none.
///
/// # Errors
/// As [`open`].
pub fn open_encoder(
    model: &Model,
    device: &Device,
    pool: &Pool,
) -> Result<Option<Box<dyn Encoder>>, RenderError> {
    let Some(chain) = model.description.encode.first() else { return Ok(None) };
    let wiring = model.description.wiring(chain).map_err(RenderError::Chain)?;
    let [(network, _)] = &wiring.steps[..] else {
        let name = &chain.name;
        return Err(RenderError::Chain(format!(
            "its chain {name} encodes in several steps, which idgan cannot run"
        )));
    };
    let weights = model.group(&network.weights);
    Ok(Some(match (&network.architecture, device.is_cpu()) {
        (Architecture::VaeEncoder(config), true) => Box::new(compile_encoder(config, weights, pool)?),
        (Architecture::VaeEncoder(config), false) => {
            Box::new(TensorEncoder::new(*config, weights, device, pool)?)
        }
        _ => return Err(cannot_run("encodes", network)),
    }))
}

/// Says that a network cannot do what its place in a chain asks of it.
pub(super) fn cannot_run(does: &str, network: &Network) -> RenderError {
    let kind = network.architecture.kind();
    RenderError::Chain(format!("this idgan knows no network of the kind {kind} that {does}; update idgan"))
}
