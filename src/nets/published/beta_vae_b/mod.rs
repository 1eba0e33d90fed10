//! Model B of 1Konny/Beta-VAE, the VAE of Burgess et al. in plain sequentials: files `last`, `50000` and so on. Model H is
//! ID-GAN's own VAE under other names.

mod graph;

use crate::base::PixelRange;

use super::{Published, PublishedRange};

/// The row of the table.
pub(super) const VAE: Published = Published {
    kind: "beta-vae-b",
    title: "Beta-VAE of 1Konny/Beta-VAE, model B",
    sides: &[64],
    range: PublishedRange::Always(PixelRange::Logits),
    encoder: graph::encoder,
    decoder: graph::decoder,
};
