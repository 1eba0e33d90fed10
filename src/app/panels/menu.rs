use egui::{RichText, Ui};

use super::Panel;
use crate::app::action::{Actions, ModelAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::theme::{Palette, SMALL};

/// The menu bar.
#[derive(Default)]
pub(crate) struct Menu;

use Command as C;

/// The menus; `None` is a line between groups.
const MENUS: &[(&str, &[Option<Command>])] = &[
    (
        "Edit",
        &[
            Some(C::Undo),
            Some(C::Redo),
            None,
            Some(C::CopyCodes),
            Some(C::PasteCodes),
            Some(C::CopyStage),
            None,
            Some(C::ResetFactors),
            Some(C::RandomFactors),
            None,
            Some(C::Bookmark),
        ],
    ),
    (
        "View",
        &[
            Some(C::SideBySide),
            Some(C::Wipe),
            Some(C::Blink),
            Some(C::Difference),
            None,
            Some(C::Fit),
            Some(C::ActualSize),
            Some(C::ToggleCrisp),
            None,
            Some(C::Traverse),
            Some(C::Matrix),
            Some(C::Animate),
            Some(C::PlayPause),
        ],
    ),
    (
        "Model",
        &[
            Some(C::Gallery),
            Some(C::AskAgain),
            None,
            Some(C::NewNuisance),
            Some(C::NuisanceBack),
            Some(C::NuisanceForward),
            Some(C::NeutralNuisance),
            Some(C::NewEpsilon),
            Some(C::NineNuisances),
            None,
            Some(C::Evaluate),
            Some(C::Train),
            Some(C::ResumeRun),
            Some(C::ListRuns),
            Some(C::ExploreRun),
        ],
    ),
    (
        "Window",
        &[
            Some(C::Palette),
            None,
            Some(C::ToggleFactors),
            Some(C::ToggleTabs),
            Some(C::ToggleStrip),
            None,
            Some(C::ToggleTheme),
            Some(C::LargerInterface),
            Some(C::SmallerInterface),
            Some(C::ResetInterface),
        ],
    ),
    ("Help", &[Some(C::Help)]),
];

impl Panel for Menu {
    fn title(&self) -> &'static str {
        "Menu"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        egui::MenuBar::new().ui(ui, |ui| {
            ui.menu_button("File", |ui| file_menu(ui, state, actions));
            for (title, entries) in MENUS {
                ui.menu_button(*title, |ui| {
                    for entry in *entries {
                        match entry {
                            Some(command) => item(ui, state, actions, *command),
                            None => drop(ui.separator()),
                        }
                    }
                    if *title == "Model" {
                        devices(ui, state, actions);
                    }
                });
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let shortcut = C::Palette.keys();
                let text =
                    RichText::new(format!("{shortcut}  palette")).size(SMALL).color(Palette::of(ui).quiet);
                let button = ui.add(egui::Button::new(text).frame(false));
                if button.on_hover_text(C::Palette.hint()).clicked() {
                    actions.push(C::Palette);
                }
            });
        });
    }
}

fn file_menu(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    item(ui, state, actions, C::Open);
    item(ui, state, actions, C::OpenRun);
    item(ui, state, actions, C::Gallery);
    item(ui, state, actions, C::OpenPath);
    item(ui, state, actions, C::PairVae);
    item(ui, state, actions, C::PairEncoder);
    let recent = state.settings.recent.clone();
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            for source in recent {
                let response = ui.button(source.name()).on_hover_text(source.path().display().to_string());
                if response.clicked() {
                    actions.push(ModelAction::Open(source));
                }
            }
        });
    });
    item(ui, state, actions, C::OpenBeside);
    item(ui, state, actions, C::CloseBeside);
    item(ui, state, actions, C::Reload);
    ui.separator();
    item(ui, state, actions, C::MeasureData);
    item(ui, state, actions, C::StartFromPhoto);
    item(ui, state, actions, C::StartFromData);
    item(ui, state, actions, C::SavePicture);
    item(ui, state, actions, C::SaveStage);
    item(ui, state, actions, C::SaveCodes);
    item(ui, state, actions, C::ExportTraversal);
    item(ui, state, actions, C::ExportMatrix);
    item(ui, state, actions, C::ExportAnimation);
    item(ui, state, actions, C::ExportEvaluation);
    item(ui, state, actions, C::ExportTables);
    item(ui, state, actions, C::ExportMap);
    ui.separator();
    item(ui, state, actions, C::Quit);
}

/// Where to compute; what this build cannot use says how to get it.
fn devices(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let (cuda, metal) = (cfg!(feature = "cuda"), cfg!(feature = "metal"));
    // What opens it, its name, how a model that is open says it, the feature that has it.
    let devices = [
        ("cpu", "CPU", ["CPU", ""], ("", true)),
        ("cpu,bf16", "CPU, bf16", ["CPU", "bf16"], ("", true)),
        ("cuda,f32", "CUDA", ["CUDA", ""], ("cuda", cuda)),
        ("cuda,tf32", "CUDA, tf32", ["CUDA", "tf32"], ("cuda", cuda)),
        ("metal", "Metal", ["Metal", ""], ("metal", metal)),
    ];
    let current = state.model.as_ref().map(|model| model.opened.device.clone());
    ui.separator();
    ui.menu_button("Device", |ui| {
        for (device, name, [is_called, precision], (feature, is_built)) in devices {
            let is_current = current.as_ref().is_some_and(|current| {
                let in_which = current.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
                current.starts_with(is_called) && in_which == precision
            });
            let button = egui::Button::new(name).selected(is_current);
            let response = ui.add_enabled(is_built && current.is_some(), button);
            let missing =
                format!("This build cannot use {name}: build with cargo build --release --features {feature}");
            let response = response
                .on_hover_text(
                    "Open the model again on this device; codes and pictures stay meanwhile. tf32 and bf16 multiply \
                     faster, with 11 and 8 bits of mantissa",
                )
                .on_disabled_hover_text(if is_built { "Open a model first".to_owned() } else { missing });
            if response.clicked() && !is_current {
                actions.push(ModelAction::Device(device));
                ui.close();
            }
        }
    });
}

fn item(ui: &mut Ui, state: &Document, actions: &mut Actions, command: Command) {
    let is_chosen = command.is_chosen(state);
    let button = egui::Button::new(command.title())
        .selected(is_chosen.unwrap_or_default())
        .shortcut_text(command.keys());
    let enabled = command.is_enabled(state);
    let response = ui.add_enabled(enabled, button);
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::MenuItem, enabled, command.title()));
    if response.on_hover_text(command.hint()).clicked() {
        actions.push(command);
        ui.close();
    }
}
