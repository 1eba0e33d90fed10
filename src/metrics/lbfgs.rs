//! A minimiser of smooth functions of many numbers: L-BFGS (Nocedal 1980), with the stopping rules of SciPy's.

/// Steps that tell the curvature.
const MEMORY: usize = 10;
/// Evaluations of the function along one direction.
const ALONG_ONE: usize = 40;
/// A largest entry of the gradient at which the minimum is reached, as scikit-learn's logistic regression stops.
const GRADIENT: f64 = 1e-4;
/// A decrease, relative to the value, at which nothing more is to be had.
const DECREASE: f64 = 64.0 * f64::EPSILON;

/// One step: what it changed, and how the gradient changed with it.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
    /// Their product, positive.
    product: f64,
}

/// The place of the least value of `function` that at most `iterations` steps from `start` find; `function` writes its
/// gradient into its second argument. It must be bounded below; where it is convex that place is the minimum.
pub(super) fn minimise(
    start: Vec<f64>,
    iterations: usize,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut place = start;
    let mut gradient = vec![0.0; place.len()];
    let mut value = function(&place, &mut gradient);
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..iterations {
        if gradient.iter().fold(0.0f64, |most, entry| most.max(entry.abs())) <= GRADIENT {
            break;
        }
        let direction = downhill(&gradient, &steps);
        let derivative = dot(&direction, &gradient);
        let first = if steps.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        let Some((next, next_gradient, next_value)) =
            along(&place, value, &direction, derivative, first, &mut function)
        else {
            break;
        };
        let moved = difference(&next, &place);
        let turned = difference(&next_gradient, &gradient);
        let product = dot(&moved, &turned);
        if product > f64::EPSILON * dot(&turned, &turned) {
            if steps.len() == MEMORY {
                steps.remove(0);
            }
            steps.push(Step { moved, turned, product });
        }
        let decrease = (value - next_value) / value.abs().max(next_value.abs()).max(1.0);
        (place, gradient, value) = (next, next_gradient, next_value);
        if decrease <= DECREASE {
            break;
        }
    }
    place
}

/// The direction of the next step: minus the gradient, times the inverse curvature that `steps` tell.
fn downhill(gradient: &[f64], steps: &[Step]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|entry| -entry).collect();
    let mut shares = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let share = dot(&step.moved, &direction) / step.product;
        add(&mut direction, -share, &step.turned);
        shares.push(share);
    }
    if let Some(last) = steps.last() {
        let scale = last.product / dot(&last.turned, &last.turned);
        direction.iter_mut().for_each(|entry| *entry *= scale);
    }
    for (step, share) in steps.iter().zip(shares.into_iter().rev()) {
        let correction = share - dot(&step.turned, &direction) / step.product;
        add(&mut direction, correction, &step.moved);
    }
    direction
}

/// A place along `direction` that is low enough and where the derivative has become smaller (Wolfe's conditions), its gradient
/// and value; by halving and doubling from `first` times the direction. `None` where no lower place is found.
fn along(
    place: &[f64],
    value: f64,
    direction: &[f64],
    derivative: f64,
    first: f64,
    function: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Option<(Vec<f64>, Vec<f64>, f64)> {
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, first);
    let mut best = None;
    for _ in 0..ALONG_ONE {
        let mut next = place.to_vec();
        add(&mut next, length, direction);
        let mut gradient = vec![0.0; place.len()];
        let found = function(&next, &mut gradient);
        if found <= value + 1e-4 * length * derivative {
            let is_flat = dot(&gradient, direction) >= 0.9 * derivative;
            best = Some((next, gradient, found));
            if is_flat {
                break;
            }
            low = length;
        } else {
            // Too far, or where there is no number any more.
            high = length;
        }
        length = if high.is_finite() { (low + high) / 2.0 } else { 2.0 * low };
    }
    best
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_narrow_valley_is_found() {
        // Rosenbrock's function: its minimum is at (1, 1).
        let mut calls = 0;
        let found = minimise(vec![-1.2, 1.0], 200, |x, gradient| {
            calls += 1;
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
            a * a + 100.0 * b * b
        });
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-4) && calls < 100, "{found:?} after {calls}");
    }

    #[test]
    fn nothing_is_done_at_the_bottom_and_nonsense_ends() {
        assert_eq!(
            minimise(vec![3.0], 5, |_, gradient| {
                gradient.fill(0.0);
                1.0
            }),
            [3.0]
        );
        assert_eq!(
            minimise(vec![3.0], 5, |_, gradient| {
                gradient.fill(1.0);
                f64::NAN
            }),
            [3.0]
        );
    }
}
