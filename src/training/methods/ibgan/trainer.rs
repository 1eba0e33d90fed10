//! IB-GAN (Jeon et al., AAAI 2021), and the InfoGAN and GAN in its networks that it is compared with.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{GraphNet, Pass, Weights};
use crate::objectives::{
    information_lower_bound, information_upper_bound, kl_per_dimension, loss_as_fake, loss_as_real,
    loss_with_labels,
};
use crate::ops;
use crate::optim::Gradients;
use crate::training::config::Method;
use crate::training::steps::{self, Batch, LearntGroup, Turns};
use crate::training::{Ledger, Rule, StepReport};

use super::config::IbGanTraining;

/// Nats from which on a divergence without a weight is held down.
const MOST_FREE_NATS: f64 = 20.0;
/// Its weight from there on.
const HELD_DOWN: f64 = 100.0;
/// What the names of the reader's own layers begin with.
const READER: &str = "encoder.";

/// The data and noise of one step.
#[derive(Debug)]
pub struct IbGanBatch {
    /// Real pictures `(N, channels, 64, 64)` in [-1, 1].
    pub pictures: Tensor,
    /// z of the generated pictures, `(N, z_dim)` from N(0, I).
    pub z: Tensor,
    /// What makes r of its mean and log variance, `(N, r_dim)` from N(0, I).
    pub noise_r: Tensor,
    /// What is added to real pictures, of their shape.
    pub noise_real: Tensor,
    /// What is added to generated pictures, of their shape.
    pub noise_generated: Tensor,
    /// What stands for "real" in the discriminator's loss, `(N,)`.
    pub real_labels: Tensor,
}

impl Batch for IbGanBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![
            &self.pictures,
            &self.z,
            &self.noise_r,
            &self.noise_real,
            &self.noise_generated,
            &self.real_labels,
        ]
    }
}

/// The divergence of e(r|z) from N(0, I), a mean over a batch.
struct Bound {
    /// A scalar, to learn by.
    whole: Tensor,
    /// Of each dimension of r, `(r_dim,)`, out of reach of gradients.
    each: Tensor,
}

/// IB-GAN's networks in training.
pub struct IbGanTrainer {
    values: IbGanTraining,
    method: Method,
    /// Emitter and generator.
    generator: LearntGroup,
    emitter: Option<GraphNet>,
    painter: GraphNet,
    /// Discriminator and what it shares with the reader.
    discriminator: LearntGroup,
    judge: GraphNet,
    /// The reader's own layers.
    reader: LearntGroup,
    /// Discriminator and reader of generated pictures in the discriminator's turn: the reader is out of reach of gradients.
    witness: GraphNet,
    /// The same in the generator's turn: the discriminator is.
    critic: GraphNet,
    /// This step's weight of the upper bound.
    beta: f64,
}

impl IbGanTrainer {
    /// A trainer that starts from `generator` (emitter and generator) and `discriminator` (discriminator and reader), under
    /// their published names.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(
        values: IbGanTraining,
        method: Method,
        generator: &Arrays,
        discriminator: &Arrays,
        device: &Device,
    ) -> Result<Self> {
        let config = values.networks(method);
        let learns = Rule::rmsprop_with_momentum(values.learning_rate_generator, values.momentum);
        let judges = Rule::rmsprop_with_momentum(values.learning_rate_discriminator, values.momentum);
        let of_reader = |wanted: bool| -> Arrays {
            let own = discriminator.iter().filter(|(name, _)| name.starts_with(READER) == wanted);
            own.map(|(name, array)| (name.clone(), array.clone())).collect()
        };
        let generator = LearntGroup::new(generator, learns, device)?;
        let discriminator = LearntGroup::new(&of_reader(false), judges, device)?;
        let reader = LearntGroup::new(&of_reader(true), learns, device)?;
        let emitter = match method {
            Method::IbGan => Some(GraphNet::new(&config.emitter_graph(), &generator.weights)?),
            _ => None,
        };
        let judged = match method {
            Method::IbGanGan => config.discriminator_graph(),
            _ => config.critic_graph(),
        };
        let witnessed = discriminator.weights.joined(&reader.weights.frozen_view());
        let seen = discriminator.weights.frozen_view().joined(&reader.weights);
        Ok(Self {
            emitter,
            painter: GraphNet::new(&config.generator_graph(), &generator.weights)?,
            judge: GraphNet::new(&config.discriminator_graph(), &discriminator.weights)?,
            witness: GraphNet::new(&judged, &witnessed)?,
            critic: GraphNet::new(&judged, &seen)?,
            beta: values.beta.at(0),
            generator,
            discriminator,
            reader,
            values,
            method,
        })
    }

    /// One iteration: discriminator, then generator, emitter and reader on the same generated pictures. `step` counts from 0.
    ///
    /// The report holds `d_loss`, `g_loss`, with a reader `information` (the lower bound I_L), and with an emitter `kl` (the
    /// upper bound), both in nats and not weighted.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, batch: IbGanBatch, step: u64) -> Result<StepReport> {
        steps::step(self, &[batch], step)
    }

    /// r of a batch with the upper bound of its information: z itself where there is no emitter.
    fn representation(&self, batch: &IbGanBatch) -> Result<(Tensor, Option<Bound>, Vec<Pass>)> {
        let Some(emitter) = &self.emitter else { return Ok((batch.z.clone(), None, Vec::new())) };
        let pass = emitter.forward(std::slice::from_ref(&batch.z))?;
        let (mu, logvar) = halves(pass.output(0)?)?;
        let r = (&mu + ((&logvar * 0.5)?.exp()? * &batch.noise_r)?)?;
        let whole = information_upper_bound(&mu, &logvar)?;
        let each = kl_per_dimension(&mu.detach(), &logvar.detach())?;
        Ok((r, Some(Bound { whole, each }), vec![pass]))
    }

    /// The discriminator's gradients on generated and on real pictures, and what it has seen.
    fn judged(
        &self,
        generated: &Tensor,
        batch: &IbGanBatch,
        ledger: &mut Ledger,
    ) -> Result<(Gradients, [Pass; 2])> {
        let fake = self.witness.forward(&[noisy(generated, &batch.noise_generated)?])?;
        let real = self.judge.forward(&[noisy(&batch.pictures, &batch.noise_real)?])?;
        let loss = (loss_as_fake(&fake.output(0)?.flatten_all()?)?
            + loss_with_labels(&real.output(0)?.flatten_all()?, &batch.real_labels)?)?;
        ledger.add("d_loss", &loss, 1.0)?;
        let gradients = self.discriminator.backward(&loss)?;
        ledger.check("discriminator gradient", &gradients)?;
        Ok((gradients, [fake, real]))
    }

    /// The weighted sum of the generator's losses; `judged` is what the discriminator's turn made of `generated`.
    fn painted(
        &self,
        generated: &Tensor,
        judged: &Pass,
        bound: Option<&Bound>,
        batch: &IbGanBatch,
        ledger: &mut Ledger,
    ) -> Result<Tensor> {
        let seen = self.critic.forward_again(&[noisy(generated, &batch.noise_generated)?], judged)?;
        let mut total = loss_as_real(&seen.output(0)?.flatten_all()?)?;
        ledger.add("g_loss", &total, 1.0)?;
        if self.method != Method::IbGanGan {
            let information = information_lower_bound(&batch.z, seen.output(1)?)?;
            ledger.add("information", &information, 1.0)?;
            total = (total - (information * self.values.lambda)?)?;
        }
        if let Some(Bound { whole: bound, each }) = bound {
            ledger.add("kl", bound, 1.0)?;
            ledger.add_each("kl_per_dimension", each, 1.0)?;
            let is_free = self.beta == 0.0;
            let weight = match is_free && f64::from(bound.to_scalar::<f32>()?) >= MOST_FREE_NATS {
                true => HELD_DOWN,
                false => self.beta,
            };
            total = (total + (bound * weight)?)?;
        }
        Ok(total)
    }

    /// Emitter and generator.
    pub fn generator(&self) -> &Weights {
        &self.generator.weights
    }

    /// Discriminator and reader.
    pub fn discriminator(&self) -> Weights {
        self.discriminator.weights.joined(&self.reader.weights)
    }

    /// What a resumed run needs besides the weights: `generator_optimiser.*`, `discriminator_optimiser.*` and
    /// `reader_optimiser.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        self.generator.save_optimiser("generator", &mut state)?;
        self.discriminator.save_optimiser("discriminator", &mut state)?;
        self.reader.save_optimiser("reader", &mut state)?;
        Ok(state)
    }

    /// Continues from what [`IbGanTrainer::state`] returned; the weights were given to [`IbGanTrainer::new`].
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(&mut self, state: &Arrays) -> Result<()> {
        self.generator.restore_optimiser("generator", state)?;
        self.discriminator.restore_optimiser("discriminator", state)?;
        self.reader.restore_optimiser("reader", state)
    }
}

impl Turns for IbGanTrainer {
    type Batch = IbGanBatch;

    fn prepare(&mut self, step: u64) -> Result<()> {
        self.beta = self.values.beta.at(step);
        self.generator.prepare(None)?;
        self.discriminator.prepare(None)?;
        self.reader.prepare(None)
    }

    fn is_penalised(&self, _: u64) -> bool {
        false
    }

    fn take(&mut self, parts: &[IbGanBatch], _: bool, ledger: &mut Ledger) -> Result<()> {
        for batch in parts {
            let (r, bound, mut painted) = self.representation(batch)?;
            let painter = self.painter.forward(&[r])?;
            let generated = painter.output(0)?.clone();
            let (gradients, judged) = self.judged(&generated.detach(), batch, ledger)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            // The generator learns from the discriminator that has judged these pictures, as in the published program.
            let total = self.painted(&generated, &judged[0], bound.as_ref(), batch, ledger)?;
            let mut store = ops::backward(&total)?;
            let own = Gradients::take(&mut store, &self.generator.weights);
            let of_reader = Gradients::take(&mut store, &self.reader.weights);
            drop((store, total));
            ledger.check("generator gradient", &own)?;
            ledger.check("reader gradient", &of_reader)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            self.discriminator.apply(&gradients, ledger)?;
            self.generator.apply(&own, ledger)?;
            self.reader.apply(&of_reader, ledger)?;
            painted.push(painter);
            self.follow_statistics(painted.iter().chain(&judged))?;
        }
        Ok(())
    }

    fn follow(&mut self, turns: usize, _: u64, _: &mut StepReport) {
        if turns > 1 {
            self.generator.count();
            self.discriminator.count();
            self.reader.count();
        }
    }
}

impl IbGanTrainer {
    /// Moves the running statistics of every network by what it has seen in the step: once for generated pictures, and for the
    /// discriminator once more for real ones.
    fn follow_statistics<'a>(&self, passes: impl Iterator<Item = &'a Pass>) -> Result<()> {
        for statistics in passes.flat_map(Pass::statistics) {
            let group = [&self.generator, &self.discriminator, &self.reader];
            for group in group.into_iter().filter(|group| group.has_statistics(&statistics.name)) {
                statistics.blend_into(&group.weights)?;
            }
        }
        Ok(())
    }
}

/// A picture with noise on it, cut off at -1 and 1.
fn noisy(pictures: &Tensor, noise: &Tensor) -> Result<Tensor> {
    ops::with_noise(pictures, noise, [-1.0, 1.0])
}

/// The first and the second half of each row.
fn halves(rows: &Tensor) -> Result<(Tensor, Tensor)> {
    let half = rows.dim(1)? / 2;
    Ok((rows.narrow(1, 0, half)?, rows.narrow(1, half, half)?))
}
