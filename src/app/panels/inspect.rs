use egui::{Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit, pos2, vec2};

use super::{Panel, heading};
use crate::app::action::{Actions, EvaluateAction, Seen};
use crate::app::document::Document;
use crate::app::document::analysis::Leakage;
use crate::app::document::selection::title;
use crate::app::paint::{fill, heat, picture};
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::model::ChainId;

/// The drawings of the heat maps, one a chain, and of the start picture.
const HEAT_KEY: u64 = 200;
const PHOTO_KEY: u64 = 199;

/// What the codes do to the pictures, and whether the pictures hold the codes they were made from.
#[derive(Default)]
pub(crate) struct Inspect;

impl Panel for Inspect {
    fn title(&self) -> &'static str {
        "Inspect"
    }

    fn hint(&self) -> &'static str {
        "What the selected factor moves in the pictures, what the encoder reads back from them, and how independent the \
         factors are"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        if state.model.is_none() {
            let text = "Open a model to see what its codes do.";
            ui.label(RichText::new(text).color(Palette::of(ui).quiet));
            return;
        }
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            photo(ui, state);
            heat_maps(ui, state, actions);
            read_back(ui, state);
            measurements(ui, state, actions);
        });
    }
}

/// The picture that the factors were taken from.
fn photo(ui: &mut Ui, state: &Document) {
    let Some(photo) = &state.photo.shown else { return };
    let hint = "The picture whose code the factors were set to, as the encoder sees it. The VAE's picture is its \
                reconstruction; the film strip shows it with nine nuisance samples.";
    heading(ui, "Start picture", "", hint);
    ui.horizontal(|ui| {
        let side = GRID * 12.0;
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        picture(ui, rect, PHOTO_KEY, &photo.surface, false);
        let name = format!("Start picture: {}", photo.name);
        response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, &name));
        ui.label(RichText::new(&photo.name).size(SMALL).color(Palette::of(ui).quiet));
    });
    ui.add_space(GRID);
}

/// Where the selected factor changes the pictures.
fn heat_maps(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    if !state.has_selection() {
        return;
    }
    actions.push(Seen::HeatMaps);
    let (Some(model), Some(latent)) = (&state.model, &state.latent) else { return };
    let selected = title(latent, &state.selected.block, state.selected.dim);
    let hint = "Where the pictures change while the selected factor runs through its range and everything else stays: \
                black nowhere, white most";
    heading(ui, "Moved by", &selected, hint);
    let chains: Vec<ChainId> = model.chains().collect();
    let side = ((ui.available_width() - GRID) / 2.0).min(GRID * 20.0);
    ui.horizontal_wrapped(|ui| {
        for &chain in &chains {
            let Some(map) = state.analysis.heat.get(&chain) else { continue };
            ui.vertical(|ui| {
                ui.set_max_width(side);
                let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
                let name = model.words(chain).label;
                let text = format!("{name} heat map");
                response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, &text));
                let visible = rect.intersect(ui.clip_rect());
                if visible.is_positive() {
                    ui.painter().add(fill(visible, Palette::of(ui).stage));
                }
                if map.largest.is_some() {
                    picture(ui, rect, HEAT_KEY + chain.0 as u64, &map.surface, state.settings.crisp);
                }
                let most = map
                    .largest
                    .map_or_else(|| "…".to_owned(), |most| format!("most {:.0} of 255", most * 255.0));
                let quiet = Palette::of(ui).quiet;
                let text = RichText::new(format!("{name}: {most}")).size(SMALL).color(quiet);
                ui.add(egui::Label::new(text).truncate()).on_hover_text(hint);
            });
        }
    });
    ui.add_space(GRID);
}

/// The code that the encoder reads from the generator's picture.
fn read_back(ui: &mut Ui, state: &Document) {
    let palette = Palette::of(ui);
    let (Some(model), Some(latent), Some(read)) = (&state.model, &state.latent, &state.read_back) else {
        return;
    };
    let Some(block) = model.description().block(&read.target.block) else { return };
    let Some(words) = model.main_chain().map(|chain| model.words(chain)) else { return };
    heading(ui, "Code read back", "", &words.read_back);
    let likelihood = read.posterior.log_likelihood(&read.target.code);
    // An encoder that gives a code without its uncertainty says no likelihood.
    if likelihood.is_finite() {
        ui.horizontal(|ui| {
            ui.label(RichText::new(words.likelihood).size(SMALL).color(palette.quiet));
            let text = RichText::new(format!("{likelihood:.2} nats")).font(figures());
            ui.label(text).on_hover_text(words.likelihood_hint);
        });
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = GRID * 0.25;
        for dim in model.order(block, state.settings.sort_by_information) {
            let (Some(&asked), Some(&seen)) = (read.target.code.get(dim), read.posterior.mu.get(dim)) else {
                continue;
            };
            let deviation = read.posterior.logvar.get(dim).map_or(0.0, |v| (0.5 * v).exp());
            let is_active = model.is_active(&block.name, dim);
            let name = title(latent, &block.name, dim);
            bar(ui, (&name, is_active), asked, seen, deviation, model.range(block, dim));
        }
    });
    ui.add_space(GRID);
}

/// How factors leak into each other, and what the pictures' variance comes from.
fn measurements(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let can_measure = state
        .model
        .as_ref()
        .is_some_and(|m| m.main_chain().is_some() && (m.opened.encoded().is_some() || m.has_noise()));
    if !can_measure {
        return;
    }
    heading(
        ui,
        "Independence",
        "",
        "Whether moving one factor leaves the others alone, and what the nuisance adds",
    );
    let is_running = state.analysis.is_measuring();
    ui.horizontal(|ui| {
        let hint = "Move each factor from one end of its range to the other, encode both pictures, and see which factors \
                    moved; and render six codes with six nuisance samples each. Takes a picture for each of them, in the \
                    background.";
        if ui.add_enabled(!is_running, egui::Button::new("Measure")).on_hover_text(hint).clicked() {
            actions.push(EvaluateAction::Independence);
        }
        if is_running {
            ui.spinner();
        }
    });
    let is_measured = state.analysis.shares.value.is_some() || state.analysis.leakage.value.is_some();
    if is_measured && state.analysis.is_outdated {
        let text = "Measured before the model was read again; Measure does it anew.";
        ui.label(RichText::new(text).size(SMALL).color(Palette::of(ui).warning));
    }
    if let Some(shares) = state.analysis.shares.value {
        let percent = |share: f32| format!("{:.0} %", share * 100.0);
        let text = format!(
            "Pixel variance: factors {}, nuisance {}, both together {}",
            percent(shares.factors),
            percent(shares.nuisance),
            percent(shares.interaction)
        );
        let hint = "Two-way analysis of variance over six random codes and six nuisance samples";
        ui.label(RichText::new(text).size(SMALL)).on_hover_text(hint);
    }
    if let (Some(leakage), Some(model)) = (&state.analysis.leakage.value, &state.model)
        && let Some(code) = model.description().encoded()
        && let Some(latent) = &state.latent
    {
        let mut dims = (0..leakage.dims).collect();
        if let Some(block) = model.description().block(code) {
            dims = model.order(block, state.settings.sort_by_information);
            // Nothing moves, and nothing is read, where a dimension has collapsed.
            dims.retain(|&dim| dim < leakage.dims && model.is_active(code, dim));
        }
        let caption = "Down: the factor moved. Across: the dimension read. Black 0, white 1 or more.";
        ui.label(RichText::new(caption).size(SMALL).color(Palette::of(ui).quiet));
        leakage_matrix(ui, leakage, &dims, &|dim| title(latent, code, dim));
    }
}

/// Row moved, column observed, over `dims` in the order of the sliders: bright on the diagonal alone is perfect.
fn leakage_matrix(ui: &mut Ui, leakage: &Leakage, dims: &[usize], name: &dyn Fn(usize) -> String) {
    let (label, caption) = (GRID * 9.0, GRID * 2.0);
    let count = dims.len().max(1) as f32;
    let side = ((ui.available_width() - label).min(GRID * 32.0) / count).floor().clamp(3.0, GRID * 4.0);
    let size = vec2(label + side * count, caption + side * count);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, "Leakage matrix"));
    let table = rect.with_min_x(rect.left() + label).with_min_y(rect.top() + caption);
    let (font, colour) = (egui::FontId::proportional(SMALL), Palette::of(ui).quiet);
    let moved = |row: usize, column: usize| leakage.moved[dims[row] * leakage.dims + dims[column]];
    for row in 0..dims.len() {
        let middle = table.top() + (row as f32 + 0.5) * side;
        if side >= SMALL {
            let place = Rect::from_x_y_ranges(rect.left()..=table.left() - GRID * 0.5, rect.y_range());
            let painter = ui.painter().with_clip_rect(place.intersect(ui.clip_rect()));
            let text = name(dims[row]);
            painter.text(pos2(place.left(), middle), egui::Align2::LEFT_CENTER, text, font.clone(), colour);
            let above = pos2(table.left() + (row as f32 + 0.5) * side, table.top() - GRID * 0.25);
            ui.painter().text(above, egui::Align2::CENTER_BOTTOM, dims[row], font.clone(), colour);
        }
        for column in 0..dims.len() {
            let corner = table.min + vec2(column as f32, row as f32) * side;
            let [r, g, b] = heat(moved(row, column));
            let cell = Rect::from_min_size(corner, vec2(side - 1.0, side - 1.0));
            ui.painter().rect_filled(cell, 0.0, egui::Color32::from_rgb(r, g, b));
        }
    }
    let Some(pointer) = response.hover_pos().filter(|&pointer| table.contains(pointer)) else { return };
    let at = ((pointer - table.min) / side).floor();
    let (row, column) = (at.y as usize, at.x as usize);
    if row < dims.len() && column < dims.len() {
        let text = format!(
            "Moving {} by 1 moves what the encoder reads for {} by {:.2}",
            name(dims[row]),
            name(dims[column]),
            moved(row, column)
        );
        response.on_hover_text_at_pointer(text);
    }
}

/// One dimension: a bar to where the encoder sees it, its uncertainty, and a mark where it was asked to be.
fn bar(ui: &mut Ui, (name, is_active): (&str, bool), asked: f32, seen: f32, deviation: f32, range: [f32; 2]) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), GRID * 2.5), Sense::hover());
    let text = format!("{name}: asked {asked:.2}, read {seen:.2} ± {deviation:.2}");
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Label, true, &text));
    let label = rect.with_max_x(rect.left() + GRID * 9.0);
    let number = rect.with_min_x(rect.right() - GRID * 6.0);
    let rail = Rect::from_min_max(
        pos2(label.right() + GRID, rect.top()),
        pos2(number.left() - GRID * 0.5, rect.bottom()),
    );
    let painter = ui.painter();
    let clipped = painter.with_clip_rect(label);
    let font = egui::FontId::proportional(12.0);
    let left = egui::Align2::LEFT_CENTER;
    // Nobody reads back a factor that changes nothing.
    let colour = if is_active { ui.visuals().text_color() } else { palette.quiet };
    clipped.text(label.left_center(), left, name, font, colour);
    let error = seen - asked;
    let colour = if is_active && error.abs() > 0.5 { palette.warning } else { palette.quiet };
    let font = egui::FontId::new(SMALL, egui::FontFamily::Monospace);
    painter.text(number.right_center(), egui::Align2::RIGHT_CENTER, format!("{error:+.2}"), font, colour);
    let [low, high] = range;
    let x = |value: f32| {
        let fraction = ((value - low) / (high - low)).clamp(0.0, 1.0);
        rail.left() + rail.width() * fraction
    };
    let middle = rail.center().y;
    let line = ui.visuals().widgets.noninteractive.bg_stroke;
    painter.hline(rail.x_range(), middle, line);
    let spread =
        Rect::from_min_max(pos2(x(seen - deviation), middle - 4.0), pos2(x(seen + deviation), middle + 4.0));
    painter.rect_filled(spread, 2.0, palette.data.gamma_multiply(0.6));
    let zero = x(0.0f32.clamp(low, high));
    let (from, to) = (zero.min(x(seen)), zero.max(x(seen)));
    painter.rect_filled(Rect::from_x_y_ranges(from..=to, middle - 1.5..=middle + 1.5), 0.0, palette.accent);
    painter.vline(x(asked), middle - 6.0..=middle + 6.0, Stroke::new(2.0, ui.visuals().strong_text_color()));
    response.on_hover_text(text);
}
