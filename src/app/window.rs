use anyhow::anyhow;

use super::{Explorer, Options};

/// Opens the window and runs until it is closed, or draws it into a file when a screenshot is asked for.
///
/// # Errors
/// When there is no display, no GPU (not even a software one), or the threads cannot be started.
pub fn run(options: Options) -> anyhow::Result<()> {
    if let Some(path) = options.screenshot.clone() {
        return super::screenshot::save(&path, options);
    }
    if !has_display() {
        return Err(anyhow!(
            "there is no display to open a window on; work without one: idgan explore MODEL --screenshot FILE.png \
             draws the window into a file, idgan traverse and idgan sample draw pictures, or connect with ssh -X"
        ));
    }
    let [width, height] = options.size.map(|side| side as f32);
    let viewport = egui::ViewportBuilder::default()
        .with_title("idgan")
        .with_app_id("idgan")
        .with_icon(eframe::icon_data::from_png_bytes(include_bytes!("../../assets/idgan.png"))?)
        .with_inner_size([width, height])
        .with_min_inner_size([800.0, 520.0])
        .with_drag_and_drop(true);
    // There are no gradients to dither, and without it drawing on the CPU has less to do.
    let native = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    eframe::run_native(
        "idgan",
        native,
        Box::new(move |creation| {
            let explorer = Explorer::new(&creation.egui_ctx, creation.wgpu_render_state.as_ref(), &options)?;
            Ok(Box::new(explorer))
        }),
    )
    .map_err(|error| anyhow!("the window cannot be opened: {error}"))
}

/// Whether this process can show windows. Elsewhere than on Linux and its kin there always is a display.
fn has_display() -> bool {
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
