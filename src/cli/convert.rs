//! `idgan convert`: published PyTorch files to a bundle and back.

use std::path::{Path, PathBuf};

use crate::base::shell_quoted;
use crate::checkpoint::{Precision, export_onnx, export_torch, open, write_bundle};
use crate::explore::{CodesFile, Wanted};
use crate::model::ModelDescription;
use crate::training::note_training;

use super::{ModelArgs, print, usage, warn};

/// Turn published PyTorch files into one bundle, or a bundle back into PyTorch files.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan convert --vae last --gan model.pt --out faces.safetensors\n  \
    idgan convert --gan model.pt --c-dim 20 --out gan-only.safetensors\n  \
    idgan convert faces.safetensors --f16 --out small.safetensors     half the size\n  \
    idgan convert runs/gan --f16 --labels 9=y,3=x,4=scale --out sprites.safetensors\n  \
    idgan sample runs/gan --count 100 --out codes.npz     draws; look at them, then let the model open with the best\n  \
    idgan convert runs/gan --opening codes.npz --row 42 --out sprites.safetensors\n  \
    idgan convert faces.safetensors --to pytorch --out exported       writes exported/last and exported/model.pt\n  \
    idgan convert faces.safetensors --to onnx --out exported          generator.onnx, decoder.onnx, encoder.onnx")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// The bundle to write; with `--to pytorch` and `--to onnx`, the folder.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// What to write.
    #[arg(long, value_enum, default_value_t = ConvertFormat::Bundle)]
    to: ConvertFormat,

    /// Store networks as 16-bit floats: half the size, 11 bits of precision.
    #[arg(long)]
    f16: bool,

    /// Leave the discriminator out: only training has a use for it.
    #[arg(long)]
    without_discriminator: bool,

    /// Names of dimensions of the code, kept in the bundle: sliders and figures show them.
    #[arg(long, value_name = "DIM=NAME,...", value_delimiter = ',', value_parser = parse_label)]
    labels: Vec<(usize, String)>,

    /// What the model is called in the window, instead of its preset.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// The codes that the window opens the model with, kept in the bundle: an .npz with `c` (N, c_dim) and, if you like,
    /// `s` (N, s_dim), as `idgan sample` writes it.
    #[arg(long, value_name = "FILE")]
    opening: Option<PathBuf>,

    /// The row of --opening.
    #[arg(long, value_name = "R", default_value_t = 0, requires = "opening")]
    row: usize,
}

/// What `convert` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ConvertFormat {
    /// One .safetensors file with everything.
    Bundle,
    /// The files of the published code: `last` (VAE) and `model.pt` (GAN).
    Pytorch,
    /// One ONNX file (opset 17) a network: generator.onnx, decoder.onnx, encoder.onnx.
    Onnx,
}

/// Runs `idgan convert`.
///
/// # Errors
/// When the model cannot be opened or the result cannot be written; nothing half-written is left.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let sources = args.model.sources()?;
    if args.f16 && args.to != ConvertFormat::Bundle {
        return Err(usage("--f16 is for bundles; PyTorch and ONNX files are written as f32"));
    }
    if args.to == ConvertFormat::Bundle && !has_extension(&args.out, "safetensors") {
        return Err(usage(format!(
            "a bundle ends in .safetensors; write --out {}, or --to pytorch or --to onnx for a folder of files",
            shell_quoted([args.out.with_added_extension("safetensors")])
        )));
    }
    if args.to != ConvertFormat::Bundle && args.without_discriminator {
        return Err(usage(
            "--without-discriminator is for bundles; the published code loads both networks, and ONNX files get none",
        ));
    }
    let has_words = args.title.is_some() || !args.labels.is_empty() || args.opening.is_some();
    if args.to != ConvertFormat::Bundle && has_words {
        return Err(usage(
            "--labels, --title and --opening are for bundles; PyTorch and ONNX files have no place for them",
        ));
    }
    let mut opened = open(&sources)?;
    opened.said().iter().for_each(warn);
    let written = match args.to {
        ConvertFormat::Bundle => {
            name(&mut opened.model.description, args)?;
            if let Some(path) = &args.opening {
                open_with(&mut opened.model.description, path, args.row)?;
            }
            forget_folders(&mut opened.model.description);
            if args.without_discriminator {
                opened.model.forget_discriminators();
            }
            let precision = if args.f16 { Precision::F16 } else { Precision::F32 };
            write_bundle(&args.out, &opened.model, precision)?;
            vec![args.out.clone()]
        }
        ConvertFormat::Pytorch => {
            let description = &opened.model.description;
            if description.encoder().is_some() && description.decoder().is_none() {
                warn(
                    "the encoder has no decoder, so it is no VAE that the published code loads; it was left out",
                );
            }
            note_training(&mut opened.model.description);
            export_torch(&args.out, &opened.model)?
        }
        ConvertFormat::Onnx => export_onnx(&args.out, &opened.model)?,
    };
    written.iter().try_for_each(|path| print(path.display()))
}

/// Puts the names that were given into the description.
fn name(description: &mut ModelDescription, args: &Args) -> anyhow::Result<()> {
    if let Some(title) = &args.title {
        description.name.clone_from(title);
    }
    let code = description.encoded().unwrap_or("c").to_owned();
    let Some(block) = description.codes.iter_mut().find(|block| block.name == code) else {
        return match args.labels.is_empty() {
            true => Ok(()),
            false => {
                Err(usage(format!("this model has no code block {code}, so --labels has nothing to name")))
            }
        };
    };
    for (dim, label) in &args.labels {
        if *dim >= block.dims {
            return Err(usage(format!(
                "--labels names dimension {dim}, but {code} has {} dimensions, counted from 0",
                block.dims
            )));
        }
        block.labels.resize(block.dims.max(block.labels.len()), String::new());
        block.labels[*dim].clone_from(label);
    }
    Ok(())
}

/// Lets the model open with row `row` of the codes in a file.
fn open_with(description: &mut ModelDescription, path: &Path, row: usize) -> anyhow::Result<()> {
    let file = CodesFile::read(path, description, Wanted::Any)?;
    let mut row = file.row(row).map_err(|error| usage(error.to_string()))?;
    for block in &mut description.codes {
        if let Some(values) = row.remove(&block.name) {
            block.opening = values;
        }
    }
    description
        .validate()
        .map_err(|error| usage(format!("--opening does not fit: {error}: {}", path.display())))
}

/// Shortens the paths of the models that a GAN came from to their last names: a bundle is for giving away, and where they
/// lay says nothing elsewhere. Their hashes stay.
fn forget_folders(description: &mut ModelDescription) {
    let Some(config) = description.provenance.get_mut("config") else { return };
    for place in ["/gan/vae", "/gan/start", "/vae/start"] {
        if let Some(serde_json::Value::String(path)) = config.pointer_mut(place)
            && let Some(name) = Path::new(path.as_str()).file_name()
        {
            *path = name.to_string_lossy().into_owned();
        }
    }
}

fn parse_label(text: &str) -> Result<(usize, String), String> {
    let wanted = || format!("{text:?} should be a dimension and its name, for instance 3=azimuth");
    let (dim, label) = text.split_once('=').ok_or_else(wanted)?;
    let dim = dim.trim().parse().map_err(|_| wanted())?;
    Ok((dim, label.trim().to_owned()))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
