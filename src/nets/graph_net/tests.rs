use candle_core::{Device, Result, Tensor, Var};

use super::*;
use crate::base::{Array, Arrays, Stream};
use crate::graph::{Convolution, Linear, Operation, Pool, Shape};

/// A critic with everything that a gradient penalty goes through: convolutions with and without a bias, one of each channel
/// by itself, one that covers its map, batch normalisation, pooling, a linear layer; `spectral` normalises the first.
fn critic() -> Graph {
    let mut graph = Graph::default();
    let mut x = graph.input(Shape::Map([2, 8, 8]));
    x = graph.convolution(x, Convolution::new("first", 2, 4, 1));
    x = graph.convolution(x, Convolution::new("second", 4, 6, 3).padding(1).without_bias());
    x = graph.batch_norm(x, "norm".to_owned(), 6);
    let pool = Pool { kernel: 2, stride: 2, padding: 0, counts_padding: true };
    x = graph.apply(Operation::AveragePool(pool), &[x]);
    x = graph.leaky_relu(x, 0.2);
    x = graph.convolution(x, Convolution::new("each", 6, 6, 3).padding(1).groups(6));
    x = graph.leaky_relu(x, 0.1);
    let trunk = x;
    x = graph.convolution(x, Convolution::new("whole", 6, 5, 4));
    x = graph.apply(Operation::Reshape(Shape::Row(5)), &[x]);
    x = graph.linear(x, Linear::new("last", 5, 1));
    graph.give(x);
    // a second head, which reads its map place by place
    x = graph.apply(Operation::Weighted { name: "places".into(), shape: [6, 4, 4] }, &[trunk]);
    let pool = Pool { kernel: 4, stride: 4, ..pool };
    x = graph.apply(Operation::AveragePool(pool), &[x]);
    x = graph.reshape(x, Shape::Row(6));
    graph.give(x);
    graph
}

/// Random weights for `graph`, the one called `first` to be normalised where `spectral`.
fn weights(graph: &Graph, spectral: bool) -> Arrays {
    let mut stream = Stream::new(3, "critic");
    let mut random = |shape: &[usize], scale: f32| {
        let count = shape.iter().product();
        Array::new(shape, (0..count).map(|_| scale * stream.normal()).collect()).expect("fits")
    };
    let mut arrays = Arrays::new();
    for parameter in graph.parameters() {
        let scale = if parameter.shape.len() > 1 { 0.5 } else { 1.0 };
        arrays.insert(parameter.name, random(&parameter.shape, scale));
    }
    if spectral {
        let weight = arrays.remove("first.weight").expect("there");
        arrays.insert("first.weight_u".into(), random(&[4], 1.0));
        arrays.insert("first.weight_v".into(), random(&[2], 1.0));
        arrays.insert("first.weight_orig".into(), weight);
    }
    arrays
}

fn pictures() -> Result<Tensor> {
    Tensor::from_vec(Stream::new(4, "pictures").normals(3 * 2 * 8 * 8), (3, 2, 8, 8), &Device::Cpu)
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("on the CPU")
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    let largest = expected.iter().fold(1e-6_f32, |most, value| most.max(value.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * largest, "{what}: {a} against {b} of {largest}");
    }
}

#[test]
fn the_input_gradient_is_the_one_of_the_backward_pass() -> Result<()> {
    let graph = critic();
    for spectral in [false, true] {
        let net = GraphNet::new(&graph, &Weights::trainable(&weights(&graph, spectral), &Device::Cpu)?)?;
        let x = Var::from_tensor(&pictures()?)?;
        let pass = net.forward_by_operations(&[x.as_tensor().clone()])?;
        for head in [0, 1] {
            let result = pass.output(head)?;
            let expression = net.input_gradient(&pass, head, &result.ones_like()?)?;
            let gradients = crate::ops::backward(&result.sum_all()?)?;
            let expected = gradients.get(&x).expect("reached");
            let what = format!("head {head}, spectral {spectral}");
            assert_close(&numbers(&expression), &numbers(expected), 1e-4, &what);
        }
    }
    Ok(())
}

/// A network of every kind of step that runs in a chain, with two heads on one map.
fn chained() -> Graph {
    let mut graph = Graph::default();
    let mut x = graph.input(Shape::Row(3));
    x = graph.linear(x, Linear::new("rows", 3, 8));
    x = graph.leaky_relu(x, 0.0);
    x = graph.apply(Operation::Reshape(Shape::Map([2, 2, 2])), &[x]);
    x = graph.transposed(x, Convolution::new("grow", 2, 4, 4).stride(2).padding(1).without_bias());
    x = graph.batch_norm(x, "norm".to_owned(), 4);
    x = graph.leaky_relu(x, 0.2);
    x = graph.transposed(x, Convolution::new("wide", 4, 3, 3).padding(1));
    x = graph.leaky_relu(x, 0.1);
    x = graph.apply(Operation::Double, &[x]);
    x = graph.convolution(x, Convolution::new("third", 3, 4, 3).padding(1));
    x = graph.leaky_relu(x, 0.2);
    let trunk = x;
    x = graph.convolution(x, Convolution::new("fourth", 4, 4, 3).padding(1));
    x = graph.batch_norm(x, "plain".to_owned(), 4);
    let pool = Pool { kernel: 2, stride: 2, padding: 0, counts_padding: true };
    x = graph.apply(Operation::AveragePool(pool), &[x]);
    x = graph.apply(Operation::Activation(crate::graph::Activation::Tanh), &[x]);
    graph.give(x);
    x = graph.convolution(trunk, Convolution::new("whole", 4, 5, 8));
    x = graph.apply(Operation::Reshape(Shape::Row(5)), &[x]);
    x = graph.apply(Operation::Activation(crate::graph::Activation::Sigmoid), &[x]);
    graph.give(x);
    graph
}

/// The gradients of a loss of everything that a network gives, of its input and of its weights by name, with the results.
fn learnt(net: &GraphNet, weights: &Weights, pass: &Pass, x: &Var) -> Result<Vec<(String, Vec<f32>)>> {
    let [first, second] = [0, 1].map(|index| pass.output(index).expect("two"));
    let loss = (first.sqr()?.sum_all()? + (second * 3.0)?.sqr()?.sum_all()?)?;
    let gradients = crate::ops::backward(&loss)?;
    let mut found = vec![("first".to_owned(), numbers(first)), ("second".to_owned(), numbers(second))];
    let all = weights.vars().map(|(name, var)| (name.to_owned(), var)).chain([("x".to_owned(), x)]);
    found.extend(all.filter_map(|(name, var)| Some((name, numbers(gradients.get(var.as_tensor())?)))));
    let seen =
        pass.statistics().iter().map(|seen| (format!("seen by {}", seen.name), numbers(&seen.variance)));
    found.extend(seen);
    assert_eq!(net.outputs.len(), 2);
    Ok(found)
}

#[test]
fn chains_are_the_operations_one_by_one() -> Result<()> {
    for (graph, input) in [
        (chained(), Tensor::from_vec(Stream::new(5, "codes").normals(12), (4, 3), &Device::Cpu)?),
        (critic(), pictures()?),
    ] {
        let weights = Weights::trainable(&weights(&graph, false), &Device::Cpu)?;
        let net = GraphNet::new(&graph, &weights)?;
        let longest = net.parts.iter().map(Vec::len).max();
        assert!(longest > Some(2), "chains of {longest:?}");
        let x = Var::from_tensor(&input)?;
        let inputs = [x.as_tensor().clone()];
        let expected = learnt(&net, &weights, &net.forward_by_operations(&inputs)?, &x)?;
        let pass = net.forward(&inputs)?;
        let found = learnt(&net, &weights, &pass, &x)?;
        let again = learnt(&net, &weights, &net.forward_again(&inputs, &pass)?, &x)?;
        assert_eq!(found.len(), expected.len());
        for ((name, found), (expected_name, expected)) in found.iter().zip(&expected) {
            assert_eq!(name, expected_name);
            assert_close(found, expected, 1e-5, name);
        }
        assert_eq!(found, again);
    }
    Ok(())
}

#[test]
fn a_pass_is_used_again_by_weights_of_which_others_learn() -> Result<()> {
    let graph = chained();
    let weights = Weights::trainable(&weights(&graph, false), &Device::Cpu)?;
    let (mine, theirs) =
        (weights.only(|name| name.starts_with("whole")), weights.only(|name| !name.starts_with("whole")));
    let first = GraphNet::new(&graph, &theirs.joined(&mine.frozen_view()))?;
    let second = GraphNet::new(&graph, &theirs.frozen_view().joined(&mine))?;
    let codes = Tensor::from_vec(Stream::new(5, "codes").normals(12), (4, 3), &Device::Cpu)?;
    let pass = first.forward(std::slice::from_ref(&codes))?;
    let again = second.forward_again(&[codes], &pass)?;
    let gradients = crate::ops::backward(&again.output(1)?.sum_all()?)?;
    for (name, var) in weights.vars() {
        assert_eq!(gradients.get(var.as_tensor()).is_some(), name.starts_with("whole"), "{name}");
    }
    Ok(())
}

#[test]
fn maps_are_averaged_and_sums_spread_a_number_of_each_channel() -> Result<()> {
    let mut graph = Graph::default();
    let map = graph.input(Shape::Map([2, 4, 4]));
    let numbers_of = graph.input(Shape::Map([2, 1, 1]));
    let sum = graph.apply(Operation::Add { scale: 3.0 }, &[map, numbers_of]);
    let pool = Pool { kernel: 4, stride: 4, padding: 0, counts_padding: true };
    let mean = graph.apply(Operation::AveragePool(pool), &[sum]);
    graph.give(mean);
    let net = GraphNet::new(&graph, &Weights::trainable(&Arrays::new(), &Device::Cpu)?)?;
    let map = Tensor::arange(0f32, 32.0, &Device::Cpu)?.reshape((1, 2, 4, 4))?;
    let added = Var::from_tensor(&Tensor::new(&[1f32, -2.0], &Device::Cpu)?.reshape((1, 2, 1, 1))?)?;
    let pass = net.forward(&[map, added.as_tensor().clone()])?;
    assert_eq!(numbers(pass.output(0)?), [7.5 + 3.0, 23.5 - 6.0]);
    let gradients = crate::ops::backward(&pass.output(0)?.sum_all()?)?;
    assert_eq!(numbers(gradients.get(&added).expect("reached")), [3.0, 3.0]);
    Ok(())
}

#[test]
fn a_penalty_on_the_input_gradient_reaches_every_weight_before_the_last_bias() -> Result<()> {
    let graph = critic();
    let arrays = weights(&graph, false);
    let penalty = |arrays: &Arrays| -> Result<(Tensor, Weights)> {
        let weights = Weights::trainable(arrays, &Device::Cpu)?;
        let net = GraphNet::new(&graph, &weights)?;
        let pass = net.forward_by_operations(&[pictures()?])?;
        let slope = net.input_gradient(&pass, 0, &pass.output(0)?.ones_like()?)?;
        Ok((slope.sqr()?.sum_all()?, weights))
    };
    let (loss, found) = penalty(&arrays)?;
    let gradients = crate::ops::backward(&loss)?;
    let before = |name: &str| name.ends_with("weight") && name != "places.weight";
    for (name, weight) in found.vars().filter(|(name, _)| before(name)) {
        let gradient = numbers(gradients.get(weight.as_tensor()).expect("reached"));
        // along the gradient the loss grows by its square; a small step says whether it does
        let length = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        // small, since a leaky ReLU that changes its side makes the penalty jump
        let step = 3e-4 / length.sqrt();
        let moved = |sign: f64| -> Result<f64> {
            let mut arrays = arrays.clone();
            let values = arrays.get_mut(name).expect("there").data_mut();
            values.iter_mut().zip(&gradient).for_each(|(v, g)| *v += (sign * step * f64::from(*g)) as f32);
            Ok(f64::from(penalty(&arrays)?.0.to_scalar::<f32>()?))
        };
        let slope = (moved(1.0)? - moved(-1.0)?) / (2.0 * step);
        assert!((slope / length - 1.0).abs() < 0.05, "{name}: {slope} for {length}");
    }
    Ok(())
}

#[test]
fn a_spectrally_normalised_weight_has_the_largest_singular_value_one() -> Result<()> {
    let graph = critic();
    let weights = Weights::trainable(&weights(&graph, true), &Device::Cpu)?;
    let mut last = Vec::new();
    for _ in 0..60 {
        last = numbers(&spectral::weight(&weights, "first")?);
    }
    // the largest eigenvalue of the 2x2 matrix of products of its columns
    let product = |i: usize, j: usize| {
        (0..4).map(|row| f64::from(last[2 * row + i]) * f64::from(last[2 * row + j])).sum::<f64>()
    };
    let (a, b, c) = (product(0, 0), product(0, 1), product(1, 1));
    let largest = f64::midpoint(a, c) + ((a - c).powi(2) / 4.0 + b * b).sqrt();
    assert!((largest - 1.0).abs() < 1e-5, "{largest}");
    Ok(())
}

#[test]
fn running_statistics_follow_with_a_momentum_of_a_tenth() -> Result<()> {
    let graph = critic();
    let weights = Weights::trainable(&weights(&graph, false), &Device::Cpu)?;
    let net = GraphNet::new(&graph, &weights)?;
    let before = weights.to_arrays()?;
    let pass = net.forward(&[pictures()?])?;
    net.follow(&pass)?;
    let after = weights.to_arrays()?;
    let [seen] = pass.statistics() else { panic!("one normalisation") };
    for (ending, seen) in [("running_mean", &seen.mean), ("running_var", &seen.variance)] {
        let name = format!("norm.{ending}");
        let expected: Vec<f32> =
            before[&name].data().iter().zip(numbers(seen)).map(|(old, new)| 0.9 * old + 0.1 * new).collect();
        assert_close(after[&name].data(), &expected, 1e-6, &name);
    }
    // over one less than the 3 * 64 values
    let second = net.forward(&[pictures()?])?;
    assert_close(&numbers(&second.statistics()[0].variance), &numbers(&seen.variance), 1e-6, "again");
    Ok(())
}

#[test]
fn what_cannot_be_trained_is_named() -> Result<()> {
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([2, 8, 8]));
    let pool = Pool { kernel: 2, stride: 2, padding: 0, counts_padding: true };
    let x = graph.apply(Operation::MaxPool(pool), &[x]);
    graph.give(x);
    let net = GraphNet::new(&graph, &Weights::trainable(&Arrays::new(), &Device::Cpu)?)?;
    let said = net.forward(&[pictures()?]).expect_err("refused").to_string();
    assert!(said.contains("max pooling cannot be trained"), "{said}");
    let missing = GraphNet::new(&critic(), &Weights::trainable(&Arrays::new(), &Device::Cpu)?);
    assert!(missing.is_err_and(|error| error.to_string().contains("first.weight")));
    Ok(())
}
