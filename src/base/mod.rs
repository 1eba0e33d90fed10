//! Plain things every room needs: arrays, pictures, seeded random streams, thread pools, safe file writes.
//!
//! Depends on no other room, knows no tensors and no window.

mod array;
mod background;
mod cancel;
mod file_error;
mod files;
mod folders;
mod home;
mod memory;
mod npy;
mod output;
mod percentile;
mod picture;
mod pixel_range;
mod random;
mod shell;
mod signals;
mod threads;
mod typed_path;
mod visible;

pub use array::{Array, Arrays};
pub use background::Background;
pub use cancel::Cancel;
pub use file_error::{FileError, FileErrorKind};
pub use files::{TEMPORARY_PREFIX, check_writable, folder_of, target_of, write_atomic};
pub use folders::{cache_folder, config_folder, make_writable, spare_folder};
pub use home::expand_home;
pub use memory::keep_freed_memory;
pub use npy::NpyHeader;
pub use output::Output;
pub use percentile::percentile;
pub use picture::Picture;
pub use pixel_range::PixelRange;
pub use random::{Stream, StreamState};
pub use shell::{option_words, path_word, shell_quoted};
pub use signals::{on_request_to_end, survive_file_limit};
pub use threads::{Pool, panic_text, step_back};
pub use typed_path::typed_path;
pub use visible::{visible, visible_json};
