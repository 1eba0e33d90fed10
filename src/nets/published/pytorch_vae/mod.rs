//! VanillaVAE and BetaVAE of PyTorch-VAE, which are one network and differ in their losses: Lightning's checkpoints `*.ckpt`,
//! which hold it below `model`.

mod graph;

use crate::base::PixelRange;

use super::{Published, PublishedRange};

/// The row of the table.
pub(super) const VAE: Published = Published {
    kind: "pytorch-vae",
    title: "VAE of PyTorch-VAE (AntixK), vanilla or beta",
    sides: &[64],
    range: PublishedRange::Either { choices: [PixelRange::Signed, PixelRange::Unit], guess: guessed },
    encoder: graph::encoder,
    decoder: graph::decoder,
};

/// The version of Lightning with which its pictures ceased to be scaled to [-1, 1] for training; the decoder ends in a tanh
/// still.
const UNSCALED: [u32; 2] = [1, 5];

fn guessed(lightning: Option<&str>) -> (PixelRange, String) {
    let said = || lightning.map(crate::base::visible).unwrap_or_default();
    match lightning.and_then(version) {
        Some(version) if version >= UNSCALED => (
            PixelRange::Unit,
            format!("PyTorch Lightning {} wrote the file, with which its pictures are not scaled", said()),
        ),
        Some(_) => (
            PixelRange::Signed,
            format!("PyTorch Lightning {} wrote the file, with which its pictures are scaled", said()),
        ),
        None => (PixelRange::Signed, "a tanh comes last".into()),
    }
}

/// The first two numbers of a version.
fn version(text: &str) -> Option<[u32; 2]> {
    let mut numbers = text.split('.').map(str::parse::<u32>);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_lightning_tells_how_pictures_were_scaled() {
        for (version, range) in [
            (Some("1.5.6"), PixelRange::Unit),
            (Some("1.10.0"), PixelRange::Unit),
            (Some("2.0.0rc1"), PixelRange::Unit),
            (Some("0.6.0"), PixelRange::Signed),
            (Some("1.4.9"), PixelRange::Signed),
            (Some("of my own"), PixelRange::Signed),
            (None, PixelRange::Signed),
        ] {
            assert_eq!(guessed(version).0, range, "{version:?}");
        }
        assert!(guessed(Some("1.5.6")).1.starts_with("PyTorch Lightning 1.5.6"));
        assert_eq!(guessed(None).1, "a tanh comes last");
    }
}
