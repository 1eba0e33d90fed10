use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme, Visuals, vec2,
};

/// The colours that egui's own style has no place for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    /// The one accent colour: what the person is doing right now.
    pub(crate) accent: Color32,
    /// The accent as a background.
    pub(crate) accent_faint: Color32,
    /// Bars of histograms and other data that is context, not content.
    pub(crate) data: Color32,
    /// Where the pictures lie.
    pub(crate) stage: Color32,
    /// Text that only supports other text.
    pub(crate) quiet: Color32,
    /// Something works, but not as the person may expect.
    pub(crate) warning: Color32,
    /// Something failed.
    pub(crate) error: Color32,
}

const DARK: Palette = Palette {
    accent: Color32::from_rgb(0x5a, 0xb0, 0xff),
    accent_faint: Color32::from_rgb(0x1d, 0x3a, 0x57),
    data: Color32::from_rgb(0x6b, 0x76, 0x85),
    stage: Color32::from_rgb(0x0e, 0x10, 0x13),
    quiet: Color32::from_rgb(0x93, 0x9d, 0xab),
    warning: Color32::from_rgb(0xf0, 0xb4, 0x4c),
    error: Color32::from_rgb(0xff, 0x7b, 0x72),
};

const LIGHT: Palette = Palette {
    accent: Color32::from_rgb(0x0b, 0x66, 0xc2),
    accent_faint: Color32::from_rgb(0xd3, 0xe5, 0xf8),
    data: Color32::from_rgb(0x83, 0x8d, 0x99),
    stage: Color32::from_rgb(0xdf, 0xe3, 0xe8),
    quiet: Color32::from_rgb(0x5b, 0x65, 0x72),
    warning: Color32::from_rgb(0x8a, 0x56, 0x00),
    error: Color32::from_rgb(0xb4, 0x23, 0x18),
};

impl Palette {
    /// The palette that belongs to the style of `ui`.
    pub(crate) fn of(ui: &egui::Ui) -> Self {
        if ui.visuals().dark_mode { DARK } else { LIGHT }
    }
}

/// Colours of things that are told apart by them, such as runs: for dark and for light windows.
const SERIES: [[Color32; 8]; 2] = [
    [
        Color32::from_rgb(0x5a, 0xb0, 0xff),
        Color32::from_rgb(0xf0, 0xb4, 0x4c),
        Color32::from_rgb(0x6c, 0xc9, 0x93),
        Color32::from_rgb(0xff, 0x7b, 0x72),
        Color32::from_rgb(0xc3, 0x9b, 0xf0),
        Color32::from_rgb(0x7f, 0xd6, 0xe0),
        Color32::from_rgb(0xe5, 0x8e, 0xc1),
        Color32::from_rgb(0xb5, 0xbd, 0x5c),
    ],
    [
        Color32::from_rgb(0x0b, 0x66, 0xc2),
        Color32::from_rgb(0xa1, 0x5c, 0x00),
        Color32::from_rgb(0x1c, 0x7a, 0x43),
        Color32::from_rgb(0xb4, 0x23, 0x18),
        Color32::from_rgb(0x6f, 0x3f, 0xb5),
        Color32::from_rgb(0x00, 0x74, 0x80),
        Color32::from_rgb(0xa3, 0x2e, 0x74),
        Color32::from_rgb(0x5f, 0x68, 0x0c),
    ],
];

/// Colours of things that are told apart by them, such as runs.
pub(crate) fn series(ui: &egui::Ui) -> [Color32; 8] {
    SERIES[usize::from(!ui.visuals().dark_mode)]
}

/// The colour of item `at` of `count` that have an order, such as the dimensions of a code.
pub(crate) fn in_order(ui: &egui::Ui, at: usize, count: usize) -> Color32 {
    let hue = at as f32 / count.max(1) as f32;
    let [saturation, value] = if ui.visuals().dark_mode { [0.55, 0.95] } else { [0.85, 0.6] };
    egui::ecolor::Hsva::new(hue, saturation, value, 1.0).into()
}

/// The unit of every distance in the window.
pub(crate) const GRID: f32 = 8.0;

/// Sizes of the type scale, in points.
pub(crate) const SMALL: f32 = 11.0;
const BODY: f32 = 13.0;
const TITLE: f32 = 15.0;

/// Numbers that change in place: every digit as wide as the others.
pub(crate) fn figures() -> FontId {
    FontId::new(12.0, FontFamily::Monospace)
}

/// Gives both themes of `ctx` the program's look.
pub(crate) fn install(ctx: &egui::Context) {
    ctx.set_style_of(Theme::Dark, style(Theme::Dark));
    ctx.set_style_of(Theme::Light, style(Theme::Light));
}

fn style(theme: Theme) -> Style {
    let mut style = Style { visuals: visuals(theme), ..Default::default() };
    let proportional = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, proportional(SMALL)),
        (TextStyle::Body, proportional(BODY)),
        (TextStyle::Button, proportional(BODY)),
        (TextStyle::Heading, proportional(TITLE)),
        (TextStyle::Monospace, figures()),
    ]
    .into();
    style.drag_value_text_style = TextStyle::Monospace;
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(GRID, GRID * 0.75);
    spacing.button_padding = vec2(GRID, GRID * 0.5);
    spacing.interact_size = vec2(GRID * 3.0, GRID * 3.0);
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(8);
    spacing.indent = GRID * 2.0;
    spacing.tooltip_width = 360.0;
    // A bar that appears takes its own room, not that of the numbers at the right edge.
    spacing.scroll.floating_allocated_width = GRID;
    style.interaction.tooltip_delay = 0.35;
    style
}

fn visuals(theme: Theme) -> Visuals {
    let (mut visuals, palette) = match theme {
        Theme::Dark => (Visuals::dark(), DARK),
        Theme::Light => (Visuals::light(), LIGHT),
    };
    let dark = theme == Theme::Dark;
    let pick = |if_dark: u32, if_light: u32| {
        let [_, r, g, b] = (if dark { if_dark } else { if_light }).to_be_bytes();
        Color32::from_rgb(r, g, b)
    };
    let radius = CornerRadius::same(4);
    visuals.panel_fill = pick(0x1a1d22, 0xf7f8fa);
    visuals.window_fill = pick(0x22262d, 0xffffff);
    visuals.window_stroke = Stroke::new(1.0, pick(0x363c46, 0xcfd5dd));
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.extreme_bg_color = pick(0x12151a, 0xffffff);
    visuals.faint_bg_color = pick(0x20242b, 0xeef1f4);
    visuals.code_bg_color = pick(0x262b33, 0xe8ecf0);
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.weak_text_color = Some(palette.quiet);
    visuals.selection.bg_fill = palette.accent_faint;
    visuals.selection.stroke = Stroke::new(1.0, if dark { Color32::WHITE } else { palette.accent });
    let shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(60) };
    visuals.popup_shadow = shadow;
    visuals.window_shadow = shadow;
    visuals.striped = false;
    visuals.slider_trailing_fill = true;

    let text = pick(0xd7dce3, 0x1f252d);
    let strong = pick(0xffffff, 0x000000);
    let line = pick(0x31363f, 0xd5dae1);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, line);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, text);
    for (state, fill, stroke, foreground) in [
        (&mut widgets.inactive, pick(0x2a2f37, 0xe6e9ee), line, text),
        (&mut widgets.hovered, pick(0x353b45, 0xdbe0e7), palette.quiet, strong),
        (&mut widgets.active, palette.accent_faint, palette.accent, strong),
        (&mut widgets.open, pick(0x353b45, 0xdbe0e7), palette.quiet, strong),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, stroke);
        state.fg_stroke = Stroke::new(1.0, foreground);
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    widgets.noninteractive.corner_radius = radius;
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.
    fn luminance(colour: Color32) -> f32 {
        let linear = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_in_both_themes() {
        for (theme, palette) in [(Theme::Dark, DARK), (Theme::Light, LIGHT)] {
            let visuals = visuals(theme);
            let panel = visuals.panel_fill;
            assert!(contrast(visuals.text_color(), panel) > 7.0, "{theme:?} text");
            for colour in [palette.quiet, palette.accent, palette.warning, palette.error] {
                assert!(contrast(colour, panel) > 4.5, "{theme:?} {colour:?} {}", contrast(colour, panel));
            }
            assert!(contrast(palette.data, panel) > 3.0, "{theme:?} {}", contrast(palette.data, panel));
            for colour in SERIES[usize::from(theme == Theme::Light)] {
                assert!(contrast(colour, panel) > 4.5, "{theme:?} {colour:?}");
            }
        }
    }
}
