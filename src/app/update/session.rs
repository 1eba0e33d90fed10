use crate::app::Tool;
use crate::app::document::Document;
use crate::app::keep::session::{Place, Session, codes, values};

impl Document {
    /// Goes to `place`; whether its codes fit the model.
    pub(crate) fn go_to(&mut self, place: &Place) -> bool {
        let Some(latent) = &mut self.latent else { return false };
        let fits = codes(&place.codes, latent.codes()).is_some_and(|codes| latent.set_all(&codes, 0).is_ok());
        if !fits {
            return false;
        }
        for (block, dims) in &place.locked {
            dims.iter().for_each(|&dim| latent.set_locked(block, dim, true));
        }
        self.nuisance.locked = place.nuisance_locked;
        if let Some(seed) = place.nuisance_seed {
            self.nuisance.visit(seed);
        }
        if let Some(selected) = &place.selected {
            self.select(selected.clone());
            self.has_selected = self.has_selection();
        }
        true
    }

    /// The session as it is now; `None` without a model.
    pub(crate) fn session(&self, tool: Tool) -> Option<Session> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let blocks = &latent.description().codes;
        let locked = blocks.iter().map(|block| {
            let dims = (0..block.dims).filter(|&dim| latent.is_locked(&block.name, dim)).collect();
            (block.name.clone(), dims)
        });
        Some(Session {
            source: Some(model.opened.source.clone()),
            tool: tool.name().to_owned(),
            place: Place {
                codes: values(latent.codes()),
                locked: locked.filter(|(_, dims): &(_, Vec<usize>)| !dims.is_empty()).collect(),
                nuisance_seed: model.has_noise().then(|| self.nuisance.seed()),
                nuisance_locked: self.nuisance.locked,
                selected: self.has_selected.then(|| self.selected.clone()),
            },
        })
    }
}
