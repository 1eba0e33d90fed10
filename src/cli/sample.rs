//! `idgan sample`: pictures of given or random codes.

use std::path::PathBuf;

use crate::explore::CodeSource;
use crate::figures::{ChainChoice, Figure, FigureRequest, SampleCodes, SampleRequest};

use super::figure::{OutputArgs, draw};
use super::usage;

/// Arguments of `idgan sample`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "An .npz gets `gan` (N, channels, H, W) and `vae` (N, channels, 64, 64), 32-bit floats in \
    [0, 1], and the codes `c` (N, c_dim) and `s` (N, s_dim); a folder gets one PNG a picture and network. Row i of \
    seed K is the same whatever the count.\n\n\
    Examples:\n  \
    idgan sample celeba.safetensors --count 16 --seed 1 --out pictures\n  \
    idgan sample celeba.safetensors --count 50000 --from posterior --decoder gan --out fakes.npz\n  \
    idgan sample --vae last --gan model.pt --codes codes.npz --out pictures.npz"
)]
pub struct Args {
    /// Codes to draw: an .npz with `c` (N, c_dim) and, if you like, `s` (N, s_dim); a missing `s` is drawn from
    /// --seed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "from"])]
    codes: Option<PathBuf>,

    /// Draw this many random codes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: Option<u32>,

    /// The random draw.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// Draw c from its prior, or from the aggregated posterior of the data (needs idgan stats).
    #[arg(long, value_name = "prior|posterior", default_value_t)]
    from: CodeSource,

    /// Which networks draw; all there are when left out.
    #[arg(long, value_name = "gan|vae|both")]
    decoder: Option<ChainChoice>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    /// The request that they make.
    ///
    /// # Errors
    /// When neither codes nor a model are named.
    pub(super) fn request(&self) -> anyhow::Result<FigureRequest> {
        let codes = match (&self.codes, self.count) {
            (Some(path), _) => SampleCodes::File(path.clone()),
            (None, Some(count)) => SampleCodes::Drawn { count, from: self.from },
            (None, None) => return Err(usage("nothing to draw; give --codes FILE, or --count N")),
        };
        let samples = SampleRequest { codes, seed: self.seed, decoder: self.decoder.clone() };
        self.output.request(Figure::Samples(samples))
    }
}

/// Draws pictures of given or random codes.
///
/// # Errors
/// When the model or the codes cannot be read or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    draw(&args.request()?)
}
