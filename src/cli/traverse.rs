//! `idgan traverse`: one row a dimension, one column a step.

use std::path::PathBuf;

use crate::explore::{CodeSource, Mode, RangeSpec};
use crate::figures::{Base, ChainChoice, Figure, FigureRequest, Names, Order, TraversalRequest};

use super::figure::draw;
use super::{BackgroundArgs, FigureArgs};

/// Arguments of `idgan traverse`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "OUT is a figure (.png, .svg, .pdf), an animation with a column a frame (.gif; .apng \
        with exact pixels; .mp4, by ffmpeg), arrays (.npz: `vae` and \
        `gan` of shape (rows, steps, channels, H, W) in [0, 1], the codes, `dims`, `values`), or a new folder with one \
        PNG a cell. A figure holds the codes, the ranges and the command that makes it again; in an .svg or .pdf a \
        search finds its text.\n\n\
        Examples:\n  \
        idgan traverse celeba.safetensors --out grid.png\n  \
        idgan traverse celeba.safetensors --dims 3,0 --names azimuth,hair --range -2..2 --out grid.png\n  \
        idgan traverse celeba.safetensors --width 170mm --font-size 8 --out figure.pdf\n  \
        idgan traverse celeba.safetensors --range posterior:0.99 --steps 25 --out grid.gif\n  \
        idgan traverse --vae last --gan model.pt --image face.png --mode offset --cell 64 --out cells"
)]
pub struct Args {
    /// The dimensions: all, or indices such as 0,3,5-7.
    #[arg(long, value_name = "LIST", default_value = "all", help_heading = "Traversal")]
    dims: String,

    /// The values: A..B, prior:Q (between two quantiles of the prior), posterior:Q (of the aggregated posterior), or
    /// data (where the means of real pictures lie); the last two need idgan stats. -3..3 when left out.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, help_heading = "Traversal")]
    range: Option<RangeSpec>,

    /// Columns.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000),
          help_heading = "Traversal")]
    steps: u16,

    /// Whether a value takes the place of the base code's, or is added to it.
    #[arg(long, value_name = "replace|offset", default_value_t, help_heading = "Traversal")]
    mode: Mode,

    /// Order of the rows: most informative first (kl, needs idgan stats), what moves most pixels first (sensitivity),
    /// or as numbered (index). When left out: as listed in --dims; for all, kl where it is known, else index.
    #[arg(long, value_name = "kl|sensitivity|index", help_heading = "Traversal")]
    order: Option<Order>,

    /// Names of the dimensions, in the order of --dims; \, stands for a comma within a name.
    #[arg(long, value_name = "A,B,...", allow_hyphen_values = true, help_heading = "Traversal")]
    names: Option<Names>,

    /// The code block to traverse, for models that have more than one with a meaning.
    #[arg(long, value_name = "NAME", help_heading = "Traversal")]
    block: Option<String>,

    /// Base code: drawn at random (c = 0 when left out).
    #[arg(long, value_name = "K", conflicts_with_all = ["codes", "image"], help_heading = "Base code")]
    seed: Option<u64>,

    /// Draw the random base from the prior, or from the aggregated posterior of the data.
    #[arg(
        long,
        value_name = "prior|posterior",
        default_value_t,
        requires = "seed",
        help_heading = "Base code"
    )]
    from: CodeSource,

    /// Base code: a row of an .npz with `c` (N, c_dim) and, if you like, `s` (N, s_dim).
    #[arg(long, value_name = "FILE", conflicts_with = "image", help_heading = "Base code")]
    codes: Option<PathBuf>,

    /// The row of --codes.
    #[arg(long, value_name = "R", default_value_t = 0, requires = "codes", help_heading = "Base code")]
    row: usize,

    /// Base code: what the encoder finds in this picture.
    #[arg(long, value_name = "FILE", help_heading = "Base code")]
    image: Option<PathBuf>,

    /// Use only the middle square of this many pixels of --image (aligned CelebA 160, 3D chairs 450).
    #[arg(long, value_name = "PX", requires = "image", value_parser = clap::value_parser!(u32).range(1..),
          help_heading = "Base code")]
    crop: Option<u32>,

    #[command(flatten)]
    background: BackgroundArgs,

    /// The nuisance s, the same in every cell: drawn at random (from --codes where it holds one, else draw 0).
    #[arg(long, value_name = "K", help_heading = "Base code")]
    s_seed: Option<u64>,

    /// Which networks draw; both puts the VAE's row above the GAN's. All there are when left out.
    #[arg(long, value_name = "gan|vae|both", help_heading = "Figure")]
    decoder: Option<ChainChoice>,

    /// Milliseconds a frame of a GIF; those count in hundredths of a second, so that frames take turns where need be.
    #[arg(long, value_name = "MS", default_value_t = TraversalRequest::FRAME_MS,
          value_parser = clap::value_parser!(u16).range(20..=10_000),
          help_heading = "Figure")]
    frame_ms: u16,

    #[command(flatten)]
    figure: FigureArgs,
}

impl Args {
    /// The request that they make.
    ///
    /// # Errors
    /// When no model is named.
    pub(super) fn request(&self) -> anyhow::Result<FigureRequest> {
        let base = match (self.seed, &self.codes, &self.image) {
            (Some(seed), _, _) => Base::Drawn { seed, from: self.from },
            (None, Some(codes), _) => Base::Row { codes: codes.clone(), row: self.row },
            (None, None, Some(image)) => {
                let (path, background) = (image.clone(), self.background.given());
                Base::Picture { path, crop: self.crop, background }
            }
            (None, None, None) => Base::Neutral,
        };
        let traversal = TraversalRequest {
            block: self.block.clone(),
            dims: self.dims.clone(),
            names: self.names.clone(),
            order: self.order,
            range: self.range,
            steps: self.steps,
            mode: self.mode,
            base,
            s_seed: self.s_seed,
            decoder: self.decoder.clone(),
            frame_ms: self.frame_ms,
            cells: self.figure.cells(),
        };
        self.figure.request(Figure::Traversal(traversal))
    }
}

/// Draws a traversal.
///
/// # Errors
/// When the model or the base code cannot be read or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    draw(&args.request()?)
}
