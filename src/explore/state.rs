use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::model::{CodeKind, ModelDescription};

use super::{
    CodeSource, Codes, CodesError, Posterior, SourcePictures, draw_posterior, draw_prior, neutral_values,
};

/// Steps back that are kept.
const HISTORY: usize = 500;

/// The code that the explorer shows, with locks and names: what a [`LatentState`] is at a moment.
///
/// A clone costs two counters, so whoever draws it can keep one while the state changes.
#[derive(Clone, Debug)]
pub struct LatentView {
    description: Arc<ModelDescription>,
    now: Arc<Snapshot>,
}

/// The code that the explorer shows, and everything that was done to it. What is shown is read through the
/// [`LatentView`] that it dereferences to.
///
/// A change is one step of undo. A drag is many changes and one step: call [`LatentState::begin`] when the mouse
/// goes down and [`LatentState::end`] when it goes up.
#[derive(Debug)]
pub struct LatentState {
    view: LatentView,
    past: Vec<Arc<Snapshot>>,
    future: Vec<Arc<Snapshot>>,
    /// The state before the drag in progress.
    before: Option<Arc<Snapshot>>,
}

/// Codes, locks and names.
#[derive(Clone, Debug, PartialEq)]
struct Snapshot {
    codes: Codes,
    locked: BTreeMap<String, Vec<bool>>,
    names: BTreeMap<String, Vec<String>>,
}

impl LatentView {
    /// The model that the code belongs to.
    pub fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// The code: one row.
    pub fn codes(&self) -> &Codes {
        &self.now.codes
    }

    /// The values of a block; empty when the model has no such block.
    pub fn values(&self, block: &str) -> &[f32] {
        self.now.codes.row(block, 0).unwrap_or(&[])
    }

    /// Whether a dimension is locked: random draws, resets and loaded codes leave it alone.
    pub fn is_locked(&self, block: &str, dim: usize) -> bool {
        self.now.locked.get(block).and_then(|locked| locked.get(dim)).is_some_and(|&locked| locked)
    }

    /// The name somebody gave to a dimension; empty when nobody did.
    pub fn name(&self, block: &str, dim: usize) -> &str {
        self.now.names.get(block).and_then(|names| names.get(dim)).map_or("", String::as_str)
    }

    /// What to call a dimension: its name, or block and index.
    pub fn label(&self, block: &str, dim: usize) -> String {
        match self.name(block, dim) {
            "" => format!("{block}{dim}"),
            name => name.to_owned(),
        }
    }

    /// Whether [`LatentState::reset`] would change anything.
    pub fn is_reset(&self, block: &str, dim: usize) -> bool {
        let neutral = self.description.block(block).map(|block| block.neutral);
        self.values(block).get(dim).copied() == neutral
    }

    /// The values of every dimension of a block when nothing was done to it.
    pub fn neutral(&self, block: &str) -> Vec<f32> {
        self.description.block(block).map(neutral_values).unwrap_or_default()
    }

    /// `values` for `block`, with those that are locked as they are.
    pub fn unlocked(&self, block: &str, values: &[f32]) -> Vec<f32> {
        // A choice is locked as a whole: half of one is none.
        let one_hot = self.description.block(block).is_some_and(|block| block.kind == CodeKind::OneHot);
        let any_locked = (0..values.len()).any(|dim| self.is_locked(block, dim));
        let old = self.values(block);
        let keep = |dim| if one_hot { any_locked } else { self.is_locked(block, dim) };
        values.iter().enumerate().map(|(dim, &value)| if keep(dim) { old[dim] } else { value }).collect()
    }
}

impl Deref for LatentState {
    type Target = LatentView;

    fn deref(&self) -> &LatentView {
        &self.view
    }
}

impl LatentState {
    /// The neutral code of a model: nothing locked, dimensions named as the model says; where it makes pictures of pictures, of a
    /// black one.
    pub fn new(description: ModelDescription) -> Self {
        let names = |block: &crate::model::CodeBlock| {
            let mut names = block.labels.clone();
            names.resize(block.dims, String::new());
            names
        };
        let mut codes = Codes::neutral(&description, 1);
        if let Some(black) = description.source_shape().and_then(|shape| SourcePictures::black(shape, 1)) {
            let fits = codes.set_pictures(black);
            debug_assert!(fits.is_ok(), "{fits:?}");
        }
        let now = Snapshot {
            codes,
            locked: description
                .codes
                .iter()
                .map(|block| (block.name.clone(), vec![false; block.dims]))
                .collect(),
            names: description.codes.iter().map(|block| (block.name.clone(), names(block))).collect(),
        };
        let view = LatentView { description: Arc::new(description), now: Arc::new(now) };
        Self { view, past: Vec::new(), future: Vec::new(), before: None }
    }

    /// The same state, with locks, names and steps, of the same model read again; `None` where that has other codes.
    pub fn read_again(mut self, description: &ModelDescription) -> Option<Self> {
        let blocks = |description: &ModelDescription| -> Vec<_> {
            description.codes.iter().map(|block| (block.name.clone(), block.dims, block.kind)).collect()
        };
        if blocks(&self.description) != blocks(description) {
            return None;
        }
        self.view.description = Arc::new(description.clone());
        Some(self)
    }

    /// What is shown at this moment.
    pub fn view(&self) -> &LatentView {
        &self.view
    }

    /// Sets one value; a locked dimension is set too, since somebody took hold of it. For a one-hot block any
    /// value chooses `dim`.
    ///
    /// # Errors
    /// When the block or dimension does not exist or the value is not finite.
    pub fn set(&mut self, block: &str, dim: usize, value: f32) -> Result<(), CodesError> {
        let kind = self.description.block(block).map(|block| block.kind);
        let mut values = self.codes().row(block, 0)?.to_vec();
        let expected = values.len();
        let Some(slot) = values.get_mut(dim) else {
            return Err(CodesError::Width { name: block.into(), expected, actual: dim + 1 });
        };
        *slot = value;
        if kind == Some(CodeKind::OneHot) {
            values.iter_mut().enumerate().for_each(|(i, value)| *value = if i == dim { 1.0 } else { 0.0 });
        }
        let mut codes = self.codes().clone();
        codes.set_row(block, 0, &values)?;
        self.change(|now| now.codes = codes);
        Ok(())
    }

    /// Replaces a block's values except the locked ones.
    ///
    /// # Errors
    /// When the block does not exist, the width does not fit, or a value is not finite.
    pub fn set_block(&mut self, block: &str, values: &[f32]) -> Result<(), CodesError> {
        let mut codes = self.codes().clone();
        // What is locked keeps its value, but what does not fit is refused all the same.
        codes.set_row(block, 0, values)?;
        codes.set_row(block, 0, &self.unlocked(block, values))?;
        self.change(|now| now.codes = codes);
        Ok(())
    }

    /// Replaces the picture that others are made of.
    ///
    /// # Errors
    /// When it is not one picture.
    pub fn set_picture(&mut self, picture: SourcePictures) -> Result<(), CodesError> {
        let mut codes = self.codes().clone();
        codes.set_pictures(picture)?;
        self.change(|now| now.codes = codes);
        Ok(())
    }

    /// Takes row `row` of `codes` for every block, except locked values, as one step.
    ///
    /// # Errors
    /// When the codes belong to another model; nothing changes then.
    ///
    /// # Panics
    /// When `row` is not below `codes.rows()`.
    pub fn set_all(&mut self, codes: &Codes, row: usize) -> Result<(), CodesError> {
        let mut taken = self.codes().clone();
        for block in &self.description.codes {
            let values = codes.row(&block.name, row)?;
            taken.set_row(&block.name, 0, values)?;
            taken.set_row(&block.name, 0, &self.unlocked(&block.name, values))?;
        }
        self.change(|now| now.codes = taken);
        Ok(())
    }

    /// Sets a dimension back to its neutral value.
    ///
    /// # Errors
    /// As [`LatentState::set`].
    pub fn reset(&mut self, block: &str, dim: usize) -> Result<(), CodesError> {
        let neutral = self.description.block(block).map_or(0.0, |block| block.neutral);
        self.set(block, dim, neutral)
    }

    /// Sets every unlocked dimension of every block back to its neutral value, as one step.
    pub fn reset_all(&mut self) {
        let neutral = Codes::neutral(&self.description, 1);
        let fitted = self.set_all(&neutral, 0);
        debug_assert!(fitted.is_ok(), "the neutral code belongs to the model");
    }

    /// Draws a block anew, except locked values. `posterior` holds the statistics of this block; without it the
    /// prior is used.
    ///
    /// # Errors
    /// When the block does not exist.
    pub fn draw(
        &mut self,
        block: &str,
        source: CodeSource,
        posterior: Option<&Posterior>,
        seed: u64,
    ) -> Result<(), CodesError> {
        let Some(wanted) = self.description.block(block) else {
            return self.codes().block(block).map(|_| ());
        };
        let values = match (source, posterior) {
            (CodeSource::Posterior, Some(posterior)) => draw_posterior(wanted, posterior, seed, 0),
            _ => draw_prior(wanted, seed, 0),
        };
        self.set_block(block, &values)
    }

    /// Locks or frees a dimension.
    pub fn set_locked(&mut self, block: &str, dim: usize, locked: bool) {
        self.change(|now| {
            if let Some(slot) = now.locked.get_mut(block).and_then(|all| all.get_mut(dim)) {
                *slot = locked;
            }
        });
    }

    /// Names a dimension; an empty name takes the name away.
    pub fn rename(&mut self, block: &str, dim: usize, name: &str) {
        self.change(|now| {
            if let Some(slot) = now.names.get_mut(block).and_then(|all| all.get_mut(dim)) {
                name.trim().clone_into(slot);
            }
        });
    }

    /// Starts a drag: everything until [`LatentState::end`] is one step.
    pub fn begin(&mut self) {
        if self.before.is_none() {
            self.before = Some(Arc::clone(&self.view.now));
        }
    }

    /// Ends a drag.
    pub fn end(&mut self) {
        if let Some(before) = self.before.take() {
            self.remember(before);
        }
    }

    /// Goes back one step; whether there was one.
    pub fn undo(&mut self) -> bool {
        self.end();
        let Some(previous) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(&mut self.view.now, previous));
        true
    }

    /// Goes forward one step again; whether there was one.
    pub fn redo(&mut self) -> bool {
        self.end();
        let Some(next) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(&mut self.view.now, next));
        true
    }

    /// Makes the state as it is now the first one: what was done before cannot be undone.
    pub fn forget_steps(&mut self) {
        self.before = None;
        self.past.clear();
        self.future.clear();
    }

    /// Whether there is a step to go back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty() || self.before.as_ref().is_some_and(|before| *before != self.view.now)
    }

    /// Whether there is a step to go forward.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    fn change(&mut self, edit: impl FnOnce(&mut Snapshot)) {
        let before = self.before.is_none().then(|| Arc::clone(&self.view.now));
        edit(Arc::make_mut(&mut self.view.now));
        if let Some(before) = before {
            self.remember(before);
        }
    }

    /// Makes `before` the last step back, unless nothing has changed since.
    fn remember(&mut self, before: Arc<Snapshot>) {
        if before == self.view.now {
            return;
        }
        self.future.clear();
        self.past.push(before);
        if self.past.len() > HISTORY {
            self.past.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    #[test]
    fn steps_are_undone_and_redone_in_order() {
        let mut state = LatentState::new(toy::description());
        assert!(!state.can_undo() && !state.undo() && !state.redo());
        state.set("c", 0, 1.0).expect("fits");
        state.set("c", 1, 2.0).expect("fits");
        state.rename("c", 1, " azimuth ");
        assert_eq!(state.label("c", 1), "azimuth");
        assert!(state.undo() && state.undo());
        assert_eq!((state.values("c"), state.label("c", 1)), (&[1.0, 0.0, 0.0][..], "c1".to_owned()));
        assert!(state.redo());
        assert_eq!(state.values("c"), [1.0, 2.0, 0.0]);
        state.set("c", 2, 3.0).expect("fits");
        assert!(!state.can_redo() && !state.redo());
        while state.undo() {}
        assert_eq!(state.values("c"), [0.0; 3]);
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut state = LatentState::new(toy::description());
        state.begin();
        for k in 0..100 {
            state.set("c", 0, k as f32 / 100.0).expect("fits");
        }
        assert!(state.can_undo());
        state.end();
        assert_eq!(state.values("c")[0], 0.99);
        assert!(state.undo());
        assert_eq!(state.values("c")[0], 0.0);
        assert!(!state.can_undo() && state.redo());
        assert_eq!(state.values("c")[0], 0.99);
        state.begin();
        state.end();
        assert!(state.undo() && !state.undo());
    }

    #[test]
    fn what_changes_nothing_is_no_step() {
        let mut state = LatentState::new(toy::description());
        state.set("c", 0, 0.0).expect("fits");
        state.reset_all();
        state.set_locked("c", 9, true);
        assert!(!state.can_undo());
        assert!(state.is_reset("c", 0));
    }

    #[test]
    fn locked_values_survive_draws_and_resets() {
        let mut state = LatentState::new(toy::description());
        state.set("c", 1, 0.25).expect("fits");
        state.set_locked("c", 1, true);
        state.draw("c", CodeSource::Prior, None, 5).expect("has c");
        assert_eq!(state.values("c")[1], 0.25);
        assert_ne!(state.values("c")[0], 0.0);
        state.reset_all();
        assert_eq!(state.values("c"), [0.0, 0.25, 0.0]);
        assert!(state.undo());
        assert_ne!(state.values("c")[0], 0.0);
    }

    #[test]
    fn a_choice_stays_a_choice() {
        let mut state = LatentState::new(toy::infogan());
        state.set("k", 2, 0.7).expect("fits");
        assert_eq!(state.values("k"), [0.0, 0.0, 1.0, 0.0]);
        state.set_locked("k", 0, true);
        state.draw("k", CodeSource::Prior, None, 1).expect("has k");
        assert_eq!(state.values("k"), [0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn codes_of_another_model_change_nothing() {
        let mut state = LatentState::new(toy::description());
        let other = Codes::neutral(&toy::infogan(), 1);
        assert!(state.set_all(&other, 0).is_err());
        assert!(state.set("c", 3, 1.0).is_err() && state.set("c", 0, f32::NAN).is_err());
        assert!(!state.can_undo());
    }

    #[test]
    fn a_model_read_again_keeps_everything_unless_its_codes_differ() {
        let mut state = LatentState::new(toy::description());
        state.set("c", 1, 0.5).expect("fits");
        state.set_locked("c", 1, true);
        let mut description = toy::description();
        description.training.insert("step".to_owned(), 7.into());
        let mut again = state.read_again(&description).expect("the same codes");
        assert_eq!(again.description(), &description);
        assert!(again.is_locked("c", 1) && again.values("c")[1] == 0.5 && again.undo());
        assert!(again.read_again(&toy::infogan()).is_none());
    }

    #[test]
    fn forgotten_steps_cannot_be_undone() {
        let mut state = LatentState::new(toy::description());
        state.set("c", 0, 1.0).expect("fits");
        state.undo();
        state.set("c", 1, 1.0).expect("fits");
        state.forget_steps();
        assert!(!state.can_undo() && !state.can_redo());
        assert_eq!(state.values("c"), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_view_stays_as_it_was_and_shares_what_does_not_change() {
        let mut state = LatentState::new(toy::description());
        let (first, same) = (state.view().clone(), state.view().clone());
        assert!(Arc::ptr_eq(&first.now, &same.now), "a clone copies nothing");
        state.set("c", 0, 1.0).expect("fits");
        assert_eq!((first.values("c")[0], state.values("c")[0]), (0.0, 1.0));
        assert!(state.undo());
        assert!(Arc::ptr_eq(&first.now, &state.view().now), "the history holds what was shown, not a copy");
    }

    #[test]
    fn the_history_is_bounded() {
        let mut state = LatentState::new(toy::description());
        for k in 1..=(HISTORY + 50) {
            state.set("c", 0, k as f32).expect("fits");
        }
        let mut steps = 0;
        while state.undo() {
            steps += 1;
        }
        assert_eq!(steps, HISTORY);
    }
}
