//! Features for pictures whose factors are known: the last hidden layer of a small network trained to tell the
//! factors, as the paper measures FID on the sprites (section C).

use std::path::Path;

use candle_core::{Device, Tensor};
use half::f16;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::base::{Array, Arrays, Pool, Stream};
use crate::checkpoint::{CheckpointError, Precision, TensorFile, write_tensors};
use crate::data::{Dataset, DrawingVersion};
use crate::inference::{Footprint, MemoryBudget};
use crate::nets::{ConvEncoder, EncoderConfig, Parameters, Weights, check_parameters};
use crate::ops;
use crate::optim::{Gradients, Optimiser, Rule};

use super::drawing::encoder_pictures;
use super::encoded::{BATCH, check_pictures, read_pictures, variances};
use super::{Features, MetricError};

/// The key of the description in the file's metadata.
const KEY: &str = "idgan-features";
/// Width of the layer that describes a picture.
const DIMS: usize = 256;
/// Pictures that its accuracy is measured on.
const TEST_PICTURES: usize = 10_000;

/// The networks that come with the program, by data set.
const BUNDLED: &[(&str, &[u8])] = &[
    ("dsprites", include_bytes!("../../assets/features-dsprites.safetensors")),
    ("scenes", include_bytes!("../../assets/features-scenes.safetensors")),
];

/// What the network was trained for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactorTask {
    /// The data set.
    pub data: String,
    /// How its pictures were drawn.
    #[serde(default, skip_serializing_if = "DrawingVersion::is_first")]
    pub drawing: DrawingVersion,
    /// Picture channels.
    pub channels: usize,
    /// The factors it tells.
    pub factors: Vec<ToldFactor>,
    /// Steps of its training.
    pub steps: usize,
    /// Pictures a step.
    pub batch: usize,
    /// Adam's step size at the start; it falls linearly to nothing.
    pub learning_rate: f64,
    /// Seed of its training.
    pub seed: u64,
}

/// One factor that the network tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldFactor {
    /// Its name.
    pub name: String,
    /// Its classes.
    pub classes: usize,
    /// The share of fresh pictures whose class the network tells; 0 before it is measured.
    pub accuracy: f64,
}

impl FactorTask {
    fn network(&self) -> EncoderConfig {
        EncoderConfig {
            channels: self.channels,
            outputs: self.factors.iter().map(|factor| factor.classes).sum(),
        }
    }
}

/// The small network and what it was trained for.
#[derive(Clone, Debug)]
pub struct FactorNetwork {
    /// What it was trained for.
    pub task: FactorTask,
    /// Its weights, `layer.0.weight` to `layer.11.bias`.
    pub weights: Arrays,
}

impl FactorNetwork {
    /// The network that comes with the program for the data set called `spec` (a path behind a colon is ignored).
    pub fn bundled(spec: &str) -> Option<Result<Self, MetricError>> {
        let name = spec.split(':').next().unwrap_or_default();
        let (_, bytes) = BUNDLED.iter().find(|(data, _)| *data == name)?;
        Some(Self::from_bytes(bytes))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, MetricError> {
        let broken = |what: String| {
            MetricError::request(format!("the program's own feature network is broken ({what})"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| broken(error.to_string()))?;
        let text = header.metadata().as_ref().and_then(|texts| texts.get(KEY)).cloned().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes).map_err(|error| broken(error.to_string()))?;
        let mut weights = Arrays::new();
        for (name, view) in file.iter() {
            let half = |pair: &[u8]| f16::from_le_bytes([pair[0], pair[1]]).to_f32();
            let values = view.data().chunks_exact(2).map(half).collect();
            let array =
                Array::new(view.shape(), values).ok_or_else(|| broken(format!("{name} is not f16")))?;
            weights.insert(name.to_owned(), array);
        }
        Self::new(&text, weights).map_err(broken)
    }

    fn new(text: &str, weights: Arrays) -> Result<Self, String> {
        let task: FactorTask = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_parameters(&weights, &task.network().parameters())?;
        Ok(Self { task, weights })
    }

    /// Reads what [`FactorNetwork::write`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, MetricError> {
        let mut file = TensorFile::open(path)?;
        let text = file.metadata().get(KEY).cloned().unwrap_or_default();
        let weights = file.group("")?;
        Self::new(&text, weights).map_err(|what| {
            let what = format!(
                "this is no network of idgan train features ({what}); train one, or name another file"
            );
            CheckpointError::content(what, path).into()
        })
    }

    /// Writes the network in half precision, under 1 MB.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), MetricError> {
        let text = serde_json::to_string(&self.task)
            .map_err(|error| CheckpointError::content(error.to_string(), path))?;
        let named =
            |(name, array)| -> (String, &Array, Precision) { (String::clone(name), array, Precision::F16) };
        let tensors: Vec<_> = self.weights.iter().map(named).collect();
        Ok(write_tensors(path, &tensors, (KEY, &text))?)
    }
}

/// How a feature network is trained.
#[derive(Clone, Copy, Debug)]
pub struct FactorTraining {
    /// Steps.
    pub steps: usize,
    /// Pictures a step.
    pub batch: usize,
    /// Adam's step size at the start; it falls linearly to nothing.
    pub learning_rate: f64,
    /// Seed of weights and pictures.
    pub seed: u64,
}

impl Default for FactorTraining {
    fn default() -> Self {
        Self { steps: 8000, batch: 64, learning_rate: 1e-3, seed: 0 }
    }
}

/// Trains a network to tell the factors of `data` (64x64), by the sum of the factors' cross-entropies, and measures it
/// on 10,000 random pictures. `step` hears how many steps are done and the last loss in nats, and may stop it.
///
/// # Errors
/// When the factors are not known, pictures cannot be read, or `step` reports an error.
pub fn train_factor_network(
    data: &dyn Dataset,
    training: &FactorTraining,
    device: &Device,
    pool: &Pool,
    mut step: impl FnMut(usize, f64) -> Result<(), MetricError> + Send,
) -> Result<FactorNetwork, MetricError> {
    let factors: Vec<_> = data.factors().iter().filter(|factor| factor.values.len() > 1).collect();
    if factors.is_empty() {
        return Err(MetricError::request(format!(
            "the factors of {} are not known, so no network can learn to tell them; use dsprites or scenes",
            data.spec()
        )));
    }
    let told = |factor: &&crate::data::Factor| ToldFactor {
        name: factor.name.clone(),
        classes: factor.values.len(),
        accuracy: 0.0,
    };
    let mut task = FactorTask {
        data: data.spec().to_owned(),
        drawing: DrawingVersion::of(data.spec()),
        channels: data.picture_shape()[0],
        factors: factors.iter().map(told).collect(),
        steps: training.steps,
        batch: training.batch,
        learning_rate: training.learning_rate,
        seed: training.seed,
    };
    let shape = task.network().picture_shape();
    check_pictures(data, shape, "a feature network takes")?;
    let start = task.network().initialise_uniform(&mut Stream::new(training.seed, "feature weights"));
    let weights = Weights::trainable(&start, device)?;
    let net = ConvEncoder::new(&weights, "")?;
    let mut optimiser = Optimiser::new(Rule::adam(training.learning_rate, 0.9, 0.999), &weights)?;
    let mut stream = Stream::new(training.seed, "feature pictures");
    let mut reader = Reader { data, shape, device, pool, values: Vec::new() };
    for number in 0..training.steps {
        let indices: Vec<usize> = (0..training.batch).map(|_| stream.below(data.len())).collect();
        let pictures = reader.read(&indices, training.seed.wrapping_add(number as u64))?;
        let rate = training.learning_rate * (1.0 - number as f64 / training.steps as f64);
        optimiser.set_learning_rate(rate);
        let loss = pool.run(|| -> Result<f64, MetricError> {
            let loss = cross_entropy(&net.forward(&pictures)?, data, &indices)?;
            let gradients = Gradients::take(&mut ops::backward(&loss)?, &weights);
            optimiser.step(&gradients)?;
            Ok(f64::from(loss.to_scalar::<f32>()?))
        })?;
        if !loss.is_finite() {
            return Err(MetricError::request("the loss is not finite; take a smaller learning rate"));
        }
        step(number + 1, loss)?;
    }
    measure_accuracy(&mut task, &net, &mut reader, training.seed)?;
    let spread = mean_variance(&net, &mut reader, training.seed)?;
    let mut weights = weights.to_arrays()?;
    scale_features(&mut weights, (1.0 / spread.max(f64::MIN_POSITIVE)).sqrt());
    Ok(FactorNetwork { task, weights })
}

/// Reads pictures onto the device.
struct Reader<'a> {
    data: &'a dyn Dataset,
    shape: [usize; 3],
    device: &'a Device,
    pool: &'a Pool,
    values: Vec<f32>,
}

impl Reader<'_> {
    fn read(&mut self, indices: &[usize], draw: u64) -> Result<Tensor, MetricError> {
        read_pictures(self.data, indices, draw, self.pool, &mut self.values)?;
        let [channels, height, width] = self.shape;
        Ok(Tensor::from_slice(&self.values, (indices.len(), channels, height, width), self.device)?)
    }
}

/// The classes of the factors that vary, in their order.
fn told_classes(data: &dyn Dataset, index: usize) -> Vec<usize> {
    let pairs = data.classes(index).into_iter().zip(data.factors());
    pairs.filter(|(_, factor)| factor.values.len() > 1).map(|(class, _)| class).collect()
}

/// The sum over factors of the mean cross-entropy in nats; `logits` `(N, outputs)` hold the factors side by side.
fn cross_entropy(logits: &Tensor, data: &dyn Dataset, indices: &[usize]) -> Result<Tensor, MetricError> {
    let classes: Vec<Vec<usize>> = indices.iter().map(|&index| told_classes(data, index)).collect();
    let factors = data.factors().iter().filter(|factor| factor.values.len() > 1);
    let mut start = 0;
    let mut total: Option<Tensor> = None;
    for (k, factor) in factors.enumerate() {
        let target: Vec<u32> = classes.iter().map(|classes| classes[k] as u32).collect();
        let target = Tensor::from_vec(target, indices.len(), logits.device())?;
        let own = logits.narrow(1, start, factor.values.len())?.contiguous()?;
        let loss = candle_nn::loss::cross_entropy(&own, &target)?;
        start += factor.values.len();
        total = Some(match total {
            Some(total) => (total + loss)?,
            None => loss,
        });
    }
    total.ok_or_else(|| MetricError::request("there is no factor to tell"))
}

fn measure_accuracy(
    task: &mut FactorTask,
    net: &ConvEncoder,
    reader: &mut Reader<'_>,
    seed: u64,
) -> Result<(), MetricError> {
    let mut stream = Stream::new(seed, "feature test");
    let mut right = vec![0usize; task.factors.len()];
    let mut tested = 0;
    while tested < TEST_PICTURES {
        let indices: Vec<usize> = (0..BATCH).map(|_| stream.below(reader.data.len())).collect();
        let pictures = reader.read(&indices, u64::MAX)?;
        let logits = reader.pool.run(|| net.forward(&pictures)?.to_vec2::<f32>())?;
        for (index, logits) in indices.iter().zip(logits) {
            let mut start = 0;
            for (k, class) in told_classes(reader.data, *index).into_iter().enumerate() {
                let own = &logits[start..start + task.factors[k].classes];
                start += own.len();
                let told = (0..own.len()).max_by(|&a, &b| own[a].total_cmp(&own[b]));
                right[k] += usize::from(told == Some(class));
            }
        }
        tested += indices.len();
    }
    for (factor, right) in task.factors.iter_mut().zip(right) {
        factor.accuracy = right as f64 / tested as f64;
    }
    Ok(())
}

/// Variance of a feature over random pictures, averaged over the features.
fn mean_variance(net: &ConvEncoder, reader: &mut Reader<'_>, seed: u64) -> Result<f64, MetricError> {
    let mut stream = Stream::new(seed, "feature spread");
    let mut described = Vec::new();
    while described.len() < TEST_PICTURES * DIMS {
        let indices: Vec<usize> = (0..BATCH).map(|_| stream.below(reader.data.len())).collect();
        let pictures = reader.read(&indices, u64::MAX)?;
        described.extend(reader.pool.run(|| net.features(&pictures)?.flatten_all()?.to_vec1::<f32>())?);
    }
    Ok(variances(&described, DIMS).iter().sum::<f64>() / DIMS as f64)
}

/// Multiplies the features by `scale` and takes it back in the last layer, so that the network tells what it told: how
/// large a ReLU's output is says nothing, and features of variance 1 give distances of a handy size.
fn scale_features(weights: &mut Arrays, scale: f64) {
    for (name, scale) in
        [("layer.8.weight", scale), ("layer.8.bias", scale), ("layer.11.weight", 1.0 / scale)]
    {
        if let Some(array) = weights.get_mut(name) {
            array.data_mut().iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
        }
    }
}

/// A [`FactorNetwork`] that describes pictures by its 256 last hidden activations.
pub struct FactorFeatures {
    net: ConvEncoder,
    task: FactorTask,
    device: Device,
    pool: Pool,
}

impl FactorFeatures {
    /// Puts the network on `device`; it computes on `pool`'s threads.
    ///
    /// # Errors
    /// When the device cannot hold it.
    pub fn new(network: &FactorNetwork, device: &Device, pool: &Pool) -> Result<Self, MetricError> {
        let weights = Weights::frozen(&network.weights, device)?;
        let net = ConvEncoder::new(&weights, "")?;
        Ok(Self { net, task: network.task.clone(), device: device.clone(), pool: pool.clone() })
    }
}

impl Features for FactorFeatures {
    fn name(&self) -> String {
        let FactorTask { data, drawing, .. } = &self.task;
        let how = if *drawing == DrawingVersion::of(data) { "" } else { " as they were drawn before" };
        format!("{DIMS} features of a network that tells the factors of {data}{how}")
    }

    fn dims(&self) -> usize {
        DIMS
    }

    fn batch(&self) -> usize {
        if self.device.is_cpu() {
            return BATCH;
        }
        let footprint = Footprint::of_graph(&self.task.network().graph());
        footprint.map_or(BATCH, |footprint| MemoryBudget::of(&self.device).pictures(footprint))
    }

    fn extract(&mut self, pictures: &[f32], shape: [usize; 3]) -> Result<Vec<f32>, MetricError> {
        let rows = pictures.len() / shape.iter().product::<usize>().max(1);
        let taken @ [channels, height, width] = self.task.network().picture_shape();
        let large = enlarged(pictures, shape, height);
        let (pictures, shape) = match &large {
            Some(large) => (&large[..], [shape[0], height, width]),
            None => (pictures, shape),
        };
        let small = encoder_pictures(pictures, shape, taken)?;
        let pictures = small.as_deref().unwrap_or(pictures);
        let described = self.pool.run(|| -> candle_core::Result<Vec<f32>> {
            let x = Tensor::from_slice(pictures, (rows, channels, height, width), &self.device)?;
            self.net.features(&x)?.flatten_all()?.to_vec1()
        })?;
        Ok(described)
    }
}
/// Square `pictures` of `shape` as many times as large as reach `side`, each pixel repeated, as OOGAN's of 32 pixels for a network of
/// 64; `None` where they are as large, or not a whole part of it.
fn enlarged(pictures: &[f32], [_, height, width]: [usize; 3], side: usize) -> Option<Vec<f32>> {
    let times = side / height.max(1);
    if times < 2 || times * height != side || height != width {
        return None;
    }
    let mut large = Vec::with_capacity(pictures.len() * times * times);
    for row in pictures.chunks_exact(width) {
        let row: Vec<f32> = row.iter().flat_map(|&value| std::iter::repeat_n(value, times)).collect();
        (0..times).for_each(|_| large.extend_from_slice(&row));
    }
    Some(large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_are_enlarged_by_repeating_pixels() {
        let large = enlarged(&[1.0, 2.0, 3.0, 4.0], [1, 2, 2], 4).expect("a half");
        assert_eq!(large, [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 4.0]);
        assert_eq!((enlarged(&large, [1, 4, 4], 4), enlarged(&[0.0; 9], [1, 3, 3], 4)), (None, None));
    }
}
