use egui::{CentralPanel, Frame, Margin, Panel as SidePanel, Ui};

use super::Explorer;
use super::explorer::{TRAIN, TRAVERSE};
use super::panels::{Panel, hint_line, notice, samples};
use super::theme::GRID;
use super::traverse::Figure;

/// What lies beside, below and in the middle of the window.
impl Explorer {
    pub(super) fn left(&mut self, ui: &mut Ui, bare: Frame) {
        let mut is_open = self.state.settings.show_factors;
        SidePanel::left("factors")
            .frame(bare)
            .default_size(336.0)
            .size_range(272.0..=560.0)
            .show_collapsible(ui, &mut is_open, |ui| {
                let has_noise = self.state.model.as_ref().is_some_and(|model| model.has_noise());
                if has_noise {
                    SidePanel::bottom("nuisance")
                        .resizable(false)
                        .frame(Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO }))
                        .show(ui, |ui| self.nuisance.ui(ui, &mut self.state));
                }
                CentralPanel::no_frame().show(ui, |ui| self.factors.ui(ui, &mut self.state));
            });
        self.state.settings.show_factors = is_open;
    }

    pub(super) fn right(&mut self, ui: &mut Ui, bare: Frame) {
        let mut is_open = self.state.settings.show_tabs;
        SidePanel::right("tools").frame(bare).default_size(304.0).size_range(220.0..=640.0).show_collapsible(
            ui,
            &mut is_open,
            |ui| {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = GRID * 0.25;
                    for (index, panel) in self.tabs.iter().enumerate() {
                        let tab = ui.selectable_label(self.tab == index, panel.title());
                        if tab.on_hover_text(panel.hint()).clicked() {
                            self.tab = index;
                        }
                    }
                });
                ui.separator();
                if let Some(panel) = self.tabs.get_mut(self.tab) {
                    panel.ui(ui, &mut self.state);
                }
            },
        );
        self.state.settings.show_tabs = is_open;
    }

    pub(super) fn centre(&mut self, ui: &mut Ui, bare: Frame) {
        let mut is_open = self.state.settings.show_strip;
        if self.state.model.is_some() {
            // Without pictures the strip only holds its tabs and a sentence.
            let strip = if self.state.strip.is_empty() {
                SidePanel::bottom("empty strip").resizable(false).exact_size(GRID * 9.0)
            } else {
                SidePanel::bottom("strip").default_size(128.0).size_range(88.0..=240.0)
            };
            strip.frame(bare).show_collapsible(ui, &mut is_open, |ui| {
                self.strip.ui(ui, &mut self.state);
                ui.take_available_space();
            });
            self.state.settings.show_strip = is_open;
        }
        // The tool on the right decides what the middle shows.
        let is_table = self.state.traverse.figure != Figure::Animation;
        let shows_grid =
            self.state.settings.show_tabs && self.tab == TRAVERSE && is_table && self.state.model.is_some();
        let shows_samples = self.state.settings.show_tabs && self.tab == TRAIN;
        let shows_hint = !shows_grid && !shows_samples && self.state.shows_hint();
        CentralPanel::no_frame().show(ui, |ui| {
            if shows_hint {
                hint_line(ui, &mut self.state);
            }
            let area = ui.available_rect_before_wrap();
            if shows_samples && samples(ui, &self.state) {
                // The sample grid of the run takes the place of the pictures.
            } else if shows_grid {
                self.grid.ui(ui, &mut self.state);
            } else {
                self.pictures.ui(ui, &mut self.state);
            }
            notice(ui, &mut self.state, area);
        });
    }
}
