//! Optimiser steps in one pass over a parameter, in PyTorch's formulas.

use rayon::prelude::*;

/// Parameters a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// What one Adam step needs beside the arrays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the mean gradient.
    pub beta1: f64,
    /// Decay of the mean squared gradient.
    pub beta2: f64,
    /// Added to the root of the mean squared gradient.
    pub epsilon: f64,
}

/// Adam (Kingma and Ba 2015, as `torch.optim.Adam`): `m` and `v` are the running means of the gradient and of its
/// square, `step` counts from 1; the slices have one length.
pub(crate) fn adam_step(
    weight: &mut [f32],
    gradient: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    adam: &Adam,
    step: u64,
) {
    let exponent = step.min(i32::MAX as u64) as i32;
    let correction1 = 1.0 - adam.beta1.powi(exponent);
    let correction2 = (1.0 - adam.beta2.powi(exponent)).sqrt();
    let step_size = (adam.learning_rate / correction1) as f32;
    let root_scale = correction2.recip() as f32;
    let (keep1, take1) = (adam.beta1 as f32, (1.0 - adam.beta1) as f32);
    let (keep2, take2) = (adam.beta2 as f32, (1.0 - adam.beta2) as f32);
    let epsilon = adam.epsilon as f32;
    weight
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK)))
        .for_each(|((weight, gradient), (m, v))| {
            for (((w, &g), m), v) in weight.iter_mut().zip(gradient).zip(m).zip(v) {
                *m = keep1 * *m + take1 * g;
                *v = keep2 * *v + take2 * g * g;
                *w -= step_size * *m / (v.sqrt() * root_scale + epsilon);
            }
        });
}

/// RMSprop (as `torch.optim.RMSprop`, not centred, no momentum): `square` is the running mean of the squared
/// gradient.
pub(crate) fn rmsprop_step(
    weight: &mut [f32],
    gradient: &[f32],
    square: &mut [f32],
    learning_rate: f64,
    alpha: f64,
    epsilon: f64,
) {
    let (rate, epsilon) = (learning_rate as f32, epsilon as f32);
    let (keep, take) = (alpha as f32, (1.0 - alpha) as f32);
    weight.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(square.par_chunks_mut(CHUNK)).for_each(
        |((weight, gradient), square)| {
            for ((w, &g), v) in weight.iter_mut().zip(gradient).zip(square) {
                *v = keep * *v + take * g * g;
                *w -= rate * g / (v.sqrt() + epsilon);
            }
        },
    );
}

/// The same with momentum: `speed = momentum * speed + gradient / (sqrt(square) + epsilon)`, `weight -= learning_rate * speed`.
pub(crate) fn rmsprop_momentum_step(
    weight: &mut [f32],
    gradient: &[f32],
    [square, speed]: [&mut [f32]; 2],
    learning_rate: f64,
    [alpha, epsilon, momentum]: [f64; 3],
) {
    let (rate, epsilon, momentum) = (learning_rate as f32, epsilon as f32, momentum as f32);
    let (keep, take) = (alpha as f32, (1.0 - alpha) as f32);
    let moments = square.par_chunks_mut(CHUNK).zip(speed.par_chunks_mut(CHUNK));
    weight.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(moments).for_each(
        |((weight, gradient), (square, speed))| {
            for (((w, &g), v), b) in weight.iter_mut().zip(gradient).zip(square).zip(speed) {
                *v = keep * *v + take * g * g;
                *b = momentum * *b + g / (v.sqrt() + epsilon);
                *w -= rate * *b;
            }
        },
    );
}

/// Exponential moving average of weights: `average = decay * average + (1 - decay) * weight`.
pub(crate) fn ema_step(average: &mut [f32], weight: &[f32], decay: f64) {
    let (keep, take) = (decay as f32, (1.0 - decay) as f32);
    average.par_chunks_mut(CHUNK).zip(weight.par_chunks(CHUNK)).for_each(|(average, weight)| {
        for (a, &w) in average.iter_mut().zip(weight) {
            *a = keep * *a + take * w;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 3 * CHUNK + 17;

    /// A fixed, uneven sequence in -1..1.
    fn values(seed: u64, length: usize) -> Vec<f32> {
        (0..length as u64)
            .map(|i| (((i + 1) * (seed * 7919 + 104_729) % 20_011) as f32) / 10_005.5 - 1.0)
            .collect()
    }

    #[test]
    fn adam_follows_the_formula() {
        let adam = Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        let mut w = values(1, LENGTH);
        let (mut m, mut v) = (vec![0.0; LENGTH], vec![0.0; LENGTH]);
        let mut exact: Vec<[f64; 3]> = w.iter().map(|&w| [f64::from(w), 0.0, 0.0]).collect();
        for step in 1..=3_u64 {
            let g = values(step + 1, LENGTH);
            adam_step(&mut w, &g, &mut m, &mut v, &adam, step);
            for ([w, m, v], &g) in exact.iter_mut().zip(&g) {
                let g = f64::from(g);
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                let (m_hat, v_hat) =
                    (*m / (1.0 - 0.9_f64.powi(step as i32)), *v / (1.0 - 0.999_f64.powi(step as i32)));
                *w -= 1e-3 * m_hat / (v_hat.sqrt() + 1e-8);
            }
        }
        for (w, [exact, ..]) in w.iter().zip(&exact) {
            assert!((f64::from(*w) - exact).abs() < 3e-7, "{w} {exact}");
        }
    }

    #[test]
    fn rmsprop_follows_the_formula() {
        let mut w = values(1, LENGTH);
        let mut v = vec![0.0; LENGTH];
        let mut exact: Vec<[f64; 2]> = w.iter().map(|&w| [f64::from(w), 0.0]).collect();
        for step in 1..=3_u64 {
            let g = values(step + 1, LENGTH);
            rmsprop_step(&mut w, &g, &mut v, 1e-4, 0.99, 1e-8);
            for ([w, v], &g) in exact.iter_mut().zip(&g) {
                let g = f64::from(g);
                *v = 0.99 * *v + 0.01 * g * g;
                *w -= 1e-4 * g / (v.sqrt() + 1e-8);
            }
        }
        for (w, [exact, _]) in w.iter().zip(&exact) {
            assert!((f64::from(*w) - exact).abs() < 2e-7, "{w} {exact}");
        }
    }

    #[test]
    fn rmsprop_with_momentum_follows_the_formula() {
        let mut w = values(1, LENGTH);
        let (mut v, mut b) = (vec![0.0; LENGTH], vec![0.0; LENGTH]);
        let mut exact: Vec<[f64; 3]> = w.iter().map(|&w| [f64::from(w), 0.0, 0.0]).collect();
        for step in 1..=3_u64 {
            let g = values(step + 1, LENGTH);
            rmsprop_momentum_step(&mut w, &g, [&mut v, &mut b], 5e-5, [0.99, 1e-8, 0.9]);
            for ([w, v, b], &g) in exact.iter_mut().zip(&g) {
                let g = f64::from(g);
                *v = 0.99 * *v + 0.01 * g * g;
                *b = 0.9 * *b + g / (v.sqrt() + 1e-8);
                *w -= 5e-5 * *b;
            }
        }
        for (w, [exact, ..]) in w.iter().zip(&exact) {
            assert!((f64::from(*w) - exact).abs() < 4e-7, "{w} {exact}");
        }
    }

    #[test]
    fn moving_average_follows_the_formula() {
        let (mut average, weight) = (values(1, LENGTH), values(2, LENGTH));
        let before = average.clone();
        ema_step(&mut average, &weight, 0.999);
        for ((a, &b), &w) in average.iter().zip(&before).zip(&weight) {
            let exact = 0.999 * f64::from(b) + 0.001 * f64::from(w);
            assert!((f64::from(*a) - exact).abs() < 1e-7);
        }
    }
}
