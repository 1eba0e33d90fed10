//! `idgan doctor`: whether this machine computes rightly.

use anyhow::Context;

use crate::base::Pool;
use crate::doctor::{Examination, Finding, Health, examine};
use crate::inference::{Computer, Purpose};
use crate::ops::Precision;

use super::{DeviceArgs, print, print_json, threads};

/// Arguments of `idgan doctor`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Compared are all operations with 64-bit floats in plain loops, the losses of the first six steps of a \
    GAN, and the pictures of a bundled model; on the processor for each of its instruction sets, on a card for each of its \
    precisions. Differences of \
    operations are relative to the largest value, those of losses relative, those of pictures absolute. Takes seconds. The \
    exit code is 1 where something is wrong.\n\n\
    Examples:\n  \
    idgan doctor                       the device that is used when none is named\n  \
    idgan doctor --device cpu --json   for a report"
)]
pub struct Args {
    /// Print everything as one JSON document.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Examines the device and prints what was found.
///
/// # Errors
/// When the device cannot be opened or computes wrongly.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let pool = Pool::new("doctor", threads()).context("cannot start threads")?;
    let examination = examine(&computers(args)?, &pool)?;
    let summary = examination.summary();
    if args.json {
        let mut document = serde_json::to_value(&examination)?;
        document["sound"] = summary.is_ok().into();
        print_json(&document)?;
    } else {
        print(table(&examination))?;
    }
    match summary {
        Ok(_) if args.json => Ok(()),
        Ok(sentence) => print(sentence),
        Err(sentence) => Err(anyhow::anyhow!(sentence)),
    }
}

/// The device in the precision that is asked for, or in all that it has.
fn computers(args: &Args) -> anyhow::Result<Vec<Computer>> {
    let first = args.device.open(Purpose::Pictures)?;
    let mut computers = vec![first];
    if args.device.precision.is_none() && computers[0].device.is_cuda() {
        let others = Precision::ALL.into_iter().filter(|precision| !precision.is_single());
        // What an old card lacks is not wrong with it.
        computers
            .extend(others.filter_map(|other| args.device.device.open(Purpose::Pictures, Some(other)).ok()));
    }
    Ok(computers)
}

/// The machine, then a row a comparison and a column a subject; what is wrong is marked.
fn table(examination: &Examination) -> String {
    let mut lines: Vec<String> =
        examination.machine.iter().map(|fact| format!("{:<12}{}", fact.name, fact.value)).collect();
    let row = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>15}")).collect();
        format!("{name:<28}{cells}").trim_end().to_owned()
    };
    let subjects = &examination.subjects;
    lines.push(String::new());
    let mut names: Vec<String> = subjects.iter().map(|health| health.subject.clone()).collect();
    names.push("at most".into());
    lines.push(row("difference", names));
    let mut rows: Vec<&Finding> = Vec::new();
    for finding in subjects.iter().flat_map(|health| &health.findings) {
        if !rows.iter().any(|row| row.what == finding.what) {
            rows.push(finding);
        }
    }
    for finding in rows {
        let cell = |health: &Health| match health.findings.iter().find(|own| own.what == finding.what) {
            None => "-".to_owned(),
            Some(own) if own.failure.is_some() => "fails !".to_owned(),
            Some(own) => format!("{:.1e}{}", own.difference, if own.is_sound() { "" } else { " !" }),
        };
        let mut cells: Vec<String> = subjects.iter().map(cell).collect();
        let same = subjects.iter().flat_map(|health| &health.findings).filter(|own| own.what == finding.what);
        let mut limits: Vec<String> = same.map(|own| format!("{:.0e}", own.at_most)).collect();
        limits.dedup();
        cells.push(limits.join(" "));
        lines.push(row(&finding.what, cells));
    }
    let times = |name: &str, of: fn(&Health) -> Option<f64>| {
        row(
            name,
            subjects.iter().map(|health| of(health).map_or("-".into(), |ms| format!("{ms:.2}"))).collect(),
        )
    };
    lines.push(times("GAN step, ms", |health| health.step_ms));
    lines.push(times("frame of 128 px, ms", |health| health.frame_ms));
    if subjects.iter().any(|health| health.frame_bf16_ms.is_some()) {
        lines.push(times("the same in bf16, ms", |health| health.frame_bf16_ms));
    }
    if subjects.iter().any(|health| health.graphs.is_some()) {
        let word =
            |graphs: Option<bool>| graphs.map_or("-", |graphs| if graphs { "in use" } else { "not in use" });
        lines
            .push(row("CUDA graphs", subjects.iter().map(|health| word(health.graphs).to_owned()).collect()));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Fact;

    #[test]
    fn faults_are_marked_in_their_column() {
        let finding =
            |what: &str, difference| Finding { what: what.into(), difference, at_most: 1e-5, failure: None };
        let health = |subject: &str, findings| Health {
            subject: subject.into(),
            findings,
            step_ms: Some(2.5),
            graphs: (subject == "AVX2").then_some(true),
            frame_ms: None,
            frame_bf16_ms: (subject == "AVX2").then_some(1.25),
        };
        let examination = Examination {
            machine: vec![Fact { name: "threads".into(), value: "2".into() }],
            subjects: vec![
                health("AVX2", vec![finding("tanh", 0.25), finding("losses", 1e-6)]),
                health("portable", vec![finding("tanh", 2e-7)]),
            ],
            seconds: 1.0,
        };
        let text = table(&examination);
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["threads", "2"]);
        assert_eq!(words[2], ["difference", "AVX2", "portable", "at", "most"]);
        assert_eq!(words[3], ["tanh", "2.5e-1", "!", "2.0e-7", "1e-5"]);
        assert_eq!(words[4], ["losses", "1.0e-6", "-", "1e-5"]);
        assert_eq!(words[5], ["GAN", "step,", "ms", "2.50", "2.50"]);
        assert_eq!(words[7], ["the", "same", "in", "bf16,", "ms", "1.25", "-"]);
        assert_eq!(words[8], ["CUDA", "graphs", "in", "use", "-"]);
    }
}
