use std::sync::atomic::Ordering;
use std::time::Duration;

use egui::{RichText, Ui};

use super::Panel;
use crate::app::action::Actions;
use crate::app::document::Document;
use crate::app::document::board::run_name;
use crate::app::theme::{GRID, Palette, SMALL, figures};

/// The bottom line: how fast everything is.
pub(crate) struct Status {
    /// Name of the GPU when it is a program on the CPU.
    pub(crate) software_gpu: Option<String>,
    /// Smoothed time of one UI update.
    pub(crate) ui_time: Duration,
}

impl Panel for Status {
    fn title(&self) -> &'static str {
        "Status"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, _actions: &mut Actions) {
        let palette = Palette::of(ui);
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = GRID * 2.0;
            // The main chain last, as it is the dearest where there are several.
            let mut chains: Vec<_> = state.model.iter().flat_map(|model| model.chains().map(move |id| (model, id))).collect();
            chains.reverse();
            for (model, chain) in chains {
                let words = model.words(chain);
                let view = state.views.own.view(chain);
                let frame = view.and_then(|view| view.frame.as_ref());
                let time = frame.map_or_else(|| "–".to_owned(), |frame| millis(frame.render));
                let latency = view.and_then(|view| view.latency).map(millis).unwrap_or_default();
                let hint = format!(
                    "Time the {} spent in its network for the picture shown. From the last change to its upload: \
                     {latency}",
                    words.noun
                );
                number(ui, &words.short, &time, &hint);
            }
            let beside = state.panes().into_iter().find(|pane| pane.is_beside);
            if let Some(frame) = beside.and_then(|pane| state.views.frame(pane)) {
                let hint = "Time the model beside spent in its network for the picture shown; it lets the first model go \
                            first";
                number(ui, "beside", &millis(frame.render), hint);
            }
            number(ui, "UI", &millis(self.ui_time), "Time of one update of the window, without the networks");
            let counters = state.engine.counters();
            let superseded = counters.superseded.load(Ordering::Relaxed) + counters.cancelled.load(Ordering::Relaxed);
            let hint = "Pictures that were never finished because newer codes were asked for: while you drag, only \
                        the newest picture is worth rendering";
            number(ui, "superseded", &superseded.to_string(), hint);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if let Some(name) = &self.software_gpu {
                    let text = RichText::new("software rendering").size(SMALL).color(palette.warning);
                    let hint = format!(
                        "This window is drawn by a program on the CPU ({name}), not by a graphics card: expect \
                         slower redraws, and networks share the cores with it"
                    );
                    ui.label(text).on_hover_text(hint);
                }
                if let Some((text, left)) = state.log.told() {
                    ui.ctx().request_repaint_after(left);
                    let text = RichText::new(text).size(SMALL).color(palette.accent);
                    ui.add(egui::Label::new(text).truncate()).on_hover_text("What was done last; Log has it all");
                    return;
                }
                if let Some((run, progress)) = state.going_run() {
                    let text = format!("{}: {progress}", run_name(run));
                    let text = RichText::new(text).size(SMALL).color(palette.accent);
                    ui.add(egui::Label::new(text).truncate()).on_hover_text(run.display().to_string());
                }
                if let Some(model) = &state.model {
                    let text = format!("{} on {}", model.description().name, model.opened.device);
                    let hint = format!("{}\nSHA-256 {}", model.opened.source.path().display(), model.opened.hash);
                    ui.label(RichText::new(text).size(SMALL).color(palette.quiet)).on_hover_text(hint);
                }
            });
        });
    }
}

fn number(ui: &mut Ui, name: &str, value: &str, hint: &str) {
    let quiet = Palette::of(ui).quiet;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GRID * 0.5;
        ui.label(RichText::new(name).size(SMALL).color(quiet)).on_hover_text(hint);
        ui.label(RichText::new(value).font(figures())).on_hover_text(hint);
    });
}

/// Milliseconds with as many digits as matter.
fn millis(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}
