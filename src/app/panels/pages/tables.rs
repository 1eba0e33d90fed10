//! Tables of factors and dimensions on the stage: maps of colours with their numbers, and bars.

use egui::{
    Align2, Color32, FontId, Painter, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    accesskit, pos2, vec2,
};

use crate::app::action::{Actions, CodeAction};
use crate::app::document::Document;
use crate::app::document::selection::{Dimension, title};
use crate::app::theme::{GRID, Palette, SMALL};
use crate::figures::drawing::{Bars, ColourScale, HeatMap, HeatMaps, ink_on};

/// Heights of the lines of a map's title and of its columns' names.
const TITLE: f32 = GRID * 2.5;
const NAMES: f32 = GRID * 2.0;

/// Width of a colour bar, and the room before and behind it.
const BAR: f32 = 10.0;
const AROUND_BAR: f32 = 6.0;

/// Between two maps.
const APART: f32 = GRID * 3.0;

/// Height of the bars.
const BARS: f32 = GRID * 10.0;

/// The widest that a cell is made.
const WIDEST: f32 = 64.0;

/// How many colours a colour bar is drawn with.
const STEPS: u8 = 32;

/// Sizes of everything, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sizes {
    /// Maps beside each other.
    beside: usize,
    /// Width of the names of rows.
    names: f32,
    cell: Vec2,
    /// Width of a colour bar with its numbers.
    bar: f32,
}

impl Sizes {
    /// For maps of `columns` columns in `room` points of width, where names, numbers in cells and those of colour bars are so
    /// wide: numbers always have room, and what is wider than the window is scrolled.
    fn new(room: f32, columns: usize, maps: usize, [names, numbers, ticks]: [f32; 3]) -> Self {
        let (names, bar) = (names + GRID, ticks + BAR + 2.0 * AROUND_BAR);
        let least = numbers + GRID * 0.75;
        let count = columns.max(1) as f32;
        let cell = |beside: usize| {
            let each = (room - APART * (beside - 1) as f32) / beside as f32;
            ((each - names - bar) / count).floor()
        };
        let beside = if maps > 1 && cell(2) >= least { 2 } else { 1 };
        let across = cell(beside).clamp(least.ceil(), WIDEST.max(least.ceil()));
        Self { beside, names, cell: vec2(across, (0.7 * across).clamp(GRID * 2.5, GRID * 3.75).round()), bar }
    }

    /// The size of a map with `rows` rows.
    fn map(self, [rows, columns]: [usize; 2]) -> Vec2 {
        let inner = self.cell * vec2(columns as f32, rows as f32);
        vec2(self.names + inner.x + self.bar, TITLE + NAMES + inner.y)
    }
}

/// What all maps share.
struct Look<'a> {
    maps: &'a HeatMaps,
    sizes: Sizes,
    scale: ColourScale,
    palette: Palette,
    text: Color32,
    /// What a person calls the dimensions.
    titles: Vec<String>,
    selected: Option<usize>,
    /// Whether the dimensions have sliders.
    is_selectable: bool,
}

/// What happened to the columns of a map.
#[derive(Default)]
struct Touched {
    /// The column that was clicked.
    clicked: Option<usize>,
    /// The one that has the keyboard.
    focused: Option<usize>,
}

pub(super) fn tables(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let (Some(model), Some(latent), Some(tables)) = (&state.model, &state.latent, &state.pages.tables) else {
        return;
    };
    let maps = &tables.maps;
    let block = model.description().encoded().unwrap_or_default();
    let own = |dim: usize| title(latent, block, dim);
    let is_selectable = model.slider_blocks().any(|own| own.name == block && own.dims == maps.columns.len());
    let look = Look {
        maps,
        sizes: sizes(ui, maps),
        scale: if ui.visuals().dark_mode { ColourScale::ON_DARK } else { ColourScale::ON_LIGHT },
        palette: Palette::of(ui),
        text: ui.visuals().text_color(),
        titles: match is_selectable {
            true => (0..maps.columns.len()).map(own).collect(),
            false => maps.columns.clone(),
        },
        selected: Some(state.selected.dim).filter(|_| is_selectable && state.selected.block == block),
        is_selectable,
    };
    let mut clicked = None;
    ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(APART, GRID * 2.0);
        for row in maps.maps.chunks(look.sizes.beside) {
            ui.horizontal_top(|ui| {
                for map in row {
                    clicked = look.map(ui, map).or(clicked);
                }
            });
        }
        if let Some(bars) = &maps.bars {
            clicked = look.bars(ui, bars).or(clicked);
        }
    });
    if let Some(dim) = clicked {
        actions.push(CodeAction::Select(Dimension { block: block.to_owned(), dim }));
    }
}

fn font() -> FontId {
    FontId::proportional(SMALL)
}

fn sizes(ui: &Ui, maps: &HeatMaps) -> Sizes {
    let width = |text: String| ui.painter().layout_no_wrap(text, font(), Color32::WHITE).size().x;
    let widest = |texts: &mut dyn Iterator<Item = String>| texts.map(width).fold(0.0, f32::max);
    let names = widest(&mut maps.rows.iter().cloned());
    // What is as long as another number is as wide, nearly.
    let longest =
        |numbers: &mut dyn Iterator<Item = String>| numbers.max_by_key(String::len).unwrap_or_default();
    let all = maps.maps.iter().flat_map(|map| map.values.iter().flatten().map(|&value| map.number(value)));
    let of_bars = maps.bars.iter().flat_map(|bars| bars.values.iter().map(|value| format!("{value:.2}")));
    let numbers = width(longest(&mut all.chain(of_bars)));
    let ticks = widest(&mut maps.maps.iter().map(|map| map.number(map.most())));
    let room = ui.available_width() - ui.spacing().scroll.floating_allocated_width - GRID * 0.5;
    Sizes::new(room, maps.columns.len(), maps.maps.len(), [names, numbers, ticks])
}

impl Look<'_> {
    /// Draws a map; the column that was clicked.
    fn map(&self, ui: &mut Ui, map: &HeatMap) -> Option<usize> {
        let (rows, columns) = (self.maps.rows.len(), self.maps.columns.len());
        let (rect, _) = ui.allocate_exact_size(self.sizes.map([rows, columns]), Sense::hover());
        let cells = self.cells(rect, rows as f32 * self.sizes.cell.y);
        let said = |column: usize| {
            let values = self.maps.rows.iter().zip(&map.values);
            let values = values.map(|(name, row)| format!("{name} {}", map.number(row[column])));
            values.collect::<Vec<_>>().join(", ")
        };
        let hovered = |column: usize, y: f32| {
            let row = (((y - cells.top()) / self.sizes.cell.y).max(0.0) as usize).min(rows.saturating_sub(1));
            let value = map.values.get(row).map_or(0.0, |values| values[column]);
            format!(
                "{}, {}: {}",
                self.maps.rows.get(row).map_or("", String::as_str),
                self.titles[column],
                map.number(value)
            )
        };
        let touched = self.columns(ui, &map.title, cells, &said, &hovered);
        let painter = ui.painter();
        for (row, (name, values)) in self.maps.rows.iter().zip(&map.values).enumerate() {
            let y = cells.top() + self.sizes.cell.y * row as f32;
            let middle = y + 0.5 * self.sizes.cell.y;
            let place = pos2(cells.left() - GRID * 0.75, middle);
            painter.text(place, Align2::RIGHT_CENTER, name, font(), self.palette.quiet);
            for (column, &value) in values.iter().enumerate() {
                let cell =
                    Rect::from_min_size(pos2(self.left(cells, column), y), self.sizes.cell - vec2(1.0, 1.0));
                let colour = self.scale.at(map.share(value));
                painter.rect_filled(cell, 0.0, rgb(colour));
                painter.text(
                    cell.center(),
                    Align2::CENTER_CENTER,
                    map.number(value),
                    font(),
                    rgb(ink_on(colour)),
                );
            }
        }
        self.colour_bar(painter, map, cells);
        self.marks(painter, cells, &touched);
        touched.clicked
    }

    /// Draws the bars; the column that was clicked.
    fn bars(&self, ui: &mut Ui, bars: &Bars) -> Option<usize> {
        let (size, columns) =
            (self.sizes.map([0, self.maps.columns.len()]) + vec2(0.0, BARS), self.maps.columns.len());
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let cells = self.cells(rect, BARS);
        let value = |column: usize| bars.values.get(column).copied().unwrap_or_default();
        let said = |column: usize| format!("{:.2}", value(column));
        let hovered = |column: usize, _| format!("{}: {:.2}", self.titles[column], value(column));
        let touched = self.columns(ui, &bars.title, cells, &said, &hovered);
        let most = bars.values.iter().copied().fold(0.0, f64::max).max(1e-9);
        let painter = ui.painter();
        for column in 0..columns {
            let tall = (cells.height() - SMALL * 1.5) * (value(column).max(0.0) / most) as f32;
            let floor = pos2(self.left(cells, column), cells.bottom() - tall);
            let bar = Rect::from_min_size(floor, vec2(self.sizes.cell.x - 1.0, tall));
            painter.rect_filled(bar, 0.0, self.palette.data);
            painter.text(
                bar.center_top() - vec2(0.0, 1.0),
                Align2::CENTER_BOTTOM,
                said(column),
                font(),
                self.text,
            );
        }
        painter.hline(cells.x_range(), cells.bottom(), Stroke::new(1.0, self.palette.quiet));
        self.marks(painter, cells, &touched);
        touched.clicked
    }

    /// Where the cells of the map in `rect` lie, which are so high.
    fn cells(&self, rect: Rect, height: f32) -> Rect {
        let corner = rect.min + vec2(self.sizes.names, TITLE + NAMES);
        Rect::from_min_size(corner, vec2(self.sizes.cell.x * self.maps.columns.len() as f32, height))
    }

    fn left(&self, cells: Rect, column: usize) -> f32 {
        cells.left() + self.sizes.cell.x * column as f32
    }

    /// A column of the map whose cells are these, with its name.
    fn column(&self, cells: Rect, column: usize) -> Rect {
        let corner = pos2(self.left(cells, column), cells.top() - NAMES);
        Rect::from_min_size(corner, vec2(self.sizes.cell.x, cells.height() + NAMES))
    }

    /// The title, the names of the columns, and a button for each: `said` is what assistive technology reads of it beside its
    /// name, `hovered` what is said at a height.
    fn columns(
        &self,
        ui: &mut Ui,
        title: &str,
        cells: Rect,
        said: &dyn Fn(usize) -> String,
        hovered: &dyn Fn(usize, f32) -> String,
    ) -> Touched {
        let place = pos2(cells.left(), cells.top() - NAMES - TITLE);
        ui.painter().text(place, Align2::LEFT_TOP, title, FontId::proportional(13.0), self.text);
        let width =
            |text: &String| ui.painter().layout_no_wrap(text.clone(), font(), Color32::WHITE).size().x;
        let widest = self.maps.columns.iter().map(width).fold(0.0, f32::max);
        let stride = ((widest + 4.0) / self.sizes.cell.x).ceil().max(1.0) as usize;
        let mut touched = Touched::default();
        for (column, name) in self.maps.columns.iter().enumerate() {
            let place = self.column(cells, column);
            let sense = if self.is_selectable { Sense::click() } else { Sense::hover() };
            let response = ui.interact(place, ui.scope_id().with((title, column)), sense);
            let text = format!("{title}, {}: {}", self.titles[column], said(column));
            response.widget_info(|| {
                let role = if self.is_selectable { accesskit::Role::Button } else { accesskit::Role::Label };
                WidgetInfo::labeled(role, true, &text)
            });
            let is_selected = self.selected == Some(column);
            if column % stride == 0 || is_selected {
                let colour = if is_selected { self.palette.accent } else { self.palette.quiet };
                let at = pos2(place.center().x - 0.5, cells.top() - GRID * 0.25);
                ui.painter().text(at, Align2::CENTER_BOTTOM, name, font(), colour);
            }
            if response.gained_focus() {
                response.scroll_to_me(None);
            }
            touched.focused = touched.focused.or_else(|| response.has_focus().then_some(column));
            touched.clicked = touched.clicked.or_else(|| response.clicked().then_some(column));
            if let Some(pointer) = response.hover_pos() {
                response.on_hover_text_at_pointer(hovered(column, pointer.y));
            }
        }
        touched
    }

    /// What the colours of a map mean, with its least and its largest value.
    fn colour_bar(&self, painter: &Painter, map: &HeatMap, cells: Rect) {
        let left = cells.right() + AROUND_BAR;
        let tall = (cells.height() - 1.0) / f32::from(STEPS);
        for step in 0..STEPS {
            let colour = self.scale.at(1.0 - (f64::from(step) + 0.5) / f64::from(STEPS));
            let top = cells.top() + tall * f32::from(step);
            let part = Rect::from_min_size(pos2(left, top), vec2(BAR, tall));
            painter.rect_filled(part, 0.0, rgb(colour));
        }
        let right = left + BAR + AROUND_BAR * 0.5;
        let quiet = self.palette.quiet;
        painter.text(pos2(right, cells.top()), Align2::LEFT_TOP, map.number(map.most()), font(), quiet);
        painter.text(pos2(right, cells.bottom()), Align2::LEFT_BOTTOM, "0", font(), quiet);
    }

    /// Frames around the selected column and the one that has the keyboard.
    fn marks(&self, painter: &Painter, cells: Rect, touched: &Touched) {
        if let Some(column) = self.selected {
            let stroke = Stroke::new(2.0, self.palette.accent);
            painter.rect_stroke(self.column(cells, column), 2.0, stroke, StrokeKind::Outside);
        }
        if let Some(column) = touched.focused {
            let around = self.column(cells, column).expand(2.0);
            painter.rect_stroke(around, 2.0, Stroke::new(1.0, self.text), StrokeKind::Outside);
        }
    }
}

fn rgb([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_always_have_room_and_wide_stages_have_two_maps_beside_each_other() {
        let sizes = |room, columns| Sizes::new(room, columns, 4, [60.0, 24.0, 24.0]);
        let (wide, narrow, many) = (sizes(900.0, 10), sizes(420.0, 10), sizes(420.0, 100));
        assert_eq!((wide.beside, narrow.beside, many.beside), (2, 1, 1));
        for sizes in [wide, narrow, many] {
            assert!(sizes.cell.x >= 30.0, "{sizes:?}");
        }
        let [wide, narrow, many] = [(wide, 10), (narrow, 10), (many, 100)].map(|(s, n)| s.map([5, n]).x);
        assert!(2.0 * wide + APART <= 900.0 && narrow <= 420.0, "{wide} {narrow}");
        assert!(many > 420.0, "it is scrolled");
        assert_eq!(sizes(4000.0, 3).cell.x, WIDEST);
    }
}
