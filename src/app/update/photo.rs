use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam::channel::TryRecvError;

use crate::app::command::Command;
use crate::app::dialog::Purpose;
use crate::app::document::Document;
use crate::app::document::photo::{Encoding, Photo};
use crate::app::log::About;
use crate::app::paint::Surface;
use crate::app::update::save::name;
use crate::base::{Background, Cancel, Picture};
use crate::explore::{Form, SourcePictures, read_square};
use crate::model::ModelDescription;

impl Document {
    /// Reads a picture, and makes others of it where the model does that; else has it encoded, and sets the factors to what the
    /// encoder finds.
    pub(crate) fn start_from_photo(&mut self, path: PathBuf, ctx: &egui::Context) {
        let description = self.model.as_ref().map(|model| model.description());
        let shape = |all: &ModelDescription| all.source_shape().or_else(|| all.encoder_shape());
        let Some((description, shape)) = description.and_then(|all| Some((all, shape(all)?))) else {
            self.log.warn(About::Picture, "This model has no encoder to start from a picture with");
            return;
        };
        let background = description.background();
        let file = name(&path);
        let read = move |_: &Cancel| read_picture(&path, shape, background);
        match self.tasks.start("idgan-photo", ctx, read) {
            Ok(reading) => self.photo.reading = Some((file, reading)),
            Err(message) => self.log.fail(About::Picture, message),
        }
    }

    /// Has `picture` encoded, and the factors set to what the encoder finds, or makes others of it; `name` is for people.
    pub(crate) fn start_from(&mut self, name: String, picture: Arc<Picture>) {
        let Some(model) = &self.model else { return };
        if let Some(shape) = model.description().source_shape() {
            self.make_of(&name, &picture, shape);
            return;
        }
        let ask = |block: &String| {
            (block.clone(), self.engine.encode(model.opened.model_id, block, Arc::clone(&picture)))
        };
        let waiting = model.opened.read.iter().map(ask).collect();
        let surface = Surface::new();
        surface.show(picture, None);
        self.photo.encoding = Some(Encoding { photo: Photo { name, surface }, waiting, found: Vec::new() });
    }

    /// Gives `picture`, of the size of `shape`, to the chains that make pictures of pictures.
    fn make_of(&mut self, name: &str, picture: &Picture, [channels, height, width]: [usize; 3]) {
        let pixels = picture.rgba().chunks_exact(4);
        let plane = |channel: usize| pixels.clone().map(move |pixel| f32::from(pixel[channel]) / 255.0);
        let values = (0..channels).flat_map(plane).collect();
        let given = SourcePictures::new([channels, height, width], values).filter(|given| given.len() == 1);
        let fits = given.zip(self.latent.as_mut()).map(|(given, latent)| latent.set_picture(given));
        match fits {
            Some(Ok(())) => {
                self.log.succeed(About::Picture);
                self.log.info(format!("Made pictures of {name}"));
            }
            _ => self.log.fail(About::Picture, format!("{name} is no picture of {width}x{height} pixels")),
        }
    }

    /// Whether a file that somebody has dropped on the window is a picture to start from, and no model: the open model takes
    /// pictures, and the file's name ends like that of one.
    pub(crate) fn starts_from(&self, path: &Path) -> bool {
        let (_, endings) = Purpose::Photo.filter();
        let is_one =
            |ending: &std::ffi::OsStr| endings.iter().any(|known| ending.eq_ignore_ascii_case(known));
        Command::StartFromPhoto.is_enabled(self) && path.extension().is_some_and(is_one)
    }

    /// Takes a picture in hand as soon as it is read, and its code as soon as it is known.
    pub(crate) fn receive_photo(&mut self) {
        if let Some((name, reading)) = self.photo.reading.take() {
            match reading.take() {
                Some(Ok(Ok(picture))) => self.start_from(name, Arc::new(picture)),
                Some(Ok(Err(message))) => self.log.fail(About::Picture, message),
                Some(Err(panic)) => {
                    let text = format!("{name} cannot be read, by a fault of the program: {panic}");
                    self.log.fail(About::Picture, text);
                }
                None => self.photo.reading = Some((name, reading)),
            }
        }
        self.receive_photo_codes();
    }

    /// Sets the codes that were found in a picture, once all are known.
    fn receive_photo_codes(&mut self) {
        let Some(Encoding { photo, waiting, found }) = &mut self.photo.encoding else { return };
        let mut is_answered = true;
        while let Some((block, receiver)) = waiting.pop() {
            match receiver.try_recv() {
                Ok(posterior) => found.push((block, posterior.mu)),
                Err(TryRecvError::Empty) => {
                    waiting.push((block, receiver));
                    return;
                }
                Err(TryRecvError::Disconnected) => is_answered = false,
            }
        }
        let (photo, found) = (photo.clone(), std::mem::take(found));
        self.photo.encoding = None;
        if found.is_empty() || !is_answered {
            self.log.fail(About::Picture, format!("The encoder gave no answer about {}", photo.name));
            return;
        }
        self.log.succeed(About::Picture);
        self.log.info(format!("Set the factors to what the encoder finds in {}", photo.name));
        self.in_one_step(|latent| {
            for (block, values) in &found {
                let fits = latent.set_block(block, values);
                debug_assert!(fits.is_ok(), "{fits:?}");
            }
        });
        self.photo.shown = Some(photo);
    }
}

/// The middle square of a picture at the encoder's size.
fn read_picture(path: &Path, shape: [usize; 3], background: Background) -> Result<Picture, String> {
    let [channels, height, width] = shape;
    let form = Form { channels, size: height, crop: None, background };
    let pixels = read_square(path, &form).map_err(|error| error.to_string())?;
    Picture::from_chw(&pixels, channels, height, width)
        .ok_or_else(|| "the picture has the wrong size".to_owned())
}
