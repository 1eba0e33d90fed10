use std::path::PathBuf;
use std::str::FromStr;

use super::usage;

/// Which model a command works on.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// A bundle (.safetensors) or a run folder (its newest checkpoint).
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,

    /// The same, as an option.
    #[arg(long, value_name = "MODEL", conflicts_with = "model")]
    pub checkpoint: Option<PathBuf>,

    /// A VAE alone, in any supported format: a published PyTorch file (`last`) or a bundle.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "checkpoint"])]
    pub vae: Option<PathBuf>,

    /// A GAN alone, in any supported format: a published PyTorch file (`model.pt`) or a bundle.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "checkpoint"])]
    pub gan: Option<PathBuf>,

    /// How many of the GAN's inputs are the disentangled code c (the last ones); needed when a GAN file comes
    /// without its VAE.
    #[arg(long, value_name = "N", requires = "gan")]
    pub c_dim: Option<usize>,
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

    /// Refuses a command line without a model.
    ///
    /// # Errors
    /// A [`super::Usage`] error that says how to name one.
    pub fn require(&self) -> anyhow::Result<()> {
        if self.is_given() {
            return Ok(());
        }
        Err(usage("no model is named; give a bundle or a run folder, or --vae FILE and/or --gan FILE"))
    }

    /// The arguments that name this model again, for remaking commands.
    pub fn as_arguments(&self) -> Vec<String> {
        let shown = |path: &PathBuf| path.display().to_string();
        let mut arguments = Vec::new();
        arguments.extend(self.bundle().map(shown));
        for (flag, path) in [("--vae", &self.vae), ("--gan", &self.gan)] {
            if let Some(path) = path {
                arguments.extend([flag.to_owned(), shown(path)]);
            }
        }
        if let Some(c_dim) = self.c_dim {
            arguments.extend(["--c-dim".to_owned(), c_dim.to_string()]);
        }
        arguments
    }
}

/// Where networks are computed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Machine")]
pub struct DeviceArgs {
    /// Where to compute: auto (the first GPU this build knows, else the CPU), cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}

/// A device as it is named on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU that this build supports and the machine has, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this index.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| "expected auto, cpu, cuda, cuda:N or metal".to_owned()),
        }
    }
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_shown_alike() {
        for text in ["auto", "cpu", "cuda", "cuda:3", "metal"] {
            assert_eq!(text.parse::<DeviceChoice>().map(|d| d.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "gpu", "cuda:", "cuda:-1", "CPU "] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_model_is_named_again_as_it_was_given() {
        let args = ModelArgs { gan: Some("a b/model.pt".into()), c_dim: Some(20), ..ModelArgs::default() };
        assert_eq!(args.as_arguments(), ["--gan", "a b/model.pt", "--c-dim", "20"]);
        assert!(args.require().is_ok());
        assert!(ModelArgs::default().require().is_err());
    }
}
