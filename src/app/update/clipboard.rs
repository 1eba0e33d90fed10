use crate::app::clipboard::{from_json, to_json};
use crate::app::document::Document;
use crate::app::log::About;
use crate::base::typed_path;

impl Document {
    /// Puts the codes on the clipboard.
    pub(crate) fn copy_codes(&mut self) {
        if let Some(latent) = &self.latent {
            self.ctx().copy_text(to_json(latent.codes()));
            self.log.tell(About::Clipboard, "Copied the codes as JSON");
        }
    }

    /// Sets the codes from what was pasted, or opens the model that it names.
    pub(crate) fn paste(&mut self, text: &str) {
        let path = typed_path(text);
        if path.is_absolute() && path.exists() {
            self.open_path(path);
            return;
        }
        let Some(latent) = &self.latent else { return };
        match from_json(text, latent.codes()) {
            Ok(codes) => {
                self.log.succeed(About::Codes);
                self.adopt(&codes, 0);
            }
            Err(message) => self.log.warn(About::Codes, message),
        }
    }
}
