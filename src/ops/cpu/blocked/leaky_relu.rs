//! The leaky ReLU where no layer does it on its way.

use super::super::element::Element;
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::map::BLOCK;

/// The leaky ReLU of a whole map; `slope` is 0 to 1.
///
/// # Panics
/// When the maps are not of the same size.
pub(crate) fn leaky_relu<E: Element>(isa: Isa, map: &[E], slope: f32, out: &mut [E]) {
    assert!(map.len() == out.len() && map.len().is_multiple_of(BLOCK));
    E::run(isa, LeakyReluOfMap { map, slope, out });
}

struct LeakyReluOfMap<'a, E> {
    map: &'a [E],
    slope: f32,
    out: &'a mut [E],
}

impl<E: Element> Kernel for LeakyReluOfMap<'_, E> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (from, to) in self.map.chunks_exact(BLOCK).zip(self.out.chunks_exact_mut(BLOCK)) {
            // SAFETY: the caller's promise; both hold a block of sixteen.
            unsafe { E::store(E::load::<L>(from.as_ptr()).leaky(L::splat(self.slope)), to.as_mut_ptr()) };
        }
    }
}
