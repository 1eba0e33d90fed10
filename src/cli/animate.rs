//! `idgan animate`: a walk through chosen codes, as an animation or as frames.

use std::path::PathBuf;

use crate::base::Picture;
use crate::explore::export::{
    Animation, Colour, Provenance, Target, TargetKind, numbers, write_gif, write_png,
};
use crate::explore::figure::{Band, Canvas, Figure, fit};
use crate::explore::{CodePath, Codes};

use super::FigureArgs;
use super::workbench::{ChainChoice, Workbench, picture};

/// Arguments of `idgan animate`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Codes with meaning (c) move in straight lines, the nuisance (s) along great circles, a choice switches \
    half way. OUT is an animation (.gif), or a new folder for one PNG a frame; to animate one dimension, see idgan \
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

/// Draws the walk.
///
/// # Errors
/// When the model or the codes cannot be read or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = args.figure.target(&[TargetKind::Gif, TargetKind::Folder])?;
    let mut bench = args.figure.open()?;
    let chains = bench.chains(args.decoder.as_ref())?;
    let (mut stops, drawn) = bench.read_codes(&args.codes, args.s_seed)?;
    // One nuisance for all frames, where nobody chose others.
    for name in &drawn {
        let first = stops.row(name, 0)?.to_vec();
        (1..stops.rows()).try_for_each(|row| stops.set_row(name, row, &first))?;
    }
    let path = CodePath { stops, is_closed: args.closed };
    anyhow::ensure!(
        path.legs() > 0,
        "a walk needs at least 2 codes, and this file has {}: {}",
        path.stops.rows(),
        args.codes.display()
    );
    let codes = path.frames(bench.description(), usize::from(args.steps))?;
    let stops: serde_json::Map<_, _> =
        path.stops.blocks().map(|(name, values)| (name.to_owned(), numbers(values.data()))).collect();
    let provenance = bench
        .provenance()
        .with("stops", stops)
        .with("steps", args.steps)
        .with("closed", args.closed)
        .with("s_seed", args.s_seed);
    let frames = draw(args, &mut bench, &chains, &codes)?;
    match target.kind {
        TargetKind::Gif => {
            let animation = Animation { frame_ms: args.frame_ms, back_and_forth: !args.closed };
            Ok(write_gif(&target.path, &frames, animation, &provenance)?)
        }
        _ => write_frames(&mut bench, &chains, &codes, &frames, &target, &provenance),
    }
}

/// All frames: one network's pictures as they are, or both beside each other with their names.
fn draw(
    args: &Args,
    bench: &mut Workbench,
    chains: &[String],
    codes: &Codes,
) -> anyhow::Result<Vec<Picture>> {
    let cell = args.figure.cell(bench, &chains[chains.len() - 1])?;
    let band = Band {
        captions: chains.iter().map(|chain| bench.tag(chain)).collect(),
        tags: vec![String::new()],
        ..Band::default()
    };
    let figure = Figure { cell, columns: chains.len(), bands: vec![band] };
    let is_bare = chains.len() == 1;
    let [width, height] = if is_bare { cell } else { figure.size()? };
    args.figure.check_size([width, height * codes.rows()])?;
    let mut canvases = Vec::new();
    if !is_bare {
        canvases = (0..codes.rows()).map(|_| figure.canvas()).collect::<Result<_, _>>()?;
    }
    let mut frames = Vec::new();
    let parts = chains.iter().map(|chain| (chain.as_str(), codes));
    bench.render(parts, |column, frame, values, shape| {
        let picture = picture(values, shape)?;
        match canvases.get_mut(frame) {
            Some(canvas) => canvas.place(0, column, &picture),
            None => frames.push(fit(&picture, cell).into_owned()),
        }
        Ok(())
    })?;
    frames.extend(canvases.into_iter().map(Canvas::into_picture));
    Ok(frames)
}

/// One PNG a frame, each with its codes.
fn write_frames(
    bench: &mut Workbench,
    chains: &[String],
    codes: &Codes,
    frames: &[Picture],
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let is_grey = chains.len() == 1 && bench.picture_shape(&chains[0])?[0] == 1;
    let colour = if is_grey { Colour::Grey } else { Colour::Rgb };
    target.write_folder(|folder| {
        for (index, frame) in frames.iter().enumerate() {
            let mut provenance = provenance.clone().with("frame", index);
            for (name, values) in codes.blocks() {
                provenance = provenance.with(name, numbers(values.row(index)));
            }
            write_png(&folder.join(format!("frame_{index:04}.png")), frame, colour, &provenance)?;
        }
        Ok(())
    })
}
