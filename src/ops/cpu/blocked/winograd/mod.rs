//! Convolution in Winograd's form: transform patches, multiply as matrices, transform back.

mod gather;
mod layer;
mod multiply;
mod pack;
mod tile;
mod variant;

use super::super::element::Element;
use super::super::shared::Shared;
use super::super::sizes::product;
use super::map::Epilogue;
use super::team::Team;
use gather::Gather;
use multiply::Multiply;

pub(crate) use layer::WinogradConv;
pub(crate) use variant::Variant;

impl<E: Element> WinogradConv<E> {
    /// Convolves `count` pictures, one after the other in `input`, into the epilogue's maps. `shared` holds
    /// `shared_scratch` values, `scratch` `worker_scratch` values for each worker of the team.
    ///
    /// # Panics
    /// When a slice is too short, or `count` is more than the convolution was made for.
    pub(crate) fn run(
        &self,
        count: usize,
        input: &[E],
        epilogue: &mut Epilogue<'_, E>,
        shared: &mut [f32],
        scratch: &mut [f32],
        team: &Team<'_>,
    ) {
        if count == 0 {
            return;
        }
        assert!(count <= self.pictures);
        assert!(input.len() >= product([count, self.input.len()]));
        let stores = &epilogue.stores(&self.output, count);
        let tiles = count * self.tiles();
        let batches = tiles.div_ceil(self.batch);
        let groups = self.output.blocks() / self.columns;
        let tiles_of = |batch: usize| batch * self.batch..tiles.min((batch + 1) * self.batch);
        let (patches_len, worker_len) = (self.patches_len(), self.worker_scratch());
        if !self.shared_patches {
            team.for_each_with(scratch, worker_len, batches, |part, batch| {
                let (patches, products) = part.split_at_mut(E::words(patches_len));
                let patches = bytemuck::cast_slice_mut(patches);
                let tiles = tiles_of(batch);
                let blocks = 0..self.input.blocks();
                let gather =
                    Gather { conv: self, input, tiles: tiles.clone(), blocks, patches: Shared::new(patches) };
                E::run(self.isa, gather);
                for group in 0..groups {
                    let tiles = tiles.clone();
                    E::run(self.isa, Multiply { conv: self, tiles, group, patches, products, stores });
                }
            });
            return;
        }
        let blocks = self.input.blocks();
        let shared = &mut shared[..product([batches, E::words(patches_len)])];
        let shared: &mut [E] = bytemuck::cast_slice_mut(shared);
        let patches = Shared::new(shared);
        team.for_each(batches * blocks, |_, piece| {
            let (batch, block) = (piece / blocks, piece % blocks);
            let patches = patches.narrow(batch * patches_len..(batch + 1) * patches_len);
            let blocks = block..block + 1;
            E::run(self.isa, Gather { conv: self, input, tiles: tiles_of(batch), blocks, patches });
        });
        let patches = &*shared;
        team.for_each_with(scratch, worker_len, groups * batches, |products, piece| {
            let (group, batch) = (piece / batches, piece % batches);
            let patches = &patches[batch * patches_len..(batch + 1) * patches_len];
            let tiles = tiles_of(batch);
            E::run(self.isa, Multiply { conv: self, tiles, group, patches, products, stores });
        });
    }
}
