use ab_glyph::InvalidFont;

use super::axis::{Axis, Scale, short};
use super::chart::{COLOURS, GRID};
use super::colours::ColourScale;
use super::page::{FAINT, INK, Page, Shape};
use super::text::{Align, Text, Typeface};

/// Height of a line in pixels: of the titles of axes and legend, and of everything else.
const LINE: f32 = 15.0;
const SMALL: f32 = 13.0;
const MARGIN: f32 = 10.0;
/// Room for the numbers left of the plot.
const NUMBERS: f32 = 44.0;
/// Between the plot and its legend.
const APART: f32 = 18.0;
/// Radius of a dot.
const DOT: f32 = 2.6;
/// Width and height of the legend's colour bar, and how many colours it is drawn with.
const BAR: [f32; 2] = [10.0, 120.0];
const STEPS: usize = 48;
/// The most classes that are told apart by colours, and by rings beside discs.
const MOST: usize = 2 * COLOURS.len();

/// Dots on a plane, coloured by what is known of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// What the axes measure: across, and up.
    pub axes: [String; 2],
    /// Where the dots lie, the lowest first.
    pub dots: Vec<[f64; 2]>,
    /// What colours them.
    pub colouring: Colouring,
}

/// What the colours of dots mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Colouring {
    /// Nothing: all have the same.
    Nothing,
    /// Each has one of a few classes.
    Classes {
        /// What they are classes of.
        title: String,
        /// What each class is called.
        names: Vec<String>,
        /// The class of each dot, below the number of names.
        classes: Vec<usize>,
    },
    /// Each has a number.
    Values {
        /// What is measured.
        title: String,
        /// The number of each dot.
        values: Vec<f64>,
    },
}

/// How a dot looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Disc([u8; 3]),
    Ring([u8; 3]),
}

impl Mark {
    fn at(self, place: [f32; 2]) -> Shape {
        match self {
            Self::Disc(colour) => Shape::Disc(place, DOT, colour),
            Self::Ring(colour) => Shape::Ring(place, DOT, colour),
        }
    }
}

impl Colouring {
    /// By the `classes` of a factor with these `values`, and with names of their own where it has some (otherwise none): by
    /// numbers where there are too many to be told apart.
    pub fn of_classes(title: &str, names: &[String], values: &[f64], classes: &[usize]) -> Self {
        let title = title.to_owned();
        let most = if names.is_empty() { COLOURS.len() } else { MOST };
        if values.len() > most {
            return Self::Values { title, values: classes.iter().map(|&class| values[class]).collect() };
        }
        let names = match names {
            [] => values.iter().map(|&value| short(value)).collect(),
            names => names.to_vec(),
        };
        Self::Classes { title, names, classes: classes.to_vec() }
    }

    /// What the dot `at` looks like.
    fn mark(&self, at: usize) -> Mark {
        match self {
            Self::Nothing => Mark::Disc(COLOURS[0]),
            Self::Classes { classes, .. } => class_mark(classes[at]),
            Self::Values { values, .. } => {
                let [low, high] = ends(values);
                Mark::Disc(ColourScale::DOTS_ON_LIGHT.at((values[at] - low) / (high - low)))
            }
        }
    }

    /// The lines of the legend, the title first.
    fn words(&self) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Classes { title, names, .. } => std::iter::once(title).chain(names).cloned().collect(),
            Self::Values { title, values } => {
                let [low, high] = ends(values);
                vec![title.clone(), short(high), short(low)]
            }
        }
    }
}

/// The mark of a class: a disc of one colour each, then a ring of each.
fn class_mark(class: usize) -> Mark {
    let colour = COLOURS[class % COLOURS.len()];
    if (class / COLOURS.len()).is_multiple_of(2) { Mark::Disc(colour) } else { Mark::Ring(colour) }
}

/// The least and the largest value; apart also where all are equal.
fn ends(values: &[f64]) -> [f64; 2] {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low < high {
        [low, high]
    } else if low.is_finite() {
        [low, low + 1.0]
    } else {
        [0.0, 1.0]
    }
}

impl Scatter {
    /// Height of the axes' titles in pixels, of whatever width a page is.
    pub const LINE: f32 = LINE;

    /// The dots on a page of this `width` in pixels, in a square with axes, and a legend beside it.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn page(&self, width: f32) -> Result<Page, InvalidFont> {
        let typeface = Typeface::new()?;
        let words = self.colouring.words();
        let widest = words.iter().map(|word| typeface.width(word, LINE)).fold(0.0, f32::max);
        let legend = if words.is_empty() { 0.0 } else { widest + 22.0 + APART };
        let (left, top) = (MARGIN + NUMBERS, MARGIN + LINE + 6.0);
        let side = (width - left - legend - MARGIN).max(100.0);
        let area = [left, top, left + side, top + side];
        let mut shapes = self.axes(area);
        let scales = self.scales(area);
        for (at, dot) in self.dots.iter().enumerate() {
            let place = [scales[0].at(dot[0]), scales[1].at(dot[1])];
            shapes.push(self.colouring.mark(at).at(place));
        }
        self.legend(&mut shapes, [left + side + APART, top], &words);
        Ok(Page { size: [width, (top + side + SMALL + LINE + 12.0 + MARGIN).ceil()], shapes })
    }

    fn scales(&self, [left, top, right, bottom]: [f32; 4]) -> [Scale; 2] {
        let axis = Axis { label: String::new(), logarithmic: false };
        let values = |at: usize| self.dots.iter().map(move |dot| dot[at]);
        [Scale::new(&axis, values(0), left, right), Scale::new(&axis, values(1), bottom, top)]
    }

    /// The lines, numbers and titles of both axes around the plot in `area`: left, top, right, bottom.
    fn axes(&self, area: [f32; 4]) -> Vec<Shape> {
        let [left, top, right, bottom] = area;
        let [x, y] = self.scales(area);
        let mut shapes = Vec::new();
        for tick in x.ticks() {
            let at = x.at(tick);
            shapes.push(Shape::Line([at, top], [at, bottom], 1.0, GRID));
            shapes.push(text(&short(tick), [at, bottom + 5.0], SMALL, Align::Centre, FAINT));
        }
        for tick in y.ticks() {
            let at = y.at(tick);
            shapes.push(Shape::Line([left, at], [right, at], 1.0, GRID));
            shapes.push(text(&short(tick), [left - 6.0, at - 0.5 * SMALL], SMALL, Align::Right, FAINT));
        }
        let middle = 0.5 * (left + right);
        shapes.push(text(&self.axes[0], [middle, bottom + SMALL + 10.0], LINE, Align::Centre, INK));
        shapes.push(text(&self.axes[1], [left, top - LINE - 6.0], LINE, Align::Left, INK));
        shapes
    }

    fn legend(&self, shapes: &mut Vec<Shape>, [left, top]: [f32; 2], words: &[String]) {
        let Some((title, others)) = words.split_first() else { return };
        shapes.push(text(title, [left, top], LINE, Align::Left, INK));
        let top = top + LINE + 6.0;
        if let Colouring::Values { .. } = self.colouring {
            bar(shapes, [left, top], others);
            return;
        }
        for (class, name) in others.iter().enumerate() {
            let line = top + (LINE + 2.0) * class as f32;
            shapes.push(class_mark(class).at([left + DOT, line + 0.5 * SMALL]));
            shapes.push(text(name, [left + 12.0, line], SMALL, Align::Left, FAINT));
        }
    }
}

/// A colour bar between the largest number and the least.
fn bar(shapes: &mut Vec<Shape>, [left, top]: [f32; 2], numbers: &[String]) {
    let [across, height] = BAR;
    let tall = height / STEPS as f32;
    for step in 0..STEPS {
        let from = tall * step as f32;
        let colour = ColourScale::DOTS_ON_LIGHT.at(1.0 - (step as f64 + 0.5) / STEPS as f64);
        // The next one covers half of it, so that no gap shows between two of them.
        shapes.push(Shape::Rect([left, top + from], [across, (2.0 * tall).min(height - from)], colour));
    }
    for (number, at) in numbers.iter().zip([top - 2.0, top + height - SMALL + 2.0]) {
        shapes.push(text(number, [left + across + 5.0, at], SMALL, Align::Left, FAINT));
    }
}

fn text(words: &str, at: [f32; 2], size: f32, align: Align, colour: [u8; 3]) -> Shape {
    Shape::Text(Text { words: words.to_owned(), at, size, align, colour })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scatter(colouring: Colouring) -> Scatter {
        let dots = vec![[0.0, -1.0], [1.0, 2.0], [-3.0, 0.5]];
        Scatter { axes: ["c0".into(), "c1".into()], dots, colouring }
    }

    fn by_class(count: usize) -> Colouring {
        let values: Vec<f64> = (0..count).map(|class| class as f64 * 0.5).collect();
        Colouring::of_classes("shape", &[], &values, &[0, 1, 2])
    }

    fn dots(page: &Page) -> Vec<([f32; 2], [u8; 3])> {
        let of = |shape: &Shape| match *shape {
            Shape::Disc(at, _, colour) => Some((at, colour)),
            _ => None,
        };
        page.shapes.iter().filter_map(of).collect()
    }

    #[test]
    fn every_dot_lies_where_its_values_are_and_has_the_colour_of_its_class() {
        let page = scatter(by_class(3)).page(600.0).expect("draws");
        let dots = dots(&page);
        assert_eq!(dots.len(), 6, "three, and the legend's");
        assert!(dots[2].0[0] < dots[0].0[0] && dots[0].0[0] < dots[1].0[0], "right is more: {dots:?}");
        assert!(dots[1].0[1] < dots[2].0[1] && dots[2].0[1] < dots[0].0[1], "up is more: {dots:?}");
        assert_eq!([0, 1, 2].map(|at| dots[at].1), [COLOURS[0], COLOURS[1], COLOURS[2]]);
        assert_eq!([3, 4, 5].map(|at| dots[at].1), [COLOURS[0], COLOURS[1], COLOURS[2]]);
        let words: Vec<&str> = page
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text(text) => Some(text.words.as_str()),
                _ => None,
            })
            .collect();
        for word in ["c0", "c1", "shape", "0.5", "\u{2212}3", "2"] {
            assert!(words.contains(&word), "{word} is not among {words:?}");
        }
        for shape in &page.shapes {
            let (Shape::Disc(at, ..) | Shape::Text(Text { at, .. })) = shape else { continue };
            assert!(
                at[0] >= 0.0 && at[1] >= 0.0 && at[0] < page.size[0] && at[1] < page.size[1],
                "{shape:?}"
            );
        }
    }

    #[test]
    fn many_classes_are_numbers_unless_they_have_names_of_their_own() {
        assert!(matches!(by_class(8), Colouring::Classes { .. }));
        let Colouring::Values { values, .. } = by_class(40) else { panic!("too many to be told apart") };
        assert_eq!(values, [0.0, 0.5, 1.0]);
        let page = scatter(by_class(40)).page(600.0).expect("draws");
        let [low, middle, high] = [0, 1, 2].map(|at| dots(&page)[at].1);
        assert_eq!((low, high), (ColourScale::DOTS_ON_LIGHT.at(0.0), ColourScale::DOTS_ON_LIGHT.at(1.0)));
        assert_eq!(middle, ColourScale::DOTS_ON_LIGHT.at(0.5));
        let names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        let labels = Colouring::of_classes("label", &names, &[0.0; 10], &[0, 8, 9]);
        assert!(matches!(labels, Colouring::Classes { .. }));
        assert!(labels.mark(0) == Mark::Disc(COLOURS[0]) && labels.mark(1) == Mark::Ring(COLOURS[0]));
    }

    #[test]
    fn dots_of_one_place_and_of_one_value_have_axes_too() {
        let same = Colouring::Values { title: "hue".into(), values: vec![2.0; 3] };
        let page = Scatter { dots: vec![[1.0, 1.0]; 3], ..scatter(same) }.page(400.0).expect("draws");
        assert!(dots(&page).iter().all(|(at, _)| at.iter().all(|value| value.is_finite())));
        assert!(scatter(Colouring::Nothing).page(50.0).is_ok());
    }
}
