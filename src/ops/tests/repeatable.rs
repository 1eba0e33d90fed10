//! The same number of threads gives the same bits, however the system schedules them: exact resume rests on it.

use candle_core::{DType, Result, Tensor, Var};

use super::super::*;
use super::values;
use crate::base::Pool;

/// Repetitions of each computation; every one is scheduled anew.
const REPEATS: usize = 12;

fn variable(shape: &[usize], seed: u64) -> Var {
    let values = values(shape, seed).to_dtype(DType::F32).expect("converts");
    Var::from_tensor(&values).expect("copies")
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let values: Vec<f32> = tensor.flatten_all().and_then(|t| t.to_vec1()).expect("is on the CPU");
    values.into_iter().map(f32::to_bits).collect()
}

/// A loss through strided, Winograd and transposed convolutions, a residual, pooling, a linear layer and a likelihood,
/// and the gradient of every weight.
fn step(weights: &[Var; 5], x: &Tensor) -> Result<Vec<Vec<u32>>> {
    let [strided, plain, linear_weight, up, bias] = weights;
    let h = conv2d_act(x, strided, Some(bias), 2, 1, Activation::After(0.2))?;
    let change = conv2d_act(&h, plain, Some(bias), 1, 1, Activation::Before(0.2))?;
    let h = residual(&h, &change, 0.1)?;
    let pooled = avg_pool_3x3_s2(&h)?;
    let code = linear(&pooled.flatten_from(1)?, linear_weight, None)?;
    let seed = code.reshape((x.dim(0)?, 32, 4, 4))?;
    let logits = conv_transpose2d(&upsample_nearest_2x(&seed)?, up, None, 2, 1)?;
    let target = area_downsample(x, 16)?.abs()?;
    let loss = (bernoulli_cross_entropy(&logits, &target)?.sum_all()? + h.sqr()?.sum_all()?)?;
    let gradients = loss.backward()?;
    let reached =
        weights.iter().map(|w| gradients.get(w).ok_or_else(|| candle_core::Error::msg("not reached")));
    let mut results = reached.map(|g| g.map(bits)).collect::<Result<Vec<_>>>()?;
    results.push(bits(&loss));
    Ok(results)
}

#[test]
fn the_same_threads_give_the_same_bits() {
    let weights = [
        variable(&[32, 3, 4, 4], 1),
        variable(&[32, 32, 3, 3], 2),
        variable(&[512, 32 * 8 * 8], 3),
        variable(&[32, 3, 4, 4], 4),
        variable(&[32], 5),
    ];
    let x = variable(&[6, 3, 32, 32], 6);
    for threads in [1, 2, 3, 5] {
        let pool = Pool::new("repeat", threads).expect("starts");
        let first = pool.run(|| step(&weights, &x)).expect("runs");
        assert!(first.iter().all(|g| g.iter().any(|&bits| bits != 0)), "every gradient is reached");
        for _ in 0..REPEATS {
            assert!(pool.run(|| step(&weights, &x)).expect("runs") == first, "with {threads} threads");
        }
    }
}
