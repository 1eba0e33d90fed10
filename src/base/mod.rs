//! Plain things every room needs: arrays, pictures, seeded random streams, thread pools, safe file writes.
//!
//! Depends on no other room, knows no tensors and no window.

mod array;
mod cancel;
mod files;
mod memory;
mod npy;
mod percentile;
mod picture;
mod picture_file;
mod random;
mod threads;
mod typed_path;

pub use array::{Array, Arrays};
pub use cancel::Cancel;
pub use files::{FileError, FileErrorKind, check_folder, folder_of, write_atomic};
pub use memory::keep_freed_memory;
pub use npy::NpyHeader;
pub use percentile::percentile;
pub use picture::Picture;
pub use picture_file::{
    PictureFault, Turn, decode_picture, foreign_picture, is_picture_name, read_picture_file,
};
pub use random::{Stream, StreamState};
pub use threads::{Pool, step_back};
pub use typed_path::{typed_path, with_home};
