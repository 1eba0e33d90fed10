use std::fmt;
use std::str::FromStr;

/// Which render chains draw: `gan`, `vae`, what else the model calls them, or `both`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainChoice {
    /// All, the main one last: the VAE's decoder above the generator.
    Both,
    /// The one of this name.
    Named(String),
}

impl FromStr for ChainChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected gan, vae, both, or the name of one of the model's chains".to_owned()),
            "both" => Ok(Self::Both),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

impl fmt::Display for ChainChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Both => f.write_str("both"),
            Self::Named(name) => f.write_str(name),
        }
    }
}
