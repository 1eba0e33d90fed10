//! `idgan traverse`: one row a dimension, one column a step.

use std::path::PathBuf;

use anyhow::Context;

use crate::base::{Cancel, FileError, expand_home, write_atomic};
use crate::checkpoint::{CodeBlock, CodeKind};
use crate::explore::export::{
    Animation, Colour, NpzWriter, Provenance, Target, TargetKind, check_size, numbers, write_gif, write_png,
};
use crate::explore::figure::{Band, Figure, captions};
use crate::explore::{
    Codes, Mode, RangeSpec, Source, Traversal, draw_all, main_block, parse_dims, read_square, render_rows,
    sensitivity,
};

use super::workbench::{Decoder, Painter, Workbench, picture, refuse};
use super::{BackgroundArgs, DeviceArgs, ModelArgs, Progress, usage};

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
    #[arg(long, value_name = "gan|vae|both", hide_possible_values = true, help_heading = "Figure")]
    decoder: Option<Decoder>,

    /// Side of a cell in pixels; the GAN's own resolution when left out.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u16).range(1..=8192), help_heading = "Figure")]
    cell: Option<u16>,

    /// Milliseconds a frame of a GIF; those count in hundredths of a second, so that frames take turns where need be.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(20..=10_000),
          help_heading = "Figure")]
    frame_ms: u16,

    /// Draw pictures of more than 100 megapixels.
    #[arg(long, help_heading = "Figure")]
    force: bool,

    /// Where to: a .png, .gif or .npz file, or a new folder for one PNG a cell.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
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
    let target =
        Target::parse(&args.out, &[TargetKind::Png, TargetKind::Gif, TargetKind::Npz, TargetKind::Folder])
            .map_err(usage)?;
    args.model.sources()?;
    target.check()?;
    let mut bench = Workbench::open(&args.model, &args.device)?;
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
    painters: Vec<Painter>,
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
        let painters = painters(args, bench, &block)?;
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
        Ok(Self { traversal, names, codes, painters })
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

    /// Side of a cell: what was asked for, else the GAN's resolution, else the VAE's.
    fn cell(&self, args: &Args, bench: &mut Workbench) -> anyhow::Result<[usize; 2]> {
        if let Some(side) = args.cell {
            return Ok([usize::from(side); 2]);
        }
        let painter = *self.painters.last().context("nothing draws")?;
        let [_, height, width] = bench.picture_shape(painter)?;
        Ok([width, height])
    }

    /// Renders all cells of one painter; `each` gets row, step, values and their shape.
    fn render(
        &self,
        bench: &mut Workbench,
        painter: Painter,
        mut each: impl FnMut(usize, usize, &[f32], [usize; 3]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let input = bench.input(painter, &self.codes)?;
        let shape = bench.picture_shape(painter)?;
        render_rows(bench.renderer(painter)?, &input, |index, values| {
            each(index / self.steps(), index % self.steps(), values, shape)
        })
    }

    fn progress(&self) -> Progress {
        Progress::new("pictures", self.codes.rows() * self.painters.len())
    }

    fn write_figure(
        &self,
        args: &Args,
        bench: &mut Workbench,
        target: &Target,
        provenance: &Provenance,
    ) -> anyhow::Result<()> {
        let figure = self.figure(self.cell(args, bench)?, bench);
        if !args.force {
            check_size(figure.size()?)?;
        }
        let mut canvas = figure.canvas()?;
        let progress = self.progress();
        for (at, &painter) in self.painters.iter().enumerate() {
            self.render(bench, painter, |row, step, values, shape| {
                canvas.place(row * self.painters.len() + at, step, &picture(values, shape)?);
                progress.add(1);
                Ok(())
            })?;
        }
        Ok(write_png(&target.path, canvas.picture(), Colour::Rgb, provenance)?)
    }

    /// One band a dimension; the values above the first one, or above each where they differ.
    fn figure(&self, cell: [usize; 2], bench: &Workbench) -> Figure {
        let same = self.traversal.ranges.windows(2).all(|pair| pair[0] == pair[1]);
        let posterior = bench.posterior().filter(|(code, _)| *code == self.traversal.block);
        let band = |row: usize| {
            let dim = self.traversal.dims[row];
            let mut notes = Vec::new();
            if !self.names[row].is_empty() {
                notes.push(format!("{}{dim}", self.traversal.block));
            }
            if let Some((_, posterior)) = posterior {
                notes.push(format!("KL {:.2} nats", posterior.kl(dim)));
                if !posterior.is_active(dim) {
                    notes.push("collapsed".to_owned());
                }
            }
            Band {
                title: self.title(row),
                notes,
                captions: if row == 0 || !same { self.captions(row) } else { Vec::new() },
                tags: self.tags(),
            }
        };
        Figure { cell, columns: self.steps(), bands: (0..self.rows()).map(band).collect() }
    }

    /// The values of a row, one a column; offsets carry their sign.
    fn captions(&self, row: usize) -> Vec<String> {
        let values = self.traversal.values(row);
        let sign = |(caption, &value): (String, &f32)| match self.traversal.mode {
            Mode::Offset if value > 0.0 => format!("+{caption}"),
            _ => caption,
        };
        captions(&values).into_iter().zip(&values).map(sign).collect()
    }

    /// The painters' names where there is more than one.
    fn tags(&self) -> Vec<String> {
        match self.painters.as_slice() {
            [_] => vec![String::new()],
            painters => painters.iter().map(|painter| painter.tag().to_owned()).collect(),
        }
    }

    fn write_animation(
        &self,
        args: &Args,
        bench: &mut Workbench,
        target: &Target,
        provenance: &Provenance,
    ) -> anyhow::Result<()> {
        // One column a dimension, in as many bands as make the frame about square.
        let columns = ((self.rows() * self.painters.len()) as f64).sqrt().ceil() as usize;
        let columns = columns.clamp(1, self.rows().max(1));
        let bands = (0..self.rows()).step_by(columns).map(|first| Band {
            captions: (first..(first + columns).min(self.rows())).map(|row| self.title(row)).collect(),
            tags: self.tags(),
            ..Band::default()
        });
        let figure = Figure { cell: self.cell(args, bench)?, columns, bands: bands.collect() };
        let [width, height] = figure.size()?;
        if !args.force {
            check_size([width, height * self.steps()])?;
        }
        let mut frames = (0..self.steps()).map(|_| figure.canvas()).collect::<Result<Vec<_>, _>>()?;
        let progress = self.progress();
        for (at, &painter) in self.painters.iter().enumerate() {
            self.render(bench, painter, |row, step, values, shape| {
                let (band, column) = (row / columns, row % columns);
                frames[step].place(band * self.painters.len() + at, column, &picture(values, shape)?);
                progress.add(1);
                Ok(())
            })?;
        }
        let frames: Vec<_> = frames.into_iter().map(|canvas| canvas.into_picture()).collect();
        let animation = Animation { frame_ms: args.frame_ms, back_and_forth: true };
        Ok(write_gif(&target.path, &frames, animation, provenance)?)
    }

    fn write_arrays(
        &self,
        bench: &mut Workbench,
        target: &Target,
        provenance: &Provenance,
    ) -> anyhow::Result<()> {
        let progress = self.progress();
        write_atomic(&target.path, |writer| {
            let fail = |error| anyhow::Error::from(FileError::new(error, &target.path));
            let mut npz = NpzWriter::new(writer);
            let leading = [self.rows(), self.steps()];
            for &painter in &self.painters {
                let shape = bench.picture_shape(painter)?;
                npz.start(painter.key(), &[&leading[..], &shape].concat()).map_err(fail)?;
                self.render(bench, painter, |_, _, values, _| {
                    progress.add(1);
                    npz.push(values).map_err(fail)
                })?;
            }
            for (name, values) in self.codes.blocks() {
                npz.floats(name, &[&leading[..], &[values.row_len()]].concat(), values.data())
                    .map_err(fail)?;
            }
            let dims: Vec<i64> = self.traversal.dims.iter().map(|&dim| dim as i64).collect();
            npz.integers("dims", &[dims.len()], &dims).map_err(fail)?;
            let values: Vec<f32> = (0..self.rows()).flat_map(|row| self.traversal.values(row)).collect();
            npz.floats("values", &leading, &values).map_err(fail)?;
            npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
            npz.finish().map_err(fail)?;
            Ok::<(), anyhow::Error>(())
        })
    }

    fn write_cells(
        &self,
        bench: &mut Workbench,
        target: &Target,
        provenance: &Provenance,
    ) -> anyhow::Result<()> {
        let progress = self.progress();
        let block = &self.traversal.block;
        target.write_folder(|folder| {
            for &painter in &self.painters {
                self.render(bench, painter, |row, step, values, shape| {
                    let dim = self.traversal.dims[row];
                    let name = format!("{row:02}_{block}{dim:02}_{step:03}_{}.png", painter.key());
                    let colour = if shape[0] == 1 { Colour::Grey } else { Colour::Rgb };
                    let cell = provenance
                        .clone()
                        .with("network", painter.key())
                        .with("dim", dim)
                        .with("value", numbers(&self.traversal.values(row)[step..=step])[0].clone())
                        .with(block, numbers(self.codes.row(block, row * self.steps() + step)?));
                    write_png(&folder.join(name), &picture(values, shape)?, colour, &cell)?;
                    progress.add(1);
                    Ok(())
                })?;
            }
            Ok(())
        })
    }
}

/// The code that everything else stays at.
fn base(args: &Args, bench: &mut Workbench) -> anyhow::Result<Codes> {
    let s_seed = args.s_seed.unwrap_or(0);
    let mut base = if let Some(path) = &args.codes {
        let (codes, _) = bench.read_codes(path, s_seed)?;
        if args.row >= codes.rows() {
            return Err(usage(format!(
                "--row {} is beyond the last row, {}: {}",
                args.row,
                codes.rows() - 1,
                path.display()
            )));
        }
        codes.select(&[args.row])
    } else {
        let mut codes = Codes::neutral(bench.description(), 1);
        for block in &bench.description().codes {
            match (block.kind, args.seed) {
                (CodeKind::Noise, _) => bench.draw(&mut codes, block, s_seed, Source::Prior)?,
                (_, Some(seed)) => bench.draw(&mut codes, block, seed, args.from)?,
                (_, None) => {}
            }
        }
        codes
    };
    if args.codes.is_some() && args.s_seed.is_some() {
        for block in bench.description().codes.iter().filter(|block| block.kind == CodeKind::Noise) {
            bench.draw(&mut base, block, s_seed, Source::Prior)?;
        }
    }
    if let Some(path) = &args.image {
        let form = bench.form(args.crop, &args.background)?;
        let encoder = bench.encoder()?;
        let pixels = read_square(&expand_home(path), &form)?;
        let (mut mu, mut logvar) = (vec![0.0; encoder.code_dim()], vec![0.0; encoder.code_dim()]);
        encoder.encode(&pixels, &mut mu, &mut logvar)?;
        let block = bench.description().vae.as_ref().map(|part| part.code.clone()).unwrap_or_default();
        base.set_row(&block, 0, &mu)?;
    }
    Ok(base)
}

/// The networks to draw with; without a wish only those that the block goes into.
fn painters(args: &Args, bench: &Workbench, block: &CodeBlock) -> anyhow::Result<Vec<Painter>> {
    let mut painters = bench.painters(args.decoder)?;
    let description = bench.description();
    let takes = |painter: &Painter| match painter {
        Painter::Vae => description.vae.as_ref().is_some_and(|part| part.code == block.name),
        Painter::Gan => description.generator.as_ref().is_some_and(|part| part.inputs.contains(&block.name)),
    };
    if args.decoder.is_none() {
        painters.retain(takes);
        refuse(painters.is_empty(), &format!("no network of this model takes code block {}", block.name))?;
    }
    Ok(painters)
}

/// A name for each listed dimension: from `--names`, else from the model.
fn names(args: &Args, block: &CodeBlock, listed: &[usize]) -> anyhow::Result<Vec<String>> {
    if args.names.is_empty() {
        return Ok(listed.iter().map(|&dim| block.labels.get(dim).cloned().unwrap_or_default()).collect());
    }
    if args.names.len() != listed.len() {
        return Err(usage(format!("--names has {} names for {} dimensions", args.names.len(), listed.len())));
    }
    Ok(args.names.iter().map(|name| name.trim().to_owned()).collect())
}

/// The order of the rows, as positions in the list of dimensions.
fn order(
    args: &Args,
    bench: &mut Workbench,
    block: &CodeBlock,
    listed: &[usize],
) -> anyhow::Result<Vec<usize>> {
    let as_listed = || (0..listed.len()).collect::<Vec<_>>();
    let measured = bench.posterior().filter(|(code, _)| *code == block.name).map(|(_, posterior)| posterior);
    let by = |ranking: Vec<usize>| {
        let rank = |dim: usize| ranking.iter().position(|&ranked| ranked == dim);
        let mut order = as_listed();
        order.sort_by_key(|&at| rank(listed[at]));
        order
    };
    match (args.order, measured) {
        (None, _) if args.dims != "all" => Ok(as_listed()),
        (None | Some(Order::Kl), Some(posterior)) => Ok(by(posterior.order_by_kl())),
        (None | Some(Order::Index), _) => Ok(by((0..block.dims).collect())),
        (Some(Order::Kl), None) => anyhow::bail!(
            "--order kl needs statistics of the data, and this model has none for {}; measure them with idgan stats \
             MODEL --images DIR, or use --order sensitivity",
            block.name
        ),
        (Some(Order::Sensitivity), _) => Ok(by(by_sensitivity(args, bench, block)?)),
    }
}

/// The dimensions of a block from the one that moves most pixels to the least, over 64 random codes.
fn by_sensitivity(args: &Args, bench: &mut Workbench, block: &CodeBlock) -> anyhow::Result<Vec<usize>> {
    // The decoder answers faster, and about the code alone.
    let painter = painters(args, bench, block)?[0];
    let description = bench.description();
    let offset = match (painter, &description.generator) {
        (Painter::Gan, Some(part)) => {
            let before = part.inputs.iter().take_while(|name| **name != block.name);
            before.filter_map(|name| description.block(name)).map(|block| block.dims).sum()
        }
        _ => 0,
    };
    let codes = draw_all(description, 64, 0, None);
    let ranges =
        (0..block.dims).map(|dim| range(args, bench, block, dim)).collect::<anyhow::Result<Vec<_>>>()?;
    let input = bench.input(painter, &codes)?;
    let moved = sensitivity(bench.renderer(painter)?, &input, offset, &ranges, &Cancel::new())?
        .context("the measurement was cancelled")?;
    let mut ranking: Vec<usize> = (0..block.dims).collect();
    ranking.sort_by(|&a, &b| moved[b].total_cmp(&moved[a]));
    Ok(ranking)
}

fn range(args: &Args, bench: &Workbench, block: &CodeBlock, dim: usize) -> anyhow::Result<[f32; 2]> {
    Ok(match args.range {
        Some(range) => range.resolve(block, dim, bench.posterior())?,
        None => block.range,
    })
}
