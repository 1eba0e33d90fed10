//! CycleIAE: an implicit autoencoder whose codes are pictures of another domain (Makhzani 2018, section 3).

pub(in crate::training) mod config;
pub(in crate::training) mod presets;

use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::model::{BACK, Model, ModelDescription, Stats, THERE};
use crate::nets::Parameters;
use crate::training::methods::iae::{IaeBatch, IaeGraphs, IaeNoise, IaeTrainer, IaeWeights};
use crate::training::methods::method::{Inputs, Normals, Second, TrainMethod};
use crate::training::methods::shared::section;
use crate::training::state::State;
use crate::training::steps::{extend, part_of};
use crate::training::{Method, Ramp, StepReport, TrainConfig, TrainError};

pub use config::CycleTraining;

/// Prefixes of the discriminators' weights in a saved state: models do not have them.
const PAIRS: &str = "pairs_weights.";
const SINGLE: &str = "single_weights.";

/// CycleIAE.
pub(in crate::training) struct CycleMethod {
    trainer: IaeTrainer,
    values: CycleTraining,
    size: usize,
    data: String,
}

/// The networks as the trainer of implicit autoencoders takes them: the code is a picture of the second domain.
pub fn graphs(values: &CycleTraining, size: usize) -> IaeGraphs {
    let encoder = values.there(size).graph();
    IaeGraphs {
        // the code is no choice
        logits: encoder.clone(),
        encoder,
        decoder: values.back(size).graph(),
        pairs: values.pair_discriminator(size).graph(),
        single: values.code_discriminator(size).graph(),
    }
}

impl CycleMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (values, size) = (section(config.cycle.as_ref(), "cycle")?, config.size);
        let stream = &mut Stream::new(config.seed, "weights");
        let weights = IaeWeights {
            encoder: values.there(size).initialise_normal(stream),
            decoder: values.back(size).initialise_normal(stream),
            pairs: values.pair_discriminator(size).initialise_normal(stream),
            single: values.code_discriminator(size).initialise_normal(stream),
        };
        Self::new(values, size, data, &weights, device)
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let weights = IaeWeights {
            encoder: state.model.group(THERE).clone(),
            decoder: state.model.group(BACK).clone(),
            pairs: part_of(&state.arrays, PAIRS),
            single: part_of(&state.arrays, SINGLE),
        };
        let values = section(config.cycle.as_ref(), "cycle")?;
        let mut method = Self::new(values, config.size, data, &weights, device)?;
        method.trainer.restore(&state.arrays)?;
        Ok(method)
    }

    fn new(
        values: CycleTraining,
        size: usize,
        data: &str,
        weights: &IaeWeights,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let graphs = graphs(&values, size);
        let trainer = IaeTrainer::new(&graphs, Method::CycleIae, values.learning_rate, weights, device)?;
        let trainer = if values.l1 > 0.0 { trainer.comparing_pixels(values.l1) } else { trainer };
        Ok(Self { trainer, values, size, data: data.to_owned() })
    }
}

impl CycleMethod {
    /// The noise on what the discriminators see; none where there never is any.
    fn noise(
        &self,
        rows: usize,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<Option<IaeNoise>, TrainError> {
        let CycleTraining { noise, channels, channels2, .. } = self.values;
        if noise == Ramp::constant(0.0) {
            return Ok(None);
        }
        let deviation = noise.at(step) as f32;
        let mut on = |channels| normals.draw_noise(&[rows, channels, self.size, self.size], deviation);
        Ok(Some(IaeNoise {
            pairs: [[on(channels)?, on(channels2)?], [on(channels)?, on(channels2)?]],
            single: [on(channels2)?, on(channels2)?],
        }))
    }
}

impl TrainMethod for CycleMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let second = inputs.second.into_iter().flatten().next();
        let (Some(pictures), Some(z)) = (inputs.pictures.into_iter().next(), second) else {
            return Ok(StepReport::default());
        };
        let rows = pictures.dim(0)?;
        let n = normals.draw(&[rows, self.values.n_dim])?;
        let eps = normals.draw(&[rows, self.values.eps_dim])?;
        let noise = self.noise(rows, step, normals)?;
        Ok(self.trainer.step(IaeBatch { pictures, z, n, eps, labelled: None, noise }, step)?)
    }

    fn score(&self, _: &StepReport) -> f64 {
        // the picture that comes back has what the noise chose: no loss of it judges a state
        f64::NAN
    }

    fn second(&self) -> Second {
        Second::Other { spec: self.values.data2.clone(), channels: self.values.channels2 }
    }

    fn encoder_side(&self) -> usize {
        self.size
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        let mut state = self.trainer.state()?;
        let [_, _, pairs, single] = self.trainer.weights();
        extend(&mut state, PAIRS, pairs.to_arrays()?);
        extend(&mut state, SINGLE, single.to_arrays()?);
        Ok(state)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let (there, back) = (self.values.there(self.size), self.values.back(self.size));
        let described = ModelDescription::cycle_iae("", there, back);
        let [encoder, decoder, ..] = self.trainer.weights();
        let model = Model::new(ModelDescription { data: Some(self.data.clone()), ..described })
            .with_weights(THERE, encoder.to_arrays()?)
            .with_weights(BACK, decoder.to_arrays()?);
        Ok(Model { stats, ..model })
    }
}
