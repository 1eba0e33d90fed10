//! Pictures that the model draws of random codes.

use std::ops::Range;

use crate::base::{Cancel, Stream};
use crate::explore::{Codes, Photo, draw_prior};
use crate::inference::{Encoder, Outcome, Renderer};
use crate::model::ModelDescription;

use super::{CodeSample, MetricError};

/// A sequence of random codes with their pictures: row `i` of one seed is always the same.
pub struct Drawing<'a> {
    description: &'a ModelDescription,
    renderer: &'a mut dyn Renderer,
    chain: &'a str,
    posterior: Option<&'a CodeSample>,
    seed: u64,
}

impl<'a> Drawing<'a> {
    /// The pictures of a render chain that `renderer` runs, of codes from their priors, the VAE's from its aggregated posterior where a sample of it is given.
    ///
    /// # Errors
    /// When a posterior is given and the chain does not take the code that the encoder infers.
    pub fn new(
        description: &'a ModelDescription,
        renderer: &'a mut dyn Renderer,
        chain: &'a str,
        posterior: Option<&'a CodeSample>,
        seed: u64,
    ) -> Result<Self, MetricError> {
        if posterior.is_some() {
            encoded_block(description, chain)?;
        }
        Ok(Self { description, renderer, chain, posterior, seed })
    }

    /// What decides the codes.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Channels, height and width of a picture.
    pub fn picture_shape(&self) -> [usize; 3] {
        self.renderer.picture_shape()
    }

    /// The most pictures worth drawing at once.
    pub fn batch(&self) -> usize {
        self.renderer.at_once()
    }

    /// The codes of these rows.
    pub(super) fn codes(&self, rows: Range<usize>) -> Result<Codes, MetricError> {
        let mut codes = Codes::neutral(self.description, rows.len());
        let code = self.description.encoded();
        for block in &self.description.codes {
            for (row, index) in rows.clone().enumerate() {
                let values = match self.posterior {
                    Some(sample) if code == Some(&block.name) => posterior_code(sample, self.seed, index),
                    _ => draw_prior(block, self.seed, index),
                };
                let fitted = codes.set_row(&block.name, row, &values);
                fitted.map_err(|error| MetricError::request(error.to_string()))?;
            }
        }
        Ok(codes)
    }

    /// Draws `rows` into `pictures` `(rows, channels, height, width)` with values in [0, 1].
    ///
    /// # Errors
    /// When the network fails or `cancel` is raised.
    pub fn draw(
        &mut self,
        rows: Range<usize>,
        pictures: &mut Vec<f32>,
        cancel: &Cancel,
    ) -> Result<Codes, MetricError> {
        let codes = self.codes(rows)?;
        self.draw_these(&codes, pictures, cancel)?;
        Ok(codes)
    }

    /// Draws `codes`, any that are known, as [`Drawing::draw`] draws its own.
    pub(super) fn draw_these(
        &mut self,
        codes: &Codes,
        pictures: &mut Vec<f32>,
        cancel: &Cancel,
    ) -> Result<(), MetricError> {
        let input = codes.input(self.description, self.chain);
        let input = input.map_err(|error| MetricError::request(error.to_string()))?;
        pictures.resize(codes.rows() * self.picture_shape().iter().product::<usize>(), 0.0);
        match self.renderer.render(input.data(), pictures, cancel)? {
            Outcome::Done => Ok(()),
            Outcome::Cancelled => Err(MetricError::Cancelled),
        }
    }
}

/// The name of the block that the encoder infers, which the render chain `chain` must take.
pub(super) fn encoded_block<'a>(
    description: &'a ModelDescription,
    chain: &str,
) -> Result<&'a str, MetricError> {
    let code = description.encoded().ok_or_else(|| MetricError::request(description.lacks_encoder()))?;
    if description.inputs(chain).contains(&code) {
        return Ok(code);
    }
    Err(MetricError::request(format!("{chain} does not take {code}, the code that the encoder infers")))
}

/// Code `index` of the aggregated posterior: c = mu + exp(logvar / 2) eps of a random picture.
fn posterior_code(sample: &CodeSample, seed: u64, index: usize) -> Vec<f32> {
    let mut stream = Stream::for_item(seed, "aggregated posterior", index as u64);
    let row = stream.below(sample.len());
    let pairs = sample.mu.row(row).iter().zip(sample.logvar.row(row));
    pairs.map(|(mu, logvar)| mu + (0.5 * logvar).exp() * stream.normal()).collect()
}

/// Reads drawn `pictures` of `shape` back: brought to the encoder's size (whole multiples averaged, as in training),
/// then encoded into `mu` and `logvar` `(N, c_dim)`.
pub(super) fn read_back(
    encoder: &mut dyn Encoder,
    pictures: &[f32],
    shape: [usize; 3],
) -> Result<(Vec<f32>, Vec<f32>), MetricError> {
    let small = encoder_pictures(pictures, shape, encoder.picture_shape())?;
    let rows = pictures.len() / shape.iter().product::<usize>().max(1);
    let mut mu = vec![0.0; rows * encoder.code_dim()];
    let mut logvar = mu.clone();
    encoder.encode(small.as_deref().unwrap_or(pictures), &mut mu, &mut logvar)?;
    Ok((mu, logvar))
}

/// `pictures` of `shape` as an encoder of `wanted` shape takes them; `None` where they are that already.
pub(super) fn encoder_pictures(
    pictures: &[f32],
    shape @ [channels, height, width]: [usize; 3],
    wanted: [usize; 3],
) -> Result<Option<Vec<f32>>, MetricError> {
    if shape == wanted {
        return Ok(None);
    }
    check_read_back(shape, wanted)?;
    let misfit = || MetricError::request("a drawn picture cannot be brought to the encoder's size");
    let mut small = Vec::with_capacity(
        pictures.len() / shape.iter().product::<usize>() * wanted.iter().product::<usize>(),
    );
    for picture in pictures.chunks_exact(channels * height * width) {
        let photo = Photo::from_chw(picture, channels, height, width).ok_or_else(misfit)?;
        small.extend(photo.square(channels, wanted[1], None).ok_or_else(misfit)?);
    }
    Ok(Some(small))
}

/// Refuses drawn pictures of a shape that an encoder which takes `wanted` cannot read back.
pub(super) fn check_read_back(
    [channels, height, width]: [usize; 3],
    wanted: [usize; 3],
) -> Result<(), MetricError> {
    if channels == wanted[0] && height == width && height >= wanted[1] {
        return Ok(());
    }
    Err(MetricError::request(format!(
        "drawn pictures have {channels} channel(s) and {width}x{height} pixels, which the encoder of {} channel(s) and \
         {}x{} cannot take",
        wanted[0], wanted[2], wanted[1]
    )))
}
