//! Mutual information of codes in equal-width bins, as disentanglement_lib computes it.

use super::{LabelledCodes, Labels};

/// The bin of each value: `bins` equal ones between the least and the greatest value.
pub(super) fn binned(column: &[f64], bins: usize) -> Vec<usize> {
    let low = column.iter().copied().fold(f64::INFINITY, f64::min);
    let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Edges as numpy.histogram lays them, so that a value on an edge falls on the same side.
    let step = (high - low) / bins as f64;
    let edges: Vec<f64> = (1..bins).map(|k| low + step * k as f64).collect();
    let bin = |&value: &f64| if high > low { edges.partition_point(|&edge| edge <= value) } else { 0 };
    column.iter().map(bin).collect()
}

/// The bins of every column of `dims`.
pub(super) fn binned_dims(dims: &[Vec<f64>], bins: usize) -> Vec<Vec<usize>> {
    dims.iter().map(|column| binned(column, bins)).collect()
}

/// Mutual information in nats between the classes `a`, below `counts[0]`, and `b`, below `counts[1]`, of equally many rows.
pub(super) fn mutual_information(a: &[usize], b: &[usize], counts: [usize; 2]) -> f64 {
    let [first_count, second_count] = counts;
    let mut joint = vec![0usize; first_count * second_count];
    let (mut first, mut second) = (vec![0usize; first_count], vec![0usize; second_count]);
    for (&one, &other) in a.iter().zip(b) {
        joint[one * second_count + other] += 1;
        first[one] += 1;
        second[other] += 1;
    }
    let total = a.len();
    (entropy(&first, total) + entropy(&second, total) - entropy(&joint, total)).max(0.0)
}

/// Mutual information in nats of each factor with the mean of each dimension in `bins` bins, `[factor][dimension]`.
pub(super) fn information(codes: &LabelledCodes, bins: usize) -> Vec<Vec<f64>> {
    let binned = binned_dims(&codes.dims, bins);
    let of_factor = |labels: &Labels| {
        let known = |column: &Vec<usize>| mutual_information(column, &labels.classes, [bins, labels.count]);
        binned.iter().map(known).collect()
    };
    codes.factors.iter().map(of_factor).collect()
}

/// Entropy in nats of the classes of some rows, below `count`.
pub(super) fn entropy_of(classes: &[usize], count: usize) -> f64 {
    let mut counts = vec![0usize; count];
    classes.iter().for_each(|&class| counts[class] += 1);
    entropy(&counts, classes.len())
}

/// Entropy in nats of a table of counts.
fn entropy(counts: &[usize], total: usize) -> f64 {
    let total = total as f64;
    let term = |&count: &usize| match count {
        0 => 0.0,
        count => -(count as f64 / total) * (count as f64 / total).ln(),
    };
    counts.iter().map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_numpys_and_what_does_not_vary_is_in_one() {
        assert_eq!(binned(&[0.0, 0.49, 0.5, 1.0], 2), [0, 0, 1, 1]);
        assert_eq!(binned(&[7.0; 3], 20), [0; 3]);
    }

    #[test]
    fn a_copy_knows_all_and_an_independent_one_nothing() {
        let classes = [0, 1, 2, 3, 0, 1, 2, 3];
        assert!((mutual_information(&classes, &classes, [4, 4]) - 4f64.ln()).abs() < 1e-12);
        assert!((entropy_of(&classes, 5) - 4f64.ln()).abs() < 1e-12);
        assert!(mutual_information(&classes, &[0, 0, 0, 0, 1, 1, 1, 1], [4, 2]).abs() < 1e-12);
    }
}
