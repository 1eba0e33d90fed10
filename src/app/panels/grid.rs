use egui::{Align2, FontId, Rect, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit, pos2, vec2};

use super::Panel;
use super::factors::title;
use crate::app::paint::{fill, picture};
use crate::app::state::State;
use crate::app::theme::{GRID, Palette, SMALL};
use crate::explore::figure::captions;

/// The traversal's pictures in the middle of the window.
#[derive(Default)]
pub(crate) struct GridPanel;

/// The grid's drawing.
const GRID_KEY: u64 = 100;

/// Width of the names left of the rows.
const NAMES: f32 = GRID * 10.0;

impl Panel for GridPanel {
    fn title(&self) -> &'static str {
        "Traversal"
    }

    fn ui(&mut self, ui: &mut Ui, state: &mut State) {
        let palette = Palette::of(ui);
        let area = ui.available_rect_before_wrap();
        ui.painter().add(fill(area, palette.stage));
        let traversal = match state.traversal() {
            Ok(traversal) => traversal,
            Err(message) => {
                let font = FontId::proportional(13.0);
                let text = ui.painter().layout(message, font, palette.quiet, area.width() - GRID * 8.0);
                let corner = area.center() - text.size() / 2.0;
                ui.painter().galley(corner, text, palette.quiet);
                return;
            }
        };
        state.update_grid(traversal, ui.pixels_per_point());
        state.receive_grid();
        let mut adopted = None;
        egui::Frame::new().inner_margin(GRID).show(ui, |ui| {
            ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
                adopted = table(ui, state);
            });
        });
        if let (Some(index), Some(grid)) = (adopted, &state.traverse.grid) {
            let codes = grid.codes.clone();
            state.adopt(&codes, index);
        }
    }
}

/// The table; the index of the cell that was clicked.
fn table(ui: &mut Ui, state: &State) -> Option<usize> {
    let (grid, latent) = state.traverse.grid.as_ref().zip(state.latent.as_ref())?;
    let palette = Palette::of(ui);
    let side = state.traverse.cell.round();
    let (rows, columns) = (grid.traversal.dims.len(), grid.traversal.steps);
    let caption = GRID * 2.5;
    let size = vec2(NAMES + side * columns as f32, caption + side * rows as f32);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = format!("Traversal grid, {} of {} pictures", grid.done, rows * columns);
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
    let same = grid.traversal.ranges.windows(2).all(|pair| pair[0] == pair[1]);
    if same && rows > 0 {
        for (column, text) in captions(&grid.traversal.values(0)).into_iter().enumerate() {
            let at = pos2(cells.left() + side * (column as f32 + 0.5), rect.top() + caption / 2.0);
            ui.painter().text(at, Align2::CENTER_CENTER, text, small.clone(), palette.quiet);
        }
    }
    for (row, &dim) in grid.traversal.dims.iter().enumerate() {
        let at = pos2(rect.left(), cells.top() + side * (row as f32 + 0.5));
        let clip = Rect::from_min_size(rect.min, vec2(NAMES - GRID, rect.height())).intersect(ui.clip_rect());
        let text = title(latent, &grid.traversal.block, dim);
        let painter = ui.painter().with_clip_rect(clip);
        let colour = ui.visuals().text_color();
        painter.text(at, Align2::LEFT_CENTER, text, font.clone(), colour);
        if let Some(profile) = state.model.as_ref().and_then(|m| m.dimension(&grid.traversal.block, dim))
            && side >= 40.0
        {
            let at = at + vec2(0.0, GRID * 1.75);
            let text = format!("KL {:.2}", profile.kl);
            painter.text(at, Align2::LEFT_CENTER, text, small.clone(), palette.quiet);
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
    let value = grid.traversal.values(row).get(column).copied().unwrap_or_default();
    let text = format!(
        "{} = {value:.2}: click to take this code",
        title(latent, &grid.traversal.block, grid.traversal.dims[row])
    );
    let clicked = response.clicked();
    response.on_hover_text_at_pointer(text);
    clicked.then_some(row * columns + column)
}
