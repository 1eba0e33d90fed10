//! The curves of several runs as a screen can show them.

use std::path::PathBuf;
use std::sync::Arc;

use egui_plot::PlotPoint;

use super::curve::{smooth, thin};
use crate::training::Logged;

/// What curves are drawn over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum XAxis {
    /// Steps trained.
    #[default]
    Steps,
    /// Seconds trained.
    Time,
}

/// How curves are looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) x: XAxis,
    /// The part of the axis that is shown; `None` for all of it.
    pub(crate) range: Option<[f64; 2]>,
    pub(crate) log_y: bool,
    /// How much a value counts less than the one after it, 0 for no smoothing.
    pub(crate) smoothing: f64,
    /// Columns of pixels that a plot may have.
    pub(crate) pixels: usize,
}

/// Plots of everything that some runs have logged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawing {
    /// How it is to be looked at.
    pub(crate) look: Option<Look>,
    /// The part of the axis that is shown.
    pub(crate) range: [f64; 2],
    /// The whole of it.
    pub(crate) whole: [f64; 2],
    pub(crate) plots: Vec<PlotDrawing>,
}

/// One plot.
#[derive(Clone, Debug)]
pub(crate) struct PlotDrawing {
    /// What is drawn, as the log calls it.
    pub(crate) name: String,
    /// The run whose dimensions it shows; `None` where it is of all runs.
    pub(crate) run: Option<PathBuf>,
    pub(crate) curves: Vec<CurveDrawing>,
    /// Lowest and highest value; of a plot with a logarithmic axis their logarithms.
    pub(crate) y: [f64; 2],
}

/// One curve. In a plot with a logarithmic axis y is the logarithm to the base of 10.
#[derive(Clone, Debug)]
pub(crate) struct CurveDrawing {
    /// The run.
    pub(crate) run: PathBuf,
    /// The dimension and how many there are, where there is a curve for each.
    pub(crate) dimension: Option<[usize; 2]>,
    pub(crate) points: Arc<[PlotPoint]>,
    /// The values as they were logged, where `points` are smoothed.
    pub(crate) raw: Arc<[PlotPoint]>,
}

/// The most dimensions of a code that are drawn.
const DIMENSIONS: usize = 64;

impl Drawing {
    /// Draws what `runs` have logged.
    pub(super) fn new(runs: &[(PathBuf, &Logged)], look: Look) -> Self {
        let mut whole = [f64::INFINITY, f64::NEG_INFINITY];
        for (_, logged) in runs {
            for x in axis(logged, look.x).iter().filter(|x| x.is_finite()) {
                whole = [whole[0].min(*x), whole[1].max(*x)];
            }
        }
        if whole[0] > whole[1] {
            return Self { look: Some(look), range: [0.0, 1.0], whole: [0.0, 1.0], plots: Vec::new() };
        }
        // One point alone has no extent.
        whole[1] = whole[1].max(whole[0] + 1.0);
        let range = look.range.unwrap_or(whole);
        let curve = |run: &PathBuf, logged: &Logged, values: &[f32], dimension| {
            let thinned = |values: &[f32]| thin(points(logged, values, look), range, look.pixels).into();
            let is_smooth = look.smoothing > 0.0;
            let raw: Arc<[PlotPoint]> = thinned(values);
            let points = if is_smooth { thinned(&smooth(values, look.smoothing)) } else { Arc::clone(&raw) };
            let raw = if is_smooth { raw } else { Arc::default() };
            CurveDrawing { run: run.clone(), dimension, points, raw }
        };
        let mut plots = Vec::new();
        for name in names(runs, |logged| &logged.numbers) {
            let mut curves = Vec::new();
            for (run, logged) in runs {
                let column = logged.numbers.iter().find(|(own, _)| *own == name);
                curves.extend(column.map(|(_, values)| curve(run, logged, values, None)));
            }
            plots.push(PlotDrawing::new(name, None, curves));
        }
        for name in names(runs, |logged| &logged.per_dimension) {
            for (run, logged) in runs {
                let found = logged.per_dimension.iter().find(|(own, _)| *own == name);
                let Some((_, columns)) = found else { continue };
                let count = columns.len();
                let each = columns.iter().take(DIMENSIONS).enumerate();
                let curves = each.map(|(dim, values)| curve(run, logged, values, Some([dim, count])));
                plots.push(PlotDrawing::new(name.clone(), Some(run.clone()), curves.collect()));
            }
        }
        Self { look: Some(look), range, whole, plots }
    }
}

impl PlotDrawing {
    fn new(name: String, run: Option<PathBuf>, curves: Vec<CurveDrawing>) -> Self {
        let mut y = [f64::INFINITY, f64::NEG_INFINITY];
        for point in curves.iter().flat_map(|curve| curve.points.iter().chain(curve.raw.iter())) {
            y = [y[0].min(point.y), y[1].max(point.y)];
        }
        if y[0] > y[1] {
            y = [0.0, 1.0];
        }
        // A constant has no extent.
        let margin = ((y[1] - y[0]) * 0.05).max(y[1].abs() * 1e-3).max(1e-12);
        Self { name, run, curves, y: [y[0] - margin, y[1] + margin] }
    }
}

fn axis(logged: &Logged, x: XAxis) -> &[f64] {
    match x {
        XAxis::Steps => &logged.steps,
        XAxis::Time => &logged.seconds,
    }
}

fn points<'a>(logged: &'a Logged, values: &'a [f32], look: Look) -> impl Iterator<Item = PlotPoint> + 'a {
    // What a logarithm is not defined for is no number, and left out.
    let height = move |value: f32| {
        let value = f64::from(value);
        if look.log_y { value.log10() } else { value }
    };
    axis(logged, look.x).iter().zip(values).map(move |(&x, &value)| PlotPoint::new(x, height(value)))
}

/// The names of the columns of all runs, in the order in which they come.
fn names<T>(runs: &[(PathBuf, &Logged)], columns: impl Fn(&Logged) -> &Vec<(String, T)>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in runs.iter().flat_map(|(_, logged)| columns(logged)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { x: XAxis::Steps, range: None, log_y: false, smoothing: 0.0, pixels: 100 };

    fn logged(shift: f32) -> Logged {
        Logged {
            steps: vec![10.0, 20.0, 30.0],
            seconds: vec![1.0, f64::NAN, 4.0],
            numbers: vec![
                ("loss".into(), vec![100.0, 10.0 + shift, 1.0]),
                ("rate".into(), vec![0.5, 0.0, -1.0]),
            ],
            per_dimension: vec![("kl_per_dimension".into(), vec![vec![1.0, 2.0, 3.0], vec![0.5; 3]])],
        }
    }

    #[test]
    fn numbers_of_all_runs_share_a_plot_and_each_run_has_one_for_its_dimensions() {
        let (a, mut b) = (logged(0.0), logged(5.0));
        b.numbers.push(("tc".into(), vec![1.0]));
        let drawing = Drawing::new(&[("a".into(), &a), ("b".into(), &b)], LOOK);
        let plots: Vec<_> = drawing
            .plots
            .iter()
            .map(|plot| (plot.name.as_str(), plot.run.is_some(), plot.curves.len()))
            .collect();
        let dims = ("kl_per_dimension", true, 2);
        assert_eq!(plots, [("loss", false, 2), ("rate", false, 2), ("tc", false, 1), dims, dims]);
        assert_eq!((drawing.range, drawing.whole), ([10.0, 30.0], [10.0, 30.0]));
        assert_eq!(drawing.plots[0].curves[1].points[1], PlotPoint::new(20.0, 15.0));
        assert_eq!(drawing.plots[3].curves[1].dimension, Some([1, 2]));
    }

    #[test]
    fn a_logarithmic_axis_leaves_out_what_is_not_above_zero_and_time_what_has_none() {
        let log = logged(0.0);
        let look = Look { x: XAxis::Time, log_y: true, ..LOOK };
        let drawing = Drawing::new(&[("a".into(), &log)], look);
        let loss: Vec<_> = drawing.plots[0].curves[0].points.iter().map(|point| [point.x, point.y]).collect();
        assert_eq!(loss, [[1.0, 2.0], [4.0, 0.0]]);
        assert_eq!(drawing.plots[1].curves[0].points.len(), 1, "0 and -1 have no logarithm");
    }

    #[test]
    fn what_is_smoothed_keeps_the_values_beside_it() {
        let log = logged(0.0);
        let drawing = Drawing::new(&[("a".into(), &log)], Look { smoothing: 0.5, ..LOOK });
        let curve = &drawing.plots[0].curves[0];
        assert_eq!((curve.raw.len(), curve.points.len()), (3, 3));
        assert_eq!((curve.raw[1].y, curve.points[1].y), (10.0, 40.0));
        assert!(Drawing::new(&[], LOOK).plots.is_empty());
    }
}
