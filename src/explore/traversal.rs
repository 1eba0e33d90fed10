use std::str::FromStr;

use crate::model::ModelDescription;

use super::{Codes, CodesError};

/// A latent traversal: each chosen dimension in turn runs through its range while everything else stays at the
/// base code. One row a dimension, one column a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Traversal {
    /// The code block whose dimensions move.
    pub block: String,
    /// The dimensions, in row order.
    pub dims: Vec<usize>,
    /// First and last value of each row.
    pub ranges: Vec<[f32; 2]>,
    /// Columns, at least 1.
    pub steps: usize,
    /// Where everything else stays: one row.
    pub base: Codes,
    /// What the values mean.
    pub mode: Mode,
}

/// What a traversal's values mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The value takes the place of the base's.
    #[default]
    Replace,
    /// The value is added to the base's.
    Offset,
}

impl Traversal {
    /// The values of row `row`, one a column, evenly spaced with both ends included; a single column lies in the
    /// middle.
    pub fn values(&self, row: usize) -> Vec<f32> {
        evenly(self.ranges[row], self.steps)
    }

    /// The codes of all cells, row by row: `dims.len() * steps` rows.
    ///
    /// # Errors
    /// When the block is unknown or a dimension lies outside it.
    pub fn codes(&self) -> Result<Codes, CodesError> {
        let base = self.base.row(&self.block, 0)?.to_vec();
        let mut codes = self.base.select(&vec![0; self.dims.len() * self.steps]);
        for (row, &dim) in self.dims.iter().enumerate() {
            if dim >= base.len() {
                return Err(CodesError::Width {
                    name: self.block.clone(),
                    expected: base.len(),
                    actual: dim + 1,
                });
            }
            for (column, value) in self.values(row).into_iter().enumerate() {
                let mut code = base.clone();
                code[dim] = match self.mode {
                    Mode::Replace => value,
                    Mode::Offset => base[dim] + value,
                };
                codes.set_row(&self.block, row * self.steps + column, &code)?;
            }
        }
        Ok(codes)
    }
}

/// `steps` values from the first to the second end, both included; one step lies in the middle.
pub fn evenly([from, to]: [f32; 2], steps: usize) -> Vec<f32> {
    let (from, to) = (f64::from(from), f64::from(to));
    if steps == 1 {
        return vec![(0.5 * (from + to)) as f32];
    }
    // Weighing both ends by whole numbers makes the ends exact and a symmetric range symmetric.
    let last = (steps.max(2) - 1) as f64;
    let value = |k: usize| ((from * (last - k as f64) + to * k as f64) / last) as f32;
    (0..steps).map(value).collect()
}

/// Reads `all`, or indices and ranges of indices separated by commas: `0,3,5-7`.
///
/// # Errors
/// A sentence when the text is something else or names a dimension that is not below `dims`.
pub fn parse_dims(text: &str, dims: usize) -> Result<Vec<usize>, String> {
    if text == "all" {
        return Ok((0..dims).collect());
    }
    let mut chosen = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>()) else {
            return Err(format!("{part:?} is no dimension; expected all, or indices such as 0,3,5-7"));
        };
        if first.max(last) >= dims {
            let highest = dims.saturating_sub(1);
            return Err(format!("there is no dimension {}; this code has 0 to {highest}", first.max(last)));
        }
        if first <= last { chosen.extend(first..=last) } else { chosen.extend((last..=first).rev()) }
    }
    Ok(chosen)
}

/// The block whose dimensions are worth traversing when nobody says which: the VAE's code, else the first one
/// with sliders, else the first.
pub fn main_block(description: &ModelDescription) -> Option<&str> {
    use crate::model::CodeKind::{Gaussian, Uniform};
    let encoded = description.encoded();
    let sliders = description.codes.iter().find(|block| matches!(block.kind, Gaussian | Uniform));
    encoded
        .filter(|name| description.block(name).is_some())
        .or_else(|| sliders.or(description.codes.first()).map(|block| block.name.as_str()))
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "replace" => Ok(Self::Replace),
            "offset" => Ok(Self::Offset),
            _ => Err("expected replace or offset".to_owned()),
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Replace => "replace",
            Self::Offset => "offset",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    fn traversal(mode: Mode) -> Traversal {
        let mut base = Codes::neutral(&toy::description(), 1);
        base.set_row("c", 0, &[0.5, -1.0, 2.0]).expect("fits");
        base.set_row("s", 0, &[9.0, 8.0]).expect("fits");
        Traversal {
            block: "c".into(),
            dims: vec![2, 0],
            ranges: vec![[-3.0, 3.0], [0.0, 1.0]],
            steps: 3,
            base,
            mode,
        }
    }

    #[test]
    fn each_row_moves_its_dimension_only() {
        let codes = traversal(Mode::Replace).codes().expect("fits");
        let expected = [
            [0.5, -1.0, -3.0],
            [0.5, -1.0, 0.0],
            [0.5, -1.0, 3.0],
            [0.0, -1.0, 2.0],
            [0.5, -1.0, 2.0],
            [1.0, -1.0, 2.0],
        ];
        assert_eq!(codes.rows(), 6);
        for (row, expected) in expected.iter().enumerate() {
            assert_eq!(codes.row("c", row), Ok(&expected[..]));
            assert_eq!(codes.row("s", row), Ok(&[9.0, 8.0][..]));
        }
        let codes = traversal(Mode::Offset).codes().expect("fits");
        assert_eq!(codes.row("c", 0), Ok(&[0.5, -1.0, -1.0][..]));
        assert_eq!(codes.row("c", 5), Ok(&[1.5, -1.0, 2.0][..]));
    }

    #[test]
    fn a_dimension_outside_the_block_is_refused() {
        let mut traversal = traversal(Mode::Replace);
        traversal.dims = vec![3];
        assert!(traversal.codes().is_err());
    }

    #[test]
    fn columns_are_even_with_exact_ends_and_centre() {
        assert_eq!(evenly([-3.0, 3.0], 7), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(evenly([0.1, 0.7], 2), [0.1, 0.7]);
        assert_eq!(evenly([-1.0, 3.0], 1), [1.0]);
        assert_eq!(evenly([3.0, -3.0], 3), [3.0, 0.0, -3.0]);
        for steps in 2..200 {
            let values = evenly([-2.7, 2.7], steps);
            let mirrored: Vec<f32> = values.iter().rev().map(|value| -value).collect();
            assert_eq!(values, mirrored, "{steps}");
        }
    }

    #[test]
    fn dimensions_are_read_as_written() {
        assert_eq!(parse_dims("all", 3), Ok(vec![0, 1, 2]));
        assert_eq!(parse_dims("3, 0,5-7", 8), Ok(vec![3, 0, 5, 6, 7]));
        assert_eq!(parse_dims("2-0", 3), Ok(vec![2, 1, 0]));
        for wrong in ["", "a", "0,", "3", "-1", "1-9", "99999999999999999999"] {
            assert!(parse_dims(wrong, 3).is_err(), "{wrong:?}");
        }
        assert_eq!(parse_dims("7", 3).expect_err("outside"), "there is no dimension 7; this code has 0 to 2");
    }

    #[test]
    fn the_main_block_is_the_one_with_meaning() {
        assert_eq!(main_block(&toy::description()), Some("c"));
        assert_eq!(main_block(&toy::infogan()), Some("u"));
    }
}
