//! The codes of a data set's pictures: what the metrics of a representation look at.

use rayon::prelude::*;

use crate::base::{Array, Pool, Stream};
use crate::data::{Dataset, Factor, SHARED_NUISANCE, classes_of, one_sharing};
use crate::inference::Encoder;

use super::statistics::choose;
use super::{MetricError, Watch};

/// Pictures that are looked at in one step of training, and read and encoded at a time where nobody says better.
pub(super) const BATCH: usize = 64;

/// Pictures, each with a code: a data set behind an encoder, or in tests codes that are known.
pub trait EncodedData {
    /// Number of pictures.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The known factors, as [`Dataset::factors`].
    fn factors(&self) -> &[Factor];

    /// The class of each factor of picture `index`.
    fn classes(&self, index: usize) -> Vec<usize> {
        classes_of(self.factors(), index)
    }

    /// A random picture of those whose `factor` has this class.
    fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        one_sharing(self.factors(), factor, class, stream)
    }

    /// Width of a code.
    fn code_dim(&self) -> usize;

    /// Whether posteriors have variances, and are not means alone.
    fn has_variances(&self) -> bool {
        true
    }

    /// How long encoding takes.
    fn effort(&self) -> Effort;

    /// Pictures worth encoding in one call.
    fn at_once(&self) -> usize {
        BATCH
    }

    /// The posteriors of the pictures `indices`: means `mu` and log variances `logvar`, both
    /// `(indices.len(), code_dim)`; `draw` chooses nuisance as in [`Dataset::read`].
    ///
    /// # Errors
    /// When a picture cannot be read or the encoder fails.
    fn encode(
        &mut self,
        indices: &[usize],
        draw: u64,
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> Result<(), MetricError>;
}

/// How long it takes to find the code of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// None: it is in memory.
    None,
    /// The encoder's: all pictures of a usual set take a minute or two.
    Encoding,
    /// That of rendering the picture first: all of them would take longer than everything else.
    Rendering,
}

/// The pictures of a data set behind an encoder.
pub struct EncodedPictures<'a> {
    data: &'a dyn Dataset,
    encoder: &'a mut dyn Encoder,
    pool: &'a Pool,
    pictures: Vec<f32>,
}

impl<'a> EncodedPictures<'a> {
    /// The pictures of `data`, read on `pool`'s threads, behind `encoder`.
    ///
    /// # Errors
    /// When the encoder takes pictures of another shape.
    pub fn new(
        data: &'a dyn Dataset,
        encoder: &'a mut dyn Encoder,
        pool: &'a Pool,
    ) -> Result<Self, MetricError> {
        check_pictures(data, encoder.picture_shape(), "the encoder takes")?;
        Ok(Self { data, encoder, pool, pictures: Vec::new() })
    }
}

impl EncodedData for EncodedPictures<'_> {
    fn len(&self) -> usize {
        self.data.len()
    }

    fn factors(&self) -> &[Factor] {
        self.data.factors()
    }

    fn classes(&self, index: usize) -> Vec<usize> {
        self.data.classes(index)
    }

    fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        self.data.sharing(factor, class, stream)
    }

    fn code_dim(&self) -> usize {
        self.encoder.code_dim()
    }

    fn effort(&self) -> Effort {
        if self.data.is_costly() { Effort::Rendering } else { Effort::Encoding }
    }

    fn at_once(&self) -> usize {
        self.encoder.at_once()
    }

    fn encode(
        &mut self,
        indices: &[usize],
        draw: u64,
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> Result<(), MetricError> {
        let (dims, at_once) = (self.code_dim().max(1), self.at_once());
        let outputs = mu.chunks_mut(at_once * dims).zip(logvar.chunks_mut(at_once * dims));
        for (indices, (mu, logvar)) in indices.chunks(at_once).zip(outputs) {
            read_pictures(self.data, indices, draw, self.pool, &mut self.pictures)?;
            self.encoder.encode(&self.pictures, mu, logvar)?;
        }
        Ok(())
    }
}

/// Hands the posteriors of the pictures `indices` to `look`, some at a time: their indices, means and log variances
/// `(indices.len(), code_dim)`.
///
/// # Errors
/// As [`EncodedData::encode`], and when the watch stops it.
pub(super) fn each_posterior(
    encoded_data: &mut dyn EncodedData,
    indices: &[usize],
    seed: u64,
    watch: &mut Watch<'_>,
    mut look: impl FnMut(&[usize], &[f32], &[f32]),
) -> Result<(), MetricError> {
    let at_a_time = 4 * encoded_data.at_once();
    let (mut mu, mut logvar) = (Vec::new(), Vec::new());
    for (batch, chosen) in indices.chunks(at_a_time).enumerate() {
        watch.step(batch * at_a_time, indices.len())?;
        mu.resize(chosen.len() * encoded_data.code_dim(), 0.0);
        logvar.resize(mu.len(), 0.0);
        encoded_data.encode(chosen, seed, &mut mu, &mut logvar)?;
        look(chosen, &mu, &logvar);
    }
    Ok(())
}

/// Refuses a data set whose pictures do not have `shape`; `who` begins the sentence.
pub(super) fn check_pictures(data: &dyn Dataset, shape: [usize; 3], who: &str) -> Result<(), MetricError> {
    if data.is_empty() {
        return Err(MetricError::request(format!("{} holds no pictures", data.spec())));
    }
    if data.picture_shape() == shape {
        return Ok(());
    }
    let shown = |[channels, height, width]: [usize; 3]| {
        let colour = if channels == 1 { "grey" } else { "colour" };
        format!("{colour} pictures of {width}x{height}")
    };
    Err(MetricError::request(format!(
        "{who} {}, and {} has {}; name the data that the model was trained on",
        shown(shape),
        data.spec(),
        shown(data.picture_shape())
    )))
}

/// Reads the pictures `indices` into `out` `(indices.len(), channels, height, width)`.
pub(super) fn read_pictures(
    data: &dyn Dataset,
    indices: &[usize],
    draw: u64,
    pool: &Pool,
    out: &mut Vec<f32>,
) -> Result<(), MetricError> {
    let len: usize = data.picture_shape().iter().product();
    out.resize(indices.len() * len, 0.0);
    let draw = draw & !SHARED_NUISANCE;
    pool.run(|| {
        let pairs = indices.par_iter().zip(out.par_chunks_exact_mut(len));
        pairs.try_for_each(|(&index, picture)| data.read(index, draw, picture))
    })?;
    Ok(())
}

/// The posteriors of different pictures, chosen at random.
#[derive(Clone, Debug)]
pub struct CodeSample {
    /// Which pictures; ascending unless shuffled.
    pub indices: Vec<usize>,
    /// Posterior means `(N, code_dim)`.
    pub mu: Array,
    /// Log variances `(N, code_dim)`.
    pub logvar: Array,
}

impl CodeSample {
    /// The posteriors of `count` pictures, of all where there are fewer.
    ///
    /// # Errors
    /// When pictures cannot be encoded, the encoder gives values that are not finite, or the watch stops it.
    pub fn draw(
        encoded_data: &mut dyn EncodedData,
        count: usize,
        seed: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        let indices = choose(encoded_data.len(), count.min(encoded_data.len()), seed, "code sample");
        Self::of(encoded_data, indices, seed, watch)
    }

    /// The same pictures in random order, for whoever cuts the rows into parts.
    ///
    /// # Errors
    /// As [`CodeSample::draw`].
    pub fn draw_shuffled(
        encoded_data: &mut dyn EncodedData,
        count: usize,
        seed: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        let chosen = choose(encoded_data.len(), count.min(encoded_data.len()), seed, "code sample");
        let order = Stream::new(seed, "code order").permutation(chosen.len());
        let indices = order.into_iter().map(|place| chosen[place as usize]).collect();
        Self::of(encoded_data, indices, seed, watch)
    }

    /// The posteriors of the pictures `indices`.
    ///
    /// # Errors
    /// As [`CodeSample::draw`].
    pub(super) fn of(
        encoded_data: &mut dyn EncodedData,
        indices: Vec<usize>,
        seed: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        let dims = encoded_data.code_dim();
        let mut mu = Array::zeros([indices.len(), dims]);
        let mut logvar = Array::zeros([indices.len(), dims]);
        let at_once = encoded_data.at_once();
        for (batch, chosen) in indices.chunks(at_once).enumerate() {
            watch.step(batch * at_once, indices.len())?;
            let rows = batch * at_once * dims..(batch * at_once + chosen.len()) * dims;
            encoded_data.encode(
                chosen,
                seed,
                &mut mu.data_mut()[rows.clone()],
                &mut logvar.data_mut()[rows],
            )?;
        }
        if mu.data().iter().chain(logvar.data()).any(|value| !value.is_finite()) {
            return Err(MetricError::request(
                "the encoder gives values that are not finite numbers; its training has failed",
            ));
        }
        Ok(Self { indices, mu, logvar })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Variance over the pictures of each dimension's mean.
    pub fn variances(&self) -> Vec<f64> {
        variances(self.mu.data(), self.mu.row_len())
    }
}

/// Variance of each column of `rows` `(N, dims)`, divided by N.
pub(super) fn variances(rows: &[f32], dims: usize) -> Vec<f64> {
    let count = (rows.len() / dims.max(1)).max(1) as f64;
    let column = |dim: usize| rows.iter().skip(dim).step_by(dims.max(1)).map(|&value| f64::from(value));
    let variance = |dim: usize| {
        let mean = column(dim).sum::<f64>() / count;
        column(dim).map(|value| (value - mean).powi(2)).sum::<f64>() / count
    };
    (0..dims).map(variance).collect()
}
