//! Stage 2: a GAN that distils the frozen encoder of stage 1 (paper section 4), and the GANs it is compared with that
//! take the same turns: w/o distillation, cGAN, InfoGAN, and a GAN without a code (sections 5.1 and 5.3).

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{DiscriminatorConfig, Generator, GeneratorConfig, PosteriorEncoder, VaeConfig, Weights};
use crate::objectives::{AdaptiveBottleneck, information_loss, loss_as_real};

use crate::training::config::{Downsample, GanTraining};
use crate::training::steps::{self, Batch, Turns};
use crate::training::steps::{DiscriminatorBatch, DiscriminatorTraining};
use crate::training::steps::{TrainedNetwork, to_encoder};
use crate::training::steps::{extend, part_of};
use crate::training::{Gradients, Ledger, MovingAverage, Rule, StepReport};

use crate::training::steps::FrozenEncoder;

/// A generator and a discriminator in training, with what gives their code its meaning.
pub struct GanTrainer {
    values: GanTraining,
    guide: Guide,
    generator: TrainedNetwork<Generator>,
    discriminator: DiscriminatorTraining,
    average: MovingAverage,
}

/// Where the code c of a generator comes from and who reads it back; what tells the methods apart.
pub enum Guide {
    /// There is no c: the generator takes s alone (GAN).
    None,
    /// c ~ q(c|x) by the encoder of stage 1, which also reads it back (ID-GAN; with `w_info` 0 it has no say in the
    /// generator: w/o distillation, and cGAN where the discriminator has a projection).
    Frozen(FrozenEncoder),
    /// c ~ N(0, I), read back by an encoder that learns along with the generator (InfoGAN's Q).
    Learned(Box<LearnedEncoder>),
}

/// InfoGAN's encoder Q: the VAE's architecture, trained on generated pictures only, by the generator's rule.
pub struct LearnedEncoder {
    trained: TrainedNetwork<PosteriorEncoder>,
    downsample: Downsample,
}

/// The initial weights of stage 2, under their published names.
#[derive(Clone, Debug)]
pub struct GanWeights {
    /// The generator.
    pub generator: Arrays,
    /// Its moving average.
    pub average: Arrays,
    /// The discriminator; for cGAN with `projection.weight`, see [`crate::nets::Projection`].
    pub discriminator: Arrays,
}

/// The data and noise of one step, or of a part of it. All noise is from N(0, I).
#[derive(Debug)]
pub struct GanBatch {
    /// Real pictures `(N, channels, size, size)` in [-1, 1].
    pub pictures: Tensor,
    /// Noise of c ~ q(c|x), `(N, c_dim)`; InfoGAN's c itself. Without c nobody looks at it.
    pub noise_c: Tensor,
    /// Nuisance codes of the discriminator's turn, `(N, s_dim)`.
    pub s_discriminator: Tensor,
    /// Nuisance codes of the generator's turn, `(N, s_dim)`.
    pub s_generator: Tensor,
    /// The bottleneck's sampling noise for real pictures, for generated ones in the discriminator's turn and for
    /// generated ones in the generator's turn, each `(N, C, 4, 4)`; `None` without a bottleneck.
    pub noise_bottleneck: Option<[Tensor; 3]>,
}

impl Batch for GanBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        let own = [&self.pictures, &self.noise_c, &self.s_discriminator, &self.s_generator];
        own.into_iter().chain(self.noise_bottleneck.iter().flatten()).collect()
    }
}

impl GanWeights {
    /// A generator with itself as its average, and a discriminator.
    pub fn new(generator: Arrays, discriminator: Arrays) -> Self {
        Self { average: generator.clone(), generator, discriminator }
    }
}

impl From<FrozenEncoder> for Guide {
    fn from(encoder: FrozenEncoder) -> Self {
        Self::Frozen(encoder)
    }
}

impl LearnedEncoder {
    /// An encoder that starts from `weights`, the encoder's half under its published names.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(config: VaeConfig, weights: &Arrays, values: &GanTraining, device: &Device) -> Result<Self> {
        let rule = Rule::rmsprop(values.generator_rate(0));
        let trained =
            TrainedNetwork::new(weights, rule, device, |weights| PosteriorEncoder::new(config, weights))?;
        Ok(Self { trained, downsample: values.downsample })
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
        guide: impl Into<Guide>,
        device: &Device,
    ) -> Result<Self> {
        let average = MovingAverage::new(values.ema_decay, Weights::trainable(&weights.average, device)?);
        let rule = Rule::rmsprop(values.generator_rate(0));
        let generator = TrainedNetwork::new(&weights.generator, rule, device, |weights| {
            Generator::new(generator, weights)
        })?;
        let discriminator =
            DiscriminatorTraining::new(&values, discriminator, &weights.discriminator, device)?;
        Ok(Self { values, guide: guide.into(), generator, discriminator, average })
    }

    /// One iteration on a batch given in parts of equal size (gradient accumulation): the discriminator's turn,
    /// the generator's turn, the moving average. `step` counts from 0.
    ///
    /// The report holds `d_loss`, `r1` (weighted, with the weighted KL of a bottleneck), `g_loss`, with a code
    /// `info` (not weighted, nats) and for a bottleneck `kl` and `beta_vdb`. A loss or gradient that is not finite
    /// ends the iteration; what came before it in the iteration is undone by nothing, since only finite turns are
    /// taken.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, parts: &[GanBatch], step: u64) -> Result<StepReport> {
        steps::step(self, parts, step)
    }

    /// The codes of both turns without a graph, `(N, c_dim)`: c ~ q(c|x) of the real pictures, or from the prior
    /// (InfoGAN). `(N, 0)` without c.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn codes(&self, part: &GanBatch) -> Result<Tensor> {
        match &self.guide {
            Guide::None => part.noise_c.narrow(1, 0, 0),
            Guide::Frozen(encoder) => Ok(encoder.encode(&part.pictures)?.sample(&part.noise_c)?.detach()),
            Guide::Learned(_) => Ok(part.noise_c.clone()),
        }
    }

    /// The generator's input `[s, c]`.
    fn input(&self, s: &Tensor, c: &Tensor) -> Result<Tensor> {
        match &self.guide {
            Guide::None => Ok(s.clone()),
            _ => Tensor::cat(&[s, c], 1),
        }
    }

    /// The discriminator's losses and gradients, R1 among them if `penalised`, without a step.
    ///
    /// Real and generated pictures are differentiated one after the other, so that only one graph is in memory.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn discriminator_gradients(
        &self,
        parts: &[GanBatch],
        codes: &[Tensor],
        penalised: bool,
        ledger: &mut Ledger,
    ) -> Result<Gradients> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for (part, c) in parts.iter().zip(codes) {
            let batch = DiscriminatorBatch {
                real: &part.pictures,
                codes: Some(c),
                noise: part.noise_bottleneck.as_ref(),
            };
            let generate = || self.generator.frozen.forward(&self.input(&part.s_discriminator, c)?);
            self.discriminator.add_gradients(batch, generate, (share, penalised), &mut gradients, ledger)?;
        }
        Ok(gradients)
    }

    /// The generator's losses and gradients, without a step.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn generator_gradients(
        &self,
        parts: &[GanBatch],
        codes: &[Tensor],
        ledger: &mut Ledger,
    ) -> Result<Gradients> {
        Ok(self.generator_turn(parts, codes, ledger)?.0)
    }

    /// The gradients of the generator's losses in InfoGAN's encoder, without a step; `None` in other methods.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn encoder_gradients(&self, parts: &[GanBatch], codes: &[Tensor]) -> Result<Option<Gradients>> {
        Ok(self.generator_turn(parts, codes, &mut Ledger::default())?.1)
    }

    /// The gradients of the generator, and of InfoGAN's encoder.
    fn generator_turn(
        &self,
        parts: &[GanBatch],
        codes: &[Tensor],
        ledger: &mut Ledger,
    ) -> Result<(Gradients, Option<Gradients>)> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        let mut encoder_gradients = None;
        for (part, c) in parts.iter().zip(codes) {
            let generated = self.generator.net.forward(&self.input(&part.s_generator, c)?)?;
            let logits = self.discriminator.opinion(&generated, Some(c), part.noise_bottleneck.as_ref())?;
            let mut total = loss_as_real(&logits)?;
            ledger.add("g_loss", &total, share)?;
            if let Some(information) = self.information(&generated, c)? {
                ledger.add("info", &information, share)?;
                if self.values.w_info > 0.0 {
                    total = (total + (information * self.values.w_info)?)?;
                }
            }
            let mut store = crate::ops::backward(&(total * share)?)?;
            gradients.add(Gradients::take(&mut store, &self.generator.group.weights))?;
            if let Guide::Learned(encoder) = &self.guide {
                let own = Gradients::take(&mut store, &encoder.trained.group.weights);
                encoder_gradients.get_or_insert_with(Gradients::default).add(own)?;
            }
        }
        ledger.check("generator gradient", &gradients)?;
        if let Some(gradients) = &encoder_gradients {
            ledger.check("encoder gradient", gradients)?;
        }
        Ok((gradients, encoder_gradients))
    }

    /// How badly c is read back from the generated pictures, in nats; without a graph where nobody learns from it.
    fn information(&self, generated: &Tensor, c: &Tensor) -> Result<Option<Tensor>> {
        let seen = if self.values.w_info > 0.0 { generated.clone() } else { generated.detach() };
        Ok(match &self.guide {
            Guide::None => None,
            Guide::Frozen(encoder) => Some(information_loss(c, &encoder.encode(&seen)?)?),
            Guide::Learned(encoder) => {
                let posterior = encoder.trained.net.encode(&to_encoder(&seen, encoder.downsample)?)?;
                Some(information_loss(c, &posterior)?)
            }
        })
    }

    /// The generator that is being trained.
    pub fn generator(&self) -> &Weights {
        &self.generator.group.weights
    }

    /// Its moving average: what is shown and measured.
    pub fn average(&self) -> &Weights {
        self.average.weights()
    }

    /// The discriminator; for cGAN with its projection.
    pub fn discriminator(&self) -> &Weights {
        self.discriminator.weights()
    }

    /// InfoGAN's encoder.
    pub fn learned_encoder(&self) -> Option<&Weights> {
        match &self.guide {
            Guide::Learned(encoder) => Some(&encoder.trained.group.weights),
            _ => None,
        }
    }

    /// The bottleneck's weight, if there is a bottleneck.
    pub fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        self.discriminator.bottleneck()
    }

    /// Everything a resumed run needs besides average, discriminator and learned encoder: `generator.*` (not
    /// averaged), `generator_optimiser.*`, `discriminator_optimiser.*`, for cGAN `projection.weight`, for InfoGAN
    /// `encoder_optimiser.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        extend(&mut state, "generator.", self.generator.group.weights.to_arrays()?);
        self.generator.group.save_optimiser("generator", &mut state)?;
        self.discriminator.save(&mut state)?;
        if let Guide::Learned(encoder) = &self.guide {
            encoder.trained.group.save_optimiser("encoder", &mut state)?;
        }
        Ok(state)
    }

    /// Continues from the averaged generator, the discriminator, what [`GanTrainer::state`] returned and the
    /// bottleneck's weight. InfoGAN's encoder was given to [`LearnedEncoder::new`].
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
        self.generator.restore("generator", &part_of(state, "generator."), state)?;
        self.discriminator.restore(discriminator, state, bottleneck)?;
        if let Guide::Learned(encoder) = &mut self.guide {
            let weights = encoder.trained.group.weights.to_arrays()?;
            encoder.trained.restore("encoder", &weights, state)?;
        }
        Ok(())
    }
}

impl Turns for GanTrainer {
    type Batch = GanBatch;

    fn prepare(&mut self, step: u64) -> Result<()> {
        let rate = Some(self.values.generator_rate(step));
        self.discriminator.prepare(step)?;
        if let Guide::Learned(encoder) = &mut self.guide {
            encoder.trained.group.prepare(rate)?;
        }
        self.generator.group.prepare(rate)
    }

    fn is_penalised(&self, step: u64) -> bool {
        self.discriminator.is_penalised(step)
    }

    fn take(&mut self, parts: &[GanBatch], penalised: bool, ledger: &mut Ledger) -> Result<()> {
        let codes = parts.iter().map(|part| self.codes(part)).collect::<Result<Vec<_>>>()?;
        let gradients = self.discriminator_gradients(parts, &codes, penalised, ledger)?;
        if !self.discriminator.end_turn(&gradients, ledger)? {
            return Ok(());
        }
        drop(gradients);
        let (gradients, encoder_gradients) = self.generator_turn(parts, &codes, ledger)?;
        if !ledger.end_turn()? {
            return Ok(());
        }
        self.generator.group.apply(&gradients, ledger)?;
        if let (Guide::Learned(encoder), Some(gradients)) = (&mut self.guide, encoder_gradients) {
            encoder.trained.group.apply(&gradients, ledger)?;
        }
        self.average.update_through(&self.generator.group.weights, ledger.gate())
    }

    fn follow(&mut self, turns: usize, _: u64, report: &mut StepReport) {
        if turns > 0 {
            self.discriminator.follow(report);
        }
        if turns > 1 {
            self.generator.group.count();
            if let Guide::Learned(encoder) = &mut self.guide {
                encoder.trained.group.count();
            }
        }
    }
}
