use crate::app::document::Document;
use crate::app::document::selection::Dimension;
use crate::app::model::ModelView;

impl Document {
    /// Makes `dimension` the one that keys, wheel and pictures move.
    pub(crate) fn select(&mut self, dimension: Dimension) {
        self.selected = dimension;
        self.has_selected = true;
    }

    /// Selects what says most about the pictures, as far as that is known, unless the person has made a choice.
    pub(crate) fn select_first(&mut self) {
        let Some(model) = self.model.as_ref().filter(|_| !self.has_selected) else { return };
        self.selected = most_informative(model);
    }

    /// Whether there is a selected dimension in this model.
    pub(crate) fn has_selection(&self) -> bool {
        let block = self.model.as_ref().and_then(|model| model.description().block(&self.selected.block));
        block.is_some_and(|block| self.selected.dim < block.dims)
    }

    /// Moves the selected dimension by `fraction` of its range.
    pub(crate) fn nudge(&mut self, fraction: f32) {
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_ref()) else { return };
        let Dimension { block, dim } = self.selected.clone();
        let Some(description) = model.description().block(&block) else { return };
        let Some(&old) = latent.values(&block).get(dim) else { return };
        let [low, high] = model.range(description, dim);
        let value = (old + (high - low) * fraction).clamp(low.min(old), high.max(old));
        self.set_value(&block, dim, value);
    }

    /// Selects the next or previous dimension in the order of the sliders.
    pub(crate) fn select_next(&mut self, backwards: bool) {
        let Some(model) = &self.model else { return };
        let by_information = self.settings.sort_by_information;
        let all: Vec<Dimension> = model
            .slider_blocks()
            .flat_map(|block| {
                let of = |dim| Dimension { block: block.name.clone(), dim };
                model.order(block, by_information).into_iter().map(of)
            })
            .collect();
        let at = all.iter().position(|dimension| *dimension == self.selected);
        let next = match (at, backwards) {
            (None, _) => 0,
            (Some(at), true) => at.saturating_sub(1),
            (Some(at), false) => (at + 1).min(all.len().saturating_sub(1)),
        };
        if let Some(dimension) = all.into_iter().nth(next) {
            self.select(dimension);
        }
    }
}

/// The slider that comes first in the order of information; nothing where there are no sliders.
fn most_informative(model: &ModelView) -> Dimension {
    let first = model.slider_blocks().next();
    let dimension = |block: &crate::model::CodeBlock| Dimension {
        block: block.name.clone(),
        dim: model.order(block, true).first().copied().unwrap_or_default(),
    };
    first.map(dimension).unwrap_or_default()
}
