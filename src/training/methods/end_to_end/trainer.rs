//! ID-GAN trained end to end (paper section 5.3): encoder, decoder, generator and discriminator at once, the encoder
//! reached by the gradients of both halves. What it costs is the paper's reason for training in two steps.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{Generator, GeneratorConfig, Vae, Weights};
use crate::objectives::{
    AdaptiveBottleneck, EndToEndWeights, end_to_end_loss, information_loss, kl_per_dimension, loss_as_real,
    reconstruction_loss,
};

use crate::training::config::{GanTraining, VaeTraining};
use crate::training::methods::gan::{GanBatch, GanWeights};
use crate::training::steps::Dial;
use crate::training::steps::{self, Turns};
use crate::training::steps::{DiscriminatorBatch, DiscriminatorTraining};
use crate::training::steps::{TrainedNetwork, to_encoder};
use crate::training::steps::{extend, part_of};
use crate::training::{Gradients, Ledger, MovingAverage, Rule, StepReport};

/// Encoder, decoder, generator and discriminator in training.
pub struct EndToEndTrainer {
    vae_values: VaeTraining,
    values: GanTraining,
    /// The weight of the VAE's KL.
    beta: Dial,
    vae: TrainedNetwork<Vae>,
    generator: TrainedNetwork<Generator>,
    discriminator: DiscriminatorTraining,
    average: MovingAverage,
}

impl EndToEndTrainer {
    /// A trainer that starts from `vae` (both halves under their published names) and `weights`. The VAE moves by
    /// Adam and the GAN by RMSprop, as they do apart.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(
        vae_values: VaeTraining,
        values: GanTraining,
        size: usize,
        vae: &Arrays,
        weights: &GanWeights,
        device: &Device,
    ) -> Result<Self> {
        let config: GeneratorConfig = values.generator(size, vae_values.c_dim);
        let average = MovingAverage::new(values.ema_decay, Weights::trainable(&weights.average, device)?);
        let adam = Rule::adam(vae_values.learning_rate, 0.9, 0.999);
        let rmsprop = Rule::rmsprop(values.generator_rate(0));
        Ok(Self {
            beta: Dial::new(vae_values.beta.at(0), device)?,
            vae: TrainedNetwork::new(vae, adam, device, |weights| Vae::new(vae_values.network(), weights))?,
            generator: TrainedNetwork::new(&weights.generator, rmsprop, device, |w| {
                Generator::new(&config, w)
            })?,
            discriminator: DiscriminatorTraining::new(
                &values,
                &values.discriminator(size),
                &weights.discriminator,
                device,
            )?,
            vae_values,
            values,
            average,
        })
    }

    /// One iteration on a batch given in parts of equal size: the discriminator's turn, then that of the others
    /// together, then the moving average. `step` counts from 0.
    ///
    /// The report holds what [`crate::training::methods::gan::GanTrainer::step`] reports and the VAE's `reconstruction`, `code_kl`
    /// (nats) and `beta`. A loss or gradient that is not finite ends the iteration.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, parts: &[GanBatch], step: u64) -> Result<StepReport> {
        steps::step(self, parts, step)
    }

    /// The loss of the VAE and the generator, and its gradients in both, without a step.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn joint_gradients(&self, parts: &[GanBatch], ledger: &mut Ledger) -> Result<(Gradients, Gradients)> {
        let share = 1.0 / parts.len().max(1) as f64;
        let (mut vae_gradients, mut generator_gradients) = (Gradients::default(), Gradients::default());
        for part in parts {
            let total = (self.joint_loss(part, share, ledger)? * share)?;
            let mut store = crate::ops::backward(&total)?;
            vae_gradients.add(Gradients::take(&mut store, &self.vae.group.weights))?;
            generator_gradients.add(Gradients::take(&mut store, &self.generator.group.weights))?;
        }
        ledger.check("VAE gradient", &vae_gradients)?;
        ledger.check("generator gradient", &generator_gradients)?;
        Ok((vae_gradients, generator_gradients))
    }

    /// The loss of one part with its graph, a scalar; its terms go to `ledger` with the weight `share`.
    fn joint_loss(&self, part: &GanBatch, share: f64, ledger: &mut Ledger) -> Result<Tensor> {
        let downsample = self.values.downsample;
        let seen = to_encoder(&part.pictures, downsample)?;
        let posterior = self.vae.net.encode(&seen)?;
        let c = posterior.sample(&part.noise_c)?;
        let reconstruction =
            reconstruction_loss(&self.vae.net.decode(&c)?, &seen, self.vae_values.likelihood)?;
        let kl_of_each = kl_per_dimension(&posterior.mu, &posterior.logvar)?;
        let kl = kl_of_each.sum_all()?;
        let vae_loss = (&reconstruction + self.beta.times(&kl)?)?;
        let generated = self.generator.net.forward(&Tensor::cat(&[&part.s_generator, &c], 1)?)?;
        let logits = self.discriminator.opinion(&generated, None, part.noise_bottleneck.as_ref())?;
        let read_back = self.vae.net.encode(&to_encoder(&generated, downsample)?)?;
        for (name, value) in [
            ("reconstruction", &reconstruction),
            ("code_kl", &kl),
            ("g_loss", &loss_as_real(&logits.detach())?),
            ("info", &information_loss(&c.detach(), &read_back.detach())?),
        ] {
            ledger.add(name, value, share)?;
        }
        ledger.add_each("code_kl_per_dimension", &kl_of_each.detach(), share)?;
        let weights = EndToEndWeights { adversarial: 1.0, information: self.values.w_info };
        end_to_end_loss(&vae_loss, &logits, &c, &read_back, weights)
    }

    /// The VAE.
    pub fn vae(&self) -> &Weights {
        &self.vae.group.weights
    }

    /// The generator that is being trained.
    pub fn generator(&self) -> &Weights {
        &self.generator.group.weights
    }

    /// The generator's moving average: what is shown and measured.
    pub fn average(&self) -> &Weights {
        self.average.weights()
    }

    /// The discriminator.
    pub fn discriminator(&self) -> &Weights {
        self.discriminator.weights()
    }

    /// The bottleneck's weight, if there is a bottleneck.
    pub fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        self.discriminator.bottleneck()
    }

    /// Everything a resumed run needs besides VAE, average and discriminator: `generator.*` (not averaged) and
    /// `vae_optimiser.*`, `generator_optimiser.*`, `discriminator_optimiser.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        extend(&mut state, "generator.", self.generator.group.weights.to_arrays()?);
        self.vae.group.save_optimiser("vae", &mut state)?;
        self.generator.group.save_optimiser("generator", &mut state)?;
        self.discriminator.save(&mut state)?;
        Ok(state)
    }

    /// Continues from the VAE, the averaged generator and the discriminator, what [`EndToEndTrainer::state`] returned
    /// and the bottleneck's weight.
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(
        &mut self,
        [vae, average, discriminator]: [&Arrays; 3],
        state: &Arrays,
        bottleneck: Option<AdaptiveBottleneck>,
    ) -> Result<()> {
        self.vae.restore("vae", vae, state)?;
        self.average.weights().assign(average)?;
        self.generator.restore("generator", &part_of(state, "generator."), state)?;
        self.discriminator.restore(discriminator, state, bottleneck)
    }
}

impl Turns for EndToEndTrainer {
    type Batch = GanBatch;

    fn prepare(&mut self, step: u64) -> Result<()> {
        self.beta.set(self.vae_values.beta.at(step))?;
        self.discriminator.prepare(step)?;
        self.vae.group.prepare(None)?;
        self.generator.group.prepare(Some(self.values.generator_rate(step)))
    }

    fn is_penalised(&self, step: u64) -> bool {
        self.discriminator.is_penalised(step)
    }

    fn take(&mut self, parts: &[GanBatch], penalised: bool, ledger: &mut Ledger) -> Result<()> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for part in parts {
            let seen = to_encoder(&part.pictures, self.values.downsample)?;
            let c = self.vae.frozen.encode(&seen)?.sample(&part.noise_c)?;
            let noise = part.noise_bottleneck.as_ref();
            let batch = DiscriminatorBatch { real: &part.pictures, codes: None, noise };
            let generate = || self.generator.frozen.forward(&Tensor::cat(&[&part.s_discriminator, &c], 1)?);
            self.discriminator.add_gradients(batch, generate, (share, penalised), &mut gradients, ledger)?;
        }
        if !self.discriminator.end_turn(&gradients, ledger)? {
            return Ok(());
        }
        drop(gradients);
        let (vae_gradients, generator_gradients) = self.joint_gradients(parts, ledger)?;
        if !ledger.end_turn()? {
            return Ok(());
        }
        self.vae.group.apply(&vae_gradients, ledger)?;
        self.generator.group.apply(&generator_gradients, ledger)?;
        self.average.update_through(&self.generator.group.weights, ledger.gate())
    }

    fn follow(&mut self, turns: usize, step: u64, report: &mut StepReport) {
        if turns > 0 {
            self.discriminator.follow(report);
            report.add("beta", self.vae_values.beta.at(step));
        }
        if turns > 1 {
            self.vae.group.count();
            self.generator.group.count();
        }
    }
}
