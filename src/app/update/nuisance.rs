use crate::app::document::Document;
use crate::explore::{blend, draw_prior};
use crate::model::CodeBlock;

impl Document {
    /// Fills every nuisance block from `seed`.
    pub(crate) fn set_nuisance_seed(&mut self, seed: u64) {
        self.set_nuisance(|block| draw_prior(block, seed, 0));
    }

    /// Draws a nuisance code that was not seen yet.
    pub(crate) fn draw_nuisance(&mut self) {
        let seed = self.nuisance.fresh();
        self.set_nuisance_seed(seed);
    }

    /// Goes back to the nuisance code seen before.
    pub(crate) fn nuisance_back(&mut self) {
        let seed = self.nuisance.back();
        self.set_nuisance_seed(seed);
    }

    /// Goes forward through the nuisance codes seen.
    pub(crate) fn nuisance_forward(&mut self) {
        let seed = self.nuisance.forward();
        self.set_nuisance_seed(seed);
    }

    /// Sets every nuisance value to 0.
    pub(crate) fn set_nuisance_neutral(&mut self) {
        self.set_nuisance(|block| vec![block.neutral; block.dims]);
    }

    /// Sets the nuisance code between those of two seeds: 0 is the first, 1 the second.
    pub(crate) fn blend_nuisance(&mut self, from: u64, to: u64, at: f32) {
        self.set_nuisance(|block| {
            let (start, end) = (draw_prior(block, from, 0), draw_prior(block, to, 0));
            blend(block.kind, &start, &end, at)
        });
    }

    /// Whether [`Document::blend_nuisance`] would change nothing.
    pub(crate) fn is_nuisance_blend(&self, from: u64, to: u64, at: f32) -> bool {
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_ref()) else { return false };
        model.noise_blocks().all(|block| {
            let (start, end) = (draw_prior(block, from, 0), draw_prior(block, to, 0));
            blend(block.kind, &start, &end, at) == latent.values(&block.name)
        })
    }

    fn set_nuisance(&mut self, values: impl Fn(&CodeBlock) -> Vec<f32>) {
        let Some(model) = &self.model else { return };
        if self.nuisance.locked {
            return;
        }
        let new: Vec<_> = model.noise_blocks().map(|block| (block.name.clone(), values(block))).collect();
        self.edit(|latent| {
            for (name, values) in &new {
                let fits = latent.set_block(name, values);
                debug_assert!(fits.is_ok(), "{fits:?}");
            }
        });
    }

    /// Finds the seed that gives the nuisance code shown, if any that was seen does.
    pub(crate) fn find_nuisance_seed(&mut self) {
        let model = self.model.as_ref().zip(self.latent.as_ref());
        let noise = model.and_then(|(model, latent)| Some((model.noise_blocks().next()?, latent)));
        self.nuisance.shown = noise.and_then(|(block, latent)| {
            self.nuisance.find(latent.values(&block.name), |seed| draw_prior(block, seed, 0))
        });
    }
}
