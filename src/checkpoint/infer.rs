//! Architecture and sizes from the shapes of tensors, which is all that published files tell.

use crate::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig};

use super::shapes::{Shapes, check_shapes, missing, shapes_of};

/// Most halvings of a residual network: pictures of 16384x16384.
const MOST_LEVELS: usize = 12;
/// Largest dimension of a tensor that sizes are taken from, so that arithmetic on them cannot overflow.
const LARGEST: usize = 1 << 24;

/// The VAE that has the tensors `found`.
///
/// # Errors
/// Names the tensor that does not fit.
pub fn infer_vae(found: &Shapes) -> Result<VaeConfig, String> {
    let channels = dim(found, "VAE", "encoder.layer.0.weight", 4, 1)?;
    let c_dim = dim(found, "VAE", "decoder.layer.0.weight", 2, 1)?;
    let config = VaeConfig { channels, c_dim };
    check_shapes("VAE", found, &shapes_of(&config))?;
    check_channels("VAE", channels)?;
    if c_dim == 0 {
        return Err("the VAE has a code of no dimensions".into());
    }
    Ok(config)
}

/// The generator that has the tensors `found`.
///
/// `nfilter_max` is the largest width that occurs. Where the cap was reached that is the cap; where it was not, any
/// cap from there on describes the same network, and this is the smallest.
///
/// # Errors
/// Names the tensor that does not fit.
pub fn infer_generator(found: &Shapes) -> Result<GeneratorConfig, String> {
    const NETWORK: &str = "generator";
    let config = if found.keys().any(|name| name.starts_with("layer.")) {
        let z_dim = dim(found, NETWORK, "layer.0.weight", 2, 1)?;
        GeneratorConfig::Small { z_dim, channels: dim(found, NETWORK, "layer.11.weight", 4, 1)? }
    } else {
        let z_dim = dim(found, NETWORK, "fc.weight", 2, 1)?;
        let widest = dim(found, NETWORK, "fc.weight", 2, 0)? / 16;
        let channels = dim(found, NETWORK, "conv_img.weight", 4, 0)?;
        let nfilter = dim(found, NETWORK, "conv_img.weight", 4, 1)?;
        GeneratorConfig::Resnet { z_dim, trunk: trunk(found, NETWORK, nfilter, widest, channels)? }
    };
    check_shapes(NETWORK, found, &shapes_of(&config))?;
    check_channels(NETWORK, config.channels())?;
    if config.z_dim() == 0 {
        return Err("the generator takes a code of no dimensions".into());
    }
    Ok(config)
}

/// The discriminator that has the tensors `found`; `nfilter_max` as in [`infer_generator`].
///
/// # Errors
/// Names the tensor that does not fit.
pub fn infer_discriminator(found: &Shapes) -> Result<DiscriminatorConfig, String> {
    const NETWORK: &str = "discriminator";
    let config = if found.keys().any(|name| name.starts_with("layer.")) {
        DiscriminatorConfig::Small { channels: dim(found, NETWORK, "layer.0.weight", 4, 1)? }
    } else {
        let widest = dim(found, NETWORK, "fc.weight", 2, 1)? / 16;
        let nfilter = dim(found, NETWORK, "conv_img.weight", 4, 0)?;
        let channels = dim(found, NETWORK, "conv_img.weight", 4, 1)?;
        let trunk = trunk(found, NETWORK, nfilter, widest, channels)?;
        if found.keys().any(|name| name.starts_with("mean_fn.") || name.starts_with("logstd_fn.")) {
            DiscriminatorConfig::ResnetVdb { trunk }
        } else {
            DiscriminatorConfig::Resnet { trunk }
        }
    };
    check_shapes(NETWORK, found, &shapes_of(&config))?;
    check_channels(NETWORK, config.channels())?;
    Ok(config)
}

/// The trunk whose last residual block has the highest number among `found`.
fn trunk(
    found: &Shapes,
    network: &str,
    nfilter: usize,
    nfilter_max: usize,
    channels: usize,
) -> Result<ResnetTrunk, String> {
    let number = |name: &String| name.strip_prefix("resnet.")?.split('.').next()?.parse::<usize>().ok();
    let last = found.keys().filter_map(number).max().unwrap_or(0);
    let levels = last / 2;
    let trunk = ResnetTrunk { size: 4 << levels.min(MOST_LEVELS), nfilter, nfilter_max, channels };
    if last % 2 != 0 || !(1..=MOST_LEVELS).contains(&levels) || nfilter == 0 || nfilter_max < nfilter {
        return Err(format!(
            "the {network} has no size that is known: its last residual block is number {last}, its widths run \
             from {nfilter} to {nfilter_max}"
        ));
    }
    Ok(trunk)
}

/// Dimension `axis` of the tensor `name`, which has `rank` of them.
fn dim(found: &Shapes, network: &str, name: &str, rank: usize, axis: usize) -> Result<usize, String> {
    let shape = found.get(name).ok_or_else(|| missing(network, found, name))?;
    if shape.len() != rank {
        return Err(format!(
            "tensor `{name}` of the {network} has shape {shape:?}, expected {rank} dimensions"
        ));
    }
    match shape[axis] {
        size if size <= LARGEST => Ok(size),
        size => Err(format!("tensor `{name}` of the {network} claims a dimension of {size}")),
    }
}

fn check_channels(network: &str, channels: usize) -> Result<(), String> {
    match channels {
        1 | 3 => Ok(()),
        other => Err(format!(
            "the {network} works on pictures of {other} channels; 1 (grey) and 3 (RGB) are known"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk_of(size: usize, nfilter: usize, nfilter_max: usize) -> ResnetTrunk {
        ResnetTrunk { size, nfilter, nfilter_max, channels: 3 }
    }

    #[test]
    fn every_architecture_is_found_from_its_shapes() {
        for (channels, c_dim) in [(1, 10), (3, 20), (3, 1)] {
            let config = VaeConfig { channels, c_dim };
            assert_eq!(infer_vae(&shapes_of(&config)), Ok(config));
            let small = GeneratorConfig::Small { z_dim: c_dim, channels };
            assert_eq!(infer_generator(&shapes_of(&small)), Ok(small));
            let small = DiscriminatorConfig::Small { channels };
            assert_eq!(infer_discriminator(&shapes_of(&small)), Ok(small));
        }
        for (size, nfilter, nfilter_max) in [
            (8, 4, 8),
            (64, 64, 512),
            (128, 64, 512),
            (256, 64, 512),
            (1024, 16, 512),
            (64, 8, 32),
            (64, 7, 7),
        ] {
            let trunk = trunk_of(size, nfilter, nfilter_max);
            let generator = GeneratorConfig::Resnet { z_dim: 276, trunk };
            assert_eq!(infer_generator(&shapes_of(&generator)), Ok(generator));
            for discriminator in
                [DiscriminatorConfig::Resnet { trunk }, DiscriminatorConfig::ResnetVdb { trunk }]
            {
                assert_eq!(infer_discriminator(&shapes_of(&discriminator)), Ok(discriminator));
            }
        }
    }

    #[test]
    fn a_cap_that_is_not_reached_becomes_the_largest_width() {
        let loose = GeneratorConfig::Resnet { z_dim: 5, trunk: trunk_of(64, 8, 4096) };
        let tight = GeneratorConfig::Resnet { z_dim: 5, trunk: trunk_of(64, 8, 128) };
        assert_eq!(infer_generator(&shapes_of(&loose)), Ok(tight));
    }

    #[test]
    fn the_tensor_that_does_not_fit_is_named() {
        let shapes = shapes_of(&VaeConfig { channels: 1, c_dim: 10 });
        let changed = |change: &dyn Fn(&mut Shapes)| {
            let mut shapes = shapes.clone();
            change(&mut shapes);
            infer_vae(&shapes).expect_err("refused")
        };
        let message = changed(&|s| drop(s.remove("decoder.layer.5.bias")));
        assert_eq!(message, "tensor `decoder.layer.5.bias` of the VAE is missing (expected shape [64])");
        let message = changed(&|s| drop(s.insert("encoder.layer.11.weight".into(), vec![256, 20])));
        assert_eq!(
            message,
            "tensor `encoder.layer.11.weight` of the VAE has shape [256, 20], expected [20, 256]; it seems to be \
             transposed"
        );
        let message = changed(&|s| drop(s.insert("encoder.layer.99.weight".into(), vec![3])));
        assert!(message.starts_with("tensor `encoder.layer.99.weight` with shape [3] belongs to no layer"));
        assert!(infer_generator(&Shapes::new()).is_err());
        let odd = Shapes::from([
            ("fc.weight".to_owned(), vec![usize::MAX, 3]),
            ("conv_img.weight".to_owned(), vec![3, 4, 3, 3]),
            (format!("resnet.{}.conv_0.weight", usize::MAX - 1), vec![4, 4, 3, 3]),
        ]);
        assert!(infer_generator(&odd).is_err());
    }
}
