//! The whole examination and its verdict.

use std::time::Instant;

use candle_core::Device;
use serde::Serialize;

use crate::base::Pool;
use crate::inference::{self, Computer};

use super::DoctorError;
use super::finding::Finding;
use super::machine::{Fact, facts};
use super::operations::{OPERATIONS, check};
use super::pictures::Pictures;
use super::steps::{self, Steps};
use super::subject::Subject;

/// What was found about a device, or about one instruction set of the processor.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Its name for people.
    pub subject: String,
    /// All comparisons; training steps are missing where this is what the others are compared with.
    pub findings: Vec<Finding>,
    /// The median time of a training step in milliseconds.
    pub step_ms: Option<f64>,
    /// Where training steps can be CUDA graphs, whether they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphs: Option<bool>,
    /// The median time from a code to a picture of the bundled model's generator, in milliseconds.
    pub frame_ms: Option<f64>,
    /// The same in bf16, on the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_bf16_ms: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// The machine, for whoever reads this elsewhere.
    pub machine: Vec<Fact>,
    /// One entry a way to compute.
    pub subjects: Vec<Health>,
    /// How long it took.
    pub seconds: f64,
}

/// Examines `computers`, which are one device in one precision or several, on `pool`'s threads.
///
/// # Errors
/// When there is nothing to compare with; what is wrong with the device is told by [`Examination::faults`].
pub fn examine(computers: &[Computer], pool: &Pool) -> Result<Examination, DoctorError> {
    let started = Instant::now();
    let device = computers.first().map_or(Device::Cpu, |computer| computer.device.clone());
    inference::forget_peak(&device);
    let reference = Subject::reference(&device);
    let expected = steps::make(&reference, pool)?;
    let pictures = Pictures::prepare(&reference, pool)?;
    let mut subjects = Vec::new();
    for subject in computers.iter().flat_map(Subject::all) {
        subjects.push(look_at(&subject, &reference, &expected, pictures.as_ref(), pool)?);
    }
    Ok(Examination { machine: facts(&device), subjects, seconds: started.elapsed().as_secs_f64() })
}

fn look_at(
    subject: &Subject,
    reference: &Subject,
    expected: &Steps,
    pictures: Option<&Pictures>,
    pool: &Pool,
) -> Result<Health, DoctorError> {
    let mut findings = check(subject, OPERATIONS, pool)?;
    let tolerance = subject.tolerance;
    let (mut step_ms, mut graphs) = (None, None);
    if subject.is(reference) {
        step_ms = Some(expected.milliseconds);
    } else {
        match steps::make(subject, pool) {
            Ok(steps) => {
                findings.extend(steps.compare(expected, tolerance.loss));
                step_ms = Some(steps.milliseconds);
                graphs = steps.recorded.map(|(has_recorded, _)| has_recorded);
            }
            Err(error) => findings.push(Finding::new("a GAN step", tolerance.loss, Err(error))),
        }
    }
    let (mut frame_ms, mut frame_bf16_ms) = (None, None);
    match pictures.map(|pictures| pictures.draw(subject, pool)) {
        Some(Ok(rendered)) => {
            findings.extend(rendered.findings);
            frame_ms = Some(rendered.milliseconds);
            frame_bf16_ms = rendered.bf16_milliseconds;
        }
        Some(Err(error)) => findings.push(Finding::new("a picture", tolerance.picture, Err(error))),
        None => {}
    }
    Ok(Health { subject: subject.name.clone(), findings, step_ms, graphs, frame_ms, frame_bf16_ms })
}

impl Examination {
    /// What is not as it should be, with the subject's name.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &Finding)> {
        self.subjects.iter().flat_map(|health| {
            let faulty = health.findings.iter().filter(|finding| !finding.is_sound());
            faulty.map(|finding| (health.subject.as_str(), finding))
        })
    }

    /// One sentence: what is wrong and what to do, or that nothing is.
    pub fn summary(&self) -> Result<String, String> {
        let Some((subject, fault)) = self.faults().next() else {
            let all: Vec<&str> = self.subjects.iter().map(|health| health.subject.as_str()).collect();
            let all = all.join(", ");
            let count: usize = self.subjects.iter().map(|health| health.findings.len()).sum();
            return Ok(format!("sound: {count} comparisons agree on {all} ({:.0} s)", self.seconds));
        };
        let count = self.faults().count();
        let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
        let how = match &fault.failure {
            Some(failure) => format!("fails ({failure})"),
            None => format!("is off by {:.1e} where {:.0e} is sound", fault.difference, fault.at_most),
        };
        Err(format!(
            "{subject} computes wrongly: {} {how}{more}; use another device and report this table with idgan --version",
            fault.what
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examination(differences: &[f64]) -> Examination {
        let finding = |&difference: &f64| Finding::new::<String>("tanh", 1e-5, Ok(difference));
        let health = Health {
            subject: "AVX2".into(),
            findings: differences.iter().map(finding).collect(),
            step_ms: None,
            graphs: None,
            frame_ms: None,
            frame_bf16_ms: None,
        };
        Examination { machine: Vec::new(), subjects: vec![health], seconds: 3.0 }
    }

    #[test]
    fn the_verdict_names_the_first_fault() {
        assert_eq!(
            examination(&[0.0, 1e-5]).summary(),
            Ok("sound: 2 comparisons agree on AVX2 (3 s)".to_owned())
        );
        let wrong = examination(&[0.0, 0.25, f64::NAN]).summary().expect_err("is wrong");
        assert!(
            wrong.starts_with(
                "AVX2 computes wrongly: tanh is off by 2.5e-1 where 1e-5 is sound, and 1 more; "
            )
        );
        let mut failed = examination(&[]);
        failed.subjects[0].findings.push(Finding::new("tanh", 1e-5, Err("no kernel")));
        assert!(failed.summary().expect_err("is wrong").contains("tanh fails (no kernel)"));
    }
}
