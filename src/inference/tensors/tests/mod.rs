//! The interpreter against a plain computation, operation by operation, and against the networks that are trained.

mod naive;

use candle_core::{Device, Result, Tensor};

use super::Interpreter;
use crate::base::{Arrays, PixelRange, Stream};
use crate::graph::{Activation, Convolution, Corners, Graph, Linear, Operation, Pool, Shape, random};
use crate::nets::{
    Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, Mlp, MlpConfig, Parameters, ResnetTrunk,
    Vae, VaeConfig, Weights,
};

fn batched(shape: Shape, rows: usize) -> Vec<usize> {
    match shape {
        Shape::Row(length) => vec![rows, length],
        Shape::Map([channels, height, width]) => vec![rows, channels, height, width],
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("numbers")
}

fn assert_close(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0f64, |most, value| most.max(value.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((f64::from(*a) - b).abs() < 1e-5 * largest, "{what}: {a} instead of {b}");
    }
}

/// Runs `graph` on two random rows, as it is written, fused, and folded and fused, and compares each with the plain
/// computation.
fn check(graph: &Graph, seed: u64, what: &str) {
    const ROWS: usize = 2;
    let mut stream = Stream::new(seed, "graph");
    let weights = random::weights(graph, &mut stream);
    let inputs: Vec<Tensor> = graph
        .inputs()
        .map(|shape| {
            let values = stream.normals(ROWS * shape.values());
            Tensor::from_vec(values, batched(shape, ROWS), &Device::Cpu).expect("a tensor")
        })
        .collect();
    let row = |row: usize| -> Vec<Vec<f64>> {
        let plain = |x: &Tensor| flat(&x.get(row).expect("a row")).into_iter().map(f64::from).collect();
        naive::run(graph, &weights, &inputs.iter().map(plain).collect::<Vec<_>>())
    };
    let expected = [row(0), row(1)];
    let (folded, folded_weights) = graph.folded(&weights).expect("folds");
    for (how, net) in [
        ("as written", Interpreter::unfused(graph, &weights, &Device::Cpu)),
        ("fused", Interpreter::new(graph, &weights, &Device::Cpu)),
        ("folded", Interpreter::new(&folded, &folded_weights, &Device::Cpu)),
    ] {
        let results = net.and_then(|net| Ok(net.run(&inputs)?)).expect("runs");
        assert_eq!(results.len(), graph.outputs().len());
        for (i, result) in results.iter().enumerate() {
            let wanted: Vec<f64> = expected.iter().flat_map(|row| row[i].clone()).collect();
            assert_close(&flat(result), &wanted, &format!("{what}, {how}, result {i}"));
        }
    }
}

#[test]
fn every_operation_is_what_its_definition_says() {
    let conv = |inputs, outputs, kernel| Convolution::new("conv", inputs, outputs, kernel);
    let map = Shape::Map([4, 6, 8]);
    let pool = |kernel, stride, padding, counts_padding| {
        Operation::AveragePool(Pool { kernel, stride, padding, counts_padding })
    };
    let line = Convolution { kernel: [1, 5], padding: [0, 2], ..conv(4, 3, 1) };
    let spread = Convolution { kernel: [2, 3], padding: [0, 1], ..conv(4, 2, 1).stride(2) };
    let operations = [
        (Operation::Linear(Linear::new("fc", 5, 3)), Shape::Row(5)),
        (Operation::Linear(Linear::new("fc", 5, 3).without_bias()), Shape::Row(5)),
        (Operation::Convolution(conv(4, 3, 3).padding(1)), map),
        (Operation::Convolution(conv(4, 3, 4).stride(2).padding(1).without_bias()), map),
        (Operation::Convolution(conv(4, 6, 3).stride(2).groups(2)), map),
        (Operation::Convolution(line), map),
        (Operation::TransposedConvolution(conv(4, 3, 4).stride(2).padding(1)), map),
        (Operation::TransposedConvolution(conv(4, 6, 3).stride(2).groups(2).without_bias()), map),
        (Operation::TransposedConvolution(spread.clone()), map),
        (Operation::TransposedConvolution(spread.output_padding(1)), map),
        (Operation::TransposedConvolution(conv(4, 3, 3).stride(2).padding(1).output_padding(1)), map),
        (Operation::TransposedConvolution(conv(4, 6, 3).stride(3).groups(2).output_padding(2)), map),
        (Operation::BatchNorm { name: "bn".into(), channels: 4, epsilon: 1e-5 }, map),
        (Operation::BatchNorm { name: "bn".into(), channels: 5, epsilon: 1e-3 }, Shape::Row(5)),
        (Operation::Affine { name: "affine".into(), channels: 4 }, map),
        (Operation::Weighted { name: "weights".into(), shape: [4, 6, 8] }, map),
        (Operation::leaky_relu(0.2), map),
        (Operation::leaky_relu(-0.5), map),
        (Operation::Activation(Activation::Tanh), map),
        (Operation::Activation(Activation::Sigmoid), map),
        (Operation::Activation(Activation::Softplus), map),
        (Operation::Activation(Activation::Elu(0.7)), Shape::Row(9)),
        (Operation::Activation(Activation::Clamp(-0.5, 0.25)), Shape::Row(9)),
        (Operation::Double, map),
        (Operation::Bilinear { size: [12, 16], corners: Corners::Half }, map),
        (Operation::Bilinear { size: [4, 5], corners: Corners::Half }, map),
        (Operation::Bilinear { size: [11, 16], corners: Corners::Aligned }, map),
        (Operation::Bilinear { size: [1, 16], corners: Corners::Aligned }, map),
        (Operation::Bilinear { size: [12, 13], corners: Corners::Asymmetric }, map),
        (Operation::MaxPool(Pool { kernel: 2, stride: 2, padding: 0, counts_padding: false }), map),
        (Operation::MaxPool(Pool { kernel: 3, stride: 2, padding: 1, counts_padding: false }), map),
        (pool(3, 2, 1, true), map),
        (pool(3, 1, 1, false), map),
        (pool(2, 2, 0, false), map),
        (Operation::Reshape(Shape::Row(192)), map),
        (Operation::slice(1, 2), map),
        (Operation::Slice { start: 1, length: 2, step: 2 }, map),
        (Operation::Slice { start: 0, length: 3, step: 2 }, Shape::Row(6)),
        (Operation::Softmax, map),
        (Operation::Softmax, Shape::Row(5)),
        (Operation::ToPixels(PixelRange::Unit), map),
        (Operation::ToPixels(PixelRange::Signed), map),
        (Operation::ToPixels(PixelRange::Logits), map),
    ];
    for (seed, (operation, shape)) in operations.into_iter().enumerate() {
        let name = format!("{operation} number {seed}");
        let mut graph = Graph::default();
        let x = graph.input(shape);
        graph.give(x);
        check(&graph.followed_by(operation), seed as u64, &name);
    }
    for sides in [[4, 1, 1], [1, 6, 8]] {
        let mut sum = Graph::default();
        let (a, b) = (sum.input(map), sum.input(Shape::Map(sides)));
        let both = sum.apply(Operation::Add { scale: 2.0 }, &[a, b]);
        sum.give(both);
        check(&sum, 5, &format!("a sum with {sides:?}"));
    }
    let mut two = Graph::default();
    let (a, b) = (two.input(map), two.input(Shape::Map([2, 6, 8])));
    let joined = two.apply(Operation::Concat, &[a, b, a]);
    let sum = two.apply(Operation::Add { scale: -0.3 }, &[joined, joined]);
    two.give(sum);
    two.give(joined);
    check(&two, 99, "two operands");
    let mut product = Graph::default();
    let (a, gate) = (product.input(map), product.input(Shape::Map([4, 1, 1])));
    let gated = product.apply(Operation::Multiply, &[a, gate]);
    let squared = product.apply(Operation::Multiply, &[gated, gated]);
    product.give(squared);
    check(&product, 98, "products");
}

#[test]
fn passes_change_no_result() {
    for seed in 0..60 {
        let mut graph = Graph::default();
        let start = graph.input(Shape::Map([random::CHANNELS, random::SIZE, random::SIZE]));
        let results = random::add_layers(&mut graph, start, 14, &mut Stream::new(seed, "layers"));
        results.iter().rev().take(2).for_each(|(value, _)| graph.give(*value));
        check(&graph, seed, &format!("graph {seed}"));
    }
}

/// What the interpreter makes of a graph with these weights.
fn interpreted(graph: &Graph, weights: &Arrays, x: &Tensor) -> Vec<Tensor> {
    let net = Interpreter::new(graph, weights, &Device::Cpu).expect("the weights fit");
    net.run(std::slice::from_ref(x)).expect("runs")
}

fn assert_same(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let worst = flat(found)
        .iter()
        .zip(flat(expected))
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |most: f32, next| if next > most || next.is_nan() { next } else { most });
    assert!(worst <= 1e-6, "{what}: off by {worst}");
}

fn normal(shape: &[usize], seed: u64) -> Tensor {
    let values = Stream::new(seed, "inputs").normals(shape.iter().product());
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

#[test]
fn the_graphs_of_networks_are_the_networks_that_are_trained() -> Result<()> {
    let trunk = |size, nfilter, nfilter_max, channels| ResnetTrunk { size, nfilter, nfilter_max, channels };
    let trunks = [trunk(8, 3, 5, 1), trunk(16, 4, 17, 3), trunk(32, 8, 8, 3), trunk(64, 4, 32, 1)];
    let mut stream = Stream::new(7, "weights");
    let small = [1, 3].map(|channels| GeneratorConfig::Small { z_dim: 6, channels });
    let residual = trunks.map(|trunk| GeneratorConfig::Resnet { z_dim: 6, trunk });
    for config in small.into_iter().chain(residual) {
        let weights = config.initialise_uniform(&mut stream);
        let z = normal(&[3, 6], 1);
        let net = Generator::new(&config, &Weights::frozen(&weights, &Device::Cpu)?)?;
        assert_same(
            &interpreted(&config.graph(), &weights, &z)[0],
            &net.forward(&z)?,
            &format!("{config:?}"),
        );
    }
    let small = [1, 3].map(|channels| DiscriminatorConfig::Small { channels });
    let plain = trunks.map(|trunk| DiscriminatorConfig::Resnet { trunk });
    let bottleneck = trunks.map(|trunk| DiscriminatorConfig::ResnetVdb { trunk });
    for config in small.into_iter().chain(plain).chain(bottleneck) {
        let weights = config.initialise_uniform(&mut stream);
        let x = normal(&[2, config.channels(), config.size(), config.size()], 2);
        let net = Discriminator::new(&config, &Weights::frozen(&weights, &Device::Cpu)?)?;
        let logits = interpreted(&config.graph(), &weights, &x)[0].squeeze(1)?;
        assert_same(&logits, &net.discriminate(&x, None)?.logits, &format!("{config:?}"));
    }
    for channels in [1, 3] {
        let config = VaeConfig { channels, c_dim: 4 };
        let weights = config.initialise_he(&mut stream);
        let net = Vae::new(config, &Weights::frozen(&weights, &Device::Cpu)?)?;
        let (x, c) = (normal(&[3, channels, 64, 64], 3), normal(&[3, 4], 4));
        let posterior = net.encode(&x)?;
        let found = interpreted(&config.encoder_graph(), &weights, &x);
        assert_same(&found[0], &posterior.mu, "mean");
        assert_same(&found[1], &posterior.logvar, "log variance");
        assert_same(&interpreted(&config.decoder_graph(), &weights, &c)[0], &net.decode(&c)?, "decoder");
    }
    let config = MlpConfig { widths: vec![3, 9, 9, 2] };
    let weights = config.initialise_uniform(&mut stream);
    let net = Mlp::new(&config, &Weights::frozen(&weights, &Device::Cpu)?)?;
    let x = normal(&[5, 3], 5);
    assert_same(&interpreted(&config.graph(), &weights, &x)[0], &net.forward(&x)?, "linear layers");
    Ok(())
}

#[test]
fn inputs_of_another_shape_and_missing_ones_are_refused() {
    let config = MlpConfig { widths: vec![3, 2] };
    let weights = config.initialise_uniform(&mut Stream::new(1, "weights"));
    let net = Interpreter::new(&config.graph(), &weights, &Device::Cpu).expect("fits");
    let wrong = net.run(&[normal(&[2, 4], 1)]).expect_err("refused").to_string();
    assert!(wrong.contains("the network takes 3 numbers, not [2, 4]"), "{wrong}");
    assert!(net.run(&[]).is_err());
    let none = Interpreter::new(&config.graph(), &Arrays::new(), &Device::Cpu).err().expect("refused");
    assert!(none.to_string().contains("layer.0.weight is missing"), "{none}");
}
