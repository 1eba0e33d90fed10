use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Array;
use crate::model::{ChainError, CodeBlock, ModelDescription, Port};

use super::SourcePictures;

/// Values of every code block of a model for a number of pictures: one row a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    rows: usize,
    /// `(rows, dims)` for each block of the description.
    blocks: BTreeMap<String, Array>,
    /// What chains that take a picture are given, one a row.
    pictures: Option<Arc<SourcePictures>>,
}

/// Codes that do not fit a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodesError {
    /// A chain the model does not have.
    #[error(transparent)]
    UnknownChain(#[from] ChainError),
    /// A block the model does not have.
    #[error("this model has no code block called {name}; it has {known}")]
    UnknownBlock {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Values of another width or number.
    #[error("code block {name} takes {expected} values a picture, got {actual}")]
    Width {
        /// The block.
        name: String,
        /// Its dimensions.
        expected: usize,
        /// The values given.
        actual: usize,
    },
    /// A different number of rows than the other blocks have.
    #[error("code block {name} has {actual} rows where {expected} are expected")]
    Rows {
        /// The block.
        name: String,
        /// Rows of the other blocks.
        expected: usize,
        /// Rows given.
        actual: usize,
    },
    /// NaN or infinity.
    #[error("code block {name} holds a value that is not a finite number (row {row})")]
    NotFinite {
        /// The block.
        name: String,
        /// The first such row.
        row: usize,
    },
    /// A chain takes a picture, and there is none, or none of its size.
    #[error(
        "{chain} makes pictures of pictures of {width}x{height} pixels; give it such pictures with `idgan translate`"
    )]
    NoPicture {
        /// The chain.
        chain: String,
        /// Width of what it takes.
        width: usize,
        /// Height of what it takes.
        height: usize,
    },
}

impl Codes {
    /// `rows` rows with every block at its neutral value (a one-hot block at its first choice).
    pub fn neutral(description: &ModelDescription, rows: usize) -> Self {
        let neutral = |block: &CodeBlock| {
            let mut values = Array::zeros([rows, block.dims]);
            for row in values.data_mut().chunks_mut(block.dims.max(1)) {
                row.copy_from_slice(&neutral_values(block));
            }
            (block.name.clone(), values)
        };
        Self { rows, blocks: description.codes.iter().map(neutral).collect(), pictures: None }
    }

    /// Number of pictures.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All values of a block, `(rows, dims)`.
    ///
    /// # Errors
    /// [`CodesError::UnknownBlock`].
    pub fn block(&self, name: &str) -> Result<&Array, CodesError> {
        self.blocks.get(name).ok_or_else(|| self.unknown(name))
    }

    /// One picture's values of a block, `(dims,)`.
    ///
    /// # Errors
    /// [`CodesError::UnknownBlock`].
    ///
    /// # Panics
    /// When `row` is not below [`Codes::rows`].
    pub fn row(&self, name: &str, row: usize) -> Result<&[f32], CodesError> {
        Ok(self.block(name)?.row(row))
    }

    /// Blocks and their values in name order.
    pub fn blocks(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.blocks.iter().map(|(name, values)| (name.as_str(), values))
    }

    /// The pictures that chains are given, where there are any.
    pub fn pictures(&self) -> Option<&Arc<SourcePictures>> {
        self.pictures.as_ref()
    }

    /// Gives chains that take a picture these, one a row.
    ///
    /// # Errors
    /// When there are more or fewer than rows.
    pub fn set_pictures(&mut self, pictures: SourcePictures) -> Result<(), CodesError> {
        if pictures.len() != self.rows {
            let (expected, actual) = (self.rows, pictures.len());
            return Err(CodesError::Rows { name: "of pictures".into(), expected, actual });
        }
        self.pictures = Some(Arc::new(pictures));
        Ok(())
    }

    /// Replaces all values of a block by `values` `(rows, dims)`.
    ///
    /// # Errors
    /// When the block is unknown, the shape does not fit, or a value is not finite.
    pub fn set_block(&mut self, name: &str, values: Array) -> Result<(), CodesError> {
        let old = self.block(name)?;
        let (expected, actual) = (old.row_len(), values.row_len());
        if expected != actual || values.shape().len() != 2 {
            return Err(CodesError::Width { name: name.into(), expected, actual });
        }
        if values.shape()[0] != self.rows {
            let actual = values.shape()[0];
            return Err(CodesError::Rows { name: name.into(), expected: self.rows, actual });
        }
        if let Some(at) = values.data().iter().position(|value| !value.is_finite()) {
            return Err(CodesError::NotFinite { name: name.into(), row: at / expected.max(1) });
        }
        self.blocks.insert(name.to_owned(), values);
        Ok(())
    }

    /// Replaces one picture's values of a block.
    ///
    /// # Errors
    /// As [`Codes::set_block`].
    ///
    /// # Panics
    /// When `row` is not below [`Codes::rows`].
    pub fn set_row(&mut self, name: &str, row: usize, values: &[f32]) -> Result<(), CodesError> {
        let unknown = self.unknown(name);
        let block = self.blocks.get_mut(name).ok_or(unknown)?;
        let dims = block.row_len();
        if values.len() != dims {
            return Err(CodesError::Width { name: name.into(), expected: dims, actual: values.len() });
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(CodesError::NotFinite { name: name.into(), row });
        }
        block.data_mut()[row * dims..(row + 1) * dims].copy_from_slice(values);
        Ok(())
    }

    /// The given rows in the given order; a row may be taken more than once.
    ///
    /// # Panics
    /// When a row is not below [`Codes::rows`].
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |values: &Array| {
            let mut picked = Vec::with_capacity(rows.len() * values.row_len());
            for &row in rows {
                picked.extend_from_slice(values.row(row));
            }
            Array::new([rows.len(), values.row_len()], picked).unwrap_or_else(|| Array::zeros([0, 0]))
        };
        let blocks = self.blocks.iter().map(|(name, values)| (name.clone(), pick(values))).collect();
        let pictures = self.pictures.as_ref().map(|pictures| Arc::new(pictures.select(rows)));
        Self { rows: rows.len(), blocks, pictures }
    }

    /// These codes without block `name`.
    pub fn without(&self, name: &str) -> Self {
        let mut codes = self.clone();
        codes.blocks.retain(|block, _| block != name);
        codes
    }

    /// What a render chain takes: its blocks side by side, `(rows, width)` (ID-GAN's generator: z = [s, c]), with the values of a
    /// picture among them where it takes one.
    ///
    /// # Errors
    /// When the model has no such chain, or these codes lack one of its blocks or a picture of its size.
    pub fn input(&self, description: &ModelDescription, chain: &str) -> Result<Array, CodesError> {
        let steps = description.chain(chain)?;
        let takes = description.wiring(steps).map(|wiring| wiring.takes).unwrap_or_default();
        let taken = takes.iter().filter_map(|port| match port {
            Port::Picture { shape, .. } => Some(self.pictures_of(*shape).ok_or(CodesError::NoPicture {
                chain: chain.to_owned(),
                width: shape[2],
                height: shape[1],
            })),
            port => port.carried_code().map(|name| self.block(name).map(Cow::Borrowed)),
        });
        let blocks = taken.collect::<Result<Vec<Cow<'_, Array>>, _>>()?;
        let width: usize = blocks.iter().map(|block| block.row_len()).sum();
        let mut values = Vec::with_capacity(self.rows * width);
        for row in 0..self.rows {
            for block in &blocks {
                values.extend_from_slice(block.row(row));
            }
        }
        Ok(Array::new([self.rows, width], values).unwrap_or_else(|| Array::zeros([0, width])))
    }

    /// The pictures as a chain takes them, `(rows, values)`.
    fn pictures_of(&self, shape: [usize; 3]) -> Option<Cow<'_, Array>> {
        self.pictures.as_ref()?.of_shape(shape)
    }

    fn unknown(&self, name: &str) -> CodesError {
        let known = self.blocks.keys().cloned().collect::<Vec<_>>().join(", ");
        CodesError::UnknownBlock { name: name.into(), known }
    }
}

/// The neutral value of every dimension of `block`; a one-hot block has no neutral and takes its first choice.
pub fn neutral_values(block: &CodeBlock) -> Vec<f32> {
    let mut values = vec![block.neutral; block.dims];
    if block.kind == crate::model::CodeKind::OneHot {
        values.fill(0.0);
        values.iter_mut().take(1).for_each(|first| *first = 1.0);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;
    use crate::model::{GAN, VAE};
    use crate::nets::TranslatorConfig;

    #[test]
    fn the_generator_takes_its_blocks_in_its_own_order() {
        let description = toy::description();
        let mut codes = Codes::neutral(&description, 2);
        codes.set_row("c", 1, &[1.0, 2.0, 3.0]).expect("fits");
        codes.set_row("s", 1, &[7.0, 8.0]).expect("fits");
        let z = codes.input(&description, GAN).expect("blocks exist");
        assert_eq!(z.shape(), [2, 5]);
        assert_eq!(z.row(0), [0.0; 5]);
        assert_eq!(z.row(1), [7.0, 8.0, 1.0, 2.0, 3.0]);
        assert_eq!(codes.input(&description, VAE).expect("has a VAE").row(1), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut codes = Codes::neutral(&toy::description(), 2);
        let message = |result: Result<(), CodesError>| result.expect_err("refused").to_string();
        assert_eq!(message(codes.set_row("q", 0, &[])), "this model has no code block called q; it has c, s");
        assert_eq!(message(codes.set_row("c", 0, &[1.0])), "code block c takes 3 values a picture, got 1");
        assert!(message(codes.set_row("c", 0, &[1.0, f32::NAN, 0.0])).contains("not a finite number"));
        assert!(message(codes.set_block("c", Array::zeros([3, 3]))).contains("3 rows where 2"));
        assert!(message(codes.set_block("c", Array::zeros([6]))).contains("got 1"));
    }

    #[test]
    fn a_chain_that_takes_pictures_gets_them_among_its_codes() {
        let sizes = TranslatorConfig { size: 4, takes: 3, gives: 1, width: 1, blocks: 0, noise_dim: 0 };
        let back = TranslatorConfig { takes: 1, gives: 3, noise_dim: 2, ..sizes };
        let description = ModelDescription::cycle_iae("cycle", sizes, back);
        let mut codes = Codes::neutral(&description, 2);
        codes.set_row("n", 1, &[7.0, 8.0]).expect("fits");
        let said = codes.input(&description, "g").expect_err("no picture").to_string();
        assert!(said.starts_with("g makes pictures of pictures of 4x4 pixels"), "{said}");
        let coloured: Vec<f32> = (0..2 * 48).map(|i| (i / 16) as f32 / 10.0).collect();
        let pictures = SourcePictures::new([3, 4, 4], coloured.clone()).expect("two of them");
        codes.set_pictures(pictures).expect("as many as rows");
        assert_eq!(codes.input(&description, "f").expect("fits").row(1), &coloured[48..]);
        // grey is the mean of the colours, and the noise comes after the picture
        let taken = codes.input(&description, "g").expect("fits");
        assert_eq!(taken.shape(), [2, 18]);
        assert!(taken.row(1)[..16].iter().all(|value| (value - 0.4).abs() < 1e-6));
        assert_eq!(taken.row(1)[16..], [7.0, 8.0]);
        assert_eq!(codes.select(&[1]).input(&description, "g").expect("fits").row(0), taken.row(1));
        let one = SourcePictures::new([1, 4, 4], vec![0.5; 16]).expect("one");
        assert!(matches!(codes.set_pictures(one), Err(CodesError::Rows { expected: 2, actual: 1, .. })));
    }

    #[test]
    fn rows_are_selected_in_order_and_may_repeat() {
        let mut codes = Codes::neutral(&toy::description(), 3);
        for row in 0..3 {
            codes.set_row("s", row, &[row as f32, 0.0]).expect("fits");
        }
        let picked = codes.select(&[2, 0, 2]);
        assert_eq!(picked.block("s").expect("has s").data(), [2.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
        assert_eq!(codes.select(&[]).rows(), 0);
    }

    #[test]
    fn a_block_can_be_left_out() {
        let codes = Codes::neutral(&toy::description(), 2).without("s");
        assert!(codes.block("s").is_err() && codes.block("c").is_ok() && codes.rows() == 2);
    }

    #[test]
    fn a_one_hot_block_starts_at_its_first_choice() {
        let description = toy::infogan();
        let codes = Codes::neutral(&description, 1);
        assert_eq!(codes.row("k", 0), Ok(&[1.0, 0.0, 0.0, 0.0][..]));
        assert_eq!(codes.row("u", 0), Ok(&[0.5, 0.5][..]));
    }
}
