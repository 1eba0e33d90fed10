//! `idgan udr`: which of several models are disentangled, without knowing any factor.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::base::{Cancel, Pool, on_request_to_end};
use crate::data;
use crate::metrics::{
    self, CODED_PICTURES, CodeSample, EncodedData as _, EncodedPictures, Score, UdrRelation, Watch, figure,
    read_codes, udr,
};

use super::args::model_parser;
use super::output::Format;
use super::workbench::open_workbench;
use super::{DeviceArgs, ModelArgs, OpeningArgs, TerminalProgress, print, print_json, threads, usage, warn};

/// Arguments of `idgan udr`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Models that were trained alike but for their seeds find the same dimensions where they are disentangled.\n\
    The score of a model is the median over the others of how far each dimension of one is related to a single one\n\
    of the other (Duan et al. 2020), about 1 at most; dimensions with a KL of at most 0.01 nats do not count. The 95 %\n\
    intervals are about other pictures, not about other models: compare five models or more.\n\
    A file of codes has mu (N, D) of the same pictures in the same order as the others, and logvar (N, D); without it\n\
    variances count as 1.\n\n\
    Examples:\n  \
    idgan udr runs/vae-1 runs/vae-2 runs/vae-3 --data dsprites\n  \
    idgan udr one.npz two.npz three.npz --relation spearman --json"
)]
pub struct Args {
    /// Bundles, run folders, names of bundled models, or files of codes (.npz); two at least.
    #[arg(value_name = "RUN", required = true, num_args = 2.., value_parser = model_parser())]
    models: Vec<PathBuf>,

    /// The pictures whose codes are compared; those that the first model was trained on when left out.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,

    /// How dimensions are compared: by the coefficients of a lasso, or by rank correlation.
    #[arg(long, value_name = "lasso|spearman", default_value = "lasso", value_parser = parse_relation)]
    relation: UdrRelation,

    /// Pictures, instead of 10,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=10_000_000))]
    samples: Option<u32>,

    /// Every random choice; equal seeds give equal results.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// Print the results as JSON.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// text, csv or latex.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    opening: OpeningArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

fn parse_relation(text: &str) -> Result<UdrRelation, String> {
    match text {
        "lasso" => Ok(UdrRelation::Lasso),
        "spearman" => Ok(UdrRelation::Spearman),
        _ => Err("expected lasso or spearman".to_owned()),
    }
}

/// Compares models.
///
/// # Errors
/// When a model cannot be opened or has no encoder, the models' pictures differ, or something cannot be computed.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let cancel = Cancel::new();
    let stopped = cancel.clone();
    on_request_to_end(move || stopped.cancel()).context("cannot listen for signals")?;
    let pool = Pool::new("udr", threads()).context("cannot start threads")?;
    let mut spec = args.data.clone();
    let mut samples = Vec::new();
    for path in &args.models {
        samples.push(codes(path, args, &mut spec, &pool, &cancel)?);
    }
    let mut follow = |_: metrics::MetricProgress| {};
    let scores = udr(&samples, args.relation, args.seed, &mut Watch::new(&cancel, &mut follow))?;
    let names: Vec<String> = args.models.iter().map(|path| path.display().to_string()).collect();
    let count = samples.first().map_or(0, CodeSample::len);
    let text = match args.format {
        _ if args.json => return print_json(&json(args, &names, &scores, count, spec.as_deref())),
        Format::Text => text(&names, &scores),
        Format::Csv => csv(&names, &scores, count, args.seed),
        Format::Latex => latex(&names, &scores),
    };
    print(text.trim_end())
}

/// The codes of the chosen pictures by the model, or in the file, at `path`.
fn codes(
    path: &Path,
    args: &Args,
    spec: &mut Option<String>,
    pool: &Pool,
    cancel: &Cancel,
) -> anyhow::Result<CodeSample> {
    let count = args.samples.map_or(CODED_PICTURES, |samples| samples as usize);
    let name = path.display().to_string();
    if path.extension().is_some_and(|extension| extension == "npz") {
        let mut codes = read_codes(path)?;
        let mut follow = |_: metrics::MetricProgress| {};
        let mut watch = Watch::new(cancel, &mut follow);
        return Ok(CodeSample::draw(&mut codes, count, args.seed, &mut watch)?);
    }
    let model = ModelArgs { model: Some(path.into()), ..ModelArgs::default() };
    let mut bench = open_workbench(&model, &args.device)?;
    let named = spec.clone().or_else(|| bench.description().data.clone()).ok_or_else(|| {
        usage(format!(
            "name the pictures with --data SPEC; this model does not say what it was trained on: {name}"
        ))
    })?;
    bench.description().other_drawing(&named).iter().for_each(warn);
    let options = args.opening.options_for(cancel, &named, bench.description());
    let encoder = bench.encoder().with_context(|| name.clone())?;
    let [_, size, _] = encoder.picture_shape();
    let data = data::open(&named, Some(size), &options)?;
    *spec = Some(named);
    let mut encoded_data = EncodedPictures::new(data.as_ref(), encoder, pool)?;
    let bar = TerminalProgress::new(&name, count.min(encoded_data.len()));
    let mut done = 0;
    let mut follow = |step: metrics::MetricProgress| {
        bar.add(step.done.saturating_sub(done));
        done = step.done;
    };
    Ok(CodeSample::draw(&mut encoded_data, count, args.seed, &mut Watch::new(cancel, &mut follow))?)
}

fn json(
    args: &Args,
    names: &[String],
    scores: &[Score],
    samples: usize,
    spec: Option<&str>,
) -> serde_json::Value {
    let models = names.iter().zip(scores).map(|(name, score)| {
        serde_json::json!({"model": name, "value": score.value, "low": score.low, "high": score.high})
    });
    let relation = if args.relation == UdrRelation::Lasso { "lasso" } else { "spearman" };
    serde_json::json!({
        "data": spec, "relation": relation, "seed": args.seed, "samples": samples, "models": models.collect::<Vec<_>>(),
    })
}

fn text(names: &[String], scores: &[Score]) -> String {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("{:<width$}  {:>6}   95 % interval\n", "", "UDR");
    for (name, score) in names.iter().zip(scores) {
        let [value, low, high] = [score.value, score.low, score.high].map(figure);
        text += &format!("{name:<width$}  {value:>6}   {low} .. {high}\n");
    }
    text
}

fn csv(names: &[String], scores: &[Score], samples: usize, seed: u64) -> String {
    let mut text = "model,udr,low,high,samples,seed\n".to_owned();
    for (name, score) in names.iter().zip(scores) {
        let name = name.replace('"', "\"\"");
        text += &format!("\"{name}\",{},{},{},{samples},{seed}\n", score.value, score.low, score.high);
    }
    text
}

fn latex(names: &[String], scores: &[Score]) -> String {
    let mut text = "% needs \\usepackage{booktabs}\n\\begin{tabular}{lrr}\n\\toprule\n".to_owned();
    text += "model & UDR & 95\\,\\% interval \\\\\n\\midrule\n";
    for (name, score) in names.iter().zip(scores) {
        let [value, low, high] = [score.value, score.low, score.high].map(figure);
        text +=
            &format!("\\verb|{}| & ${value}$ & ${low}$ to ${high}$ \\\\\n", name.replace(['|', '\n'], "_"));
    }
    text + "\\bottomrule\n\\end{tabular}\n"
}
