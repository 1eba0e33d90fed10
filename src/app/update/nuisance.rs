use crate::app::document::Document;
use crate::explore::{Codes, blend, draw_epsilon, draw_prior, reparametrised};
use crate::model::CodeBlock;

/// A nuisance sample: what each block of noise holds, and the epsilon of a code that is made of noise.
struct Sample<N, E> {
    noise: N,
    epsilon: E,
}

impl Document {
    /// Fills every nuisance block from `seed`; a code that is made of noise follows.
    pub(crate) fn set_nuisance_seed(&mut self, seed: u64) {
        self.set_nuisance(&of_seed(seed));
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

    /// Sets every nuisance value to 0; a code that is made of noise goes to the mean there.
    pub(crate) fn set_nuisance_neutral(&mut self) {
        let zero = |block: &CodeBlock| vec![block.neutral; block.dims];
        self.set_nuisance(&Sample { noise: zero, epsilon: |code: &CodeBlock| vec![0.0; code.dims] });
    }

    /// Draws the code that is made of noise anew, of the same noise.
    pub(crate) fn draw_new_epsilon(&mut self) {
        let Some(latent) = &self.latent else { return };
        let seed = self.nuisance.epsilon_seed.wrapping_sub(1);
        let held = latent.view().clone();
        let noise = |block: &CodeBlock| held.values(&block.name).to_vec();
        self.set_nuisance(&Sample { noise, epsilon: |code: &CodeBlock| draw_epsilon(code, seed) });
        self.nuisance.epsilon_seed = seed;
    }

    /// Sets the nuisance code between those of two seeds: 0 is the first, 1 the second.
    pub(crate) fn blend_nuisance(&mut self, from: u64, to: u64, at: f32) {
        let noise =
            |block: &CodeBlock| blend(block.kind, &draw_prior(block, from, 0), &draw_prior(block, to, 0), at);
        let epsilon =
            |code: &CodeBlock| blend(code.kind, &draw_epsilon(code, from), &draw_epsilon(code, to), at);
        self.set_nuisance(&Sample { noise, epsilon });
    }

    /// Whether [`Document::blend_nuisance`] would change nothing.
    pub(crate) fn is_nuisance_blend(&self, from: u64, to: u64, at: f32) -> bool {
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_ref()) else { return false };
        model.noise_blocks().all(|block| {
            let (start, end) = (draw_prior(block, from, 0), draw_prior(block, to, 0));
            blend(block.kind, &start, &end, at) == latent.values(&block.name)
        })
    }

    /// The codes shown with the nuisance sample of `seed`: one row. Where a code is made of the noise, it is the one that a click
    /// on the sample would set, with locked dimensions as they are.
    pub(crate) fn codes_of_nuisance(&self, seed: u64) -> Option<Codes> {
        self.codes_with(&of_seed(seed))
    }

    fn set_nuisance(
        &mut self,
        sample: &Sample<impl Fn(&CodeBlock) -> Vec<f32>, impl Fn(&CodeBlock) -> Vec<f32>>,
    ) {
        if self.nuisance.locked {
            return;
        }
        let Some(codes) = self.codes_with(sample) else { return };
        self.edit(|latent| {
            let fits = latent.set_all(&codes, 0);
            debug_assert!(fits.is_ok(), "{fits:?}");
        });
    }

    fn codes_with(
        &self,
        sample: &Sample<impl Fn(&CodeBlock) -> Vec<f32>, impl Fn(&CodeBlock) -> Vec<f32>>,
    ) -> Option<Codes> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let mut codes = latent.codes().clone();
        for block in model.noise_blocks() {
            let fits = codes.set_row(&block.name, 0, &latent.unlocked(&block.name, &(sample.noise)(block)));
            debug_assert!(fits.is_ok(), "{fits:?}");
        }
        let emission = model.description().emission().zip(model.opened.emitter.as_ref());
        let Some((emission, emitter)) = emission else { return Some(codes) };
        let code = emission.code;
        match emitter.emit(codes.row(&emission.noise.name, 0).unwrap_or_default()) {
            Ok((mean, logvar)) => {
                let drawn = reparametrised(&mean, &logvar, &(sample.epsilon)(code));
                let fits = codes.set_row(&code.name, 0, &latent.unlocked(&code.name, &drawn));
                // Weights that are no numbers make none.
                fits.is_ok().then_some(codes)
            }
            Err(error) => {
                log::warn!("{} cannot be made of {}: {error}", code.name, emission.noise.name);
                None
            }
        }
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

/// The sample that `seed` stands for.
fn of_seed(seed: u64) -> Sample<impl Fn(&CodeBlock) -> Vec<f32>, impl Fn(&CodeBlock) -> Vec<f32>> {
    Sample {
        noise: move |block: &CodeBlock| draw_prior(block, seed, 0),
        epsilon: move |code: &CodeBlock| draw_epsilon(code, seed),
    }
}
