use super::keep::Settings;
use super::{Explorer, Options};

/// Opens the window and runs until it is closed, or draws it into a file when a screenshot is asked for.
///
/// # Errors
/// When there is no display, no GPU (not even a software one), or the threads cannot be started.
pub fn run(options: Options) -> anyhow::Result<()> {
    if let Some(path) = options.screenshot.clone() {
        return super::screenshot::save(&path, options);
    }
    let last = options.config.as_deref().and_then(Settings::last_window);
    let size = options.size.map(|size| size.map(|side| side as f32));
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("idgan")
        .with_app_id("idgan")
        .with_icon(eframe::icon_data::from_png_bytes(include_bytes!("../../assets/idgan.png"))?)
        .with_inner_size(size.or(last.map(|last| last.size)).unwrap_or(Options::SIZE.map(|side| side as f32)))
        .with_maximized(size.is_none() && last.is_some_and(|last| last.is_maximized))
        .with_min_inner_size([800.0, 520.0])
        .with_drag_and_drop(true);
    if let Some(corner) = last.and_then(|last| last.corner) {
        viewport = viewport.with_position(corner);
    }
    // There are no gradients to dither, and without it drawing on the CPU has less to do.
    let native = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    super::native::run(native, move |creation| {
        let explorer = Explorer::new(&creation.egui_ctx, creation.wgpu_render_state.as_ref(), &options)?;
        explorer.leaving.listen(&creation.egui_ctx)?;
        Ok(Box::new(explorer))
    })
}
