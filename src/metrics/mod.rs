//! What is measured of a model, one metric a file, and the statistics of a data set that bundles carry.
//!
//! [`evaluate`] answers a [`Request`] about a model and a data set. Every value comes with a 95 % confidence interval
//! over the random choices that `seed` fixes.

mod alignment;
mod beta_vae;
mod boosting;
mod codes_file;
mod correlation;
mod dci;
mod divergence;
mod drawing;
mod encoded;
mod error;
mod evaluate;
mod evaluation;
mod explicitness;
mod factor_features;
mod fid;
mod frechet;
mod fvm;
mod gilbo;
mod halves;
mod histogram;
mod inception_features;
mod infomec;
mod irs;
mod known_codes;
mod labelled;
mod lasso;
mod lbfgs;
mod linear_algebra;
mod logistic;
mod mean_information;
mod measure_codes;
mod metric;
mod mig;
mod mixture;
mod modularity;
mod neighbours;
mod pyramid;
mod request;
mod sap;
mod score;
mod sliced_wasserstein;
mod statistics;
mod support_vectors;
#[cfg(test)]
mod tests;
mod total_correlation;
mod tree;
mod udr;
mod wasserstein_correlation;
mod watch;
mod written;

pub use alignment::{ALIGNMENT_PICTURES, alignment, log_likelihood};
pub use beta_vae::{BETA_VAE_PAIRS, BETA_VAE_POINTS, beta_vae};
pub use codes_file::{codes_hash, read_codes};
pub use correlation::{READ_BACK_PICTURES, correlation, factor_correlation, read_back_correlation};
pub use dci::{dci, dci_importances};
pub use divergence::{active_units, kl};
pub use drawing::Drawing;
pub use encoded::{CodeSample, Effort, EncodedData, EncodedPictures};
pub use error::MetricError;
pub use evaluate::evaluate;
pub use evaluation::{EVALUATION_FILE, Evaluation};
pub use explicitness::explicitness;
pub use factor_features::{
    FactorFeatures, FactorNetwork, FactorTask, FactorTraining, ToldFactor, train_factor_network,
};
pub use fid::{FID_PICTURES, Features, fid};
pub use frechet::{MomentSums, Moments, frechet_distance};
pub use fvm::{FvmOptions, Vote, accuracy, active_dims, fvm, majority, vote};
pub use gilbo::{GILBO_STEPS, GILBO_TRAININGS, GilboOptions, gilbo};
pub use inception_features::InceptionFeatures;
pub use infomec::{info_explicitness, info_modularity_compactness};
pub use irs::irs;
pub use known_codes::KnownCodes;
pub use labelled::{LabelledCodes, Labels, SplitCodes};
pub use mean_information::mean_information;
pub use measure_codes::evaluate_codes;
pub use metric::{Metric, MetricGroup, figure};
pub use mig::{MIG_BINS, mig};
pub use mixture::Mixture;
pub use modularity::modularity;
pub use request::{CODED_PICTURES, Pictures, Request, Subject, lacks_features};
pub use sap::sap;
pub use score::{Part, Score};
pub use sliced_wasserstein::{SWD_PICTURES, sliced_wasserstein};
pub use statistics::{kl_divergence, measure_statistics};
pub use total_correlation::{TotalCorrelation, drawn_codes, gaussian_total_correlation, total_correlation};
pub use udr::{UdrRelation, udr};
pub use wasserstein_correlation::gaussian_wasserstein;
pub use watch::{MetricProgress, Watch};
