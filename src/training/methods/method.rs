//! What the session asks of a method.

use candle_core::Tensor;
use rayon::prelude::*;

use crate::base::{Arrays, Stream};
use crate::model::{Model, Stats};
use crate::nets::VaeConfig;
use crate::objectives::AdaptiveBottleneck;
use crate::training::steps::{Feed, Recorder};
use crate::training::{StepReport, TrainError};

/// A method in training.
pub(in crate::training) trait TrainMethod: Send {
    /// Trains on one batch, with noise from `normals`.
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError>;

    /// The loss that judges a state, lower is better; NaN where none does.
    fn score(&self, report: &StepReport) -> f64;

    /// The arrays that only training needs.
    fn state(&self) -> Result<Arrays, TrainError>;

    /// The model as it stands, without what [`model_of`] adds.
    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError>;

    /// What each step takes besides its pictures.
    fn second(&self) -> Second {
        Second::None
    }

    /// Takes note of what labels are called, in the order of their classes; before the first step, where
    /// [`TrainMethod::second`] asks for labels.
    fn meet_labels(&mut self, _names: &[String]) {}

    /// Statistics known before training: those of the VAE that stage 2 distils.
    fn initial_stats(&self) -> Option<Stats> {
        None
    }

    /// Height and width of the pictures that its encoder takes.
    fn encoder_side(&self) -> usize {
        VaeConfig::SIZE
    }

    /// What records its steps, where they can be recorded.
    fn recorder(&self) -> Option<&Recorder> {
        None
    }

    /// The variational bottleneck's weight.
    fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        None
    }
}

/// A second batch of pictures in each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::training) enum Second {
    /// None.
    None,
    /// The same pictures in another order.
    Again,
    /// Out of so many pictures with their labels, of which there are so many classes.
    Labelled {
        /// Pictures in all.
        pictures: usize,
        /// Labels that there must be.
        classes: usize,
    },
    /// Pictures of another data set, of the same size.
    Other {
        /// Its specification.
        spec: String,
        /// Channels that its pictures must have.
        channels: usize,
    },
}

/// The pictures of one step, in parts.
pub(in crate::training) struct Inputs {
    /// Stage 1: [0, 1]; the others: [-1, 1].
    pub(in crate::training) pictures: Vec<Tensor>,
    /// Those that [`TrainMethod::second`] asks for.
    pub(in crate::training) second: Option<Vec<Tensor>>,
    /// A 1 at the class of each of the second pictures, `(N, classes)`, where they have labels.
    pub(in crate::training) labels: Option<Tensor>,
    /// How many pictures there are in all.
    pub(in crate::training) all: usize,
}

/// Noise on the device of the networks, from N(0, I) where nothing else is said.
pub(in crate::training) struct Normals<'a> {
    pub(in crate::training) stream: &'a mut Stream,
    pub(in crate::training) feed: &'a mut Feed,
}

impl Normals<'_> {
    pub(in crate::training) fn draw(&mut self, shape: &[usize]) -> Result<Tensor, TrainError> {
        let values = self.stream.normals(shape.iter().product());
        Ok(self.feed.put(&values, shape)?)
    }

    /// Noise of so great a `deviation` for pictures, `shape` with the pictures as its first axis. Each has a stream of its own,
    /// so that threads share them out; this one moves on as far whatever they are.
    pub(in crate::training) fn draw_noise(
        &mut self,
        shape: &[usize],
        deviation: f32,
    ) -> Result<Tensor, TrainError> {
        let mut values = vec![0.0; shape.iter().product()];
        let (seed, picture) = (self.stream.seed(), shape.iter().skip(1).product::<usize>().max(1));
        if deviation != 0.0 {
            values.par_chunks_mut(picture).enumerate().for_each(|(index, values)| {
                let mut stream = Stream::for_item(seed, "noise", index as u64);
                values.iter_mut().for_each(|value| *value = deviation * stream.normal());
            });
        }
        Ok(self.feed.put(&values, shape)?)
    }

    /// Rows of zeros with a one, each of `dims` places as likely, `(rows, dims)`.
    pub(in crate::training) fn draw_choices(
        &mut self,
        rows: usize,
        dims: usize,
    ) -> Result<Tensor, TrainError> {
        let mut values = vec![0.0; rows * dims];
        for row in values.chunks_mut(dims.max(1)) {
            row[self.stream.below(row.len())] = 1.0;
        }
        Ok(self.feed.put(&values, &[rows, dims])?)
    }

    /// Numbers that are uniform between two.
    pub(in crate::training) fn draw_uniform(
        &mut self,
        shape: &[usize],
        [low, high]: [f64; 2],
    ) -> Result<Tensor, TrainError> {
        let (low, width) = (low as f32, (high - low) as f32);
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|_| low + width * self.stream.uniform()).collect();
        Ok(self.feed.put(&values, shape)?)
    }
}
