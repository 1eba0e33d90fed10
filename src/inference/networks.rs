use std::collections::BTreeMap;

use candle_core::Device;

use crate::base::{Arrays, Pool};
use crate::graph::Graph;
use crate::model::{Chain, Model, Network, Port};

use super::chain::{ChainEncoder, ChainRenderer};
use super::plan::{PlanEncoder, PlanRenderer};
use super::tensors::{TensorEncoder, TensorRenderer};
use super::{Encoder, RenderError, Renderer};

/// The networks of a model, ready to run.
#[derive(Default)]
pub struct Networks {
    /// What draws, by the names of the render chains: from a chain's codes, side by side, to its picture.
    pub renderers: BTreeMap<String, Box<dyn Renderer>>,
    /// From a picture to the posterior of the code that the first encode chain infers, if there is one that runs here.
    pub encoder: Option<Box<dyn Encoder>>,
    /// What cannot be run here, for people.
    pub warnings: Vec<String>,
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
    let renderers = renderers.collect::<Result<_, _>>()?;
    let first = model.description.encode.first().map(|chain| open_encoder(model, chain, device, pool));
    let (encoder, warnings) = match first {
        Some(Err(RenderError::Chain(message))) => (None, vec![message]),
        first => (first.transpose()?, Vec::new()),
    };
    Ok(Networks { renderers, encoder, warnings })
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
    let graph = network.picture_graph().ok_or_else(|| cannot_run("draws", network))?;
    renderer(&graph, model.group(&network.weights), device, pool)
}

/// Something that draws what `graph` makes of codes: the compiled plan on the processor, where it has the kernels, or candle.
fn renderer(
    graph: &Graph,
    weights: &Arrays,
    device: &Device,
    pool: &Pool,
) -> Result<Box<dyn Renderer>, RenderError> {
    if device.is_cpu() {
        match PlanRenderer::compile(graph, weights, pool) {
            Err(RenderError::Unsupported(what)) => log::info!("candle draws, as no kernel knows {what}"),
            compiled => return Ok(Box::new(compiled?)),
        }
    }
    Ok(Box::new(TensorRenderer::new(graph, weights, device, pool)?))
}

/// The same for what encodes.
fn encoder(
    graph: &Graph,
    weights: &Arrays,
    device: &Device,
    pool: &Pool,
) -> Result<Box<dyn Encoder>, RenderError> {
    if device.is_cpu() {
        match PlanEncoder::compile(graph, weights, pool) {
            Err(RenderError::Unsupported(what)) => log::info!("candle encodes, as no kernel knows {what}"),
            compiled => return Ok(Box::new(compiled?)),
        }
    }
    Ok(Box::new(TensorEncoder::new(graph, weights, device, pool)?))
}

/// Makes an encode chain of `model` ready. A chain of one network is that network's plan.
///
/// # Errors
/// As [`open`]; [`RenderError::Chain`] is for one that cannot be run here, without which the model can be used.
pub fn open_encoder(
    model: &Model,
    chain: &Chain,
    device: &Device,
    pool: &Pool,
) -> Result<Box<dyn Encoder>, RenderError> {
    let wiring = model.description.wiring(chain).map_err(RenderError::Chain)?;
    match (&wiring.steps[..], wiring.code_given()) {
        (_, None) => {
            let name = &chain.name;
            Err(RenderError::Chain(format!(
                "its chain {name} makes pictures of pictures, which idgan cannot run"
            )))
        }
        ([(network, _)], Some(block)) if network.outputs == Port::posterior(block) => {
            open_reader(model, network, device, pool)
        }
        _ => Ok(Box::new(ChainEncoder::new(model, &wiring, device, pool)?)),
    }
}

/// Makes a network that reads pictures ready.
pub(super) fn open_reader(
    model: &Model,
    network: &Network,
    device: &Device,
    pool: &Pool,
) -> Result<Box<dyn Encoder>, RenderError> {
    let graph = network.architecture.graph().ok_or_else(|| cannot_run("reads pictures", network))?;
    encoder(&graph, model.group(&network.weights), device, pool)
}

/// Says that a network cannot do what its place in a chain asks of it.
pub(super) fn cannot_run(does: &str, network: &Network) -> RenderError {
    let kind = network.architecture.kind();
    RenderError::Chain(format!("this idgan knows no network of the kind {kind} that {does}; update idgan"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Array, Cancel, PixelRange};
    use crate::graph::{Linear, Operation, Shape};

    /// A linear layer from `inputs` numbers and a softmax over its `outputs`.
    fn softmax(graph: &mut Graph, inputs: usize, shape: Shape) -> Arrays {
        let x = graph.input(Shape::Row(inputs));
        let row = graph.linear(x, Linear::new("fc", inputs, shape.values()));
        let map = graph.apply(Operation::Reshape(shape), &[row]);
        let share = graph.apply(Operation::Softmax, &[map]);
        graph.give(share);
        let values = |parameter: crate::graph::Parameter| {
            let mut array = Array::zeros(parameter.shape);
            array.data_mut().iter_mut().enumerate().for_each(|(i, value)| *value = (i % 7) as f32 * 0.3);
            (parameter.name, array)
        };
        graph.parameters().into_iter().map(values).collect()
    }

    #[test]
    fn a_network_that_no_kernel_knows_is_run_by_candle_on_the_processor() {
        let (pool, device) = (Pool::new("test", 1).expect("starts"), Device::Cpu);
        let mut graph = Graph::default();
        let weights = softmax(&mut graph, 2, Shape::Map([3, 4, 4]));
        let graph = graph.to_pixels(PixelRange::Unit);
        assert!(matches!(PlanRenderer::compile(&graph, &weights, &pool), Err(RenderError::Unsupported(_))));
        let mut drawing = renderer(&graph, &weights, &device, &pool).expect("opens");
        let mut picture = [f32::NAN; 48];
        drawing.render(&[0.5, -1.0], &mut picture, &Cancel::new()).expect("renders");
        for pixel in 0..16 {
            let sum: f32 = (0..3).map(|channel| picture[16 * channel + pixel]).sum();
            assert!((sum - 1.0).abs() < 1e-6, "the shares of pixel {pixel} sum to {sum}");
        }

        let mut missing = weights;
        missing.remove("fc.bias");
        let refused = renderer(&graph, &missing, &device, &pool).err().expect("no weights").to_string();
        assert!(refused.contains("fc.bias is missing (expected shape [48])"), "{refused}");
    }

    #[test]
    fn a_network_that_gives_no_posterior_encodes_nothing() {
        let (pool, device) = (Pool::new("test", 1).expect("starts"), Device::Cpu);
        let mut graph = Graph::default();
        let weights = softmax(&mut graph, 2, Shape::Row(4));
        let refused = encoder(&graph, &weights, &device, &pool).err().expect("refused").to_string();
        assert_eq!(refused, "the network does not give mean and log variance of one code");
    }
}
