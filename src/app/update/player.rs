use std::path::{Path, PathBuf};

use crate::app::document::Document;
use crate::app::document::player::{Along, Course, Playing};
use crate::app::document::recipe::Recipe;
use crate::app::document::selection::{Dimension, title};
use crate::app::document::strip::gather;
use crate::explore::{CodePath, Mode, RangeSpec, Traversal};
use crate::figures::{AnimationRequest, Cells, ChainChoice, Figure, TraversalRequest};

/// `place` of a way that runs back from its `end`.
fn there_and_back(place: f64, end: f64) -> f64 {
    if place <= end { place } else { 2.0 * end - place }
}

impl Document {
    fn course(&self) -> Result<Course, String> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref()).ok_or("open a model first")?;
        match self.player.settings.along {
            Along::Factor => {
                let selected = self.selected.clone();
                let block = model.description().block(&selected.block).filter(|b| selected.dim < b.dims);
                let block = block.ok_or("This model has no factor to animate")?;
                Ok(Course::Factor { range: model.range(block, selected.dim), selected })
            }
            Along::Bookmarks => {
                if self.strip.bookmarks.len() < 2 {
                    return Err("A path needs at least two bookmarks: keep codes with Ctrl+B".to_owned());
                }
                let stops = gather(&self.strip.bookmarks, latent.codes());
                Ok(Course::Path(CodePath { stops, is_closed: self.player.settings.is_closed }))
            }
        }
    }

    /// Whether there is something to play.
    pub(crate) fn can_play(&self) -> Result<(), String> {
        self.course().map(drop)
    }

    /// Starts, from the value that the factor has or from the first bookmark, or stops.
    pub(crate) fn toggle_play(&mut self) {
        let now = self.ctx().input(|input| input.time);
        if self.player.playing.take().is_some() {
            return;
        }
        let Ok(course) = self.course() else { return };
        let place = match &course {
            Course::Factor { selected, range: [low, high] } => {
                let values = self.latent.as_ref().map_or(&[][..], |latent| latent.values(&selected.block));
                let value = values.get(selected.dim).copied().unwrap_or(*low);
                f64::from((value - low) / (high - low)).clamp(0.0, 1.0)
            }
            Course::Path(_) => 0.0,
        };
        self.player.playing = Some(Playing { course, place, at: now });
    }

    /// Moves the codes on to where they are `now`, in seconds of the window's clock. What is set up may change while
    /// it plays; a mouse button that is down holds it.
    pub(crate) fn play(&mut self, now: f64) {
        if self.player.playing.is_none() {
            return;
        }
        let Ok(course) = self.course() else {
            self.player.pause();
            return;
        };
        let seconds = f64::from(self.player.settings.seconds.max(0.1));
        let (is_held, Some(playing)) = (self.is_dragging, &mut self.player.playing) else { return };
        let elapsed = (now - playing.at).clamp(0.0, 0.5);
        playing.at = now;
        if is_held {
            return;
        }
        if playing.course != course {
            let other = Playing { place: 0.0, course, at: now };
            let is_same_factor = matches!((&playing.course, &other.course),
                (Course::Factor { selected: a, .. }, Course::Factor { selected: b, .. }) if a == b);
            if !is_same_factor {
                // Another factor or path: from its own beginning, as if it had just been started.
                self.player.pause();
                self.toggle_play();
                return;
            }
            playing.course = other.course;
        }
        playing.place = (playing.place + elapsed / seconds) % playing.course.period().max(1e-9);
        let place = playing.place;
        match playing.course.clone() {
            Course::Factor { selected, range: [low, high] } => {
                let value = low + (high - low) * there_and_back(place, 1.0) as f32;
                self.set_value(&selected.block, selected.dim, value);
            }
            Course::Path(path) => {
                let end = path.legs() as f64;
                let place = if path.is_closed { place } else { there_and_back(place, end) };
                let Some(model) = &self.model else { return };
                let Ok(codes) = path.at(model.description(), place) else { return };
                self.move_to(&codes, 0, false);
            }
        }
    }

    /// What playing moves, for people.
    pub(crate) fn course_name(&self) -> String {
        match (self.player.settings.along, &self.latent) {
            (Along::Factor, Some(latent)) => title(latent, &self.selected.block, self.selected.dim),
            _ => "the path through the bookmarks".to_owned(),
        }
    }

    /// Width and height of a frame of the exported animation in pixels, without captions.
    pub(crate) fn frame_size(&self) -> Option<[usize; 2]> {
        let [_, height, width] = self.model.as_ref()?.opened.shape(self.figure_chain()?)?;
        Some([width, height])
    }

    /// Number of pictures of the exported animation.
    pub(crate) fn animation_frames(&self) -> usize {
        match self.course() {
            Ok(Course::Factor { .. }) => self.player.settings.frames,
            Ok(Course::Path(path)) => {
                path.legs() * self.player.settings.frames + usize::from(!path.is_closed)
            }
            Err(_) => 0,
        }
    }

    /// What draws the animation into a file.
    pub(crate) fn animation_recipe(&self) -> Option<Recipe> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let frame_ms = self.player.settings.frame_ms();
        let (figure, codes) = match self.course().ok()? {
            Course::Factor { selected: Dimension { block, dim }, range: [low, high] } => {
                let traversal = Traversal {
                    block,
                    dims: vec![dim],
                    ranges: vec![[low, high]],
                    steps: self.player.settings.frames,
                    base: latent.codes().clone(),
                    mode: Mode::Replace,
                };
                let (request, codes) = self.traversal_request(&traversal, RangeSpec::Fixed(low, high))?;
                (Figure::Traversal(TraversalRequest { frame_ms, ..request }), codes)
            }
            Course::Path(path) => {
                let request = AnimationRequest {
                    codes: PathBuf::new(),
                    steps: u16::try_from(self.player.settings.frames).ok()?,
                    is_closed: path.is_closed,
                    s_seed: 0,
                    decoder: Some(ChainChoice::Named(model.name_of(self.figure_chain()?).to_owned())),
                    frame_ms,
                    cells: Cells::default(),
                };
                (Figure::Animation(request), Some(path.stops))
            }
        };
        Some(Recipe::new(&model.opened, figure, codes))
    }

    /// Draws the animation into a .gif, .apng or .mp4, or into a folder of PNGs where the name has no ending.
    pub(crate) fn export_animation(&mut self, path: &Path, ctx: &egui::Context) {
        let recipe = self
            .can_play()
            .and_then(|()| self.animation_recipe().ok_or_else(|| "open a model first".to_owned()));
        self.export(recipe, path, "animation", ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_runs_back_from_its_end() {
        assert_eq!(
            [0.0, 0.5, 1.0, 1.25, 2.0].map(|place| there_and_back(place, 1.0)),
            [0.0, 0.5, 1.0, 0.75, 0.0]
        );
        assert_eq!(there_and_back(5.0, 3.0), 1.0);
    }
}
