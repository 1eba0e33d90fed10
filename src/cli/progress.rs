//! `idgan progress`: the sample grids of a run as an animation.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::base::Background;
use crate::data::Store;
use crate::explore::Photo;
use crate::figures::export::{Animation, FigureTarget, Provenance, TargetKind, write_animation_of};
use crate::training::RunFolder;

use super::{TerminalProgress, usage};

/// How often the last grid is shown, so that the eye can rest on it.
const REST: usize = 8;

/// Arguments of `idgan progress`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan progress runs/gan --out progress.gif\n  \
    idgan progress runs/gan --frames 30 --milliseconds 200 --out progress.gif\n\n\
    The grids are those that training draws every --sample-every steps, of the same pictures and codes each time.")]
pub struct Args {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// The most grids to show, evenly over the run.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(2..=1000))]
    frames: u16,

    /// How long each is shown, in milliseconds; GIFs count in hundredths of a second, so that frames take turns where
    /// need be.
    #[arg(long, value_name = "MS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(20..=10_000))]
    milliseconds: u16,

    /// Where to: a .gif, an .apng, or an .mp4 (by ffmpeg).
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
}

/// Runs `idgan progress`.
///
/// # Errors
/// When the run holds no two grids of one size, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = FigureTarget::parse(&args.out, &TargetKind::ANIMATIONS).map_err(usage)?;
    target.check()?;
    let grids = grids(&args.run)?;
    let chosen = evenly_chosen(grids.len(), usize::from(args.frames));
    let count = chosen.len() + REST - 1;
    // a GIF looks at each twice, and all at the first once more
    let looks = if target.kind == TargetKind::Gif { 2 } else { 1 };
    let bar = TerminalProgress::new("frames", looks * count + 1);
    // Grids are as large as a screen and larger, so one is in memory at a time.
    let frame = |at: usize| {
        bar.add(1);
        Ok(Cow::Owned(Photo::open(&grids[chosen[at.min(chosen.len() - 1)]], Background::BLACK)?.to_picture()))
    };
    let animation = Animation { frame_ms: args.milliseconds, back_and_forth: false };
    let provenance = Provenance {
        command: std::iter::once("idgan".to_owned()).chain(std::env::args().skip(1)).collect(),
        model: args.run.display().to_string(),
        ..Provenance::default()
    };
    write_animation_of(&target, count, frame, animation, &provenance)?;
    Ok(())
}

/// The grids of a run in the order of their steps.
fn grids(run: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if RunFolder::saved_config(run)?.is_none() {
        return Err(usage(format!(
            "this folder is no run (it has no config.toml); name one: {}",
            run.display()
        )));
    }
    let folder = run.join("samples");
    let none = || {
        usage(format!(
            "this run has drawn no two sample grids yet; train on, or with a smaller --sample-every: {}",
            run.display()
        ))
    };
    if !folder.is_dir() {
        return Err(none());
    }
    let store = Store::open(&folder)?;
    let is_grid =
        |name: &Path| name.to_str().is_some_and(|name| name.starts_with("step-") && name.ends_with(".png"));
    // Steps have leading zeros, so the order of names is theirs.
    let grids: Vec<PathBuf> = store
        .entries()
        .iter()
        .filter(|entry| is_grid(entry.name()))
        .map(|entry| store.path_of(entry))
        .collect();
    if grids.len() < 2 { Err(none()) } else { Ok(grids) }
}

/// At most `most` of `count` places, the first and the last among them.
fn evenly_chosen(count: usize, most: usize) -> Vec<usize> {
    let shown = count.min(most);
    (0..shown).map(|i| i * (count - 1) / (shown - 1).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, preset};

    #[test]
    fn the_first_and_the_last_grid_are_always_shown() {
        assert_eq!(evenly_chosen(3, 60), [0, 1, 2]);
        assert_eq!(evenly_chosen(101, 3), [0, 50, 100]);
        assert_eq!(evenly_chosen(7, 4), [0, 2, 4, 6]);
    }

    #[test]
    fn a_run_becomes_an_animation_in_the_order_of_its_steps() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let samples = folder.path().join("samples");
        std::fs::create_dir(&samples).expect("creates");
        let out = folder.path().join("progress.gif");
        let args = Args { run: folder.path().into(), frames: 60, milliseconds: 100, out: out.clone() };
        assert!(run(&args).expect_err("no run").to_string().contains("no run (it has no config.toml)"));
        let config =
            toml::to_string(&preset(Family::Vae, "dsprites-small").expect("known")).expect("is TOML");
        std::fs::write(folder.path().join("config.toml"), config).expect("writes");
        assert!(run(&args).expect_err("no grids").to_string().contains("--sample-every"));
        for (step, grey) in [(1000, 100), (0, 0), (20_000, 200)] {
            let grid = image::RgbImage::from_pixel(4, 3, image::Rgb([grey; 3]));
            grid.save(samples.join(format!("step-{step:08}.png"))).expect("saves");
        }
        std::fs::write(samples.join("notes.png"), b"not a grid").expect("writes");
        run(&args).expect("animates");
        let mut decoder = gif::DecodeOptions::new();
        decoder.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = decoder.read_info(std::fs::File::open(out).expect("opens")).expect("a GIF");
        let mut greys = Vec::new();
        while let Some(frame) = decoder.read_next_frame().expect("decodes") {
            greys.push(frame.buffer[0]);
        }
        let mut expected = vec![0, 100];
        expected.extend([200; REST]);
        assert_eq!(greys, expected);
    }
}
