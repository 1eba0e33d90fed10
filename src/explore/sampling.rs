use std::str::FromStr;

use crate::base::Stream;
use crate::model::{CodeBlock, CodeKind, ModelDescription};

use super::{Codes, Posterior};

/// Where codes are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodeSource {
    /// The block's prior: N(0, I), or uniform over its range, or a random choice.
    #[default]
    Prior,
    /// The aggregated posterior: the code of a random picture of the data.
    Posterior,
}

impl FromStr for CodeSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "prior" => Ok(Self::Prior),
            "posterior" => Ok(Self::Posterior),
            _ => Err("expected prior or posterior".to_owned()),
        }
    }
}

impl std::fmt::Display for CodeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Prior => "prior",
            Self::Posterior => "posterior",
        })
    }
}

/// Row `index` of the codes of `block` that `seed` stands for, from the block's prior: the same whatever else is
/// drawn, so that `--count 10` begins with the pictures of `--count 5`.
pub fn draw_prior(block: &CodeBlock, seed: u64, index: usize) -> Vec<f32> {
    let mut stream = Stream::for_item(seed, &block.name, index as u64);
    match block.kind {
        CodeKind::Gaussian | CodeKind::Noise => stream.normals(block.dims),
        CodeKind::Uniform => {
            let [low, high] = block.range;
            (0..block.dims).map(|_| low + stream.uniform() * (high - low)).collect()
        }
        CodeKind::OneHot => {
            let mut values = vec![0.0; block.dims];
            let choice = stream.below(block.dims);
            values.iter_mut().skip(choice).take(1).for_each(|value| *value = 1.0);
            values
        }
    }
}

/// Row `index` of the codes that `seed` stands for, from the aggregated posterior of `block`.
pub fn draw_posterior(block: &CodeBlock, posterior: &Posterior, seed: u64, index: usize) -> Vec<f32> {
    posterior.draw(&mut Stream::for_item(seed, &format!("{} posterior", block.name), index as u64))
}

/// What a code is drawn with that is made of noise: its epsilon, `dims` numbers from N(0, I), the same for a seed.
pub fn draw_epsilon(code: &CodeBlock, seed: u64) -> Vec<f32> {
    Stream::for_item(seed, &format!("{} epsilon", code.name), 0).normals(code.dims)
}

/// The code of `epsilon` under a posterior: mean + epsilon exp(logvar / 2).
pub fn reparametrised(mean: &[f32], logvar: &[f32], epsilon: &[f32]) -> Vec<f32> {
    let spread = logvar.iter().map(|logvar| (logvar / 2.0).exp());
    mean.iter().zip(spread).zip(epsilon).map(|((mean, sigma), epsilon)| mean + sigma * epsilon).collect()
}

/// `rows` random rows of all blocks; the block that `posterior` names is drawn from its aggregated posterior
/// where one is given.
pub fn draw_all(
    description: &ModelDescription,
    rows: usize,
    seed: u64,
    posterior: Option<(&str, &Posterior)>,
) -> Codes {
    let mut codes = Codes::neutral(description, rows);
    for block in &description.codes {
        let measured =
            posterior.filter(|(code, posterior)| *code == block.name && posterior.dims() == block.dims);
        for row in 0..rows {
            let values = match measured {
                Some((_, posterior)) => draw_posterior(block, posterior, seed, row),
                None => draw_prior(block, seed, row),
            };
            let fitted = codes.set_row(&block.name, row, &values);
            debug_assert!(fitted.is_ok(), "a draw has the block's width and finite values");
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    #[test]
    fn more_rows_begin_with_the_fewer() {
        let description = toy::description();
        let (few, many) = (draw_all(&description, 3, 7, None), draw_all(&description, 5, 7, None));
        assert_eq!(many.select(&[0, 1, 2]), few);
        assert_ne!(few, draw_all(&description, 3, 8, None));
        assert_ne!(few.row("c", 0), few.row("c", 1));
    }

    #[test]
    fn an_epsilon_moves_a_code_by_its_spread() {
        let logvar = [0.0, 4f32.ln(), -80.0];
        let code = reparametrised(&[1.0, 2.0, 3.0], &logvar, &[0.5, -1.0, 9.0]);
        assert!(code.iter().zip([1.5, 0.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{code:?}");
    }

    #[test]
    fn each_kind_follows_its_prior() {
        let codes = draw_all(&toy::infogan(), 2000, 1, None);
        let u = codes.block("u").expect("has u").data();
        assert!(u.iter().all(|value| (0.0..1.0).contains(value)));
        assert!((u.iter().sum::<f32>() / u.len() as f32 - 0.5).abs() < 0.02);
        let k = codes.block("k").expect("has k");
        let mut counts = [0; 4];
        for row in 0..2000 {
            let row = k.row(row);
            assert_eq!(row.iter().filter(|&&value| value == 1.0).count(), 1);
            assert_eq!(row.iter().sum::<f32>(), 1.0);
            counts[row.iter().position(|&value| value == 1.0).expect("has a one")] += 1;
        }
        assert!(counts.iter().all(|&count| (400..600).contains(&count)), "{counts:?}");
    }
}
