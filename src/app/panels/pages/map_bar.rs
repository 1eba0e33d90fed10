//! How the map is looked at.

use egui::{ComboBox, RichText, Ui};

use crate::app::action::{Actions, EvaluateAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::selection::title;
use crate::app::theme::{Palette, SMALL};
use crate::metrics::Plane;

/// The plane, the factor that colours the dots, and the export.
pub(super) fn map_bar(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let (Some(map), Some(model), Some(latent)) = (&state.pages.map, &state.model, &state.latent) else {
        return;
    };
    let mut set = map.settings;
    ui.separator();
    let is_plain = matches!(set.plane, Plane::Dims(_));
    let hint = "The two directions in which the codes on the map vary most";
    if ui.selectable_label(!is_plain, "Components").on_hover_text(hint).clicked() {
        set.plane = Plane::Components;
    }
    let hint = "Two dimensions of the code";
    if ui.selectable_label(is_plain, "Dimensions").on_hover_text(hint).clicked() && !is_plain {
        set.plane = Plane::Dims([0, 1]);
    }
    let block = model.description().encoded().unwrap_or_default();
    if let Plane::Dims(dims) = &mut set.plane {
        let other = *dims;
        for (axis, name) in [(0, "Across"), (1, "Up")] {
            let label = ui.label(RichText::new(name).size(SMALL));
            ComboBox::from_id_salt(name)
                .selected_text(title(latent, block, dims[axis]))
                .show_ui(ui, |ui| {
                    for dim in (0..map.told.dims.len()).filter(|dim| *dim != other[1 - axis]) {
                        ui.selectable_value(&mut dims[axis], dim, title(latent, block, dim));
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text("The dimension of this axis");
        }
    }
    if map.told.factors.len() > 1 {
        let label = ui.label(RichText::new("Colour").size(SMALL));
        let name = |at: usize| map.told.factors.get(at).map_or("", |factor| factor.name.as_str());
        ComboBox::from_id_salt("colour")
            .selected_text(name(set.factor))
            .show_ui(ui, |ui| {
                for at in 0..map.told.factors.len() {
                    ui.selectable_value(&mut set.factor, at, name(at));
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text("The factor of the data that colours the dots");
    }
    let mut shows_pictures = !set.is_bare;
    let hint = "Show the pictures of some dots that lie apart; a click on one starts from it";
    ui.toggle_value(&mut shows_pictures, "Thumbnails").on_hover_text(hint);
    set.is_bare = !shows_pictures;
    if set != map.settings {
        actions.push(EvaluateAction::Map(set));
    }
    if ui.button("Export map…").on_hover_text(Command::ExportMap.hint()).clicked() {
        actions.push(Command::ExportMap);
    }
    let text = format!("{} pictures of {}, seed {}", map.told.codes.len(), map.told.data, map.told.seed);
    ui.label(RichText::new(text).size(SMALL).color(Palette::of(ui).quiet));
}
