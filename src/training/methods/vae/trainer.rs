//! Stage 1: the VAE and its relatives.

use candle_core::{Device, Result, Tensor};

use crate::base::{Arrays, Stream};
use crate::nets::{Mlp, Parameters, Posterior, Vae, Weights};
use crate::objectives::{
    covariance_penalty, density_ratio_loss, kl_per_dimension, minibatch_total_correlation,
    permute_dimensions, reconstruction_loss, total_correlation,
};
use crate::training::steps::{self, Batch, Dial, Turns, extend, part_of};

use crate::training::config::{Method, VaeTraining};
use crate::training::{Gradients, Ledger, Optimiser, Rule, StepReport};

/// A VAE in training.
pub struct VaeTrainer {
    method: Method,
    values: VaeTraining,
    /// The weight of the KL, or beta-TCVAE's of the total correlation; for the annealed VAE the capacity in nats.
    dial: Dial,
    weights: Weights,
    vae: Vae,
    optimiser: Optimiser,
    factors: Option<DensityRatio>,
}

/// FactorVAE's discriminator between codes of one picture and codes shuffled over the batch.
struct DensityRatio {
    weights: Weights,
    net: Mlp,
    /// The same network out of reach of the VAE's gradients.
    frozen: Mlp,
    optimiser: Optimiser,
}

/// The data and noise of one step, or of a part of it.
#[derive(Debug)]
pub struct VaeBatch {
    /// Pictures `(N, channels, 64, 64)` in [0, 1].
    pub pictures: Tensor,
    /// Reparametrisation noise `(N, c_dim)` from N(0, I).
    pub noise: Tensor,
    /// FactorVAE's second minibatch.
    pub second: Option<SecondBatch>,
    /// For beta-TCVAE `(N, N)`: [`MinibatchSampling::log_weights`](crate::objectives::MinibatchSampling::log_weights).
    pub log_weights: Option<Tensor>,
}

/// FactorVAE's second minibatch: its codes are shuffled.
#[derive(Debug)]
pub struct SecondBatch {
    /// Pictures `(N, channels, 64, 64)` in [0, 1].
    pub pictures: Tensor,
    /// Reparametrisation noise `(N, c_dim)` from N(0, I).
    pub noise: Tensor,
    /// For each dimension of the code `(c_dim, N)`, from which row of the batch each row takes it: f32, as all inputs.
    pub orders: Tensor,
}

impl Batch for VaeBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        let second = self.second.iter().flat_map(|second| [&second.pictures, &second.noise, &second.orders]);
        [&self.pictures, &self.noise].into_iter().chain(second).chain(&self.log_weights).collect()
    }
}

/// The losses of one batch, as tensors with their graph.
struct Losses {
    total: Tensor,
    reconstruction: Tensor,
    kl: Tensor,
    /// The same for each dimension, without its graph.
    kl_per_dimension: Tensor,
    penalty: Option<Penalty>,
}

/// What a method adds to the bound.
struct Penalty {
    /// Its name in the report.
    name: &'static str,
    /// What is reported.
    value: Tensor,
    /// What is descended.
    weighted: Tensor,
}

impl VaeTrainer {
    /// A trainer that starts from `vae` (both halves under their published names) and, for FactorVAE, from fresh
    /// discriminator weights drawn from `stream`.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(
        method: Method,
        values: VaeTraining,
        vae: &Arrays,
        device: &Device,
        stream: &mut Stream,
    ) -> Result<Self> {
        let weights = Weights::trainable(vae, device)?;
        let optimiser = Optimiser::new(Rule::adam(values.learning_rate, 0.9, 0.999), &weights)?;
        let factors = match method {
            Method::FactorVae => Some(DensityRatio::new(values.c_dim, device, stream)?),
            _ => None,
        };
        let vae = Vae::new(values.network(), &weights)?;
        let dial = Dial::new(pressure(method, &values, 0), device)?;
        Ok(Self { method, values, dial, vae, weights, optimiser, factors })
    }

    /// Trains on one batch, given in parts of equal size (gradient accumulation); `step` counts from 0.
    ///
    /// The report holds `loss`, `reconstruction`, `kl` (nats, also for each dimension), `beta` (for the annealed VAE `capacity`, in nats), for
    /// beta-TCVAE `tc` (nats), for FactorVAE `tc` and `tc_loss`, and for DIP-VAE `dip`, its weighted penalty. A loss or gradient that is not finite changes nothing.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, parts: &[VaeBatch], step: u64) -> Result<StepReport> {
        steps::step(self, parts, step)
    }

    /// The losses and the VAE's gradients, without a step.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn gradients(&self, parts: &[VaeBatch], ledger: &mut Ledger) -> Result<Gradients> {
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for part in parts {
            let losses = self.losses(part)?;
            let total = (losses.total * share)?;
            let penalty = losses.penalty.iter().map(|penalty| (penalty.name, &penalty.value));
            let bound = [("reconstruction", &losses.reconstruction), ("kl", &losses.kl)];
            for (name, value) in bound.into_iter().chain(penalty) {
                ledger.add(name, value, share)?;
            }
            ledger.add_each("kl_per_dimension", &losses.kl_per_dimension, share)?;
            ledger.add("loss", &total, 1.0)?;
            gradients.add(Gradients::take(&mut crate::ops::backward(&total)?, &self.weights))?;
        }
        ledger.check("gradient", &gradients)?;
        Ok(gradients)
    }

    fn losses(&self, part: &VaeBatch) -> Result<Losses> {
        let posterior = self.vae.encode(&part.pictures)?;
        let codes = posterior.sample(&part.noise)?;
        let logits = self.vae.decode(&codes)?;
        let reconstruction = reconstruction_loss(&logits, &part.pictures, self.values.likelihood)?;
        let each = kl_per_dimension(&posterior.mu, &posterior.logvar)?;
        let kl = each.sum_all()?;
        let weighted = match self.method {
            Method::AnnealedVae => (self.dial.below(&kl)?.abs()? * self.values.capacity_weight)?,
            Method::BetaTcVae => kl.clone(),
            _ => self.dial.times(&kl)?,
        };
        let mut total = (&reconstruction + weighted)?;
        let penalty = self.penalty(part, &posterior, &codes)?;
        if let Some(penalty) = &penalty {
            total = (total + &penalty.weighted)?;
        }
        Ok(Losses { total, reconstruction, kl, kl_per_dimension: each.detach(), penalty })
    }

    fn penalty(&self, part: &VaeBatch, posterior: &Posterior, codes: &Tensor) -> Result<Option<Penalty>> {
        let Posterior { mu, logvar } = posterior;
        let VaeTraining { gamma, lambda_od, lambda_d_factor, .. } = self.values;
        let penalty = |name, value: Tensor, weighted| Ok(Some(Penalty { name, value, weighted }));
        match self.method {
            Method::FactorVae => {
                let Some(factors) = &self.factors else { return Ok(None) };
                let estimate = total_correlation(&factors.frozen.forward(codes)?)?;
                let weighted = (&estimate * gamma)?;
                penalty("tc", estimate, weighted)
            }
            Method::BetaTcVae => {
                let Some(log_weights) = &part.log_weights else {
                    candle_core::bail!("beta-TCVAE needs to know how much the posteriors of a batch count");
                };
                let estimate = minibatch_total_correlation(codes, mu, logvar, log_weights)?;
                // The divergence has a total correlation in it already.
                let weighted = (self.dial.times(&estimate)? - &estimate)?;
                penalty("tc", estimate, weighted)
            }
            Method::DipVaeI | Method::DipVaeII => {
                let logvar = (self.method == Method::DipVaeII).then_some(logvar);
                let value = covariance_penalty(mu, logvar, lambda_od, lambda_d_factor * lambda_od)?;
                penalty("dip", value.clone(), value)
            }
            _ => Ok(None),
        }
    }

    fn ratio_gradients(&self, parts: &[VaeBatch], ledger: &mut Ledger) -> Result<Option<Gradients>> {
        let Some(factors) = &self.factors else {
            return Ok(None);
        };
        let share = 1.0 / parts.len().max(1) as f64;
        let mut gradients = Gradients::default();
        for part in parts {
            let Some(second) = &part.second else {
                candle_core::bail!("FactorVAE needs a second minibatch");
            };
            let joint = self.vae.encode(&part.pictures)?.detach().sample(&part.noise)?;
            let other = self.vae.encode(&second.pictures)?.detach().sample(&second.noise)?;
            let permuted = permute_dimensions(&other, &second.orders)?;
            let loss = density_ratio_loss(&factors.net.forward(&joint)?, &factors.net.forward(&permuted)?)?;
            let loss = (loss * share)?;
            ledger.add("tc_loss", &loss, 1.0)?;
            gradients.add(Gradients::take(&mut crate::ops::backward(&loss)?, &factors.weights))?;
        }
        ledger.check("tc_gradient", &gradients)?;
        Ok(Some(gradients))
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The VAE's weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Everything a resumed run needs besides the weights, as `vae.optimiser.*` and `tc.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        extend(&mut state, "vae.optimiser.", self.optimiser.state()?);
        if let Some(factors) = &self.factors {
            extend(&mut state, "tc.weights.", factors.weights.to_arrays()?);
            extend(&mut state, "tc.optimiser.", factors.optimiser.state()?);
        }
        Ok(state)
    }

    /// Continues from `weights` and what [`VaeTrainer::state`] returned.
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(&mut self, weights: &Arrays, state: &Arrays) -> Result<()> {
        self.weights.assign(weights)?;
        self.optimiser.restore(&part_of(state, "vae.optimiser."))?;
        if let Some(factors) = &mut self.factors {
            factors.weights.assign(&part_of(state, "tc.weights."))?;
            factors.optimiser.restore(&part_of(state, "tc.optimiser."))?;
        }
        Ok(())
    }
}

impl Turns for VaeTrainer {
    type Batch = VaeBatch;

    fn prepare(&mut self, step: u64) -> Result<()> {
        self.dial.set(pressure(self.method, &self.values, step))?;
        if let Some(factors) = &self.factors {
            factors.optimiser.prepare()?;
        }
        self.optimiser.prepare()
    }

    fn is_penalised(&self, _: u64) -> bool {
        false
    }

    fn take(&mut self, parts: &[VaeBatch], _: bool, ledger: &mut Ledger) -> Result<()> {
        let gradients = self.gradients(parts, ledger)?;
        // The density ratio is fitted to the codes before the VAE moves, as in Kim and Mnih's algorithm 2.
        let ratio_gradients = self.ratio_gradients(parts, ledger)?;
        if !ledger.end_turn()? {
            return Ok(());
        }
        self.optimiser.apply(&gradients, ledger.gate())?;
        if let (Some(factors), Some(gradients)) = (&mut self.factors, ratio_gradients) {
            factors.optimiser.apply(&gradients, ledger.gate())?;
        }
        Ok(())
    }

    fn follow(&mut self, turns: usize, step: u64, report: &mut StepReport) {
        if turns > 0 {
            self.optimiser.count();
            if let Some(factors) = &mut self.factors {
                factors.optimiser.count();
            }
        }
        let name = if self.method == Method::AnnealedVae { "capacity" } else { "beta" };
        report.add(name, pressure(self.method, &self.values, step));
    }
}

/// The weight of the KL in a step, or beta-TCVAE's of the total correlation; for the annealed VAE the capacity in nats.
fn pressure(method: Method, values: &VaeTraining, step: u64) -> f64 {
    match method {
        Method::AnnealedVae => values.capacity.at(step),
        Method::BetaVae | Method::BetaTcVae => values.beta.at(step),
        _ => 1.0,
    }
}

impl DensityRatio {
    /// Six layers of 1000 leaky ReLUs (slope 0.2), two logits (paper Table A.2); Adam 1e-4 with betas 0.5 and 0.9
    /// (Kim and Mnih).
    fn new(c_dim: usize, device: &Device, stream: &mut Stream) -> Result<Self> {
        let config = Mlp::density_ratio(c_dim);
        let weights = Weights::trainable(&config.initialise_uniform(stream), device)?;
        let optimiser = Optimiser::new(Rule::adam(1e-4, 0.5, 0.9), &weights)?;
        let (net, frozen) = (Mlp::new(&config, &weights)?, Mlp::new(&config, &weights.frozen_view())?);
        Ok(Self { weights, net, frozen, optimiser })
    }
}
