//! IB-GAN's two bounds on the information that a picture has about the noise it is drawn of (Jeon et al., AAAI 2021).

use crate::base::Stream;
use crate::inference::{Emitter, Encoder};
use crate::model::ModelDescription;

use super::drawing::{Drawing, read_back};
use super::{Metric, MetricError, Score, Watch, kl_divergence};

/// Draws when not said: what the check I_L <= KL asks for.
pub const BOUND_PICTURES: usize = 10_000;

/// The two bounds, of the same draws of z.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// I_L, the lower one: E[1/2 sum_j z_j^2 - (z_j - z_hat_j)^2] in nats, where Q, of unit variance, reads z_hat from the picture.
    pub lower: Score,
    /// The upper one: E KL(e(r|z) || N(0, I)) in nats, and in its parts that of each dimension of r; `None` where nothing lies
    /// between z and the picture.
    pub upper: Option<Score>,
}

/// What carries z to the picture and back.
pub struct Carriers<'a> {
    /// From z to r, in an IB-GAN.
    pub emitter: Option<&'a Emitter>,
    /// From the picture to z.
    pub reader: &'a mut dyn Encoder,
    /// The block that is z.
    pub noise: &'a str,
    /// The block that the generator takes: r, or z itself.
    pub code: &'a str,
}

/// I_L and, where there is an emitter, KL over `count` draws: `z ~ N(0, I) -> r ~ e(r|z) -> G(r) -> z_hat = Q(G(r))`, all networks
/// with their running statistics (`solver.py` of insujeon/IB-GAN has the same in training). By the data processing inequality
/// the first is at most the second, but for the draws.
///
/// # Errors
/// When the networks do not fit each other or fail, or the watch stops it.
pub fn bounds(
    drawing: &mut Drawing<'_>,
    carriers: &mut Carriers<'_>,
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Bounds, MetricError> {
    let (shape, batch) = (drawing.picture_shape(), drawing.batch());
    let misfit = |error: crate::explore::CodesError| MetricError::request(error.to_string());
    let (mut lower, mut upper, mut of_dims) = (Vec::with_capacity(count), Vec::new(), Vec::new());
    let mut pictures = Vec::new();
    while lower.len() < count {
        let done = lower.len();
        watch.step(done, count)?;
        let mut codes = drawing.codes(done..count.min(done + batch))?;
        let z = codes.block(carriers.noise).map_err(misfit)?.data().to_vec();
        if let Some(emitter) = carriers.emitter {
            let (mean, logvar) = emitter.emit(&z)?;
            let dims = mean.len() / codes.rows().max(1);
            of_dims.resize(dims, 0.0);
            for (row, (mean, logvar)) in mean.chunks(dims).zip(logvar.chunks(dims)).enumerate() {
                let mut stream = Stream::for_item(drawing.seed(), "epsilon", (done + row) as u64);
                let pairs = mean.iter().zip(logvar);
                let r: Vec<f32> = pairs
                    .clone()
                    .map(|(mean, logvar)| mean + (0.5 * logvar).exp() * stream.normal())
                    .collect();
                codes.set_row(carriers.code, row, &r).map_err(misfit)?;
                let terms: Vec<f64> = pairs.map(|(&mean, &logvar)| kl_divergence(mean, logvar)).collect();
                of_dims.iter_mut().zip(&terms).for_each(|(sum, term): (&mut f64, _)| *sum += term);
                upper.push(terms.iter().sum());
            }
        }
        drawing.draw_these(&codes, &mut pictures, watch.cancel())?;
        let (z_hat, _) = read_back(carriers.reader, &pictures, shape)?;
        let dims = z.len() / codes.rows().max(1);
        let pairs = z.chunks(dims).zip(z_hat.chunks(dims));
        lower.extend(pairs.map(|(z, z_hat)| information(z, z_hat)));
    }
    of_dims.iter_mut().for_each(|sum| *sum /= upper.len().max(1) as f64);
    let names = (0..of_dims.len()).map(|dim| dim.to_string());
    let upper =
        (!upper.is_empty()).then(|| Score::mean(&upper, [0.0, f64::INFINITY]).with_parts(names, &of_dims));
    Ok(Bounds { lower: Score::mean(&lower, [f64::NEG_INFINITY, f64::INFINITY]), upper })
}

/// `1/2 sum_j z_j^2 - (z_j - z_hat_j)^2` in nats.
fn information(z: &[f32], z_hat: &[f32]) -> f64 {
    let terms = z.iter().zip(z_hat).map(|(&z, &z_hat)| {
        let (z, z_hat) = (f64::from(z), f64::from(z_hat));
        z * z - (z - z_hat).powi(2)
    });
    0.5 * terms.sum::<f64>()
}

/// The block of noise that [`bounds`] are about and the one that `chain` draws of: z and r in an IB-GAN, else twice the code that is
/// read from pictures, which `chain` must take.
///
/// # Errors
/// What the model lacks.
pub(super) fn carried<'a>(
    description: &'a ModelDescription,
    chain: &str,
) -> Result<(&'a str, &'a str), MetricError> {
    let (noise, code) = match description.emission() {
        Some(emission) => (emission.noise.name.as_str(), emission.code.name.as_str()),
        None => {
            let code = super::drawing::encoded_block(description, chain)?;
            (code, code)
        }
    };
    match description.inputs(chain).contains(&code) {
        true => Ok((noise, code)),
        false => Err(MetricError::request(format!("{chain} does not take {code}, which carries {noise}"))),
    }
}

/// Refuses bounds where nothing was trained to read noise back, and the upper one where nothing lies between noise and picture.
pub(super) fn check_noise_is_carried(
    description: &ModelDescription,
    metric: Metric,
) -> Result<(), MetricError> {
    let is_one = match metric {
        Metric::Bottleneck => description.emission().is_some(),
        _ => description.emission().is_some() || description.ibgan_config().is_some(),
    };
    match is_one {
        true => Ok(()),
        false => Err(MetricError::Request(format!(
            "{metric} bounds what pictures know of the noise they are drawn of, as in an IB-GAN (of its InfoGAN, \
             information alone), and this model has no network for it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_knows_nothing_has_no_information_and_a_perfect_one_half_of_the_squares() {
        let z = [1.0, -2.0, 0.5];
        assert_eq!(information(&z, &[0.0; 3]), 0.0);
        assert_eq!(information(&z, &z), 0.5 * (1.0 + 4.0 + 0.25));
        // 1/2 ((1 - 4) + (4 - 9))
        assert_eq!(information(&z[..2], &[-1.0, 1.0]), -4.0);
    }
}
