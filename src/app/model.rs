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
    /// Without statistics: how much each dimension moves the picture.
    pub(crate) sensed: Option<Arc<Sensitivity>>,
    /// Whether all that can be known without the person's doing is known.
    pub(crate) is_described: bool,
}

impl ModelView {
    pub(crate) fn new(opened: Arc<Opened>) -> Self {
        Self { opened, profile: None, sensed: None, is_described: false }
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

    /// Whether dimension `dim` of `block` carries anything; true as long as nobody knows.
    pub(crate) fn is_active(&self, block: &str, dim: usize) -> bool {
        if let Some(profile) = self.dimension(block, dim) {
            return profile.is_active;
        }
        self.sensed.as_ref().filter(|sensed| sensed.block == block).is_none_or(|sensed| sensed.is_active(dim))
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
