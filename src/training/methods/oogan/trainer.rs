//! OOGAN (Liu et al., AAAI 2020), and the InfoGAN that it is compared with, as in the published program (`oogan_models.py`).

use candle_core::{Device, Result, Tensor, Var};

use crate::base::{Array, Arrays};
use crate::nets::{GraphNet, Statistics, Weights};
use crate::objectives::{
    choice_cost, control_cost, control_distance, hinge_as_fake, hinge_as_real, slope_penalty,
};
use crate::optim::Gradients;
use crate::training::steps::{self, Batch, LearntGroup, Turns, extend};
use crate::training::{Ledger, MovingAverage, Rule, StepReport};

use super::config::OoganTraining;
use super::controls::Controls;
use super::orthogonal::{BETAS, Orthogonal, cosines};

/// The weight of the penalty on the discriminator's slope.
const PENALTY: f64 = 10.0;
/// How often a step runs the discriminator.
const RUNS: f64 = 5.0;
/// What the names of the reader's own layers begin with.
const READER: &str = "pred_c.";
/// The readings that are not new in every step, which are told in each: how far off the reader is.
const TOLD: [&str; 2] = ["one_hot_l1", "uniform_l1"];

/// Weights to start from or to go on from, under their published names; what is spectrally normalised in its three parts.
#[derive(Clone, Debug)]
pub struct OoganWeights {
    /// The generator.
    pub generator: Arrays,
    /// Its moving average.
    pub average: Arrays,
    /// Discriminator and reader.
    pub discriminator: Arrays,
}

/// The codes of a batch of generated pictures.
#[derive(Clone, Debug)]
pub struct OoganCodes {
    /// The controls, `(N, c_dim)` from 0 to 1.
    pub c: Tensor,
    /// 1 where a control was chosen to be 1, else 0, `(N, c_dim)`.
    pub chosen: Tensor,
    /// The noise, `(N, z_dim)` from N(0, I); `None` where there is none.
    pub z: Option<Tensor>,
}

/// The data and noise of one step.
#[derive(Debug)]
pub struct OoganBatch {
    /// Real pictures `(N, channels, size, size)` in [-1, 1], with their noise.
    pub pictures: Tensor,
    /// What the pictures that the discriminator judges are generated of.
    pub codes: OoganCodes,
    /// What the pictures that the reader reads are generated of.
    pub read: OoganCodes,
    /// The share of the real picture in the mixtures that the penalty is taken at, `(N, 1, 1, 1)` uniform from 0 to 1.
    pub share: Tensor,
}

impl Batch for OoganBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        let mut all = vec![&self.pictures, &self.share];
        for codes in [&self.codes, &self.read] {
            all.extend([Some(&codes.c), Some(&codes.chosen), codes.z.as_ref()].into_iter().flatten());
        }
        all
    }
}

/// OOGAN's networks in training.
pub struct OoganTrainer {
    values: OoganTraining,
    /// The generator against the discriminator.
    generator: LearntGroup,
    /// Discriminator and reader: of the reader only what is kept orthogonal is moved here.
    discriminator: LearntGroup,
    /// Generator and reader, for the sake of c.
    information: LearntGroup,
    orthogonal: Option<Orthogonal>,
    painter: GraphNet,
    /// Discriminator and reader in the discriminator's turn.
    judge: GraphNet,
    /// The same in the generator's turns: what they share and the discriminator's own are out of reach of gradients.
    critic: GraphNet,
    average: MovingAverage,
    /// What this step draws.
    controls: Controls,
    /// Whether this step looks at pictures of one-hot controls that it does not learn from.
    asks_for_one_hot: bool,
    /// The newest of [`TOLD`].
    told: [Option<f64>; 2],
}

impl OoganTrainer {
    /// A trainer for pictures of `size` pixels each way that starts from `weights`. `values` are those of the method
    /// ([`OoganTraining::of`]).
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(values: OoganTraining, size: usize, weights: &OoganWeights, device: &Device) -> Result<Self> {
        let config = values.networks(size);
        let rule = |rate| Rule::adam(rate, BETAS[0], BETAS[1]);
        let generator = Weights::trainable(&weights.generator, device)?;
        let judge = Weights::trainable(&weights.discriminator, device)?;
        let reader = judge.only(|name| name.starts_with(READER));
        let shared = judge.only(|name| !name.starts_with(READER));
        let orthogonal = values.keeps_orthogonal().then(|| Orthogonal::new(&values, &reader)).transpose()?;
        let critic = config.critic_graph();
        Ok(Self {
            painter: GraphNet::new(&config.generator_graph(), &generator)?,
            judge: GraphNet::new(&critic, &judge)?,
            critic: GraphNet::new(&critic, &shared.frozen_view().joined(&reader))?,
            information: LearntGroup::over(
                generator.joined(&reader),
                rule(values.learning_rate_information),
            )?,
            generator: LearntGroup::over(generator, rule(values.learning_rate_generator))?,
            discriminator: LearntGroup::over(judge, rule(values.learning_rate_discriminator))?,
            orthogonal,
            average: MovingAverage::new(values.ema_decay, Weights::trainable(&weights.average, device)?),
            controls: Controls::at(0, values.one_hot),
            asks_for_one_hot: false,
            told: [None; 2],
            values,
        })
    }

    /// One iteration: discriminator, generator on the same pictures, then generator and reader on others. `step` counts from 0.
    ///
    /// The report holds `d_loss`, `penalty` (not weighted), `g_loss`, `info` (what c costs the reader, in nats a dimension),
    /// `cosine_kernels` and `cosine_product` of OOGAN's reader or `cosine_last` of InfoGAN's (means of squared cosines), and
    /// `one_hot_l1` and `uniform_l1`: the mean |c - mu| of the newest step that drew such c, or looked at it where the method learns
    /// from uniform c alone.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, batch: OoganBatch, step: u64) -> Result<StepReport> {
        steps::step(self, &[batch], step)
    }

    /// The generator, not averaged.
    pub fn generator(&self) -> &Weights {
        &self.generator.weights
    }

    /// Discriminator and reader.
    pub fn discriminator(&self) -> &Weights {
        &self.discriminator.weights
    }

    /// The averaged generator, whose spectral normalisation goes on as that of the generator stands.
    ///
    /// # Errors
    /// When the device fails.
    pub fn averaged(&self) -> Result<Arrays> {
        let mut arrays = self.average.weights().to_arrays()?;
        let own = self.generator.weights.to_arrays()?;
        let buffers = self.generator.weights.buffers().filter_map(|(name, _)| own.get_key_value(name));
        arrays.extend(buffers.map(|(name, array)| (name.clone(), array.clone())));
        Ok(arrays)
    }

    /// What a resumed run needs beside the model: all weights as they are trained, all optimisers and the newest readings.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        extend(&mut state, "generator.", self.generator.weights.to_arrays()?);
        extend(&mut state, "average.", self.average.weights().to_arrays()?);
        extend(&mut state, "discriminator.", self.discriminator.weights.to_arrays()?);
        self.generator.save_optimiser("generator", &mut state)?;
        self.discriminator.save_optimiser("discriminator", &mut state)?;
        self.information.save_optimiser("information", &mut state)?;
        if let Some(orthogonal) = &self.orthogonal {
            orthogonal.save(&mut state)?;
        }
        for (name, value) in TOLD.into_iter().zip(self.told) {
            let array = value.and_then(|value| Array::new([1], vec![value as f32]));
            state.extend(array.map(|array| (name.to_owned(), array)));
        }
        Ok(state)
    }

    /// Continues from what [`OoganTrainer::state`] returned; the weights were given to [`OoganTrainer::new`].
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(&mut self, state: &Arrays) -> Result<()> {
        self.generator.restore_optimiser("generator", state)?;
        self.discriminator.restore_optimiser("discriminator", state)?;
        self.information.restore_optimiser("information", state)?;
        if let Some(orthogonal) = &mut self.orthogonal {
            orthogonal.restore(state)?;
        }
        self.told = TOLD.map(|name| Some(f64::from(*state.get(name)?.data().first()?)));
        Ok(())
    }

    /// The reader's orthogonal weights after a step of their own, and its gradients.
    fn keep_orthogonal(&mut self, ledger: &mut Ledger) -> Result<Gradients> {
        match &mut self.orthogonal {
            Some(orthogonal) => orthogonal.step(1.0 / RUNS, ledger),
            None => Ok(Gradients::default()),
        }
    }

    /// The discriminator's gradients on real and generated pictures and on mixtures of them, and what its normalisations have
    /// seen.
    fn judged(
        &mut self,
        generated: &Tensor,
        batch: &OoganBatch,
        ledger: &mut Ledger,
    ) -> Result<(Gradients, Vec<Statistics>)> {
        let (mut gradients, mut seen) = (Gradients::default(), Vec::new());
        for (pictures, is_real) in [(&batch.pictures, true), (generated, false)] {
            self.keep_orthogonal(ledger)?;
            let pass = self.judge.forward(std::slice::from_ref(pictures))?;
            let scores = pass.output(0)?.flatten_all()?;
            let loss = if is_real { hinge_as_real(&scores)? } else { hinge_as_fake(&scores)? };
            ledger.add("d_loss", &loss, 1.0)?;
            gradients.add(self.discriminator.backward(&loss)?)?;
            seen.extend_from_slice(pass.statistics());
        }
        let mixed = (generated + (&batch.pictures - generated)?.broadcast_mul(&batch.share)?)?;
        // The published program leaves the last of these gradients where the discriminator's optimiser finds it.
        let orthogonal = self.keep_orthogonal(ledger)?;
        let pass = self.judge.forward_by_operations(&[mixed])?;
        let slope = self.judge.input_gradient(&pass, 0, &pass.output(0)?.ones_like()?)?;
        let penalty = slope_penalty(&slope)?;
        ledger.add("penalty", &penalty, 1.0)?;
        gradients.add(self.discriminator.backward(&(penalty * PENALTY)?)?)?;
        seen.extend_from_slice(pass.statistics());
        gradients.add(orthogonal)?;
        ledger.check("discriminator gradient", &gradients)?;
        Ok((gradients, seen))
    }

    /// The generator's gradients against the discriminator.
    fn painted(&mut self, generated: &Tensor, ledger: &mut Ledger) -> Result<(Gradients, Vec<Statistics>)> {
        self.keep_orthogonal(ledger)?;
        let pass = self.critic.forward(std::slice::from_ref(generated))?;
        let loss = pass.output(0)?.mean_all()?.neg()?;
        ledger.add("g_loss", &loss, 1.0)?;
        let gradients = self.generator.backward(&loss)?;
        ledger.check("generator gradient", &gradients)?;
        Ok((gradients, pass.statistics().to_vec()))
    }

    /// The gradients of generator and reader for the sake of c.
    fn read(&mut self, codes: &OoganCodes, ledger: &mut Ledger) -> Result<(Gradients, Vec<Statistics>)> {
        let painted = self.painter.forward(&[codes.input()?])?;
        let orthogonal = self.keep_orthogonal(ledger)?;
        let pass = self.critic.forward(std::slice::from_ref(painted.output(0)?))?;
        let mu = pass.output(1)?;
        let cost = match self.values.is_certain {
            true => control_distance(&codes.c, mu)?,
            false => control_cost(&codes.c, mu, pass.output(2)?)?,
        };
        ledger.add("info", &cost, 1.0)?;
        let told = match self.controls {
            Controls::OneHot => Some(TOLD[0]),
            Controls::Uniform => Some(TOLD[1]),
            Controls::Shared => None,
        };
        if let Some(told) = told {
            ledger.add(told, &control_distance(&codes.c, &mu.detach())?, 1.0)?;
        }
        if self.asks_for_one_hot {
            ledger.add(TOLD[0], &self.one_hot_distance(codes)?, 1.0)?;
        }
        if self.orthogonal.is_none() {
            cosines(&self.discriminator.weights, ledger)?;
        }
        let mut loss = (cost * self.values.lambda)?;
        if self.controls != Controls::Uniform {
            let weight = self.values.gamma * self.controls.weight();
            loss = (loss + (choice_cost(mu, &codes.chosen)? * weight)?)?;
        }
        let mut gradients = self.information.backward(&loss)?;
        gradients.add(orthogonal)?;
        ledger.check("reader gradient", &gradients)?;
        Ok((gradients, pass.statistics().to_vec()))
    }

    /// What one-hot controls cost a method that never draws them: |c - mu| of pictures of each control in turn, with the noise of
    /// `codes`. It leaves everything as it was, the power steps of spectral normalisation too.
    fn one_hot_distance(&self, codes: &OoganCodes) -> Result<Tensor> {
        let (rows, dims) = codes.c.dims2()?;
        let turns: Vec<u32> = (0..rows).map(|row| (row % dims) as u32).collect();
        let device = codes.c.device();
        let one_hot = Tensor::eye(dims, codes.c.dtype(), device)?
            .index_select(&Tensor::from_vec(turns, rows, device)?, 0)?;
        let steps = [&self.generator.weights, &self.discriminator.weights].map(power_steps);
        let codes = OoganCodes { c: one_hot, ..codes.clone() };
        let painted = self.painter.forward(&[codes.input()?.detach()])?;
        let pass = self.critic.forward(&[painted.output(0)?.detach()])?;
        let distance = control_distance(&codes.c, &pass.output(1)?.detach())?;
        for (var, before) in steps.into_iter().collect::<Result<Vec<_>>>()?.concat() {
            var.set(&before)?;
        }
        Ok(distance)
    }

    /// Moves the running statistics of discriminator and reader. Those of the generator nobody uses: what is shown has averaged
    /// weights, and statistics of its own.
    fn follow_statistics(&self, seen: &[Statistics]) -> Result<()> {
        seen.iter().try_for_each(|seen| seen.blend_into(&self.discriminator.weights))
    }
}

impl OoganCodes {
    /// What the generator takes: c and z side by side.
    fn input(&self) -> Result<Tensor> {
        match &self.z {
            Some(z) => Tensor::cat(&[&self.c, z], 1),
            None => Ok(self.c.clone()),
        }
    }
}

impl Turns for OoganTrainer {
    type Batch = OoganBatch;

    fn prepare(&mut self, step: u64) -> Result<()> {
        self.controls = Controls::at(step, self.values.one_hot);
        // as often as the others draw them
        self.asks_for_one_hot = !self.values.one_hot && Controls::at(step, true) == Controls::OneHot;
        self.generator.prepare(None)?;
        self.discriminator.prepare(None)?;
        self.information.prepare(None)
    }

    fn is_penalised(&self, _: u64) -> bool {
        false
    }

    fn take(&mut self, parts: &[OoganBatch], _: bool, ledger: &mut Ledger) -> Result<()> {
        for batch in parts {
            let painted = self.painter.forward(&[batch.codes.input()?])?;
            let generated = painted.output(0)?.clone();
            drop(painted);
            let (gradients, seen) = self.judged(&generated.detach(), batch, ledger)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            self.discriminator.apply(&gradients, ledger)?;
            self.follow_statistics(&seen)?;

            let (gradients, seen) = self.painted(&generated, ledger)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            self.generator.apply(&gradients, ledger)?;
            self.follow_statistics(&seen)?;

            let (gradients, seen) = self.read(&batch.read, ledger)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            self.information.apply(&gradients, ledger)?;
            self.follow_statistics(&seen)?;
            self.average.update_through(&self.generator.weights, ledger.gate())?;
        }
        Ok(())
    }

    fn follow(&mut self, turns: usize, _: u64, report: &mut StepReport) {
        let groups = [&mut self.discriminator, &mut self.generator, &mut self.information];
        groups.into_iter().take(turns).for_each(LearntGroup::count);
        for (name, told) in TOLD.into_iter().zip(&mut self.told) {
            match (report.get(name), *told) {
                // as a saved state has it
                (Some(new), _) if turns > 2 => *told = Some(f64::from(new as f32)),
                (None, Some(last)) => report.add(name, last),
                _ => {}
            }
        }
    }
}

/// What power steps move, with what it holds.
fn power_steps(weights: &Weights) -> Result<Vec<(Var, Tensor)>> {
    let moved =
        weights.buffers().filter(|(name, _)| name.ends_with("weight_u") || name.ends_with("weight_v"));
    moved.map(|(_, var)| Ok((var.clone(), var.as_tensor().copy()?))).collect()
}
