//! Latent state, ranges, traversals, matrices, paths, picture encoding, sensitivity: pure logic that the app, the figures
//! and training's sample grids share. Holds no tensors, only plain arrays and pictures.

mod codes;
mod codes_file;
mod interpolation;
mod matrix;
mod normal;
mod pictures;
mod posterior;
mod range;
mod render;
pub(crate) mod resample;
mod sampling;
mod sensitivity;
mod source_pictures;
mod state;
mod statistics;
#[cfg(test)]
pub(crate) mod toy;
mod traversal;

pub use codes::{Codes, CodesError, neutral_values};
pub use codes_file::{CodesFile, Wanted, shown_shape};
pub use interpolation::{CodePath, blend, interpolate};
pub use matrix::{CodeMatrix, NothingToVary, Varied, matrix};
pub use pictures::{Form, Photo, PictureError, read_square};
pub use posterior::{Posterior, PosteriorError};
pub use range::{RangeError, RangeSpec};
pub use render::render_rows;
pub use sampling::{CodeSource, draw_all, draw_epsilon, draw_posterior, draw_prior, reparametrised};
pub use sensitivity::sensitivity;
pub use source_pictures::SourcePictures;
pub use state::{LatentState, LatentView};
pub use statistics::{STATISTICS_PICTURES, statistics};
pub use traversal::{Mode, Traversal, evenly, main_block, parse_dims};
