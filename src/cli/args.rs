use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::base::{Background, Cancel, expand_home};
use crate::checkpoint::{BUNDLED, BundledModel, Sources};
use crate::data::OpenOptions;
use crate::inference::{Computer, DeviceChoice, DeviceError, Place, Purpose};
use crate::model::ModelDescription;
use crate::ops::Precision;

use super::reading::ReadingArgs;
use super::{threads, usage};

/// Which model a command works on.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// A bundle (.safetensors), a run folder (its newest checkpoint), the name of a bundled model, a published VAE, or a
    /// decoder of another program (.onnx).
    #[arg(value_name = "MODEL", value_parser = model_parser())]
    pub model: Option<PathBuf>,

    /// The same MODEL as an option.
    #[arg(long, value_name = "MODEL", conflicts_with = "model", value_parser = model_parser())]
    pub checkpoint: Option<PathBuf>,

    /// A VAE alone, in any supported format: a published PyTorch file (`last`) or a bundle.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "checkpoint"])]
    pub vae: Option<PathBuf>,

    /// A GAN alone, in any supported format: a published PyTorch file (`model.pt`) or a bundle.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "checkpoint"])]
    pub gan: Option<PathBuf>,

    /// How many of the GAN's inputs are the disentangled code c (the last ones); needed when a GAN file comes
    /// without its VAE.
    #[arg(long, value_name = "N", conflicts_with = "vae")]
    pub c_dim: Option<usize>,

    /// What files of other programs do not say.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

impl ModelArgs {
    /// The bundle or run folder, however it was given.
    pub fn bundle(&self) -> Option<&PathBuf> {
        self.model.as_ref().or(self.checkpoint.as_ref())
    }

    /// Whether any model is named.
    pub fn is_given(&self) -> bool {
        self.bundle().is_some() || self.vae.is_some() || self.gan.is_some()
    }

    /// What to open.
    ///
    /// # Errors
    /// A [`super::Usage`] error that says how to name a model when none is named.
    pub fn sources(&self) -> anyhow::Result<Sources> {
        if !self.is_given() {
            return Err(usage(
                "no model is named; give a bundle or a run folder, or --vae FILE and/or --gan FILE",
            ));
        }
        if let Some(name) = self.bundle().and_then(|path| unknown_name(path)) {
            let known: Vec<&str> = BUNDLED.iter().map(|model| model.name).collect();
            let known = known.join(" and ");
            return Err(usage(format!(
                "no file and no bundled model has this name; bundled are {known}: {name}"
            )));
        }
        Ok(Sources {
            checkpoint: self.bundle().cloned(),
            vae: self.vae.clone(),
            gan: self.gan.clone(),
            c_dim: self.c_dim,
            reading: self.reading.reading(),
        })
    }

    /// Refuses a command line that names no model.
    ///
    /// # Errors
    /// As [`ModelArgs::sources`].
    pub fn require(&self) -> anyhow::Result<()> {
        self.sources().map(drop)
    }
}

/// The arguments of a command that is not run from the command line itself.
///
/// # Errors
/// A [`super::Usage`] error where they are wrong.
pub(super) fn parsed<A: clap::Args>(command: &str, arguments: &[String]) -> anyhow::Result<A> {
    #[derive(clap::Parser)]
    struct Alone<A: clap::Args> {
        #[command(flatten)]
        args: A,
    }
    let words = std::iter::once(command).chain(arguments.iter().map(String::as_str));
    let alone: Alone<A> = clap::Parser::try_parse_from(words).map_err(|error| usage(error.to_string()))?;
    Ok(alone.args)
}

/// A path that is no file and reads like the name of a bundled model, not like a path.
fn unknown_name(path: &Path) -> Option<&str> {
    let name = path.to_str().filter(|_| !path.exists() && path.extension().is_none())?;
    (!name.contains(['/', '\\'])).then_some(name)
}

/// Takes any path; what is no file but the name of a bundled model becomes the path it is unpacked to.
pub(super) fn model_parser() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let name = path.to_str().filter(|_| !path.exists());
        match name.and_then(|name| BundledModel::find(BUNDLED, name)) {
            Some(model) => model.unpack_for_user(),
            None => Ok(path),
        }
    })
}

/// How a data set is opened.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct OpeningArgs {
    /// The picture behind scream-dsprites, instead of the program's own (or of the one that the model was trained on).
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,

    #[command(flatten)]
    background: BackgroundArgs,

    /// The folder of decoded pictures, instead of the user's cache folder.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,

    /// Most gigabytes of decoded pictures kept in it.
    #[arg(long, value_name = "GB", default_value_t = 20.0, value_parser = parse_gigabytes)]
    cache_size: f64,
}

impl Default for OpeningArgs {
    fn default() -> Self {
        Self { picture: None, background: BackgroundArgs::default(), cache: None, cache_size: 20.0 }
    }
}

impl OpeningArgs {
    /// The picture behind scream-dsprites.
    pub fn picture(&self) -> Option<&Path> {
        self.picture.as_deref()
    }

    /// What shows through transparent pictures, where it is said.
    pub fn background(&self) -> &BackgroundArgs {
        &self.background
    }

    #[cfg(test)]
    pub(super) fn of_picture(picture: PathBuf) -> Self {
        Self { picture: Some(picture), ..Self::default() }
    }

    /// The same for the data set `spec` to measure a model on: where it is what the model was trained on, so is the
    /// picture behind it, unless another is named. The background is the one the model was trained with.
    pub fn options_for(&self, cancel: &Cancel, spec: &str, model: &ModelDescription) -> OpenOptions {
        let mut options = self.options(cancel);
        if options.picture.is_none() && model.data.as_deref() == Some(spec) {
            options.picture = model.data_picture();
        }
        options.background = self.background.or(model);
        options
    }

    /// The options, on all threads; `cancel` stops a long preparation.
    pub fn options(&self, cancel: &Cancel) -> OpenOptions {
        let defaults = OpenOptions::default();
        OpenOptions {
            picture: self.picture.as_deref().map(expand_home),
            background: self.background.given().unwrap_or_default(),
            cache_dir: self.cache.clone().unwrap_or(defaults.cache_dir),
            cache_bytes: (self.cache_size * 1e9) as u64,
            threads: threads(),
            cancel: cancel.clone(),
            progress: None,
        }
    }
}

/// What shows through pictures that are transparent.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct BackgroundArgs {
    /// What shows through the transparent parts of pictures: white, black or #rrggbb. Left out: what the model was trained
    /// with, else black.
    #[arg(long, value_name = "COLOUR")]
    background: Option<Background>,
}

impl BackgroundArgs {
    /// What is asked for, if anything is.
    pub fn given(&self) -> Option<Background> {
        self.background
    }

    /// What is asked for, or what `model` was trained with.
    pub fn or(&self, model: &ModelDescription) -> Background {
        self.background.unwrap_or_else(|| model.background())
    }
}

/// A number of gigabytes.
fn parse_gigabytes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("gigabytes must be a number of 0 or more".to_owned()),
    }
}

/// Where networks are computed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Machine")]
pub struct DeviceArgs {
    /// Where to compute: auto (the first GPU this build knows, else the CPU), cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,

    /// In what a CUDA card multiplies: f32, tf32 or bf16; the processor draws in f32 or, in about half the time, bf16. Left
    /// out: tf32 to train where the card has it, f32 to draw and measure.
    #[arg(long, value_name = "PRECISION")]
    pub precision: Option<Precision>,
}

impl DeviceArgs {
    /// Opens the device.
    ///
    /// # Errors
    /// When it cannot be had, or not in this precision.
    pub fn open(&self, purpose: Purpose) -> Result<Computer, DeviceError> {
        self.place().open(purpose)
    }

    /// Both in one.
    pub fn place(&self) -> Place {
        Place { device: self.device, precision: self.precision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_without_a_model_is_refused() {
        let args = ModelArgs { gan: Some("a b/model.pt".into()), c_dim: Some(20), ..ModelArgs::default() };
        assert!(args.sources().is_ok());
        assert!(ModelArgs::default().sources().is_err());
    }

    #[test]
    fn a_model_is_measured_on_the_picture_it_was_trained_on() {
        let mut model = ModelDescription::empty("");
        model.data = Some("scream-dsprites".into());
        model.provenance.insert("config".into(), serde_json::json!({ "picture": "/pictures/scream.jpg" }));
        let of = |args: OpeningArgs, spec: &str| args.options_for(&Cancel::new(), spec, &model).picture;
        assert_eq!(of(OpeningArgs::default(), "scream-dsprites"), Some("/pictures/scream.jpg".into()));
        assert_eq!(of(OpeningArgs::of_picture("b.png".into()), "scream-dsprites"), Some("b.png".into()));
        assert_eq!(of(OpeningArgs::default(), "dsprites"), None);
    }

    #[test]
    fn the_cache_is_where_and_as_large_as_asked() {
        let args = OpeningArgs { cache: Some("big disk".into()), cache_size: 1.5, ..OpeningArgs::default() };
        let options = args.options(&Cancel::new());
        assert_eq!((options.cache_dir, options.cache_bytes), ("big disk".into(), 1_500_000_000));
        assert_eq!(
            OpeningArgs::default().options(&Cancel::new()).cache_bytes,
            OpenOptions::default().cache_bytes
        );
        for wrong in ["-1", "inf", "nan", "many"] {
            assert!(parse_gigabytes(wrong).is_err(), "{wrong}");
        }
    }
}
