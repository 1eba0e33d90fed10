use crate::base::PixelRange;
use crate::graph::Graph;

/// The sizes of a network, of which everything else about it follows: a line of the table of architectures that models are
/// described by.
pub trait NetworkConfig {
    /// What it computes.
    fn graph(&self) -> Graph;

    /// Which numbers of the picture that it takes or gives stand for black and white; any where there is no picture.
    fn range(&self) -> PixelRange;

    /// How many of the graph's results are for others; what comes after them serves its training.
    fn results(&self) -> usize {
        usize::MAX
    }

    /// Checks what the shapes of its graph do not: that sizes are those of a network that somebody would build.
    ///
    /// # Errors
    /// What cannot be, in words that go on after the network's name: `has impossible widths`.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
