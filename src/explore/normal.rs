//! The normal distribution in double precision.

use std::f64::consts::PI;

/// Density of N(0, 1) at `x`.
pub(super) fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Probability that N(0, 1) lies below `x`, to about 1e-15 absolute.
///
/// Near the middle the Taylor-like series x + x^3/3 + x^5/(3*5) + ... times the density; in the tails Laplace's
/// continued fraction for the upper tail (Abramowitz and Stegun 26.2.11 and 26.2.14).
pub(super) fn cumulative(x: f64) -> f64 {
    let distance = x.abs();
    if distance.is_nan() {
        return f64::NAN;
    }
    if distance < 4.5 {
        let (mut sum, mut term, mut odd) = (x, x, 1.0);
        while term.abs() > sum.abs() * 1e-17 {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        return 0.5 + density(x) * sum;
    }
    let mut fraction = distance;
    for k in (1..=60).rev() {
        fraction = distance + f64::from(k) / fraction;
    }
    let tail = density(distance) / fraction;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// The value below which N(0, 1) lies with probability `q`; infinite at 0 and 1.
pub(super) fn quantile(q: f64) -> f64 {
    mixture_quantile(&[0.0], &[1.0], q)
}

/// Probability that the equal mixture of N(means\[i\], deviations\[i\]^2) lies below `x`.
pub(super) fn mixture_cumulative(means: &[f64], deviations: &[f64], x: f64) -> f64 {
    let sum: f64 = means.iter().zip(deviations).map(|(&mean, &sd)| cumulative((x - mean) / sd)).sum();
    sum / means.len() as f64
}

/// Density of the equal mixture of N(means\[i\], deviations\[i\]^2) at `x`.
pub(super) fn mixture_density(means: &[f64], deviations: &[f64], x: f64) -> f64 {
    let sum: f64 = means.iter().zip(deviations).map(|(&mean, &sd)| density((x - mean) / sd) / sd).sum();
    sum / means.len() as f64
}

/// The value below which the equal mixture of N(means\[i\], deviations\[i\]^2) lies with probability `q`.
///
/// Newton's method inside a bracket that halves whenever a Newton step would leave it.
pub(super) fn mixture_quantile(means: &[f64], deviations: &[f64], q: f64) -> f64 {
    if means.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q <= 0.0 || q >= 1.0 {
        return if q <= 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let reach = |sign: f64| means.iter().zip(deviations).map(move |(&mean, &sd)| mean + sign * 39.0 * sd);
    let mut low = reach(-1.0).fold(f64::INFINITY, f64::min);
    let mut high = reach(1.0).fold(f64::NEG_INFINITY, f64::max);
    let mut x = 0.5 * (low + high);
    for _ in 0..200 {
        let excess = mixture_cumulative(means, deviations, x) - q;
        let newton = x - excess / mixture_density(means, deviations, x);
        if excess == 0.0 || (newton - x).abs() <= 1e-13 * (1.0 + x.abs()) {
            return x;
        }
        if excess > 0.0 {
            high = x;
        } else {
            low = x;
        }
        // Where the density is next to nothing Newton's step is huge or NaN, and the bracket halves instead.
        x = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cumulative_agrees_with_tables() {
        // Abramowitz and Stegun, table 26.1, and the well known tail at 6 standard deviations.
        let table = [
            (0.0, 0.5),
            (0.5, 0.691_462_461_274_013),
            (1.0, 0.841_344_746_068_543),
            (1.96, 0.975_002_104_851_780),
            (3.0, 0.998_650_101_968_370),
            (-3.0, 0.001_349_898_031_630),
        ];
        for (x, expected) in table {
            assert!((cumulative(x) - expected).abs() < 1e-14, "{x}: {}", cumulative(x));
        }
        assert!((cumulative(-6.0) / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-12);
        assert_eq!((cumulative(40.0), cumulative(-40.0)), (1.0, 0.0));
    }

    #[test]
    fn the_two_formulas_meet() {
        let (below, above) = (cumulative(4.5 - 1e-12), cumulative(4.5 + 1e-12));
        assert!((above - below).abs() < 1e-15, "{below} {above}");
    }

    #[test]
    fn the_density_is_the_derivative_of_the_cumulative() {
        for x in [-3.0, -0.7, 0.0, 1.3, 5.0] {
            let derivative = (cumulative(x + 1e-5) - cumulative(x - 1e-5)) / 2e-5;
            assert!((derivative - density(x)).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn quantiles_agree_with_tables_and_undo_the_cumulative() {
        for (q, expected) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.01, -2.326_347_874_040_841),
        ] {
            assert!((quantile(q) - expected).abs() < 1e-11, "{q}: {}", quantile(q));
        }
        for q in [1e-9, 1e-4, 0.2, 0.7, 0.999_999] {
            assert!((cumulative(quantile(q)) - q).abs() < 1e-13 * (1.0 + q), "{q}");
        }
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn a_mixture_of_equal_parts_is_that_part() {
        let quantile = mixture_quantile(&[2.0; 5], &[0.5; 5], 0.975);
        assert!((quantile - (2.0 + 0.5 * 1.959_963_984_540_054)).abs() < 1e-10);
    }

    #[test]
    fn a_mixture_far_apart_has_its_median_between_and_its_quartiles_at_the_parts() {
        let (means, deviations) = ([-10.0, 10.0], [0.1, 0.1]);
        assert!((mixture_quantile(&means, &deviations, 0.25) + 10.0).abs() < 1e-9);
        assert!((mixture_quantile(&means, &deviations, 0.75) - 10.0).abs() < 1e-9);
        let median = mixture_quantile(&means, &deviations, 0.5);
        assert!(median.abs() < 9.9);
    }
}
