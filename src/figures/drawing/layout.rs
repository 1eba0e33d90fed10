use ab_glyph::InvalidFont;

use crate::base::Picture;

use super::page::{FAINT, INK, PAPER, Page, Shape};
use super::scale::fit;
use super::text::{Align, Text, Typeface};

/// A table of equally large pictures with labels, on white.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PictureTable {
    /// Width and height of a cell in pixels.
    pub cell: [usize; 2],
    /// Number of columns.
    pub columns: usize,
    /// Height of a line of text in pixels; what suits the cells when left out.
    pub line: Option<f32>,
    /// The bands from top to bottom.
    pub bands: Vec<Band>,
}

/// One or more rows of pictures that belong together, for instance the VAE's and the GAN's of one dimension.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// What the band shows, left of it.
    pub title: String,
    /// Small remarks below the title; those that do not fit the height are left out.
    pub notes: Vec<String>,
    /// One caption a column, above the band; empty for none.
    pub captions: Vec<String>,
    /// One short tag a row of pictures, between title and pictures; the length is the number of rows.
    pub tags: Vec<String>,
}

/// A figure on its way: labels drawn, pictures placed one by one as they are rendered.
pub struct Canvas {
    picture: Picture,
    labels: Vec<Shape>,
    cell: [usize; 2],
    /// Left edge of each column.
    lefts: Vec<usize>,
    /// Top edge of each row of pictures, all bands in order.
    tops: Vec<usize>,
}

/// All positions of a figure, in pixels.
struct Measures {
    size: [usize; 2],
    line: f32,
    small: f32,
    margin: usize,
    /// Right end of the tags.
    tags_end: usize,
    lefts: Vec<usize>,
    tops: Vec<usize>,
    /// Top of each band's captions, if it has any.
    captions: Vec<Option<usize>>,
}

impl PictureTable {
    /// Width and height of the whole figure in pixels.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn size(&self) -> Result<[usize; 2], InvalidFont> {
        Ok(self.measure(&Typeface::new()?).size)
    }

    /// Draws the labels.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn canvas(&self) -> Result<Canvas, InvalidFont> {
        let typeface = Typeface::new()?;
        let measures = self.measure(&typeface);
        let mut picture = Picture::filled(measures.size[0], measures.size[1], PAPER);
        let labels = self.labels(&typeface, &measures);
        labels.iter().for_each(|label| label.paint(&mut picture, &typeface));
        Ok(Canvas { picture, labels, cell: self.cell, lefts: measures.lefts, tops: measures.tops })
    }

    fn labels(&self, typeface: &Typeface, measures: &Measures) -> Vec<Shape> {
        let mut labels = Vec::new();
        let mut row = 0;
        for (band, captions) in self.bands.iter().zip(&measures.captions) {
            if let Some(top) = captions {
                self.caption(&mut labels, typeface, measures, band, *top as f32);
            }
            self.entitle(&mut labels, measures, band, row);
            for (tag, top) in band.tags.iter().zip(&measures.tops[row..]) {
                let y = *top as f32 + 0.5 * (self.cell[1] as f32 - measures.small);
                let at = [measures.tags_end as f32, y];
                labels.push(label(tag, at, measures.small, Align::Right, FAINT));
            }
            row += band.tags.len();
        }
        labels
    }

    fn measure(&self, typeface: &Typeface) -> Measures {
        let [width, height] = self.cell;
        // Larger cells mean a figure that is shown smaller, so labels grow with them, a little less than they do.
        let usual = || (15.0 * (width.min(height) as f32 / 64.0).powf(0.8)).max(11.0).round();
        let line = self.line.unwrap_or_else(usual);
        let small = if self.line.is_some() { 0.86 * line } else { (0.86 * line).max(10.0).round() };
        let gutter = (width.min(height) / 40).clamp(1, 8);
        let between = (gutter * 3).max(4);
        let margin = (0.6 * line).round() as usize;

        let widest = |texts: &mut dyn Iterator<Item = (&String, f32)>| {
            texts.map(|(text, size)| typeface.width(text, size)).fold(0.0, f32::max).ceil() as usize
        };
        let titles = widest(&mut self.bands.iter().flat_map(|band| {
            std::iter::once((&band.title, line)).chain(band.notes.iter().map(|note| (note, small)))
        }));
        let tags = widest(&mut self.bands.iter().flat_map(|band| band.tags.iter().map(|tag| (tag, small))));
        let space = |width: usize| if width > 0 { width + (0.5 * line).round() as usize } else { 0 };

        let tags_end = margin + space(titles) + tags;
        let first = margin + space(titles) + space(tags);
        let lefts: Vec<usize> = (0..self.columns).map(|column| first + column * (width + gutter)).collect();
        let mut y = margin;
        let (mut tops, mut captions) = (Vec::new(), Vec::new());
        for (index, band) in self.bands.iter().enumerate() {
            if index > 0 {
                y += between;
            }
            let has_captions = band.captions.iter().any(|caption| !caption.is_empty());
            captions.push(has_captions.then_some(y));
            if has_captions {
                y += (1.25 * small).round() as usize;
            }
            for row in 0..band.tags.len() {
                y += if row > 0 { gutter } else { 0 };
                tops.push(y);
                y += height;
            }
        }
        let pictures_width = self.columns * (width + gutter);
        let size = [(first + pictures_width).saturating_sub(gutter) + margin, y + margin];
        Measures { size, line, small, margin, tags_end, lefts, tops, captions }
    }

    /// Captions over their columns; where they would touch only every second, third, ... is shown.
    fn caption(
        &self,
        labels: &mut Vec<Shape>,
        typeface: &Typeface,
        measures: &Measures,
        band: &Band,
        y: f32,
    ) {
        let small = measures.small;
        let widest = band.captions.iter().map(|caption| typeface.width(caption, small)).fold(0.0, f32::max);
        let pitch = measures.lefts.windows(2).map(|pair| pair[1] - pair[0]).next().unwrap_or(usize::MAX);
        let stride = ((widest + 0.4 * small) / pitch as f32).ceil().max(1.0) as usize;
        for (caption, left) in band.captions.iter().zip(&measures.lefts).step_by(stride) {
            let at = [*left as f32 + 0.5 * self.cell[0] as f32, y];
            labels.push(label(caption, at, small, Align::Centre, FAINT));
        }
    }

    /// Title and notes, centred on the height of the band.
    fn entitle(&self, labels: &mut Vec<Shape>, measures: &Measures, band: &Band, first_row: usize) {
        let Some(rows) = measures.tops.get(first_row..first_row + band.tags.len()) else { return };
        let (Some(top), Some(last)) = (rows.first(), rows.last()) else { return };
        let height = (last + self.cell[1] - top) as f32;
        let fitting =
            (((height - measures.line) / measures.small).floor().max(0.0) as usize).min(band.notes.len());
        let block = measures.line + fitting as f32 * measures.small;
        let mut at = [measures.margin as f32, *top as f32 + (0.5 * (height - block)).max(0.0)];
        labels.push(label(&band.title, at, measures.line, Align::Left, INK));
        at[1] += measures.line;
        for note in &band.notes[..fitting] {
            labels.push(label(note, at, measures.small, Align::Left, FAINT));
            at[1] += measures.small;
        }
    }
}

fn label(words: &str, at: [f32; 2], size: f32, align: Align, colour: [u8; 3]) -> Shape {
    Shape::Text(Text { words: words.to_owned(), at, size, align, colour })
}

impl Canvas {
    /// Puts a picture into column `column` of row `row` (rows of all bands counted from the top), scaled to the
    /// cell; a cell outside the figure is ignored.
    pub fn place(&mut self, row: usize, column: usize, picture: &Picture) {
        if let (Some(&top), Some(&left)) = (self.tops.get(row), self.lefts.get(column)) {
            self.picture.paste(&fit(picture, self.cell), left, top);
        }
    }

    /// The corner of a cell, for whoever wants to know what lies under the mouse: left, top, width, height.
    pub fn cell(&self, row: usize, column: usize) -> Option<[usize; 4]> {
        Some([*self.lefts.get(column)?, *self.tops.get(row)?, self.cell[0], self.cell[1]])
    }

    /// The figure.
    pub fn into_picture(self) -> Picture {
        self.picture
    }

    /// The figure as far as it is.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The figure as far as it is, as labels and pictures.
    pub fn page(&self) -> Page {
        let cells = self.tops.iter().flat_map(|&top| self.lefts.iter().map(move |&left| [left, top]));
        let cells = cells.map(|[left, top]| {
            let cut = self.picture.cut([left, top], self.cell);
            Shape::Picture([left as f32, top as f32], cut)
        });
        let size = [self.picture.width() as f32, self.picture.height() as f32];
        Page { size, shapes: self.labels.iter().cloned().chain(cells).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> PictureTable {
        let band = |title: &str| Band {
            title: title.into(),
            notes: vec!["KL 1.25".into()],
            captions: vec!["a".into(), "b".into()],
            tags: vec!["VAE".into(), "GAN".into()],
        };
        PictureTable { cell: [64, 64], columns: 2, line: None, bands: vec![band("c0"), band("azimuth")] }
    }

    #[test]
    fn cells_lie_apart_inside_the_figure() {
        let figure = figure();
        let canvas = figure.canvas().expect("draws");
        let [width, height] = figure.size().expect("measures");
        assert_eq!([canvas.picture().width(), canvas.picture().height()], [width, height]);
        let cells: Vec<[usize; 4]> = (0..4)
            .flat_map(|row| (0..2).map(move |column| (row, column)))
            .filter_map(|(row, column)| canvas.cell(row, column))
            .collect();
        assert_eq!(cells.len(), 8);
        for (i, a) in cells.iter().enumerate() {
            assert!(a[0] + a[2] <= width && a[1] + a[3] <= height);
            for b in &cells[..i] {
                assert!(
                    a[0] >= b[0] + b[2] || b[0] >= a[0] + a[2] || a[1] >= b[1] + b[3] || b[1] >= a[1] + a[3]
                );
            }
        }
        assert_eq!(canvas.cell(4, 0), None);
    }

    #[test]
    fn pictures_land_unchanged_in_their_cells_and_labels_nowhere_in_them() {
        let mut canvas = figure().canvas().expect("draws");
        for row in 0..4 {
            for column in 0..2 {
                let [left, top, width, height] = canvas.cell(row, column).expect("inside");
                let white = (top..top + height)
                    .all(|y| (left..left + width).all(|x| canvas.picture().pixel(x, y) == PAPER));
                assert!(white, "a label reaches into cell {row}, {column}");
            }
        }
        let red = Picture::filled(64, 64, [200, 0, 0, 255]);
        canvas.place(2, 1, &red);
        let [left, top, ..] = canvas.cell(2, 1).expect("inside");
        let picture = canvas.into_picture();
        assert_eq!(picture.pixel(left, top), [200, 0, 0, 255]);
        assert_eq!(picture.pixel(left + 63, top + 63), [200, 0, 0, 255]);
        assert_eq!(picture.pixel(left - 1, top), PAPER);
        let reds = (0..picture.height())
            .flat_map(|y| (0..picture.width()).map(move |x| (x, y)))
            .filter(|&(x, y)| picture.pixel(x, y) == [200, 0, 0, 255]);
        assert_eq!(reds.count(), 64 * 64);
    }

    #[test]
    fn tiny_and_huge_cells_and_no_labels_work() {
        for cell in [1, 3, 16, 1024] {
            let mut figure = figure();
            figure.cell = [cell, cell];
            let canvas = figure.canvas().expect("draws");
            assert!(canvas.cell(3, 1).is_some());
        }
        let bare = PictureTable {
            cell: [8, 8],
            columns: 3,
            line: None,
            bands: vec![Band { tags: vec![String::new()], ..Band::default() }],
        };
        let canvas = bare.canvas().expect("draws");
        assert_eq!(canvas.cell(0, 0).map(|c| c[1]), canvas.cell(0, 2).map(|c| c[1]));
        assert!(PictureTable::default().canvas().is_ok());
    }
}
