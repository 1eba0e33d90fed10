use egui::{DragValue, RichText, Ui};

use super::{Panel, heading};
use crate::app::action::{Actions, NuisanceAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::theme::{GRID, Palette};
use crate::app::widgets::{Icon, icon_button};

/// Buttons that resample what the factors do not describe.
#[derive(Default)]
pub(crate) struct Nuisance {
    /// A blend between two seeds: where it starts, where it ends, how far it is.
    blend: Option<(u64, u64, f32)>,
}

impl Panel for Nuisance {
    fn title(&self) -> &'static str {
        "Nuisance"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        let Some(model) = &state.model else { return };
        if !model.has_noise() {
            return;
        }
        let name = model.noise_blocks().map(|block| block.name.as_str()).collect::<Vec<_>>().join(", ");
        let dims: usize = model.noise_blocks().map(|block| block.dims).sum();
        let seed = state.nuisance.shown;
        ui.horizontal(|ui| {
            let explanation = match model.description().emission() {
                Some(emission) => format!(
                    "The noise: {dims} numbers from N(0, I), of which a network draws {code}, the factors. There is nothing \
                     beside {code}: a new sample moves its sliders, but for those that are locked",
                    code = emission.code.name
                ),
                None => format!(
                    "The nuisance code: {dims} numbers for everything that the factors do not describe, resampled as a \
                     whole from N(0, I)"
                ),
            };
            heading(ui, "Nuisance", &name, &explanation);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let locked = state.nuisance.locked;
                let icon = if locked { Icon::Locked } else { Icon::Unlocked };
                let name = if locked { "Unlock nuisance" } else { "Lock nuisance" };
                let hint = "A locked nuisance code stays when codes are drawn at random or taken from elsewhere";
                if icon_button(ui, icon, true, name, hint).clicked() {
                    actions.push(NuisanceAction::Lock(!locked));
                }
            });
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GRID * 0.5;
            command_icon(ui, state, actions, Command::NuisanceBack, Icon::Back);
            command_button(ui, state, actions, Command::NewNuisance, "New");
            command_icon(ui, state, actions, Command::NuisanceForward, Icon::Forward);
            ui.add_space(GRID * 0.5);
            self.seed(ui, state, actions, seed);
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GRID * 0.5;
            command_button(ui, state, actions, Command::NineNuisances, "Nine at once");
            command_button(ui, state, actions, Command::NeutralNuisance, &format!("{name} = 0"));
            if model.opened.emitter.is_some() {
                command_button(ui, state, actions, Command::NewEpsilon, "New epsilon");
            }
        });
        self.blend(ui, state, actions, seed);
    }
}

impl Nuisance {
    fn seed(&self, ui: &mut Ui, state: &Document, actions: &mut Actions, seed: Option<u64>) {
        let label = ui.label(RichText::new("seed").color(Palette::of(ui).quiet));
        let mut typed = seed.unwrap_or(state.nuisance.seed());
        let field = DragValue::new(&mut typed).speed(0.1).update_while_editing(false);
        let field = if seed.is_some() { field } else { field.custom_formatter(|_, _| "–".to_owned()) };
        let enabled = !state.nuisance.locked;
        let response = ui.add_enabled(enabled, field).labelled_by(label.id);
        let hint =
            "The number that this nuisance sample is made from: the same seed always gives the same sample";
        if response.on_hover_text(hint).changed() {
            actions.push(NuisanceAction::Seed(typed));
        }
    }

    /// A slider from the sample shown to another one.
    fn blend(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions, seed: Option<u64>) {
        // Once something else has set the nuisance code, the next blend starts from there.
        self.blend = self.blend.filter(|&(from, to, at)| state.is_nuisance_blend(from, to, at));
        let (from, to, at) = self.blend.unwrap_or_else(|| {
            let from = seed.unwrap_or(state.nuisance.seed());
            (from, from.wrapping_add(1), 0.0)
        });
        ui.horizontal(|ui| {
            let quiet = Palette::of(ui).quiet;
            let mut target = to;
            let mut position = at;
            let enabled = !state.nuisance.locked;
            let label = ui.label(RichText::new(format!("blend {from} to")).color(quiet));
            let hint = "Move from this nuisance sample to another one, along the great circle between them, with the \
                        factors unchanged";
            let field = DragValue::new(&mut target).speed(0.1).update_while_editing(false);
            let field = ui.add_enabled(enabled, field).labelled_by(label.id);
            let changed_target = field.on_hover_text("The seed of the sample that the slider leads to").changed();
            ui.spacing_mut().slider_width = (ui.available_width() - GRID).max(GRID * 4.0);
            let slider = egui::Slider::new(&mut position, 0.0..=1.0).show_value(false);
            let response = ui.add_enabled(enabled, slider).on_hover_text(hint);
            response.widget_info(|| egui::WidgetInfo::slider(enabled, f64::from(position), "Blend nuisance"));
            if response.changed() || changed_target {
                self.blend = Some((from, target, position));
                actions.push(NuisanceAction::Blend { from, to: target, at: position });
            }
        });
    }
}

fn command_button(ui: &mut Ui, state: &Document, actions: &mut Actions, command: Command, text: &str) {
    let button = ui.add_enabled(command.is_enabled(state), egui::Button::new(text));
    button.widget_info(|| {
        let enabled = command.is_enabled(state);
        egui::WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, command.title())
    });
    if button.on_hover_text(command.hint()).clicked() {
        actions.push(command);
    }
}

fn command_icon(ui: &mut Ui, state: &Document, actions: &mut Actions, command: Command, icon: Icon) {
    if icon_button(ui, icon, command.is_enabled(state), command.title(), command.hint()).clicked() {
        actions.push(command);
    }
}
