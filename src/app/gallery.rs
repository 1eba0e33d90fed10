use egui::{Align2, Id, RichText, TextureHandle, TextureOptions, Ui, vec2};

use super::theme::{GRID, Palette, SMALL};
use crate::app::action::{Actions, ModelAction};
use crate::app::document::Document;
use crate::checkpoint::{BUNDLED, BundledModel};
use crate::model::{CodeBlock, CodeKind, ModelDescription};

/// The window of the models that the program brings along.
#[derive(Default)]
pub(crate) struct Gallery {
    /// The models, while the gallery is open.
    models: Option<Vec<Entry>>,
}

/// A model with what it says about itself and one of its pictures.
struct Entry {
    model: &'static BundledModel,
    description: Option<ModelDescription>,
    picture: Option<TextureHandle>,
}

/// Side of a model's picture in points.
const PICTURE: f32 = 64.0;

impl Gallery {
    pub(crate) fn open(&mut self, ctx: &egui::Context) {
        let entry = |model: &'static BundledModel| Entry {
            model,
            description: model.description(),
            picture: texture(ctx, model),
        };
        self.models = Some(BUNDLED.iter().map(entry).collect());
    }

    /// Shows it while it is open.
    pub(crate) fn show(&mut self, ctx: &egui::Context, state: &Document, actions: &mut Actions) {
        let Some(models) = &self.models else { return };
        let area =
            egui::Modal::default_area(Id::unique("gallery")).anchor(Align2::CENTER_TOP, vec2(0.0, 96.0));
        let mut is_done = false;
        let modal = egui::Modal::new(Id::unique("gallery")).area(area).show(ctx, |ui| {
            ui.set_width(560.0);
            ui.heading("Models that come with the program");
            ui.add_space(GRID);
            for entry in models {
                is_done |= entry.show(ui, state, actions);
                ui.separator();
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                is_done |= ui.button("Close gallery").on_hover_text("Keep the model that is open").clicked();
            });
        });
        if is_done || modal.should_close() {
            self.models = None;
        }
    }
}

/// The picture of `model`; `None` where it is none.
fn texture(ctx: &egui::Context, model: &BundledModel) -> Option<TextureHandle> {
    let picture = image::load_from_memory(model.picture).ok()?.to_rgb8();
    let size = [picture.width() as usize, picture.height() as usize];
    let picture = egui::ColorImage::from_rgb(size, &picture);
    Some(ctx.load_texture(format!("bundled {}", model.name), picture, TextureOptions::LINEAR))
}

impl Entry {
    /// One model; whether it was chosen.
    fn show(&self, ui: &mut Ui, state: &Document, actions: &mut Actions) -> bool {
        let model = self.model;
        let quiet = Palette::of(ui).quiet;
        let mut is_chosen = false;
        ui.horizontal(|ui| {
            if let Some(picture) = &self.picture {
                ui.add(egui::Image::new(picture).fit_to_exact_size(vec2(PICTURE, PICTURE)));
                ui.add_space(GRID);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let hint = format!("Open {} in place of the model that is open", model.name);
                if named(ui, "Open", &format!("Open {}", model.name)).on_hover_text(hint).clicked() {
                    actions.push(ModelAction::OpenBundled(model));
                    is_chosen = true;
                }
                let refusal = self.description.as_ref().and_then(|second| state.refuses_beside(second));
                let hint = format!("Compare {} with the open model on the same codes", model.name);
                if state.model.is_some() {
                    let is_clicked = ui
                        .add_enabled_ui(refusal.is_none(), |ui| {
                            let button = named(ui, "Beside", &format!("Open {} beside", model.name));
                            let button = button.on_hover_text(hint);
                            button.on_disabled_hover_text(refusal.unwrap_or_default()).clicked()
                        })
                        .inner;
                    if is_clicked {
                        actions.push(ModelAction::OpenBundledBeside(model));
                        is_chosen = true;
                    }
                }
                ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                    ui.add(egui::Label::new(RichText::new(model.title).strong()).wrap());
                    let facts = self.description.as_ref().map_or_else(String::new, facts);
                    let megabytes = model.bytes.len() as f64 / 1e6;
                    let text =
                        RichText::new(format!("{} · {facts}{megabytes:.1} MB", model.name)).size(SMALL);
                    ui.add(egui::Label::new(text.color(quiet)).wrap()).on_hover_text(model.card);
                });
            });
        });
        is_chosen
    }
}

fn named(ui: &mut Ui, text: &str, name: &str) -> egui::Response {
    let button = ui.button(text);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, name));
    button
}

/// Data and codes in a few words, each with a separator behind it.
fn facts(description: &ModelDescription) -> String {
    let mut facts = String::new();
    if let Some(data) = &description.data {
        facts += &format!("trained on {data} · ");
    }
    let code = |block: &CodeBlock| match block.kind {
        CodeKind::Noise => format!("nuisance {} ({})", block.name, block.dims),
        _ => format!("factors {} ({})", block.name, block.dims),
    };
    facts += &description.codes.iter().map(code).collect::<Vec<_>>().join(", ");
    facts + " · "
}
