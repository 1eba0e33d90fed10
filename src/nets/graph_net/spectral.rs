//! Spectral normalisation (Miyato et al. 2018), as `torch.nn.utils.spectral_norm`.

use candle_core::{Result, Tensor};

use crate::base::{Array, Arrays, Stream};
use crate::nets::Weights;

/// What keeps a vector's length from being zero.
const EPSILON: f64 = 1e-12;

/// Has training normalise the weights of `layers` among `arrays`: each becomes `weight_orig`, with `weight_u` and `weight_v` of
/// random directions beside it.
pub fn normalise_spectrally(arrays: &mut Arrays, layers: &[String], stream: &mut Stream) {
    for layer in layers {
        let Some(weight) = arrays.remove(&format!("{layer}.weight")) else { continue };
        let rows = weight.shape().first().map_or(1, |&rows| rows.max(1));
        for (part, length) in [("weight_u", rows), ("weight_v", weight.len() / rows)] {
            let mut values = stream.normals(length);
            let size = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(EPSILON as f32);
            values.iter_mut().for_each(|value| *value /= size);
            arrays.extend(Array::new([length], values).map(|array| (format!("{layer}.{part}"), array)));
        }
        arrays.insert(format!("{layer}.weight_orig"), weight);
    }
}

/// The weight of the layer `name` over its largest singular value, which one power step a call follows: `weight_orig` over
/// `u . (weight_orig v)` with the first axis as rows. `weight_u` and `weight_v` are moved in place.
pub(super) fn weight(weights: &Weights, name: &str) -> Result<Tensor> {
    let original = weights.get(&format!("{name}.weight_orig"))?;
    let (left, right) =
        (weights.buffer(&format!("{name}.weight_u"))?, weights.buffer(&format!("{name}.weight_v"))?);
    let rows = original.dim(0)?;
    let matrix = original.detach().reshape((rows, original.elem_count() / rows))?;
    let v = unit(&matrix.t()?.contiguous()?.matmul(&column(&left.as_detached_tensor())?)?)?;
    let u = unit(&matrix.matmul(&column(&v)?)?)?;
    right.set(&v)?;
    left.set(&u)?;
    let product = original.reshape((rows, original.elem_count() / rows))?.matmul(&column(&v)?)?;
    let sigma = (product.flatten_all()? * u)?.sum_all()?;
    original.broadcast_div(&sigma)
}

/// A vector as a matrix of one column.
fn column(vector: &Tensor) -> Result<Tensor> {
    vector.reshape((vector.elem_count(), 1))
}

/// A vector of this direction and of length 1.
fn unit(vector: &Tensor) -> Result<Tensor> {
    let vector = vector.flatten_all()?;
    let length = vector.sqr()?.sum_all()?.sqrt()?.maximum(EPSILON)?;
    vector.broadcast_div(&length)
}
