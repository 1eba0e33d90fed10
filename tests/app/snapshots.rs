//! Small pieces of the window, pixel by pixel, against pictures in `tests/snapshots`. After a change that is meant to
//! be seen, run with UPDATE_SNAPSHOTS=1, look at the pictures, and keep them.

use std::path::Path;
use std::sync::Arc;

use crate::window::{Window, renderer, set, settle, until};
use egui::{Rect, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use idgan::app::{Explorer, Options, Tool};
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;
use image::RgbaImage;

/// A window with `tool` that is painted; `None` (said and counted) without any driver.
fn painted(tool: Tool, dark: bool) -> Option<Window> {
    let renderer = renderer()?;
    let mut window =
        Harness::builder().with_size(vec2(1100.0, 700.0)).renderer(renderer).build_eframe(move |creation| {
            let options = Options {
                source: Some(ModelSource::file("both")),
                library: Arc::new(ToyLibrary::default()),
                dialogs: None,
                tool: Some(tool),
                dark: Some(dark),
                ..Options::default()
            };
            Explorer::new(&creation.egui_ctx, creation.wgpu_render_state.as_ref(), &options).unwrap()
        });
    settle(&mut window);
    Some(window)
}

/// `picture` on grey: the panels have no fill of their own, the real window is cleared in their colour.
fn on_paper(mut picture: RgbaImage, background: u8) -> RgbaImage {
    for pixel in picture.pixels_mut() {
        let alpha = u32::from(pixel[3]);
        for k in 0..3 {
            let mixed = u32::from(pixel[k]) * alpha + u32::from(background) * (255 - alpha);
            pixel[k] = (mixed / 255) as u8;
        }
        pixel[3] = 255;
    }
    picture
}

/// Compares the part of the window in `place` with the picture called `name`.
///
/// Drivers round differently: a few pixels may differ a little more.
fn compare(window: &mut Window, name: &str, place: Rect, background: u8) {
    window.run_steps(3);
    let whole = window.render().unwrap();
    let [x, y] = [place.left() as u32, place.top() as u32];
    let part =
        image::imageops::crop_imm(&whole, x, y, place.width() as u32, place.height() as u32).to_image();
    let part = on_paper(part, background);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name).with_extension("png");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        part.save(&path).unwrap();
        return;
    }
    let kept: RgbaImage = image::open(&path).unwrap().to_rgba8();
    assert_eq!(part.dimensions(), kept.dimensions(), "{name}");
    let differs = |(a, b): (&image::Rgba<u8>, &image::Rgba<u8>)| (0..3).any(|k| a[k].abs_diff(b[k]) > 24);
    let changed = part.pixels().zip(kept.pixels()).filter(|&pair| differs(pair)).count();
    let most = (part.width() * part.height()) as usize / 200;
    if changed > most {
        let seen = std::env::temp_dir().join(format!("idgan-{name}.png"));
        part.save(&seen).unwrap();
        panic!("{changed} pixels of {name} changed, more than {most}; what is seen now: {}", seen.display());
    }
}

#[test]
fn the_sliders_look_as_they_did() {
    let Some(mut window) = painted(Tool::Inspect, true) else { return };
    set(&mut window, "c 1", 1.5);
    set(&mut window, "c 3", -2.5);
    until(&mut window, "everything", |w| w.state().is_calm());
    compare(&mut window, "sliders", Rect::from_min_size(pos2(0.0, 30.0), vec2(330.0, 190.0)), 27);
}

#[test]
fn the_matrix_looks_as_it_did() {
    let Some(mut window) = painted(Tool::Matrix, false) else { return };
    until(&mut window, "everything", |w| w.state().is_calm());
    let name = "Matrix of codes and nuisances, 30 of 30 pictures";
    until(&mut window, "the matrix", |w| w.query_by_label(name).is_some());
    let table = window.get_by_label(name).rect();
    compare(&mut window, "matrix", Rect::from_min_size(table.min.floor(), vec2(300.0, 200.0)), 248);
}
