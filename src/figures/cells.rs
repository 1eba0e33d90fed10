use super::export::check_size;
use super::words::Words;
use super::{FigureError, Print, Workbench};

/// How large the pictures in a figure are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cells {
    /// Side of a picture in pixels, 1 to 8192; the main chain's own width and height when left out.
    pub side: Option<u16>,
    /// Whether the figure may have more than [`MAX_PIXELS`](super::export::MAX_PIXELS).
    pub is_forced: bool,
    /// How large they become on paper.
    pub print: Print,
}

impl Cells {
    pub(super) fn say(self, words: &mut Words) {
        words.optional("cell", self.side);
        words.flag("force", self.is_forced);
        self.print.say(words);
    }

    /// Width and height of a picture in the figure: what was asked for, else the resolution of `chain`.
    pub(super) fn size(self, bench: &mut Workbench, chain: &str) -> Result<[usize; 2], FigureError> {
        let [_, height, width] = bench.picture_shape(chain)?;
        Ok(self.side.map_or([width, height], |side| [usize::from(side); 2]))
    }

    /// Refuses a figure of this width and height in pixels that is too large, unless that was wished for.
    pub(super) fn check(self, size: [usize; 2]) -> Result<(), FigureError> {
        if self.is_forced { Ok(()) } else { Ok(check_size(size)?) }
    }
}
