//! A chain that begins with a picture and ends in one: networks of pictures and codes, one after the other, through candle.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use crate::base::{Cancel, Picture, PixelRange, Pool};
use crate::graph::Graph;
use crate::inference::batch::{Footprint, MemoryBudget};
use crate::inference::tensors::{Interpreter, check_batch};
use crate::inference::{Computer, Outcome, RenderError, Renderer};
use crate::model::{Feed, Model, ModelDescription, Network, Port, Wiring};
use crate::ops;

/// From rows that hold what the chain takes side by side, a picture's values in [0, 1] among them, to pictures.
pub(in crate::inference) struct TranslatingRenderer {
    steps: Vec<Step>,
    row: usize,
    picture_shape: [usize; 3],
    /// Of the step that takes most.
    footprint: Footprint,
    budget: MemoryBudget,
    computer: Computer,
    pool: Pool,
}

/// A network whose pictures, taken and given, are in [0, 1].
struct Step {
    net: Interpreter,
    takes: Vec<Taken>,
}

/// What a network takes.
struct Taken {
    source: Source,
    /// Without the batch.
    shape: Vec<usize>,
    /// Whether black is -1.
    is_signed: bool,
}

enum Source {
    /// Columns of the row.
    Row(Range<usize>),
    /// What an earlier step gives.
    Step(usize),
}

impl TranslatingRenderer {
    /// Connects the networks of a chain that takes a picture and gives one.
    ///
    /// # Errors
    /// When the weights do not fit, the device cannot hold them, or a step gives more than a picture.
    pub(in crate::inference) fn new(
        model: &Model,
        wiring: &Wiring<'_>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let description = &model.description;
        let Some(picture_shape) = wiring.picture_given() else {
            return Err(RenderError::Chain("the chain gives no picture".to_owned()));
        };
        let (mut steps, mut footprints) = (Vec::new(), Vec::new());
        for (network, feeds) in &wiring.steps {
            let graph =
                network.picture_graph().ok_or_else(|| RenderError::cannot_run("makes pictures", network))?;
            let net = Interpreter::new(&graph, model.group(&network.weights), &computer.device)?;
            footprints.push(Footprint::of_graph(&graph)?);
            steps.push(Step { net, takes: takes(description, wiring, network, feeds)? });
        }
        let budget = MemoryBudget::of(&computer.device);
        let most = footprints.into_iter().min_by_key(|footprint| budget.pictures(*footprint));
        Ok(Self {
            row: wiring.takes.iter().map(|port| width(description, port)).sum(),
            steps,
            picture_shape,
            footprint: most.map_or_else(|| Footprint::of_graph(&Graph::default()), Ok)?,
            budget,
            computer: computer.clone(),
            pool: pool.clone(),
        })
    }

    /// Pictures of rows; `None` where they were cancelled.
    fn values(&self, rows: &[f32], cancel: &Cancel) -> Result<Option<Vec<f32>>> {
        let count = rows.len() / self.row.max(1);
        let mut made: Vec<Tensor> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let input = |taken: &Taken| {
                let values = match &taken.source {
                    Source::Step(step) => made[*step].clone(),
                    Source::Row(columns) => {
                        let of_rows = rows.chunks_exact(self.row.max(1));
                        let values: Vec<f32> =
                            of_rows.flat_map(|row| &row[columns.clone()]).copied().collect();
                        let shape = [&[count][..], &taken.shape].concat();
                        ops::upload(&values, shape, &self.computer.device)?
                    }
                };
                if taken.is_signed { values.affine(2.0, -1.0) } else { Ok(values) }
            };
            let inputs = step.takes.iter().map(input).collect::<Result<Vec<_>>>()?;
            match step.net.run_while(&inputs, &mut || Ok(!cancel.is_cancelled()))? {
                None => return Ok(None),
                Some(mut results) => match results.pop() {
                    Some(picture) => made.push(picture),
                    None => bail!("the network draws nothing"),
                },
            }
        }
        made.pop().map(|picture| ops::download(&picture)).transpose()
    }
}

/// Where the inputs of a network lie, and how they are.
fn takes(
    description: &ModelDescription,
    wiring: &Wiring<'_>,
    network: &Network,
    feeds: &[Feed],
) -> std::result::Result<Vec<Taken>, RenderError> {
    let taken = |(port, feed): (&Port, &Feed)| {
        let source = match *feed {
            Feed::Step { step, .. } => Source::Step(step),
            Feed::Outside(at) => {
                let start = wiring.takes[..at].iter().map(|port| width(description, port)).sum();
                Source::Row(start..start + width(description, port))
            }
        };
        Ok(match port {
            Port::Picture { range: PixelRange::Logits, .. } => {
                return Err(RenderError::cannot_run("takes pictures in [0, 1] or [-1, 1]", network));
            }
            Port::Picture { shape, range } => {
                Taken { source, shape: shape.to_vec(), is_signed: *range == PixelRange::Signed }
            }
            port => Taken { source, shape: vec![width(description, port)], is_signed: false },
        })
    };
    network.inputs.iter().zip(feeds).map(taken).collect()
}

/// How many numbers of a row a port takes.
fn width(description: &ModelDescription, port: &Port) -> usize {
    match port {
        Port::Code { block, .. } => description.block(block).map_or(0, |block| block.dims),
        Port::Features { width } => *width,
        Port::Picture { shape, .. } => shape.iter().product(),
    }
}

impl Renderer for TranslatingRenderer {
    fn code_dim(&self) -> usize {
        self.row
    }

    fn at_once(&self) -> usize {
        self.budget.pictures(self.footprint)
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.picture_shape
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let picture: usize = self.picture_shape.iter().product();
        check_batch(codes.len(), self.row, "codes", pictures.len(), picture, "pictures")?;
        let at_once = self.at_once();
        let parts = codes.chunks(at_once * self.row.max(1)).zip(pictures.chunks_mut(at_once * picture));
        for (codes, pictures) in parts {
            match self.pool.run(|| self.values(codes, cancel))? {
                Some(values) => pictures.copy_from_slice(&values),
                None => return Ok(Outcome::Cancelled),
            }
        }
        Ok(Outcome::Done)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let [channels, height, width] = self.picture_shape;
        let mut values = vec![0.0; channels * height * width];
        let outcome = self.render(code, &mut values, cancel)?;
        if outcome == Outcome::Done {
            *picture = Picture::from_chw(&values, channels, height, width).ok_or_else(|| {
                RenderError::Weights(format!("{channels} picture channels; 1 or 3 can be shown"))
            })?;
        }
        Ok(outcome)
    }
}
