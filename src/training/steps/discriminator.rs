//! The discriminator's side of every method: its turn, and what it says in the generator's.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{Discriminator, DiscriminatorConfig, DiscriminatorOutput, Projection, Weights};
use crate::objectives::{AdaptiveBottleneck, gradient_penalty, loss_as_fake, loss_as_real, projected_logits};

use crate::training::config::GanTraining;
use crate::training::steps::Dial;
use crate::training::steps::TrainedNetwork;
use crate::training::{Gradients, Ledger, Rule, StepReport};

/// A discriminator in training, with what regularises it.
pub(in crate::training) struct DiscriminatorTraining {
    trained: TrainedNetwork<ConditionalDiscriminator>,
    bottleneck: Option<AdaptiveBottleneck>,
    /// Half of the bottleneck's weight: the loss has the mean over real and generated pictures.
    half_beta: Dial,
    values: GanTraining,
}

/// A discriminator, conditional where its weights have a projection (cGAN).
struct ConditionalDiscriminator {
    net: Discriminator,
    projection: Option<Projection>,
}

/// A part of a batch as the discriminator sees it.
#[derive(Clone, Copy)]
pub(in crate::training) struct DiscriminatorBatch<'a> {
    /// Real pictures `(N, channels, size, size)` in [-1, 1].
    pub(in crate::training) real: &'a Tensor,
    /// The codes c of real and generated pictures `(N, c_dim)`, which only a conditional discriminator looks at.
    pub(in crate::training) codes: Option<&'a Tensor>,
    /// The bottleneck's sampling noise; see [`crate::training::methods::gan::GanBatch::noise_bottleneck`].
    pub(in crate::training) noise: Option<&'a [Tensor; 3]>,
}

impl ConditionalDiscriminator {
    fn new(config: &DiscriminatorConfig, weights: &Weights) -> Result<Self> {
        Ok(Self { net: Discriminator::new(config, weights)?, projection: Projection::find(weights) })
    }

    /// Logits of pictures with codes, the output they come from, and the projected codes.
    fn logits(
        &self,
        pictures: &Tensor,
        codes: Option<&Tensor>,
        noise: Option<&Tensor>,
    ) -> Result<(Tensor, DiscriminatorOutput, Option<Tensor>)> {
        let output = self.net.discriminate(pictures, noise)?;
        match (&self.projection, codes) {
            (Some(projection), Some(codes)) => {
                let projected = projection.forward(codes)?;
                let logits = projected_logits(&output.logits, &output.features, &projected)?;
                Ok((logits, output, Some(projected)))
            }
            (Some(_), None) => candle_core::bail!("a conditional discriminator needs codes"),
            (None, _) => Ok((output.logits.clone(), output, None)),
        }
    }
}

impl ConditionalDiscriminator {
    /// Logits of real pictures, with `penalised` their gradient in the pictures, and the bottleneck's KL.
    fn real_logits(
        &self,
        pictures: &Tensor,
        codes: Option<&Tensor>,
        noise: Option<&Tensor>,
        penalised: bool,
    ) -> Result<(Tensor, Option<Tensor>, Option<Tensor>)> {
        if penalised
            && self.projection.is_none()
            && let Some((logits, input_gradient)) = self.net.logits_and_input_gradient(pictures)?
        {
            return Ok((logits, Some(input_gradient), None));
        }
        let (logits, output, projected) = self.logits(pictures, codes, noise)?;
        let input_gradient = match &projected {
            _ if !penalised => None,
            Some(projected) => Some(self.net.projected_input_gradient(&output, projected)?),
            None => Some(self.net.input_gradient(&output)?),
        };
        Ok((logits, input_gradient, output.kl))
    }
}

impl DiscriminatorTraining {
    /// A discriminator that starts from `weights`, which hold the projection too where it is conditional.
    pub(in crate::training) fn new(
        values: &GanTraining,
        config: &DiscriminatorConfig,
        weights: &Arrays,
        device: &Device,
    ) -> Result<Self> {
        let rule = Rule::rmsprop(values.discriminator_rate(0));
        let bottleneck = config.noise_shape(1).map(|_| AdaptiveBottleneck::default());
        Ok(Self {
            trained: TrainedNetwork::new(weights, rule, device, |weights| {
                ConditionalDiscriminator::new(config, weights)
            })?,
            half_beta: Dial::new(half_of(bottleneck), device)?,
            bottleneck,
            values: values.clone(),
        })
    }

    /// Makes the next step ready, which counts from 0.
    pub(in crate::training) fn prepare(&mut self, step: u64) -> Result<()> {
        self.half_beta.set(half_of(self.bottleneck))?;
        self.trained.group.prepare(Some(self.values.discriminator_rate(step)))
    }

    /// Whether a step takes the gradient penalty, R1.
    pub(in crate::training) fn is_penalised(&self, step: u64) -> bool {
        self.values.reg_param > 0.0 && step.is_multiple_of(self.values.r1_every)
    }

    /// Adds the losses of one part to `ledger` and their gradients, without a step, to `gradients`. `share` is the
    /// part's weight in the batch.
    ///
    /// Real and generated pictures are differentiated one after the other, so that only one graph is in memory;
    /// `generate` is called in between.
    pub(in crate::training) fn add_gradients(
        &self,
        part: DiscriminatorBatch<'_>,
        generate: impl FnOnce() -> Result<Tensor>,
        (share, penalised): (f64, bool),
        gradients: &mut Gradients,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let penalty = self.values.reg_param * self.values.r1_every as f64;
        // With lazy R1 there is nothing to tell in most steps.
        let is_told = penalised || penalty == 0.0;
        let noise = |i: usize| part.noise.map(|noise| &noise[i]);
        let discriminator = &self.trained.net;
        let (logits, input_gradient, kl) =
            discriminator.real_logits(part.real, part.codes, noise(0), penalised)?;
        let mut total = loss_as_real(&logits)?;
        drop(logits);
        ledger.add("d_loss", &total, share)?;
        if is_told {
            ledger.add_constant("r1", 0.0);
        }
        if let Some(input_gradient) = input_gradient {
            let r1 = (gradient_penalty(&input_gradient)? * penalty)?;
            ledger.add("r1", &r1, share)?;
            total = (total + r1)?;
        }
        total = self.add_kl(total, kl.as_ref(), share, is_told, ledger)?;
        gradients.add(self.trained.group.backward(&(total * share)?)?)?;

        let (logits, output, _) = discriminator.logits(&generate()?, part.codes, noise(1))?;
        let loss = loss_as_fake(&logits)?;
        ledger.add("d_loss", &loss, share)?;
        let total = self.add_kl(loss, output.kl.as_ref(), share, is_told, ledger)?;
        gradients.add(self.trained.group.backward(&(total * share)?)?)
    }

    /// Adds half of the bottleneck's weighted KL.
    fn add_kl(
        &self,
        total: Tensor,
        kl: Option<&Tensor>,
        share: f64,
        is_told: bool,
        ledger: &mut Ledger,
    ) -> Result<Tensor> {
        let Some(kl) = kl else {
            return Ok(total);
        };
        ledger.add("kl", kl, 0.5 * share)?;
        let weighted = self.half_beta.times(kl)?;
        if is_told {
            ledger.add("r1", &weighted, share)?;
        }
        total + weighted
    }

    /// Ends the turn and moves the discriminator; false where the host knows that the turn was not finite.
    pub(in crate::training) fn end_turn(
        &mut self,
        gradients: &Gradients,
        ledger: &mut Ledger,
    ) -> Result<bool> {
        ledger.check("discriminator gradient", gradients)?;
        let goes = ledger.end_turn()?;
        if goes {
            self.trained.group.apply(gradients, ledger)?;
        }
        Ok(goes)
    }

    /// Counts a turn that was finite, and moves the bottleneck's weight after it.
    pub(in crate::training) fn follow(&mut self, report: &mut StepReport) {
        self.trained.group.count();
        if let (Some(bottleneck), Some(kl)) = (&mut self.bottleneck, report.get("kl")) {
            bottleneck.update(kl);
            report.add("beta_vdb", bottleneck.beta);
        }
    }

    /// Logits `(N,)` of generated pictures in the generator's turn, out of reach of the discriminator's gradients.
    pub(in crate::training) fn opinion(
        &self,
        generated: &Tensor,
        codes: Option<&Tensor>,
        noise: Option<&[Tensor; 3]>,
    ) -> Result<Tensor> {
        Ok(self.trained.frozen.logits(generated, codes, noise.map(|noise| &noise[2]))?.0)
    }

    /// The discriminator's weights, with the projection's where it is conditional.
    pub(in crate::training) fn weights(&self) -> &Weights {
        &self.trained.group.weights
    }

    /// The bottleneck's weight, if there is a bottleneck.
    pub(in crate::training) fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        self.bottleneck
    }

    /// Adds to `state` what a resumed run needs besides the discriminator's own weights: `discriminator_optimiser.*`
    /// and the projection's weight.
    pub(in crate::training) fn save(&self, state: &mut Arrays) -> Result<()> {
        self.trained.group.save_optimiser("discriminator", state)?;
        if let Some(weight) = self.weights().to_arrays()?.remove(Projection::WEIGHT) {
            state.insert(Projection::WEIGHT.to_owned(), weight);
        }
        Ok(())
    }

    /// Continues from the discriminator's weights, what [`DiscriminatorTraining::save`] added, and the bottleneck's weight.
    pub(in crate::training) fn restore(
        &mut self,
        weights: &Arrays,
        state: &Arrays,
        bottleneck: Option<AdaptiveBottleneck>,
    ) -> Result<()> {
        if self.bottleneck.is_some() != bottleneck.is_some() {
            candle_core::bail!("the saved state and the configuration disagree about the bottleneck");
        }
        self.bottleneck = bottleneck;
        let projection = state.get(Projection::WEIGHT).map(|w| (Projection::WEIGHT.to_owned(), w.clone()));
        let all = weights.clone().into_iter().chain(projection).collect();
        self.trained.restore("discriminator", &all, state)
    }
}

/// Half of a bottleneck's weight.
fn half_of(bottleneck: Option<AdaptiveBottleneck>) -> f64 {
    bottleneck.map_or(0.0, |bottleneck| 0.5 * bottleneck.beta)
}
