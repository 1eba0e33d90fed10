//! The Frechet distance between two Gaussians (Dowson and Landau 1982), from sums that take any number of samples.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::linear_algebra::{root, trace_of_root};

/// The sums behind mean and covariance of samples `(N, dims)`, in f64.
#[derive(Clone, Debug)]
pub struct Moments {
    count: usize,
    sums: Vec<f64>,
    /// Sums of products, the lower triangle row by row: half the memory of the whole.
    products: Vec<f64>,
}

/// Collects samples for [`Moments`].
pub struct MomentSums {
    count: usize,
    sums: Vec<f64>,
    products: Mat<f64>,
}

impl MomentSums {
    /// Nothing yet.
    pub fn new(dims: usize) -> Self {
        Self { count: 0, sums: vec![0.0; dims], products: Mat::zeros(dims, dims) }
    }

    /// Adds samples `(N, dims)`. Runs on the rayon pool that it is called in.
    pub fn add(&mut self, samples: &[f32]) {
        let dims = self.sums.len();
        let rows = samples.len() / dims.max(1);
        let samples: Vec<f64> = samples.iter().map(|&value| f64::from(value)).collect();
        for row in samples.chunks_exact(dims) {
            self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let samples = MatRef::from_row_major_slice(&samples, rows, dims);
        matmul(self.products.as_mut(), Accum::Add, samples.transpose(), samples, 1.0, Par::rayon(0));
        self.count += rows;
    }

    /// The sums so far; starts again from nothing.
    pub fn take(&mut self) -> Moments {
        let dims = self.sums.len();
        let taken = std::mem::replace(self, Self::new(dims));
        let lower = (0..dims).flat_map(|row| (0..=row).map(move |column| (row, column)));
        let products = lower.map(|at| taken.products[at]).collect();
        Moments { count: taken.count, sums: taken.sums, products }
    }
}

/// The Gaussian of samples that many others are compared with.
pub struct Reference {
    mean: Vec<f64>,
    trace: f64,
    root: Mat<f64>,
}

impl Reference {
    /// The squared Frechet distance of the Gaussian of `other` samples; `None` when sums are not finite.
    pub fn distance(&self, other: &Moments) -> Option<f64> {
        let (mean, covariance) = other.gaussian();
        self.distance_of(&mean, &covariance)
    }

    fn new(mean: &[f64], covariance: &Mat<f64>) -> Option<Self> {
        let trace = (0..mean.len()).map(|i| covariance[(i, i)]).sum();
        Some(Self { mean: mean.to_vec(), trace, root: root(covariance)? })
    }

    fn distance_of(&self, mean: &[f64], covariance: &Mat<f64>) -> Option<f64> {
        let shift: f64 = self.mean.iter().zip(mean).map(|(a, b)| (a - b).powi(2)).sum();
        let between = self.root.transpose() * (covariance * &self.root);
        let traces: f64 = self.trace + (0..mean.len()).map(|i| covariance[(i, i)]).sum::<f64>();
        let distance = shift + traces - 2.0 * trace_of_root(&between)?;
        distance.is_finite().then_some(distance.max(0.0))
    }
}

impl Moments {
    /// No samples.
    pub fn empty(dims: usize) -> Self {
        Self { count: 0, sums: vec![0.0; dims], products: vec![0.0; dims * (dims + 1) / 2] }
    }

    /// Number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds the samples of `other`.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
        self.products.iter_mut().zip(&other.products).for_each(|(sum, other)| *sum += other);
    }

    /// The samples of `self` that are not in `other`, which must be part of them.
    pub fn without(&self, other: &Self) -> Self {
        let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        Self {
            count: self.count - other.count,
            sums: less(&self.sums, &other.sums),
            products: less(&self.products, &other.products),
        }
    }

    /// Mean and unbiased covariance.
    fn gaussian(&self) -> (Vec<f64>, Mat<f64>) {
        let count = self.count.max(1) as f64;
        let mean: Vec<f64> = self.sums.iter().map(|sum| sum / count).collect();
        let covariance = Mat::from_fn(mean.len(), mean.len(), |i, j| {
            let (row, column) = (i.max(j), i.min(j));
            let product = self.products[row * (row + 1) / 2 + column];
            (product - count * mean[i] * mean[j]) / (count - 1.0).max(1.0)
        });
        (mean, covariance)
    }

    /// The squared Frechet distance between the Gaussians of two sets of samples; `None` when sums are not finite.
    pub fn distance(&self, other: &Self) -> Option<f64> {
        self.reference()?.distance(other)
    }

    /// The Gaussian of these samples, to compare others with; `None` when sums are not finite.
    pub fn reference(&self) -> Option<Reference> {
        let (mean, covariance) = self.gaussian();
        Reference::new(&mean, &covariance)
    }
}

/// |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), for symmetric covariances without negative eigenvalues, singular ones
/// included; `None` when a number is not finite.
///
/// The trace of (C1 C2)^½ is the sum of the roots of the eigenvalues of Rᵀ C2 R, where C1 = R Rᵀ: a symmetric
/// eigenvalue problem, which needs no inverse and no complex root.
pub fn frechet_distance(
    mean: &[f64],
    covariance: &Mat<f64>,
    other_mean: &[f64],
    other: &Mat<f64>,
) -> Option<f64> {
    Reference::new(mean, covariance)?.distance_of(other_mean, other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    #[test]
    fn equal_gaussians_have_no_distance_and_shifted_ones_the_shift() {
        let covariance = Mat::from_fn(3, 3, |i, j| if i == j { 2.0 + i as f64 } else { 0.5 });
        let distance =
            |mean: &[f64]| frechet_distance(&[0.0; 3], &covariance, mean, &covariance).expect("finite");
        assert!(distance(&[0.0; 3]) < 1e-9);
        assert!((distance(&[1.0, 0.0, -2.0]) - 5.0).abs() < 1e-9);
        // Of diagonal covariances it is the sum of squared differences of deviations.
        let diagonal = |values: [f64; 2]| Mat::from_fn(2, 2, |i, j| if i == j { values[i] } else { 0.0 });
        let apart = frechet_distance(&[0.0; 2], &diagonal([4.0, 0.0]), &[0.0; 2], &diagonal([1.0, 9.0]));
        assert!((apart.expect("finite") - 10.0).abs() < 1e-9);
        let broken = diagonal([f64::NAN, 1.0]);
        assert_eq!(frechet_distance(&[0.0; 2], &broken, &[0.0; 2], &broken), None);
    }

    #[test]
    fn sums_may_come_in_parts_and_be_taken_away_again() {
        let samples = Stream::new(1, "samples").normals(60 * 4);
        let mut sums = MomentSums::new(4);
        sums.add(&samples);
        let whole = sums.take();
        let mut parts = Moments::empty(4);
        let mut last = Moments::empty(4);
        for part in samples.chunks(20 * 4) {
            sums.add(part);
            last = sums.take();
            parts.add(&last);
        }
        assert_eq!(parts.count(), 60);
        assert!(whole.distance(&parts).expect("finite") < 1e-9);
        sums.add(&samples[..40 * 4]);
        assert!(whole.without(&last).distance(&sums.take()).expect("finite") < 1e-9);
    }
}
