//! Graphs in f64, the slow and obvious way.

use crate::base::{Arrays, PixelRange};
use crate::graph::{Activation, Convolution, Corners, Graph, Operation, Pool, Shape};

/// The results of a graph for one row or picture an input.
pub(super) fn run(graph: &Graph, weights: &Arrays, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let shapes = graph.shapes().expect("a sound graph");
    let mut given = inputs.iter();
    let mut results: Vec<Vec<f64>> = Vec::new();
    for (node, shape) in graph.nodes().iter().zip(&shapes) {
        let operands: Vec<(&[f64], Shape)> =
            node.inputs.iter().map(|v| (results[v.index()].as_slice(), shapes[v.index()])).collect();
        let result = match node.operation {
            Operation::Input(_) => given.next().expect("an input").clone(),
            _ => compute(&node.operation, &operands, *shape, weights),
        };
        assert_eq!(result.len(), shape.values(), "{}", node.operation);
        results.push(result);
    }
    graph.outputs().iter().map(|v| results[v.index()].clone()).collect()
}

fn compute(operation: &Operation, operands: &[(&[f64], Shape)], shape: Shape, weights: &Arrays) -> Vec<f64> {
    let (x, taken) = operands[0];
    let named = |ending: &str| -> Vec<f64> {
        let name = format!("{}.{ending}", operation.name().expect("it has parameters"));
        weights.get(&name).map(|a| a.data().iter().map(|&v| f64::from(v)).collect()).unwrap_or_default()
    };
    let channel = |i: usize| i / (taken.values() / taken.channels());
    match operation {
        Operation::Linear(layer) => {
            let (weight, bias) = (named("weight"), named("bias"));
            let sum = |o: usize| (0..layer.inputs).map(|i| weight[o * layer.inputs + i] * x[i]).sum::<f64>();
            (0..layer.outputs).map(|o| sum(o) + bias.get(o).unwrap_or(&0.0)).collect()
        }
        Operation::Convolution(conv) => {
            convolution(conv, x, taken, shape, &named("weight"), &named("bias"), false)
        }
        Operation::TransposedConvolution(conv) => {
            convolution(conv, x, taken, shape, &named("weight"), &named("bias"), true)
        }
        Operation::BatchNorm { epsilon, .. } => {
            let [gain, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(named);
            let one = |(i, v): (usize, &f64)| {
                let c = channel(i);
                (v - mean[c]) / (variance[c] + epsilon).sqrt() * gain[c] + shift[c]
            };
            x.iter().enumerate().map(one).collect()
        }
        Operation::Affine { .. } => {
            let (gain, shift) = (named("weight"), named("bias"));
            x.iter().enumerate().map(|(i, v)| v * gain[channel(i)] + shift[channel(i)]).collect()
        }
        Operation::Activation(activation) => x.iter().map(|&v| activated(*activation, v)).collect(),
        Operation::Weighted { .. } => x.iter().zip(named("weight")).map(|(a, b)| a * b).collect(),
        Operation::Add { scale } => {
            let (other, sides) = operands[1];
            let area = shape.values() / shape.channels();
            let added = |i: usize| match sides {
                Shape::Map([1, _, _]) => other[i % area],
                Shape::Map([_, 1, 1]) => other[i / area],
                _ => other[i],
            };
            x.iter().enumerate().map(|(i, a)| a + scale * added(i)).collect()
        }
        Operation::Multiply => {
            let (gate, other) = operands[1];
            let area = shape.values() / other.values();
            x.iter().enumerate().map(|(i, v)| v * gate[i / area]).collect()
        }
        Operation::Bilinear { size, corners } => {
            positions(shape).map(|(c, y, x_)| between(x, taken, c, [y, x_], *size, *corners)).collect()
        }
        Operation::MaxPool(pool) => positions(shape).map(|place| largest(pool, x, taken, place)).collect(),
        Operation::Double => positions(shape).map(|(c, y, x_)| at(x, taken, c, y / 2, x_ / 2)).collect(),
        Operation::AveragePool(pool) => positions(shape).map(|place| pooled(pool, x, taken, place)).collect(),
        Operation::Reshape(_) => x.to_vec(),
        Operation::Concat => operands.iter().flat_map(|(x, _)| x.to_vec()).collect(),
        Operation::Slice { start, length, step } => {
            let area = taken.values() / taken.channels();
            (0..*length).flat_map(|i| x[(start + i * step) * area..][..area].to_vec()).collect()
        }
        Operation::Softmax => {
            let area = taken.values() / taken.channels();
            let total = |place: usize| x.iter().skip(place).step_by(area).map(|v| v.exp()).sum::<f64>();
            x.iter().enumerate().map(|(i, v)| v.exp() / total(i % area)).collect()
        }
        Operation::ToPixels(range) => {
            let one = |&v: &f64| match range {
                PixelRange::Unit => v.clamp(0.0, 1.0),
                PixelRange::Signed => (v + 1.0) / 2.0,
                PixelRange::Logits => 1.0 / (1.0 + (-v).exp()),
            };
            x.iter().map(one).collect()
        }
        Operation::Input(_) => unreachable!("inputs are given"),
    }
}

fn activated(activation: Activation, v: f64) -> f64 {
    match activation {
        Activation::LeakyRelu(slope) => {
            if v > 0.0 {
                v
            } else {
                slope * v
            }
        }
        Activation::Tanh => v.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-v).exp()),
        Activation::Softplus => v.exp().ln_1p(),
        Activation::Elu(factor) => {
            if v > 0.0 {
                v
            } else {
                factor * v.exp_m1()
            }
        }
        Activation::Clamp(low, high) => v.clamp(low, high),
    }
}

fn sides(shape: Shape) -> [usize; 3] {
    match shape {
        Shape::Map(sides) => sides,
        Shape::Row(_) => panic!("not a map"),
    }
}

/// Channel, row and column of every value.
fn positions(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let [channels, height, width] = sides(shape);
    (0..channels * height * width).map(move |i| (i / (height * width), i / width % height, i % width))
}

fn at(values: &[f64], shape: Shape, channel: usize, y: usize, x: usize) -> f64 {
    let [_, height, width] = sides(shape);
    values[(channel * height + y) * width + x]
}

/// The value at row `y` and column `x`, both counted from inside the padding; none within it.
fn padded(
    values: &[f64],
    shape: Shape,
    channel: usize,
    [y, x]: [usize; 2],
    padding: [usize; 2],
) -> Option<f64> {
    let [_, height, width] = sides(shape);
    let (y, x) = (y.checked_sub(padding[0])?, x.checked_sub(padding[1])?);
    (y < height && x < width).then(|| at(values, shape, channel, y, x))
}

fn pooled(pool: &Pool, x: &[f64], taken: Shape, (c, row, column): (usize, usize, usize)) -> f64 {
    let window = (0..pool.kernel * pool.kernel).map(|i| {
        let place = [row * pool.stride + i / pool.kernel, column * pool.stride + i % pool.kernel];
        padded(x, taken, c, place, [pool.padding; 2])
    });
    let inside: Vec<f64> = window.flatten().collect();
    let count = if pool.counts_padding { pool.kernel * pool.kernel } else { inside.len() };
    inside.iter().sum::<f64>() / count as f64
}

/// Every pair of a value taken and one made that a tap of the kernel joins.
fn convolution(
    conv: &Convolution,
    x: &[f64],
    taken: Shape,
    made: Shape,
    weight: &[f64],
    bias: &[f64],
    is_transposed: bool,
) -> Vec<f64> {
    let [rows, columns] = conv.kernel;
    let (inputs, outputs) = (conv.inputs / conv.groups, conv.outputs / conv.groups);
    let [_, made_height, made_width] = sides(made);
    let mut result: Vec<f64> = positions(made).map(|(o, ..)| bias.get(o).copied().unwrap_or(0.0)).collect();
    // The smaller of the two maps is where the kernel is laid.
    let (small, large) = if is_transposed { (taken, made) } else { (made, taken) };
    let [_, small_height, small_width] = sides(small);
    let [_, large_height, large_width] = sides(large);
    for (i, o) in (0..conv.inputs).flat_map(|i| (0..conv.outputs).map(move |o| (i, o))) {
        if i / inputs != o / outputs {
            continue;
        }
        let filter = if is_transposed { i * outputs + o % outputs } else { o * inputs + i % inputs };
        for place in 0..small_height * small_width * rows * columns {
            let (tap, pixel) = (place % (rows * columns), place / (rows * columns));
            let (sy, sx) = (pixel / small_width, pixel % small_width);
            let (ly, lx) = (sy * conv.stride + tap / columns, sx * conv.stride + tap % columns);
            let (Some(ly), Some(lx)) = (ly.checked_sub(conv.padding[0]), lx.checked_sub(conv.padding[1]))
            else {
                continue;
            };
            if ly >= large_height || lx >= large_width {
                continue;
            }
            let ((ty, tx), (my, mx)) =
                if is_transposed { ((sy, sx), (ly, lx)) } else { ((ly, lx), (sy, sx)) };
            result[(o * made_height + my) * made_width + mx] +=
                weight[filter * rows * columns + tap] * at(x, taken, i, ty, tx);
        }
    }
    result
}

/// The largest value of the window at a place.
fn largest(pool: &Pool, x: &[f64], taken: Shape, (c, y, x_): (usize, usize, usize)) -> f64 {
    let [_, height, width] = sides(taken);
    let mut found = f64::NEG_INFINITY;
    for row in 0..pool.kernel {
        for column in 0..pool.kernel {
            let (y, x_) = (y * pool.stride + row, x_ * pool.stride + column);
            let inside = (pool.padding..pool.padding + height).contains(&y)
                && (pool.padding..pool.padding + width).contains(&x_);
            if inside {
                found = found.max(at(x, taken, c, y - pool.padding, x_ - pool.padding));
            }
        }
    }
    found
}

/// What lies at a place of a resampled map, between the four pixels around it.
fn between(x: &[f64], taken: Shape, c: usize, place: [usize; 2], size: [usize; 2], corners: Corners) -> f64 {
    let [_, height, width] = sides(taken);
    let along = |i: usize, from: usize, to: usize| {
        let (i, from, to) = (i as f64, from as f64, to as f64);
        let place = match corners {
            Corners::Half => (i + 0.5) / to * from - 0.5,
            Corners::Aligned if to > 1.0 => i / (to - 1.0) * (from - 1.0),
            Corners::Aligned => 0.0,
            Corners::Asymmetric => i / to * from,
        };
        place.max(0.0).min(from - 1.0)
    };
    let (y, x_) = (along(place[0], height, size[0]), along(place[1], width, size[1]));
    let mut sum = 0.0;
    for row in 0..height {
        for column in 0..width {
            let near = |place: f64, pixel: usize| (1.0 - (place - pixel as f64).abs()).max(0.0);
            sum += near(y, row) * near(x_, column) * at(x, taken, c, row, column);
        }
    }
    sum
}
