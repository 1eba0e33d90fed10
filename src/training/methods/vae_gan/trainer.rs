//! VAE-GAN (paper section 5.3, after Larsen et al.): a beta-VAE whose decoder is the generator, and a discriminator of
//! its reconstructions and of its pictures of codes from the prior.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{Vae, VaeConfig, Weights};
use crate::objectives::{
    kl_per_dimension, loss_as_real, reconstruction_loss, vae_gan_loss, vae_gan_pictures,
};

use crate::training::config::{Downsample, GanTraining, VaeTraining};
use crate::training::steps::Dial;
use crate::training::steps::{self, Batch, Turns};
use crate::training::steps::{DiscriminatorBatch, DiscriminatorTraining};
use crate::training::steps::{TrainedNetwork, to_encoder};
use crate::training::{Gradients, Ledger, Rule, StepReport};

/// A VAE and a discriminator in training.
pub struct VaeGanTrainer {
    vae_values: VaeTraining,
    w_adv: f64,
    /// The weight of the KL.
    beta: Dial,
    vae: TrainedNetwork<Vae>,
    discriminator: DiscriminatorTraining,
}

/// The data and noise of one step, or of a part of it. All noise is from N(0, I), `(N, c_dim)`.
#[derive(Debug)]
pub struct VaeGanBatch {
    /// Real pictures `(N, channels, 64, 64)` in [-1, 1].
    pub pictures: Tensor,
    /// Noise of c ~ q(c|x), the same in both turns.
    pub noise_c: Tensor,
    /// Codes from the prior of the discriminator's turn.
    pub prior_discriminator: Tensor,
    /// Codes from the prior of the VAE's turn.
    pub prior_vae: Tensor,
}

impl Batch for VaeGanBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![&self.pictures, &self.noise_c, &self.prior_discriminator, &self.prior_vae]
    }
}

impl VaeGanTrainer {
    /// A trainer that starts from `vae` (both halves under their published names) and `discriminator`. The VAE moves
    /// by Adam, the discriminator by RMSprop.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(
        vae_values: VaeTraining,
        values: &GanTraining,
        vae: &Arrays,
        discriminator: &Arrays,
        device: &Device,
    ) -> Result<Self> {
        let adam = Rule::adam(vae_values.learning_rate, 0.9, 0.999);
        Ok(Self {
            beta: Dial::new(vae_values.beta.at(0), device)?,
            vae: TrainedNetwork::new(vae, adam, device, |weights| Vae::new(vae_values.network(), weights))?,
            discriminator: DiscriminatorTraining::new(
                values,
                &values.discriminator(VaeConfig::SIZE),
                discriminator,
                device,
            )?,
            vae_values,
            w_adv: values.w_adv.unwrap_or(1.0),
        })
    }

    /// One iteration on a batch given in parts of equal size: the discriminator's turn, then the VAE's. `step` counts
    /// from 0.
    ///
    /// The report holds `d_loss`, `r1` (weighted), `g_loss` (the VAE's adversarial loss, not weighted),
    /// `reconstruction`, `code_kl` (nats) and `beta`. A loss or gradient that is not finite ends the iteration.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, parts: &[VaeGanBatch], step: u64) -> Result<StepReport> {
        steps::step(self, parts, step)
    }

    /// The VAE's losses and gradients, without a step.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn vae_gradients(&self, parts: &[VaeGanBatch], ledger: &mut Ledger) -> Result<Gradients> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for part in parts {
            let total = (self.vae_loss(part, share, ledger)? * share)?;
            gradients.add(self.vae.group.backward(&total)?)?;
        }
        ledger.check("VAE gradient", &gradients)?;
        Ok(gradients)
    }

    /// The loss of one part with its graph, a scalar; its terms go to `ledger` with the weight `share`.
    fn vae_loss(&self, part: &VaeGanBatch, share: f64, ledger: &mut Ledger) -> Result<Tensor> {
        let seen = to_encoder(&part.pictures, Downsample::Area)?;
        let posterior = self.vae.net.encode(&seen)?;
        let logits = self.vae.net.decode(&posterior.sample(&part.noise_c)?)?;
        let reconstruction = reconstruction_loss(&logits, &seen, self.vae_values.likelihood)?;
        let kl_of_each = kl_per_dimension(&posterior.mu, &posterior.logvar)?;
        let kl = kl_of_each.sum_all()?;
        let vae_loss = (&reconstruction + self.beta.times(&kl)?)?;
        let pictures = vae_gan_pictures(&logits, &self.vae.net.decode(&part.prior_vae)?)?;
        let verdicts = self.discriminator.opinion(&pictures, None, None)?;
        for (name, value) in [
            ("reconstruction", &reconstruction),
            ("code_kl", &kl),
            ("g_loss", &loss_as_real(&verdicts.detach())?),
        ] {
            ledger.add(name, value, share)?;
        }
        ledger.add_each("code_kl_per_dimension", &kl_of_each.detach(), share)?;
        vae_gan_loss(&vae_loss, &verdicts, self.w_adv)
    }

    /// The VAE, whose decoder is the generator.
    pub fn vae(&self) -> &Weights {
        &self.vae.group.weights
    }

    /// The discriminator.
    pub fn discriminator(&self) -> &Weights {
        self.discriminator.weights()
    }

    /// Everything a resumed run needs besides VAE and discriminator: `vae_optimiser.*`, `discriminator_optimiser.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        self.vae.group.save_optimiser("vae", &mut state)?;
        self.discriminator.save(&mut state)?;
        Ok(state)
    }

    /// Continues from VAE, discriminator and what [`VaeGanTrainer::state`] returned.
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(&mut self, vae: &Arrays, discriminator: &Arrays, state: &Arrays) -> Result<()> {
        self.vae.restore("vae", vae, state)?;
        self.discriminator.restore(discriminator, state, None)
    }
}

impl Turns for VaeGanTrainer {
    type Batch = VaeGanBatch;

    fn prepare(&mut self, step: u64) -> Result<()> {
        self.beta.set(self.vae_values.beta.at(step))?;
        self.discriminator.prepare(step)?;
        self.vae.group.prepare(None)
    }

    fn is_penalised(&self, step: u64) -> bool {
        self.discriminator.is_penalised(step)
    }

    fn take(&mut self, parts: &[VaeGanBatch], penalised: bool, ledger: &mut Ledger) -> Result<()> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for part in parts {
            let batch = DiscriminatorBatch { real: &part.pictures, codes: None, noise: None };
            let generate = || {
                let seen = to_encoder(&part.pictures, Downsample::Area)?;
                let c = self.vae.frozen.encode(&seen)?.sample(&part.noise_c)?;
                let decode = |c: &Tensor| self.vae.frozen.decode(c);
                vae_gan_pictures(&decode(&c)?, &decode(&part.prior_discriminator)?)
            };
            self.discriminator.add_gradients(batch, generate, (share, penalised), &mut gradients, ledger)?;
        }
        if !self.discriminator.end_turn(&gradients, ledger)? {
            return Ok(());
        }
        drop(gradients);
        let gradients = self.vae_gradients(parts, ledger)?;
        if ledger.end_turn()? {
            self.vae.group.apply(&gradients, ledger)?;
        }
        Ok(())
    }

    fn follow(&mut self, turns: usize, step: u64, report: &mut StepReport) {
        if turns > 0 {
            self.discriminator.follow(report);
            report.add("beta", self.vae_values.beta.at(step));
        }
        if turns > 1 {
            self.vae.group.count();
        }
    }
}
