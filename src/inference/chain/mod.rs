//! Several networks run one after the other: what makes numbers of numbers, or pictures of pictures, runs through candle, and
//! what makes pictures of numbers, or numbers of pictures, as it does alone.

#[cfg(test)]
mod tests;
mod translator;

use std::ops::Range;

use candle_core::{Device, Result, Tensor, bail};

use crate::base::{Cancel, Picture, Pool};
use crate::graph::{Graph, Shape};
use crate::model::{CodeValue, Feed, Model, ModelDescription, Network, Port, Wiring};

use super::networks::{open_reader, open_renderer};
use super::tensors::Interpreter;
use super::{Computer, Encoder, Outcome, RenderError, Renderer};

pub(super) use translator::TranslatingRenderer;

/// A render chain of more than one step.
pub(super) struct ChainRenderer {
    code_dim: usize,
    stages: Stages,
    /// What the network that draws takes.
    takes: Vec<Piece>,
    drawing: Box<dyn Renderer>,
}

/// An encode chain of more than one step.
pub(super) struct ChainEncoder {
    reading: Box<dyn Encoder>,
    stages: Stages,
    mean: Piece,
    /// Absent where the chain gives a code without its uncertainty.
    logvar: Option<Piece>,
}

/// Networks from numbers to numbers, after what comes from outside or is made of a picture.
struct Stages {
    /// Width of what each step before them gives: of the network that reads the picture, if there is one.
    given: Vec<usize>,
    stages: Vec<Stage>,
    device: Device,
    pool: Pool,
}

/// A network from numbers to numbers.
struct Stage {
    net: Interpreter,
    takes: Vec<Piece>,
    outputs: usize,
}

/// Some columns of the chain's own input, or of what a step has made.
struct Piece {
    step: Option<usize>,
    columns: Range<usize>,
}

impl ChainRenderer {
    /// Connects the networks of a chain that begins with codes and ends in a picture.
    ///
    /// # Errors
    /// When the weights do not fit, the device cannot hold them, or a step before the last makes no codes of codes.
    pub(super) fn new(
        model: &Model,
        wiring: &Wiring<'_>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let [.., (drawing, feeds)] = &wiring.steps[..] else { return Err(no_steps()) };
        let layout = Layout { description: &model.description, wiring };
        Ok(Self {
            code_dim: layout.width(wiring.takes.iter().copied()),
            stages: Stages::new(model, &layout, 0..wiring.steps.len() - 1, computer, pool)?,
            takes: layout.pieces(drawing, feeds),
            drawing: open_renderer(model, drawing, computer, pool)?,
        })
    }

    /// What the network that draws takes for `codes` `(N, code_dim)`, row after row.
    fn inputs(&self, codes: &[f32]) -> std::result::Result<Vec<f32>, RenderError> {
        let rows = codes.len() / self.code_dim.max(1);
        if rows * self.code_dim != codes.len() {
            let expected = rows * self.code_dim;
            return Err(RenderError::Length { what: "codes", expected, actual: codes.len() });
        }
        let outside = (codes, self.code_dim);
        let results = self.stages.run(outside, Vec::new(), rows)?;
        Ok(self.stages.gather(&self.takes, outside, &results, rows))
    }
}

impl ChainEncoder {
    /// Connects the networks of a chain that begins with a picture and ends in a code.
    ///
    /// # Errors
    /// As [`ChainRenderer::new`]; when the chain takes codes beside the picture, or ends in no code of numbers.
    pub(super) fn new(
        model: &Model,
        wiring: &Wiring<'_>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let [(reading, _), ..] = &wiring.steps[..] else { return Err(no_steps()) };
        if !wiring.codes().is_empty() {
            let codes = wiring.codes().join(", ");
            return Err(RenderError::Chain(format!(
                "this idgan cannot read a code from a picture and {codes}; update idgan"
            )));
        }
        let layout = Layout { description: &model.description, wiring };
        let last = wiring.steps.len() - 1;
        let block = wiring.code_given().unwrap_or_default();
        let piece = |is_it: fn(CodeValue) -> bool| {
            let found = wiring.gives().iter().position(
                |port| matches!(port, Port::Code { block: of, value } if of == block && is_it(*value)),
            );
            found.map(|output| layout.output(last, output))
        };
        let mean = piece(|value| matches!(value, CodeValue::Value | CodeValue::Mean)).ok_or_else(|| {
            RenderError::Chain(format!("this idgan cannot read {block} from its logits; update idgan"))
        })?;
        Ok(Self {
            mean,
            logvar: piece(|value| value == CodeValue::Logvar),
            stages: Stages::new(model, &layout, 1..wiring.steps.len(), computer, pool)?,
            reading: open_reader(model, reading, computer, pool)?,
        })
    }
}

fn no_steps() -> RenderError {
    RenderError::Chain("a chain has no steps".to_owned())
}

impl Stages {
    /// The networks of the steps `own`.
    fn new(
        model: &Model,
        layout: &Layout<'_>,
        own: Range<usize>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let (before, own) = (&layout.wiring.steps[..own.start], &layout.wiring.steps[own]);
        let stages = own.iter().map(|(network, feeds)| {
            let graph = network.architecture.graph().filter(makes_numbers_of_numbers);
            let graph = graph.ok_or_else(|| RenderError::cannot_run("makes codes of codes", network))?;
            let net = Interpreter::new(&graph, model.group(&network.weights), &computer.device)?;
            let outputs = layout.width(&network.outputs);
            Ok(Stage { net, takes: layout.pieces(network, feeds), outputs })
        });
        Ok(Self {
            given: before.iter().map(|(network, _)| layout.width(&network.outputs)).collect(),
            stages: stages.collect::<std::result::Result<_, RenderError>>()?,
            device: computer.device.clone(),
            pool: pool.clone(),
        })
    }

    /// What every step gives: first those before, which have made `made`, then these.
    fn run(
        &self,
        outside: (&[f32], usize),
        mut results: Vec<Vec<f32>>,
        rows: usize,
    ) -> std::result::Result<Vec<Vec<f32>>, RenderError> {
        for stage in &self.stages {
            let input = self.gather(&stage.takes, outside, &results, rows);
            let width = input.len() / rows.max(1);
            let (net, device) = (&stage.net, &self.device);
            let forward = || -> Result<Vec<f32>> {
                let input = Tensor::from_vec(input, (rows, width), device)?;
                match net.run(&[input])?.pop() {
                    Some(result) => result.flatten_all()?.to_vec1(),
                    None => bail!("the network makes nothing"),
                }
            };
            results.push(self.pool.run(forward)?);
        }
        Ok(results)
    }

    /// Puts pieces side by side, for each of `rows`; `outside` is what the chain takes, and its width.
    fn gather(
        &self,
        pieces: &[Piece],
        outside: (&[f32], usize),
        results: &[Vec<f32>],
        rows: usize,
    ) -> Vec<f32> {
        let mut values = Vec::new();
        for row in 0..rows {
            for piece in pieces {
                let (all, width) = match piece.step {
                    None => outside,
                    Some(step) => (&results[step][..], self.width(step)),
                };
                values.extend_from_slice(&all[row * width..][piece.columns.clone()]);
            }
        }
        values
    }

    fn width(&self, step: usize) -> usize {
        let own = |at: usize| self.stages.get(at).map_or(0, |stage| stage.outputs);
        self.given.get(step).copied().unwrap_or_else(|| own(step - self.given.len()))
    }
}

/// Whether a network takes one row and gives one.
fn makes_numbers_of_numbers(graph: &Graph) -> bool {
    let inputs: Vec<Shape> = graph.inputs().collect();
    let outputs = graph.output_shapes().unwrap_or_default();
    matches!((&inputs[..], &outputs[..]), (&[Shape::Row(_)], &[Shape::Row(_)]))
}

/// Where the numbers of each port lie.
struct Layout<'a> {
    description: &'a ModelDescription,
    wiring: &'a Wiring<'a>,
}

impl Layout<'_> {
    fn width<'p>(&self, ports: impl IntoIterator<Item = &'p Port>) -> usize {
        ports.into_iter().map(|port| self.width_of(port)).sum()
    }

    fn width_of(&self, port: &Port) -> usize {
        match port {
            Port::Code { block, .. } => self.description.block(block).map_or(0, |block| block.dims),
            Port::Features { width } => *width,
            Port::Picture { .. } => 0,
        }
    }

    /// The pieces that the inputs of `network` are fed with.
    fn pieces(&self, network: &Network, feeds: &[Feed]) -> Vec<Piece> {
        let pairs = network.inputs.iter().zip(feeds);
        pairs
            .map(|(port, feed)| match *feed {
                Feed::Outside(at) => {
                    let start = self.width(self.wiring.takes[..at].iter().copied());
                    Piece { step: None, columns: start..start + self.width_of(port) }
                }
                Feed::Step { step, output } => self.output(step, output),
            })
            .collect()
    }

    /// The columns of output number `output` of a step.
    fn output(&self, step: usize, output: usize) -> Piece {
        let outputs = &self.wiring.steps[step].0.outputs;
        let start = self.width(&outputs[..output]);
        Piece { step: Some(step), columns: start..start + self.width_of(&outputs[output]) }
    }
}

impl Encoder for ChainEncoder {
    fn code_dim(&self) -> usize {
        self.mean.columns.len()
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.reading.picture_shape()
    }

    fn at_once(&self) -> usize {
        self.reading.at_once()
    }

    fn encode(
        &mut self,
        pictures: &[f32],
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> std::result::Result<(), RenderError> {
        let (dims, picture) = (self.reading.code_dim(), self.picture_shape().iter().product::<usize>());
        let rows = pictures.len() / picture.max(1);
        for (what, found) in [("mu", mu.len()), ("logvar", logvar.len())] {
            let expected = rows * self.code_dim();
            if found != expected {
                return Err(RenderError::Length { what, expected, actual: found });
            }
        }
        let (mut means, mut logvars) = (vec![0.0; rows * dims], vec![0.0; rows * dims]);
        self.reading.encode(pictures, &mut means, &mut logvars)?;
        let rest = self.stages.width(0).saturating_sub(dims);
        let both = means.chunks(dims).zip(logvars.chunks(dims));
        // One that gives nothing but a mean, or features, is followed by nothing.
        let read = both.flat_map(|(mean, logvar)| [mean, &logvar[..rest.min(dims)]].concat());
        let results = self.stages.run((&[], 0), vec![read.collect()], rows)?;
        let column =
            |piece: &Piece| self.stages.gather(std::slice::from_ref(piece), (&[], 0), &results, rows);
        mu.copy_from_slice(&column(&self.mean));
        match &self.logvar {
            Some(piece) => logvar.copy_from_slice(&column(piece)),
            None => logvar.fill(CodeValue::CERTAIN),
        }
        Ok(())
    }
}

impl Renderer for ChainRenderer {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.drawing.picture_shape()
    }

    fn at_once(&self) -> usize {
        self.drawing.at_once()
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let inputs = self.inputs(codes)?;
        self.drawing.render(&inputs, pictures, cancel)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let inputs = self.inputs(code)?;
        self.drawing.render_picture(&inputs, picture, cancel)
    }
}
