//! The VAE of Burgess et al. ("Understanding disentangling in beta-VAE", 2018) as disentangling-vae has it, for pictures of 64
//! or 32 pixels: files `model.pt` of its losses VAE, betaH, betaB, factor and btcvae.

mod graph;

use crate::base::PixelRange;

use super::{Published, PublishedRange};

/// The row of the table.
pub(super) const VAE: Published = Published {
    kind: "burgess",
    title: "VAE of Burgess et al. (YannDubs/disentangling-vae)",
    sides: &[64, 32],
    range: PublishedRange::Always(PixelRange::Unit),
    encoder: graph::encoder,
    decoder: graph::decoder,
};
