//! Implicit autoencoders, forward and flipped (Makhzani, "Implicit Autoencoders", 2018: sections 2 and 4, appendix B).

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{GraphNet, IaeConfig, Pass};
use crate::objectives::{loss_as_fake, loss_as_real};
use crate::optim::Gradients;
use crate::training::config::Method;
use crate::training::steps::{self, Batch, LearntGroup, TrainedNetwork, Turns};
use crate::training::{Ledger, Rule, StepReport};

/// Adam's betas.
const BETAS: [f64; 2] = [0.5, 0.999];

/// The initial weights of the networks.
#[derive(Clone, Debug)]
pub struct IaeWeights {
    /// f, from a picture to z.
    pub encoder: Arrays,
    /// g, from z and n to a picture.
    pub decoder: Arrays,
    /// That of pairs of a picture and a code.
    pub pairs: Arrays,
    /// That of codes; of pictures in the flipped form.
    pub single: Arrays,
}

/// The data and noise of one step.
#[derive(Debug)]
pub struct IaeBatch {
    /// Real pictures `(N, channels, size, size)`, in [0, 1] or [-1, 1] as the networks have them.
    pub pictures: Tensor,
    /// Codes of the prior, `(N, z_dim)`: N(0, I), or choices of one cluster.
    pub z: Tensor,
    /// The decoder's noise, `(N, n_dim)` from N(0, I).
    pub n: Tensor,
    /// The encoder's noise, `(N, eps_dim)` from N(0, I).
    pub eps: Tensor,
}

impl Batch for IaeBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        vec![&self.pictures, &self.z, &self.n, &self.eps]
    }
}

/// A discriminator in training.
type Judge = TrainedNetwork<GraphNet>;

impl Judge {
    /// The gradients of telling `real` from `fake`, under the names of loss and gradient.
    fn turn(
        &self,
        [real, fake]: [&[Tensor]; 2],
        [loss, gradient]: [&'static str; 2],
        ledger: &mut Ledger,
    ) -> Result<(Gradients, [Pass; 2])> {
        let (real, fake) = (self.net.forward(real)?, self.net.forward(fake)?);
        let total = (loss_as_real(&logits(&real)?)? + loss_as_fake(&logits(&fake)?)?)?;
        ledger.add(loss, &total, 1.0)?;
        let gradients = self.group.backward(&total)?;
        ledger.check(gradient, &gradients)?;
        Ok((gradients, [real, fake]))
    }

    /// The cost of what this discriminator takes for generated.
    fn confused(&self, fake: &[Tensor]) -> Result<Tensor> {
        loss_as_real(&logits(&self.frozen.forward(fake)?)?)
    }
}

fn logits(pass: &Pass) -> Result<Tensor> {
    pass.output(0)?.flatten_all()
}

/// An implicit autoencoder in training.
pub struct IaeTrainer {
    config: IaeConfig,
    is_flipped: bool,
    encoder: LearntGroup,
    read: GraphNet,
    decoder: LearntGroup,
    draw: GraphNet,
    pairs: Judge,
    single: Judge,
}

/// What the networks make of a batch, with the gradients that made it.
struct Made {
    /// The drawn pictures.
    drawn: Tensor,
    /// What was read: of the real pictures, or of the drawn ones in the flipped form.
    code: Tensor,
    passes: [Pass; 2],
}

impl IaeTrainer {
    /// A trainer that starts from `weights`.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(
        config: IaeConfig,
        method: Method,
        learning_rate: f64,
        weights: &IaeWeights,
        device: &Device,
    ) -> Result<Self> {
        let rule = Rule::adam(learning_rate, BETAS[0], BETAS[1]);
        let is_flipped = method == Method::Fiae;
        let encoder = LearntGroup::new(&weights.encoder, rule, device)?;
        let decoder = LearntGroup::new(&weights.decoder, rule, device)?;
        let single = match is_flipped {
            true => config.picture_discriminator_graph(),
            false => config.code_discriminator_graph(),
        };
        Ok(Self {
            read: GraphNet::new(&config.encoder_graph(), &encoder.weights)?,
            draw: GraphNet::new(&config.decoder_graph(), &decoder.weights)?,
            pairs: Judge::new(&weights.pairs, rule, device, |weights| {
                GraphNet::new(&config.pair_discriminator_graph(), weights)
            })?,
            single: Judge::new(&weights.single, rule, device, |weights| GraphNet::new(&single, weights))?,
            config,
            is_flipped,
            encoder,
            decoder,
        })
    }

    /// One iteration: both discriminators, then encoder and decoder on the same pictures and codes. `step` counts from 0.
    ///
    /// The report holds `pair_loss` and `code_loss` (`picture_loss` in the flipped form) of the discriminators, `reconstruction`
    /// and `regularisation` of encoder and decoder, and `mse`: the mean squared error of the pictures' values, or in the flipped
    /// form of the codes.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, batch: IaeBatch, step: u64) -> Result<StepReport> {
        steps::step(self, &[batch], step)
    }

    fn make(&self, batch: &IaeBatch) -> Result<Made> {
        let encode = |pictures: &Tensor| match self.config.eps_dim {
            0 => self.read.forward(std::slice::from_ref(pictures)),
            _ => self.read.forward(&[pictures.clone(), batch.eps.clone()]),
        };
        let decode = |z: &Tensor| match self.config.n_dim {
            0 => self.draw.forward(std::slice::from_ref(z)),
            _ => self.draw.forward(&[Tensor::cat(&[z, &batch.n], 1)?]),
        };
        let passes = match self.is_flipped {
            true => {
                let drawn = decode(&batch.z)?;
                let read = encode(drawn.output(0)?)?;
                [read, drawn]
            }
            false => {
                let read = encode(&batch.pictures)?;
                let drawn = decode(read.output(0)?)?;
                [read, drawn]
            }
        };
        let (code, drawn) = (passes[0].output(0)?.clone(), passes[1].output(0)?.clone());
        Ok(Made { drawn, code, passes })
    }

    /// Encoder and decoder.
    pub fn weights(&self) -> [&crate::nets::Weights; 4] {
        let groups = [&self.encoder, &self.decoder, &self.pairs.group, &self.single.group];
        groups.map(|group| &group.weights)
    }

    /// What a resumed run needs besides the weights, in the order of [`IaeTrainer::weights`]: `encoder_optimiser.*`,
    /// `decoder_optimiser.*`, `pairs_optimiser.*`, `single_optimiser.*`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut state = Arrays::new();
        self.encoder.save_optimiser("encoder", &mut state)?;
        self.decoder.save_optimiser("decoder", &mut state)?;
        self.pairs.group.save_optimiser("pairs", &mut state)?;
        self.single.group.save_optimiser("single", &mut state)?;
        Ok(state)
    }

    /// Continues from what [`IaeTrainer::state`] returned; the weights were given to [`IaeTrainer::new`].
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(&mut self, state: &Arrays) -> Result<()> {
        self.encoder.restore_optimiser("encoder", state)?;
        self.decoder.restore_optimiser("decoder", state)?;
        self.pairs.group.restore_optimiser("pairs", state)?;
        self.single.group.restore_optimiser("single", state)
    }

    fn groups(&mut self) -> [&mut LearntGroup; 4] {
        [&mut self.encoder, &mut self.decoder, &mut self.pairs.group, &mut self.single.group]
    }
}

impl Turns for IaeTrainer {
    type Batch = IaeBatch;

    fn prepare(&mut self, _: u64) -> Result<()> {
        self.groups().into_iter().try_for_each(|group| group.prepare(None))
    }

    fn is_penalised(&self, _: u64) -> bool {
        false
    }

    fn take(&mut self, parts: &[IaeBatch], _: bool, ledger: &mut Ledger) -> Result<()> {
        for batch in parts {
            let made = self.make(batch)?;
            let (drawn, code) = (made.drawn.detach(), made.code.detach());
            // the pictures and codes that pairs are told by
            let (real_pair, single, name) = match self.is_flipped {
                true => ([drawn.clone(), batch.z.clone()], [&batch.pictures, &drawn], "picture_loss"),
                false => ([batch.pictures.clone(), code.clone()], [&batch.z, &code], "code_loss"),
            };
            let names = ["pair_loss", "gradient of the discriminator of pairs"];
            let (of_pairs, seen_pairs) =
                self.pairs.turn([&real_pair, &[drawn.clone(), code.clone()]], names, ledger)?;
            let [real, fake] = single.map(std::slice::from_ref);
            let names = [name, "gradient of the second discriminator"];
            let (of_single, seen_single) = self.single.turn([real, fake], names, ledger)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            self.pairs.group.apply(&of_pairs, ledger)?;
            self.single.group.apply(&of_single, ledger)?;
            follow(&self.pairs.net, &seen_pairs)?;
            follow(&self.single.net, &seen_single)?;

            let reconstruction = self.pairs.confused(&[made.drawn.clone(), made.code.clone()])?;
            let judged = if self.is_flipped { &made.drawn } else { &made.code };
            let regularisation = self.single.confused(std::slice::from_ref(judged))?;
            ledger.add("reconstruction", &reconstruction, 1.0)?;
            ledger.add("regularisation", &regularisation, 1.0)?;
            let error = match self.is_flipped {
                true => (code - &batch.z)?,
                false => (drawn - &batch.pictures)?,
            };
            ledger.add("mse", &error.sqr()?.mean_all()?, 1.0)?;
            let mut store = crate::ops::backward(&(reconstruction + regularisation)?)?;
            let of_encoder = Gradients::take(&mut store, &self.encoder.weights);
            let of_decoder = Gradients::take(&mut store, &self.decoder.weights);
            drop(store);
            ledger.check("encoder gradient", &of_encoder)?;
            ledger.check("decoder gradient", &of_decoder)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            self.encoder.apply(&of_encoder, ledger)?;
            self.decoder.apply(&of_decoder, ledger)?;
            self.read.follow(&made.passes[0])?;
            self.draw.follow(&made.passes[1])?;
        }
        Ok(())
    }

    fn follow(&mut self, turns: usize, _: u64, _: &mut StepReport) {
        let [encoder, decoder, pairs, single] = self.groups();
        if turns > 0 {
            pairs.count();
            single.count();
        }
        if turns > 1 {
            encoder.count();
            decoder.count();
        }
    }
}

/// Moves the running statistics of a discriminator by what it saw in its own turn.
fn follow(net: &GraphNet, seen: &[Pass]) -> Result<()> {
    seen.iter().try_for_each(|pass| net.follow(pass))
}
