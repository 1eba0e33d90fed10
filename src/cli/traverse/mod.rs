//! `idgan traverse`: one row a dimension, one column a step.

mod choose;
mod draw;

use std::path::PathBuf;

use anyhow::Context;

use self::choose::{base, chains, names, order, range};
use super::FigureArgs;
use super::workbench::{ChainChoice, Workbench};
use super::{BackgroundArgs, usage};
use crate::explore::export::{Provenance, TargetKind, numbers};
use crate::explore::{Codes, Mode, RangeSpec, Source, Traversal, main_block, parse_dims};

/// Arguments of `idgan traverse`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "OUT is a figure (.png), an animation with a column a frame (.gif), arrays (.npz: `vae` and `gan` of \
        shape (rows, steps, channels, H, W) in [0, 1], the codes, `dims`, `values`), or a new folder with one PNG a \
        cell. A picture's text chunks hold the codes, the ranges and the command that makes it again.\n\n\
        Examples:\n  \
        idgan traverse celeba.safetensors --out grid.png\n  \
        idgan traverse celeba.safetensors --dims 3,0 --names azimuth,hair --range -2..2 --out grid.png\n  \
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
    #[arg(
        long,
        value_name = "kl|sensitivity|index",
        hide_possible_values = true,
        help_heading = "Traversal"
    )]
    order: Option<Order>,

    /// Names of the dimensions, in the order of --dims.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', help_heading = "Traversal")]
    names: Vec<String>,

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
    from: Source,

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
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(20..=10_000),
          help_heading = "Figure")]
    frame_ms: u16,

    #[command(flatten)]
    figure: FigureArgs,
}

/// Order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// Most informative first.
    Kl,
    /// What moves most pixels first.
    Sensitivity,
    /// As they are numbered.
    Index,
}

/// Draws a traversal.
///
/// # Errors
/// When the model or the base code cannot be read or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let kinds = [TargetKind::Png, TargetKind::Gif, TargetKind::Npz, TargetKind::Folder];
    let target = args.figure.target(&kinds)?;
    let mut bench = args.figure.open()?;
    let plan = Plan::new(args, &mut bench)?;
    let provenance = plan.provenance(args, &bench);
    match target.kind {
        TargetKind::Png => plan.write_figure(args, &mut bench, &target, &provenance),
        TargetKind::Gif => plan.write_animation(args, &mut bench, &target, &provenance),
        TargetKind::Npz => plan.write_arrays(&mut bench, &target, &provenance),
        TargetKind::Folder => plan.write_cells(&mut bench, &target, &provenance),
    }
}

/// Everything that is decided before anything is drawn.
struct Plan {
    traversal: Traversal,
    /// A name a row; empty where nobody gave one.
    names: Vec<String>,
    codes: Codes,
    /// The render chains that draw.
    chains: Vec<String>,
}

impl Plan {
    fn new(args: &Args, bench: &mut Workbench) -> anyhow::Result<Self> {
        let name = match &args.block {
            Some(name) => name.clone(),
            None => {
                main_block(bench.description()).context("this model has no codes to traverse")?.to_owned()
            }
        };
        let base = base(args, bench)?;
        base.block(&name).map_err(|error| usage(error.to_string()))?;
        let block = bench.description().block(&name).context("the code block has no description")?.clone();
        let chains = chains(args, bench, &block)?;
        let listed = parse_dims(&args.dims, block.dims).map_err(|error| usage(format!("--dims: {error}")))?;
        let names = names(args, &block, &listed)?;
        let order = order(args, bench, &block, &listed)?;
        let dims: Vec<usize> = order.iter().map(|&at| listed[at]).collect();
        let names = order.iter().map(|&at| names[at].clone()).collect();
        let ranges =
            dims.iter().map(|&dim| range(args, bench, &block, dim)).collect::<anyhow::Result<_>>()?;
        let traversal =
            Traversal { block: name, dims, ranges, steps: usize::from(args.steps), base, mode: args.mode };
        let codes = traversal.codes()?;
        Ok(Self { traversal, names, codes, chains })
    }

    fn rows(&self) -> usize {
        self.traversal.dims.len()
    }

    fn steps(&self) -> usize {
        self.traversal.steps
    }

    fn title(&self, row: usize) -> String {
        match self.names[row].as_str() {
            "" => format!("{}{}", self.traversal.block, self.traversal.dims[row]),
            name => name.to_owned(),
        }
    }

    fn provenance(&self, args: &Args, bench: &Workbench) -> Provenance {
        let ranges: Vec<_> = self.traversal.ranges.iter().map(|range| numbers(range)).collect();
        let mut base = serde_json::Map::new();
        for (name, values) in self.traversal.base.blocks() {
            base.insert(name.to_owned(), numbers(values.data()));
        }
        bench
            .provenance()
            .with("block", self.traversal.block.clone())
            .with("dims", self.traversal.dims.clone())
            .with("ranges", ranges)
            .with("steps", self.steps())
            .with("mode", self.traversal.mode.to_string())
            .with("base", base)
            .with("seed", args.seed)
            .with("s_seed", args.s_seed)
    }
}
