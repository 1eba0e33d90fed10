//! `idgan animate`: a walk through chosen codes, as an animation or as frames.

use std::path::PathBuf;

use crate::figures::{AnimationRequest, ChainChoice, Figure, FigureRequest};

use super::FigureArgs;
use super::figure::draw;

/// Arguments of `idgan animate`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Codes with meaning (c) move in straight lines, the nuisance (s) along great circles, a choice switches \
    half way. OUT is an animation (.gif; .apng with exact pixels; .mp4, by ffmpeg), or a new folder for one PNG a frame; to animate one dimension, see idgan \
    traverse --dims D --out FILE.gif.\n\n\
    Examples:\n  \
    idgan encode celeba.safetensors --images faces --out faces.npz\n  \
    idgan animate celeba.safetensors --codes faces.npz --steps 24 --closed --out faces.gif\n  \
    idgan animate --vae last --gan model.pt --codes codes.npz --decoder both --out frames"
)]
pub struct Args {
    /// The codes to pass, in order: an .npz with `c` (N, c_dim), N at least 2, and, if you like, `s` (N, s_dim); a
    /// missing `s` is drawn from --s-seed.
    #[arg(long, value_name = "FILE")]
    codes: PathBuf,

    /// Frames from each code to the next.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=1000))]
    steps: u16,

    /// Go on from the last code to the first, so that the animation has no end; otherwise a GIF runs back.
    #[arg(long)]
    closed: bool,

    /// The random draw of a nuisance that the file lacks, the same in every frame.
    #[arg(long, value_name = "K", default_value_t = 0)]
    s_seed: u64,

    /// Which networks draw, beside each other where it is both; all there are when left out.
    #[arg(long, value_name = "gan|vae|both")]
    decoder: Option<ChainChoice>,

    /// Milliseconds a frame of a GIF; those count in hundredths of a second, so that frames take turns where need be.
    #[arg(long, value_name = "MS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(20..=10_000))]
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
        let animation = AnimationRequest {
            codes: self.codes.clone(),
            steps: self.steps,
            is_closed: self.closed,
            s_seed: self.s_seed,
            decoder: self.decoder.clone(),
            frame_ms: self.frame_ms,
            cells: self.figure.cells(),
        };
        self.figure.request(Figure::Animation(animation))
    }
}

/// Draws the walk.
///
/// # Errors
/// When the model or the codes cannot be read or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    draw(&args.request()?)
}
