//! `idgan inspect`: what is in a file.

use std::path::PathBuf;

use crate::checkpoint::{NetworkSummary, Summary, summarise};
use crate::graph::Shape;
use crate::model::{Architecture, CodeKind, ModelDescription};
use crate::nets::{DiscriminatorConfig, GeneratorConfig, PublishedSizes, PublishedVae, ResnetTrunk};

use super::{one_sentence, print, print_json, warn};

/// Say what is in checkpoint files: format, architecture, sizes, parameters, training state, metadata, hash.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan inspect celeba/last celeba/model.pt\n  \
    idgan inspect faces.safetensors --json\n\n\
    Nothing in a file is executed, wherever it comes from.")]
pub struct Args {
    /// Bundles, PyTorch files, safetensors and npz files of other programs, run folders, names of bundled models.
    #[arg(value_name = "FILE", required = true, value_parser = super::args::model_parser())]
    files: Vec<PathBuf>,

    /// Print a JSON array with one object a file.
    #[arg(long)]
    json: bool,
}

/// Runs `idgan inspect`.
///
/// # Errors
/// When a file cannot be read, after the others were shown.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let results: Vec<_> = args.files.iter().map(|path| summarise(path)).collect();
    if args.json {
        print_json(&results.iter().filter_map(|result| result.as_ref().ok()).collect::<Vec<_>>())?;
    } else {
        for (i, summary) in results.iter().filter_map(|result| result.as_ref().ok()).enumerate() {
            if i > 0 {
                print("")?;
            }
            describe(summary).into_iter().try_for_each(print)?;
        }
    }
    for summary in results.iter().flatten() {
        summary.warnings.iter().for_each(|text| warn(format!("{text}: {}", summary.path)));
    }
    // All failures but the last are shown here; that one ends the program with its message.
    let mut failures: Vec<anyhow::Error> =
        results.into_iter().filter_map(Result::err).map(Into::into).collect();
    let last = failures.pop();
    failures.iter().for_each(|error| warn(one_sentence(error)));
    last.map_or(Ok(()), Err)
}

/// The lines that people read.
fn describe(summary: &Summary) -> Vec<String> {
    let mut lines = vec![summary.path.clone()];
    // Names and labels come from the file and may hold anything, terminal commands included.
    let mut line = |label: &str, text: String| {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        lines.push(format!("  {label:<14} {text}"));
    };
    line("format", summary.format.into());
    line("size", bytes(summary.bytes));
    line("SHA-256", summary.sha256.clone());
    if let Some(network) = &summary.vae {
        let text = network
            .architecture
            .map(|vae| format!("64x64, {}, c of {} dimensions", channels(vae.channels), vae.c_dim));
        let alone = summary.description.as_ref().is_some_and(|described| described.decoder().is_none());
        line(if alone { "encoder" } else { "VAE" }, sized(network, text));
    }
    if let Some(network) = &summary.published {
        let text = network.architecture.map(|PublishedVae { family, sizes, .. }| {
            let PublishedSizes { channels: c, side, z_dim } = sizes;
            format!("{}, {side}x{side}, {}, z of {z_dim} dimensions", family.title, channels(c))
        });
        line("VAE", sized(network, text));
    }
    if let Some(network) = &summary.generator {
        line("generator", sized(network, network.architecture.as_ref().map(generator)));
    }
    if let Some(network) = &summary.discriminator {
        line("discriminator", sized(network, network.architecture.as_ref().map(discriminator)));
    }
    for (name, network) in &summary.others {
        let ports = network
            .architecture
            .as_ref()
            .and_then(ports)
            .map_or_else(String::new, |ports| format!("{ports}; "));
        let text = format!(
            "{name}: {ports}{} parameters in {} tensors",
            grouped(network.parameters),
            network.tensors
        );
        line("network", text);
    }
    if let Some(rows) = summary.stats_rows {
        line("statistics", format!("posterior of {rows} pictures"));
    }
    if let Some(description) = &summary.description {
        described(description, &mut line);
    }
    for (key, value) in &summary.training {
        line("training", format!("{}: {value}", key.replace('_', " ")));
    }
    lines
}

fn described(description: &ModelDescription, line: &mut impl FnMut(&str, String)) {
    line("name", description.name.clone());
    for block in &description.codes {
        let kind = match block.kind {
            CodeKind::Gaussian => "Gaussian",
            CodeKind::Uniform => "uniform",
            CodeKind::OneHot => "one-hot",
            CodeKind::Noise => "noise",
        };
        let [low, high] = block.range;
        line(
            "code",
            format!("{}: {} dimensions, {kind}, shown from {low} to {high}", block.name, block.dims),
        );
        let labels: Vec<_> = block.labels.iter().filter(|label| !label.is_empty()).cloned().collect();
        if !labels.is_empty() {
            line("labels", labels.join(", "));
        }
    }
    if let Some(data) = &description.data {
        line("data", data.clone());
    }
    for (key, value) in &description.provenance {
        line("provenance", format!("{}: {value}", key.replace('_', " ")));
    }
}

/// What a network of any kind takes and gives.
fn ports(architecture: &Architecture) -> Option<String> {
    let graph = architecture.graph()?;
    let list = |shapes: Vec<Shape>| shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
    Some(format!("{} to {}", list(graph.inputs().collect()), list(graph.output_shapes().ok()?)))
}

fn sized<C>(network: &NetworkSummary<C>, architecture: Option<String>) -> String {
    let architecture = architecture.unwrap_or_else(|| "of an unknown architecture".into());
    format!("{architecture}; {} parameters in {} tensors", grouped(network.parameters), network.tensors)
}

fn generator(config: &GeneratorConfig) -> String {
    match config {
        GeneratorConfig::Small { z_dim, channels: c } => {
            format!("small, 64x64, {}, z of {z_dim} dimensions", channels(*c))
        }
        GeneratorConfig::Resnet { z_dim, trunk: t } => {
            format!("resnet, {}, z of {z_dim} dimensions", trunk(t))
        }
    }
}

fn discriminator(config: &DiscriminatorConfig) -> String {
    match config {
        DiscriminatorConfig::Small { channels: c } => format!("small, 64x64, {}", channels(*c)),
        DiscriminatorConfig::Resnet { trunk: t } => format!("resnet, {}", trunk(t)),
        DiscriminatorConfig::ResnetVdb { trunk: t } => format!("resnet with bottleneck (VDB), {}", trunk(t)),
    }
}

fn trunk(trunk: &ResnetTrunk) -> String {
    let ResnetTrunk { size, nfilter, nfilter_max, channels: c } = *trunk;
    format!("{size}x{size}, {}, {nfilter} to {nfilter_max} feature maps", channels(c))
}

fn channels(channels: usize) -> &'static str {
    if channels == 1 { "grey" } else { "RGB" }
}

fn bytes(len: u64) -> String {
    match len {
        0..1_000 => format!("{len} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", len as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", len as f64 / 1e6),
        _ => format!("{:.2} GB", len as f64 / 1e9),
    }
}

/// A whole number with commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(100_000), "100,000");
        assert_eq!([bytes(12), bytes(1_500), bytes(9_300_000)], ["12 bytes", "1.5 kB", "9.3 MB"]);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let args = Args { files: vec!["/nonexistent/x".into()], json: false };
        assert!(run(&args).is_err_and(|error| error.to_string().contains("no such file")));
    }
}
