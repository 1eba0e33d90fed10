use std::sync::Arc;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::base::Picture;

use super::Cell;

/// Codes to render in the background, between the frames that a person waits for.
///
/// A worker holds one batch a lane: a newer one of the same lane replaces it.
#[derive(Debug)]
pub struct Batch {
    pub(super) lane: &'static str,
    pub(super) model_id: u64,
    pub(super) codes: Arc<[Arc<[f32]>]>,
    pub(super) next: usize,
    pub(super) longest_side: usize,
    pub(super) cells: Sender<Cell>,
}

impl Batch {
    /// A batch of `codes` for the model of `id` in `lane`, and where its pictures arrive, in order. Pictures
    /// larger than `longest_side` pixels are halved until they fit (on the worker's thread).
    ///
    /// The channel has room for every cell, so that the worker never waits; it disconnects after the last
    /// cell, or earlier when the batch is replaced, fails, or belongs to a model that is gone.
    pub fn new(
        lane: &'static str,
        model_id: u64,
        codes: Vec<Arc<[f32]>>,
        longest_side: usize,
    ) -> (Self, Receiver<Cell>) {
        let (cells, receiver) = bounded(codes.len());
        (Self { lane, model_id, codes: codes.into(), next: 0, longest_side, cells }, receiver)
    }
}

/// Halves `picture` by 2x2 averages until no side exceeds `longest_side` or a side is odd.
pub(super) fn shrink(mut picture: Picture, longest_side: usize) -> Picture {
    while picture.width().max(picture.height()) > longest_side.max(1)
        && picture.width().is_multiple_of(2)
        && picture.height().is_multiple_of(2)
    {
        picture = halved(&picture);
    }
    picture
}

fn halved(picture: &Picture) -> Picture {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let mut rgba = Vec::with_capacity(width * height * 4);
    let stride = picture.width() * 4;
    for rows in picture.rgba().chunks_exact(stride * 2) {
        let (upper, lower) = rows.split_at(stride);
        for (a, b) in upper.chunks_exact(8).zip(lower.chunks_exact(8)) {
            for k in 0..4 {
                let sum = [a[k], a[k + 4], b[k], b[k + 4]].iter().map(|&v| u16::from(v)).sum::<u16>();
                rgba.push(((sum + 2) / 4) as u8);
            }
        }
    }
    Picture::from_rgba(width, height, rgba).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_averages_and_stops_at_the_limit() {
        let mut picture = Picture::filled(8, 4, [10, 20, 30, 255]);
        picture.set_pixel(0, 0, [50, 20, 30, 255]);
        let small = shrink(picture.clone(), 4);
        assert_eq!([small.width(), small.height()], [4, 2]);
        assert_eq!(small.pixel(0, 0), [20, 20, 30, 255]);
        assert_eq!(small.pixel(3, 1), [10, 20, 30, 255]);
        assert_eq!(shrink(picture.clone(), 8), picture);
        assert_eq!(shrink(Picture::filled(9, 9, [0; 4]), 4).width(), 9, "odd sides stay");
    }
}
