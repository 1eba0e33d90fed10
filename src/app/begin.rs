use super::Options;
use super::keep::{Place, Session};
use super::log::About;
use super::state::{Start, State};
use crate::checkpoint::{BUNDLED, BundledModel};
use crate::engine::Source;

impl State {
    /// Opens what the window begins with: the model that was asked for, else that of the last session with everything
    /// as it was, else the best of those that the program brings along.
    pub(super) fn begin_with(&mut self, options: &Options, session: Session) {
        let codes = options.codes.clone().map(Place::from);
        if let Some(source) = &options.source {
            self.open(source.clone(), codes.map_or(Start::Fresh, |place| Start::At(Box::new(place))));
            return;
        }
        self.spare = options.begins_bundled.then(|| self.bundled(&options.device)).flatten();
        match session.restore() {
            Some(Ok((mut source, place))) => {
                if !options.device.is_empty() {
                    source.device.clone_from(&options.device);
                }
                self.open(source, Start::At(Box::new(codes.unwrap_or(place))));
                return;
            }
            Some(Err(missing)) => {
                let instead = if self.spare.is_some() { ", so another one is shown" } else { "" };
                let text = format!("the model of the last session is gone{instead}: {}", missing.display());
                self.log.warn(About::Keeping, text);
            }
            None => {}
        }
        if let Some(source) = self.spare.take() {
            self.open(source, codes.map_or(Start::Fresh, |place| Start::At(Box::new(place))));
        }
    }

    /// The best of the models that the program brings along, in a file of its own.
    fn bundled(&mut self, device: &str) -> Option<Source> {
        match BUNDLED.first().map(BundledModel::unpack_for_user)? {
            Ok(path) => Some(Source { device: device.to_owned(), ..Source::file(path) }),
            Err(error) => {
                self.log.fail(About::Keeping, error.to_string());
                None
            }
        }
    }
}
