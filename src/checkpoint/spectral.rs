//! Weights that spectral normalisation (Miyato et al. 2018) keeps in parts, as PyTorch's `spectral_norm` does.
//!
//! The weight is `weight_orig / sigma` with `sigma = u . W v`, where `W` is `weight_orig` as a matrix of as many rows as
//! `weight_u` has numbers. Files before PyTorch 1.0 keep no `weight_v`: it is `W^T u`, normalised.

use crate::base::{Array, Arrays};

use super::shapes::Shapes;

/// Endings of the parts.
const PARTS: [&str; 3] = ["_orig", "_u", "_v"];

/// The name of a weight that is kept in parts, of that of the first of them.
fn whole(name: &str, is_there: impl Fn(&str) -> bool) -> Option<&str> {
    let weight = name.strip_suffix(PARTS[0]).filter(|weight| weight.ends_with("weight"))?;
    is_there(&format!("{weight}{}", PARTS[1])).then_some(weight)
}

/// Names and shapes with every weight in one.
pub(super) fn joined_shapes(shapes: &Shapes) -> Shapes {
    let mut joined = shapes.clone();
    for (name, shape) in shapes {
        if let Some(weight) = whole(name, |part| shapes.contains_key(part)) {
            PARTS.iter().for_each(|part| drop(joined.remove(&format!("{weight}{part}"))));
            joined.insert(weight.to_owned(), shape.clone());
        }
    }
    joined
}

/// The tensors with every weight in one.
///
/// # Errors
/// Names the weight whose parts do not fit each other or make no number.
pub(crate) fn joined(mut arrays: Arrays) -> Result<Arrays, String> {
    let names: Vec<String> = arrays.keys().cloned().collect();
    for name in names {
        let Some(weight) = whole(&name, |part| arrays.contains_key(part)) else { continue };
        let [orig, u, v] = PARTS.map(|part| arrays.remove(&format!("{weight}{part}")));
        if let (Some(orig), Some(u)) = (orig, u) {
            let plain = normalised(&orig, &u, v.as_ref()).ok_or_else(|| {
                format!("the parts of `{weight}`, which is spectrally normalised, do not fit each other")
            })?;
            arrays.insert(weight.to_owned(), plain);
        }
    }
    Ok(arrays)
}

/// `orig / sigma`; `None` where the shapes do not fit or `sigma` is no number to divide by.
fn normalised(orig: &Array, u: &Array, v: Option<&Array>) -> Option<Array> {
    let rows = u.len();
    // Transposed convolutions have their outputs second.
    let axis = (0..orig.shape().len().min(2)).find(|&axis| orig.shape()[axis] == rows)?;
    let inner: usize = orig.shape()[axis + 1..].iter().product();
    let columns = orig.len().checked_div(rows)?;
    let at = |i: usize| {
        let (outer, row, rest) = (i / (inner * rows), i / inner % rows, i % inner);
        (row, outer * inner + rest)
    };
    let value = |values: &Array, i: usize| f64::from(values.data()[i]);
    // Columns of the matrix times u.
    let mut products = vec![0.0; columns];
    for i in 0..orig.len() {
        let (row, column) = at(i);
        products[column] += value(orig, i) * value(u, row);
    }
    let sigma = match v {
        Some(v) if v.len() == columns => products.iter().enumerate().map(|(i, sum)| sum * value(v, i)).sum(),
        Some(_) => return None,
        None => products.iter().map(|sum| sum * sum).sum::<f64>().sqrt(),
    };
    let is_sound = sigma.is_finite() && sigma != 0.0;
    let mut plain = orig.clone();
    plain.data_mut().iter_mut().for_each(|weight| *weight = (f64::from(*weight) / sigma) as f32);
    is_sound.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], values: &[f32]) -> Array {
        Array::new(shape, values.to_vec()).expect("fits")
    }

    #[test]
    fn weights_are_put_together_along_the_axis_of_their_outputs() {
        let kept = |orig: Array, u: &[f32], v: Option<&[f32]>| {
            let mut arrays = Arrays::from([
                ("a.weight_orig".to_owned(), orig),
                ("a.weight_u".to_owned(), array(&[u.len()], u)),
                ("a.bias".to_owned(), array(&[1], &[7.0])),
            ]);
            arrays.extend(v.map(|v| ("a.weight_v".to_owned(), array(&[v.len()], v))));
            let shapes: Shapes =
                arrays.iter().map(|(name, it)| (name.clone(), it.shape().to_vec())).collect();
            let made = joined(arrays)?;
            let found: Shapes = made.iter().map(|(name, it)| (name.clone(), it.shape().to_vec())).collect();
            assert_eq!(joined_shapes(&shapes), found);
            assert_eq!(made["a.bias"].data(), [7.0]);
            Ok::<_, String>(made["a.weight"].clone())
        };
        // u . W v = 1 * (1 * 2 + 3 * 0) = 2
        let linear = || array(&[2, 2], &[1.0, 3.0, 5.0, 7.0]);
        let plain = kept(linear(), &[1.0, 0.0], Some(&[2.0, 0.0])).expect("fits");
        assert_eq!((plain.shape(), plain.data()), (&[2, 2][..], &[0.5, 1.5, 2.5, 3.5][..]));
        // W^T u = (3, 4) has length 5
        let plain = kept(array(&[2, 2], &[3.0, 4.0, 1.0, 1.0]), &[1.0, 0.0], None).expect("fits");
        assert_eq!(plain.data(), [0.6, 0.8, 0.2, 0.2]);
        let turned = array(&[2, 2, 1, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let u = [0.0, 1.0];
        let plain = kept(turned, &u, Some(&[0.0, 0.0, 0.0, 1.0]));
        let plain = plain.expect("fits");
        assert_eq!(plain.data()[7], 1.0, "u . W v = 8: of two axes of as many sides the first one counts");
        let odd = array(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let plain = kept(odd, &[0.0, 1.0], Some(&[0.0, 0.0, 1.0])).expect("fits");
        assert_eq!(plain.data()[5], 1.0, "u . W v = 6");
        for wrong in [
            kept(linear(), &[1.0; 3], None),
            kept(linear(), &[0.0; 2], None),
            kept(linear(), &[1.0; 2], Some(&[1.0])),
        ] {
            assert!(wrong.expect_err("refused").contains("`a.weight`, which is spectrally normalised"));
        }
    }
}
