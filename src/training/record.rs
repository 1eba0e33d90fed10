use serde_json::Value;

use crate::checkpoint::{DISCRIMINATOR_RATE, GAN_ITERATION, GENERATOR_RATE, VAE_ITERATION, VAE_RATE};
use crate::model::ModelDescription;

use crate::inference::Computer;
use crate::ops::Precision;

use super::config::warmth;
use super::{Family, Method, Ramp};

/// The note of the precision.
const PRECISION: &str = "precision";

/// Notes how long each network of a model was trained and at which learning rates it ended, as far as the configuration in
/// the model's provenance tells: what PyTorch files keep beside the weights.
pub fn note_training(description: &mut ModelDescription) {
    let Some(steps) = description.training.get("steps").and_then(Value::as_u64) else { return };
    let Some(config) = description.provenance.get("config") else { return };
    let Some(method) = config.get("method").and_then(Value::as_str).and_then(Method::from_name) else {
        return;
    };
    let last = steps.saturating_sub(1);
    let mut notes: Vec<(&str, Value)> = Vec::new();
    if method.is_stage_1() || method.is_joint() {
        notes.push((VAE_ITERATION, steps.into()));
        let rate = config.get("vae").and_then(|vae| rate(vae, "learning_rate", last));
        notes.extend(rate.map(|rate| (VAE_RATE, rate.into())));
    }
    if method.family() == Family::Gan {
        notes.push((GAN_ITERATION, steps.into()));
        let names = ["learning_rate_generator", "learning_rate_discriminator"];
        for (name, key) in names.into_iter().zip([GENERATOR_RATE, DISCRIMINATOR_RATE]) {
            let rate = config.get("gan").and_then(|gan| rate(gan, name, last));
            notes.extend(rate.map(|rate| (key, rate.into())));
        }
    }
    description.training.extend(notes.into_iter().map(|(key, value)| (key.to_owned(), value)));
}

/// Notes what computed last, and in which precision: resuming asks for it, and readers may want to know.
pub(super) fn note_computer(description: &mut ModelDescription, computer: &Computer) {
    description.training.insert("device".into(), computer.name().into());
    description.training.insert(PRECISION.into(), computer.precision.name().into());
}

/// The precision that a run's model was last trained in, where it is noted.
pub fn noted_precision(description: &ModelDescription) -> Option<Precision> {
    description.training.get(PRECISION)?.as_str()?.parse().ok()
}

/// The learning rate `name` of a section at `step`. The configuration is read by itself, so that fields which other versions of the
/// program know or do not know do not matter.
fn rate(section: &Value, name: &str, step: u64) -> Option<f64> {
    let ramp: Ramp = serde_json::from_value(section.get(name)?.clone()).ok()?;
    // Only the rates of a GAN rise over its first steps.
    let starts = name != "learning_rate"
        && section.get("start").and_then(Value::as_str).is_some_and(|s| !s.is_empty());
    let warm_up = section.get("warm_up").and_then(Value::as_u64);
    Some(ramp.at(step) * warmth(warm_up, starts, step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, preset};

    /// What is noted of a run of a preset's configuration after `steps` steps.
    fn noted(config: Value, steps: u64) -> ModelDescription {
        let mut description = ModelDescription::empty("run");
        description.training.insert("steps".into(), steps.into());
        description.provenance.insert("config".into(), config);
        note_training(&mut description);
        description
    }

    #[test]
    fn the_precision_that_is_noted_is_read_again() {
        let mut description = ModelDescription::empty("run");
        assert_eq!(noted_precision(&description), None);
        let computer = Computer { precision: Precision::Bf16, ..Computer::processor() };
        note_computer(&mut description, &computer);
        assert_eq!(noted_precision(&description), Some(Precision::Bf16));
        assert_eq!(description.training["device"], "CPU (bf16)");
    }

    #[test]
    fn each_method_notes_the_networks_that_it_trains() {
        let vae =
            serde_json::to_value(preset(Family::Vae, "dsprites-small").expect("a preset")).expect("JSON");
        let rate = vae.pointer("/vae/learning_rate").and_then(Value::as_f64).expect("a rate");
        let training = noted(vae, 12_000).training;
        assert_eq!((&training[VAE_ITERATION], training[VAE_RATE].as_f64()), (&12_000.into(), Some(rate)));
        assert!(!training.contains_key(GAN_ITERATION) && !training.contains_key(GENERATOR_RATE));

        let gan = serde_json::to_value(preset(Family::Gan, "dsprites").expect("a preset")).expect("JSON");
        let training = noted(gan.clone(), 777).training;
        assert_eq!(training[GAN_ITERATION], 777);
        assert_eq!(
            (training[GENERATOR_RATE].as_f64(), training[DISCRIMINATOR_RATE].as_f64()),
            (Some(1e-3), Some(1e-4))
        );
        assert!(!training.contains_key(VAE_ITERATION), "its VAE was trained elsewhere");

        let mut joint = gan;
        joint["method"] = "idgan-end-to-end".into();
        joint["a field of another version"] = 1.into();
        joint["vae"] = serde_json::json!({ "learning_rate": 2e-4 });
        let training = noted(joint, 5).training;
        assert_eq!((&training[VAE_ITERATION], &training[GAN_ITERATION]), (&5.into(), &5.into()));
        assert_eq!(training[VAE_RATE], 2e-4);
    }

    #[test]
    fn rates_are_those_of_the_last_step() {
        let mut gan = serde_json::to_value(preset(Family::Gan, "dsprites").expect("a preset")).expect("JSON");
        gan["gan"]["learning_rate_generator"] = serde_json::json!({ "from": 1e-3, "to": 0.0, "over": 1000 });
        let rate =
            |gan: &Value, steps| noted(gan.clone(), steps).training[GENERATOR_RATE].as_f64().expect("a rate");
        assert!((rate(&gan, 501) - 5e-4).abs() < 1e-9);
        assert!(rate(&gan, 2000).abs() < 1e-12);
        gan["gan"]["warm_up"] = 10.into();
        assert!((rate(&gan, 1) - 1e-4).abs() < 1e-9, "one of ten steps of warming up");
    }

    #[test]
    fn models_of_others_stay_as_they_are() {
        let mut description = ModelDescription::empty("imported");
        description.training.insert(VAE_ITERATION.into(), 1234.into());
        let before = description.clone();
        note_training(&mut description);
        assert_eq!(description, before);
    }
}
