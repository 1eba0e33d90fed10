//! What the commands read of files and words, for tests/hostile alone.

use std::path::Path;

use super::pictures_in::PicturesIn;
use crate::base::Background;
use crate::explore::{CodesFile, Form, Wanted};
use crate::inference::{Encoder, RenderError};
use crate::model::ModelDescription;

/// Settles what `idgan train` would do for `arguments` (`vae` or `gan` first).
///
/// # Errors
/// As the command.
pub fn configuration(arguments: &[String]) -> anyhow::Result<()> {
    super::train::configuration_of(arguments).map(drop)
}

/// Reads row `row` of a file of codes of a model.
///
/// # Errors
/// When there is none.
pub fn codes(path: &Path, description: &ModelDescription, row: usize) -> anyhow::Result<()> {
    Ok(CodesFile::read(path, description, Wanted::Any)?.row(row).map(drop)?)
}

/// Reads the pictures at `path` as `idgan encode` does, for a network that takes 8x8 pixels.
///
/// # Errors
/// As the command.
pub fn pictures(path: &Path) -> anyhow::Result<()> {
    let pictures = PicturesIn::open(path)?;
    let first: Vec<usize> = (0..pictures.len().min(8)).collect();
    let form = Form { channels: 3, size: 8, crop: None, background: Background::default() };
    pictures.encode(&mut Blind, &first, &form).map(drop)
}

/// An encoder to which all pictures are alike.
struct Blind;

impl Encoder for Blind {
    fn code_dim(&self) -> usize {
        1
    }

    fn picture_shape(&self) -> [usize; 3] {
        [3, 8, 8]
    }

    fn encode(&mut self, _pictures: &[f32], _mu: &mut [f32], _logvar: &mut [f32]) -> Result<(), RenderError> {
        Ok(())
    }
}
