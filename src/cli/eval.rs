//! `idgan eval`: the metrics of a model, with intervals.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use candle_core::Device;

use crate::base::{Cancel, Pool, check_writable, on_request_to_end};
use crate::data::DataError;
use crate::explore::CodeSource;
use crate::figures::Workbench;
use crate::inference::Computer;
use crate::metrics::{
    DinoV2Features, EVALUATION_FILE, Evaluation, FactorFeatures, FactorNetwork, Features, FvmOptions,
    InceptionFeatures, InceptionResize, Latents, Metric, MetricError, MetricGroup, Pictures, Request,
    Subject, codes_hash, evaluate, evaluate_codes, figure, lacks_features, read_codes,
};

use super::output::Format;
use super::workbench::open_workbench;
use super::{DeviceArgs, ModelArgs, OpeningArgs, TerminalProgress, print, print_json, threads, usage, warn};

/// Most pictures, votes or pairs: what they need in memory stays below a gigabyte.
const MOST: i64 = 10_000_000;

/// Arguments of `idgan eval`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Metrics:\n  \
    fvm          FactorVAE metric: 800 votes of 100 pictures; higher is better, at most 1\n  \
    mig          mutual information gap: 10,000 pictures, 20 bins; higher is better, at most 1; the interval is that of \
    the value on all pictures where these can be looked at\n  \
    beta_vae     which factor pairs of pictures share: 10,000 points of 64 pairs and 5,000 to ask about; at most 1\n  \
    dci_d, dci_c, dci_i  disentanglement, completeness and informativeness (dci for all three): boosted trees, 10,000 pictures \
    and 5,000 to ask about; at most 1; a minute or two, so only when named\n  \
    sap          separated attribute predictability: linear support vectors, 10,000 pictures and 5,000 to ask about; at most 1\n  \
    modularity   how far a dimension knows of one factor only: 10,000 pictures, 20 bins; at most 1\n  \
    explicitness area under the ROC curve of logistic regression: 10,000 pictures and 5,000 to ask about; 0.5 is chance\n  \
    irs          interventional robustness: 10,000 pictures, quantile 0.99; at most 1\n  \
    infom, infoe, infoc  InfoMEC (infomec for all three): 10 nearest neighbours, logistic regression, 10,000 pictures; at most 1\n  \
    correlation  largest |correlation| of each factor with a dimension, with its name\n  \
    clustering_error  how often a categorical code tells the label wrong, by the majority of each cluster in the other half of 10,000 \
    pictures; lower is better\n  \
    classification_error  how often the choice of a code that was trained with labels is not the label, 10,000 pictures; lower is \
    better\n  \
    fid          Frechet distance of 50,000 drawn from 50,000 real pictures; lower is better; with --dinov2 it is FD-DINOv2\n  \
    fd_infinity  what fid tends to with ever more drawn pictures: a line through five sizes; only when named, as it takes eleven\n    \
    times as long as fid beside the pictures\n  \
    kid          squared maximum mean discrepancy x 1000 of the same features, 10,000 pictures, all pairs; lower is better\n  \
    precision, recall  how many drawn pictures lie near real ones and the other way round (3 neighbours, 10,000 pictures)\n  \
    density, coverage  the same by counts, and by how many real pictures have a drawn one near (5 neighbours)\n  \
    swd          sliced Wasserstein distance x 1000 between patches of 2,048 drawn and as many real pictures, by level of a \
    Laplacian pyramid: textures, whatever the colours; lower is better\n  \
    r_id         E[log q(c|G(s,c))], 10,000 pictures, in nats; higher is better\n  \
    read_back    correlation of codes with what the encoder reads back, 1,000 pictures, by active dimension\n  \
    gilbo        R_ID with encoders trained for it, 3 times 10,000 steps of 64 pairs: minutes, so only when named; \
    the interval is that of the trainings' spread\n  \
    reconstruction  mean squared error of what is drawn of a picture's own code, values in [0, 1], 1,000 pictures; lower is better\n  \
    spread       variance of pictures of one code over 16 draws of the noise, values in [0, 1], 200 codes\n  \
    information, bottleneck  IB-GAN's bounds I_L and KL on what its pictures know of z, of the same 10,000 draws, in nats; KL by\n    \
    dimension of r; I_L is at most KL (of its InfoGAN, I_L alone)\n  \
    one_hot_l1, uniform_l1  |c - mu| of what an OOGAN or its InfoGAN reads from 10,000 pictures of one-hot and of uniform controls;\n    \
    lower is better\n  \
    cosine       mean squared cosine of the kernels that read its controls: 1 / number of kernels, or 1/16, at least\n  \
    diversity    perceptual diversity: how far features are apart where two controls change places, 10,000 pairs of pictures; only\n    \
    when named; higher is better\n  \
    kl           KL of the code from its prior, by dimension, in nats\n  \
    active       dimensions whose mean varies (variance at least 0.05)\n  \
    tc           total correlation of 1,000 codes by the mixture of all pictures' posteriors, in nats; by those of 10,000 \
    where pictures are rendered as they are read, or of --samples: biased upward then\n  \
    gaussian_tc  total correlation of a Gaussian fitted to the means, in nats\n  \
    gaussian_wc  its squared Wasserstein distance from independent dimensions, by the variance; lower is better\n  \
    mean_mi      mutual information of two dimensions, mean over pairs, 20 bins, in nats; lower is better\n  \
    codes        all of these that look at codes of the data alone\n  \
    pictures     all that compare drawn pictures with real ones\n  \
    all          all that this model and data allow, gilbo too\n\
    Codes of any other model are measured from a file of numpy.savez: mu (N, D), logvar (N, D) where there is one, the\n\
    true factors (N, K), numbers of any kind, equal ones of one class, and their K names.\n\
    Results of a run folder are kept there in eval.json, which idgan table reads; those by --decoder vae of a GAN, or of\n\
    --codes posterior, are not.\n\n\
    Examples:\n  \
    idgan eval runs/vae --data dsprites\n  \
    idgan eval sprites-64 --data dsprites --metrics codes --format latex\n  \
    idgan eval --codes codes.npz --json               codes of any model, saved with numpy.savez\n  \
    idgan eval runs/gan --data dsprites --metrics fid,r_id --samples 10000 --json\n  \
    idgan eval celeba.safetensors --data celeba:img_align_celeba.zip --inception pt_inception-2015-12-05-6726825d.pth")]
pub struct Args {
    /// The pictures to measure on, for instance dsprites, scenes or images:DIR (`idgan data --help`); those that the
    /// model was trained on when left out.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,

    /// What to measure, separated by commas; everything but dci, gilbo and fd_infinity that this model and data
    /// allow when left out.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    metrics: Vec<MetricGroup>,

    /// Pictures behind each value, instead of the published number of each metric.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=MOST))]
    samples: Option<u32>,

    /// Every random choice; equal seeds give equal results.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// Where the codes of fid's and swd's pictures come from: N(0, I) as the published evaluation, or the codes of the data.
    /// Or the codes to measure instead of a model's: an .npz with mu, and logvar and factors where they are known.
    #[arg(long, value_name = "prior|posterior|FILE.npz", default_value = "prior", value_parser = parse_codes)]
    codes: CodesFrom,

    /// Whose pictures are measured: the generator's where there is one. A model of another method names its own.
    #[arg(long, value_name = "gan|vae")]
    decoder: Option<String>,

    /// The FactorVAE metric of the paper (800 votes of 100 pictures, accuracy on these, dimensions of a variance below 0.05
    /// left out), or of disentanglement_lib's published configurations (10,000 votes of 64, accuracy on 5,000 others,
    /// dimensions of a standard deviation below 0.05 left out).
    #[arg(long, value_name = "NAME", default_value = "paper", value_parser = parse_fvm)]
    fvm: FvmOptions,

    /// Votes of the FactorVAE metric.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST))]
    votes: Option<u32>,

    /// Bins of a dimension in mig and modularity.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    mig_bins: u16,

    /// Each dimension of the codes has few values, of which each is a class, as in QLAE: for infom, infoe and infoc.
    #[arg(long)]
    discrete_latents: bool,

    /// Steps of training an encoder of gilbo, of 64 pairs each.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    gilbo_steps: u32,

    /// Encoders that are trained for gilbo; of a single one the interval leaves out how much its training matters.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    gilbo_trainings: u32,

    /// Weights of Inception V3 for FID and the others by features (pt_inception-2015-12-05-6726825d.pth), as a PyTorch or safetensors file.
    #[arg(long, value_name = "FILE", conflicts_with = "features")]
    inception: Option<PathBuf>,

    /// Weights of a DINOv2 for FD-DINOv2 and the others by features (dinov2_vitl14_pretrain.pth, or vitb14 or vits14 for less
    /// work), as a PyTorch or safetensors file. fid is FD-DINOv2 then.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["features", "inception"])]
    dinov2: Option<PathBuf>,

    /// How pictures are brought to Inception's size: bilinear, as pytorch-fid does, or clean, antialiased as clean-fid does.
    #[arg(long, value_name = "NAME", default_value = "bilinear", requires = "inception")]
    inception_resize: InceptionResize,

    /// A network of `idgan train features` for FID, instead of the program's own for dsprites and scenes.
    #[arg(long, value_name = "FILE.safetensors")]
    features: Option<PathBuf>,

    /// Where to write the results as JSON, beside printing them.
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,

    /// Print the results as JSON.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// text, csv or latex.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    opening: OpeningArgs,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// What [`Args::codes`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CodesFrom {
    /// Those of drawn pictures come from here.
    Drawn(CodeSource),
    /// These are measured.
    File(PathBuf),
}

fn parse_codes(text: &str) -> Result<CodesFrom, String> {
    match text.parse() {
        Ok(source) => Ok(CodesFrom::Drawn(source)),
        Err(_) if Path::new(text).extension().is_some_and(|extension| extension == "npz") => {
            Ok(CodesFrom::File(text.into()))
        }
        Err(_) => Err("expected prior, posterior, or a file of codes that ends in .npz".to_owned()),
    }
}

/// By the name that the library has, or as names are written here.
pub(super) fn parse_fvm(text: &str) -> Result<FvmOptions, String> {
    match text {
        "paper" => Ok(FvmOptions::PAPER),
        "disentanglement-lib" | "disentanglement_lib" => Ok(FvmOptions::DISENTANGLEMENT_LIB),
        _ => Err("expected paper or disentanglement_lib".to_owned()),
    }
}

/// Measures.
///
/// # Errors
/// When a question makes no sense for this model and data (exit code 2), or something cannot be read or computed.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(path) = &args.out {
        check_writable(path).map_err(|error| usage(error.to_string()))?;
    }
    match &args.codes {
        CodesFrom::Drawn(source) => of_model(args, *source),
        CodesFrom::File(path) => of_file(args, path),
    }
}

/// Measures codes that somebody saved.
fn of_file(args: &Args, path: &Path) -> anyhow::Result<()> {
    if args.model.is_given() || args.data.is_some() {
        return Err(usage(
            "these codes are measured by themselves; leave the model and --data out, or leave the file of codes out",
        ));
    }
    let cancel = cancelled_by_signals()?;
    let mut codes = read_codes(path)?;
    let spec = path.display().to_string();
    // nothing draws
    let mut request = request(args, CodeSource::Prior, String::new());
    request.retain_sensible_for_codes(&codes, &spec, &args.named()).map_err(in_words)?;
    let pool = Pool::new("eval", threads()).context("cannot start threads")?;
    let hash = codes_hash(path)?;
    let mut bars = Bars::default();
    let mut follow = |step| bars.step(step);
    let measured = evaluate_codes(&mut codes, (&spec, &hash), &request, &pool, &mut follow, &cancel);
    drop(bars);
    let evaluation = measured.map_err(in_words)?;
    evaluation.left_out.values().chain(&evaluation.warnings).for_each(warn);
    if let Some(path) = &args.out {
        evaluation.write(path)?;
    }
    report(args, &evaluation)
}

/// A flag that Ctrl+C and the like raise.
pub(super) fn cancelled_by_signals() -> anyhow::Result<Cancel> {
    let cancel = Cancel::new();
    let stopped = cancel.clone();
    on_request_to_end(move || stopped.cancel()).context("cannot listen for signals")?;
    Ok(cancel)
}

/// Measures a model.
fn of_model(args: &Args, codes: CodeSource) -> anyhow::Result<()> {
    args.model.require()?;
    let mut bench = open_workbench(&args.model, &args.device)?;
    let spec = args.data.clone().or_else(|| bench.description().data.clone()).ok_or_else(|| {
        usage("this model does not say what it was trained on; name pictures to measure on with --data SPEC")
    })?;
    let cancel = cancelled_by_signals()?;
    let chain = args.decoder.clone().unwrap_or_else(|| usual_chain(&bench));
    let mut request = request(args, codes, chain);
    let pool = Pool::new("eval", threads()).context("cannot start threads")?;
    let Computer { device, precision } = bench.computer.clone();
    let by_features = request.metrics.iter().any(|metric| metric.needs_features());
    let mut features = if by_features { features(args, &spec, &device, &pool)? } else { None };
    let named = args.named();
    if features.is_none() {
        request.metrics.retain(|metric| !metric.needs_features() || named.contains(metric));
    }
    bench.description().other_drawing(&spec).iter().for_each(warn);
    let options = args.opening.options_for(&cancel, &spec, bench.description());
    let mut pictures = Pictures::open(&spec, &bench.networks, &request, &options);
    if matches!(pictures, Err(DataError::Spec(_))) && !named.iter().any(|metric| metric.compares_pictures()) {
        // The data may exist at the encoder's size only, which is enough for everything else.
        request.metrics.retain(|metric| !metric.compares_pictures());
        pictures = Pictures::open(&spec, &bench.networks, &request, &options);
    }
    let pictures = pictures?;
    let mut subject = Subject {
        description: &bench.description,
        hash: &bench.model.hash,
        networks: &mut bench.networks,
        model: &bench.model,
        pool: &pool,
        device: &device,
        precision,
    };
    let dims = features.as_ref().map(|features| features.dims());
    request.retain_sensible(&subject, &pictures, dims, &named).map_err(in_words)?;
    let mut bars = Bars::default();
    let features = features.as_deref_mut();
    let measured =
        evaluate(&mut subject, &pictures, &request, features, &mut |step| bars.step(step), &cancel);
    drop(bars);
    let evaluation = measured.map_err(in_words)?;
    evaluation.left_out.values().chain(&evaluation.warnings).for_each(warn);
    // Kept before they are shown: a reader that goes away costs no minutes of measuring.
    if let Some(path) = &args.out {
        evaluation.write(path)?;
    }
    let chose_codes =
        request.codes != CodeSource::Prior && request.metrics.iter().any(|metric| metric.compares_pictures());
    let is_published = request.chain == usual_chain(&bench) && !chose_codes;
    match args.model.bundle().filter(|path| path.is_dir()) {
        Some(run) if is_published => keep(&run.join(EVALUATION_FILE), evaluation.clone())?,
        Some(_) if args.out.is_none() => {
            warn(
                "not kept in eval.json, since tables read that as the generator's with codes from the prior; --out FILE keeps it",
            );
        }
        _ => {}
    }
    report(args, &evaluation)
}

/// Adds results to those that a run folder has of the same model.
fn keep(path: &Path, mut evaluation: Evaluation) -> anyhow::Result<()> {
    if let Err(error) = evaluation.complete_from_file(path) {
        warn(format!("earlier results are replaced: {error}"));
    }
    Ok(evaluation.write(path)?)
}

/// Checks the arguments of an `idgan eval` that a sweep would run: the flags, and that FID finds a network that describes
/// pictures. Where nothing is run (`dry`), its file may still be missing.
///
/// # Errors
/// As [`run`] for a wrong use.
pub(super) fn check_arguments(arguments: &[String], dry: bool) -> anyhow::Result<()> {
    let args: Args = super::args::parsed("idgan eval", arguments)?;
    let file = args.inception.as_ref().or(args.dinov2.as_ref()).or(args.features.as_ref());
    if let Some(path) = file.filter(|path| !dry && !path.is_file()) {
        return Err(usage(format!("the network that describes pictures is not there: {}", path.display())));
    }
    let spec = args.data.as_deref().unwrap_or_default();
    let by_features = args.named().into_iter().find(|metric| metric.needs_features());
    if let Some(metric) = by_features.filter(|_| file.is_none() && FactorNetwork::bundled(spec).is_none()) {
        return Err(usage(lacks_features(metric, spec)));
    }
    Ok(())
}

/// What makes no sense is a wrong use of the command.
pub(super) fn in_words(error: MetricError) -> anyhow::Error {
    match error {
        MetricError::Request(sentence) => usage(sentence),
        error => error.into(),
    }
}

/// What describes pictures for FID: the file that is named, or the program's own network for this data.
fn features(
    args: &Args,
    spec: &str,
    device: &Device,
    pool: &Pool,
) -> anyhow::Result<Option<Box<dyn Features>>> {
    if let Some(path) = &args.inception {
        let features = InceptionFeatures::read(path, args.inception_resize, device, pool)?;
        return Ok(Some(Box::new(features)));
    }
    if let Some(path) = &args.dinov2 {
        return Ok(Some(Box::new(DinoV2Features::read(path, device, pool)?)));
    }
    let network = match &args.features {
        Some(path) => Some(FactorNetwork::read(path)?),
        None => FactorNetwork::bundled(spec).transpose()?,
    };
    Ok(match network {
        Some(network) => Some(Box::new(FactorFeatures::new(&network, device, pool)?)),
        None => None,
    })
}

impl Args {
    /// The metrics that are asked for.
    fn metrics(&self) -> Vec<Metric> {
        if self.metrics.is_empty() {
            // What takes minutes has to be asked for.
            return Metric::ALL.into_iter().filter(|metric| !metric.is_slow()).collect();
        }
        let named = self.metrics.iter().flat_map(|group| group.0.iter().copied());
        named.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Those that are asked for by their own names, and not as some of a group: what the model or the data do not allow of
    /// these is refused, and of the others left out.
    fn named(&self) -> BTreeSet<Metric> {
        self.metrics.iter().filter_map(|group| group.single()).collect()
    }
}

fn request(args: &Args, codes: CodeSource, chain: String) -> Request {
    let votes = args.votes.map_or(args.fvm.votes, |votes| votes as usize);
    Request {
        samples: args.samples.map(|samples| samples as usize),
        fvm: FvmOptions { votes, ..args.fvm },
        mig_bins: args.mig_bins.into(),
        latents: if args.discrete_latents { Latents::Discrete } else { Latents::Continuous },
        codes,
        gilbo_steps: args.gilbo_steps as usize,
        gilbo_trainings: args.gilbo_trainings as usize,
        ..Request::new(args.metrics(), chain, args.seed)
    }
}

/// Whose pictures are measured when not said.
fn usual_chain(bench: &Workbench) -> String {
    bench.description().shown(None, &[]).map(|chain| bench.chain_name(chain)).unwrap_or_default()
}

/// One progress bar after the other.
#[derive(Default)]
pub(super) struct Bars {
    current: Option<(Metric, usize, TerminalProgress, usize)>,
}

impl Bars {
    pub(super) fn step(&mut self, step: crate::metrics::MetricProgress) {
        let same = |(metric, total, ..): &(Metric, usize, TerminalProgress, usize)| {
            (*metric, *total) == (step.metric, step.total)
        };
        if !self.current.as_ref().is_some_and(same) {
            self.current =
                Some((step.metric, step.total, TerminalProgress::new(step.metric.name(), step.total), 0));
        }
        if let Some((_, _, bar, done)) = &mut self.current {
            bar.add(step.done.saturating_sub(*done));
            *done = step.done;
        }
    }
}

fn report(args: &Args, evaluation: &Evaluation) -> anyhow::Result<()> {
    match args.format {
        _ if args.json => return print_json(evaluation),
        Format::Csv => return print(evaluation.csv().trim_end()),
        Format::Latex => return print(evaluation.latex().trim_end()),
        Format::Text => {}
    }
    print(format!("on {}, seed {}", evaluation.data, evaluation.seed))?;
    print(format!("{:<36}{:>9}   {:<22}{:>8}", "", "value", "95 % interval", "samples"))?;
    for (metric, score) in &evaluation.metrics {
        let interval = format!("{} .. {}", metric.figure(score.low), metric.figure(score.high));
        let samples = evaluation.samples.get(metric).copied().unwrap_or_default();
        print(format!(
            "{:<36}{:>9}   {interval:<22}{samples:>8}",
            metric.title(),
            metric.figure(score.value)
        ))?;
        if !score.parts.is_empty() {
            let parts = score.parts.iter().map(|part| format!("{} {}", part.name, figure(part.value)));
            print(format!("    {}", parts.collect::<Vec<_>>().join(", ")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disentanglement_lib_goes_by_its_own_name_too() {
        for name in ["disentanglement-lib", "disentanglement_lib"] {
            assert_eq!(parse_fvm(name), Ok(FvmOptions::DISENTANGLEMENT_LIB));
        }
        assert_eq!(parse_fvm("paper"), Ok(FvmOptions::PAPER));
        assert!(parse_fvm("lib").is_err_and(|error| error.contains("disentanglement_lib")));
    }
}
