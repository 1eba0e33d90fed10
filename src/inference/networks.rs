use std::collections::BTreeMap;

use half::bf16;

use crate::base::{Arrays, PixelRange, Pool};
use crate::graph::Graph;
use crate::model::{Chain, CodeKind, CodeValue, Model, Network, Port, Wiring};
use crate::ops::Precision;

use super::chain::{ChainEncoder, ChainRenderer, TranslatingRenderer};
use super::emitter::{Emitter, open_emitter};
use super::plan::{PlanEncoder, PlanRenderer};
use super::signed::OfSigned;
use super::tensors::{StochasticEncoder, TensorEncoder, TensorRenderer};
use super::{Computer, Encoder, RenderError, Renderer};

/// The networks of a model, ready to run.
#[derive(Default)]
pub struct Networks {
    /// What draws, by the names of the render chains: from what a chain takes, side by side, to its picture.
    pub renderers: BTreeMap<String, Box<dyn Renderer>>,
    /// From a picture to the posterior of the code that the first encode chain infers, if there is one that runs here.
    pub encoder: Option<Box<dyn Encoder>>,
    /// What carries noise to a code and back, where the model has an emission.
    pub emission: Option<EmissionNetworks>,
    /// What cannot be run here, for people.
    pub warnings: Vec<String>,
}

/// The networks about [`Emission`](crate::model::Emission).
pub struct EmissionNetworks {
    /// From the noise to the code.
    pub emitter: Emitter,
    /// From a picture to the noise.
    pub reader: Box<dyn Encoder>,
}

/// Makes the networks of `model` ready on `computer`: compiled plans on `pool`'s threads on the CPU, candle elsewhere. In bf16
/// plans have maps and weights of that; what numbers make of numbers before a picture, or after one, stays f32 on the CPU.
///
/// A chain that cannot be run here is left out with a warning, as long as anything is left.
///
/// # Errors
/// When the weights do not fit the description, the device cannot hold them, or nothing can be run here.
pub fn open(model: &Model, computer: &Computer, pool: &Pool) -> Result<Networks, RenderError> {
    let mut networks = Networks::default();
    for chain in &model.description.render {
        match open_chain(model, chain, computer, pool) {
            Ok(renderer) => drop(networks.renderers.insert(chain.name.clone(), renderer)),
            Err(RenderError::Chain(message)) => networks.warnings.push(message),
            Err(error) => return Err(error),
        }
    }
    if let Some(chain) = model.description.encode.first() {
        match open_encoder(model, chain, computer, pool) {
            Ok(encoder) => {
                networks.encoder = Some(encoder);
                networks.warnings.extend(model.description.certain(chain).map(str::to_owned));
            }
            Err(RenderError::Chain(message)) => networks.warnings.push(message),
            Err(error) => return Err(error),
        }
    }
    networks.emission = open_emission(model, computer, pool)?;
    if networks.renderers.is_empty() && networks.encoder.is_none() && !networks.warnings.is_empty() {
        return Err(RenderError::Chain(networks.warnings.swap_remove(0)));
    }
    Ok(networks)
}

/// What carries noise to a code and back; `None` where the model makes no code of noise, or does not read the noise.
fn open_emission(
    model: &Model,
    computer: &Computer,
    pool: &Pool,
) -> Result<Option<EmissionNetworks>, RenderError> {
    let (Some(emission), Some(emitter)) = (model.description.emission(), open_emitter(model, pool)?) else {
        return Ok(None);
    };
    let reads_noise = |chain: &&Chain| {
        let wiring = model.description.wiring(chain);
        wiring.is_ok_and(|wiring| wiring.code_given() == Some(&emission.noise.name))
    };
    let chain = model.description.encode.iter().find(reads_noise);
    let reader = chain.map(|chain| open_encoder(model, chain, computer, pool)).transpose()?;
    Ok(reader.map(|reader| EmissionNetworks { emitter, reader }))
}

/// Makes one render chain of `model` ready. A chain of one network is that network's plan; one that takes a picture runs through
/// candle, and its rows hold the picture's values in [0, 1] among its codes, as [`Wiring::takes`] has them.
///
/// # Errors
/// As [`open`].
pub fn open_chain(
    model: &Model,
    chain: &Chain,
    computer: &Computer,
    pool: &Pool,
) -> Result<Box<dyn Renderer>, RenderError> {
    let wiring = model.description.wiring(chain).map_err(RenderError::Chain)?;
    if wiring.picture_taken().is_some() {
        return Ok(Box::new(TranslatingRenderer::new(model, &wiring, computer, pool)?));
    }
    match &wiring.steps[..] {
        [(network, feeds)] if feeds.len() == wiring.takes.len() => {
            open_renderer(model, network, computer, pool)
        }
        _ => Ok(Box::new(ChainRenderer::new(model, &wiring, computer, pool)?)),
    }
}

/// Makes a network that draws ready.
pub(super) fn open_renderer(
    model: &Model,
    network: &Network,
    computer: &Computer,
    pool: &Pool,
) -> Result<Box<dyn Renderer>, RenderError> {
    let graph = network.picture_graph().ok_or_else(|| RenderError::cannot_run("draws", network))?;
    renderer(&graph, model.group(&network.weights), computer, pool)
}

/// Something that draws what `graph` makes of codes: the compiled plan on the processor, where it has the kernels, or candle.
fn renderer(
    graph: &Graph,
    weights: &Arrays,
    computer: &Computer,
    pool: &Pool,
) -> Result<Box<dyn Renderer>, RenderError> {
    let compiled: Option<Result<Box<dyn Renderer>, _>> = plan_in(computer).map(|precision| {
        Ok(match precision {
            Precision::Bf16 => Box::new(PlanRenderer::<bf16>::compile(graph, weights, pool)?) as _,
            _ => Box::new(PlanRenderer::<f32>::compile(graph, weights, pool)?) as _,
        })
    });
    match compiled {
        Some(Err(RenderError::Unsupported(what))) => left_to_candle("draws", computer, &what),
        Some(compiled) => return compiled,
        None => {}
    }
    Ok(Box::new(TensorRenderer::new(graph, weights, &computer.device, pool)?))
}

/// The same for what encodes.
fn encoder(
    graph: &Graph,
    weights: &Arrays,
    computer: &Computer,
    pool: &Pool,
) -> Result<Box<dyn Encoder>, RenderError> {
    let compiled: Option<Result<Box<dyn Encoder>, _>> = plan_in(computer).map(|precision| {
        Ok(match precision {
            Precision::Bf16 => Box::new(PlanEncoder::<bf16>::compile(graph, weights, pool)?) as _,
            _ => Box::new(PlanEncoder::<f32>::compile(graph, weights, pool)?) as _,
        })
    });
    match compiled {
        Some(Err(RenderError::Unsupported(what))) => left_to_candle("encodes", computer, &what),
        Some(compiled) => return compiled,
        None => {}
    }
    Ok(Box::new(TensorEncoder::new(graph, weights, &computer.device, pool)?))
}

/// The precision of the plans that `computer` runs; `None` where it runs none.
fn plan_in(computer: &Computer) -> Option<Precision> {
    computer.device.is_cpu().then_some(computer.precision)
}

/// Says that a network is candle's, which on the processor computes in f32 whatever was asked for.
fn left_to_candle(does: &str, computer: &Computer, what: &str) {
    if computer.precision.is_single() {
        log::info!("candle {does}, as no kernel knows {what}");
    } else {
        log::warn!("candle {does} in f32, as no kernel knows {what}");
    }
}

/// Makes an encode chain of `model` ready. A chain of one network is that network's plan.
///
/// # Errors
/// As [`open`]; [`RenderError::Chain`] is for one that cannot be run here, without which the model can be used.
pub fn open_encoder(
    model: &Model,
    chain: &Chain,
    computer: &Computer,
    pool: &Pool,
) -> Result<Box<dyn Encoder>, RenderError> {
    let wiring = model.description.wiring(chain).map_err(RenderError::Chain)?;
    match (&wiring.steps[..], wiring.code_given()) {
        (_, None) => {
            let name = &chain.name;
            Err(RenderError::Chain(format!("its chain {name} makes pictures of pictures and reads no code")))
        }
        ([(network, _)], Some(block)) if network.outputs == Port::posterior(block) => {
            open_reader(model, network, computer, pool)
        }
        ([(network, _)], Some(_)) if is_stochastic(network, &wiring, model) => {
            let graph = network
                .architecture
                .graph()
                .ok_or_else(|| RenderError::cannot_run("reads pictures", network))?;
            let weights = model.group(&network.weights);
            let encoder = Box::new(StochasticEncoder::new(&graph, weights, computer, pool)?);
            Ok(in_its_range(network, encoder))
        }
        _ => Ok(Box::new(ChainEncoder::new(model, &wiring, computer, pool)?)),
    }
}

/// Whether a chain's only network reads a code from a picture and noise.
fn is_stochastic(network: &Network, wiring: &Wiring<'_>, model: &Model) -> bool {
    let is_noise =
        |code: &&str| model.description.block(code).is_some_and(|block| block.kind == CodeKind::Noise);
    matches!(&network.inputs[..], [Port::Picture { .. }, Port::Code { .. }])
        && matches!(network.outputs[..], [Port::Code { value: CodeValue::Value | CodeValue::Mean, .. }])
        && wiring.codes().iter().all(is_noise)
}

/// Makes a network that reads pictures ready.
pub(super) fn open_reader(
    model: &Model,
    network: &Network,
    computer: &Computer,
    pool: &Pool,
) -> Result<Box<dyn Encoder>, RenderError> {
    let graph =
        network.architecture.graph().ok_or_else(|| RenderError::cannot_run("reads pictures", network))?;
    let encoder = encoder(&graph, model.group(&network.weights), computer, pool)?;
    Ok(in_its_range(network, encoder))
}

/// The encoder that a network is, given pictures in [0, 1].
fn in_its_range(network: &Network, encoder: Box<dyn Encoder>) -> Box<dyn Encoder> {
    let is_signed = |port: &Port| matches!(port, Port::Picture { range, .. } if *range == PixelRange::Signed);
    if network.inputs.iter().any(is_signed) { Box::new(OfSigned::new(encoder)) } else { encoder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Array, Cancel};
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
        let (pool, computer) = (Pool::new("test", 1).expect("starts"), Computer::processor());
        let mut graph = Graph::default();
        let weights = softmax(&mut graph, 2, Shape::Map([3, 4, 4]));
        let graph = graph.to_pixels(PixelRange::Unit);
        assert!(matches!(
            PlanRenderer::<f32>::compile(&graph, &weights, &pool),
            Err(RenderError::Unsupported(_))
        ));
        let mut drawing = renderer(&graph, &weights, &computer, &pool).expect("opens");
        let mut picture = [f32::NAN; 48];
        drawing.render(&[0.5, -1.0], &mut picture, &Cancel::new()).expect("renders");
        for pixel in 0..16 {
            let sum: f32 = (0..3).map(|channel| picture[16 * channel + pixel]).sum();
            assert!((sum - 1.0).abs() < 1e-6, "the shares of pixel {pixel} sum to {sum}");
        }

        let mut missing = weights;
        missing.remove("fc.bias");
        let refused = renderer(&graph, &missing, &computer, &pool).err().expect("no weights").to_string();
        assert!(refused.contains("fc.bias is missing (expected shape [48])"), "{refused}");
    }

    #[test]
    fn a_network_that_gives_no_posterior_encodes_nothing() {
        let (pool, computer) = (Pool::new("test", 1).expect("starts"), Computer::processor());
        let mut graph = Graph::default();
        let weights = softmax(&mut graph, 2, Shape::Row(4));
        let refused = encoder(&graph, &weights, &computer, &pool).err().expect("refused").to_string();
        assert_eq!(refused, "the network does not give mean and log variance of one code");
    }
}
