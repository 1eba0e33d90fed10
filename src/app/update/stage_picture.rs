use std::path::PathBuf;

use egui::ColorImage;

use crate::app::document::Document;
use crate::app::document::stage_picture::{StagePicture, StageTarget, cut};
use crate::app::log::About;
use crate::app::update::save::name;
use crate::base::Picture;
use crate::figures::export::{Colour, write_png};

impl Document {
    /// Takes a picture of the stage as soon as nothing lies over it.
    pub(crate) fn picture_stage(&mut self, target: StageTarget) {
        self.stage_picture.wanted = Some((target, StagePicture::FRAMES));
        self.ctx().request_repaint();
    }

    /// Asks for the window's pixels once it is time, and takes in those that have come.
    pub(crate) fn follow_stage_picture(&mut self, ctx: &egui::Context) {
        match self.stage_picture.wanted.take() {
            Some((target, 0)) => {
                let (taken, waker) = (self.stage_picture.taken.clone(), ctx.clone());
                ctx.request_screenshot(move |window| {
                    taken.put((target, window));
                    waker.request_repaint();
                });
                // The window's pixels are taken when it is drawn next.
                ctx.request_repaint();
            }
            Some((target, frames)) => {
                self.stage_picture.wanted = Some((target, frames - 1));
                ctx.request_repaint();
            }
            None => {}
        }
        let Some((target, window)) = self.stage_picture.taken.take() else { return };
        let area = self.stage_picture.area.unwrap_or_else(|| ctx.content_rect());
        let Some(picture) = cut(&window, area, ctx.pixels_per_point()) else { return };
        match target {
            StageTarget::Clipboard => {
                let size = [picture.width(), picture.height()];
                ctx.copy_image(ColorImage::from_rgba_unmultiplied(size, picture.rgba()));
                self.log.tell(About::Clipboard, "Copied the stage as a picture".to_owned());
            }
            StageTarget::File(path) => self.save_stage(path, picture, ctx),
        }
    }

    fn save_stage(&mut self, path: PathBuf, picture: Picture, ctx: &egui::Context) {
        let command = vec!["idgan".to_owned(), "explore".to_owned()];
        let Some(provenance) = self.provenance(command) else { return };
        self.start_job(format!("Saving {}", name(&path)), About::Files, ctx, move || {
            write_png(&path, &picture, Colour::Rgb, &provenance).map_err(|error| error.to_string())?;
            Ok(format!("Saved the stage as it is shown: {}", path.display()))
        });
    }
}
