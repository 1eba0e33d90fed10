//! Models on disk: the native bundle, import and export of the published PyTorch files,
//! and all parsing of untrusted bytes.

mod bundle;
mod bundled;
mod contents;
mod describe;
mod dtype;
mod error;
mod export;
mod export_methods;
mod export_parts;
mod fit;
mod foreign;
mod ibgan;
mod infer;
mod keys;
mod kind;
mod kinds;
pub mod npz;
mod onnx;
mod oogan;
mod open;
mod opened;
mod part;
pub mod pickle;
mod reader;
mod shapes;
mod spectral;
mod state_dict;
mod summary;
mod tensors;

pub use bundle::{write_bundle, write_bundle_with};
pub use bundled::{BUNDLED, BundledModel};
pub use contents::{
    DISCRIMINATOR_RATE, GAN_ITERATION, GENERATOR_RATE, RUN_CHECKPOINT, VAE_ITERATION, VAE_RATE,
};
pub use dtype::DType;
pub use error::CheckpointError;
pub use export::{GAN_FILE, VAE_FILE, export_torch};
pub use infer::{infer_discriminator, infer_generator, infer_vae};
pub use onnx::{EncoderQuestion, Halves, Reading, export_onnx, is_onnx, to_onnx};
pub use open::{Sources, describe, open};
pub use opened::{Opened, RangeGuess, Unsaid};
pub use reader::Format;
pub use shapes::Shapes;
pub(crate) use spectral::joined as with_whole_weights;
pub use state_dict::read_state_dict;
pub use summary::{NetworkSummary, Summary, summarise};
pub use tensors::{Precision, TensorFile, write_tensors};
