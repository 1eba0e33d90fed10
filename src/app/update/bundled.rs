use crate::app::document::Document;
use crate::app::document::follow::Follow;
use crate::app::log::About;
use crate::checkpoint::BundledModel;
use crate::engine::ModelSource;

impl Document {
    /// Puts a bundled model into a file, in the background, and opens it, or opens it beside the open one.
    pub(crate) fn open_bundled(&mut self, model: &'static BundledModel, is_beside: bool) {
        let then_open = self.then_open.clone();
        let device = self.model.as_ref().map(|model| model.opened.source.device.clone()).unwrap_or_default();
        let ctx = self.ctx().clone();
        self.start_job(format!("Unpacking {}", model.name), About::Model, &ctx, move || {
            let path = model.unpack_for_user().map_err(|error| error.to_string())?;
            let text = format!("Unpacked {}: {}", model.name, path.display());
            let source = ModelSource { device, ..ModelSource::file(path) };
            then_open.put(if is_beside { Follow::Beside(source) } else { Follow::Open(source) });
            Ok(text)
        });
    }
}
