use ab_glyph::InvalidFont;

use super::colours::{ColourScale, ink_on};
use super::page::{FAINT, INK, Page, Shape};
use super::text::{Align, Text, Typeface};

/// Height of a line in pixels: of titles, and of everything else.
const LINE: f32 = 15.0;
const SMALL: f32 = 13.0;
/// Numbers that would be smaller are left out.
const LEAST: f32 = 7.0;
const MARGIN: f32 = 10.0;
/// Between two maps beside each other, and above one another.
const APART: [f32; 2] = [26.0, 22.0];
/// A cell that is narrower has no room for its number in two columns of maps.
const ROOMY: f32 = 25.0;
/// Width of a colour bar, and how many colours it is drawn with.
const BAR: f32 = 9.0;
const STEPS: usize = 48;
const COLOURS: ColourScale = ColourScale::ON_LIGHT;

/// Several tables of the same rows and columns, as maps of colours with their numbers, and bars by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMaps {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The tables.
    pub maps: Vec<HeatMap>,
    /// One value a column, below the maps.
    pub bars: Option<Bars>,
}

/// One table of [`HeatMaps`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    /// What is shown, with its unit.
    pub title: String,
    /// `[row][column]`, from 0 up.
    pub values: Vec<Vec<f64>>,
    /// The value of the darkest colour; the largest there is when left out.
    pub most: Option<f64>,
    /// Digits behind the point.
    pub decimals: usize,
}

/// One value a column, from 0 up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// What is shown, with its unit.
    pub title: String,
    /// The values.
    pub values: Vec<f64>,
}

impl HeatMap {
    /// The value of the darkest colour, above 0.
    pub fn most(&self) -> f64 {
        let largest = || self.values.iter().flatten().copied().fold(0.0, f64::max);
        let most = self.most.unwrap_or_else(largest);
        if most > 0.0 { most } else { 1.0 }
    }

    /// How much of [`HeatMap::most`] a value is.
    pub fn share(&self, value: f64) -> f64 {
        value / self.most()
    }

    /// The colour of a value on paper, and that of what is written on it.
    pub fn colours(&self, value: f64) -> [[u8; 3]; 2] {
        let colour = COLOURS.at(self.share(value));
        [colour, ink_on(colour)]
    }

    /// A value as it is written.
    pub fn number(&self, value: f64) -> String {
        format!("{value:.*}", self.decimals)
    }
}

/// All positions, in pixels.
struct Measures {
    /// Maps beside each other.
    beside: usize,
    /// Width of the names of rows.
    names: f32,
    cell: [f32; 2],
    /// From the left of a map to that of the next one.
    pitch: f32,
    /// Height of the numbers in cells; none where there is no room.
    numbers: Option<f32>,
}

impl HeatMaps {
    /// Height of the titles' lines in pixels, of whatever width a page is.
    pub const LINE: f32 = LINE;

    /// The maps on a page of this `width` in pixels: two beside each other where their numbers have room.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn page(&self, width: f32) -> Result<Page, InvalidFont> {
        let typeface = Typeface::new()?;
        let measures = self.measure(&typeface, width);
        let mut shapes = Vec::new();
        let (mut bottom, mut top) = (MARGIN, MARGIN);
        for (number, map) in self.maps.iter().enumerate() {
            let column = number % measures.beside;
            top = if column == 0 && number > 0 { bottom + APART[1] } else { top };
            let left = MARGIN + measures.pitch * column as f32;
            bottom = self.map(&mut shapes, &typeface, &measures, map, [left, top]);
        }
        if let Some(bars) = &self.bars {
            let top = if self.maps.is_empty() { MARGIN } else { bottom + APART[1] };
            bottom = self.bars(&mut shapes, &typeface, &measures, bars, [MARGIN, top]);
        }
        Ok(Page { size: [width, (bottom + MARGIN).ceil()], shapes })
    }

    fn measure(&self, typeface: &Typeface, width: f32) -> Measures {
        let widest = |texts: &mut dyn Iterator<Item = String>, size: f32| {
            texts.map(|text| typeface.width(&text, size)).fold(0.0, f32::max)
        };
        let names = widest(&mut self.rows.iter().cloned(), SMALL) + 7.0;
        let ticks = self.maps.iter().map(|map| map.number(map.most()));
        let bar = 7.0 + BAR + 4.0 + widest(&mut ticks.clone(), SMALL);
        let columns = self.columns.len().max(1) as f32;
        let cell = |beside: usize| {
            let each = (width - 2.0 * MARGIN - APART[0] * (beside - 1) as f32) / beside as f32;
            (each - names - bar) / columns
        };
        let beside = if self.maps.len() > 1 && cell(2) >= ROOMY { 2 } else { 1 };
        let across = cell(beside).clamp(4.0, 64.0);
        let down = (0.85 * across).clamp(SMALL + 5.0, 34.0);
        let numbers = self.maps.iter().flat_map(|map| map.values.iter().flatten().map(|&v| map.number(v)));
        let at_one = widest(&mut numbers.collect::<Vec<_>>().into_iter(), 1.0);
        let fitting = if at_one > 0.0 { SMALL.min((across - 4.0) / at_one) } else { SMALL };
        let pitch = names + across * columns + bar + APART[0];
        let numbers = Some(fitting).filter(|size| *size >= LEAST);
        Measures { beside, names, cell: [across, down], pitch, numbers }
    }

    /// Draws a map with its upper left corner at `at`; returns where it ends below.
    fn map(
        &self,
        shapes: &mut Vec<Shape>,
        typeface: &Typeface,
        measures: &Measures,
        map: &HeatMap,
        [left, top]: [f32; 2],
    ) -> f32 {
        let [across, down] = measures.cell;
        let first = left + measures.names;
        shapes.push(text(&map.title, [first, top], LINE, Align::Left, INK));
        let names = top + LINE + 3.0;
        self.column_names(shapes, typeface, measures, [first, names]);
        let top = names + SMALL + 3.0;
        for (row, (name, values)) in self.rows.iter().zip(&map.values).enumerate() {
            let y = top + down * row as f32;
            let line = y + 0.5 * (down - SMALL);
            shapes.push(text(name, [first - 6.0, line], SMALL, Align::Right, FAINT));
            for (column, &value) in values.iter().enumerate() {
                let x = first + across * column as f32;
                let [colour, ink] = map.colours(value);
                shapes.push(Shape::Rect([x, y], [across - 1.0, down - 1.0], colour));
                if let Some(size) = measures.numbers {
                    let at = [x + 0.5 * (across - 1.0), y + 0.5 * (down - 1.0 - size)];
                    shapes.push(text(&map.number(value), at, size, Align::Centre, ink));
                }
            }
        }
        let height = down * self.rows.len() as f32 - 1.0;
        let bar = first + across * self.columns.len() as f32 + 6.0;
        colour_bar(shapes, map, [bar, top], height);
        top + height
    }

    /// The names of the columns from `left` on; where they would touch only every second, third, ... is shown.
    fn column_names(
        &self,
        shapes: &mut Vec<Shape>,
        typeface: &Typeface,
        measures: &Measures,
        [left, y]: [f32; 2],
    ) {
        let across = measures.cell[0];
        let widest = self.columns.iter().map(|name| typeface.width(name, SMALL)).fold(0.0, f32::max);
        let stride = ((widest + 4.0) / across).ceil().max(1.0) as usize;
        for (column, name) in self.columns.iter().enumerate().step_by(stride) {
            let x = left + across * (column as f32 + 0.5) - 0.5;
            shapes.push(text(name, [x, y], SMALL, Align::Centre, FAINT));
        }
    }

    /// Draws the bars below the columns of a map whose left is at `left`; returns where they end below.
    fn bars(
        &self,
        shapes: &mut Vec<Shape>,
        typeface: &Typeface,
        measures: &Measures,
        bars: &Bars,
        [left, top]: [f32; 2],
    ) -> f32 {
        let across = measures.cell[0];
        let first = left + measures.names;
        shapes.push(text(&bars.title, [first, top], LINE, Align::Left, INK));
        let most = bars.values.iter().copied().fold(0.0, f64::max).max(1e-9);
        let (ceiling, height) = (top + LINE + SMALL + 6.0, 5.0 * LINE);
        let floor = ceiling + height;
        for (column, &value) in bars.values.iter().enumerate() {
            let x = first + across * column as f32;
            let tall = height * (value.max(0.0) / most) as f32;
            shapes.push(Shape::Rect([x, floor - tall], [across - 1.0, tall], COLOURS.at(0.5)));
            if let Some(size) = measures.numbers {
                let at = [x + 0.5 * (across - 1.0), floor - tall - size - 1.0];
                shapes.push(text(&format!("{value:.2}"), at, size, Align::Centre, INK));
            }
        }
        let end = first + across * bars.values.len() as f32;
        shapes.push(Shape::Line([first, floor], [end, floor], 1.0, FAINT));
        self.column_names(shapes, typeface, measures, [first, floor + 3.0]);
        floor + 3.0 + SMALL
    }
}

/// What the colours of a map mean, with its least and its largest value.
fn colour_bar(shapes: &mut Vec<Shape>, map: &HeatMap, [x, top]: [f32; 2], height: f32) {
    let tall = height / STEPS as f32;
    for step in 0..STEPS {
        let from = tall * step as f32;
        let share = 1.0 - (step as f64 + 0.5) / STEPS as f64;
        // The next one covers half of it, so that no gap shows between two of them.
        let down = (2.0 * tall).min(height - from);
        shapes.push(Shape::Rect([x, top + from], [BAR, down], COLOURS.at(share)));
    }
    let right = x + BAR + 4.0;
    shapes.push(text(&map.number(map.most()), [right, top - 2.0], SMALL, Align::Left, FAINT));
    shapes.push(text("0", [right, top + height - SMALL + 2.0], SMALL, Align::Left, FAINT));
}

fn text(words: &str, at: [f32; 2], size: f32, align: Align, colour: [u8; 3]) -> Shape {
    Shape::Text(Text { words: words.to_owned(), at, size, align, colour })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(columns: usize) -> HeatMaps {
        let map = |title: &str, most| HeatMap {
            title: title.to_owned(),
            values: vec![(0..columns).map(|column| column as f64 / 8.0).collect(); 2],
            most,
            decimals: 2,
        };
        HeatMaps {
            rows: vec!["shape".into(), "orientation".into()],
            columns: (0..columns).map(|dim| format!("c{dim}")).collect(),
            maps: vec![map("a", None), map("b", Some(2.0)), map("c", None)],
            bars: Some(Bars { title: "KL".into(), values: vec![0.5; columns] }),
        }
    }

    fn words(page: &Page) -> Vec<&str> {
        page.shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text(text) => Some(text.words.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn every_value_is_written_and_everything_lies_on_the_page() {
        let page = maps(4).page(680.0).expect("draws");
        let words = words(&page);
        assert_eq!(words.iter().filter(|word| **word == "0.25").count(), 6, "two rows of three maps");
        assert_eq!(words.iter().filter(|word| **word == "0.50").count(), 4, "a bar each");
        assert_eq!(words.iter().filter(|word| **word == "orientation").count(), 3);
        assert!(words.contains(&"2.00") && words.contains(&"0.38"), "the most of maps: {words:?}");
        for shape in &page.shapes {
            let (Shape::Rect(at, _, _) | Shape::Text(Text { at, .. })) = shape else { continue };
            assert!(
                at[0] >= 0.0 && at[1] >= 0.0 && at[0] < page.size[0] && at[1] < page.size[1],
                "{shape:?}"
            );
        }
    }

    #[test]
    fn narrow_cells_stand_in_one_column_and_the_narrowest_have_no_numbers() {
        let titles = |page: &Page| -> Vec<[f32; 2]> {
            let of = |shape: &Shape| match shape {
                Shape::Text(text) if ["a", "b", "c"].contains(&text.words.as_str()) => Some(text.at),
                _ => None,
            };
            page.shapes.iter().filter_map(of).collect()
        };
        let [wide, narrow] = [4, 20].map(|columns| titles(&maps(columns).page(680.0).expect("draws")));
        assert_eq!(wide[0][1], wide[1][1]);
        assert!(wide[2][1] > wide[0][1] && narrow[1][1] > narrow[0][1]);
        let page = maps(100).page(680.0).expect("draws");
        assert!(!words(&page).contains(&"0.25"));
    }

    #[test]
    fn the_most_has_the_darkest_colour() {
        let map = HeatMap { most: Some(2.0), ..HeatMap::default() };
        assert_eq!(map.colours(2.0), [COLOURS.at(1.0), [255; 3]]);
        assert_eq!(map.colours(7.0), map.colours(2.0));
        assert_eq!(HeatMap::default().most(), 1.0, "nothing has a scale, too");
    }
}
