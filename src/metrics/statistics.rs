use crate::base::{Array, Cancel, Stream};
use crate::explore::{STATISTICS_PICTURES, statistics};
use crate::inference::{Encoder, RenderError};
use crate::model::Stats;

/// KL divergence of N(mu, exp(logvar)) from N(0, 1) in nats.
pub fn kl_divergence(mu: f32, logvar: f32) -> f64 {
    let (mu, logvar) = (f64::from(mu), f64::from(logvar));
    0.5 * (mu * mu + logvar.exp() - 1.0 - logvar)
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
    let chosen = choose(len, count, seed, "statistics");
    let (mut mu, mut logvar) = (vec![0.0; count * dims], vec![0.0; count * dims]);
    let at_once = encoder.at_once().min(count.max(1));
    let mut pictures = vec![0.0; at_once * picture_len];
    for (batch, indices) in chosen.chunks(at_once).enumerate() {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        for (index, picture) in indices.iter().zip(pictures.chunks_exact_mut(picture_len)) {
            read(*index, picture)?;
        }
        let rows = batch * at_once * dims..(batch * at_once + indices.len()) * dims;
        encoder.encode(&pictures[..indices.len() * picture_len], &mut mu[rows.clone()], &mut logvar[rows])?;
    }
    let array = |data| Array::new([count, dims], data);
    Ok(array(mu).zip(array(logvar)).and_then(|(mu, logvar)| statistics(mu, logvar)))
}

/// `count` different numbers below `len`, ascending: the choice that `seed` stands for, for the purpose `name`.
pub(super) fn choose(len: usize, count: usize, seed: u64, name: &str) -> Vec<usize> {
    let mut stream = Stream::new(seed, name);
    if count * 2 > len {
        let order = stream.permutation(len).into_iter().take(count);
        let mut chosen: Vec<usize> = order.map(|index| index as usize).collect();
        chosen.sort_unstable();
        return chosen;
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
    fn chosen_pictures_are_different_and_spread() {
        for (len, count) in [(10, 10), (100, 60), (1_000_000, 500)] {
            let chosen = choose(len, count, 3, "test");
            assert!(chosen.iter().all(|&i| i < len));
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(chosen.len(), count);
            assert!(chosen[count - 1] > len / 2);
        }
    }
}
