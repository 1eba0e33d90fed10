use egui::{Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit, pos2, vec2};

use super::factors::title;
use super::{Panel, heading};
use crate::app::state::State;
use crate::app::theme::{GRID, Palette, SMALL, figures};

/// Whether the picture holds the code it was made from.
#[derive(Default)]
pub(crate) struct Inspect;

impl Panel for Inspect {
    fn title(&self) -> &'static str {
        "Inspect"
    }

    fn ui(&mut self, ui: &mut Ui, state: &mut State) {
        let palette = Palette::of(ui);
        let has_encoder = state.model.as_ref().is_some_and(|model| model.opened.encoder_dim.is_some());
        if !has_encoder || state.model.as_ref().is_none_or(|model| model.opened.generator_shape.is_none()) {
            let text = "Needs a model with a generator and a VAE: the encoder reads the generator's picture.";
            ui.label(RichText::new(text).color(palette.quiet));
            return;
        }
        heading(
            ui,
            "Code read back",
            "",
            "E(G(s, c)) against c: the VAE's encoder looks at the generator's picture and says which code it sees. \
             Where the bar ends at the mark, the generator shows what was asked for.",
        );
        let Some(read) = state.read_back.clone() else { return };
        let likelihood = read.posterior.log_likelihood(&read.target);
        ui.horizontal(|ui| {
            ui.label(RichText::new("log q(c|G)").size(SMALL).color(palette.quiet));
            let text = RichText::new(format!("{likelihood:.2} nats")).font(figures());
            let hint = "The distillation likelihood log q(c | G(s, c)) of this picture, summed over the factors: what \
                        ID-GAN's training maximises (paper section 4)";
            ui.label(text).on_hover_text(hint);
        });
        let (Some(model), Some(latent)) = (&state.model, &state.latent) else { return };
        let Some(vae) = &model.description().vae else { return };
        let Some(block) = model.description().block(&vae.code) else { return };
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GRID * 0.25;
            for dim in model.order(block, state.settings.sort_by_information) {
                let (Some(&asked), Some(&seen)) = (read.target.get(dim), read.posterior.mu.get(dim)) else {
                    continue;
                };
                let deviation = read.posterior.logvar.get(dim).map_or(0.0, |v| (0.5 * v).exp());
                bar(ui, &title(latent, &block.name, dim), asked, seen, deviation, model.range(block, dim));
            }
        });
    }
}

/// One dimension: a bar to where the encoder sees it, its uncertainty, and a mark where it was asked to be.
fn bar(ui: &mut Ui, name: &str, asked: f32, seen: f32, deviation: f32, range: [f32; 2]) {
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
    clipped.text(label.left_center(), left, name, font, ui.visuals().text_color());
    let error = seen - asked;
    let colour = if error.abs() > 0.5 { palette.warning } else { palette.quiet };
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
