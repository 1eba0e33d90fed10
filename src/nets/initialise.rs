use std::collections::HashSet;

use crate::base::{Array, Arrays, Stream};
use crate::graph::{Graph, Parameter, Role};

use super::orthogonal::orthogonal;

/// What a network's graphs say of its parameters.
pub trait Parameters {
    /// The graphs whose layers have the parameters, in the order in which PyTorch lists them.
    fn graphs(&self) -> Vec<Graph>;

    /// Every parameter, in the order in which PyTorch lists them; one that several layers share is there once.
    fn parameters(&self) -> Vec<Parameter> {
        let mut names = HashSet::new();
        let all = self.graphs().into_iter().flat_map(|graph| graph.parameters());
        all.filter(|parameter| names.insert(parameter.name.clone())).collect()
    }

    /// The number of values in all parameters.
    fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// PyTorch's default initialisation: weights and biases uniform in ±1/sqrt(fan_in).
    fn initialise_uniform(&self, stream: &mut Stream) -> Arrays {
        initialise(self.parameters(), |parameter, length| match parameter.role {
            Role::Weight | Role::Bias => {
                let bound = 1.0 / (parameter.fan_in.max(1) as f32).sqrt();
                (0..length).map(|_| bound * (2.0 * stream.uniform() - 1.0)).collect()
            }
            role => vec![resting(role); length],
        })
    }

    /// The published VAE's initialisation, and that of IB-GAN for sprites: weights N(0, 0.02), biases zero, normalisations such
    /// that they change nothing.
    fn initialise_normal(&self, stream: &mut Stream) -> Arrays {
        initialise(self.parameters(), |parameter, length| normal(parameter, 0.02, length, stream))
    }

    /// IB-GAN's initialisation for photos (Saxe et al. 2014): weights as matrices of `shape[0]` rows with orthonormal rows, or
    /// columns where there are fewer; biases zero, normalisations such that they change nothing.
    fn initialise_orthogonal(&self, stream: &mut Stream) -> Arrays {
        initialise(self.parameters(), |parameter, length| match (parameter.role, parameter.shape.first()) {
            (Role::Weight, Some(&rows)) => orthogonal(rows, length / rows.max(1), stream),
            _ => normal(parameter, 0.0, length, stream),
        })
    }
}

/// Networks that share a group of weights.
impl Parameters for Vec<Graph> {
    fn graphs(&self) -> Vec<Graph> {
        self.clone()
    }
}

/// Arrays of the parameters' shapes, filled by `fill` from a parameter and its length.
pub(super) fn initialise(
    parameters: Vec<Parameter>,
    mut fill: impl FnMut(&Parameter, usize) -> Vec<f32>,
) -> Arrays {
    let mut arrays = Arrays::new();
    for parameter in parameters {
        let mut array = Array::zeros(parameter.shape.clone());
        let values = fill(&parameter, array.len());
        array.data_mut().copy_from_slice(&values);
        arrays.insert(parameter.name, array);
    }
    arrays
}

/// Weights of this standard deviation; what is no weight rests.
pub(super) fn normal(parameter: &Parameter, deviation: f32, length: usize, stream: &mut Stream) -> Vec<f32> {
    match parameter.role {
        Role::Weight => (0..length).map(|_| deviation * stream.normal()).collect(),
        role => vec![resting(role); length],
    }
}

/// What changes nothing: the start of biases and normalisations.
fn resting(role: Role) -> f32 {
    match role {
        Role::Gain | Role::RunningVariance => 1.0,
        Role::Weight | Role::Bias | Role::Shift | Role::RunningMean => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::{GeneratorConfig, IbGanConfig, IbGanForm, ResnetTrunk, VaeConfig};

    #[test]
    fn the_published_networks_have_their_published_sizes() {
        // ANCHORS: 9.6 M and 19 M parameters
        let trunk = |size, nfilter| ResnetTrunk { size, nfilter, nfilter_max: 512, channels: 3 };
        let millions = |trunk| GeneratorConfig::Resnet { z_dim: 276, trunk }.parameter_count() as f64 / 1e6;
        assert_eq!(format!("{:.1}", millions(trunk(64, 64))), "9.6");
        assert_eq!(format!("{:.0}", millions(trunk(256, 64))), "19");
        assert_eq!(format!("{:.0}", millions(trunk(1024, 16))), "19");
    }

    #[test]
    fn orthogonal_weights_are_and_what_is_no_weight_rests() {
        let config = IbGanConfig {
            form: IbGanForm::Photos,
            channels: 1,
            z_dim: 5,
            r_dim: 4,
            generator_width: 2,
            discriminator_width: 2,
        };
        let arrays = config.initialise_orthogonal(&mut Stream::new(1, "init"));
        assert_eq!(arrays.len(), config.parameters().len());
        for parameter in config.parameters() {
            let values = arrays[&parameter.name].data();
            match parameter.role {
                Role::Weight => {
                    let (rows, columns) = (parameter.shape[0], values.len() / parameter.shape[0]);
                    let (few, many) = (rows.min(columns), rows.max(columns));
                    let at = |i: usize, j: usize| {
                        f64::from(if rows <= columns {
                            values[i * columns + j]
                        } else {
                            values[j * columns + i]
                        })
                    };
                    for (a, b) in (0..few).flat_map(|a| (0..=a).map(move |b| (a, b))) {
                        let product: f64 = (0..many).map(|j| at(a, j) * at(b, j)).sum();
                        let expected = if a == b { 1.0 } else { 0.0 };
                        assert!((product - expected).abs() < 1e-5, "{}: {a} {b} {product}", parameter.name);
                    }
                }
                Role::Gain | Role::RunningVariance => assert!(values.iter().all(|&value| value == 1.0)),
                _ => assert!(values.iter().all(|&value| value == 0.0)),
            }
        }
    }

    #[test]
    fn initialisations_have_the_documented_spread() {
        let config = VaeConfig { channels: 1, c_dim: 10 };
        let uniform = config.initialise_uniform(&mut Stream::new(1, "init"));
        let weight = &uniform["decoder.layer.3.weight"];
        let bound = 1.0 / (64.0f32 * 16.0).sqrt();
        let largest = weight.data().iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(largest <= bound && largest > 0.99 * bound);
        let normal = config.initialise_normal(&mut Stream::new(1, "init"));
        assert!(normal["encoder.layer.0.bias"].data().iter().all(|&b| b == 0.0));
        let weight = &normal["encoder.layer.8.weight"];
        let variance = weight.data().iter().map(|v| v * v).sum::<f32>() / weight.len() as f32;
        assert!((variance.sqrt() - 0.02).abs() < 2e-4);
        let he = config.initialise_he(&mut Stream::new(1, "init"));
        assert!(he["decoder.layer.0.bias"].data().iter().all(|&b| b == 0.0));
        let scaled = [
            ("encoder.layer.4.weight", 1.0, 32 * 16),
            ("encoder.layer.11.weight", 0.1, 256),
            ("decoder.layer.3.weight", 1.0, 256 * 16),
            ("decoder.layer.5.weight", 1.0, 64 * 4),
        ];
        for (name, gain, fan_in) in scaled {
            let weight = &he[name];
            let variance = weight.data().iter().map(|v| v * v).sum::<f32>() / weight.len() as f32;
            let expected = gain * (2.0 / fan_in as f32).sqrt();
            assert!(
                (variance.sqrt() / expected - 1.0).abs() < 0.03,
                "{name}: {} for {expected}",
                variance.sqrt()
            );
        }
    }
}
