//! Residual networks of twice the picture size that start as a trained one left off.
//!
//! At each resolution that both know, the larger network has twice the channels (its widths count from the picture
//! inwards). Channel `j` starts as channel `j mod n` of the smaller one, and whatever reads a doubled channel shares its
//! weight between the two at random, so that the sum stays the same and the two part in training (Chen, Goodfellow and
//! Shlens 2016, Net2WiderNet). The block at the new resolution starts with an empty residual branch. What is left to
//! differ is the convolution next to the picture, which now looks at pixels of half the size.

use crate::base::{Array, Arrays, Stream};
use crate::graph::Parameter;
use crate::nets::{DiscriminatorConfig, GeneratorConfig, Parameters};

/// Weights for the generator `config` that paint what the `weights` of one of half its size paint, each pixel as 2x2
/// (exactly before the last convolution). `None` where `config` is not residual, or its code or channels are others, or its
/// maps are not twice as wide.
pub fn grown_generator(config: &GeneratorConfig, weights: &Arrays, stream: &mut Stream) -> Option<Arrays> {
    let GeneratorConfig::Resnet { trunk, z_dim } = *config else { return None };
    let same_code = weights.get("fc.weight")?.shape().get(1) == Some(&z_dim);
    same_code.then_some(())?;
    let added = 2 * trunk.levels();
    let origin = |block: usize| (block != added).then_some(block);
    grown(config.parameters(), &config.initialise_uniform(stream), weights, origin, stream)
}

/// Weights for the discriminator `config` that judge pictures as the `weights` of one of half its size judge them after
/// its pooling (exactly after the first convolution, and without a bottleneck's noise, of which it draws twice as much).
/// `None` as for [`grown_generator`].
pub fn grown_discriminator(
    config: &DiscriminatorConfig,
    weights: &Arrays,
    stream: &mut Stream,
) -> Option<Arrays> {
    if matches!(config, DiscriminatorConfig::Small { .. }) {
        return None;
    }
    let origin = |block: usize| block.checked_sub(2);
    grown(config.parameters(), &config.initialise_uniform(stream), weights, origin, stream)
}

/// `origin` tells which block of the smaller network a block of the larger one starts from; `fresh` are weights for the
/// one that has none.
fn grown(
    parameters: Vec<Parameter>,
    fresh: &Arrays,
    weights: &Arrays,
    origin: impl Fn(usize) -> Option<usize>,
    stream: &mut Stream,
) -> Option<Arrays> {
    let (mut all, mut taken) = (Arrays::new(), 0);
    for Parameter { name, shape, .. } in parameters {
        let source = match block_of(&name) {
            Some((block, rest)) => origin(block).map(|block| format!("resnet.{block}.{rest}")),
            None => Some(name.clone()),
        };
        let array = match source {
            Some(source) => match weights.get(&source) {
                Some(weight) => {
                    taken += 1;
                    doubled(weight, &shape, stream)?
                }
                // a block that kept its width needed no shortcut
                None if name.ends_with("conv_s.weight") => {
                    doubled(&identity(*shape.iter().take(2).min()?), &shape, stream)?
                }
                None => return None,
            },
            None if name.contains("conv_1") => Array::zeros(shape),
            None => fresh.get(&name)?.clone(),
        };
        all.insert(name, array);
    }
    (taken == weights.len()).then_some(all)
}

/// The block and the rest of a name like `resnet.4.conv_0.weight`.
fn block_of(name: &str) -> Option<(usize, &str)> {
    let (block, rest) = name.strip_prefix("resnet.")?.split_once('.')?;
    Some((block.parse().ok()?, rest))
}

/// A 1x1 convolution of `channels` that changes nothing.
fn identity(channels: usize) -> Array {
    let mut array = Array::zeros([channels, channels, 1, 1]);
    array.data_mut().iter_mut().step_by(channels + 1).for_each(|value| *value = 1.0);
    array
}

/// `weight` with outputs (its first dimension) and inputs (its second) once or twice as many, as `shape` says: outputs
/// are repeated, inputs share what they had. `None` where `shape` asks for something else.
fn doubled(weight: &Array, shape: &[usize], stream: &mut Stream) -> Option<Array> {
    let (&[old_outputs, ref old @ ..], &[outputs, ref new @ ..]) = (weight.shape(), shape) else {
        return None;
    };
    let fits = |old: usize, new: usize| new == old || new == 2 * old;
    let (old_inputs, inputs) = (old.first().copied().unwrap_or(1), new.first().copied().unwrap_or(1));
    let same_kernel = old.len() == new.len() && old.iter().skip(1).eq(new.iter().skip(1));
    (same_kernel && fits(old_outputs, outputs) && fits(old_inputs, inputs)).then_some(())?;
    let kernel = new.iter().skip(1).product::<usize>();
    let mut wide = Array::zeros(shape);
    for output in 0..outputs {
        for input in 0..old_inputs {
            let start = (output % old_outputs * old_inputs + input) * kernel;
            let values = &weight.data()[start..start + kernel];
            let mut write = |input: usize, share: f32| {
                let start = (output * inputs + input) * kernel;
                let target = &mut wide.data_mut()[start..start + kernel];
                target.iter_mut().zip(values).for_each(|(target, value)| *target = share * value);
            };
            if inputs == old_inputs {
                write(input, 1.0);
            } else {
                let share = 0.25 + 0.5 * stream.uniform();
                write(input, share);
                write(input + old_inputs, 1.0 - share);
            }
        }
    }
    Some(wide)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::nets::{Discriminator, Generator, ResnetTrunk, Weights};
    use crate::ops;

    fn trunk(size: usize, nfilter_max: usize) -> ResnetTrunk {
        ResnetTrunk { size, nfilter: 2, nfilter_max, channels: 3 }
    }

    fn uniform(shape: &[usize], stream: &mut Stream) -> Tensor {
        let values = (0..shape.iter().product()).map(|_| 2.0 * stream.uniform() - 1.0).collect::<Vec<_>>();
        Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
    }

    /// Leaves the middle tap of the convolution next to the picture, which then looks at one pixel at any size.
    fn look_at_one_pixel(weights: &mut Arrays) {
        let weight = weights.get_mut("conv_img.weight").expect("there");
        for kernel in weight.data_mut().chunks_mut(9) {
            kernel.iter_mut().enumerate().filter(|(i, _)| *i != 4).for_each(|(_, value)| *value = 0.0);
        }
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).and_then(|d| d.abs()?.max_all()?.to_scalar()).expect("alike")
    }

    #[test]
    fn a_grown_generator_paints_each_pixel_as_four() {
        // with the widest maps cut short, and without
        for (before, after) in [(8, 16), (64, 64)] {
            let mut stream = Stream::new(4, "growth");
            let small = GeneratorConfig::Resnet { z_dim: 5, trunk: trunk(32, before) };
            let large = GeneratorConfig::Resnet { z_dim: 5, trunk: trunk(64, after) };
            let mut weights = small.initialise_uniform(&mut stream);
            look_at_one_pixel(&mut weights);
            let wide = grown_generator(&large, &weights, &mut stream).expect("grows");
            let z = uniform(&[3, 5], &mut stream);
            let paint = |config: &GeneratorConfig, weights: &Arrays| {
                let weights = Weights::frozen(weights, &Device::Cpu).expect("weights");
                Generator::new(config, &weights).and_then(|net| net.forward(&z)).expect("paints")
            };
            let wanted = ops::upsample_nearest_2x(&paint(&small, &weights)).expect("larger");
            assert!(largest_difference(&paint(&large, &wide), &wanted) < 1e-5);
        }
    }

    #[test]
    fn a_grown_discriminator_judges_what_its_pooling_leaves() {
        let mut stream = Stream::new(5, "growth");
        let small = DiscriminatorConfig::ResnetVdb { trunk: trunk(32, 8) };
        let large = DiscriminatorConfig::ResnetVdb { trunk: trunk(64, 16) };
        let mut weights = small.initialise_uniform(&mut stream);
        look_at_one_pixel(&mut weights);
        // at the edge the pooling takes zeros for what lies beyond, bias and all
        weights.insert("conv_img.bias".into(), Array::zeros([2]));
        let wide = grown_discriminator(&large, &weights, &mut stream).expect("grows");
        let pictures = uniform(&[3, 3, 64, 64], &mut stream);
        let judge = |config: &DiscriminatorConfig, weights: &Arrays, pictures: &Tensor| {
            let weights = Weights::frozen(weights, &Device::Cpu).expect("weights");
            let net = Discriminator::new(config, &weights).expect("binds");
            net.discriminate(pictures, None).expect("judges").logits
        };
        let pooled = ops::avg_pool_3x3_s2(&pictures).expect("smaller");
        let difference =
            largest_difference(&judge(&large, &wide, &pictures), &judge(&small, &weights, &pooled));
        assert!(difference < 1e-5, "{difference}");
    }

    #[test]
    fn doubled_channels_part_in_what_reads_them() {
        let weight = Array::new([1, 2, 1, 1], vec![1.0, -3.0]).expect("an array");
        let wide = doubled(&weight, &[2, 4, 1, 1], &mut Stream::new(6, "growth")).expect("doubles");
        for row in wide.data().chunks(4) {
            assert!((row[0] + row[2] - 1.0).abs() < 1e-6 && (row[1] + row[3] + 3.0).abs() < 1e-6, "{row:?}");
            assert_ne!(row[0], row[2]);
        }
        assert!(doubled(&weight, &[3, 2, 1, 1], &mut Stream::new(6, "growth")).is_none());
        assert!(doubled(&weight, &[1, 2, 3, 3], &mut Stream::new(6, "growth")).is_none());
    }

    #[test]
    fn other_widths_do_not_grow() {
        let mut stream = Stream::new(7, "growth");
        let weights =
            GeneratorConfig::Resnet { z_dim: 5, trunk: trunk(32, 8) }.initialise_uniform(&mut stream);
        let mut grows = |z_dim, trunk| {
            grown_generator(&GeneratorConfig::Resnet { z_dim, trunk }, &weights, &mut stream).is_some()
        };
        assert!(grows(5, trunk(64, 16)));
        assert!(!grows(5, trunk(64, 8)), "the widest maps stay as they are");
        assert!(!grows(10, trunk(64, 16)), "a wider code");
        assert!(!grows(5, trunk(128, 16)), "two levels at once");
        assert!(!grows(5, trunk(32, 8)), "none");
    }
}
