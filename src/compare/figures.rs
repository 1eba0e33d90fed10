//! The paper's two charts of measured runs.

use std::collections::BTreeMap;

use crate::figures::drawing::{Axis, Chart, Series};
use crate::training::Method;

use super::variant::named;
use super::{PaperTable, Row, RunResult, Summary};

/// Where a mark stands, and its deviation.
type Point = ([f64; 2], f64);

fn axis(metric: &str, logarithmic: bool) -> Axis {
    let label = if metric == "r_id" { "R_ID (nats)".to_owned() } else { metric.to_uppercase() };
    Axis { label, logarithmic }
}

/// Figure 3: disentanglement (`metric`, `fvm` or `mig`) against generation (FID, lower is better), a disc for each of
/// `results` and a ring for what the paper publishes of the same method on the same data.
pub fn trade_off(results: &[RunResult], metric: &str) -> Chart {
    let mut by_row: BTreeMap<(Row, String), Vec<Point>> = BTreeMap::new();
    let mut published: BTreeMap<(Row, usize), Point> = BTreeMap::new();
    for run in results {
        let (Some(&fid), Some(&value)) = (run.metrics.get("fid"), run.metrics.get(metric)) else { continue };
        by_row.entry((run.row, run.variant.clone())).or_default().push(([fid, value], 0.0));
        if let Some(table) = PaperTable::about(run.row, &run.data, run.size)
            && let Some(data) = table.data_index(&run.data, run.size)
            && let Some((fid, _)) = table.published(run.row, data, "fid")
            && let Some((value, deviation)) = table.published(run.row, data, metric)
        {
            published.insert((run.row, data), ([fid, value], deviation.unwrap_or(0.0)));
        }
    }
    let mut series = Vec::new();
    for (colour, ((row, variant), points)) in by_row.into_iter().enumerate() {
        let heading = row.heading();
        let name = named(&heading, &variant);
        series.push(Series { name, points, joined: false, hollow: false, colour });
        // once for all variants of a row
        let rings: Vec<Point> =
            published.iter().filter(|((own, _), _)| *own == row).map(|(_, point)| *point).collect();
        published.retain(|(own, _), _| *own != row);
        if !rings.is_empty() {
            series.push(Series {
                name: format!("{heading}, paper"),
                points: rings,
                joined: false,
                hollow: true,
                colour,
            });
        }
    }
    Chart {
        title: "Disentanglement and generation (Figure 3)".into(),
        x: Axis { label: "FID (lower is better)".into(), logarithmic: true },
        y: axis(metric, false),
        series,
    }
}

/// Figure A.10: FID over the weight of the information loss (lambda), mean and deviation over seeds, for ID-GAN and
/// InfoGAN.
pub fn lambda_curve(results: &[RunResult]) -> Chart {
    let mut by_row: BTreeMap<Row, Vec<(f64, f64)>> = BTreeMap::new();
    for run in results.iter().filter(|run| matches!(run.row.method, Method::Idgan | Method::Infogan)) {
        if let (Some(lambda), Some(&fid)) = (run.w_info.filter(|w| *w > 0.0), run.metrics.get("fid")) {
            by_row.entry(run.row).or_default().push((lambda, fid));
        }
    }
    let series = by_row.into_iter().enumerate().map(|(colour, (row, mut runs))| {
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points = runs.chunk_by(|a, b| a.0 == b.0).filter_map(|same| {
            let fids: Vec<f64> = same.iter().map(|run| run.1).collect();
            let summary = Summary::of(&fids)?;
            Some(([same[0].0, summary.mean], summary.deviation.unwrap_or(0.0)))
        });
        Series { name: row.heading(), points: points.collect(), joined: true, hollow: false, colour }
    });
    Chart {
        title: "Sensitivity of the generation on lambda (Figure A.10)".into(),
        x: Axis { label: "lambda, the weight of the information loss".into(), logarithmic: true },
        y: axis("fid", false),
        series: series.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(method: Method, seed: u64, w_info: f64, fid: f64) -> RunResult {
        RunResult {
            folder: format!("{w_info}/{seed}").into(),
            row: Row { method, vae: (method == Method::Idgan).then_some(Method::BetaVae) },
            data: "dsprites".into(),
            size: 64,
            seed,
            variant: String::new(),
            how: BTreeMap::new(),
            w_info: Some(w_info),
            metrics: [("fid".to_owned(), fid), ("mig".to_owned(), 0.3)].into(),
        }
    }

    #[test]
    fn the_curve_has_a_mean_for_each_lambda_in_order() {
        let results = [
            run(Method::Idgan, 0, 1.0, 4.0),
            run(Method::Idgan, 0, 0.01, 2.0),
            run(Method::Idgan, 1, 0.01, 4.0),
            run(Method::Infogan, 0, 0.1, 30.0),
            run(Method::Gan, 0, 0.1, 9.0),
        ];
        let chart = lambda_curve(&results);
        assert_eq!(chart.series.len(), 2, "a GAN has no lambda");
        let idgan = &chart.series[0].points;
        assert_eq!(idgan.iter().map(|point| point.0).collect::<Vec<_>>(), [[0.01, 3.0], [1.0, 4.0]]);
        assert!((idgan[0].1 - 2f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_trade_off_puts_the_published_numbers_beside_ours() {
        let chart = trade_off(&[run(Method::Idgan, 0, 0.01, 4.0)], "mig");
        assert_eq!(chart.series.len(), 2);
        assert_eq!(chart.series[0].points, [([4.0, 0.3], 0.0)]);
        assert_eq!(chart.series[1].points, [([2.0, 0.28], 0.09)]);
        assert!(chart.series[1].hollow && chart.series[1].colour == chart.series[0].colour);
    }
}
