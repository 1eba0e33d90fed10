//! The order of the tiles.

use super::super::super::element::Element;
use super::layer::WinogradConv;

/// Where a tile lies.
pub(super) struct Tile {
    pub(super) picture: usize,
    /// Row and column among the picture's tiles.
    pub(super) y: usize,
    pub(super) x: usize,
}

impl Tile {
    #[inline(always)]
    pub(super) fn new<E: Element>(conv: &WinogradConv<E>, number: usize) -> Self {
        let (tiles, across) = (conv.tiles(), conv.tiles_across());
        Self { picture: number / tiles, y: number % tiles / across, x: number % across }
    }

    /// To the next in the row, then the next row, then the next picture.
    #[inline(always)]
    pub(super) fn advance<E: Element>(&mut self, conv: &WinogradConv<E>) {
        self.x += 1;
        if self.x == conv.tiles_across() {
            (self.y, self.x) = (self.y + 1, 0);
            if self.y * conv.variant.sizes().advance == conv.input.height() {
                (self.picture, self.y) = (self.picture + 1, 0);
            }
        }
    }
}
