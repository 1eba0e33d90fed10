use crate::training::config::{Method, Ramp, TrainConfig};

use super::config::CycleTraining;

/// The names of its presets, which stand among those of implicit autoencoders; the first two have the paper's networks.
pub(in crate::training) const SHOES: &str = "shoes-cycle";
pub(in crate::training) const FACES: &str = "faces-cycle";
pub(in crate::training) const SPRITES: &str = "sprites-cycle-small";

/// The preset called `name`. Networks and noise are the paper's (section 3, appendix B.2) where it has them: shoes are read as
/// edges without noise and painted with it, women become men with noise and are read back without. How they are trained is ours.
pub(in crate::training) fn preset(name: &str) -> Option<TrainConfig> {
    let photos = photos();
    Some(match name {
        SHOES => {
            let values = CycleTraining { data2: "images:edges".into(), ..photos };
            of("images:shoes", values, 128, 200_000, 16)
        }
        FACES => {
            let values = CycleTraining { data2: "images:male".into(), n_dim: 0, eps_dim: 100, ..photos };
            of("images:female", values, 128, 200_000, 16)
        }
        SPRITES => {
            let values = CycleTraining {
                data2: "dsprites".into(),
                channels2: 1,
                width: 8,
                blocks: 1,
                discriminator_width: 8,
                n_dim: 10,
                learning_rate: 5e-4,
                noise: Ramp { from: 0.5, to: 0.0, over: 4_000 },
                ..photos
            };
            of("color-dsprites", values, 32, 4_000, 16)
        }
        _ => return None,
    })
}

/// The section beside a preset of another method of the family, whose pictures have so many channels.
pub(in crate::training) fn beside(channels: usize) -> CycleTraining {
    CycleTraining { channels, channels2: channels, ..photos() }
}

/// Networks for photographs. Where those of a second domain lie nobody has said yet.
fn photos() -> CycleTraining {
    CycleTraining {
        data2: "images:photos-2".into(),
        channels: 3,
        channels2: 3,
        width: 64,
        blocks: 6,
        discriminator_width: 64,
        n_dim: 100,
        eps_dim: 0,
        l1: 0.0,
        // Without it the discriminator tells grey from black and white at once, and f runs into one pattern (measured on
        // sprites).
        noise: Ramp { from: 0.5, to: 0.0, over: 100_000 },
        learning_rate: 2e-4,
    }
}

fn of(data: &str, values: CycleTraining, size: usize, steps: u64, batch: usize) -> TrainConfig {
    TrainConfig { cycle: Some(values), ..TrainConfig::new(Method::CycleIae, data, size, steps, batch) }
}
