use egui::{
    CentralPanel, Context, Frame, Id, IdSalt, Margin, Panel as SidePanel, PanelState, Pos2, Rect, Ui,
    UiBuilder, Vec2,
};

use super::Explorer;
use super::panels::{BoardPanel, MapPanel, PagesPanel, Panel, hint_line, notice, room_below};
use super::theme::GRID;
use crate::app::action::{SettingAction, ViewAction};
use crate::app::document::board::BoardView;
use crate::app::document::pages::Page;
use crate::app::document::tool::Tab;
use crate::app::document::traverse::Figure;

/// How large the panels around the pictures were made last, in points.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Widths of the factors and of the tools.
    sides: [f32; 2],
    /// Height of the film strip.
    strip: f32,
}

/// The narrowest and the widest that the panels beside the pictures can be made, factors and tools.
const SIDES: [[f32; 2]; 2] = [[272.0, 560.0], [220.0, 640.0]];

/// The share of the window's width that both may take: the pictures keep most of it.
const SIDES_SHARE: f32 = 0.48;

/// The lowest and the highest that the film strip can be made.
const STRIP: [f32; 2] = [88.0, 400.0];

/// Its height where the pictures leave no more.
const STRIP_LEAST: f32 = 128.0;

/// Its height where it only holds its tabs and a sentence.
const STRIP_EMPTY: f32 = GRID * 9.0;

/// The share of the stage that the map has at first.
const MAP_SHARE: f32 = 0.58;

/// Names of the panels.
const NAMES: [&str; 2] = ["factors", "tools"];

/// The widths of the panels beside the pictures in a window of `width`, for somebody who wants them as `wanted`. In a
/// small window both give way.
fn sides(width: f32, wanted: [f32; 2], is_shown: [bool; 2]) -> [f32; 2] {
    let wanted = [0, 1].map(|side| wanted[side].clamp(SIDES[side][0], SIDES[side][1]));
    let all: f32 = (0..2).filter(|&side| is_shown[side]).map(|side| wanted[side]).sum();
    let scale = (width * SIDES_SHARE / all.max(1.0)).min(1.0);
    wanted.map(|wanted| (wanted * scale).floor())
}

/// What somebody has made of the panel with `id` by dragging its edge since it was made `last`; `axis` is 0 for a width.
fn dragged(ctx: &Context, id: Id, last: f32, axis: usize) -> Option<f32> {
    let now = PanelState::load(ctx, id)?.size()[axis];
    (last > 0.0 && (now - last).abs() > 1.0).then_some(now)
}

/// Makes the panel with `id` so large in this frame. By itself it would stay as it was last, and so for ever small after
/// the window was small once.
fn make(ctx: &Context, id: Id, size: Vec2) {
    let outer_rect = Rect::from_min_size(Pos2::ZERO, size);
    ctx.data_mut(|data| data.insert_persisted(id, PanelState { outer_rect }));
}

/// Draws `contents` in the room that there is: what does not fit is cut, and does not widen the panel.
fn contained(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let room = ui.available_rect_before_wrap();
    let mut inner = ui.new_child(UiBuilder::new().max_rect(room));
    inner.shrink_clip_rect(room.expand2(egui::vec2(GRID * 0.5, 0.0)));
    contents(&mut inner);
    ui.advance_cursor_after_rect(room);
}

/// What lies beside, below and in the middle of the window.
impl Explorer {
    /// Decides how wide the panels beside the pictures are in this frame.
    pub(super) fn fit_sides(&mut self, ui: &Ui) {
        let settings = &self.state.settings;
        let ids = NAMES.map(|name| ui.scope_id().with_salt(IdSalt::new(name)));
        let mut wanted = settings.sides;
        for (side, id) in ids.into_iter().enumerate() {
            wanted[side] = dragged(ui, id, self.layout.sides[side], 0).unwrap_or(wanted[side]);
        }
        if wanted != settings.sides {
            self.actions.push(SettingAction::Sides(wanted));
        }
        let is_shown = [settings.show_factors, settings.show_tabs];
        self.layout.sides = sides(ui.available_width(), wanted, is_shown);
        for (id, width) in ids.into_iter().zip(self.layout.sides) {
            make(ui, id, egui::vec2(width, 0.0));
        }
    }

    /// The widths between which the edge of a panel beside the pictures can be dragged.
    fn range(&self, ui: &Ui, side: usize) -> std::ops::RangeInclusive<f32> {
        let settings = &self.state.settings;
        let is_other_shown = [settings.show_tabs, settings.show_factors][side];
        let other = if is_other_shown { self.layout.sides[1 - side] } else { 0.0 };
        let window = ui.ctx().content_rect().width();
        let [least, most] = SIDES[side];
        let now = self.layout.sides[side];
        least.min(now)..=most.min(window * SIDES_SHARE - other).max(now)
    }

    pub(super) fn left(&mut self, ui: &mut Ui, bare: Frame) {
        let mut is_open = self.state.settings.show_factors;
        let panel = SidePanel::left(NAMES[0]).frame(bare).size_range(self.range(ui, 0));
        panel.show_collapsible(ui, &mut is_open, |ui| {
            contained(ui, |ui| {
                let has_noise = self.state.model.as_ref().is_some_and(|model| model.has_noise());
                if has_noise {
                    SidePanel::bottom("nuisance")
                        .resizable(false)
                        .frame(Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO }))
                        .show(ui, |ui| self.nuisance.ui(ui, &self.state, &mut self.actions));
                }
                CentralPanel::no_frame().show(ui, |ui| self.factors.ui(ui, &self.state, &mut self.actions));
            });
        });
        if is_open != self.state.settings.show_factors {
            self.actions.push(SettingAction::ShowFactors(is_open));
        }
    }

    pub(super) fn right(&mut self, ui: &mut Ui, bare: Frame) {
        let mut is_open = self.state.settings.show_tabs;
        let panel = SidePanel::right(NAMES[1]).frame(bare).size_range(self.range(ui, 1));
        panel.show_collapsible(ui, &mut is_open, |ui| {
            contained(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing = egui::vec2(GRID * 0.25, GRID * 0.25);
                    for (tab, panel) in Tab::ALL.into_iter().zip(&self.tabs) {
                        let button = ui.selectable_label(self.state.tab == tab, panel.title());
                        if button.on_hover_text(panel.hint()).clicked() {
                            self.actions.push(ViewAction::Tab(tab));
                        }
                    }
                });
                ui.separator();
                self.tabs[self.state.tab as usize].ui(ui, &self.state, &mut self.actions);
            });
        });
        if is_open != self.state.settings.show_tabs {
            self.actions.push(SettingAction::ShowTabs(is_open));
        }
    }

    pub(super) fn centre(&mut self, ui: &mut Ui, bare: Frame) {
        // The tool on the right decides what the middle shows.
        let is_table = self.state.traverse.figure != Figure::Animation;
        let shows_grid = self.state.settings.show_tabs
            && self.state.tab == Tab::Traverse
            && is_table
            && self.state.model.is_some();
        let shows_board = self.state.shows_board();
        let shows_pages = self.state.shows_pages();
        let covers_pictures = shows_board && self.state.board.settings.view != BoardView::Pictures
            || shows_pages && self.state.pages.shown() == Page::Tables;
        let shows_map = self.state.shows_map();
        let is_training = self.state.settings.show_tabs && self.state.tab == Tab::Train;
        let shows_hint = !shows_grid && !is_training && self.state.shows_hint();
        if self.state.model.is_some() && !covers_pictures && !shows_map {
            let shows_pictures = !shows_grid;
            self.strip(ui, bare, shows_pictures.then_some(shows_hint));
        }
        CentralPanel::no_frame().show(ui, |ui| {
            if shows_hint {
                hint_line(ui, &mut self.actions);
            }
            self.questions.ui(ui, &self.state, &mut self.actions);
            let area = ui.available_rect_before_wrap();
            self.state.stage_picture.area = Some(area);
            if shows_board {
                BoardPanel.ui(ui, &self.state, &mut self.actions);
            }
            if shows_pages {
                PagesPanel.ui(ui, &self.state, &mut self.actions);
            }
            if shows_map {
                self.map(ui, bare);
            }
            if covers_pictures {
                // Pages, curves and sample grids take the place of the pictures.
            } else if shows_grid {
                self.grid.ui(ui, &self.state, &mut self.actions);
            } else {
                self.pictures.ui(ui, &self.state, &mut self.actions);
            }
            notice(ui, &self.state, &mut self.actions, area);
        });
    }

    /// The map of codes, beside the pictures or above them, where more of it can be seen.
    fn map(&mut self, ui: &mut Ui, bare: Frame) {
        let room = ui.available_size();
        let (panel, along) = match room.x > room.y {
            true => (SidePanel::left("map beside"), room.x),
            false => (SidePanel::top("map above"), room.y),
        };
        let panel = panel.default_size(along * MAP_SHARE).size_range(along * 0.25..=along * 0.75);
        panel.frame(bare).resizable(true).show(ui, |ui| {
            contained(ui, |ui| MapPanel.ui(ui, &self.state, &mut self.actions));
        });
    }

    /// The film strip. It takes what two pictures beside each other leave of the height, unless somebody has sized it;
    /// `pictures` says whether pictures are shown, and with the hint above them.
    fn strip(&mut self, ui: &mut Ui, bare: Frame, pictures: Option<bool>) {
        let id = ui.scope_id().with_salt(IdSalt::new("strip"));
        let settings = &self.state.settings;
        let dragged = dragged(ui, id, self.layout.strip, 1);
        if let Some(height) = dragged.filter(|height| settings.strip_height != Some(*height)) {
            self.actions.push(SettingAction::StripHeight(height));
        }
        let asked = dragged.or(settings.strip_height);
        let mut is_open = settings.show_strip;
        let panel = if self.state.strip.is_empty() {
            SidePanel::bottom("empty strip").resizable(false).exact_size(STRIP_EMPTY)
        } else {
            let free = || {
                let hint = if pictures? { GRID * 4.0 } else { 0.0 };
                Some(room_below(ui, &self.state, ui.available_size() - egui::vec2(0.0, STRIP_LEAST + hint)))
            };
            let height = asked.unwrap_or_else(|| STRIP_LEAST + free().unwrap_or(0.0));
            // A low window leaves less.
            let most = STRIP[1].min(ui.available_height() * 0.5).max(STRIP[0]);
            self.layout.strip = height.clamp(STRIP[0], most).floor();
            make(ui, id, egui::vec2(0.0, self.layout.strip));
            SidePanel::bottom("strip").resizable(true).size_range(STRIP[0]..=most)
        };
        panel.frame(bare).show_collapsible(ui, &mut is_open, |ui| {
            contained(ui, |ui| self.strip.ui(ui, &self.state, &mut self.actions));
        });
        if is_open != self.state.settings.show_strip {
            self.actions.push(SettingAction::ShowStrip(is_open));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_keep_most_of_the_width() {
        let wanted = [336.0, 304.0];
        assert_eq!(sides(1440.0, wanted, [true, true]), wanted);
        for width in [800.0, 900.0, 1100.0, 1280.0] {
            let [left, right] = sides(width, wanted, [true, true]);
            assert!(left + right <= width * 0.48, "{left} and {right} of {width}");
            assert!(left > 0.2 * width && right > 0.18 * width, "{left} and {right} of {width}");
        }
        // One alone has more room, and what somebody has asked for comes back with it.
        assert_eq!(sides(900.0, wanted, [true, false])[0], 336.0);
        assert_eq!(sides(2000.0, [100.0, 4000.0], [true, true]), [272.0, 640.0]);
    }
}
