//! Stage 2: a GAN that distils the frozen encoder of stage 1 (paper section 4).

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{
    Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, Posterior, Vae, VaeConfig, Weights,
};
use crate::objectives::{AdaptiveBottleneck, gradient_penalty, information_loss, loss_as_fake, loss_as_real};
use crate::ops;

use super::config::{Downsample, GanTraining};
use super::stage1::{extend, part_of, scalar};
use super::{Gradients, MovingAverage, Optimiser, Rule, StepReport};

/// A generator and a discriminator in training, with the encoder they distil.
pub struct GanTrainer {
    values: GanTraining,
    encoder: FrozenEncoder,
    generator: Player<Generator>,
    discriminator: Player<Discriminator>,
    average: MovingAverage,
    bottleneck: Option<AdaptiveBottleneck>,
}

/// A network with its optimiser, and a view of it for the other player's turn.
struct Player<N> {
    weights: Weights,
    net: N,
    /// The same network out of reach of gradients.
    frozen: N,
    optimiser: Optimiser,
}

/// The encoder of stage 1, behind the way from a GAN's pictures to its own.
pub struct FrozenEncoder {
    vae: Vae,
    downsample: Downsample,
}

/// The initial weights of stage 2, under their published names.
#[derive(Clone, Debug)]
pub struct GanWeights {
    /// The generator.
    pub generator: Arrays,
    /// Its moving average.
    pub average: Arrays,
    /// The discriminator.
    pub discriminator: Arrays,
}

/// The data and noise of one step, or of a part of it. All noise is from N(0, I).
#[derive(Debug)]
pub struct GanBatch {
    /// Real pictures `(N, channels, size, size)` in [-1, 1].
    pub pictures: Tensor,
    /// Noise of c ~ q(c|x), `(N, c_dim)`.
    pub noise_c: Tensor,
    /// Nuisance codes of the discriminator's turn, `(N, s_dim)`.
    pub s_discriminator: Tensor,
    /// Nuisance codes of the generator's turn, `(N, s_dim)`.
    pub s_generator: Tensor,
    /// The bottleneck's sampling noise for real pictures, for generated ones in the discriminator's turn and for
    /// generated ones in the generator's turn, each `(N, C, 4, 4)`; `None` without a bottleneck.
    pub noise_bottleneck: Option<[Tensor; 3]>,
}

impl FrozenEncoder {
    /// The encoder of the VAE `weights` (both halves under their published names).
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(config: VaeConfig, weights: &Arrays, downsample: Downsample, device: &Device) -> Result<Self> {
        Ok(Self { vae: Vae::new(config, &Weights::frozen(weights, device)?)?, downsample })
    }

    /// q(c|x) of pictures `(N, channels, size, size)` in [-1, 1], brought down to 64x64 where larger. Gradients
    /// flow to the pictures.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn encode(&self, pictures: &Tensor) -> Result<Posterior> {
        let unit = ((pictures + 1.0)? * 0.5)?;
        let small = match (unit.dim(3)?, self.downsample) {
            (64, _) => unit,
            (_, Downsample::Area) => ops::area_downsample(&unit, 64)?,
            (_, Downsample::Bilinear) => ops::bilinear_downsample(&unit, 64)?,
        };
        self.vae.encode(&small)
    }
}

impl GanTrainer {
    /// A trainer that starts from `weights`.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(
        values: GanTraining,
        generator: &GeneratorConfig,
        discriminator: &DiscriminatorConfig,
        weights: &GanWeights,
        encoder: FrozenEncoder,
        device: &Device,
    ) -> Result<Self> {
        let average = MovingAverage::new(values.ema_decay, Weights::trainable(&weights.average, device)?);
        let has_bottleneck = discriminator.noise_shape(1).is_some();
        let generator = Player::new(&weights.generator, values.learning_rate_generator, device, |w| {
            Generator::new(generator, w)
        })?;
        let discriminator =
            Player::new(&weights.discriminator, values.learning_rate_discriminator, device, |w| {
                Discriminator::new(discriminator, w)
            })?;
        let bottleneck = has_bottleneck.then(AdaptiveBottleneck::default);
        Ok(Self { values, encoder, generator, discriminator, average, bottleneck })
    }

    /// One iteration on a batch given in parts of equal size (gradient accumulation): the discriminator's turn,
    /// the generator's turn, the moving average. `step` counts from 0.
    ///
    /// The report holds `d_loss`, `r1` (weighted, with the weighted KL of a bottleneck), `g_loss`, `info` (not
    /// weighted, nats) and for a bottleneck `kl` and `beta_vdb`. A loss or gradient that is not finite ends the
    /// iteration; what came before it in the iteration is undone by nothing, since only finite turns are taken.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, parts: &[GanBatch], step: u64) -> Result<StepReport> {
        let mut report = StepReport::default();
        let codes = parts.iter().map(|part| self.codes(part)).collect::<Result<Vec<_>>>()?;
        let gradients = self.discriminator_gradients(parts, &codes, step, &mut report)?;
        if report.not_finite.is_some() {
            return Ok(report);
        }
        self.discriminator.optimiser.step(&gradients)?;
        drop(gradients);
        if let (Some(bottleneck), Some(kl)) = (&mut self.bottleneck, report.get("kl")) {
            bottleneck.update(kl);
            report.add("beta_vdb", bottleneck.beta);
        }
        let gradients = self.generator_gradients(parts, &codes, &mut report)?;
        if report.not_finite.is_some() {
            return Ok(report);
        }
        self.generator.optimiser.step(&gradients)?;
        self.average.update(&self.generator.weights)?;
        Ok(report)
    }

    /// c ~ q(c|x) of the real pictures, `(N, c_dim)`, without a graph.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn codes(&self, part: &GanBatch) -> Result<Tensor> {
        Ok(self.encoder.encode(&part.pictures)?.sample(&part.noise_c)?.detach())
    }

    /// The discriminator's losses and gradients, without a step.
    ///
    /// Real and generated pictures are differentiated one after the other, so that only one graph is in memory.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn discriminator_gradients(
        &self,
        parts: &[GanBatch],
        codes: &[Tensor],
        step: u64,
        report: &mut StepReport,
    ) -> Result<Gradients> {
        let share = 1.0 / parts.len().max(1) as f64;
        let lazy = self.values.r1_every;
        let penalty = if step.is_multiple_of(lazy) { self.values.reg_param * lazy as f64 } else { 0.0 };
        let beta = self.bottleneck.map_or(0.0, |b| b.beta);
        let mut gradients = Gradients::default();
        for (part, c) in parts.iter().zip(codes) {
            let noise = |i: usize| part.noise_bottleneck.as_ref().map(|noise| &noise[i]);
            let net = &self.discriminator.net;
            let verdict = net.judge(&part.pictures, noise(0))?;
            let loss = loss_as_real(&verdict.logits)?;
            report.add("d_loss", scalar(&loss)? * share);
            let mut total = loss;
            let mut regulariser = 0.0;
            if penalty > 0.0 {
                let r1 = (gradient_penalty(&net.input_gradient(&verdict)?)? * penalty)?;
                regulariser += scalar(&r1)?;
                total = (total + r1)?;
            }
            total = self.add_kl(total, verdict.kl.as_ref(), beta, share, &mut regulariser, report)?;
            gradients.add(self.discriminator.backward(&(total * share)?)?)?;

            let z = Tensor::cat(&[&part.s_discriminator, c], 1)?;
            let generated = self.generator.frozen.forward(&z)?;
            let verdict = net.judge(&generated, noise(1))?;
            let loss = loss_as_fake(&verdict.logits)?;
            report.add("d_loss", scalar(&loss)? * share);
            let total = self.add_kl(loss, verdict.kl.as_ref(), beta, share, &mut regulariser, report)?;
            report.add("r1", regulariser * share);
            gradients.add(self.discriminator.backward(&(total * share)?)?)?;
        }
        for name in ["d_loss", "r1"] {
            report.check(name, report.get(name).unwrap_or(f64::NAN));
        }
        report.check("discriminator gradient", gradients.norm()?);
        Ok(gradients)
    }

    /// Adds half of the bottleneck's weighted KL: the loss has the mean over real and generated pictures.
    fn add_kl(
        &self,
        total: Tensor,
        kl: Option<&Tensor>,
        beta: f64,
        share: f64,
        regulariser: &mut f64,
        report: &mut StepReport,
    ) -> Result<Tensor> {
        let Some(kl) = kl else {
            return Ok(total);
        };
        report.add("kl", scalar(kl)? * 0.5 * share);
        let weighted = (kl * (0.5 * beta))?;
        *regulariser += scalar(&weighted)?;
        total + weighted
    }

    /// The generator's losses and gradients, without a step.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn generator_gradients(
        &self,
        parts: &[GanBatch],
        codes: &[Tensor],
        report: &mut StepReport,
    ) -> Result<Gradients> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for (part, c) in parts.iter().zip(codes) {
            let z = Tensor::cat(&[&part.s_generator, c], 1)?;
            let generated = self.generator.net.forward(&z)?;
            let noise = part.noise_bottleneck.as_ref().map(|noise| &noise[2]);
            let verdict = self.discriminator.frozen.judge(&generated, noise)?;
            let loss = loss_as_real(&verdict.logits)?;
            report.add("g_loss", scalar(&loss)? * share);
            let information = information_loss(c, &self.encoder.encode(&generated)?)?;
            report.add("info", scalar(&information)? * share);
            let total = (loss + (information * self.values.w_info)?)?;
            gradients.add(self.generator.backward(&(total * share)?)?)?;
        }
        for name in ["g_loss", "info"] {
            report.check(name, report.get(name).unwrap_or(f64::NAN));
        }
        report.check("generator gradient", gradients.norm()?);
        Ok(gradients)
    }

    /// The generator that is being trained.
    pub fn generator(&self) -> &Weights {
        &self.generator.weights
    }

    /// Its moving average: what is shown and measured.
    pub fn average(&self) -> &Weights {
        self.average.weights()
    }

    /// The discriminator.
    pub fn discriminator(&self) -> &Weights {
        &self.discriminator.weights
    }

    /// The bottleneck's weight, if there is a bottleneck.
    pub fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        self.bottleneck
    }

    /// Everything a resumed run needs besides average and discriminator: `generator.*` (not averaged),
    /// `generator_optimiser.*`, `discriminator_optimiser.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        extend(&mut state, "generator.", self.generator.weights.to_arrays()?);
        extend(&mut state, "generator_optimiser.", self.generator.optimiser.state()?);
        extend(&mut state, "discriminator_optimiser.", self.discriminator.optimiser.state()?);
        Ok(state)
    }

    /// Continues from the averaged generator, the discriminator, what [`GanTrainer::state`] returned and the
    /// bottleneck's weight.
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(
        &mut self,
        average: &Arrays,
        discriminator: &Arrays,
        state: &Arrays,
        bottleneck: Option<AdaptiveBottleneck>,
    ) -> Result<()> {
        self.average.weights().assign(average)?;
        self.discriminator.weights.assign(discriminator)?;
        self.generator.weights.assign(&part_of(state, "generator."))?;
        self.generator.optimiser.restore(&part_of(state, "generator_optimiser."))?;
        self.discriminator.optimiser.restore(&part_of(state, "discriminator_optimiser."))?;
        if self.bottleneck.is_some() != bottleneck.is_some() {
            candle_core::bail!("the saved state and the configuration disagree about the bottleneck");
        }
        self.bottleneck = bottleneck;
        Ok(())
    }
}

impl<N> Player<N> {
    fn new(
        weights: &Arrays,
        learning_rate: f64,
        device: &Device,
        bind: impl Fn(&Weights) -> Result<N>,
    ) -> Result<Self> {
        let weights = Weights::trainable(weights, device)?;
        let (net, frozen) = (bind(&weights)?, bind(&weights.frozen_view())?);
        let optimiser = Optimiser::new(Rule::rmsprop(learning_rate), &weights)?;
        Ok(Self { weights, net, frozen, optimiser })
    }

    fn backward(&self, loss: &Tensor) -> Result<Gradients> {
        Ok(Gradients::take(&mut crate::ops::backward(loss)?, &self.weights))
    }
}
