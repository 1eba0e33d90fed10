use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egui::{Rect, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::paint::Surface;
use crate::engine::{Frame, Opened, Tap};
use crate::model::ChainId;

/// How two pictures of the same code are set against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Compare {
    #[default]
    SideBySide,
    Wipe,
    Blink,
    Difference,
}

/// One chain's picture on the screen.
pub(crate) struct View {
    pub(crate) surface: Surface,
    /// The newest frame of the current model.
    pub(crate) frame: Option<Frame>,
    /// Time from asking to `write_texture`, of the newest upload.
    pub(crate) latency: Option<Duration>,
    /// The latencies of uploads that nobody has taken yet, the newest ones.
    pub(crate) uploads: Recent,
}

/// The newest few of many values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent(VecDeque<Duration>);

impl Recent {
    /// Most values that are kept.
    const KEPT: usize = 64;

    /// Adds a value; the oldest makes room for it.
    pub(crate) fn push(&mut self, value: Duration) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// Takes all values away, the oldest first.
    pub(crate) fn take(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.0).into()
    }
}

/// One of the pictures in the middle of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pane {
    /// The chain that draws it.
    pub(crate) chain: ChainId,
    /// Whether it is the second model's.
    pub(crate) is_beside: bool,
}

/// The drawings of the panes.
const PANE_KEY: u64 = 500;

impl Pane {
    /// Tells its drawing from the others'.
    pub(crate) fn key(self) -> u64 {
        PANE_KEY + 2 * self.chain.0 as u64 + u64::from(self.is_beside)
    }
}

/// The pictures of one model.
#[derive(Default)]
pub(crate) struct ModelPictures {
    views: BTreeMap<ChainId, View>,
    /// Where workers put what they finish; one that finishes a picture of another model too late finds out here.
    expected: Arc<Mutex<Expected>>,
}

/// The model whose frames may be shown, and where.
#[derive(Default)]
struct Expected {
    model_id: u64,
    surfaces: BTreeMap<ChainId, Surface>,
}

/// The pictures and how they are looked at.
pub(crate) struct Views {
    /// The pictures of the model that the sliders belong to.
    pub(crate) own: ModelPictures,
    /// The pictures of the model beside it.
    pub(crate) beside: ModelPictures,
    pub(crate) compare: Compare,
    /// The part of the pictures that is shown, in fractions; shared, so that zoom and pan are linked.
    pub(crate) window: Rect,
    /// Where the wipe's divider stands, in fractions of the picture.
    pub(crate) wipe: f32,
    /// Factor by which differences are brightened.
    pub(crate) gain: f32,
    /// Width of the first picture in its own pixels and in those of the screen, as it was drawn last.
    pub(crate) drawn_at: Option<(usize, f32)>,
}

/// What of the pictures is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    /// The part of them, in fractions.
    pub(crate) part: Rect,
    /// Pixels of the screen that a pixel of the first picture covers; `None` where there is no picture.
    pub(crate) scale: Option<f32>,
}

/// The whole picture.
pub(crate) const WHOLE: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };

impl Default for Views {
    fn default() -> Self {
        Self {
            own: ModelPictures::default(),
            beside: ModelPictures::default(),
            compare: Compare::default(),
            window: WHOLE,
            wipe: 0.5,
            gain: 2.0,
            drawn_at: None,
        }
    }
}

impl Default for View {
    fn default() -> Self {
        Self { surface: Surface::new(), frame: None, latency: None, uploads: Recent::default() }
    }
}

impl ModelPictures {
    /// Puts finished pictures, on the worker's thread, where the very next paint finds them.
    pub(crate) fn tap(&self) -> Tap {
        let expected = Arc::clone(&self.expected);
        Arc::new(move |frame: &Frame| {
            let expected = expected.lock().unwrap_or_else(PoisonError::into_inner);
            let surface = expected.surfaces.get(&frame.chain).filter(|_| expected.model_id == frame.model_id);
            if let Some(surface) = surface {
                surface.show(Arc::clone(&frame.picture), Some(frame.asked));
            }
        })
    }

    /// From now on frames of this model are shown, and no others. The pictures of the one before stay until others
    /// arrive, as far as this one has as many.
    pub(crate) fn expect(&mut self, model: &Opened) {
        self.views.retain(|chain, _| model.shape(*chain).is_some());
        for chain in model.chains() {
            self.views.entry(chain).or_default();
        }
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.model_id = model.model_id;
        expected.surfaces = self.views.iter().map(|(&chain, view)| (chain, view.surface.clone())).collect();
    }

    /// Forgets which frames were shown; their pictures stay until others arrive.
    pub(crate) fn forget_frames(&mut self) {
        self.views.values_mut().for_each(|view| view.frame = None);
    }

    pub(crate) fn view(&self, chain: ChainId) -> Option<&View> {
        self.views.get(&chain)
    }

    pub(crate) fn view_mut(&mut self, chain: ChainId) -> Option<&mut View> {
        self.views.get_mut(&chain)
    }

    /// The newest frame of a chain.
    pub(crate) fn frame(&self, chain: ChainId) -> Option<&Frame> {
        self.views.get(&chain)?.frame.as_ref()
    }

    /// All of them, the main one first.
    pub(crate) fn views(&self) -> impl Iterator<Item = &View> {
        self.views.values()
    }

    pub(crate) fn views_mut(&mut self) -> impl Iterator<Item = &mut View> {
        self.views.values_mut()
    }
}

impl Views {
    /// A picture of either model.
    pub(crate) fn pane(&self, pane: Pane) -> Option<&View> {
        let pictures = if pane.is_beside { &self.beside } else { &self.own };
        pictures.view(pane.chain)
    }

    /// The newest frame of a picture of either model.
    pub(crate) fn frame(&self, pane: Pane) -> Option<&Frame> {
        self.pane(pane)?.frame.as_ref()
    }

    /// What is painted of a picture of either model.
    pub(crate) fn surface(&self, pane: Pane) -> Surface {
        self.pane(pane).map_or_else(Surface::new, |view| view.surface.clone())
    }

    /// Zooms by `factor` (above 1: closer) so that the point at `anchor` (fractions of the picture) stays.
    pub(crate) fn zoom(&mut self, factor: f32, anchor: egui::Pos2) {
        let width = (self.window.width() / factor).clamp(1.0 / 256.0, 4.0);
        let scale = width / self.window.width();
        let min = anchor + (self.window.min - anchor) * scale;
        self.window = Rect::from_min_size(min, self.window.size() * scale);
        self.keep_in_sight();
    }

    /// Moves the window by `delta` fractions of the picture.
    pub(crate) fn pan(&mut self, delta: egui::Vec2) {
        self.window = self.window.translate(delta);
        self.keep_in_sight();
    }

    /// Keeps the middle of the window on the picture.
    fn keep_in_sight(&mut self) {
        let centre = self.window.center().clamp(pos2(0.0, 0.0), pos2(1.0, 1.0));
        self.window = Rect::from_center_size(centre, self.window.size());
    }

    /// Shows the whole picture.
    pub(crate) fn fit(&mut self) {
        self.window = WHOLE;
    }

    /// What of the pictures is drawn on a square of `screen` physical pixels; the first one is `side` pixels wide. Where
    /// pixels are to be seen as squares, each covers a whole number of the screen's.
    pub(crate) fn look(&self, side: usize, screen: f32, is_crisp: bool) -> Look {
        let mut look = Look {
            part: self.window,
            scale: (side > 0).then(|| screen / (self.window.width() * side as f32)),
        };
        let is_snapped = is_crisp && self.window != WHOLE;
        if let Some(scale) = look.scale.as_mut().filter(|scale| is_snapped && **scale >= 2.0) {
            let size = self.window.size() * (*scale / scale.round());
            look.part = Rect::from_center_size(self.window.center(), size);
            *scale = scale.round();
        }
        look
    }

    /// Shows one pixel of the first picture on one of the screen, as large as it was drawn last.
    pub(crate) fn actual_size(&mut self) {
        if let Some((side, screen)) = self.drawn_at.filter(|(side, _)| *side > 0) {
            let fraction = screen / side as f32;
            let centre = if self.window == WHOLE { pos2(0.5, 0.5) } else { self.window.center() };
            self.window = Rect::from_center_size(centre, vec2(fraction, fraction));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_values_are_kept_and_taken_once() {
        let mut recent = Recent::default();
        let values = (0..100).map(Duration::from_millis);
        values.clone().for_each(|value| recent.push(value));
        assert_eq!(recent.take(), values.skip(36).collect::<Vec<_>>());
        assert!(recent.take().is_empty());
    }

    #[test]
    fn zooming_keeps_the_point_under_the_cursor() {
        let mut views = Views::default();
        let anchor = pos2(0.25, 0.75);
        views.zoom(4.0, anchor);
        assert!((views.window.width() - 0.25).abs() < 1e-6);
        let relative = (anchor - views.window.min) / views.window.size();
        assert!((relative - vec2(0.25, 0.75)).length() < 1e-5);
        views.zoom(0.25, anchor);
        assert!((views.window.min - WHOLE.min).length() < 1e-5);
    }

    #[test]
    fn the_picture_cannot_be_lost() {
        let mut views = Views::default();
        views.pan(vec2(9.0, -9.0));
        assert!(WHOLE.contains(views.window.center()));
        for _ in 0..100 {
            views.zoom(2.0, pos2(0.5, 0.5));
        }
        assert!(views.window.width() >= 1.0 / 256.0);
    }

    #[test]
    fn crisp_pixels_cover_whole_pixels_of_the_screen() {
        let mut views = Views { drawn_at: Some((128, 400.0)), ..Views::default() };
        let whole = Look { part: WHOLE, scale: Some(3.125) };
        assert_eq!(views.look(128, 400.0, true), whole, "the whole picture is never cut");
        views.zoom(1.5, pos2(0.5, 0.5));
        let snapped = views.look(128, 400.0, true);
        assert_eq!(snapped.scale, Some(5.0));
        assert!((snapped.part.width() - 400.0 / (5.0 * 128.0)).abs() < 1e-6);
        let free = views.look(128, 400.0, false);
        assert!(free.part == views.window && free.scale.is_some_and(|scale| (scale - 4.6875).abs() < 1e-4));
        views.actual_size();
        assert_eq!(views.look(128, 400.0, true).scale, Some(1.0));
        assert_eq!(views.look(0, 400.0, true).scale, None);
    }

    #[test]
    fn actual_size_maps_pixel_to_pixel() {
        let mut views = Views::default();
        views.actual_size();
        assert_eq!(views.window, WHOLE, "nothing has been drawn yet");
        views.drawn_at = Some((128, 512.0));
        views.actual_size();
        assert_eq!(views.window.width(), 4.0);
        views.drawn_at = Some((1024, 512.0));
        views.actual_size();
        assert_eq!(views.window.width(), 0.5);
    }
}
