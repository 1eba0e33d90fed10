//! What a column of numbers becomes before it is drawn.

use egui_plot::PlotPoint;

/// The running mean of `values` in which each counts `weight` (0 to below 1) times as much as the one after it, as in
/// TensorBoard: the first values are not drawn towards 0. What is no number stays none and counts nothing.
pub(super) fn smooth(values: &[f32], weight: f64) -> Vec<f32> {
    let (mut sum, mut all) = (0.0, 0.0);
    let mean = |&value: &f32| {
        if !value.is_finite() {
            return value;
        }
        sum = sum * weight + f64::from(value);
        all = all * weight + 1.0;
        (sum / all) as f32
    };
    values.iter().map(mean).collect()
}

/// The points of a curve that `pixels` columns of the screen can show of `range`: of each column the lowest and the highest
/// value, in the order in which they come, and one point beyond each end. What is no number is left out.
pub(super) fn thin(
    points: impl Iterator<Item = PlotPoint>,
    range: [f64; 2],
    pixels: usize,
) -> Vec<PlotPoint> {
    let width = ((range[1] - range[0]) / pixels.max(1) as f64).max(f64::MIN_POSITIVE);
    let (mut thinned, mut column) = (Vec::new(), Column::default());
    let mut before = None;
    for point in points.filter(|point| point.x.is_finite() && point.y.is_finite()) {
        if point.x < range[0] {
            before = Some(point);
            continue;
        }
        thinned.extend(before.take());
        if point.x > range[1] {
            column.end(&mut thinned);
            thinned.push(point);
            break;
        }
        let at = ((point.x - range[0]) / width) as usize;
        if at != column.at {
            column.end(&mut thinned);
            column.at = at;
        }
        column.take(point);
    }
    column.end(&mut thinned);
    thinned
}

/// The lowest and the highest point of a column of the screen.
#[derive(Default)]
struct Column {
    at: usize,
    ends: Option<[PlotPoint; 2]>,
}

impl Column {
    fn take(&mut self, point: PlotPoint) {
        let [low, high] = self.ends.get_or_insert([point; 2]);
        if point.y < low.y {
            *low = point;
        }
        if point.y > high.y {
            *high = point;
        }
    }

    fn end(&mut self, into: &mut Vec<PlotPoint>) {
        match self.ends.take() {
            Some([low, high]) if low == high => into.push(low),
            Some([low, high]) if low.x <= high.x => into.extend([low, high]),
            Some([low, high]) => into.extend([high, low]),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[[f64; 2]]) -> impl Iterator<Item = PlotPoint> {
        values.iter().map(|&[x, y]| PlotPoint::new(x, y))
    }

    #[test]
    fn a_mean_begins_with_the_first_value_and_leaves_gaps_alone() {
        assert_eq!(smooth(&[1.0, 2.0, 3.0], 0.0), [1.0, 2.0, 3.0]);
        // 4, (0.5 * 4 + 1) / 1.5, (0.25 * 4 + 0.5 * 1 + 1) / 1.75
        let mean = smooth(&[4.0, f32::NAN, 1.0, 1.0], 0.5);
        assert!(mean[0] == 4.0 && mean[1].is_nan() && mean[2] == 2.0, "{mean:?}");
        assert!((mean[3] - 2.5 / 1.75).abs() < 1e-6);
    }

    #[test]
    fn many_points_become_what_the_screen_can_show_and_no_peak_is_lost() {
        let mut all: Vec<[f64; 2]> = (0..100_000).map(|at| [f64::from(at), f64::from(at % 7)]).collect();
        all[54_321][1] = 1000.0;
        all[54_400][1] = f64::NAN;
        let thinned = thin(points(&all), [0.0, 99_999.0], 400);
        assert!((400..=802).contains(&thinned.len()), "{}", thinned.len());
        assert!(thinned.iter().any(|point| point.y == 1000.0 && point.x == 54_321.0));
        assert!(thinned.windows(2).all(|pair| pair[0].x <= pair[1].x));
    }

    #[test]
    fn a_part_has_a_point_beyond_each_end_so_that_lines_go_on() {
        let all: Vec<[f64; 2]> = (0..10).map(|at| [f64::from(at), 0.5]).collect();
        let xs = |range| -> Vec<f64> { thin(points(&all), range, 100).iter().map(|point| point.x).collect() };
        assert_eq!(xs([3.5, 5.5]), [3.0, 4.0, 5.0, 6.0]);
        assert_eq!(xs([-5.0, 1.0]), [0.0, 1.0, 2.0]);
        assert_eq!(xs([20.0, 30.0]), [0.0; 0], "nothing of it is seen");
        assert_eq!(xs([4.0, 4.0]), [3.0, 4.0, 5.0]);
        assert_eq!(thin(points(&[]), [0.0, 1.0], 100), []);
    }
}
