use super::{Family, Initialisation, StepReport, TrainConfig};

/// The step after which a VAE that starts from PyTorch's initialisation has found its first dimension or most likely never
/// will: of the seeds 0 to 9 on the sprites of before with beta 30, six had one after 500 steps; of the others (1, 2, 3, 7) the
/// one that was trained on was still empty after 12,000, although beta had fallen to 4. The ReLUs of its encoder's second
/// convolution were all dead after 150 steps ([`Initialisation::Uniform`]), and from there no beta brings them back.
const LATE: u64 = 1000;
/// Nats below which a code is empty.
const EMPTY: f64 = 0.01;

/// What to tell about a VAE whose code is still empty after `step`, the first time that this is certain.
pub(super) fn empty_code(config: &TrainConfig, step: u64, report: &StepReport) -> Option<String> {
    let vae = config.vae.as_ref().filter(|vae| vae.initialisation == Initialisation::Uniform)?;
    let kl = report.get(if config.method.is_stage_1() { "kl" } else { "code_kl" })?;
    (step == LATE && kl < EMPTY).then(|| {
        let rising = match config.method.unused().contains(&"vae.beta") {
            true => String::new(),
            // measured on sprites, beta 30: 4.3, 4.5 and 4.0 nats after 1,500 steps with the seeds 1, 2 and 3
            false => format!(
                ", or with a vae.beta that rises at first (--set 'vae.beta={{from=0,to={},over=500}}')",
                vae.beta.at(0)
            ),
        };
        format!(
            "the code is still empty after {step} steps (KL {kl:.4} nats), and will most likely stay so: ReLUs of the encoder have \
             died in the first steps; stop, and start again with another --seed{rising}"
        )
    })
}

/// What to do about a run that diverged after the state of step `saved` was written.
pub(super) fn after_divergence(config: &TrainConfig, saved: Option<u64>) -> String {
    let section = config.method.section();
    let rates = match config.method.family() {
        Family::Vae | Family::Iae => format!("--set {section}.learning_rate="),
        _ => format!(
            "--set {section}.learning_rate_generator= and --set {section}.learning_rate_discriminator="
        ),
    };
    let cure = format!("with a lower learning rate ({rates}) and another --out");
    match saved {
        None => format!("nothing had been saved yet: start again {cure}"),
        Some(step) if config.method.may_start_from_another() => {
            format!(
                "the checkpoint of step {step} is intact: start a new run from it, with --start and this folder, {cure}"
            )
        }
        Some(step) => format!("the checkpoint of step {step} is intact: start again {cure}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, Method, preset};

    #[test]
    fn a_diverged_run_is_told_what_can_be_done() {
        let vae = preset(Family::Vae, "dsprites-small").expect("a preset");
        assert!(after_divergence(&vae, None).contains("nothing had been saved yet"));
        assert!(after_divergence(&vae, Some(400)).contains("step 400 is intact: start a new run from it"));
        let gan = preset(Family::Gan, "dsprites-small").expect("a preset").with_method(Method::Cgan);
        let advice = after_divergence(&gan, Some(400));
        assert!(!advice.contains("--start") && advice.contains("gan.learning_rate_generator"), "{advice}");
    }

    #[test]
    fn an_empty_code_is_told_of_once() {
        let config = preset(Family::Vae, "dsprites-small").expect("a preset");
        let told = |step: u64, kl: f64| {
            let mut report = StepReport::default();
            report.add("kl", kl);
            empty_code(&config, step, &report)
        };
        assert!(told(1000, 1e-4).is_some_and(|text| text.contains("1000 steps (KL 0.0001 nats)")));
        assert_eq!([told(1000, 3.0), told(999, 1e-4), told(1001, 1e-4)], [None, None, None]);
        assert!(told(1000, 1e-4).is_some_and(|text| text.contains("{from=0,to=30,over=500}")));
        let mut empty = StepReport::default();
        empty.add("kl", 1e-4);
        let annealed = empty_code(&config.clone().with_method(Method::AnnealedVae), 1000, &empty);
        assert!(annealed.is_some_and(|text| text.ends_with("another --seed")), "it has no beta");
        let gan = preset(Family::Gan, "dsprites-small").expect("a preset");
        assert_eq!(empty_code(&gan, 1000, &StepReport::default()), None);
    }
}
