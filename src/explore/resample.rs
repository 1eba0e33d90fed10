/// How a line of pixels becomes a line of another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Each new pixel is the average of what it covers: exact for whole factors, and what the encoder sees of a
    /// generator's picture in training.
    Area,
    /// Lanczos with three lobes, widened when it shrinks: the preparation of the photo data sets.
    Lanczos,
    /// Cubic with two lobes (Keys 1981, a = -1/2), widened when it shrinks: Pillow's, and what clean-fid prepares pictures by.
    Bicubic,
}

/// The pixels that one new pixel is made of: the first one, and one weight each (sum 1).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taps {
    pub(crate) first: usize,
    pub(crate) weights: Vec<f32>,
}

/// The taps of each of `to` new pixels over a line of `from`.
pub(crate) fn taps(filter: Filter, from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let one = |index: usize| {
        let (reach, centre) = match filter {
            Filter::Area => (0.5 * scale, (index as f64 + 0.5) * scale),
            Filter::Lanczos => (3.0 * scale.max(1.0), (index as f64 + 0.5) * scale),
            Filter::Bicubic => (2.0 * scale.max(1.0), (index as f64 + 0.5) * scale),
        };
        let first = (centre - reach).floor().max(0.0) as usize;
        let end = ((centre + reach).ceil() as usize).min(from).max(first + 1);
        let weight = |pixel: usize| match filter {
            Filter::Area => {
                let (left, right) = (pixel as f64, (pixel + 1) as f64);
                ((centre + reach).min(right) - (centre - reach).max(left)).max(0.0)
            }
            Filter::Lanczos => lanczos((pixel as f64 + 0.5 - centre) / scale.max(1.0)),
            Filter::Bicubic => bicubic((pixel as f64 + 0.5 - centre) / scale.max(1.0)),
        };
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        Taps { first, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
    };
    (0..to).map(one).collect()
}

/// sinc(x) sinc(x / 3) within three of the centre.
fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| {
        let x = x * std::f64::consts::PI;
        if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
    };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// Keys's cubic with a = -1/2, within two of the centre.
fn bicubic(x: f64) -> f64 {
    let x = x.abs();
    match x {
        x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        x if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}

/// A plane of `(height, width)` numbers brought to another `(height, width)`.
pub(crate) fn resized(
    plane: &[f32],
    [height, width]: [usize; 2],
    [to_height, to_width]: [usize; 2],
    filter: Filter,
) -> Vec<f32> {
    let (rows, columns) = (taps(filter, height, to_height), taps(filter, width, to_width));
    let narrow: Vec<f32> = plane
        .chunks_exact(width.max(1))
        .flat_map(|row| {
            let of = |tap: &Taps| tap.weights.iter().zip(&row[tap.first..]).map(|(w, v)| w * v).sum::<f32>();
            columns.iter().map(of).collect::<Vec<f32>>()
        })
        .collect();
    let mut out = vec![0.0; to_height * to_width];
    for (tap, out) in rows.iter().zip(out.chunks_exact_mut(to_width.max(1))) {
        for (weight, row) in tap.weights.iter().zip(narrow.chunks_exact(to_width.max(1)).skip(tap.first)) {
            out.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(taps: &[Taps], line: &[f32]) -> Vec<f32> {
        let one = |tap: &Taps| tap.weights.iter().zip(&line[tap.first..]).map(|(w, v)| w * v).sum();
        taps.iter().map(one).collect()
    }

    #[test]
    fn weights_sum_to_one_and_stay_inside() {
        for filter in [Filter::Area, Filter::Lanczos, Filter::Bicubic] {
            for (from, to) in [(64, 64), (128, 64), (160, 64), (64, 48), (3, 7), (1, 5), (1000, 64), (7, 1)] {
                for tap in taps(filter, from, to) {
                    assert!(tap.first + tap.weights.len() <= from, "{filter:?} {from} {to}");
                    assert!((tap.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{filter:?} {from} {to}");
                }
            }
        }
    }

    #[test]
    fn whole_factors_average() {
        assert_eq!(apply(&taps(Filter::Area, 6, 2), &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]), [2.0, 20.0]);
        let thirds = apply(&taps(Filter::Area, 3, 2), &[3.0, 6.0, 9.0]);
        assert!((thirds[0] - 4.0).abs() < 1e-6 && (thirds[1] - 8.0).abs() < 1e-6);
    }

    #[test]
    fn the_same_length_changes_nothing() {
        let line: Vec<f32> = (0..9).map(|i| (i * i) as f32).collect();
        assert_eq!(apply(&taps(Filter::Area, 9, 9), &line), line);
        let lanczos = apply(&taps(Filter::Lanczos, 9, 9), &line);
        assert!(lanczos.iter().zip(&line).all(|(a, b)| (a - b).abs() < 1e-4), "{lanczos:?}");
    }

    #[test]
    fn lanczos_keeps_a_slope_away_from_the_ends() {
        let line: Vec<f32> = (0..160).map(|i| i as f32).collect();
        let scaled = apply(&taps(Filter::Lanczos, 160, 64), &line);
        for (index, value) in scaled.iter().enumerate().take(56).skip(8) {
            let expected = (index as f32 + 0.5) * 2.5 - 0.5;
            assert!((value - expected).abs() < 0.02, "{index}: {value} {expected}");
        }
    }

    #[test]
    fn bicubic_is_pillows() {
        // Image.fromarray(numpy.float32([[0, 10, 20, 90], [50, 255, 0, 3], [7, 8, 9, 11]])).resize(size, Image.BICUBIC)
        let plane = [0.0, 10.0, 20.0, 90.0, 50.0, 255.0, 0.0, 3.0, 7.0, 8.0, 9.0, 11.0];
        for (to, expected) in [
            ([2, 2], &[56.5839, 44.9128, 59.2848, 16.0752][..]),
            (
                [5, 6],
                &[
                    -3.4633, -7.7580, -6.0211, 13.5002, 63.0100, 101.504, 13.7041, 66.2068, 100.155, 22.2658,
                    31.6699, 62.1890, 36.5132, 161.4706, 236.1343, 32.8935, -13.4118, 3.1974, 18.9733,
                    68.4930, 98.1998, 18.0422, -1.3169, 4.2558, 4.7018, -4.2153, -9.0509, 6.9552, 11.8935,
                    11.7304,
                ][..],
            ),
            ([1, 3], &[47.8648, 59.1724, 20.6905][..]),
        ] {
            let ours = resized(&plane, [3, 4], to, Filter::Bicubic);
            let apart = ours.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(ours.len() == expected.len() && apart < 1e-3, "{to:?}: {ours:?} for {expected:?}");
        }
    }
}
