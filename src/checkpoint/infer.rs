//! Architecture and sizes from the shapes of tensors, which is all that published files tell.

use crate::graph::Parameter;
use crate::nets::{
    DiscriminatorConfig, GeneratorConfig, Parameters, Published, PublishedRange, PublishedSizes,
    PublishedVae, ResnetTrunk, VaeConfig,
};

use super::shapes::{Shapes, check_shapes, missing, shapes_of};

/// Most halvings of a residual network: pictures of 16384x16384.
const MOST_LEVELS: usize = 12;
/// Largest dimension of a tensor that sizes are taken from, so that arithmetic on them cannot overflow.
const LARGEST: usize = 1 << 24;

/// Sizes that no other number of an architecture equals, so that its graph shows which tensors tell them.
const PROBES: [usize; 3] = [1009, 1013, 1019];

/// The VAE that has the tensors `found`.
///
/// # Errors
/// Names the tensor that does not fit.
pub fn infer_vae(found: &Shapes) -> Result<VaeConfig, String> {
    const NETWORK: &str = "VAE";
    let [channels, c_dim, ..] = PROBES;
    let [channels, c_dim] = sizes(NETWORK, found, &VaeConfig { channels, c_dim }, [channels, c_dim])?;
    let config = VaeConfig { channels, c_dim };
    check_shapes(NETWORK, found, &shapes_of(&config))?;
    check_channels(NETWORK, channels)?;
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
    let config = if is_small(found) {
        let [z_dim, channels, ..] = PROBES;
        let probe = GeneratorConfig::Small { z_dim, channels };
        let [z_dim, channels] = sizes(NETWORK, found, &probe, [z_dim, channels])?;
        GeneratorConfig::Small { z_dim, channels }
    } else {
        let [.., z_dim] = PROBES;
        let trunk = probe_trunk(found, NETWORK)?;
        let probe = GeneratorConfig::Resnet { z_dim, trunk };
        let [z_dim, channels, nfilter, nfilter_max] =
            sizes(NETWORK, found, &probe, [z_dim, trunk.channels, trunk.nfilter, trunk.nfilter_max])?;
        let trunk = ResnetTrunk { nfilter, nfilter_max, channels, ..trunk };
        check_widths(NETWORK, &trunk)?;
        GeneratorConfig::Resnet { z_dim, trunk }
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
    let config = if is_small(found) {
        let [channels, ..] = PROBES;
        let [channels] = sizes(NETWORK, found, &DiscriminatorConfig::Small { channels }, [channels])?;
        DiscriminatorConfig::Small { channels }
    } else {
        let trunk = probe_trunk(found, NETWORK)?;
        let probe = DiscriminatorConfig::Resnet { trunk };
        let [channels, nfilter, nfilter_max] =
            sizes(NETWORK, found, &probe, [trunk.channels, trunk.nfilter, trunk.nfilter_max])?;
        let trunk = ResnetTrunk { nfilter, nfilter_max, channels, ..trunk };
        check_widths(NETWORK, &trunk)?;
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

/// The VAE of a published family that has the tensors `found`. Where files do not say which numbers its decoder gives, it has
/// the first of those that can be.
///
/// # Errors
/// Names the tensor that does not fit.
pub(super) fn infer_published(family: &'static Published, found: &Shapes) -> Result<PublishedVae, String> {
    let range = match family.range {
        PublishedRange::Always(range) | PublishedRange::Either { choices: [range, _], .. } => range,
    };
    let [channels, z_dim, ..] = PROBES;
    let side = likely_side(family, found);
    let probe = PublishedVae { family, sizes: PublishedSizes { channels, side, z_dim }, range };
    let [channels, z_dim] = sizes(family.title, found, &probe, [channels, z_dim])?;
    let vae = PublishedVae { sizes: PublishedSizes { channels, side, z_dim }, ..probe };
    check_shapes(family.title, found, &shapes_of(&vae))?;
    check_channels(family.title, channels)?;
    if z_dim == 0 {
        return Err(format!("the {} has a code of no dimensions", family.title));
    }
    Ok(vae)
}

/// The side of a family's pictures whose tensors have most names in common with those `found`.
pub(super) fn likely_side(family: &Published, found: &Shapes) -> usize {
    let likeness = |&side: &usize| {
        let graphs = family.graphs(&PublishedSizes { channels: 1, side, z_dim: 1 });
        let names: Vec<String> = graphs.iter().flat_map(|g| g.parameters()).map(|p| p.name).collect();
        let common = names.iter().filter(|name| found.contains_key(*name)).count();
        // Of two the one with fewer tensors that are missing, then the usual one.
        (common, std::cmp::Reverse(names.len() - common))
    };
    // The last of several largest is taken, and the usual one stands first.
    family.sides.iter().rev().copied().max_by_key(likeness).unwrap_or_default()
}

/// Whether the tensors are those of a plain sequential.
fn is_small(found: &Shapes) -> bool {
    found.keys().any(|name| name.starts_with("layer."))
}

/// The sizes of a network, from where `probe`, the same architecture, has `probes` for them.
pub(super) fn sizes<const N: usize>(
    network: &str,
    found: &Shapes,
    probe: &impl Parameters,
    probes: [usize; N],
) -> Result<[usize; N], String> {
    let parameters = probe.parameters();
    let mut sizes = [0; N];
    for (size, wanted) in sizes.iter_mut().zip(probes) {
        let axis = |shape: &[usize]| shape.iter().position(|side| *side == wanted);
        let place = parameters.iter().find_map(|parameter| Some((parameter, axis(&parameter.shape)?)));
        let (Parameter { name, shape, .. }, axis) =
            place.ok_or_else(|| format!("no tensor of the {network} tells all of its sizes"))?;
        *size = dim(found, network, name, shape.len(), axis)?;
    }
    Ok(sizes)
}

/// The trunk to probe a residual network with, of its picture size: its last block has the highest number among `found`.
fn probe_trunk(found: &Shapes, network: &str) -> Result<ResnetTrunk, String> {
    let number = |name: &String| name.strip_prefix("resnet.")?.split('.').next()?.parse::<usize>().ok();
    let last = found.keys().filter_map(number).max().unwrap_or(0);
    let levels = last / 2;
    if last % 2 != 0 || !(1..=MOST_LEVELS).contains(&levels) {
        return Err(format!(
            "the {network} has no size that is known: its last residual block is number {last}"
        ));
    }
    let [channels, nfilter, _] = PROBES;
    // Only the widest level reaches the cap.
    Ok(ResnetTrunk { size: 4 << levels, nfilter, nfilter_max: (nfilter << levels) - 1, channels })
}

fn check_widths(network: &str, trunk: &ResnetTrunk) -> Result<(), String> {
    let ResnetTrunk { nfilter, nfilter_max, .. } = *trunk;
    if nfilter > 0 && nfilter <= nfilter_max {
        return Ok(());
    }
    Err(format!("the {network} has no size that is known: its widths run from {nfilter} to {nfilter_max}"))
}

/// Dimension `axis` of the tensor `name`, which has `rank` of them.
pub(super) fn dim(
    found: &Shapes,
    network: &str,
    name: &str,
    rank: usize,
    axis: usize,
) -> Result<usize, String> {
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

pub(super) fn check_channels(network: &str, channels: usize) -> Result<(), String> {
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
