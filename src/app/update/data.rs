use std::sync::Arc;

use crate::app::document::Document;
use crate::app::document::strip::StripKind;
use crate::app::log::About;
use crate::app::paint::Surface;
use crate::app::tasks::Task;
use crate::base::{Picture, Stream};
use crate::data::{DRAWN_BY_PROGRAM, OpenOptions, open};

/// Pictures a draw.
const COUNT: usize = 9;

impl Document {
    /// The data set that the model was trained on, where the program draws it by itself and an encoder can read it.
    pub(crate) fn own_data(&self) -> Option<&'static str> {
        let model = self.model.as_ref().filter(|model| model.opened.encoded().is_some())?;
        let description = model.description();
        drawn_by_program(description.data.as_deref()?).filter(|_| description.data_picture().is_none())
    }

    /// Shows nine random pictures of the model's data in the film strip, or nine others.
    pub(crate) fn show_data_pictures(&mut self) {
        let Some(spec) = self.own_data() else { return };
        let shape = self.model.as_ref().and_then(|model| model.description().encoder_shape());
        let Some(shape) = shape else { return };
        self.settings.show_strip = true;
        let is_shown = std::mem::replace(&mut self.strip.kind, StripKind::Data) == StripKind::Data;
        if (!is_shown && self.data.is_asked()) || self.data.is_waiting() {
            return;
        }
        self.data.draw += 1;
        let draw = self.data.draw;
        match self.tasks.start("idgan-data", &self.ctx().clone(), move |_| random_pictures(spec, shape, draw))
        {
            Ok(reading) => self.data.reading = Some(reading),
            Err(message) => self.log.fail(About::Picture, message),
        }
    }

    /// Takes in pictures that have been drawn.
    pub(crate) fn receive_data_pictures(&mut self) {
        let Some(answer) = self.data.reading.as_ref().and_then(Task::take) else { return };
        self.data.reading = None;
        let fault = |panic| Err(format!("no pictures can be drawn, by a fault of the program: {panic}"));
        match answer.unwrap_or_else(fault) {
            Ok(pictures) => {
                self.log.succeed(About::Picture);
                let show = |picture: Picture| {
                    let (picture, surface) = (Arc::new(picture), Surface::new());
                    surface.show(Arc::clone(&picture), None);
                    (picture, surface)
                };
                self.data.pictures = pictures.into_iter().map(show).collect();
            }
            Err(message) => self.log.fail(About::Picture, message),
        }
    }

    /// Sets the factors to what the encoder finds in picture `index`.
    pub(crate) fn start_from_data(&mut self, index: usize) {
        let Some((picture, _)) = self.data.pictures.get(index) else { return };
        let picture = Arc::clone(picture);
        self.player.pause();
        self.start_from(format!("picture {} of the data", index + 1), picture);
    }
}

/// The data set of `spec` as the program draws it, without files.
fn drawn_by_program(spec: &str) -> Option<&'static str> {
    let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
    // `scenes:COUNT` are some of them; of sprites a file is named behind the colon.
    let known = DRAWN_BY_PROGRAM.into_iter().find(|known| *known == name);
    known.filter(|known| *known == "scenes" || rest.is_empty())
}

/// Nine random pictures of `spec` in an encoder's form.
fn random_pictures(spec: &str, [channels, side, _]: [usize; 3], draw: u64) -> Result<Vec<Picture>, String> {
    let set = open(spec, Some(side), &OpenOptions::default()).map_err(|error| error.to_string())?;
    let [found, height, width] = set.picture_shape();
    if found != channels {
        return Err(format!("{spec} has {found} channels and this model's encoder takes {channels}"));
    }
    let mut stream = Stream::for_item(draw, "start from the data", 0);
    let mut pixels = vec![0.0; found * height * width];
    let picture = |_| {
        set.read(stream.below(set.len()), draw, &mut pixels).map_err(|error| error.to_string())?;
        Picture::from_chw(&pixels, found, height, width)
            .ok_or_else(|| "a picture has the wrong size".to_owned())
    };
    (0..COUNT).map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sets_that_need_no_files_are_drawn() {
        assert_eq!(drawn_by_program("dsprites"), Some("dsprites"));
        assert_eq!(drawn_by_program("scenes:50000"), Some("scenes"));
        for spec in ["dsprites:published.npz", "images:faces", "celeba:img", ""] {
            assert_eq!(drawn_by_program(spec), None, "{spec}");
        }
    }

    #[test]
    fn draws_differ_and_are_as_the_encoder_takes_them() {
        let draw = |number| random_pictures("color-dsprites", [3, 64, 64], number).expect("draws");
        let first = draw(1);
        assert_eq!((first.len(), first[0].width(), first[0].height()), (COUNT, 64, 64));
        assert!(first != draw(2) && first == draw(1));
        let grey = random_pictures("color-dsprites", [1, 64, 64], 1);
        assert!(grey.is_err_and(|message| message.contains("3 channels")));
    }
}
