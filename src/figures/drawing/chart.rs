use super::axis::{Axis, Scale, short};
use super::page::{FAINT, INK, Page, Shape};
use super::text::{Align, Text};

pub(super) const GRID: [u8; 3] = [228, 228, 231];
/// Colours that stay apart for colour-blind readers and in grey (Okabe and Ito 2008).
pub(super) const COLOURS: [[u8; 3]; 8] = [
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
}
