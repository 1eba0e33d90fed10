use std::borrow::Cow;

use crate::base::Picture;

use super::ExportError;

/// How an animation plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Animation {
    /// Milliseconds that each frame is shown, at least 20. A GIF counts hundredths of a second, so frames take turns where need be.
    pub frame_ms: u16,
    /// Whether it runs back to the first frame instead of jumping there.
    pub back_and_forth: bool,
}

/// The frames of an animation, all of one size, made when they are wanted.
pub(super) struct Frames<'f, 'p> {
    count: usize,
    size: [usize; 2],
    animation: Animation,
    make: Make<'f, 'p>,
}

/// What makes the frame at a place.
type Make<'f, 'p> = &'f dyn Fn(usize) -> Result<Cow<'p, Picture>, ExportError>;

impl<'f, 'p> Frames<'f, 'p> {
    /// `count` frames, at least 1, of this width and height, at least 1.
    pub(super) fn new(count: usize, size: [usize; 2], animation: Animation, make: Make<'f, 'p>) -> Self {
        Self { count, size, animation, make }
    }

    /// Frames in all, at least 1.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Width and height of each, at least 1.
    pub(super) fn size(&self) -> [usize; 2] {
        self.size
    }

    pub(super) fn animation(&self) -> Animation {
        self.animation
    }

    /// The frame at place `at`.
    pub(super) fn get(&self, at: usize) -> Result<Cow<'p, Picture>, ExportError> {
        let frame = (self.make)(at)?;
        if [frame.width(), frame.height()] == self.size { Ok(frame) } else { Err(ExportError::Frames) }
    }

    /// Which frames are shown, in their order.
    pub(super) fn order(&self) -> impl ExactSizeIterator<Item = usize> + use<> {
        let mut order: Vec<usize> = (0..self.count).collect();
        if self.animation.back_and_forth && self.count > 2 {
            order.extend((1..self.count - 1).rev());
        }
        order.into_iter()
    }
}

/// Red, green and blue of each pixel.
pub(super) fn rgb(frame: &Picture) -> impl Iterator<Item = [u8; 3]> + '_ {
    frame.rgba().chunks_exact(4).map(|p| [p[0], p[1], p[2]])
}

/// What `write` makes of these pictures.
#[cfg(test)]
pub(super) fn frames_of<R>(
    pictures: &[Picture],
    animation: Animation,
    write: impl FnOnce(&Frames<'_, '_>) -> R,
) -> R {
    let size = [pictures[0].width(), pictures[0].height()];
    let make = |at: usize| Ok(Cow::Borrowed(&pictures[at]));
    write(&Frames::new(pictures.len(), size, animation, &make))
}
