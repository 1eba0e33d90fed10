use std::path::PathBuf;

use crate::base::PixelRange;
use crate::checkpoint::{Halves, Reading};
use crate::data::is_known;

/// What files of other programs do not say about their pictures and codes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Model of another program")]
pub struct ReadingArgs {
    /// The encoder that belongs to a decoder.onnx: a picture in; mean and log variance of the code out.
    #[arg(long, value_name = "FILE.onnx")]
    pub encoder: Option<PathBuf>,

    /// Which numbers the pictures are in: from 0 to 1, from -1 to 1, or logits; guessed when left out, where the file does
    /// not say.
    #[arg(long, value_enum, value_name = "unit|signed|logits", hide_possible_values = true)]
    pub pixels: Option<Pixels>,

    /// The encoder's output that is the mean; `mu`, `mean` and the like are found when left out.
    #[arg(long, value_name = "NAME", requires = "encoder")]
    pub mean: Option<String>,

    /// The encoder's output that is the log variance; `logvar`, `log_var` and the like are found when left out.
    #[arg(long, value_name = "NAME", requires = "encoder")]
    pub logvar: Option<String>,

    /// How an encoder's single output holds both: all means and then all log variances, or one after the other.
    #[arg(
        long,
        value_enum,
        value_name = "halves|interleaved",
        hide_possible_values = true,
        requires = "encoder"
    )]
    pub posterior: Option<Posterior>,

    /// The data set that the model was trained on, where it does not say it (`idgan data --help` lists them); a bundle that is
    /// made of it keeps it.
    #[arg(long, value_name = "DATA", value_parser = known_data)]
    pub trained_on: Option<String>,
}

/// A data set that the program knows.
fn known_data(spec: &str) -> Result<String, String> {
    match is_known(spec) {
        true => Ok(spec.to_owned()),
        false => Err(format!("there is no data set called {spec:?}; `idgan data --help` lists them")),
    }
}

/// `--pixels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Pixels {
    /// From 0 to 1.
    Unit,
    /// From -1 to 1.
    Signed,
    /// Logits.
    Logits,
}

/// `--posterior`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Posterior {
    /// Means, then log variances.
    Halves,
    /// A mean and its log variance, then the next.
    Interleaved,
}

impl ReadingArgs {
    /// What they say.
    pub fn reading(&self) -> Reading {
        Reading {
            encoder: self.encoder.clone(),
            range: self.pixels.map(|pixels| match pixels {
                Pixels::Unit => PixelRange::Unit,
                Pixels::Signed => PixelRange::Signed,
                Pixels::Logits => PixelRange::Logits,
            }),
            mean: self.mean.clone(),
            logvar: self.logvar.clone(),
            halves: self.posterior.map(|posterior| match posterior {
                Posterior::Halves => Halves::Behind,
                Posterior::Interleaved => Halves::Interleaved,
            }),
            data: self.trained_on.clone(),
        }
    }
}
