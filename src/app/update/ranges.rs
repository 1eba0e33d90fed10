use crate::app::document::Document;
use crate::app::document::ranges::{Ends, Key};
use crate::app::words::in_window;
use crate::explore::{RangeSpec, main_block};
use crate::model::CodeBlock;

impl Document {
    /// Keeps the ends of the rows up to date with the model and what is set up. Where nothing has changed this takes
    /// no time.
    pub(crate) fn update_ranges(&mut self) {
        self.traverse.ranges.receive();
        let spec = self.traverse.traversal.range();
        let Some(model) = self.model.as_ref().filter(|_| !is_written_out(spec)) else { return };
        let name = main_block(model.description());
        let Some(block) = name.and_then(|name| model.description().block(name)).cloned() else { return };
        let (model_id, profile) = (model.opened.model_id, model.profile.clone());
        let key = Key { model_id, block: block.name.clone(), spec, has_profile: profile.is_some() };
        let ranges = &mut self.traverse.ranges;
        if ranges.pending.is_some() || ranges.known.as_ref().is_some_and(|(known, _)| *known == key) {
            return; // What changes while something is worked out comes next.
        }
        ranges.resolutions += 1;
        let resolve = move || {
            let posterior = profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior));
            let ends = (0..block.dims).map(|dim| spec.resolve(&block, dim, posterior));
            ends.collect::<Result<_, _>>().map_err(|error| in_window(&error.to_string()))
        };
        if !matches!(spec, RangeSpec::Posterior(_)) {
            ranges.known = Some((key, resolve()));
            return;
        }
        let ctx = self.ctx().clone();
        match self.tasks.start("idgan-ranges", &ctx, move |_| resolve()) {
            Ok(task) => self.traverse.ranges.pending = Some((key, task)),
            Err(message) => self.traverse.ranges.known = Some((key, Err(message))),
        }
    }

    /// The ends of the rows of `dims` of `block`.
    pub(crate) fn row_ranges(&self, block: &CodeBlock, dims: &[usize]) -> Ends {
        let spec = self.traverse.traversal.range();
        let model_id = self.model.as_ref().map(|model| model.opened.model_id);
        match &self.traverse.ranges.known {
            _ if is_written_out(spec) => {
                let ends = dims.iter().map(|&dim| spec.resolve(block, dim, None));
                ends.collect::<Result<_, _>>().map_err(|error| error.to_string())
            }
            Some((key, ends)) if Some(key.model_id) == model_id && key.block == block.name => {
                let ends = ends.as_ref().map_err(Clone::clone)?;
                Ok(dims.iter().filter_map(|&dim| ends.get(dim).copied()).collect())
            }
            _ => Err("Working out where the data lies…".to_owned()),
        }
    }
}

/// Whether the range says its ends itself.
fn is_written_out(spec: RangeSpec) -> bool {
    matches!(spec, RangeSpec::Fixed(..))
}
