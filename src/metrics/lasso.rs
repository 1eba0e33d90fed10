//! Least squares with a price on each coefficient (Tibshirani 1996).

/// Passes over the coefficients at most.
const PASSES: usize = 10_000;
/// A change at which a pass is the last.
const SETTLED: f64 = 1e-10;

/// The coefficients w that make half the mean squared error of predicting a target from some dimensions, plus `price` times
/// the sum of |w|, least. `products` `(dims, dims)` are the dimensions' mean products with one another, `targets` with the
/// target, all of them centred. One coefficient after the other is put where the others leave it, until none moves.
pub(super) fn lasso(products: &[Vec<f64>], targets: &[f64], price: f64) -> Vec<f64> {
    let mut weights = vec![0.0; targets.len()];
    for _ in 0..PASSES {
        let mut moved = 0.0f64;
        for dim in 0..weights.len() {
            let own = products[dim][dim];
            if own == 0.0 {
                continue;
            }
            let others: f64 =
                products[dim].iter().zip(&weights).map(|(product, weight)| product * weight).sum();
            let left = targets[dim] - others + own * weights[dim];
            let next = left.signum() * (left.abs() - price).max(0.0) / own;
            moved = moved.max((next - weights[dim]).abs());
            weights[dim] = next;
        }
        if moved < SETTLED {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_are_shrunk_and_small_ones_are_dropped() {
        let independent = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        let weights = lasso(&independent, &[0.8, -0.05], 0.1);
        assert!((weights[0] - 0.7).abs() < 1e-9 && weights[1] == 0.0, "{weights:?}");
        // sklearn.linear_model.Lasso on standardised columns whose correlation is .5: at the least value no coefficient gains.
        let products = vec![vec![1.0, 0.5], vec![0.5, 1.0]];
        let weights = lasso(&products, &[0.9, 0.6], 0.1);
        let derivative = |dim: usize| {
            products[dim].iter().zip(&weights).map(|(p, w)| p * w).sum::<f64>() - [0.9, 0.6][dim]
        };
        assert!([0, 1].iter().all(|&dim| (derivative(dim) + 0.1).abs() < 1e-8), "{weights:?}");
        assert_eq!(lasso(&[vec![0.0]], &[0.0], 0.1), [0.0], "what does not vary has none");
    }
}
