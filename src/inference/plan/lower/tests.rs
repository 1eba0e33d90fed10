//! Plans against the interpreter, over networks that are none of the published ones; and what is left to candle.

use candle_core::Device;
use half::bf16;

use crate::base::{Array, Arrays, Cancel, PixelRange, Pool, Stream};
use crate::graph::{
    Activation, Convolution, Graph, Linear, Operation, Pool as Pooling, Shape, Value, random,
};
use crate::inference::plan::{PlanEncoder, PlanRenderer};
use crate::inference::{Encoder, RenderError, Renderer, TensorEncoder, TensorRenderer};
use crate::ops::cpu::isa::Isa;

const CODE: usize = 7;

fn weights(graph: &Graph, seed: u64) -> Arrays {
    random::weights(graph, &mut Stream::new(seed, "weights"))
}

/// From a code by a linear layer to a map.
fn start(graph: &mut Graph, sides: [usize; 3]) -> Value {
    let code = graph.input(Shape::Row(CODE));
    let row = graph.linear(code, Linear::new("fc", CODE, sides.iter().product()));
    graph.apply(Operation::Reshape(Shape::Map(sides)), &[row])
}

fn conv(name: &str, inputs: usize, outputs: usize, kernel: usize) -> Convolution {
    Convolution::new(name, inputs, outputs, kernel).padding(kernel / 2)
}

fn finished(mut graph: Graph, last: Value, range: PixelRange) -> Graph {
    graph.give(last);
    graph.to_pixels(range)
}

/// A map of `size` times `size` doubled `doublings` times, normalised and bent between plain convolutions.
fn stack(size: usize, doublings: usize, norm: bool, range: PixelRange) -> Graph {
    let mut graph = Graph::default();
    let mut x = start(&mut graph, [20, size, size]);
    for i in 0..doublings {
        x = graph.apply(Operation::Double, &[x]);
        x = graph.convolution(x, conv(&format!("conv{i}"), 20, 20, 3).without_bias());
        if norm {
            x = graph
                .apply(Operation::BatchNorm { name: format!("bn{i}"), channels: 20, epsilon: 1e-5 }, &[x]);
        }
        x = graph.leaky_relu(x, 0.1);
    }
    x = graph.convolution(x, conv("last", 20, 3, 3));
    match range {
        PixelRange::Signed => x = graph.apply(Operation::Activation(Activation::Tanh), &[x]),
        PixelRange::Unit => x = graph.apply(Operation::Activation(Activation::Sigmoid), &[x]),
        PixelRange::Logits => {}
    }
    finished(graph, x, range)
}

/// A picture by transposed convolutions alone, as a DCGAN's generator makes it, with a sum on the way.
fn transposed() -> Graph {
    let mut graph = Graph::default();
    let code = graph.input(Shape::Row(CODE));
    let mut x = graph.apply(Operation::Reshape(Shape::Map([CODE, 1, 1])), &[code]);
    x = graph.transposed(x, Convolution::new("first", CODE, 24, 4));
    x = graph.leaky_relu(x, 0.0);
    let skipped = x;
    x = graph.convolution(x, conv("plain", 24, 24, 3));
    x = graph.apply(Operation::Add { scale: 0.5 }, &[skipped, x]);
    x = graph.transposed(x, Convolution::new("second", 24, 1, 4).stride(2).padding(1));
    finished(graph, x, PixelRange::Logits)
}

/// A picture by transposed convolutions of 3x3 kernels that make one row and column more, from maps of 2x2 on.
fn padded_outside() -> Graph {
    let mut graph = Graph::default();
    let mut x = start(&mut graph, [40, 2, 2]);
    for i in 0..3 {
        let layer = Convolution::new(format!("conv{i}"), 40, 40, 3).stride(2).padding(1).output_padding(1);
        x = graph.transposed(x, layer);
        let norm = Operation::BatchNorm { name: format!("bn{i}"), channels: 40, epsilon: 1e-5 };
        x = graph.apply(norm, &[x]);
        x = graph.leaky_relu(x, 0.01);
    }
    x = graph.convolution(x, conv("last", 40, 3, 3));
    x = graph.apply(Operation::Activation(Activation::Tanh), &[x]);
    finished(graph, x, PixelRange::Signed)
}

/// The largest difference; NaN where one of both alone is none.
fn farthest(found: &[f32], expected: &[f32]) -> f32 {
    let is_none = |a: &f32, b: &f32| a.is_nan() && b.is_nan();
    let differences =
        found.iter().zip(expected).map(|(a, b)| if is_none(a, b) { 0.0 } else { (a - b).abs() });
    differences.fold(0.0, |most, next| if next > most || next.is_nan() { next } else { most })
}

fn render(renderer: &mut dyn Renderer, codes: &[f32]) -> Vec<f32> {
    let picture: usize = renderer.picture_shape().iter().product();
    let mut pictures = vec![f32::NAN; codes.len() / CODE * picture];
    renderer.render(codes, &mut pictures, &Cancel::new()).expect("renders");
    pictures
}

/// How far pictures are from others, in 255ths: on average, and at 99 of 100 values.
fn apart(found: &[f32], expected: &[f32]) -> [f32; 2] {
    let mut off: Vec<f32> = found.iter().zip(expected).map(|(a, b)| 255.0 * (a - b).abs()).collect();
    let mean = off.iter().sum::<f32>() / off.len() as f32;
    off.sort_by(f32::total_cmp);
    [mean, off[off.len() * 99 / 100]]
}

/// The weights as bf16 has them.
fn rounded(weights: &Arrays) -> Arrays {
    let mut weights = weights.clone();
    for value in weights.values_mut().flat_map(Array::data_mut) {
        *value = bf16::from_f32(*value).to_f32();
    }
    weights
}

/// Pictures in bf16 of a network that nobody trained, and that may magnify what is rounded: nowhere farther from f32 than a few
/// times what rounding the weights alone does.
fn assert_near(found: &[f32], expected: &[f32], of_rounded: &[f32], what: &str) {
    let (off, alone) = (apart(found, expected), apart(of_rounded, expected));
    let most = alone.map(|alone| 0.25 + 3.0 * alone);
    assert!(
        off[0] <= most[0] && off[1] <= most[1],
        "{what}: off by {off:?}, but {alone:?} by its weights alone"
    );
    assert!(off[0] > 0.0, "{what}: not in bf16");
}

#[test]
fn plans_draw_what_the_interpreter_draws() {
    let pool = Pool::new("test", 2).expect("starts");
    let codes = Stream::new(3, "codes").normals(3 * CODE);
    let graphs = [
        stack(4, 2, false, PixelRange::Signed),
        stack(4, 3, true, PixelRange::Unit),
        stack(7, 1, true, PixelRange::Logits),
        stack(6, 0, false, PixelRange::Logits),
        transposed(),
    ];
    for (seed, graph) in graphs.iter().enumerate() {
        let weights = weights(graph, seed as u64);
        let mut reference = TensorRenderer::new(graph, &weights, &Device::Cpu, &pool).expect("fits");
        let expected = render(&mut reference, &codes);
        let mut reference =
            TensorRenderer::new(graph, &rounded(&weights), &Device::Cpu, &pool).expect("fits");
        let of_rounded = render(&mut reference, &codes);
        for isa in Isa::available() {
            let mut plan = PlanRenderer::<f32>::compile_for(isa, graph, &weights, &pool).expect("compiles");
            let found = render(&mut plan, &codes);
            let worst = farthest(&found, &expected);
            assert!(worst < 2e-5, "graph {seed} with {isa:?}: off by {worst}");
            assert!(found[..found.len() / 3] != found[found.len() / 3..2 * found.len() / 3], "codes differ");
            let mut plan = PlanRenderer::<bf16>::compile_for(isa, graph, &weights, &pool).expect("compiles");
            let found = render(&mut plan, &codes);
            assert_near(&found, &expected, &of_rounded, &format!("graph {seed} with {isa} in bf16"));
        }
    }
}

/// A network from a code to a picture whose layers chance puts together.
fn by_chance(stream: &mut Stream) -> Graph {
    let mut graph = Graph::default();
    let x = start(&mut graph, [random::CHANNELS, random::SIZE, random::SIZE]);
    let results = random::add_layers(&mut graph, x, 5, stream);
    let (last, _) = results[results.len() - 1];
    let last = graph.convolution(last, conv("picture", random::CHANNELS, 3, 3));
    finished(graph, last, PixelRange::Logits)
}

#[test]
fn the_plan_of_any_network_draws_what_the_interpreter_draws_if_there_is_one() {
    let pool = Pool::new("test", 1).expect("starts");
    let codes = Stream::new(3, "codes").normals(2 * CODE);
    let (mut compiled, mut left) = (0, 0);
    for seed in 0..400 {
        let mut stream = Stream::new(seed, "layers");
        let graph = by_chance(&mut stream);
        let weights = random::weights(&graph, &mut stream);
        let mut plan = match PlanRenderer::<f32>::compile(&graph, &weights, &pool) {
            Ok(plan) => plan,
            Err(RenderError::Unsupported(_)) => {
                left += 1;
                continue;
            }
            Err(other) => panic!("network {seed}: {other}"),
        };
        compiled += 1;
        let mut reference = TensorRenderer::new(&graph, &weights, &Device::Cpu, &pool).expect("fits");
        let (found, expected) = (render(&mut plan, &codes), render(&mut reference, &codes));
        let worst = farthest(&found, &expected);
        assert!(worst < 2e-5, "network {seed}: off by {worst}");
        let mut half = PlanRenderer::<bf16>::compile(&graph, &weights, &pool).expect("compiles as well");
        let mut reference =
            TensorRenderer::new(&graph, &rounded(&weights), &Device::Cpu, &pool).expect("fits");
        let of_rounded = render(&mut reference, &codes);
        assert_near(&render(&mut half, &codes), &expected, &of_rounded, &format!("network {seed} in bf16"));
    }
    assert!(compiled > 50 && left > 50, "{compiled} compiled, {left} left to candle");
}

/// An encoder of pictures of `size`, whose maps are halved down to `smallest`.
fn encoder(size: usize, smallest: usize, norm: bool, plain: bool) -> Graph {
    let mut graph = Graph::default();
    let mut x = graph.input(Shape::Map([3, size, size]));
    let (mut channels, mut side) = (3, size);
    while side > smallest {
        let name = format!("conv{side}");
        x = graph.convolution(x, Convolution::new(&name, channels, 16, 4).stride(2).padding(1));
        if norm {
            x = graph
                .apply(Operation::BatchNorm { name: format!("bn{side}"), channels: 16, epsilon: 1e-3 }, &[x]);
        }
        x = graph.leaky_relu(x, 0.2);
        (channels, side) = (16, side / 2);
        if plain {
            x = graph.convolution(x, conv(&format!("plain{side}"), 16, 16, 3));
            x = graph.leaky_relu(x, 0.2);
        }
    }
    x = graph.apply(Operation::Reshape(Shape::Row(16 * side * side)), &[x]);
    x = graph.linear(x, Linear::new("hidden", 16 * side * side, 40));
    x = graph.leaky_relu(x, 0.0);
    let mean = graph.linear(x, Linear::new("mean", 40, 5));
    let logvar = graph.linear(x, Linear::new("logvar", 40, 5));
    graph.give(mean);
    graph.give(logvar);
    graph
}

/// An encoder by 3x3 kernels down to maps of 2x2. Means and log variances are every second number of one row, or each of a
/// layer of its own on the maps.
fn halved_by_3x3(is_interleaved: bool) -> Graph {
    let mut graph = Graph::default();
    let mut x = graph.input(Shape::Map([3, 32, 32]));
    let mut channels = 3;
    for side in [16, 8, 4, 2] {
        x = graph
            .convolution(x, Convolution::new(format!("conv{side}"), channels, 24, 3).stride(2).padding(1));
        let norm = Operation::BatchNorm { name: format!("bn{side}"), channels: 24, epsilon: 1e-5 };
        x = graph.apply(norm, &[x]);
        x = graph.leaky_relu(x, 0.01);
        channels = 24;
    }
    x = graph.apply(Operation::Reshape(Shape::Row(24 * 4)), &[x]);
    let posterior = match is_interleaved {
        true => {
            let both = graph.linear(x, Linear::new("both", 24 * 4, 10));
            [0, 1].map(|start| graph.apply(Operation::Slice { start, length: 5, step: 2 }, &[both]))
        }
        false => ["mean", "logvar"].map(|name| graph.linear(x, Linear::new(name, 24 * 4, 5))),
    };
    posterior.into_iter().for_each(|part| graph.give(part));
    graph
}

#[test]
fn plans_encode_what_the_interpreter_encodes() {
    for (seed, graph) in [
        encoder(64, 4, false, false),
        encoder(32, 4, true, false),
        encoder(128, 4, true, true),
        encoder(64, 32, false, false),
    ]
    .iter()
    .enumerate()
    {
        let weights = weights(graph, seed as u64);
        let Some(Shape::Map(sides)) = graph.inputs().next() else { panic!("pictures") };
        let picture: usize = sides.iter().product();
        let mut stream = Stream::new(5, "pictures");
        let count = 21;
        let pictures: Vec<f32> = (0..count * picture).map(|_| stream.uniform()).collect();
        let encoded = |encoder: &mut dyn Encoder| {
            let (mut mu, mut logvar) = (vec![f32::NAN; count * 5], vec![f32::NAN; count * 5]);
            encoder.encode(&pictures, &mut mu, &mut logvar).expect("encodes");
            [mu, logvar].concat()
        };
        let pool = Pool::new("test", 2).expect("starts");
        let mut reference = TensorEncoder::new(graph, &weights, &Device::Cpu, &pool).expect("fits");
        let expected = encoded(&mut reference);
        for isa in Isa::available() {
            let mut plan = PlanEncoder::<f32>::compile_for(isa, graph, &weights, &pool).expect("compiles");
            let found = encoded(&mut plan);
            let worst = farthest(&found, &expected);
            assert!(worst < 2e-5, "graph {seed} with {isa:?}: off by {worst}");
            let mut plan = PlanEncoder::<bf16>::compile_for(isa, graph, &weights, &pool).expect("compiles");
            let found = encoded(&mut plan);
            let size = expected.iter().map(|value| value.abs()).fold(0.0, f32::max);
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.02 * size, "graph {seed} with {isa:?} in bf16: off by {worst} of {size}");
        }
    }
}

#[test]
fn kernels_of_3x3_that_double_and_halve_compute_what_the_interpreter_computes() {
    let pool = Pool::new("test", 2).expect("starts");
    let (graph, codes) = (padded_outside(), Stream::new(3, "codes").normals(3 * CODE));
    let parameters = weights(&graph, 5);
    let mut reference = TensorRenderer::new(&graph, &parameters, &Device::Cpu, &pool).expect("fits");
    let expected = render(&mut reference, &codes);
    for isa in Isa::available() {
        let mut plan = PlanRenderer::<f32>::compile_for(isa, &graph, &parameters, &pool).expect("compiles");
        let worst = farthest(&render(&mut plan, &codes), &expected);
        assert!(worst < 2e-5, "{isa:?}: off by {worst}");
    }
    let mut stream = Stream::new(5, "pictures");
    let pictures: Vec<f32> = (0..21 * 3 * 32 * 32).map(|_| stream.uniform()).collect();
    let encoded = |encoder: &mut dyn Encoder| {
        let (mut mu, mut logvar) = (vec![f32::NAN; 21 * 5], vec![f32::NAN; 21 * 5]);
        encoder.encode(&pictures, &mut mu, &mut logvar).expect("encodes");
        [mu, logvar].concat()
    };
    for is_interleaved in [true, false] {
        let graph = halved_by_3x3(is_interleaved);
        let parameters = weights(&graph, 4);
        let mut reference = TensorEncoder::new(&graph, &parameters, &Device::Cpu, &pool).expect("fits");
        let expected = encoded(&mut reference);
        let scale = expected.iter().fold(1f32, |most, value| most.max(value.abs()));
        for isa in Isa::available() {
            let mut plan =
                PlanEncoder::<f32>::compile_for(isa, &graph, &parameters, &pool).expect("compiles");
            let worst = farthest(&encoded(&mut plan), &expected);
            assert!(worst < 2e-5 * scale, "{isa:?}: off by {worst} of {scale}");
        }
    }
}

#[test]
fn a_last_layer_that_has_no_kernel_to_pixels_is_left_to_candle() {
    let pool = Pool::new("test", 1).expect("starts");
    let mut graph = Graph::default();
    let x = start(&mut graph, [4, 8, 8]);
    let x = graph.apply(Operation::Double, &[x]);
    let last = graph.convolution(x, conv("last", 4, 3, 3));
    let graph = finished(graph, last, PixelRange::Logits);
    let weights = weights(&graph, 1);
    match PlanRenderer::<f32>::compile(&graph, &weights, &pool) {
        Err(RenderError::Unsupported(what)) => assert_eq!(what, "how the last layer makes pixels"),
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn what_no_kernel_does_is_said_and_left_to_candle() {
    let pool = Pool::new("test", 1).expect("starts");
    let pooling = Pooling { kernel: 2, stride: 2, padding: 0, counts_padding: true };
    let grouped = conv("odd", 4, 4, 3).groups(2);
    for (operation, said) in [
        (Operation::AveragePool(pooling), "average pooling"),
        (Operation::Activation(Activation::Softplus), "softplus"),
        (Operation::Softmax, "softmax"),
        (Operation::Convolution(grouped), "convolution odd"),
        (Operation::Convolution(conv("odd", 4, 4, 5)), "convolution odd"),
        (Operation::leaky_relu(1.5), "slope is not between 0 and 1"),
        (Operation::leaky_relu(-0.5), "leaky ReLU"),
    ] {
        let mut graph = Graph::default();
        let x = start(&mut graph, [4, 8, 8]);
        let odd = graph.apply(operation, &[x]);
        let last = graph.convolution(odd, conv("last", 4, 3, 3));
        let graph = finished(graph, last, PixelRange::Logits);
        let weights = weights(&graph, 1);
        match PlanRenderer::<f32>::compile(&graph, &weights, &pool) {
            Err(RenderError::Unsupported(what)) => assert!(what.contains(said), "{what}"),
            other => panic!("{said}: {}", other.err().map(|error| error.to_string()).unwrap_or_default()),
        }
        TensorRenderer::new(&graph, &weights, &Device::Cpu, &pool).expect("candle knows it");
    }
}
