use egui::{Align2, FontId, Rect, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit, pos2, vec2};

use super::Panel;
use crate::app::action::{Actions, FigureAction, Seen};
use crate::app::document::Document;
use crate::app::document::selection::title;
use crate::app::document::table::{Grid, Table};
use crate::app::paint::{fill, picture};
use crate::app::theme::{GRID, Palette, SMALL};
use crate::explore::LatentView;
use crate::figures::drawing::captions;

/// The traversal's pictures in the middle of the window.
#[derive(Default)]
pub(crate) struct GridPanel;

/// The grid's drawing.
const GRID_KEY: u64 = 100;

/// Width of the names left of the rows.
const NAMES: f32 = GRID * 10.0;

/// Height of the line above the columns.
const CAPTION: f32 = GRID * 2.5;

/// Cells on the screen, in points.
pub(super) const SMALLEST: f32 = 24.0;
pub(super) const LARGEST: f32 = 256.0;

impl Panel for GridPanel {
    fn title(&self) -> &'static str {
        "Traversal"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        let palette = Palette::of(ui);
        let area = ui.available_rect_before_wrap();
        ui.painter().add(fill(area, palette.stage));
        let wanted = match state.table() {
            Ok(wanted) => wanted,
            Err(message) => {
                let font = FontId::proportional(13.0);
                let text = ui.painter().layout(message, font, palette.quiet, area.width() - GRID * 8.0);
                let corner = area.center() - text.size() / 2.0;
                ui.painter().galley(corner, text, palette.quiet);
                return;
            }
        };
        let side = state.traverse.cell.unwrap_or_else(|| fitting(area, wanted.size()));
        actions.push(Seen::Table { table: wanted, side: (side * ui.pixels_per_point()) as usize });
        let mut adopted = None;
        egui::Frame::new().inner_margin(GRID).show(ui, |ui| {
            ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
                adopted = table(ui, state, side);
            });
        });
        if let Some(index) = adopted {
            actions.push(FigureAction::AdoptCell(index));
        }
    }
}

/// Side of the cells of a table with `rows` and `columns` that fits into `area`, in points.
fn fitting(area: Rect, [rows, columns]: [usize; 2]) -> f32 {
    // The margin, and a little for bars that would otherwise come and go.
    let room = area.size() - vec2(NAMES + GRID * 3.0, CAPTION + GRID * 3.0);
    (room.x / columns.max(1) as f32).min(room.y / rows.max(1) as f32).floor().clamp(SMALLEST, LARGEST)
}

/// The table; the index of the cell that was clicked.
fn table(ui: &mut Ui, state: &Document, side: f32) -> Option<usize> {
    let (grid, latent) = state.traverse.grid.as_ref().zip(state.latent.as_ref())?;
    let palette = Palette::of(ui);
    let side = side.round();
    let (rows, columns) = (grid.rows, grid.columns);
    let caption = CAPTION;
    let size = vec2(NAMES + side * columns as f32, caption + side * rows as f32);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let kind = if matches!(grid.table(), Table::Matrix(_)) {
        "Matrix of codes and nuisances"
    } else {
        "Traversal grid"
    };
    let name = format!("{kind}, {} of {} pictures", grid.done, rows * columns);
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, &name));
    let cells = Rect::from_min_max(rect.min + vec2(NAMES, caption), rect.max);
    picture(ui, cells, GRID_KEY, &grid.surface, false);
    // Lines in the stage's colour part the pictures.
    let gap = Stroke::new(2.0, palette.stage);
    for row in 1..rows {
        ui.painter().hline(cells.x_range(), cells.top() + side * row as f32, gap);
    }
    for column in 1..columns {
        ui.painter().vline(cells.left() + side * column as f32, cells.y_range(), gap);
    }
    let font = FontId::proportional(12.0);
    let small = FontId::new(SMALL, egui::FontFamily::Monospace);
    for (column, text) in column_captions(state, grid).into_iter().enumerate() {
        let at = pos2(cells.left() + side * (column as f32 + 0.5), rect.top() + caption / 2.0);
        ui.painter().text(at, Align2::CENTER_CENTER, text, small.clone(), palette.quiet);
    }
    let clip = Rect::from_min_size(rect.min, vec2(NAMES - GRID, rect.height())).intersect(ui.clip_rect());
    let painter = ui.painter().with_clip_rect(clip);
    for row in 0..rows {
        let at = pos2(rect.left(), cells.top() + side * (row as f32 + 0.5));
        let (text, note) = row_title(state, grid, latent, row);
        painter.text(at, Align2::LEFT_CENTER, text, font.clone(), ui.visuals().text_color());
        if let Some(note) = note.filter(|_| side >= 40.0) {
            let at = at + vec2(0.0, GRID * 1.75);
            painter.text(at, Align2::LEFT_CENTER, note, small.clone(), palette.quiet);
        }
    }
    let pointer = response.hover_pos().filter(|pointer| cells.contains(*pointer))?;
    let place = (pointer - cells.min) / side;
    let (row, column) = (place.y as usize, place.x as usize);
    if row >= rows || column >= columns {
        return None;
    }
    let corner = cells.min + vec2(column as f32, row as f32) * side;
    let cell = Rect::from_min_size(corner, vec2(side, side));
    ui.painter().rect_stroke(cell, 0.0, Stroke::new(2.0, palette.accent), egui::StrokeKind::Inside);
    let text = match grid.table() {
        Table::Traversal(traversal) => {
            let value = traversal.values(row).get(column).copied().unwrap_or_default();
            let dim = traversal.dims.get(row).copied().unwrap_or_default();
            format!("{} = {value:.2}: click to take this code", title(latent, &traversal.block, dim))
        }
        Table::Matrix(_) => {
            let code = column_captions(state, grid).swap_remove(column);
            let (title, _) = row_title(state, grid, latent, row);
            if row < grid.above().len() {
                format!("{code}, by the {title}: click to take these factors and keep the nuisance")
            } else {
                format!("{code} with {title}: click to take both")
            }
        }
    };
    let clicked = response.clicked();
    response.on_hover_text_at_pointer(text);
    clicked.then_some(row * columns + column)
}

/// What stands above the columns; nothing where every row has values of its own.
fn column_captions(state: &Document, grid: &Grid) -> Vec<String> {
    match grid.table() {
        Table::Traversal(traversal) => {
            let same = traversal.ranges.windows(2).all(|pair| pair[0] == pair[1]);
            if same && grid.rows > 0 { captions(&traversal.values(0)) } else { Vec::new() }
        }
        Table::Matrix(_) => {
            let code = state.model.as_ref().and_then(|model| model.description().encoded()).unwrap_or("c");
            (1..=grid.columns).map(|m| format!("{code}({m})")).collect()
        }
    }
}

/// What stands left of a row, and a remark.
fn row_title(state: &Document, grid: &Grid, latent: &LatentView, row: usize) -> (String, Option<String>) {
    match grid.table() {
        Table::Traversal(traversal) => {
            let dim = traversal.dims.get(row).copied().unwrap_or_default();
            let profile = state.model.as_ref().and_then(|model| model.dimension(&traversal.block, dim));
            let note = profile.map(|profile| format!("KL {:.2}", profile.kl));
            (title(latent, &traversal.block, dim), note)
        }
        Table::Matrix(matrix) => match (grid.above().get(row), &state.model) {
            (Some(&chain), Some(model)) => (model.words(chain).label, Some(format!("no {}", matrix.varied))),
            _ => (format!("{}({})", matrix.varied, row + 1 - grid.above().len()), None),
        },
    }
}
