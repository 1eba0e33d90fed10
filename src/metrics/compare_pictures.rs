//! Everything that compares the features of drawn pictures with those of real ones.

use crate::base::Pool;
use crate::data::Dataset;

use super::described::{DescribedPair, DescriptionPlan, Features};
use super::drawing::Drawing;
use super::fid::{FID_PICTURES, fd_infinity, fid};
use super::kid::kid;
use super::neighbourhoods::{NEIGHBOUR_PICTURES, neighbourhoods};
use super::{Evaluation, Metric, MetricError, Request, Watch};

/// The most pictures whose features are kept one by one: a gigabyte with Inception's 2048.
const MOST_KEPT: usize = 20_000;

/// Adds to `result` what `request` asks of features; the pictures are described once for all.
///
/// # Errors
/// When there are too few pictures, they cannot be read, drawn or described, or the watch stops it.
pub(super) fn compare_pictures(
    data: &dyn Dataset,
    drawing: &mut Drawing<'_>,
    features: &mut dyn Features,
    request: &Request,
    pool: &Pool,
    watch: &mut Watch<'_>,
    result: &mut Evaluation,
) -> Result<(), MetricError> {
    let asked: Vec<Metric> = Metric::OF_FEATURES.into_iter().filter(|metric| request.has(*metric)).collect();
    let Some(&first) = asked.first() else { return Ok(()) };
    let by_moments = asked.iter().any(|metric| matches!(metric, Metric::Fid | Metric::FdInfinity));
    let one_by_one = asked.iter().any(|metric| !matches!(metric, Metric::Fid | Metric::FdInfinity));
    let wanted = |is_asked: bool, published: usize| match is_asked {
        true => request.samples.unwrap_or(published),
        false => 0,
    };
    let plan = DescriptionPlan {
        moments: wanted(by_moments, FID_PICTURES),
        kept: wanted(one_by_one, NEIGHBOUR_PICTURES).min(MOST_KEPT),
    };
    watch.begin(first);
    let pair = DescribedPair::describe(data, drawing, features, plan, request.seed, pool, watch)?;
    let (kinds, dims) = (features.name(), features.dims());
    let described = |real: usize, how: &str| {
        let chain = &request.chain;
        format!("{kinds}, {real} real pictures{how}, drawn by {chain}, codes from the {}", request.codes)
    };
    let (real, count) = (pair.real.counted(), pair.drawn.counted());
    if request.has(Metric::Fid) {
        watch.begin(Metric::Fid);
        watch.step(0, 1)?;
        result.keep(Metric::Fid, fid(&pair, pool)?, count, described(real, ""));
        result.warnings.extend(few_pictures(count.min(real), dims));
    }
    if request.has(Metric::FdInfinity) {
        watch.begin(Metric::FdInfinity);
        let score = fd_infinity(&pair, pool, watch)?;
        result.keep(Metric::FdInfinity, score, count, described(real, ", a line through five sizes"));
    }
    let (real, count) = (pair.real.rows(), pair.drawn.rows());
    if request.has(Metric::Kid) {
        watch.begin(Metric::Kid);
        let score = kid(&pair, pool, watch)?;
        result.keep(Metric::Kid, score, count, described(real, ", all pairs of them"));
    }
    let near = [Metric::Precision, Metric::Recall, Metric::Density, Metric::Coverage];
    if let Some(&first) = near.iter().find(|metric| request.has(**metric)) {
        watch.begin(first);
        let scores = neighbourhoods(&pair, pool, watch)?;
        for ((metric, score), neighbour) in near.into_iter().zip(scores).zip([3, 3, 5, 5]) {
            if request.has(metric) {
                let how = format!(", reach of {neighbour} neighbours");
                result.keep(metric, score, count, described(real, &how));
            }
        }
    }
    Ok(())
}

/// What to know about an FID of few pictures.
fn few_pictures(pictures: usize, features: usize) -> Option<String> {
    (pictures <= features).then(|| {
        format!(
            "fid of {pictures} pictures, not more than the {features} features: both covariances are singular and the \
             value is biased upwards; compare it only with values of equally many pictures, or raise --samples"
        )
    })
}
