use crate::base::Array;
use crate::model::Stats;

/// Pictures that statistics are measured on, at most.
pub const STATISTICS_PICTURES: usize = 4096;

/// The statistics of a bundle from what an encoder says about its data: `mu` and `logvar`, both `(N, c_dim)`.
///
/// The divergence of each dimension from the prior is the closed form of KL(N(mu, sigma^2) || N(0, 1)), averaged
/// over the pictures. `None` when the shapes do not fit or there are no pictures.
pub fn statistics(mu: Array, logvar: Array) -> Option<Stats> {
    let [pictures, dims] = *mu.shape() else { return None };
    if pictures == 0 || mu.shape() != logvar.shape() {
        return None;
    }
    let mut kl = vec![0.0f64; dims];
    for row in 0..pictures {
        for (sum, (&mu, &logvar)) in kl.iter_mut().zip(mu.row(row).iter().zip(logvar.row(row))) {
            let (mu, logvar) = (f64::from(mu), f64::from(logvar));
            *sum += 0.5 * (mu * mu + logvar.exp() - 1.0 - logvar);
        }
    }
    let kl = kl.into_iter().map(|sum| (sum / pictures as f64) as f32).collect();
    Some(Stats { mu, logvar, kl: Array::new([dims], kl)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_is_the_closed_form() {
        let array = |data: &[f32]| Array::new([2, 2], data.to_vec()).expect("fits");
        let stats = statistics(array(&[1.0, 0.0, -1.0, 0.0]), array(&[0.0, 0.0, 2.0, 0.0])).expect("fits");
        // KL of N(1, 1) is 1/2; of N(-1, e^2) it is (1 + e^2 - 1 - 2) / 2.
        let expected = 0.5 * (0.5 + 0.5 * (1.0f64.exp().powi(2) - 2.0));
        assert!((f64::from(stats.kl.data()[0]) - expected).abs() < 1e-6);
        assert_eq!(stats.kl.data()[1], 0.0);
        assert!(statistics(Array::zeros([0, 2]), Array::zeros([0, 2])).is_none());
        assert!(statistics(Array::zeros([2, 2]), Array::zeros([2, 3])).is_none());
    }
}
