use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError};

use super::log::About;
use super::paint::Surface;
use super::save::name;
use super::state::State;
use super::tasks::Task;
use crate::base::{Background, Cancel, Picture};
use crate::engine::Posterior;
use crate::explore::{Form, read_square};

/// A person's own picture on its way to a code.
#[derive(Default)]
pub(crate) struct PhotoState {
    reading: Option<(String, Task<Result<Picture, String>>)>,
    encoding: Option<(Photo, Receiver<Posterior>)>,
    /// The picture that the factors were taken from.
    pub(crate) shown: Option<Photo>,
}

/// A picture as the encoder sees it.
#[derive(Clone)]
pub(crate) struct Photo {
    pub(crate) name: String,
    pub(crate) surface: Surface,
}

impl PhotoState {
    /// Whether a picture is being read or encoded.
    pub(crate) fn is_waiting(&self) -> bool {
        self.reading.is_some() || self.encoding.is_some()
    }
}

impl State {
    /// Reads a picture, has it encoded, and sets the factors to what the encoder finds.
    pub(crate) fn start_from_photo(&mut self, path: PathBuf, ctx: &egui::Context) {
        let description = self.model.as_ref().map(|model| model.description());
        let Some((description, shape)) = description.and_then(|all| Some((all, all.encoder_shape()?))) else {
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

    /// Has `picture` encoded, and the factors set to what the encoder finds; `name` is for people.
    pub(crate) fn start_from(&mut self, name: String, picture: Arc<Picture>) {
        let Some(model) = &self.model else { return };
        let posterior = self.engine.encode(model.opened.epoch, Arc::clone(&picture));
        let surface = Surface::new();
        surface.show(picture, None);
        self.photo.encoding = Some((Photo { name, surface }, posterior));
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
        let Some(model) = &self.model else { return };
        let Some((photo, receiver)) = &self.photo.encoding else { return };
        match receiver.try_recv() {
            Ok(posterior) => {
                let photo = photo.clone();
                let block = model.description().encoded().unwrap_or_default().to_owned();
                self.log.succeed(About::Picture);
                self.log.info(format!("Set the factors to what the encoder finds in {}", photo.name));
                self.edit(|latent| {
                    let fits = latent.set_block(&block, &posterior.mu);
                    debug_assert!(fits.is_ok(), "{fits:?}");
                });
                self.photo.shown = Some(photo);
                self.photo.encoding = None;
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.log.fail(About::Picture, format!("The encoder gave no answer about {}", photo.name));
                self.photo.encoding = None;
            }
        }
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
