use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain_words::ChainWords;
use crate::engine::{DimensionProfile, Opened, Profile, Sensitivity};
use crate::model::{ChainId, CodeBlock, CodeKind, ModelDescription};

/// The open model as the window shows it.
#[derive(Clone, Debug)]
pub(crate) struct ModelView {
    pub(crate) opened: Arc<Opened>,
    /// What the data says about the encoded block, once worked out.
    pub(crate) profile: Option<Arc<Profile>>,
    /// How much each dimension moves the picture, where statistics alone do not say what it does.
    pub(crate) sensed: Option<Arc<Sensitivity>>,
    /// The order of the sliders of each block by information, where it is to stay as it was.
    kept_order: BTreeMap<String, Vec<usize>>,
    /// Whether all that can be known without the person's doing is known.
    pub(crate) is_described: bool,
}

impl ModelView {
    pub(crate) fn new(opened: Arc<Opened>) -> Self {
        Self { opened, profile: None, sensed: None, kept_order: BTreeMap::new(), is_described: false }
    }

    /// The same model read again, as a run writes it: sliders stay in the order that they had in `old`, and what was known of
    /// them holds until more is.
    pub(crate) fn read_again(opened: Arc<Opened>, old: &Self) -> Self {
        let is_same = |block: &&CodeBlock| opened.description.block(&block.name) == Some(*block);
        let sorted = old.slider_blocks().filter(|_| old.can_sort()).filter(is_same);
        let kept_order = sorted.map(|block| (block.name.clone(), old.order(block, true))).collect();
        let fits = |name: &str| opened.description.block(name) == old.description().block(name);
        let profile = old.profile.clone().filter(|profile| fits(&profile.block));
        let sensed = old.sensed.clone().filter(|sensed| fits(&sensed.block));
        Self { opened, profile, sensed, kept_order, is_described: false }
    }

    /// From now on sliders are ordered by what is known now.
    pub(crate) fn sort_anew(&mut self) {
        self.kept_order.clear();
    }

    /// Takes in that all is known that can be without the person's doing: what is left of the model before is no longer true.
    pub(crate) fn on_described(&mut self) {
        self.is_described = true;
        let model_id = self.opened.model_id;
        self.profile.take_if(|profile| profile.model_id != model_id);
        self.sensed.take_if(|sensed| sensed.model_id != model_id);
    }

    pub(crate) fn description(&self) -> &ModelDescription {
        &self.opened.description
    }

    /// Blocks with a slider for each dimension.
    pub(crate) fn slider_blocks(&self) -> impl Iterator<Item = &CodeBlock> {
        let is_slider = |block: &&CodeBlock| matches!(block.kind, CodeKind::Gaussian | CodeKind::Uniform);
        self.description().codes.iter().filter(is_slider)
    }

    /// Blocks of which one value is picked.
    pub(crate) fn choice_blocks(&self) -> impl Iterator<Item = &CodeBlock> {
        self.description().codes.iter().filter(|block| block.kind == CodeKind::OneHot)
    }

    /// Blocks that are resampled as a whole.
    pub(crate) fn noise_blocks(&self) -> impl Iterator<Item = &CodeBlock> {
        self.description().codes.iter().filter(|block| block.kind == CodeKind::Noise)
    }

    pub(crate) fn has_noise(&self) -> bool {
        self.noise_blocks().next().is_some()
    }

    /// What the data says about dimension `dim` of `block`.
    pub(crate) fn dimension(&self, block: &str, dim: usize) -> Option<&DimensionProfile> {
        self.profile.as_ref().filter(|profile| profile.block == block)?.dims.get(dim)
    }

    /// What dimensions are ordered by: information over the data in nats, else how much the picture moves.
    pub(crate) fn weight(&self, block: &str, dim: usize) -> Option<f64> {
        if let Some(profile) = self.dimension(block, dim) {
            return Some(f64::from(profile.kl));
        }
        self.sensed.as_ref().filter(|sensed| sensed.block == block)?.moved.get(dim).copied()
    }

    /// Whether dimension `dim` of `block` is read from the data or moves the picture, whatever of it is known; true as long as
    /// nothing is.
    pub(crate) fn is_active(&self, block: &str, dim: usize) -> bool {
        let is_read = self.dimension(block, dim).map(|profile| profile.is_active);
        let sensed = self.sensed.as_ref().filter(|sensed| sensed.block == block);
        let moves = sensed.map(|sensed| sensed.is_active(dim));
        match (is_read, moves) {
            (None, None) => true,
            (is_read, moves) => is_read.unwrap_or(false) || moves.unwrap_or(false),
        }
    }

    /// Whether anything is known to order the dimensions by.
    pub(crate) fn can_sort(&self) -> bool {
        self.profile.is_some() || self.sensed.is_some()
    }

    /// Lowest and highest value of the slider of dimension `dim` of `block`.
    pub(crate) fn range(&self, block: &CodeBlock, dim: usize) -> [f32; 2] {
        self.dimension(&block.name, dim).map_or(block.range, |profile| profile.range)
    }

    /// Dimensions of `block` in the order of their sliders.
    pub(crate) fn order(&self, block: &CodeBlock, by_information: bool) -> Vec<usize> {
        if by_information && let Some(kept) = self.kept_order.get(&block.name) {
            return kept.clone();
        }
        let mut order: Vec<usize> = (0..block.dims).collect();
        if by_information {
            let weight = |dim: usize| self.weight(&block.name, dim).unwrap_or_default();
            order.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        }
        order
    }

    /// The chain whose picture is shown: the one called `name` where the model has it, else the main one of those that
    /// run and take all the blocks `takes`.
    pub(crate) fn shown(&self, name: Option<&str>, takes: &[&str]) -> Option<ChainId> {
        let description = self.description();
        let runs = |id: &ChainId| self.opened.shape(*id).is_some();
        let named = name.and_then(|name| description.shown(Some(name), &[]).ok()).filter(runs);
        let first = || description.shown(None, takes).ok().filter(runs);
        named.or_else(first).or_else(|| self.chains().next())
    }

    /// The chain whose picture stands for the model.
    pub(crate) fn main_chain(&self) -> Option<ChainId> {
        self.shown(None, &[])
    }

    /// Render chains that run, the main one first.
    pub(crate) fn chains(&self) -> impl Iterator<Item = ChainId> {
        self.opened.chains()
    }

    /// Whether a chain takes a code that is resampled as a whole.
    pub(crate) fn takes_noise(&self, chain: ChainId) -> bool {
        let inputs = self.description().inputs(self.name_of(chain));
        self.noise_blocks().any(|block| inputs.contains(&block.name.as_str()))
    }

    /// What a chain is called in files and on the command line.
    pub(crate) fn name_of(&self, chain: ChainId) -> &str {
        self.description().render_chain(chain).map_or("", |chain| chain.name.as_str())
    }

    /// What a chain is called here.
    pub(crate) fn words(&self, chain: ChainId) -> ChainWords {
        ChainWords::of(self.description(), chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Array;
    use crate::engine::ModelSource;
    use crate::explore::Posterior;
    use crate::model::Stats;

    #[test]
    fn what_moves_the_picture_is_active_although_the_data_do_not_say_so() {
        let c = CodeBlock::disentangled(3);
        let description =
            ModelDescription { codes: vec![c.clone()], ..ModelDescription::empty("model".to_owned()) };
        let mut view = ModelView::new(Arc::new(Opened {
            model_id: 1,
            source: ModelSource::file("model.safetensors"),
            description,
            stats: None,
            hash: String::new(),
            device: "CPU".to_owned(),
            unsaid: Default::default(),
            shapes: BTreeMap::new(),
            read: ["c".to_owned()].into(),
            emitter: None,
        }));
        let active = |view: &ModelView| [0, 1, 2].map(|dim| view.is_active("c", dim));
        assert_eq!(active(&view), [true; 3], "nothing is known yet");
        let array = |shape: &[usize], data: &[f32]| Array::new(shape, data.to_vec()).expect("fits");
        let stats = Stats {
            mu: array(&[2, 3], &[-1.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
            logvar: Array::zeros([2, 3]),
            kl: array(&[3], &[0.5, 0.0, 0.0]),
        };
        view.profile = Some(Arc::new(Profile::new(1, "c", Posterior::new(&stats, &c).expect("valid"))));
        assert_eq!(active(&view), [true, false, false]);
        view.sensed =
            Some(Arc::new(Sensitivity { model_id: 1, block: "c".to_owned(), moved: vec![0.0, 0.2, 0.001] }));
        assert_eq!(active(&view), [true, true, false]);
    }
}
