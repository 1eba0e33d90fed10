use crate::base::{Array, Cancel, Stream};
use crate::checkpoint::Stats;
use crate::inference::{Encoder, RenderError};

/// Pictures whose posteriors a bundle carries.
pub const STATISTICS_PICTURES: usize = 4096;

/// Pictures encoded at a time.
const BATCH: usize = 64;

/// KL divergence of N(mu, exp(logvar)) from N(0, 1) in nats.
pub fn kl_divergence(mu: f32, logvar: f32) -> f64 {
    let (mu, logvar) = (f64::from(mu), f64::from(logvar));
    0.5 * (mu * mu + logvar.exp() - 1.0 - logvar)
}

/// The statistics of posteriors `mu` and `logvar`, both `(N, c_dim)` with the same N; `None` when they disagree.
pub fn statistics(mu: Array, logvar: Array) -> Option<Stats> {
    if mu.shape().len() != 2 || mu.shape() != logvar.shape() {
        return None;
    }
    let (rows, dims) = (mu.shape()[0], mu.shape()[1]);
    let mean = |dim: usize| {
        let sum: f64 = (0..rows).map(|row| kl_divergence(mu.row(row)[dim], logvar.row(row)[dim])).sum();
        (sum / rows.max(1) as f64) as f32
    };
    let kl = Array::new([dims], (0..dims).map(mean).collect())?;
    Some(Stats { mu, logvar, kl })
}

/// Encodes [`STATISTICS_PICTURES`] pictures drawn at random from `len` (all of them where there are fewer), each
/// read by `read(index, picture)` as `(channels, height, width)` in [0, 1] of the encoder's size.
///
/// Returns `None` when `cancel` was raised.
///
/// # Errors
/// When `read` fails or the encoder does.
pub fn measure_statistics<E: From<RenderError>>(
    encoder: &mut dyn Encoder,
    len: usize,
    seed: u64,
    cancel: &Cancel,
    mut read: impl FnMut(usize, &mut [f32]) -> Result<(), E>,
) -> Result<Option<Stats>, E> {
    let count = len.min(STATISTICS_PICTURES);
    let picture_len: usize = encoder.picture_shape().iter().product();
    let dims = encoder.code_dim();
    let mut chosen = choose(len, count, seed);
    chosen.sort_unstable();
    let (mut mu, mut logvar) = (vec![0.0; count * dims], vec![0.0; count * dims]);
    let mut pictures = vec![0.0; BATCH * picture_len];
    for (batch, indices) in chosen.chunks(BATCH).enumerate() {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        for (index, picture) in indices.iter().zip(pictures.chunks_exact_mut(picture_len)) {
            read(*index, picture)?;
        }
        let rows = batch * BATCH * dims..(batch * BATCH + indices.len()) * dims;
        encoder.encode(&pictures[..indices.len() * picture_len], &mut mu[rows.clone()], &mut logvar[rows])?;
    }
    let array = |data| Array::new([count, dims], data);
    Ok(array(mu).zip(array(logvar)).and_then(|(mu, logvar)| statistics(mu, logvar)))
}

/// `count` different numbers below `len`.
fn choose(len: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut stream = Stream::new(seed, "statistics");
    if count * 2 > len {
        return stream.permutation(len).into_iter().take(count).map(|i| i as usize).collect();
    }
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < count {
        chosen.insert(stream.below(len));
    }
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_has_no_divergence() {
        assert_eq!(kl_divergence(0.0, 0.0), 0.0);
        assert!((kl_divergence(2.0, 0.0) - 2.0).abs() < 1e-12);
        let narrow = kl_divergence(0.0, (0.01f32).ln());
        assert!((narrow - 0.5 * (0.01 - 1.0 + 100f64.ln())).abs() < 1e-6);
    }

    #[test]
    fn kl_is_averaged_over_pictures() {
        let mu = Array::new([2, 2], vec![2.0, 0.0, 0.0, 0.0]).expect("fits");
        let stats = statistics(mu, Array::zeros([2, 2])).expect("shapes agree");
        assert_eq!(stats.kl.data(), [1.0, 0.0]);
        assert!(statistics(Array::zeros([2, 2]), Array::zeros([2, 3])).is_none());
    }

    #[test]
    fn chosen_pictures_are_different_and_spread() {
        for (len, count) in [(10, 10), (100, 60), (1_000_000, 500)] {
            let mut chosen = choose(len, count, 3);
            assert!(chosen.iter().all(|&i| i < len));
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), count);
            assert!(chosen[count - 1] > len / 2);
        }
    }
}
