//! The little linear algebra that metrics need, in f64, over faer.

use faer::{Mat, MatRef, Side};

/// The eigenvalues of a symmetric matrix `(size, size)`, ascending; those of a matrix that is not finite are NaN.
pub(super) fn eigenvalues(matrix: &[f64], size: usize) -> Vec<f64> {
    if size == 0 {
        return Vec::new();
    }
    let matrix = MatRef::from_row_major_slice(matrix, size, size);
    matrix.self_adjoint_eigenvalues(Side::Lower).unwrap_or_else(|_| vec![f64::NAN; size])
}

/// The eigenvalues of a symmetric `matrix`, descending, each with its eigenvector of length 1, whose largest component is
/// positive. `None` when the matrix is not finite.
pub(super) fn principal_components(matrix: &Mat<f64>) -> Option<Vec<(f64, Vec<f64>)>> {
    let decomposition = matrix.self_adjoint_eigen(Side::Lower).ok()?;
    let (vectors, values) = (decomposition.U(), decomposition.S().column_vector());
    let size = matrix.nrows();
    let component = |column: usize| {
        let vector: Vec<f64> = (0..size).map(|row| vectors[(row, column)]).collect();
        let largest = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
        let sign = if largest < 0.0 { -1.0 } else { 1.0 };
        (values[column], vector.into_iter().map(|value| sign * value).collect())
    };
    Some((0..size).rev().map(component).collect())
}

/// A root R with R Rᵀ = `matrix`, for a symmetric `matrix` without negative eigenvalues: eigenvectors scaled by the
/// roots of their eigenvalues, so that singular matrices have one too. Eigenvalues below zero are rounding and count
/// as zero. `None` when the matrix is not finite.
pub(super) fn root(matrix: &Mat<f64>) -> Option<Mat<f64>> {
    let decomposition = matrix.self_adjoint_eigen(Side::Lower).ok()?;
    let (vectors, values) = (decomposition.U(), decomposition.S().column_vector());
    let size = matrix.nrows();
    Some(Mat::from_fn(size, size, |row, column| vectors[(row, column)] * values[column].max(0.0).sqrt()))
}

/// The sum of the roots of the eigenvalues of a symmetric `matrix`; eigenvalues below zero count as zero.
pub(super) fn trace_of_root(matrix: &Mat<f64>) -> Option<f64> {
    let values = matrix.self_adjoint_eigenvalues(Side::Lower).ok()?;
    Some(values.into_iter().map(|value| value.max(0.0).sqrt()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_singular_matrices_exist() {
        // (1, 2, 3) times itself: rank one.
        let matrix = Mat::from_fn(3, 3, |i, j| ((i + 1) * (j + 1)) as f64);
        let root = root(&matrix).expect("finite");
        let again = &root * root.transpose();
        for i in 0..3 {
            for j in 0..3 {
                assert!((again[(i, j)] - matrix[(i, j)]).abs() < 1e-12);
            }
        }
        let trace = trace_of_root(&matrix).expect("finite");
        assert!((trace - 14f64.sqrt()).abs() < 1e-6, "{trace}");
        let components = principal_components(&matrix).expect("finite");
        let (value, vector) = &components[0];
        assert!((value - 14.0).abs() < 1e-9 && components[1].0.abs() < 1e-9);
        let expected = [1.0, 2.0, 3.0].map(|value: f64| value / 14f64.sqrt());
        assert!(vector.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{vector:?}");
        let values = eigenvalues(&[2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 1.0).abs() < 1e-12 && (values[1] - 3.0).abs() < 1e-12);
    }
}
