//! The candle path: the networks that are trained, run without gradients, on any device candle has.

use candle_core::{Device, Result, Tensor};

use crate::base::{Arrays, Cancel, Picture, Pool};
use crate::nets::{
    Generator, GeneratorConfig, Parameter, Parameters, PosteriorEncoder, Vae, VaeConfig, Weights,
    check_parameters,
};
use crate::ops::{self, PictureValues};

use super::batch::{Footprint, MemoryBudget};
use super::{Encoder, Outcome, RenderError, Renderer};

/// A generator or a VAE decoder through candle.
pub struct TensorRenderer {
    net: Net,
    code_dim: usize,
    picture_shape: [usize; 3],
    footprint: Footprint,
    /// Memory for the pictures that go through the network at once.
    budget: MemoryBudget,
    device: Device,
    pool: Pool,
}

enum Net {
    Generator(Generator),
    Decoder(Vae),
}

/// A VAE encoder through candle.
pub struct TensorEncoder {
    net: PosteriorEncoder,
    footprint: Footprint,
    /// Memory for the pictures that go through the network at once.
    budget: MemoryBudget,
    device: Device,
    pool: Pool,
}

impl TensorRenderer {
    /// A generator with weights under their published names.
    ///
    /// # Errors
    /// When the weights do not fit `config` or the device cannot hold them.
    pub fn generator(
        config: &GeneratorConfig,
        weights: &Arrays,
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let weights = bind(weights, &config.parameters(), device)?;
        Ok(Self {
            net: Net::Generator(Generator::new(config, &weights)?),
            code_dim: config.z_dim(),
            picture_shape: [config.channels(), config.size(), config.size()],
            footprint: Footprint::generator(config),
            budget: MemoryBudget::of(device),
            device: device.clone(),
            pool: pool.clone(),
        })
    }

    /// The decoder of a VAE whose weights (both halves) have their published names.
    ///
    /// # Errors
    /// As [`TensorRenderer::generator`].
    pub fn decoder(
        config: VaeConfig,
        weights: &Arrays,
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let weights = bind(weights, &config.parameters(), device)?;
        Ok(Self {
            net: Net::Decoder(Vae::new(config, &weights)?),
            code_dim: config.c_dim,
            picture_shape: [config.channels, VaeConfig::SIZE, VaeConfig::SIZE],
            footprint: Footprint::small(config.channels),
            budget: MemoryBudget::of(device),
            device: device.clone(),
            pool: pool.clone(),
        })
    }

    /// The same within another budget than the device's.
    pub fn within(self, budget: MemoryBudget) -> Self {
        Self { budget, ..self }
    }

    /// The network's own pictures of rows of codes.
    fn forward(&self, codes: &[f32]) -> Result<Tensor> {
        let rows = codes.len() / self.code_dim.max(1);
        let codes = ops::upload(codes, (rows, self.code_dim), &self.device)?;
        match &self.net {
            Net::Generator(net) => net.forward(&codes),
            Net::Decoder(vae) => vae.decode(&codes),
        }
    }

    /// The same in [0, 1].
    fn values(&self, codes: &[f32]) -> Result<Vec<f32>> {
        self.pool.run(|| self.net.unit(&self.forward(codes)?))
    }

    /// A picture's bytes, where the device makes them, or else its values in [0, 1].
    fn drawn(&self, code: &[f32]) -> Result<Drawn> {
        self.pool.run(|| {
            let raw = self.forward(code)?;
            match ops::rgba(&raw, self.net.picture_values())? {
                Some(rgba) => Ok(Drawn::Bytes(rgba)),
                None => self.net.unit(&raw).map(Drawn::Values),
            }
        })
    }
}

/// A picture on the host.
enum Drawn {
    Bytes(Vec<u8>),
    Values(Vec<f32>),
}

impl Net {
    fn picture_values(&self) -> PictureValues {
        match self {
            Self::Generator(_) => PictureValues::Signed,
            Self::Decoder(_) => PictureValues::Logits,
        }
    }

    /// Pictures of this network in [0, 1].
    fn unit(&self, pictures: &Tensor) -> Result<Vec<f32>> {
        ops::download(&match self.picture_values() {
            PictureValues::Signed => ((pictures + 1.0)? * 0.5)?,
            PictureValues::Logits => candle_nn::ops::sigmoid(pictures)?,
        })
    }
}

impl Renderer for TensorRenderer {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn at_once(&self) -> usize {
        self.budget.pictures(self.footprint)
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.picture_shape
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let picture_len: usize = self.picture_shape.iter().product();
        check_batch(codes.len(), self.code_dim, "codes", pictures.len(), picture_len, "pictures")?;
        let at_once = self.at_once();
        let inputs = codes.chunks(at_once * self.code_dim.max(1));
        for (codes, pictures) in inputs.zip(pictures.chunks_mut(at_once * picture_len)) {
            if cancel.is_cancelled() {
                return Ok(Outcome::Cancelled);
            }
            pictures.copy_from_slice(&self.values(codes)?);
        }
        Ok(Outcome::Done)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let [channels, height, width] = self.picture_shape;
        let pixels = height * width;
        check_batch(code.len(), self.code_dim, "codes", pixels, pixels, "pictures")?;
        if cancel.is_cancelled() {
            return Ok(Outcome::Cancelled);
        }
        let drawn = match self.drawn(code)? {
            Drawn::Bytes(rgba) => Picture::from_rgba(width, height, rgba),
            Drawn::Values(chw) => Picture::from_chw(&chw, channels, height, width),
        };
        *picture = drawn.ok_or_else(|| {
            RenderError::Weights(format!("{channels} picture channels; 1 or 3 can be shown"))
        })?;
        Ok(Outcome::Done)
    }
}

impl TensorEncoder {
    /// The encoder of a VAE whose weights have their published names; the decoder's are not needed.
    ///
    /// # Errors
    /// When the weights do not fit `config` or the device cannot hold them.
    pub fn new(
        config: VaeConfig,
        weights: &Arrays,
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let own = weights.iter().filter(|(name, _)| name.starts_with("encoder."));
        let own = own.map(|(name, array)| (name.clone(), array.clone())).collect();
        let weights = bind(&own, &config.encoder_parameters(), device)?;
        let net = PosteriorEncoder::new(config, &weights)?;
        Ok(Self {
            net,
            footprint: Footprint::small(config.channels),
            budget: MemoryBudget::of(device),
            device: device.clone(),
            pool: pool.clone(),
        })
    }

    /// The same within another budget than the device's.
    pub fn within(self, budget: MemoryBudget) -> Self {
        Self { budget, ..self }
    }

    /// Means and log variances of pictures that go through the network at once.
    fn forward(&self, pictures: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let [channels, height, width] = self.picture_shape();
        self.pool.run(|| {
            let n = pictures.len() / (channels * height * width);
            let x = ops::upload(pictures, (n, channels, height, width), &self.device)?;
            let posterior = self.net.encode(&x)?;
            Ok((posterior.mu.flatten_all()?.to_vec1()?, posterior.logvar.flatten_all()?.to_vec1()?))
        })
    }
}

impl Encoder for TensorEncoder {
    fn code_dim(&self) -> usize {
        self.net.config().c_dim
    }

    fn at_once(&self) -> usize {
        self.budget.pictures(self.footprint)
    }

    fn picture_shape(&self) -> [usize; 3] {
        [self.net.config().channels, VaeConfig::SIZE, VaeConfig::SIZE]
    }

    fn encode(
        &mut self,
        pictures: &[f32],
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> std::result::Result<(), RenderError> {
        let [channels, height, width] = self.picture_shape();
        let picture_len = channels * height * width;
        check_batch(pictures.len(), picture_len, "pictures", mu.len(), self.code_dim(), "mu")?;
        check_batch(pictures.len(), picture_len, "pictures", logvar.len(), self.code_dim(), "logvar")?;
        let (at_once, dims) = (self.at_once(), self.code_dim().max(1));
        let outputs = mu.chunks_mut(at_once * dims).zip(logvar.chunks_mut(at_once * dims));
        for (pictures, (mu, logvar)) in pictures.chunks(at_once * picture_len).zip(outputs) {
            let posterior = self.forward(pictures)?;
            mu.copy_from_slice(&posterior.0);
            logvar.copy_from_slice(&posterior.1);
        }
        Ok(())
    }
}

pub(super) fn bind(
    weights: &Arrays,
    parameters: &[Parameter],
    device: &Device,
) -> std::result::Result<Weights, RenderError> {
    check_parameters(weights, parameters).map_err(RenderError::Weights)?;
    Ok(Weights::frozen(weights, device)?)
}

/// Checks that the inputs are whole rows and that the outputs have one row for each.
fn check_batch(
    inputs: usize,
    input_row: usize,
    input_name: &'static str,
    outputs: usize,
    output_row: usize,
    output_name: &'static str,
) -> std::result::Result<(), RenderError> {
    let batch = inputs / input_row.max(1);
    if batch * input_row != inputs {
        return Err(RenderError::Length { what: input_name, expected: batch * input_row, actual: inputs });
    }
    if batch * output_row != outputs {
        return Err(RenderError::Length { what: output_name, expected: batch * output_row, actual: outputs });
    }
    Ok(())
}
