//! Figures as plain data: requests that say the command line that makes them again, draw themselves, and write what they
//! have drawn with its provenance. The command line and the window make the same requests.

mod animation;
mod arrays;
mod cells;
mod chains;
pub mod drawing;
mod error;
pub mod export;
mod matrix;
mod names;
mod observer;
mod print;
mod request;
mod samples;
mod translation;
mod traversal;
mod words;
mod workbench;

pub use animation::AnimationRequest;
pub use cells::Cells;
pub use chains::ChainChoice;
pub use error::FigureError;
pub use matrix::{MatrixCodes, MatrixRequest};
pub use names::Names;
pub use observer::{DrawOptions, Observer};
pub use print::Print;
pub use request::{Figure, FigureRequest};
pub use samples::{SampleCodes, SampleRequest};
pub use translation::TranslationRequest;
pub use traversal::{Base, Order, TraversalRequest};
pub use workbench::{Workbench, picture};
