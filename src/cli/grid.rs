//! `idgan grid`: every code c with every nuisance s (Figure 8 of the paper).

use std::path::PathBuf;

use crate::explore::CodeSource;
use crate::figures::{Figure, FigureRequest, MatrixCodes, MatrixRequest};

use super::FigureArgs;
use super::figure::draw;

/// Arguments of `idgan grid`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Column m shows code c(m), row n nuisance s(n); what a column shares comes from c, what a row \
    shares from s. The first row is the VAE's decoder, which knows no s. OUT is a figure (.png, .svg, .pdf) or arrays (.npz): `gan` \
    (N, M, channels, H, W) and `vae` (M, channels, 64, 64) in [0, 1], and the codes.\n\n\
    Examples:\n  \
    idgan grid celeba.safetensors --codes-c 7 --codes-s 5 --out figure8.png\n  \
    idgan grid celeba.safetensors --codes-c 5 --codes-s 4 --seed 3 --s-seed 1 --from posterior --out figure8.png\n  \
    idgan grid --vae last --gan model.pt --codes codes.npz --codes-c 6 --codes-s 3 --out grid.npz"
)]
pub struct Args {
    /// Columns: how many codes c.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u16).range(1..=1000))]
    codes_c: u16,

    /// Rows: how many nuisance codes s.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    codes_s: u16,

    /// The random draw of the codes c.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// The random draw of the nuisance codes s.
    #[arg(long, value_name = "K", default_value_t = 0)]
    s_seed: u64,

    /// Draw c from its prior, or from the aggregated posterior of the data (needs idgan stats).
    #[arg(long, value_name = "prior|posterior", default_value_t)]
    from: CodeSource,

    /// Take c from the first M rows of an .npz (for instance from idgan encode), and s from its first N rows where it
    /// holds any.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "from"])]
    codes: Option<PathBuf>,

    #[command(flatten)]
    figure: FigureArgs,
}

impl Args {
    /// The request that they make.
    ///
    /// # Errors
    /// When no model is named.
    pub(super) fn request(&self) -> anyhow::Result<FigureRequest> {
        let codes = match &self.codes {
            Some(path) => MatrixCodes::File(path.clone()),
            None => MatrixCodes::Drawn { seed: self.seed, from: self.from },
        };
        let (columns, rows, s_seed) = (self.codes_c, self.codes_s, self.s_seed);
        let matrix = MatrixRequest { columns, rows, codes, s_seed, cells: self.figure.cells() };
        self.figure.request(Figure::Matrix(matrix))
    }
}

/// Draws the matrix.
///
/// # Errors
/// When the model has no generator or no nuisance, or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    draw(&args.request()?)
}
