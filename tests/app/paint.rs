//! The pictures as the GPU paints them, on whatever driver there is (a software one will do).

use std::sync::Arc;

use crate::window::{Window, click, grey, renderer, set, settle};
use egui::{Pos2, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use idgan::app::{Explorer, Options};
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;
use image::RgbaImage;

/// A window that is painted; `None` (said and counted) without any driver.
fn window() -> Option<Window> {
    let renderer = renderer()?;
    let mut window =
        Harness::builder().with_size(vec2(1200.0, 800.0)).renderer(renderer).build_eframe(|creation| {
            let options = Options {
                source: Some(ModelSource::file("both")),
                library: Arc::new(ToyLibrary::default()),
                dialogs: None,
                ..Options::default()
            };
            Explorer::new(&creation.egui_ctx, creation.wgpu_render_state.as_ref(), &options).unwrap()
        });
    settle(&mut window);
    Some(window)
}

/// The red of the pixel at `at` fractions of `rect`.
fn red(image: &RgbaImage, rect: Rect, at: [f32; 2]) -> u8 {
    let place: Pos2 = rect.min + vec2(at[0], at[1]) * rect.size();
    image.get_pixel(place.x as u32, place.y as u32)[0]
}

/// Both drivers and ours may round differently by one.
fn close(a: u8, b: u8) -> bool {
    a.abs_diff(b) <= 1
}

#[test]
fn what_was_rendered_is_what_is_painted() {
    let Some(mut window) = window() else { return };
    // Band 2 of 5 is the middle of the picture.
    for value in [0.0, 1.5, -2.0] {
        set(&mut window, "c 2", f64::from(value));
        let image = window.render().unwrap();
        for name in ["Generator picture", "VAE decoder picture"] {
            let rect = window.get_by_label(name).rect();
            let (middle, top) = (red(&image, rect, [0.5, 0.5]), red(&image, rect, [0.5, 0.1]));
            assert!(close(middle, grey(value)), "{name} at {value}: {middle} instead of {}", grey(value));
            assert!(close(top, grey(0.0)), "{name}: the other bands stay: {top}");
        }
    }
}

#[test]
fn equal_pictures_differ_nowhere_and_a_wipe_shows_both() {
    let Some(mut window) = window() else { return };
    set(&mut window, "c 2", 1.5);
    click(&mut window, "Compare by difference");
    let image = window.render().unwrap();
    let rect = window.get_by_label("Difference of the pictures").rect();
    assert!(red(&image, rect, [0.5, 0.5]) <= 12, "the toys' pictures agree but for rounding");
    click(&mut window, "Compare by wipe");
    let image = window.render().unwrap();
    let rect = window.get_by_label("Both pictures, wiped against each other").rect();
    for x in [0.2, 0.8] {
        let red = red(&image, rect, [x, 0.5]);
        assert!(close(red, grey(1.5)), "{red} at {x}");
    }
}
