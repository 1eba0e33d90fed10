use egui::{DragValue, RichText, ScrollArea, Sense, Ui, WidgetInfo};

use super::{Panel, heading};
use crate::app::action::{Actions, CodeAction, SettingAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::selection::{Dimension, title};
use crate::app::model::ModelView;
use crate::app::theme::{GRID, Palette, SMALL};
use crate::app::widgets::{FactorSlider, Icon, icon_button};
use crate::explore::LatentView;
use crate::model::CodeBlock;

/// A slider for each dimension of each code block, a picker for each choice.
#[derive(Default)]
pub(crate) struct Factors {
    /// The dimension being renamed, and the text so far: nobody else needs it before it is a name.
    renaming: Option<(Dimension, String)>,
    /// Width of the names in points.
    names: f32,
    /// Where the first slider was drawn.
    pub(crate) first_slider: Option<egui::Rect>,
}

/// What the rows show.
#[derive(Clone, Copy)]
struct Shown<'a> {
    state: &'a Document,
    model: &'a ModelView,
    latent: &'a LatentView,
}

impl Panel for Factors {
    fn title(&self) -> &'static str {
        "Factors"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        self.first_slider = None;
        let Some((model, latent)) = state.model.as_ref().zip(state.latent.as_ref()) else {
            let text = "Open a model to see its factors.";
            ui.label(RichText::new(text).color(Palette::of(ui).quiet));
            return;
        };
        let shown = Shown { state, model, latent: latent.view() };
        for (index, block) in model.slider_blocks().enumerate() {
            header(ui, shown, actions, block, index == 0);
        }
        let is_measurable =
            model.profile.is_none() && model.opened.stats.is_none() && model.opened.encoded().is_some();
        if is_measurable {
            let button = ui.small_button("Measure on my images…").on_hover_text(Command::MeasureData.hint());
            if button.clicked() {
                actions.push(Command::MeasureData);
            }
        }
        self.names = names_width(ui, shown);
        ScrollArea::vertical().auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GRID * 0.25;
            for block in model.slider_blocks() {
                self.block(ui, shown, actions, block);
            }
            for block in model.choice_blocks() {
                choice(ui, actions, shown.latent, block);
            }
        });
    }
}

impl Factors {
    fn block(&mut self, ui: &mut Ui, shown: Shown, actions: &mut Actions, block: &CodeBlock) {
        let Shown { state, model, .. } = shown;
        let order = model.order(block, state.settings.sort_by_information);
        let is_collapsed = |dim: &usize| !model.is_active(&block.name, *dim);
        let (mut collapsed, mut active): (Vec<usize>, Vec<usize>) = order.into_iter().partition(is_collapsed);
        if active.is_empty() {
            // A model that has learnt nothing yet: an empty panel would not say so.
            std::mem::swap(&mut collapsed, &mut active);
        }
        for dim in active {
            self.row(ui, shown, actions, block, dim, false);
        }
        if collapsed.is_empty() {
            return;
        }
        let open = state.settings.show_collapsed;
        let verb = if open { "Hide" } else { "Show" };
        let text = RichText::new(format!("{verb} {} collapsed", collapsed.len())).size(SMALL);
        let hint = "Dimensions that carry nothing: their posterior equals the prior (variance of the mean over \
                    the data below 0.05 of the prior's), so moving them changes little";
        if ui.add(egui::Button::new(text).frame(false)).on_hover_text(hint).clicked() {
            actions.push(SettingAction::ShowCollapsed(!open));
        }
        if open {
            for dim in collapsed {
                self.row(ui, shown, actions, block, dim, true);
            }
        }
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        shown: Shown,
        actions: &mut Actions,
        block: &CodeBlock,
        dim: usize,
        is_collapsed: bool,
    ) {
        let Shown { state, model, latent } = shown;
        let here = Dimension { block: block.name.clone(), dim };
        let title = title(latent, &block.name, dim);
        let Some(&value) = latent.values(&block.name).get(dim) else { return };
        let profile = model.dimension(&block.name, dim);
        let is_selected = state.selected == here;
        ui.push_id((&block.name, dim), |ui| {
            if is_collapsed {
                ui.set_opacity(0.7);
            }
            let interaction = ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = GRID * 0.5;
                // In a narrow panel names are cut before the sliders are.
                let room = ui.available_width();
                let width = self.names.min((room - GRID * 20.0).clamp(GRID * 6.0, room * 0.3));
                let size = egui::vec2(width, GRID * 3.0);
                ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.set_min_width(width);
                    self.name(ui, shown, actions, &here, &title);
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    value_controls(ui, latent, actions, block, dim, &title);
                    let slider = FactorSlider {
                        name: &title,
                        value,
                        range: model.range(block, dim),
                        neutral: block.neutral,
                        histogram: profile.map(|profile| profile.histogram.as_slice()),
                        data_range: profile.map(|profile| profile.data_range),
                        is_selected,
                        kl: profile.map(|profile| profile.kl),
                        read_back: state.read_back_value(&block.name, dim),
                    };
                    slider.show(ui)
                })
                .inner
            });
            let interaction = interaction.inner;
            self.first_slider = self.first_slider.or(Some(interaction.response.rect));
            if interaction.response.is_pointer_button_down_on() || interaction.response.gained_focus() {
                actions.push(CodeAction::Select(here.clone()));
            }
            if let Some(value) = interaction.value {
                actions.push(CodeAction::Set { dimension: here, value, is_scrub: interaction.is_scrub });
            }
        });
    }

    /// The name: click to select, double-click to change it.
    fn name(&mut self, ui: &mut Ui, shown: Shown, actions: &mut Actions, here: &Dimension, title: &str) {
        if let Some((dimension, text)) = &mut self.renaming
            && dimension == here
        {
            let edit = egui::TextEdit::singleline(text).desired_width(ui.available_width()).hint_text("name");
            let response = ui.add(edit).on_hover_text("Enter keeps the name, Escape the old one");
            response.request_focus();
            let is_done = ui.input(|input| input.key_pressed(egui::Key::Enter));
            let is_given_up = ui.input(|input| input.key_pressed(egui::Key::Escape));
            if is_done || is_given_up || response.clicked_elsewhere() {
                let text = text.clone();
                self.renaming = None;
                if !is_given_up {
                    actions.push(CodeAction::Rename(here.clone(), text));
                }
            }
            return;
        }
        let palette = Palette::of(ui);
        let profile = shown.model.dimension(&here.block, here.dim);
        let colour = if shown.state.selected == *here { palette.accent } else { ui.visuals().text_color() };
        let mut text = egui::text::LayoutJob::default();
        if let Some(index) = index_of_named(shown.latent, here) {
            RichText::new(index).size(SMALL).color(palette.quiet).append_to(
                &mut text,
                ui.style(),
                egui::FontSelection::Default,
                egui::Align::Center,
            );
        }
        RichText::new(title).color(colour).append_to(
            &mut text,
            ui.style(),
            egui::FontSelection::Default,
            egui::Align::Center,
        );
        let label = egui::Label::new(text).selectable(false).truncate();
        let response = ui.add(label.sense(Sense::click()));
        let information = profile.map_or_else(String::new, |profile| {
            let kind = if profile.is_active { "active" } else { shown.model.description().inactive() };
            format!(
                "\n\nInformation: {:.2} nats, {kind} (mean KL divergence between this dimension's posterior and its \
                 prior over the data). Dashed lines: where the data ends.",
                profile.kl
            )
        });
        let hint = format!(
            "{title}: click to select, so that arrow keys and dragging on the pictures move it. Double-click to give it a \
             name, which is kept with the model.{information}"
        );
        let response = response.on_hover_text(hint);
        response.widget_info(|| {
            WidgetInfo::labeled(egui::accesskit::Role::Button, true, format!("Select {title}"))
        });
        if response.double_clicked() {
            let name = shown.latent.name(&here.block, here.dim);
            self.renaming = Some((here.clone(), name.to_owned()));
        }
        if response.clicked() {
            actions.push(CodeAction::Select(here.clone()));
        }
    }
}

/// What stands above a block, and beside the first one the buttons for all.
fn header(ui: &mut Ui, shown: Shown, actions: &mut Actions, block: &CodeBlock, is_first: bool) {
    let Shown { state, model, .. } = shown;
    ui.horizontal(|ui| {
        let explanation = "The disentangled code: each slider is one factor of variation that the model \
                           found by itself. Click a name to select the factor, double-click to rename it.";
        heading(ui, "Factors", &block.name, explanation);
        if !is_first {
            return;
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let can_reset = Command::ResetFactors.is_enabled(state);
            let hint = Command::ResetFactors.hint();
            if icon_button(ui, Icon::Reset, can_reset, Command::ResetFactors.title(), hint).clicked() {
                actions.push(Command::ResetFactors);
            }
            let random = ui.small_button("Random").on_hover_text(Command::RandomFactors.hint());
            if random.clicked() {
                actions.push(Command::RandomFactors);
            }
            if model.can_sort() {
                let by_information = state.settings.sort_by_information;
                let measure = if model.profile.is_some() { "By KL" } else { "By effect" };
                let text = if by_information { measure } else { "By index" };
                let hint = "Order of the sliders: by information (mean KL divergence from the prior over \
                            the data; without statistics by how much the VAE's picture moves), largest first, or by \
                            index";
                if ui.small_button(text).on_hover_text(hint).clicked() {
                    actions.push(SettingAction::SortByInformation(!by_information));
                }
            }
        });
    });
}

/// What a dimension is called on the command line, where it has a name that stands for it in the window.
fn index_of_named(latent: &LatentView, Dimension { block, dim }: &Dimension) -> Option<String> {
    (!latent.name(block, *dim).is_empty()).then(|| format!("{block}{dim}  "))
}

/// Width of the longest name, so that short ones leave the room to the sliders.
fn names_width(ui: &Ui, Shown { model, latent, .. }: Shown) -> f32 {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let here = |block: &CodeBlock, dim| Dimension { block: block.name.clone(), dim };
    let titles = model.slider_blocks().flat_map(|block| {
        (0..block.dims).map(move |dim| {
            let index = index_of_named(latent, &here(block, dim)).unwrap_or_default();
            index + &title(latent, &block.name, dim)
        })
    });
    let width = |text| ui.painter().layout_no_wrap(text, font.clone(), egui::Color32::WHITE).size().x;
    titles.map(width).fold(GRID * 4.0, f32::max).ceil() + GRID
}

/// Reset, lock and the number itself, from the right.
fn value_controls(
    ui: &mut Ui,
    latent: &LatentView,
    actions: &mut Actions,
    block: &CodeBlock,
    dim: usize,
    title: &str,
) {
    let here = || Dimension { block: block.name.clone(), dim };
    let set = |value| CodeAction::Set { dimension: here(), value, is_scrub: false };
    let Some(&value) = latent.values(&block.name).get(dim) else { return };
    let can_reset = !latent.is_reset(&block.name, dim);
    let hint = format!("Set {title} back to {}", block.neutral);
    if icon_button(ui, Icon::Reset, can_reset, &format!("Reset {title}"), &hint).clicked() {
        actions.push(set(block.neutral));
    }
    let is_locked = latent.is_locked(&block.name, dim);
    let (icon, name) = if is_locked {
        (Icon::Locked, format!("Unlock {title}"))
    } else {
        (Icon::Unlocked, format!("Lock {title}"))
    };
    let hint =
        "A locked factor keeps its value when factors are reset, drawn at random or taken from elsewhere";
    if icon_button(ui, icon, true, &name, hint).clicked() {
        actions.push(CodeAction::Lock(here(), !is_locked));
    }
    let mut typed = value;
    let field = DragValue::new(&mut typed).speed(0.01).fixed_decimals(2).update_while_editing(false);
    let response = ui.add_sized([GRID * 6.0, GRID * 2.5], field);
    response.widget_info(|| {
        let mut info = WidgetInfo::drag_value(true, f64::from(value));
        info.label = Some(format!("Value of {title}"));
        info
    });
    if response
        .on_hover_text("Drag, or click to type a value (values beyond the slider are allowed)")
        .changed()
        && typed.is_finite()
    {
        actions.push(set(typed));
    }
}

/// A block of which exactly one value is 1.
fn choice(ui: &mut Ui, actions: &mut Actions, latent: &LatentView, block: &CodeBlock) {
    heading(ui, "Choice", &block.name, "A categorical code: exactly one value is on");
    let values = latent.values(&block.name);
    ui.horizontal_wrapped(|ui| {
        for dim in 0..block.dims {
            let text = latent.label(&block.name, dim);
            let hint = format!("Choose value {dim} of {}: it becomes 1, the others 0", block.name);
            let label = ui.selectable_label(values.get(dim).is_some_and(|&v| v > 0.5), text);
            if label.on_hover_text(hint).clicked() {
                let dimension = Dimension { block: block.name.clone(), dim };
                actions.push(CodeAction::Set { dimension, value: 1.0, is_scrub: false });
            }
        }
    });
}
