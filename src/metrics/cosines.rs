//! How far the kernels that read a code are orthogonal (Liu et al., AAAI 2020, Table 2 and Eq. 4).

use crate::base::{Array, Arrays};
use crate::model::{Architecture, Model};

use super::{MetricError, Score};

/// The weights that OOGAN's reader keeps orthogonal, and of InfoGAN's in the same networks those that give the code.
const ROWS: [(&str, &str); 3] = [
    ("kernels", "pred_c.1.main.2.conv.weight"),
    ("product", "pred_c.1.trans.weight"),
    ("last convolution", "pred_c.2.weight"),
];

/// The mean of all squared cosines between rows of the reader's weights, the diagonal's ones among them, as OOGAN's loss has it:
/// of the depthwise kernels (one row of 16 numbers a feature map), with that of the (k, 4, 4) tensor as a part. Its floor is
/// max(1/k, 1/16). Of an InfoGAN's reader the rows are the kernels of its last convolution: longer ones, whose floor is 1/k.
/// The paper does not say what its own numbers are of; compare runs of this program only.
///
/// # Errors
/// When the model has no reader of this kind.
pub fn cosines(model: &Model) -> Result<Score, MetricError> {
    let lacking = || {
        MetricError::request(
            "cosine looks at the kernels of OOGAN's reader, or of an InfoGAN in its networks, and this model has neither",
        )
    };
    let mut networks = model.description.networks.values();
    let reader = networks.find(|network| matches!(network.architecture, Architecture::Oogan(_)));
    let weights = reader.map(|_| &model.weights).ok_or_else(lacking)?;
    let found = weights.values().find_map(of_weights).ok_or_else(lacking)?;
    let first = found.first().map_or(f64::NAN, |(_, value)| *value);
    let (names, values): (Vec<String>, Vec<f64>) = found.into_iter().unzip();
    Ok(Score::spread(first, 0.0, [0.0, 1.0]).with_parts(names, &values))
}

/// Those of the weights that a group has, with their names.
fn of_weights(group: &Arrays) -> Option<Vec<(String, f64)>> {
    let value = |(name, weight): (&str, &str)| {
        // with spectral normalisation a published file has it without its scale, which cosines do not see
        let array = group.get(weight).or_else(|| group.get(&format!("{weight}_orig")))?;
        Some((name.to_owned(), mean_squared_cosine(array)))
    };
    let found: Vec<_> = ROWS.into_iter().filter_map(value).collect();
    (!found.is_empty()).then_some(found)
}

/// The mean of all squared cosines between rows; the first axis that is longer than 1 counts them.
fn mean_squared_cosine(array: &Array) -> f64 {
    let count = array.shape().iter().copied().find(|&length| length > 1).unwrap_or(1);
    let rows: Vec<&[f32]> = array.data().chunks((array.data().len() / count).max(1)).collect();
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
    let pairs = rows.iter().flat_map(|a| rows.iter().map(move |b| (a, b)));
    let sum: f64 = pairs.map(|(a, b)| dot(a, b).powi(2) / (dot(a, a) * dot(b, b))).sum();
    sum / (rows.len() * rows.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_rows_have_their_diagonal_alone_and_equal_ones_everything() {
        let array = |shape: [usize; 4], data: &[f32]| Array::new(shape, data.to_vec()).expect("fits");
        let orthogonal = array([2, 1, 1, 2], &[3.0, 4.0, -4.0, 3.0]);
        assert!((mean_squared_cosine(&orthogonal) - 0.5).abs() < 1e-9);
        let equal = array([1, 2, 1, 2], &[1.0, 2.0, 2.0, 4.0]);
        assert!((mean_squared_cosine(&equal) - 1.0).abs() < 1e-9);
        // cosines 1, 1, and twice cos 60 degrees
        let tilted = array([2, 1, 1, 2], &[1.0, 0.0, 0.5, 0.75f32.sqrt()]);
        assert!((mean_squared_cosine(&tilted) - (2.0 + 2.0 * 0.25) / 4.0).abs() < 1e-6);
    }
}
