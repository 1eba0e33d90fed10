//! Implicit autoencoders, forward and flipped (Makhzani, "Implicit Autoencoders", 2018: sections 2 and 4, appendix B), and
//! CycleIAE (section 3), whose code is a picture of another domain.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::graph::Graph;
use crate::nets::{GraphNet, IaeConfig, Pass};
use crate::objectives::{choice_cost, loss_as_fake, loss_as_real};
use crate::optim::Gradients;
use crate::training::config::Method;
use crate::training::steps::{self, Batch, LearntGroup, TrainedNetwork, Turns};
use crate::training::{Ledger, Rule, StepReport};

/// Adam's betas.
const BETAS: [f64; 2] = [0.5, 0.999];

/// The networks as graphs. What they call a picture may be anything that has a row or a map.
#[derive(Clone, Debug)]
pub struct IaeGraphs {
    /// f: from a picture, and the noise eps where the batch has any, to z.
    pub encoder: Graph,
    /// The same without the softmax at the end of a choice.
    pub logits: Graph,
    /// g: from z and the noise n, side by side where z is a row, to a picture.
    pub decoder: Graph,
    /// From a picture and z to a logit.
    pub pairs: Graph,
    /// From z to a logit; in the flipped form from a picture.
    pub single: Graph,
}

impl IaeGraphs {
    /// Those of the paper, for `method`.
    pub fn of(config: &IaeConfig, method: Method) -> Self {
        Self {
            encoder: config.encoder_graph(),
            logits: config.logits_graph(),
            decoder: config.decoder_graph(),
            pairs: config.pair_discriminator_graph(),
            single: match method {
                Method::Fiae => config.picture_discriminator_graph(),
                _ => config.code_discriminator_graph(),
            },
        }
    }
}

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
    /// Codes of the prior, `(N, z_dim)`: N(0, I), or choices of one cluster. In CycleIAE pictures of the second domain.
    pub z: Tensor,
    /// The decoder's noise, `(N, n_dim)` from N(0, I).
    pub n: Tensor,
    /// The encoder's noise, `(N, eps_dim)` from N(0, I).
    pub eps: Tensor,
    /// Pictures whose labels teach the encoder its choice.
    pub labelled: Option<IaeLabelled>,
    /// What is added to what the discriminators see.
    pub noise: Option<IaeNoise>,
}

/// Noise on what discriminators see, the same in both turns of a step.
#[derive(Debug)]
pub struct IaeNoise {
    /// On picture and code of the real pairs, and of the fake ones.
    pub pairs: [[Tensor; 2]; 2],
    /// On what the second discriminator takes: of real examples, and of fake ones.
    pub single: [Tensor; 2],
}

/// Pictures with labels.
#[derive(Debug)]
pub struct IaeLabelled {
    /// The pictures, as those of the batch.
    pub pictures: Tensor,
    /// A 1 at the place of each picture's label, `(N, z_dim)`.
    pub labels: Tensor,
    /// The encoder's noise, `(N, eps_dim)` from N(0, I).
    pub eps: Tensor,
}

impl Batch for IaeBatch {
    fn tensors(&self) -> Vec<&Tensor> {
        let labelled = self.labelled.iter().flat_map(|part| [&part.pictures, &part.labels, &part.eps]);
        let noise = self.noise.iter().flat_map(|noise| noise.pairs.iter().flatten().chain(&noise.single));
        [&self.pictures, &self.z, &self.n, &self.eps].into_iter().chain(labelled).chain(noise).collect()
    }
}

impl IaeBatch {
    /// A real or a fake pair as a discriminator sees it.
    fn pair(&self, pair: [&Tensor; 2], is_fake: bool) -> Result<Vec<Tensor>> {
        let noise = self.noise.as_ref().map(|noise| &noise.pairs[usize::from(is_fake)]);
        pair.into_iter().enumerate().map(|(at, x)| noisy(x, noise.map(|noise| &noise[at]))).collect()
    }

    /// A real or a fake example as the second discriminator sees it.
    fn alone(&self, example: &Tensor, is_fake: bool) -> Result<Vec<Tensor>> {
        let noise = self.noise.as_ref().map(|noise| &noise.single[usize::from(is_fake)]);
        Ok(vec![noisy(example, noise)?])
    }
}

fn noisy(x: &Tensor, noise: Option<&Tensor>) -> Result<Tensor> {
    noise.map_or_else(|| Ok(x.clone()), |noise| x + noise)
}

/// A discriminator in training.
type Judge = TrainedNetwork<GraphNet>;

/// Real and fake examples are one batch, in both turns: normalised apart, every feature would have the same mean in both, and
/// a linear layer behind them could not tell one from the other.
impl Judge {
    /// The gradients of telling `real` from `fake`, under the names of loss and gradient.
    fn turn(
        &self,
        [real, fake]: [&[Tensor]; 2],
        [loss, gradient]: [&'static str; 2],
        ledger: &mut Ledger,
    ) -> Result<(Gradients, Pass)> {
        let pass = self.net.forward(&together(real, fake)?)?;
        let [real, fake] = logits(&pass)?;
        let total = (loss_as_real(&real)? + loss_as_fake(&fake)?)?;
        ledger.add(loss, &total, 1.0)?;
        let gradients = self.group.backward(&total)?;
        ledger.check(gradient, &gradients)?;
        Ok((gradients, pass))
    }

    /// The cost of what this discriminator takes for generated among `real` examples, which are out of reach of gradients.
    fn confused(&self, [real, fake]: [&[Tensor]; 2]) -> Result<Tensor> {
        let [_, fake] = logits(&self.frozen.forward(&together(real, fake)?)?)?;
        loss_as_real(&fake)
    }
}

/// The inputs of a discriminator for real examples and as many fake ones after them.
fn together(real: &[Tensor], fake: &[Tensor]) -> Result<Vec<Tensor>> {
    real.iter().zip(fake).map(|(real, fake)| Tensor::cat(&[real, fake], 0)).collect()
}

/// The logits of the first and of the second half of a batch.
fn logits(pass: &Pass) -> Result<[Tensor; 2]> {
    let all = pass.output(0)?.flatten_all()?;
    let half = all.dim(0)? / 2;
    Ok([all.narrow(0, 0, half)?, all.narrow(0, half, half)?])
}

/// An implicit autoencoder in training.
pub struct IaeTrainer {
    is_flipped: bool,
    encoder: LearntGroup,
    read: GraphNet,
    /// The encoder without the softmax at its end.
    logits: GraphNet,
    decoder: LearntGroup,
    draw: GraphNet,
    /// That of pairs, which takes no turns where pixels are compared.
    pairs: Judge,
    single: Judge,
    /// Weight of the absolute differences of pixels that stand in the place of [`IaeTrainer::pairs`].
    l1: Option<f64>,
}

/// What an encoder makes of pictures and noise, of which there may be none.
fn encoded(net: &GraphNet, pictures: &Tensor, eps: &Tensor) -> Result<Pass> {
    match eps.dim(1)? {
        0 => net.forward(std::slice::from_ref(pictures)),
        _ => net.forward(&[pictures.clone(), eps.clone()]),
    }
}

/// What a decoder makes of codes and noise, of which there may be none.
fn decoded(net: &GraphNet, z: &Tensor, n: &Tensor) -> Result<Pass> {
    match (n.dim(1)?, z.rank()) {
        (0, _) => net.forward(std::slice::from_ref(z)),
        (_, 2) => net.forward(&[Tensor::cat(&[z, n], 1)?]),
        _ => net.forward(&[z.clone(), n.clone()]),
    }
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
        graphs: &IaeGraphs,
        method: Method,
        learning_rate: f64,
        weights: &IaeWeights,
        device: &Device,
    ) -> Result<Self> {
        let rule = Rule::adam(learning_rate, BETAS[0], BETAS[1]);
        let is_flipped = method == Method::Fiae;
        let encoder = LearntGroup::new(&weights.encoder, rule, device)?;
        let decoder = LearntGroup::new(&weights.decoder, rule, device)?;
        let judge =
            |weights, graph| Judge::new(weights, rule, device, |weights| GraphNet::new(graph, weights));
        Ok(Self {
            read: GraphNet::new(&graphs.encoder, &encoder.weights)?,
            logits: GraphNet::new(&graphs.logits, &encoder.weights)?,
            draw: GraphNet::new(&graphs.decoder, &decoder.weights)?,
            pairs: judge(&weights.pairs, &graphs.pairs)?,
            single: judge(&weights.single, &graphs.single)?,
            is_flipped,
            encoder,
            decoder,
            l1: None,
        })
    }

    /// The same with the mean absolute difference of pixels, times `weight`, in the place of the discriminator of pairs: what
    /// CycleGAN reconstructs by.
    #[must_use]
    pub fn comparing_pixels(self, weight: f64) -> Self {
        Self { l1: Some(weight), ..self }
    }

    /// One iteration: both discriminators, then encoder and decoder on the same pictures and codes. `step` counts from 0.
    ///
    /// The report holds `pair_loss` and `code_loss` (`picture_loss` in the flipped form) of the discriminators, `reconstruction`
    /// and `regularisation` of encoder and decoder, and `mse`: the mean squared error of the pictures' values, or in the flipped
    /// form of the codes. Where pixels are compared there is no `pair_loss`, and `reconstruction` is their mean absolute difference
    /// before it is weighted. With labelled pictures it holds `cross_entropy`, what the encoder's choices cost on them in nats, which
    /// it learns from in the same turn with a weight of 1 (the paper gives none); they do not move its running statistics.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn step(&mut self, batch: IaeBatch, step: u64) -> Result<StepReport> {
        steps::step(self, &[batch], step)
    }

    fn make(&self, batch: &IaeBatch) -> Result<Made> {
        let encode = |pictures: &Tensor| encoded(&self.read, pictures, &batch.eps);
        let decode = |z: &Tensor| decoded(&self.draw, z, &batch.n);
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

    /// The cross-entropy of the encoder's choices with labels.
    fn taught(&self, labelled: &IaeLabelled) -> Result<Tensor> {
        let pass = encoded(&self.logits, &labelled.pictures, &labelled.eps)?;
        choice_cost(pass.output(0)?, &labelled.labels)
    }

    /// What z the encoder reads in pictures with the noise `eps`; normalised by this batch, and out of reach of gradients.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn read(&self, pictures: &Tensor, eps: &Tensor) -> Result<Tensor> {
        Ok(encoded(&self.read, pictures, eps)?.output(0)?.detach())
    }

    /// The pictures that the decoder draws of z with the noise `n`; likewise.
    ///
    /// # Errors
    /// When shapes do not fit or the device fails.
    pub fn draw(&self, z: &Tensor, n: &Tensor) -> Result<Tensor> {
        Ok(decoded(&self.draw, z, n)?.output(0)?.detach())
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
            let (real_pair, [real, fake], name) = match self.is_flipped {
                true => ([&drawn, &batch.z], [&batch.pictures, &drawn], "picture_loss"),
                false => ([&batch.pictures, &code], [&batch.z, &code], "code_loss"),
            };
            let (real_pair, real) = (batch.pair(real_pair, false)?, batch.alone(real, false)?);
            let names = ["pair_loss", "gradient of the discriminator of pairs"];
            let of_pairs = match self.l1 {
                Some(_) => None,
                None => {
                    let fake_pair = batch.pair([&drawn, &code], true)?;
                    Some(self.pairs.turn([&real_pair, &fake_pair], names, ledger)?)
                }
            };
            let names = [name, "gradient of the second discriminator"];
            let (of_single, seen_single) =
                self.single.turn([&real, &batch.alone(fake, true)?], names, ledger)?;
            if !ledger.end_turn()? {
                return Ok(());
            }
            if let Some((gradients, seen)) = &of_pairs {
                self.pairs.group.apply(gradients, ledger)?;
                self.pairs.net.follow(seen)?;
            }
            self.single.group.apply(&of_single, ledger)?;
            self.single.net.follow(&seen_single)?;

            let reconstruction = match self.l1 {
                Some(_) => (&made.drawn - &batch.pictures)?.abs()?.mean_all()?,
                None => self.pairs.confused([&real_pair, &batch.pair([&made.drawn, &made.code], true)?])?,
            };
            let judged = if self.is_flipped { &made.drawn } else { &made.code };
            let regularisation = self.single.confused([&real, &batch.alone(judged, true)?])?;
            ledger.add("reconstruction", &reconstruction, 1.0)?;
            ledger.add("regularisation", &regularisation, 1.0)?;
            let error = match self.is_flipped {
                true => (code - &batch.z)?,
                false => (drawn - &batch.pictures)?,
            };
            ledger.add("mse", &error.sqr()?.mean_all()?, 1.0)?;
            let mut cost = ((reconstruction * self.l1.unwrap_or(1.0))? + regularisation)?;
            if let Some(labelled) = &batch.labelled {
                let taught = self.taught(labelled)?;
                ledger.add("cross_entropy", &taught, 1.0)?;
                cost = (cost + taught)?;
            }
            let mut store = crate::ops::backward(&cost)?;
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
        let is_judged = self.l1.is_none();
        let [encoder, decoder, pairs, single] = self.groups();
        if turns > 0 {
            if is_judged {
                pairs.count();
            }
            single.count();
        }
        if turns > 1 {
            encoder.count();
            decoder.count();
        }
    }
}
