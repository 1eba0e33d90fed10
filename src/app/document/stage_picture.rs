//! What the stage shows, as a picture of its own.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{ColorImage, Rect};

use crate::base::Picture;
use crate::engine::Latest;

/// Where a picture of the stage goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StageTarget {
    Clipboard,
    File(PathBuf),
}

/// A picture of the stage that was asked for.
#[derive(Default)]
pub(crate) struct StagePicture {
    /// Where it goes, and how many frames to wait before it is taken.
    pub(crate) wanted: Option<(StageTarget, u8)>,
    /// The window once it was taken.
    pub(crate) taken: Latest<(StageTarget, Arc<ColorImage>)>,
    /// Where the stage was drawn last, in points.
    pub(crate) area: Option<Rect>,
}

impl StagePicture {
    /// Frames that menus and dialogs need to be gone.
    pub(crate) const FRAMES: u8 = 2;
}

/// The part of a window of `scale` pixels to the point that lies in `area`; `None` where nothing does.
pub(crate) fn cut(window: &ColorImage, area: Rect, scale: f32) -> Option<Picture> {
    let [width, height] = window.size;
    let pixel = |points: f32, side: usize| ((points * scale).round().max(0.0) as usize).min(side);
    let (left, right) = (pixel(area.left(), width), pixel(area.right(), width));
    let (top, bottom) = (pixel(area.top(), height), pixel(area.bottom(), height));
    if left >= right || top >= bottom {
        return None;
    }
    let rows = (top..bottom).map(|y| &window.pixels[y * width + left..y * width + right]);
    let rgba = rows.flatten().flat_map(|colour| [colour.r(), colour.g(), colour.b(), 255]).collect();
    Picture::from_rgba(right - left, bottom - top, rgba)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Color32, pos2};

    #[test]
    fn the_stage_is_cut_out_of_the_window_in_its_pixels() {
        let mut window = ColorImage::filled([8, 6], Color32::BLACK);
        window.pixels[8 * 2 + 4] = Color32::from_rgb(9, 8, 7);
        let area = Rect::from_min_max(pos2(2.0, 1.0), pos2(10.0, 2.0));
        let picture = cut(&window, area, 2.0).expect("lies in it");
        assert_eq!((picture.width(), picture.height()), (4, 2), "what hangs over the edge is left out");
        assert_eq!((picture.pixel(0, 0), picture.pixel(1, 0)), ([9, 8, 7, 255], [0, 0, 0, 255]));
        assert_eq!(cut(&window, Rect::from_min_max(pos2(5.0, 1.0), pos2(9.0, 2.0)), 2.0), None);
    }
}
