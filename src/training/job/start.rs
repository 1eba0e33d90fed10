use std::path::Path;

use crate::base::{Arrays, Stream};
use crate::checkpoint::{Sources, open};
use crate::nets::{DiscriminatorConfig, GeneratorConfig, grown_discriminator, grown_generator};
use crate::training::TrainError;

/// Weights for a generator and a discriminator that go on from the GAN at `path`: its own where the sizes are the same,
/// and grown ones where its pictures are half as large.
///
/// # Errors
/// When it does not open, or is neither.
pub(super) fn weights_of(
    path: &Path,
    generator: &GeneratorConfig,
    discriminator: &DiscriminatorConfig,
    stream: &mut Stream,
) -> Result<(Arrays, Arrays), TrainError> {
    let model = open(&Sources { checkpoint: Some(path.to_owned()), ..Sources::default() })?.model;
    let of_start = (model.description.generator.map(|part| part.config), model.description.discriminator);
    let (Some(old_generator), Some(old_discriminator)) = of_start else {
        return Err(TrainError::Mismatch(format!(
            "a GAN starts from a generator and a discriminator, and these are not both here: {}",
            path.display()
        )));
    };
    if (old_generator, old_discriminator) == (*generator, *discriminator) {
        return Ok((model.generator, model.discriminator));
    }
    let grown = (2 * old_generator.size() == generator.size())
        .then(|| {
            let generator = grown_generator(generator, &model.generator, stream)?;
            Some((generator, grown_discriminator(discriminator, &model.discriminator, stream)?))
        })
        .flatten();
    grown.ok_or_else(|| TrainError::Mismatch(misfit(path, &old_generator, generator.z_dim())))
}

/// Why networks do not grow from those of the file at `path`, and what would.
fn misfit(path: &Path, old: &GeneratorConfig, z_dim: usize) -> String {
    let wanted = match *old {
        GeneratorConfig::Small { .. } => {
            "it has the small networks, which start networks of their own kind only".to_owned()
        }
        GeneratorConfig::Resnet { z_dim: old_z_dim, trunk } => {
            let codes = match old_z_dim == z_dim {
                true => String::new(),
                false => format!(" and z = [s, c] of {old_z_dim} dimensions, not {z_dim}"),
            };
            format!(
                "it starts networks of its own sizes (size {}, gan.nfilter {nfilter}, gan.nfilter_max {}), or of twice \
                 its size with maps twice as wide (size {}, gan.nfilter {nfilter}, gan.nfilter_max {}), with the same \
                 gan.nets{codes}",
                trunk.size,
                trunk.nfilter_max,
                2 * trunk.size,
                2 * trunk.nfilter_max,
                nfilter = trunk.nfilter,
            )
        }
    };
    format!("--start does not fit: {wanted}: {}", path.display())
}
