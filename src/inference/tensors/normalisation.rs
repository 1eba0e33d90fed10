use candle_core::{Result, Tensor, bail};

use crate::base::{Array, Arrays, Cancel, Pool};
use crate::graph::{Graph, Operation, Value};
use crate::inference::{Computer, RenderError};

use super::interpreter::Interpreter;

/// Statistics of one batch normalisation, summed over batches.
struct Sums {
    mean: Tensor,
    variance: Tensor,
}

/// The running statistics that a network's batch normalisations have on `batches` of what it takes: each batch runs through as it
/// does in training, normalised by its own statistics, and the means and unbiased variances of all are averaged (PyTorch's
/// `momentum=None`). They are named as the parameters that they stand for; none where nothing is normalised.
///
/// # Errors
/// When the graph cannot be computed, the weights or a batch do not fit, or the device fails; when it is cancelled, nothing.
pub fn gather_normalisation(
    graph: &Graph,
    weights: &Arrays,
    batches: impl Iterator<Item = Vec<f32>>,
    computer: &Computer,
    pool: &Pool,
    cancel: &Cancel,
) -> std::result::Result<Option<Arrays>, RenderError> {
    let device = &computer.device;
    let net = Interpreter::unfused(graph, weights, device)?;
    let width = graph.inputs().next().map_or(0, |shape| shape.values());
    let mut sums: Vec<Option<Sums>> = graph.nodes().iter().map(|_| None).collect();
    let mut count = 0.0;
    for batch in batches {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        let rows = batch.len() / width.max(1);
        let input = Tensor::from_vec(batch, (rows, width), device)?;
        pool.run(|| {
            net.run_normalising(&[input], &mut |value: Value, x: &Tensor, epsilon: f64| {
                normalised(x, epsilon, &mut sums[value.index()])
            })
        })?;
        count += 1.0;
    }
    let mut gathered = Arrays::new();
    for (node, sums) in graph.nodes().iter().zip(sums) {
        let (Operation::BatchNorm { name, channels, .. }, Some(sums)) = (&node.operation, sums) else {
            continue;
        };
        for (ending, sum) in [("running_mean", sums.mean), ("running_var", sums.variance)] {
            let values = (sum / count)?.flatten_all()?.to_vec1()?;
            gathered.extend(Array::new([*channels], values).map(|array| (format!("{name}.{ending}"), array)));
        }
    }
    Ok(Some(gathered))
}

/// `x` with each channel's mean 0 and variance 1 over the batch; its mean and unbiased variance are added to `sums`.
fn normalised(x: &Tensor, epsilon: f64, sums: &mut Option<Sums>) -> Result<Tensor> {
    let axes: Vec<usize> = (0..x.rank()).filter(|&axis| axis != 1).collect();
    let places = x.elem_count() / x.dim(1)?.max(1);
    if places < 2 {
        bail!("a batch of one number a channel has no variance");
    }
    let mean = x.mean_keepdim(axes.as_slice())?;
    let centred = x.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean_keepdim(axes.as_slice())?;
    let unbiased = (&variance * (places as f64 / (places - 1) as f64))?;
    *sums = Some(match sums.take() {
        Some(so_far) => Sums { mean: (so_far.mean + &mean)?, variance: (so_far.variance + unbiased)? },
        None => Sums { mean, variance: unbiased },
    });
    centred.broadcast_div(&(variance + epsilon)?.sqrt()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use crate::graph::{Linear, Shape, random};

    /// Two normalised layers of numbers, and one of maps.
    fn network() -> Graph {
        let mut graph = Graph::default();
        let x = graph.input(Shape::Row(3));
        let x = graph.linear(x, Linear::new("first", 3, 8));
        let x = graph.batch_norm(x, "first_norm", 8);
        let x = graph.relu(x);
        let x = graph.reshape(x, Shape::Map([2, 2, 2]));
        let x = graph.batch_norm(x, "second_norm", 2);
        graph.give(x);
        graph
    }

    #[test]
    fn statistics_are_those_of_the_batches_whatever_they_were_before() {
        let (graph, pool) = (network(), Pool::new("test", 1).expect("starts"));
        let weights = random::weights(&graph, &mut Stream::new(1, "weights"));
        let gather = |weights: &Arrays, codes: &[f32]| {
            let batches = codes.chunks(3 * 50).map(<[f32]>::to_vec);
            gather_normalisation(&graph, weights, batches, &Computer::processor(), &pool, &Cancel::new())
                .expect("gathers")
                .expect("is not cancelled")
        };
        let codes = Stream::new(2, "codes").normals(3 * 50);
        let found = gather(&weights, &codes);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            [
                "first_norm.running_mean",
                "first_norm.running_var",
                "second_norm.running_mean",
                "second_norm.running_var",
            ]
        );
        // By hand: the first layer's numbers, and those of one channel of its normalised and rectified ones.
        let (w, b) = (weights["first.weight"].data(), weights["first.bias"].data());
        let rows: Vec<Vec<f64>> = codes
            .chunks(3)
            .map(|code| {
                let sum = |o: usize| {
                    (0..3).map(|i| f64::from(w[3 * o + i] * code[i])).sum::<f64>() + f64::from(b[o])
                };
                (0..8).map(sum).collect()
            })
            .collect();
        let moments = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (mean, squares / values.len() as f64, squares / (values.len() - 1) as f64)
        };
        let (gain, shift) = (weights["first_norm.weight"].data(), weights["first_norm.bias"].data());
        let mut bent = vec![Vec::new(); 2];
        for o in 0..8 {
            let (mean, biased, unbiased) = moments(&rows.iter().map(|row| row[o]).collect::<Vec<_>>());
            assert!((f64::from(found["first_norm.running_mean"].data()[o]) - mean).abs() < 1e-5);
            assert!((f64::from(found["first_norm.running_var"].data()[o]) - unbiased).abs() < 1e-5);
            let one = |row: &Vec<f64>| {
                (row[o] - mean) / (biased + 1e-5).sqrt() * f64::from(gain[o]) + f64::from(shift[o])
            };
            bent[o / 4].extend(rows.iter().map(one).map(|value| value.max(0.0)));
        }
        for (channel, values) in bent.iter().enumerate() {
            let (mean, _, unbiased) = moments(values);
            assert!((f64::from(found["second_norm.running_mean"].data()[channel]) - mean).abs() < 1e-5);
            assert!((f64::from(found["second_norm.running_var"].data()[channel]) - unbiased).abs() < 1e-5);
        }
        // Others than before change nothing, and two batches are averaged.
        let mut others = weights.clone();
        others.extend(found.clone());
        assert_eq!(gather(&others, &codes), found);
        let more = Stream::new(3, "codes").normals(3 * 50);
        let (second, both) = (gather(&weights, &more), gather(&weights, &[codes, more].concat()));
        for (name, array) in &both {
            let expected =
                found[name].data().iter().zip(second[name].data()).map(|(a, b)| f32::midpoint(*a, *b));
            assert!(array.data().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{name}");
        }
    }
}
