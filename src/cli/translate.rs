//! `idgan translate`: pictures of one domain as pictures of another.

use std::path::PathBuf;

use crate::figures::{Figure, FigureRequest, TranslationRequest};

use super::figure::draw;
use super::{BackgroundArgs, FigureArgs, usage};

/// Arguments of `idgan translate`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Row m shows picture m and what the chain makes of it, column n the noise n(n), the same for every picture. OUT is \
    a figure (.png, .svg, .pdf), or a folder of pictures at their own size, PICTURE_NOISE_CHAIN.png. Every one says the \
    command that makes it again.\n\n\
    A CycleIAE has the chains f (from the first domain to the second), g (back, with noise where it was trained with any) \
    and \"there and back\". Pictures may have any size and mode: the middle square, or the middle --crop pixels, is \
    brought to the chain's size and channels.\n\n\
    Examples:\n  \
    idgan translate runs/cycle a.png b.png --out there.png\n  \
    idgan translate runs/cycle a.png b.png --chain g --noises 8 --seed 3 --out back.png\n  \
    idgan translate runs/shoes shoes/*.jpg --chain \"there and back\" --out folder"
)]
pub struct Args {
    #[command(flatten)]
    figure: FigureArgs,

    /// The pictures: one file or more.
    #[arg(value_name = "PICTURES", help_heading = "Pictures")]
    pictures: Vec<PathBuf>,

    /// The same PICTURES as an option; may be repeated.
    #[arg(long = "image", value_name = "FILE", conflicts_with = "pictures", help_heading = "Pictures")]
    images: Vec<PathBuf>,

    /// Use only the middle square of this many pixels.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pictures")]
    crop: Option<u32>,

    #[command(flatten)]
    background: BackgroundArgs,

    /// The chain that draws, by its name in the model; the first that takes a picture when left out.
    #[arg(long, value_name = "NAME", help_heading = "Figure")]
    chain: Option<String>,

    /// Columns: how many noises; one column where the chain takes none.
    #[arg(long, value_name = "N", default_value_t = TranslationRequest::NOISES,
          value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Figure")]
    noises: u16,

    /// The random draw of the noises.
    #[arg(long, value_name = "K", default_value_t = 0, help_heading = "Figure")]
    seed: u64,
}

impl Args {
    /// The request that they make.
    ///
    /// # Errors
    /// When no model or no picture is named.
    pub(super) fn request(&self) -> anyhow::Result<FigureRequest> {
        let pictures: Vec<PathBuf> = self.pictures.iter().chain(&self.images).cloned().collect();
        if pictures.is_empty() {
            return Err(usage("name the pictures to translate: idgan translate MODEL PICTURES... --out OUT"));
        }
        self.figure.request(Figure::Translation(TranslationRequest {
            pictures,
            chain: self.chain.clone(),
            noises: self.noises,
            seed: self.seed,
            crop: self.crop,
            background: self.background.given(),
            cells: self.figure.cells(),
        }))
    }
}

/// Translates.
///
/// # Errors
/// When the model makes no pictures of pictures, a picture cannot be read, or the output cannot be written; nothing is left
/// behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    draw(&args.request()?)
}
