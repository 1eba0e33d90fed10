use std::path::Path;

use crate::app::document::Document;
use crate::app::document::recipe::Recipe;
use crate::app::document::table::Table;
use crate::app::document::traverse::Figure;
use crate::explore::{Codes, RangeSpec, Traversal, draw_prior, main_block};
use crate::figures;
use crate::figures::{Base, Cells, ChainChoice, Names, TraversalRequest};
use crate::model::{ChainId, CodeBlock, CodeKind};

impl Document {
    /// The traversal that is set up, of the codes shown.
    pub(crate) fn traversal(&self) -> Result<Traversal, String> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref()).ok_or("open a model first")?;
        let description = model.description();
        let name = main_block(description).ok_or("this model has no codes to traverse")?;
        let block = description.block(name).ok_or("this model has no codes to traverse")?;
        let is_shown = |dim: &usize| self.traverse.traversal.with_collapsed || model.is_active(name, *dim);
        let order = model.order(block, self.settings.sort_by_information);
        let mut dims = order.clone();
        dims.retain(is_shown);
        if dims.is_empty() {
            dims = order; // A model that has learnt nothing yet.
        }
        let ranges = self.row_ranges(block, &dims)?;
        let steps = self.traverse.traversal.steps.clamp(1, 64);
        let base = latent.codes().clone();
        Ok(Traversal {
            block: name.to_owned(),
            dims,
            ranges,
            steps,
            base,
            mode: self.traverse.traversal.mode,
        })
    }

    /// The table of pictures that is set up; none for an animation.
    pub(crate) fn table(&self) -> Result<Table, String> {
        match self.traverse.figure {
            Figure::Matrix => self.code_matrix().map(Table::Matrix),
            Figure::Traversal | Figure::Animation => self.traversal().map(Table::Traversal),
        }
    }

    /// What draws `traversal` into a file.
    pub(crate) fn traversal_recipe(&self, traversal: &Traversal, range: RangeSpec) -> Option<Recipe> {
        let (request, codes) = self.traversal_request(traversal, range)?;
        Some(Recipe::new(&self.model.as_ref()?.opened, figures::Figure::Traversal(request), codes))
    }

    /// The request for `traversal`, and the codes that it starts from where they have to be read from a file.
    pub(crate) fn traversal_request(
        &self,
        traversal: &Traversal,
        range: RangeSpec,
    ) -> Option<(TraversalRequest, Option<Codes>)> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let dims: Vec<String> = traversal.dims.iter().map(ToString::to_string).collect();
        let names: Vec<&str> = traversal.dims.iter().map(|&dim| latent.name(&traversal.block, dim)).collect();
        let is_named = names.iter().any(|name| !name.is_empty());
        let chain = self.figure_chain()?;
        let seed = model.takes_noise(chain).then_some(self.nuisance.seed());
        let is_plain = |block: &CodeBlock| match (block.kind, seed) {
            (CodeKind::Noise, Some(seed)) => draw_prior(block, seed, 0) == latent.values(&block.name),
            (CodeKind::Noise, None) => true,
            _ => latent.neutral(&block.name) == latent.values(&block.name),
        };
        let is_plain = model.description().codes.iter().all(is_plain);
        let request = TraversalRequest {
            block: Some(traversal.block.clone()),
            dims: dims.join(","),
            names: is_named.then(|| Names::new(names)),
            order: None,
            range: Some(range),
            steps: u16::try_from(traversal.steps).ok()?,
            mode: traversal.mode,
            base: Base::Neutral,
            s_seed: seed.filter(|_| is_plain),
            decoder: Some(ChainChoice::Named(model.name_of(chain).to_owned())),
            frame_ms: TraversalRequest::FRAME_MS,
            cells: Cells::default(),
        };
        Some((request, (!is_plain).then(|| traversal.base.clone())))
    }

    /// The chain that draws traversals and animations: the one that was chosen, else the main one of those that take the
    /// code that is traversed.
    pub(crate) fn figure_chain(&self) -> Option<ChainId> {
        let model = self.model.as_ref()?;
        let block = main_block(model.description());
        model.shown(self.traverse.chain.as_deref(), block.as_slice())
    }

    /// Draws the traversal shown into a file.
    pub(crate) fn export_traversal(&mut self, path: &Path, ctx: &egui::Context) {
        let recipe = self.traversal().and_then(|traversal| {
            let recipe = self.traversal_recipe(&traversal, self.traverse.traversal.range());
            recipe.ok_or_else(|| "open a model first".to_owned())
        });
        self.export(recipe, path, "traversal", ctx);
    }
}
