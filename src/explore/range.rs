use std::fmt;
use std::str::FromStr;

use crate::model::{CodeBlock, CodeKind};

use super::{Posterior, normal};

/// Which values a dimension is moved through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RangeSpec {
    /// The same two ends for every dimension: `-3..3`. The first may be the larger, to run backwards.
    Fixed(f32, f32),
    /// Between the 1-Q and the Q quantile of the block's prior: `prior:0.99`.
    Prior(f64),
    /// Between the 1-Q and the Q quantile of the aggregated posterior of that dimension: `posterior:0.99`.
    Posterior(f64),
    /// From the smallest to the largest posterior mean of that dimension over the data: `data`.
    Data,
}

/// A range that a model cannot give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The model holds no statistics.
    #[error(
        "range {range} needs statistics of the data, and this model has none; measure them with idgan stats MODEL \
         --images DIR, or give a range such as -3..3 or prior:0.99"
    )]
    NoStatistics {
        /// The range that was asked for.
        range: String,
    },
    /// The statistics are about another block.
    #[error(
        "the statistics of this model are about code block {code}, not {block}; give a range such as -3..3"
    )]
    OtherBlock {
        /// The block that the statistics are about.
        code: String,
        /// The block that was asked for.
        block: String,
    },
}

impl RangeSpec {
    /// The ends of the range for dimension `dim` of `block`.
    ///
    /// `posterior` holds the statistics and the name of the block that they are about.
    ///
    /// # Errors
    /// When the range needs statistics that the model does not have.
    pub fn resolve(
        self,
        block: &CodeBlock,
        dim: usize,
        posterior: Option<(&str, &Posterior)>,
    ) -> Result<[f32; 2], RangeError> {
        let measured = || match posterior {
            None => Err(RangeError::NoStatistics { range: self.to_string() }),
            Some((code, posterior)) if code == block.name && dim < posterior.dims() => Ok(posterior),
            Some((code, _)) => Err(RangeError::OtherBlock { code: code.into(), block: block.name.clone() }),
        };
        Ok(match self {
            Self::Fixed(from, to) => [from, to],
            Self::Prior(q) => [prior_quantile(block, 1.0 - q), prior_quantile(block, q)],
            Self::Posterior(q) => {
                let posterior = measured()?;
                [posterior.quantile(dim, 1.0 - q) as f32, posterior.quantile(dim, q) as f32]
            }
            Self::Data => measured()?.data_range(dim).map(|value| value as f32),
        })
    }
}

/// The value below which one dimension of `block` lies with probability `q` under its prior. A one-hot block has
/// no quantiles and answers with the ends of its range.
fn prior_quantile(block: &CodeBlock, q: f64) -> f32 {
    let [low, high] = block.range.map(f64::from);
    match block.kind {
        CodeKind::Gaussian | CodeKind::Noise => normal::quantile(q) as f32,
        CodeKind::Uniform => (low + q * (high - low)) as f32,
        CodeKind::OneHot => (if q < 0.5 { low } else { high }) as f32,
    }
}

impl FromStr for RangeSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let quantile = |text: &str| match text.parse::<f64>() {
            Ok(q) if q > 0.0 && q < 1.0 && (q - 0.5).abs() > 1e-9 => Ok(q.max(1.0 - q)),
            _ => Err(format!("the quantile must lie between 0.5 and 1, for instance 0.99; got {text:?}")),
        };
        if text == "data" {
            return Ok(Self::Data);
        }
        if let Some(q) = text.strip_prefix("prior:") {
            return quantile(q).map(Self::Prior);
        }
        if let Some(q) = text.strip_prefix("posterior:") {
            return quantile(q).map(Self::Posterior);
        }
        let ends = text.split_once("..").and_then(|(from, to)| Some((number(from)?, number(to)?)));
        match ends {
            Some((from, to)) => Ok(Self::Fixed(from, to)),
            None => Err(
                "expected A..B (for instance -3..3), prior:Q, posterior:Q (for instance posterior:0.99) or \
                         data"
                    .to_owned(),
            ),
        }
    }
}

fn number(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|value: &f32| value.is_finite())
}

impl fmt::Display for RangeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(from, to) => write!(f, "{from}..{to}"),
            Self::Prior(q) => write!(f, "prior:{q}"),
            Self::Posterior(q) => write!(f, "posterior:{q}"),
            Self::Data => f.write_str("data"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Array;
    use crate::model::{CodeBlock, Stats};

    fn posterior() -> Posterior {
        let array = |shape: &[usize], data: &[f32]| Array::new(shape, data.to_vec()).expect("fits");
        let stats = Stats {
            mu: array(&[2, 2], &[1.0, 0.0, 2.0, 0.0]),
            logvar: array(&[2, 2], &[-30.0, 0.0, -30.0, 0.0]),
            kl: array(&[2], &[1.0, 0.0]),
        };
        Posterior::new(&stats, &CodeBlock::disentangled(2)).expect("valid")
    }

    #[test]
    fn ranges_are_read_and_shown_alike() {
        for text in ["-3..3", "2..-2", "0.25..0.75", "prior:0.99", "posterior:0.975", "data"] {
            assert_eq!(text.parse::<RangeSpec>().map(|range| range.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("posterior:0.01".parse(), Ok(RangeSpec::Posterior(0.99)));
        for text in [
            "",
            "3",
            "a..b",
            "1..inf",
            "NaN..1",
            "prior:",
            "prior:1",
            "prior:0.5",
            "posterior:99",
            "..",
            "Data",
        ] {
            assert!(text.parse::<RangeSpec>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ends_come_from_the_block_the_data_or_the_words() {
        let posterior = posterior();
        let c = CodeBlock::disentangled(2);
        let resolve =
            |range: RangeSpec, dim| range.resolve(&c, dim, Some(("c", &posterior))).expect("resolves");
        assert_eq!(resolve(RangeSpec::Fixed(2.0, -2.0), 0), [2.0, -2.0]);
        assert_eq!(resolve(RangeSpec::Data, 0), [1.0, 2.0]);
        let [low, high] = resolve(RangeSpec::Prior(0.975), 0);
        assert!((high - 1.959_964).abs() < 1e-6 && (low + high).abs() < 1e-6);
        // The first dimension is two points, the second a standard normal.
        let [low, high] = resolve(RangeSpec::Posterior(0.75), 0);
        assert!((low - 1.0).abs() < 1e-5 && (high - 2.0).abs() < 1e-5, "{low} {high}");
        let [low, high] = resolve(RangeSpec::Posterior(0.975), 1);
        assert!((high - 1.959_964).abs() < 1e-6 && (low + high).abs() < 1e-6);
        let uniform = CodeBlock { kind: CodeKind::Uniform, range: [0.0, 10.0], ..c.clone() };
        assert_eq!(RangeSpec::Prior(0.75).resolve(&uniform, 0, None), Ok([2.5, 7.5]));
    }

    #[test]
    fn without_statistics_the_error_says_what_to_do() {
        let c = CodeBlock::disentangled(2);
        let error = RangeSpec::Posterior(0.99).resolve(&c, 0, None).expect_err("no statistics").to_string();
        assert!(error.contains("posterior:0.99") && error.contains("idgan stats"), "{error}");
        let s = CodeBlock::nuisance(4);
        let error = RangeSpec::Data.resolve(&s, 0, Some(("c", &posterior()))).expect_err("other block");
        assert!(error.to_string().contains("about code block c, not s"), "{error}");
    }
}
