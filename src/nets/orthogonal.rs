//! Random orthogonal matrices.

use crate::base::Stream;

/// Numbers that are summed side by side, so that the processor does several at once; the order of the sums is the same
/// everywhere.
const LANES: usize = 8;

/// A `rows` x `columns` matrix, row after row, whose rows are orthonormal, or its columns where there are fewer of them: one
/// drawn uniformly among these (Mezzadri 2007: a matrix of N(0, 1), orthonormalised from the first vector on).
pub(super) fn orthogonal(rows: usize, columns: usize, stream: &mut Stream) -> Vec<f32> {
    let (few, many) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<f64> = (0..few * many).map(|_| f64::from(stream.normal())).collect();
    for number in 0..few {
        let (done, rest) = vectors.split_at_mut(number * many);
        let vector = &mut rest[..many];
        for other in done.chunks_exact(many) {
            let share = dot(vector, other);
            vector.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
        }
        let norm = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    let at = |row: usize, column: usize| match rows <= columns {
        true => vectors[row * many + column],
        false => vectors[column * many + row],
    };
    (0..rows * columns).map(|i| at(i / columns, i % columns) as f32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks(LANES), b.chunks(LANES));
    for (a, b) in a.zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}
