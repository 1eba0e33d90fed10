//! `idgan encode`: codes of pictures.

use std::path::PathBuf;

use crate::base::{FileError, write_atomic};
use crate::explore::export::{NpzWriter, Target, TargetKind};

use super::pictures_in::PicturesIn;
use super::workbench::Workbench;
use super::{BackgroundArgs, DeviceArgs, ModelArgs, print_json, usage, warn};

/// Arguments of `idgan encode`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The output holds `mu` and `logvar` (N, c_dim) of q(c|x), `c` = mu, so that it feeds `idgan \
    sample --codes`, and for files their names as `files`.\n\n\
    Pictures of any size and mode: the middle square (or the middle --crop pixels) is brought to the encoder's 64x64. \
    A 64x64 picture passes unchanged, whole multiples of 64 are averaged, anything else is scaled by a Lanczos \
    filter. Hidden files and what is no picture are passed over and counted, and up to one broken picture in a \
    hundred is left out and named.\n\n\
    Examples:\n  \
    idgan encode celeba.safetensors --images img_align_celeba --crop 160 --out codes.npz\n  \
    idgan encode --vae last --images face.jpg --out code.npz\n  \
    idgan sample celeba.safetensors --codes code.npz --out pictures       draw them again"
)]
pub struct Args {
    /// Pictures: a folder (searched in depth, in name order), a zip or tar archive, one file, or an .npz with `x` (N,
    /// channels, H, W) in [0, 1].
    #[arg(long, value_name = "DIR|FILE|x.npz")]
    images: PathBuf,

    /// Use only the middle square of this many pixels (aligned CelebA 160, 3D chairs 450).
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..))]
    crop: Option<u32>,

    #[command(flatten)]
    background: BackgroundArgs,

    /// Where to: a .npz file.
    #[arg(long, value_name = "OUT.npz")]
    out: PathBuf,

    /// Print the number of pictures and the mean of each dimension as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Encodes pictures.
///
/// # Errors
/// When the model has no encoder, a picture cannot be read, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = Target::parse(&args.out, &[TargetKind::Npz]).map_err(usage)?;
    args.model.require()?;
    target.check()?;
    let pictures = PicturesIn::open(&args.images)?;
    let mut bench = Workbench::open(&args.model, &args.device)?;
    let block = bench.description().vae.as_ref().map_or_else(|| "c".to_owned(), |part| part.code.clone());
    let all: Vec<usize> = (0..pictures.len()).collect();
    let form = bench.form(args.crop, &args.background)?;
    let encoded = pictures.encode(bench.encoder()?, &all, &form)?;
    encoded.left_out.iter().for_each(warn);
    let provenance =
        bench.provenance().with("background", form.background.to_string()).document().to_string();
    write_atomic(&target.path, |writer| {
        let fail = |error| anyhow::Error::from(FileError::new(error, &target.path));
        let mut npz = NpzWriter::new(writer);
        let arrays = [("mu", &encoded.mu), ("logvar", &encoded.logvar), (block.as_str(), &encoded.mu)];
        for (name, values) in arrays {
            npz.floats(name, values.shape(), values.data()).map_err(fail)?;
        }
        let names = pictures.names(&encoded.rows);
        if !names.is_empty() {
            npz.names("files", &names).map_err(fail)?;
        }
        npz.text("provenance", &provenance).map_err(fail)?;
        npz.finish().map_err(fail)?;
        Ok::<(), anyhow::Error>(())
    })?;
    if args.json {
        let mean = |dim: usize| {
            let sum: f64 = (0..encoded.rows.len()).map(|row| f64::from(encoded.mu.row(row)[dim])).sum();
            sum / encoded.rows.len() as f64
        };
        let means: Vec<f64> = (0..encoded.mu.row_len()).map(mean).collect();
        print_json(&serde_json::json!({
            "out": target.path.display().to_string(),
            "pictures": encoded.rows.len(),
            "mean_mu": means,
        }))?;
    }
    Ok(())
}
