/// The value at `share`, in [0, 1], of the way from the smallest to the largest of `values` in their order, without
/// interpolation. Not a number without values.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let values: Vec<f64> = (1..=101).rev().map(f64::from).collect();
        assert_eq!(
            [0.0, 0.05, 0.5, 0.95, 1.0].map(|share| percentile(&values, share)),
            [1.0, 6.0, 51.0, 96.0, 101.0]
        );
        assert_eq!(percentile(&[3.0], 0.95), 3.0);
        assert!(percentile(&[], 0.5).is_nan());
    }
}
