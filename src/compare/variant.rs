//! What tells runs of one method apart, beyond their seeds.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::training::TrainConfig;

/// Values by their keys, as `idgan train --set` takes them.
pub(super) type Values = BTreeMap<String, String>;

/// Keys that do not decide what is trained: a run's column and seed, where its files lie, and when something is
/// written.
const ASIDE: [&str; 13] = [
    "preset",
    "data",
    "size",
    "seed",
    "gan.vae",
    "gan.start",
    "vae.start",
    "checkpoint_every",
    "checkpoint_minutes",
    "sample_every",
    "log_every",
    "keep_last",
    "keep_every",
];

/// The values of `config` that decide what is trained; what its method passes over does not.
pub(super) fn deciding(config: &TrainConfig) -> Values {
    let mut values = Values::new();
    let mut add = |key: String, value: &Value| {
        if !ASIDE.contains(&key.as_str()) && !config.method.unused().contains(&key.as_str()) {
            values.insert(key, words(value));
        }
    };
    let Ok(Value::Object(all)) = serde_json::to_value(config) else { return values };
    for (name, value) in &all {
        match value {
            Value::Object(section) => {
                section.iter().for_each(|(key, value)| add(format!("{name}.{key}"), value));
            }
            value => add(name.clone(), value),
        }
    }
    values
}

/// For each of `runs`, that stand in one cell of a table but for their seeds: `gan.w_info=0.1, steps=4000`, the values
/// that not all of them share. Empty where all do.
pub(super) fn labels(runs: &[&Values]) -> Vec<String> {
    let all: std::collections::BTreeSet<&String> = runs.iter().flat_map(|values| values.keys()).collect();
    let differs = |key: &&&String| runs.windows(2).any(|pair| pair[0].get(**key) != pair[1].get(**key));
    let keys: Vec<&&String> = all.iter().filter(differs).collect();
    let label = |values: &&Values| {
        let pairs = keys.iter().map(|key| format!("{key}={}", values.get(**key).map_or("none", |v| v)));
        pairs.collect::<Vec<_>>().join(", ")
    };
    runs.iter().map(label).collect()
}

/// What runs of one variant of a method are called.
pub(super) fn named(heading: &str, variant: &str) -> String {
    if variant.is_empty() { heading.to_owned() } else { format!("{heading}, {variant}") }
}

/// How `here` differs from `there`: `batch 8 there, 16 here`. Steps may be raised and count for nothing.
pub(super) fn differences(there: &TrainConfig, here: &TrainConfig) -> Vec<String> {
    let (old, new) = (deciding(there), deciding(here));
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let get = |values: &Values, key: &String| values.get(key).map_or("none", |value| value).to_owned();
    keys.into_iter()
        .filter(|key| *key != "steps" && old.get(*key) != new.get(*key))
        .map(|key| format!("{key} {} there, {} here", get(&old, key), get(&new, key)))
        .collect()
}

/// A value in a word: a schedule as `16 to 2 over 12000`.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(parts) => match ["from", "to", "over"].map(|name| parts.get(name)) {
            [Some(from), Some(to), Some(over)] if from != to => format!("{from} to {to} over {over}"),
            [Some(from), Some(_), Some(_)] => from.to_string(),
            _ => value.to_string(),
        },
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, preset};

    #[test]
    fn only_what_decides_and_differs_is_named() {
        let config = preset(Family::Gan, "dsprites-small").expect("known");
        let mut other = TrainConfig { seed: 7, checkpoint_every: 1, batch: 8, ..config.clone() };
        if let Some(gan) = &mut other.gan {
            (gan.w_info, gan.vae) = (0.5, "elsewhere".into());
        }
        let longer = TrainConfig { steps: config.steps + 1, ..config.clone() };
        let (a, b) = (deciding(&config), deciding(&other));
        assert_eq!(labels(&[&a, &a]), ["", ""], "equal runs need no label");
        let own = config.gan.as_ref().map(|gan| gan.w_info).expect("a GAN");
        let expected =
            [format!("batch={}, gan.w_info={own:?}", config.batch), "batch=8, gan.w_info=0.5".into()];
        assert_eq!(labels(&[&a, &b]), expected);
        let vae = preset(Family::Vae, "dsprites-small").expect("known");
        let mut with_other_gamma = vae.clone();
        with_other_gamma.vae.as_mut().expect("a VAE").gamma = 1.0;
        assert_eq!(differences(&vae, &with_other_gamma), [""; 0], "a beta-VAE has no gamma");
        let found = differences(&config, &other);
        assert_eq!(
            found,
            [format!("batch {} there, 8 here", config.batch), format!("gan.w_info {own:?} there, 0.5 here")]
        );
        assert_eq!(labels(&[&a, &deciding(&longer)])[0], format!("steps={}", config.steps));
        assert!(differences(&config, &longer).is_empty(), "a run may go on");
    }

    #[test]
    fn schedules_are_read_as_sentences() {
        let beta = serde_json::json!({ "from": 16.0, "to": 2.0, "over": 12000 });
        assert_eq!(words(&beta), "16.0 to 2.0 over 12000");
        assert_eq!(words(&serde_json::json!({ "from": 4.0, "to": 4.0, "over": 1 })), "4.0");
    }
}
