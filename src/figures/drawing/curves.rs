use ab_glyph::InvalidFont;

use super::axis::{Axis, Scale, short};
use super::chart::{COLOURS, GRID};
use super::page::{FAINT, INK, Page, Shape};
use super::text::{Align, Text, Typeface};

/// Height of a line in pixels: of titles, and of everything else.
const LINE: f32 = 15.0;
const SMALL: f32 = 13.0;
const MARGIN: f32 = 10.0;
/// Room for the numbers left of a plot, and below it.
const NUMBERS: [f32; 2] = [52.0, SMALL + 6.0];
/// Between two plots.
const APART: [f32; 2] = [14.0, 16.0];
/// The narrowest that a plot may be for another one beside it.
const NARROW: f32 = 260.0;
/// Height of a plot for its width.
const FLAT: f32 = 0.56;
/// Width of a curve.
const STROKE: f32 = 1.4;

/// What was logged over the same axis: a plot for each number, a curve in it for each run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurvePlots {
    /// What the horizontal axes measure, with the unit.
    pub x: String,
    /// Whether equal steps of the vertical axes are equal factors; what is not above 0 is left out then.
    pub log_y: bool,
    /// Names of the runs, in the order of their colours.
    pub names: Vec<String>,
    /// The plots.
    pub plots: Vec<CurvePlot>,
}

/// One number of several runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurvePlot {
    /// What is drawn.
    pub title: String,
    /// Of each run that has it, the run's place among the names and the points `[x, y]`, rising in x.
    pub curves: Vec<(usize, Vec<[f64; 2]>)>,
}

impl CurvePlots {
    /// Height of the titles' lines in pixels, of whatever width a page is.
    pub const LINE: f32 = LINE;

    /// The plots on a page of this `width` in pixels, as many beside each other as have room, below the runs' names.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn page(&self, width: f32) -> Result<Page, InvalidFont> {
        let typeface = Typeface::new()?;
        let mut shapes = Vec::new();
        let top = self.legend(&mut shapes, &typeface, width);
        let room = width - 2.0 * MARGIN;
        let fitting = ((room + APART[0]) / (NARROW + APART[0])) as usize;
        let columns = fitting.clamp(1, 3).min(self.plots.len().max(1));
        let across = (room - APART[0] * (columns - 1) as f32) / columns as f32;
        let plot = [across, LINE + 4.0 + FLAT * across + NUMBERS[1]];
        let rows = self.plots.len().div_ceil(columns);
        for (at, drawn) in self.plots.iter().enumerate() {
            let (column, row) = ((at % columns) as f32, (at / columns) as f32);
            let corner = [MARGIN + column * (plot[0] + APART[0]), top + row * (plot[1] + APART[1])];
            self.plot(&mut shapes, drawn, corner, plot);
        }
        let bottom = top + rows as f32 * (plot[1] + APART[1]);
        shapes.push(text(&self.x, [0.5 * width, bottom - APART[1] + 4.0], SMALL, Align::Centre, INK));
        Ok(Page { size: [width, (bottom + SMALL).ceil()], shapes })
    }

    /// Draws the names of the runs with their colours, in lines of `width`; returns where they end below.
    fn legend(&self, shapes: &mut Vec<Shape>, typeface: &Typeface, width: f32) -> f32 {
        let [mut left, mut top] = [MARGIN; 2];
        for (run, name) in self.names.iter().enumerate() {
            let wide = 22.0 + typeface.width(name, SMALL) + 14.0;
            if left > MARGIN && left + wide > width - MARGIN {
                (left, top) = (MARGIN, top + SMALL + 4.0);
            }
            let middle = top + 0.5 * SMALL;
            shapes.push(Shape::Line(
                [left, middle],
                [left + 16.0, middle],
                2.0,
                COLOURS[run % COLOURS.len()],
            ));
            shapes.push(text(name, [left + 22.0, top], SMALL, Align::Left, INK));
            left += wide;
        }
        if self.names.is_empty() { top } else { top + SMALL + 10.0 }
    }

    /// Draws one plot with its upper left corner at `[left, top]`.
    fn plot(
        &self,
        shapes: &mut Vec<Shape>,
        drawn: &CurvePlot,
        [left, top]: [f32; 2],
        [across, down]: [f32; 2],
    ) {
        let area = [left + NUMBERS[0], top + LINE + 4.0, left + across, top + down - NUMBERS[1]];
        shapes.push(text(&drawn.title, [area[0], top], LINE, Align::Left, INK));
        let points = || drawn.curves.iter().flat_map(|(_, points)| points);
        let axis = |logarithmic| Axis { label: String::new(), logarithmic };
        let x = Scale::new(&axis(false), points().map(|point| point[0]), area[0], area[2]);
        let y = Scale::new(&axis(self.log_y), points().map(|point| point[1]), area[3], area[1]);
        for tick in x.ticks() {
            let at = x.at(tick);
            shapes.push(Shape::Line([at, area[1]], [at, area[3]], 1.0, GRID));
            shapes.push(text(&thousands(tick), [at, area[3] + 4.0], SMALL, Align::Centre, FAINT));
        }
        for tick in y.ticks() {
            let at = y.at(tick);
            shapes.push(Shape::Line([area[0], at], [area[2], at], 1.0, GRID));
            shapes.push(text(&short(tick), [area[0] - 5.0, at - 0.5 * SMALL], SMALL, Align::Right, FAINT));
        }
        for (run, points) in &drawn.curves {
            let colour = COLOURS[run % COLOURS.len()];
            let is_shown = |point: &&[f64; 2]| point[1].is_finite() && (!self.log_y || point[1] > 0.0);
            let places = points.iter().filter(is_shown).map(|point| [x.at(point[0]), y.at(point[1])]);
            let places = thinned(places);
            let lines = places.windows(2).map(|pair| Shape::Line(pair[0], pair[1], STROKE, colour));
            shapes.extend(lines);
        }
    }
}

/// Of the points in each half of a pixel's column the lowest and the highest, in the order in which they come, so that no peak
/// is lost and a long curve is no longer than the page can show.
fn thinned(places: impl Iterator<Item = [f32; 2]>) -> Vec<[f32; 2]> {
    let mut kept: Vec<[f32; 2]> = Vec::new();
    let mut column: Vec<[f32; 2]> = Vec::new();
    let mut end = |column: &mut Vec<[f32; 2]>| {
        let by_height = |a: &&[f32; 2], b: &&[f32; 2]| a[1].total_cmp(&b[1]);
        let ends = [column.iter().min_by(by_height).copied(), column.iter().max_by(by_height).copied()];
        kept.extend(column.iter().filter(|place| ends.contains(&Some(**place))).take(2));
        column.clear();
    };
    for place in places {
        if column.first().is_some_and(|first| (2.0 * first[0]).floor() != (2.0 * place[0]).floor()) {
            end(&mut column);
        }
        column.push(place);
    }
    end(&mut column);
    kept
}

/// A number of steps: thousands with a k.
fn thousands(value: f64) -> String {
    if value.abs() >= 10_000.0 { format!("{}k", short(value / 1000.0)) } else { short(value) }
}

fn text(words: &str, at: [f32; 2], size: f32, align: Align, colour: [u8; 3]) -> Shape {
    Shape::Text(Text { words: words.to_owned(), at, size, align, colour })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plots(count: usize, log_y: bool) -> CurvePlots {
        let points =
            |scale: f64| (0..5).map(|at| [f64::from(at) * 5000.0, scale * f64::from(at - 1)]).collect();
        let plot = |at: usize| CurvePlot {
            title: format!("loss {at}"),
            curves: vec![(0, points(1.0)), (1, points(10.0))],
        };
        CurvePlots {
            x: "Steps".into(),
            log_y,
            names: vec!["first".into(), "second".into()],
            plots: (0..count).map(plot).collect(),
        }
    }

    fn curves(page: &Page, colour: usize) -> usize {
        let is_curve = |shape: &&Shape| matches!(shape, Shape::Line(_, _, width, own) if *width == STROKE && *own == COLOURS[colour]);
        page.shapes.iter().filter(is_curve).count()
    }

    #[test]
    fn every_run_has_a_curve_in_every_plot_and_all_lies_on_the_page() {
        let page = plots(3, false).page(640.0).expect("draws");
        assert_eq!((curves(&page, 0), curves(&page, 1)), (12, 12), "three plots of five points");
        let words: Vec<&str> = page
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text(text) => Some(text.words.as_str()),
                _ => None,
            })
            .collect();
        for word in ["first", "second", "loss 2", "Steps", "10k", "30"] {
            assert!(words.contains(&word), "{word} is not among {words:?}");
        }
        for shape in &page.shapes {
            let (Shape::Line(at, ..) | Shape::Text(Text { at, .. })) = shape else { continue };
            assert!(
                at[0] >= 0.0 && at[1] >= 0.0 && at[0] <= page.size[0] && at[1] < page.size[1],
                "{shape:?}"
            );
        }
    }

    #[test]
    fn a_logarithmic_axis_leaves_out_what_is_not_above_0() {
        let page = plots(1, true).page(400.0).expect("draws");
        assert_eq!(curves(&page, 0), 2, "two of five points are not above 0");
    }

    #[test]
    fn a_long_curve_keeps_its_peaks() {
        let height = |at: u32| if at == 54_321 { 900.0 } else { (at % 7) as f32 };
        let places = thinned((0..100_000).map(|at| [at as f32 / 500.0, height(at)]));
        assert!((400..=802).contains(&places.len()), "{}", places.len());
        assert!(places.iter().any(|place| place[1] == 900.0));
        assert!(places.windows(2).all(|pair| pair[0][0] <= pair[1][0]));
        assert_eq!(thinned([[1.0, 2.0]].into_iter()), [[1.0, 2.0]]);
    }
}
