use crate::base::{Array, Arrays, Stream};
use crate::nets::{GeneratorConfig, ResnetTrunk, VaeConfig};

/// The names and shapes of a network's tensors, in the order of the network.
pub type Inventory = Vec<(String, Vec<usize>)>;

/// The tensors of a generator.
pub fn generator_tensors(config: &GeneratorConfig) -> Inventory {
    match *config {
        GeneratorConfig::Small { z_dim, channels } => transposed("", z_dim, channels),
        GeneratorConfig::Resnet { z_dim, trunk } => resnet(z_dim, &trunk),
    }
}

/// The tensors of a VAE, encoder and decoder.
pub fn vae_tensors(config: &VaeConfig) -> Inventory {
    let VaeConfig { channels, c_dim } = *config;
    let mut list = Inventory::new();
    for (number, inputs, outputs) in [(0, channels, 32), (2, 32, 32), (4, 32, 64), (6, 64, 64), (8, 64, 256)]
    {
        layer(&mut list, format!("encoder.layer.{number}"), vec![outputs, inputs, 4, 4], outputs);
    }
    layer(&mut list, "encoder.layer.11".into(), vec![2 * c_dim, 256], 2 * c_dim);
    list.extend(transposed("decoder.", c_dim, channels));
    list
}

/// Weights as PyTorch draws them by default: uniform in ±1/sqrt(fan_in), biases too, where fan_in is the product
/// of all dimensions of the layer's weight but the first (also for a transposed convolution).
pub fn random_weights(inventory: &Inventory, stream: &mut Stream) -> Arrays {
    let mut bound = 1.0;
    let mut arrays = Arrays::new();
    for (name, shape) in inventory {
        if name.ends_with(".weight") {
            bound = 1.0 / (shape.iter().skip(1).product::<usize>().max(1) as f32).sqrt();
        }
        let mut array = Array::zeros(shape.clone());
        array.data_mut().fill_with(|| (2.0 * stream.uniform() - 1.0) * bound);
        arrays.insert(name.clone(), array);
    }
    arrays
}

fn layer(list: &mut Inventory, name: String, weight: Vec<usize>, outputs: usize) {
    list.push((format!("{name}.weight"), weight));
    list.push((name + ".bias", vec![outputs]));
}

fn transposed(prefix: &str, code_dim: usize, channels: usize) -> Inventory {
    let mut list = Inventory::new();
    layer(&mut list, format!("{prefix}layer.0"), vec![256, code_dim], 256);
    for (number, inputs, outputs) in [(3, 256, 64), (5, 64, 64), (7, 64, 32), (9, 32, 32), (11, 32, channels)]
    {
        layer(&mut list, format!("{prefix}layer.{number}"), vec![inputs, outputs, 4, 4], outputs);
    }
    list
}

fn resnet(z_dim: usize, trunk: &ResnetTrunk) -> Inventory {
    let levels = trunk.levels();
    let mut list = Inventory::new();
    let first = trunk.width(levels) * 16;
    layer(&mut list, "fc".into(), vec![first, z_dim], first);
    for level in 0..=levels {
        let inputs = trunk.width(levels - level);
        let outputs = trunk.width((levels - level).saturating_sub(1));
        let hidden = inputs.min(outputs);
        let name = format!("resnet.{}", 2 * level);
        layer(&mut list, format!("{name}.conv_0"), vec![hidden, inputs, 3, 3], hidden);
        layer(&mut list, format!("{name}.conv_1"), vec![outputs, hidden, 3, 3], outputs);
        if inputs != outputs {
            list.push((format!("{name}.conv_s.weight"), vec![outputs, inputs, 1, 1]));
        }
    }
    layer(&mut list, "conv_img".into(), vec![trunk.channels, trunk.width(0), 3, 3], trunk.channels);
    list
}
