use crate::base::{Array, Cancel};
use crate::inference::{Outcome, RenderError, Renderer};

use super::{evenly, render_rows};

/// Values that each dimension is moved through.
const STEPS: usize = 5;

/// How much each dimension of a code changes the picture: the mean absolute difference of pixel values in [0, 1]
/// between neighbouring steps of a traversal, summed over the traversal, averaged over `bases`.
///
/// What to order dimensions by when nothing is known about the data. `bases` is `(N, code_dim)`, 64 random codes
/// in the explorer; dimension `offset + i` of the renderer's input runs through `ranges[i]`. `None` when `cancel` was
/// raised meanwhile.
///
/// # Errors
/// When rendering fails.
pub fn sensitivity(
    renderer: &mut dyn Renderer,
    bases: &Array,
    offset: usize,
    ranges: &[[f32; 2]],
    cancel: &Cancel,
) -> Result<Option<Vec<f64>>, RenderError> {
    let mut result = Vec::with_capacity(ranges.len());
    for (dim, &range) in ranges.iter().enumerate() {
        let values = evenly(range, STEPS);
        let mut codes = Vec::with_capacity(bases.len() * STEPS);
        for row in 0..bases.shape().first().copied().unwrap_or(0) {
            for &value in &values {
                let start = codes.len();
                codes.extend_from_slice(bases.row(row));
                if let Some(slot) = codes.get_mut(start + offset + dim) {
                    *slot = value;
                }
            }
        }
        let rows = codes.len() / bases.row_len().max(1);
        let codes = Array::new([rows, bases.row_len()], codes).unwrap_or_else(|| Array::zeros([0, 0]));
        let (mut moved, mut last) = (0.0, Vec::<f32>::new());
        let outcome = render_rows(renderer, &codes, cancel, |row, picture| {
            if row % STEPS > 0 {
                moved += mean_difference(picture, &last);
            }
            last.clear();
            last.extend_from_slice(picture);
            Ok::<(), RenderError>(())
        })?;
        if outcome == Outcome::Cancelled {
            return Ok(None);
        }
        result.push(moved / (rows / STEPS).max(1) as f64);
    }
    Ok(Some(result))
}

fn mean_difference(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).sum();
    sum / a.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy::Flat;

    #[test]
    fn a_dimension_counts_by_what_it_moves() {
        // One channel: the picture is sigmoid of the first dimension; the second does nothing.
        let mut renderer = Flat { code_dim: 2, shape: [1, 4, 4] };
        let bases = Array::new([3, 2], vec![0.0, 9.0, 1.0, 1.0, -2.0, 0.0]).expect("fits");
        let ranges = [[-3.0, 3.0]; 2];
        let cancel = Cancel::new();
        let moved = sensitivity(&mut renderer, &bases, 0, &ranges, &cancel).expect("renders").expect("ends");
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!((moved[0] - (sigmoid(3.0) - sigmoid(-3.0))).abs() < 1e-6, "{moved:?}");
        assert_eq!(moved[1], 0.0);
        cancel.cancel();
        assert_eq!(sensitivity(&mut renderer, &bases, 0, &ranges, &cancel).expect("no error"), None);
    }
}
