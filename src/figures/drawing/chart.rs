use super::page::{FAINT, INK, Page, Shape};
use super::text::{Align, Text};

const GRID: [u8; 3] = [228, 228, 231];
/// Colours that stay apart for colour-blind readers and in grey (Okabe and Ito 2008).
const COLOURS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [120, 94, 240],
    [60, 60, 60],
];
/// Size of a chart in pixels.
const SIZE: [f32; 2] = [760.0, 480.0];
/// Edges of the plotted area: left, top, right, bottom.
const AREA: [f32; 4] = [80.0, 48.0, 540.0, 420.0];
const TEXT: f32 = 15.0;

/// Points and lines over two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Above everything.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is shown, in the order of the legend.
    pub series: Vec<Series>,
}

/// An axis of a chart; its range follows from the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// Whether equal steps are equal factors.
    pub logarithmic: bool,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points, `[x, y]`, with how far bars reach to both sides of y (0: no bar).
    pub points: Vec<([f64; 2], f64)>,
    /// Whether lines join them in order.
    pub joined: bool,
    /// Whether the marks are rings, as for numbers of others, instead of discs.
    pub hollow: bool,
    /// Number of its colour; series of one number belong together.
    pub colour: usize,
}

/// From values to pixels along one axis.
struct Scale {
    logarithmic: bool,
    low: f64,
    high: f64,
    from: f32,
    to: f32,
}

impl Scale {
    /// An axis over `values` from pixel `from` to `to`, with some space at both ends.
    fn new(axis: &Axis, values: impl Iterator<Item = f64>, from: f32, to: f32) -> Self {
        let own = |value: f64| if axis.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let usable = values.filter(|value| value.is_finite() && (!axis.logarithmic || *value > 0.0)).map(own);
        let (low, high) = usable.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let space = if high > low { 0.06 * (high - low) } else { 0.5 };
        Self { logarithmic: axis.logarithmic, low: low - space, high: high + space, from, to }
    }

    fn at(&self, value: f64) -> f32 {
        let own = if self.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        self.from + ((own - self.low) / (self.high - self.low)) as f32 * (self.to - self.from)
    }

    /// Values with round names inside the range.
    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = self.low.floor() as i32..=self.high.ceil() as i32;
            let few = self.high - self.low < 2.0;
            let factors: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let all = decades.flat_map(|decade| factors.iter().map(move |f| f * 10f64.powi(decade)));
            return all.filter(|tick| (self.low..=self.high).contains(&tick.log10())).collect();
        }
        let rough = (self.high - self.low) / 5.0;
        let decade = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|f| f * decade).into_iter().find(|s| *s >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        (first..).map(|i| i as f64 * step).take_while(|tick| *tick <= self.high).collect()
    }
}

impl Chart {
    /// The chart as shapes.
    pub fn page(&self) -> Page {
        Page { size: SIZE, shapes: self.shapes() }
    }

    fn shapes(&self) -> Vec<Shape> {
        let [left, top, right, bottom] = AREA;
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Scale::new(&self.x, points().map(|(p, _)| p[0]), left, right);
        let reach = points().flat_map(|(p, reach)| [p[1] - reach, p[1] + reach]);
        let y = Scale::new(&self.y, reach, bottom, top);
        let mut shapes = vec![
            text(self.title.clone(), [left, 14.0], Align::Left, INK),
            text(self.x.label.clone(), [0.5 * (left + right), bottom + 32.0], Align::Centre, INK),
            text(self.y.label.clone(), [left - 8.0, top - 20.0], Align::Right, INK),
        ];
        for tick in x.ticks() {
            let at = x.at(tick);
            shapes.push(Shape::Line([at, top], [at, bottom], 1.0, GRID));
            shapes.push(text(short(tick), [at, bottom + 8.0], Align::Centre, FAINT));
        }
        for tick in y.ticks() {
            let at = y.at(tick);
            shapes.push(Shape::Line([left, at], [right, at], 1.0, GRID));
            shapes.push(text(short(tick), [left - 8.0, at - 0.55 * TEXT], Align::Right, FAINT));
        }
        for (row, series) in self.series.iter().enumerate() {
            let colour = COLOURS[series.colour % COLOURS.len()];
            let mark = |at: [f32; 2]| match series.hollow {
                true => Shape::Ring(at, 5.0, colour),
                false => Shape::Disc(at, 5.0, colour),
            };
            let place = |p: &[f64; 2]| [x.at(p[0]), y.at(p[1])];
            if series.joined {
                let lines = series.points.windows(2);
                shapes.extend(lines.map(|p| Shape::Line(place(&p[0].0), place(&p[1].0), 2.0, colour)));
            }
            for (point, reach) in &series.points {
                let at = place(point);
                if *reach > 0.0 {
                    let ends = [-1.0, 1.0].map(|side| [at[0], y.at(point[1] + side * reach)]);
                    shapes.push(Shape::Line(ends[0], ends[1], 1.5, colour));
                }
                shapes.push(mark(at));
            }
            let line = top + 24.0 * row as f32;
            shapes.push(mark([right + 28.0, line + 0.5 * TEXT]));
            shapes.push(text(series.name.clone(), [right + 42.0, line], Align::Left, INK));
        }
        shapes
    }
}

fn text(words: String, at: [f32; 2], align: Align, colour: [u8; 3]) -> Shape {
    Shape::Text(Text { words, at, size: TEXT, align, colour })
}

/// A tick's name without digits that say nothing.
fn short(value: f64) -> String {
    let rounded = format!("{value:.4}");
    let text = rounded.trim_end_matches('0').trim_end_matches('.');
    if text == "0" && value != 0.0 { format!("{value:e}") } else { text.replace('-', "\u{2212}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let axis = |label: &str, logarithmic| Axis { label: label.into(), logarithmic };
        Chart {
            title: "a < b".into(),
            x: axis("FID", true),
            y: axis("FVM", false),
            series: vec![Series {
                name: "ID-GAN".into(),
                points: vec![([1.0, 0.2], 0.1), ([100.0, 0.8], 0.0)],
                joined: true,
                hollow: false,
                colour: 0,
            }],
        }
    }

    #[test]
    fn every_point_shows_where_it_belongs() {
        let page = chart().page();
        let picture = page.picture().expect("the typeface is built in");
        let mut found = Vec::new();
        for shape in page.shapes {
            if let Shape::Disc([x, y], _, colour) = shape {
                assert_eq!(picture.pixel(x as usize, y as usize)[..3], colour);
                found.push([x, y]);
            }
        }
        assert_eq!(found.len(), 3, "two points and the legend");
        assert!(found[0][0] < found[1][0] && found[0][1] > found[1][1], "up and right is more: {found:?}");
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = |logarithmic| Axis { label: String::new(), logarithmic };
        let linear = Scale::new(&axis(false), [0.0, 1.0].into_iter(), 0.0, 1.0);
        assert_eq!(linear.ticks().iter().map(|t| short(*t)).collect::<Vec<_>>(), ["0", "0.5", "1"]);
        let wide = Scale::new(&axis(true), [0.001, 1.0].into_iter(), 0.0, 1.0);
        assert_eq!(wide.ticks().iter().map(|t| short(*t)).collect::<Vec<_>>(), ["0.001", "0.01", "0.1", "1"]);
        let empty = Scale::new(&axis(true), std::iter::empty(), 0.0, 1.0);
        assert!(empty.at(1.0).is_finite());
    }
}
