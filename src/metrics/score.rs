use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::Stream;

/// Standard deviations on each side of a 95 % interval of a normal distribution.
pub(super) const NORMAL_95: f64 = 1.959_963_984_540_054;

/// 97.5 % points of Student's t with 1 to 9 degrees of freedom.
const STUDENT_95: [f64; 9] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/// Half the width of a 95 % interval, in standard deviations that were estimated with so many degrees of freedom (at least
/// 1).
pub(super) fn student_95(degrees: usize) -> f64 {
    match STUDENT_95.get(degrees.saturating_sub(1)) {
        Some(&point) => point,
        // Cornish and Fisher's expansion, right to three digits from here on.
        None => {
            let (z, degrees) = (NORMAL_95, degrees as f64);
            let second = 5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z;
            z + (z.powi(3) + z) / (4.0 * degrees) + second / (96.0 * degrees * degrees)
        }
    }
}

/// A measured value with its 95 % confidence interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The value.
    pub value: f64,
    /// Lower end of the interval; the smallest number there is where it is unknown, in JSON null.
    #[serde(serialize_with = "known", deserialize_with = "low_end")]
    pub low: f64,
    /// Upper end of the interval; the largest number there is where it is unknown, in JSON null.
    #[serde(serialize_with = "known", deserialize_with = "high_end")]
    pub high: f64,
    /// What the value is made of, where that is worth knowing: a gap for each factor, a divergence for each dimension.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// One part of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// A factor's name, or the number of a dimension.
    pub name: String,
    /// Its value.
    pub value: f64,
}

impl Score {
    /// `value` with the interval of a normal distribution of this standard deviation around it, cut to `range`.
    pub fn around(value: f64, deviation: f64, range: [f64; 2]) -> Self {
        Self::spread(value, NORMAL_95 * deviation, range)
    }

    /// `value` with the interval of a normal distribution of this standard deviation around `centre`, where the value is biased;
    /// cut to `range`, and stretched to hold the value.
    pub fn beside(value: f64, centre: f64, deviation: f64, range: [f64; 2]) -> Self {
        let interval = Self::around(centre.clamp(range[0], range[1]), deviation, range);
        Self { value, low: interval.low.min(value), high: interval.high.max(value), ..interval }
    }

    /// `value` with an interval that reaches `reach` to both sides, cut to `range`.
    pub fn spread(value: f64, reach: f64, range: [f64; 2]) -> Self {
        let cut = |end: f64| end.clamp(range[0], range[1]);
        Self {
            value,
            low: cut(value - reach).min(value),
            high: cut(value + reach).max(value),
            parts: Vec::new(),
        }
    }

    /// The mean of independent `values`, by the central limit theorem.
    pub fn mean(values: &[f64], range: [f64; 2]) -> Self {
        let (mean, variance) = moments(values);
        Self::around(mean, (variance / values.len().max(1) as f64).sqrt(), range)
    }

    /// The mean of a few independent `values` (at least 2), by Student's distribution.
    pub fn mean_of_few(values: &[f64], range: [f64; 2]) -> Self {
        let (mean, variance) = moments(values);
        let reach =
            student_95(values.len().saturating_sub(1)) * (variance / values.len().max(1) as f64).sqrt();
        Self::spread(mean, reach, range)
    }

    /// `value` with the jackknife's interval, from what comes out `without` each of as many parts (at least 2) (Efron 1979).
    pub fn jackknife(value: f64, without: &[f64], range: [f64; 2]) -> Self {
        let parts = without.len() as f64;
        let variance = moments(without).1 * (parts - 1.0) * (parts - 1.0) / parts;
        Self::spread(value, student_95(without.len().saturating_sub(1)) * variance.sqrt(), range)
    }

    /// Whether the value, its interval and its parts are numbers.
    pub fn is_finite(&self) -> bool {
        let parts = self.parts.iter().map(|part| part.value);
        [self.value, self.low, self.high].into_iter().chain(parts).all(f64::is_finite)
    }

    /// The same with parts.
    pub fn with_parts(self, names: impl IntoIterator<Item = String>, values: &[f64]) -> Self {
        let parts = names.into_iter().zip(values).map(|(name, &value)| Part { name, value }).collect();
        Self { parts, ..self }
    }
}

/// An end of an interval where it is known: programs would take the largest number for a value.
fn known<S: Serializer>(end: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Some(end).filter(|end| end.abs() < f64::MAX).serialize(serializer)
}

fn low_end<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::MIN))
}

fn high_end<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::MAX))
}

/// Mean and unbiased variance; (0, 0) of nothing.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0).max(1.0))
}

/// The standard deviation of `statistic` over `repetitions` bootstrap samples: `rows` row numbers below `rows`, drawn
/// with replacement (Efron 1979).
///
/// The interval is then centred at the value itself. Percentiles of the repetitions would not be: drawing rows twice
/// makes codes look more predictable than they are, and every bootstrap mutual information is a little too large.
pub(super) fn bootstrap_deviation(
    rows: usize,
    repetitions: usize,
    seed: u64,
    mut statistic: impl FnMut(&[usize]) -> f64,
) -> f64 {
    let mut resample = vec![0; rows];
    let mut repeat = |repetition: usize| {
        let mut stream = Stream::for_item(seed, "bootstrap", repetition as u64);
        resample.fill_with(|| stream.below(rows));
        statistic(&resample)
    };
    let values: Vec<f64> = (0..repetitions).map(&mut repeat).collect();
    moments(&values).1.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_knows_the_deviation_of_a_mean() {
        let values: Vec<f64> = Stream::new(1, "values").normals(2000).into_iter().map(f64::from).collect();
        let mean = |rows: &[usize]| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64;
        let deviation = bootstrap_deviation(values.len(), 400, 1, mean);
        let expected = (moments(&values).1 / 2000.0).sqrt();
        assert!((deviation / expected - 1.0).abs() < 0.1, "{deviation} against {expected}");
        assert_eq!(deviation, bootstrap_deviation(values.len(), 400, 1, mean), "equal seeds, equal results");
    }

    #[test]
    fn an_unknown_end_is_null_in_json_and_comes_back() {
        let score = Score::spread(3.5, f64::INFINITY, [0.0, f64::MAX]);
        let json = serde_json::to_string(&score).expect("serialises");
        assert_eq!(json, r#"{"value":3.5,"low":0.0,"high":null}"#);
        assert_eq!(serde_json::from_str::<Score>(&json).expect("parses"), score);
        let both = Score { low: f64::MIN, ..score };
        let json = serde_json::to_string(&both).expect("serialises");
        assert_eq!(serde_json::from_str::<Score>(&json).expect("parses"), both);
        // what was written before
        let old = r#"{"value":3.5,"low":0.0,"high":1.7976931348623157e308}"#;
        assert_eq!(serde_json::from_str::<Score>(old).expect("parses").high, f64::MAX);
    }

    #[test]
    fn intervals_hold_their_value_and_stay_in_range() {
        let score = Score::around(0.9, 0.1, [0.0, 1.0]);
        assert_eq!((score.value, score.high), (0.9, 1.0));
        assert!((score.low - 0.704).abs() < 1e-3);
        assert_eq!(Score::around(1.0, 0.0, [0.0, 1.0]), Score::spread(1.0, 0.0, [0.0, 1.0]));
        // scipy.stats.t.ppf(.975, [2, 9, 10, 39])
        for (degrees, point) in [(2, 4.3027), (9, 2.2622), (10, 2.2281), (39, 2.0227)] {
            assert!((student_95(degrees) / point - 1.0).abs() < 0.002, "{degrees}");
        }
        let few = Score::mean_of_few(&[1.0, 2.0, 3.0], [f64::NEG_INFINITY, f64::INFINITY]);
        assert!((few.high - 2.0 - 4.303 / 3f64.sqrt()).abs() < 1e-9);
        // Of a mean it is the mean's own.
        let jackknife = Score::jackknife(2.0, &[2.5, 2.0, 1.5], [f64::NEG_INFINITY, f64::INFINITY]);
        assert!((jackknife.high - few.high).abs() < 1e-9);
        let beside = Score::beside(0.5, 0.6, 0.01, [0.0, 1.0]);
        assert_eq!((beside.value, beside.low), (0.5, 0.5));
        assert_eq!(Score::beside(0.9, 1.2, 0.01, [0.0, 1.0]).high, 1.0, "no end lies out of the range");
        assert!((beside.high - 0.6196).abs() < 1e-4);
        let mean = Score::mean(&[1.0, 3.0], [f64::NEG_INFINITY, f64::INFINITY]);
        assert!((mean.value - 2.0).abs() < 1e-12 && (mean.high - 2.0 - NORMAL_95).abs() < 1e-12);
    }
}
