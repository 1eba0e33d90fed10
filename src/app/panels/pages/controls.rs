//! What makes the pages, in the panel of the metrics.

use std::time::Duration;

use egui::{Button, RichText, Ui};

use crate::app::action::{Actions, EvaluateAction};
use crate::app::document::Document;
use crate::app::document::pages::Page;
use crate::app::panels::heading;
use crate::app::theme::{GRID, Palette, SMALL};

pub(in crate::app::panels) fn controls(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    ui.add_space(GRID);
    let hint = "What each dimension of the code has to do with each factor of the data, and where the codes of its pictures lie";
    heading(ui, "Codes of the data", "", hint);
    ui.horizontal_wrapped(|ui| {
        if let Some(making) = &state.pages.making {
            let (what, cancel) = match making.page {
                Page::Map => ("Encoding pictures", "Cancel the map"),
                Page::Tables | Page::Pictures => ("Making the tables", "Cancel the tables"),
            };
            if ui.button(cancel).on_hover_text("End here; what there was before stays").clicked() {
                actions.push(EvaluateAction::CancelPage);
            }
            ui.spinner();
            let text = format!("{what}, {} s", making.since.elapsed().as_secs());
            ui.label(RichText::new(text).size(SMALL).color(Palette::of(ui).quiet));
            ui.ctx().request_repaint_after(Duration::from_secs(1));
            return;
        }
        let lacks = state.lacks_for_tables();
        let button = ui.add_enabled(lacks.is_none(), Button::new("Make the tables"));
        let hint = "Runs idgan disentanglement beside the window: mutual information, |correlation|, votes of the FactorVAE \
                    metric and importances of DCI for every factor and dimension, and KL by dimension. Takes a minute or two";
        let button = button.on_hover_text(hint).on_disabled_hover_text(lacks.unwrap_or_default());
        if button.clicked() {
            actions.push(EvaluateAction::Make(Page::Tables));
        }
        let lacks = state.lacks_for_map();
        let button = ui.add_enabled(lacks.is_none(), Button::new("Make the map"));
        let hint = "Runs idgan map beside the window: encodes 2,000 pictures, to be seen as dots on two dimensions or principal \
                    components, with the code as it is set among them. Takes seconds";
        let button = button.on_hover_text(hint).on_disabled_hover_text(lacks.unwrap_or_default());
        if button.clicked() {
            actions.push(EvaluateAction::Make(Page::Map));
        }
    });
}
