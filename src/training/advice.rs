use super::{Initialisation, StepReport, TrainConfig};

/// The step after which a VAE that starts from PyTorch's initialisation has found its first dimension or never will:
/// of the seeds 0 to 9 on sprites with beta 30, six had one after 500 steps; of the others (1, 2, 3, 7) the one that was
/// trained on was still empty after 12,000, although beta had fallen to 4.
const LATE: u64 = 1000;
/// Nats below which a code is empty.
const EMPTY: f64 = 0.01;

/// What to tell about a VAE whose code is still empty after `step`, the first time that this is certain.
pub(super) fn empty_code(config: &TrainConfig, step: u64, report: &StepReport) -> Option<String> {
    let vae = config.vae.as_ref().filter(|vae| vae.initialisation == Initialisation::Uniform)?;
    let kl = report.get(if config.method.is_stage_1() { "kl" } else { "code_kl" })?;
    (step == LATE && kl < EMPTY).then(|| {
        format!(
            "the code is still empty after {step} steps (KL {kl:.4} nats), and will stay so: vae.beta, now {:.1}, is too \
             high for this seed to begin with; stop, and start again with a lower one or with another --seed",
            vae.beta.at(step)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Stage, preset};

    #[test]
    fn an_empty_code_is_told_of_once() {
        let config = preset(Stage::Vae, "dsprites-small").expect("a preset");
        let told = |step: u64, kl: f64| {
            let mut report = StepReport::default();
            report.add("kl", kl);
            empty_code(&config, step, &report)
        };
        assert!(told(1000, 1e-4).is_some_and(|text| text.contains("1000 steps (KL 0.0001 nats)")));
        assert_eq!([told(1000, 3.0), told(999, 1e-4), told(1001, 1e-4)], [None, None, None]);
        let gan = preset(Stage::Gan, "dsprites-small").expect("a preset");
        assert_eq!(empty_code(&gan, 1000, &StepReport::default()), None);
    }
}
