use crate::base::{Array, Arrays, Stream};

use super::{DiscriminatorConfig, EncoderConfig, GeneratorConfig, ResnetTrunk, VaeConfig};

/// One weight or bias of a network: its published state-dict name and its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// State-dict name, for instance `resnet.0.conv_0.weight`.
    pub name: String,
    /// Sizes as PyTorch stores them.
    pub shape: Vec<usize>,
    /// What PyTorch's default initialisation divides by: in_features, in_channels*k*k for a convolution,
    /// **out**_channels*k*k for a transposed convolution; a bias has its weight's.
    pub fan_in: usize,
}

/// The names and sizes of a network's parameters, in the order in which PyTorch lists them.
pub trait Parameters {
    /// Every parameter.
    fn parameters(&self) -> Vec<Parameter>;

    /// The number of values in all parameters.
    fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// PyTorch's default initialisation: weights and biases uniform in ±1/sqrt(fan_in).
    fn initialise_uniform(&self, stream: &mut Stream) -> Arrays {
        initialise(self.parameters(), |p, len| {
            let bound = 1.0 / (p.fan_in.max(1) as f32).sqrt();
            (0..len).map(|_| bound * (2.0 * stream.uniform() - 1.0)).collect()
        })
    }

    /// The VAE's initialisation: weights N(0, 0.02), biases zero.
    fn initialise_normal(&self, stream: &mut Stream) -> Arrays {
        initialise(self.parameters(), |p, len| {
            if p.name.ends_with("bias") {
                return vec![0.0; len];
            }
            (0..len).map(|_| 0.02 * stream.normal()).collect()
        })
    }
}

fn initialise(parameters: Vec<Parameter>, mut fill: impl FnMut(&Parameter, usize) -> Vec<f32>) -> Arrays {
    let mut arrays = Arrays::new();
    for parameter in parameters {
        let mut array = Array::zeros(parameter.shape.clone());
        let values = fill(&parameter, array.len());
        array.data_mut().copy_from_slice(&values);
        arrays.insert(parameter.name, array);
    }
    arrays
}

impl VaeConfig {
    /// The parameters of the encoder alone.
    pub fn encoder_parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        encoder_shape(&mut all, "encoder.", self.channels, 2 * self.c_dim);
        all
    }

    /// The parameters of the decoder alone.
    pub fn decoder_parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        decoder_shape(&mut all, "decoder.", self.c_dim, self.channels);
        all
    }
}

impl VaeConfig {
    /// He initialisation (He et al. 2015): weights N(0, 2 / fan_in), biases zero, and the weights of the encoder's last layer a
    /// tenth of that, so that the code starts near its prior. A transposed convolution's fan_in is its inputs times its taps
    /// over its stride squared.
    pub fn initialise_he(&self, stream: &mut Stream) -> Arrays {
        initialise(self.parameters(), |p, len| {
            if p.name.ends_with("bias") {
                return vec![0.0; len];
            }
            let fan_in = match (p.name.strip_prefix("decoder."), p.shape.as_slice()) {
                // The first one has stride 1, the others 2.
                (Some(name), &[inputs, _, height, width]) => {
                    inputs * height * width / if name.starts_with("layer.3.") { 1 } else { 4 }
                }
                _ => p.fan_in,
            };
            let gain = if p.name == "encoder.layer.11.weight" { 0.1 } else { 1.0 };
            let deviation = gain * (2.0 / fan_in.max(1) as f32).sqrt();
            (0..len).map(|_| deviation * stream.normal()).collect()
        })
    }
}

impl Parameters for VaeConfig {
    fn parameters(&self) -> Vec<Parameter> {
        [self.encoder_parameters(), self.decoder_parameters()].concat()
    }
}

impl Parameters for EncoderConfig {
    fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        encoder_shape(&mut all, "", self.channels, self.outputs);
        all
    }
}

impl Parameters for GeneratorConfig {
    fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        match *self {
            Self::Small { z_dim, channels } => decoder_shape(&mut all, "", z_dim, channels),
            Self::Resnet { z_dim, trunk } => {
                let levels = trunk.levels();
                push(&mut all, "fc", &[trunk.width(levels) * 16, z_dim]);
                for i in 0..=levels {
                    let (from, to) = (trunk.width(levels - i), trunk.width(levels.saturating_sub(i + 1)));
                    block(&mut all, 2 * i, from, to);
                }
                push(&mut all, "conv_img", &[trunk.channels, trunk.width(0), 3, 3]);
            }
        }
        all
    }
}

impl Parameters for DiscriminatorConfig {
    fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        match *self {
            Self::Small { channels } => encoder_shape(&mut all, "", channels, 1),
            Self::Resnet { trunk } => resnet_discriminator(&mut all, &trunk, false),
            Self::ResnetVdb { trunk } => resnet_discriminator(&mut all, &trunk, true),
        }
        all
    }
}

fn resnet_discriminator(all: &mut Vec<Parameter>, trunk: &ResnetTrunk, vdb: bool) {
    let levels = trunk.levels();
    let last = trunk.width(levels);
    push(all, "conv_img", &[trunk.width(0), trunk.channels, 3, 3]);
    if vdb {
        push(all, "mean_fn", &[last, last, 1, 1]);
        push(all, "logstd_fn", &[last, last, 1, 1]);
    }
    for i in 0..=levels {
        block(all, 2 * i, trunk.width(i.saturating_sub(1)), trunk.width(i));
    }
    push(all, "fc", &[1, last * 16]);
}

/// ResBlock number `index` of the published sequential, which counts the resampling layers between blocks.
fn block(all: &mut Vec<Parameter>, index: usize, from: usize, to: usize) {
    let hidden = from.min(to);
    push(all, &format!("resnet.{index}.conv_0"), &[hidden, from, 3, 3]);
    push(all, &format!("resnet.{index}.conv_1"), &[to, hidden, 3, 3]);
    if from != to {
        push_weight(all, &format!("resnet.{index}.conv_s"), &[to, from, 1, 1]);
    }
}

fn encoder_shape(all: &mut Vec<Parameter>, prefix: &str, channels: usize, outputs: usize) {
    let widths = [channels, 32, 32, 64, 64, 256];
    for i in 0..5 {
        push(all, &format!("{prefix}layer.{}", 2 * i), &[widths[i + 1], widths[i], 4, 4]);
    }
    push(all, &format!("{prefix}layer.11"), &[outputs, 256]);
}

fn decoder_shape(all: &mut Vec<Parameter>, prefix: &str, inputs: usize, channels: usize) {
    push(all, &format!("{prefix}layer.0"), &[256, inputs]);
    let widths = [256, 64, 64, 32, 32, channels];
    for i in 0..5 {
        let name = format!("{prefix}layer.{}", 2 * i + 3);
        let shape = [widths[i], widths[i + 1], 4, 4];
        push_weight(all, &name, &shape);
        push_bias(all, &name, shape[1], &shape);
    }
}

/// A linear layer or a convolution: outputs first, with a bias.
fn push(all: &mut Vec<Parameter>, name: &str, shape: &[usize]) {
    push_weight(all, name, shape);
    push_bias(all, name, shape[0], shape);
}

fn push_weight(all: &mut Vec<Parameter>, name: &str, shape: &[usize]) {
    all.push(Parameter { name: format!("{name}.weight"), shape: shape.to_vec(), fan_in: fan_in(shape) });
}

fn push_bias(all: &mut Vec<Parameter>, name: &str, outputs: usize, weight: &[usize]) {
    all.push(Parameter { name: format!("{name}.bias"), shape: vec![outputs], fan_in: fan_in(weight) });
}

/// PyTorch reads every dimension but the first, for a transposed convolution too, where that is its outputs.
fn fan_in(weight: &[usize]) -> usize {
    weight[1..].iter().product()
}

#[cfg(test)]
mod tests {
    use super::*;

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
