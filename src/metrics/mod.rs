//! What is measured of a model, one metric a file, and the statistics of a data set that bundles carry.
//!
//! [`evaluate`] answers a [`Request`] about a model and a data set. Every value comes with a 95 % confidence interval
//! over the random choices that `seed` fixes.

mod alignment;
mod coded;
mod correlation;
mod divergence;
mod drawn;
mod error;
mod evaluate;
mod evaluation;
mod factor_features;
mod fid;
mod frechet;
mod fvm;
mod gilbo;
mod inception_features;
mod linear_algebra;
mod metric;
mod mig;
mod mixture;
mod pyramid;
mod request;
mod score;
mod sliced_wasserstein;
mod statistics;
#[cfg(test)]
mod tests;
mod total_correlation;
mod watch;

pub use alignment::{ALIGNMENT_PICTURES, alignment, log_likelihood};
pub use coded::{CodeSample, CodedData, EncodedPictures};
pub use correlation::{READ_BACK_PICTURES, correlation, factor_correlation, read_back_correlation};
pub use divergence::{active_units, kl};
pub use drawn::Drawing;
pub use error::MetricError;
pub use evaluate::evaluate;
pub use evaluation::{EVALUATION_FILE, Evaluation};
pub use factor_features::{
    FactorFeatures, FactorNetwork, FactorTask, FactorTraining, ToldFactor, train_factor_network,
};
pub use fid::{FID_PICTURES, Features, fid};
pub use frechet::{MomentSums, Moments, frechet_distance};
pub use fvm::{FvmOptions, Vote, accuracy, active_dims, fvm, majority, vote};
pub use gilbo::{GILBO_STEPS, GILBO_TRAININGS, GilboOptions, gilbo};
pub use inception_features::InceptionFeatures;
pub use metric::{Metric, figure};
pub use mig::{MIG_BINS, mig};
pub use mixture::Mixture;
pub use request::{CODED_PICTURES, Pictures, Request, Subject, lacks_features};
pub use score::{Part, Score};
pub use sliced_wasserstein::{SWD_PICTURES, sliced_wasserstein};
pub use statistics::{kl_divergence, measure_statistics};
pub use total_correlation::{TotalCorrelation, drawn_codes, gaussian_total_correlation, total_correlation};
pub use watch::{Progress, Watch};
