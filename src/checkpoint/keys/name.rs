//! What the parts of a name say.

/// Names that wrappers put into those of the weights, at the front or between two modules: DataParallel and
/// AveragedModel, torch.compile, DeepSpeed, FSDP, activation checkpointing.
const WRAPPERS: [&str; 6] = [
    "module",
    "_orig_mod",
    "_forward_module",
    "_fsdp_wrapped_module",
    "_fpw_module",
    "_checkpoint_wrapped_module",
];

/// The parts of a name, without those of wrappers.
pub(super) fn parts(full: &str) -> Vec<&str> {
    full.split(['.', '/']).filter(|part| !part.is_empty() && !WRAPPERS.contains(part)).collect()
}

/// Half of a VAE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Half {
    Encoder,
    Decoder,
}

/// The half of a VAE that a module of this name is, and what the name says besides (`ema_` in `ema_encoder`), by which
/// halves that belong together are known.
pub(super) fn half(part: &str) -> Option<(Half, String)> {
    let lower = part.to_ascii_lowercase();
    if lower == "enc" || lower == "dec" {
        return Some((if lower == "enc" { Half::Encoder } else { Half::Decoder }, String::new()));
    }
    for (word, half) in [("encod", Half::Encoder), ("decod", Half::Decoder)] {
        if let Some(at) = lower.find(word) {
            let rest = lower[at + word.len()..].trim_start_matches("ing").trim_start_matches("er");
            let rest = rest.strip_prefix('e').filter(|rest| rest.is_empty()).unwrap_or(rest);
            return Some((half, format!("{}{rest}", &lower[..at])));
        }
    }
    None
}

/// Whether weights under these names are a moving average of others.
pub(super) fn is_averaged(place: &str) -> bool {
    const WORDS: [&str; 10] =
        ["ema", "avg", "average", "averaged", "shadow", "swa", "polyak", "smooth", "smoothed", "running"];
    place.split(['.', '/']).any(|part| {
        let part = part.to_ascii_lowercase();
        // The published name of the generator's average.
        part == "generator_test" || part.split(['_', '-']).any(|word| WORDS.contains(&word))
    })
}

/// Whether tensors under these names are an optimiser's or a trainer's and no weights, whatever their shapes.
pub(super) fn is_of_training(full: &str) -> bool {
    const OPTIMISERS: [&str; 6] = ["optim", "optims", "optimizer", "optimizers", "optimiser", "optimisers"];
    const MOMENTS: [&str; 9] = [
        "exp_avg",
        "exp_avg_sq",
        "max_exp_avg_sq",
        "square_avg",
        "grad_avg",
        "momentum_buffer",
        "grad",
        "grads",
        "gradients",
    ];
    // What idgan's own training state keeps beside its model.
    full.starts_with("training.")
        || full.split(['.', '/']).any(|part| {
            let lower = part.to_ascii_lowercase();
            MOMENTS.contains(&lower.as_str()) || lower.split('_').any(|word| OPTIMISERS.contains(&word))
        })
}

/// Whether a tensor is a counter of its layer: no weight, at most one number.
pub(super) fn is_counter(full: &str, shape: &[usize]) -> bool {
    let last = full.rsplit(['.', '/']).next().unwrap_or_default();
    const VALUES: [&str; 6] = ["weight", "bias", "weight_u", "weight_v", "running_mean", "running_var"];
    shape.iter().product::<usize>() <= 1 && !VALUES.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_left_out_wherever_they_stand() {
        for full in [
            "encoder.layer.0.weight",
            "module.encoder.layer.0.weight",
            "_orig_mod.module.encoder.layer.0.weight",
            "module._orig_mod.encoder._orig_mod.layer.module.0.weight",
            "_forward_module.encoder._fsdp_wrapped_module.layer.0._checkpoint_wrapped_module.weight",
            "encoder/layer/0/weight",
        ] {
            assert_eq!(parts(full), ["encoder", "layer", "0", "weight"], "{full}");
        }
        assert_eq!(parts("submodule.module_2.weight"), ["submodule", "module_2", "weight"]);
    }

    #[test]
    fn halves_are_known_by_their_names_and_what_joins_them() {
        let half = |part| half(part).map(|(half, rest)| (half == Half::Encoder, rest));
        let is = |encoder, rest: &str| Some((encoder, rest.to_owned()));
        assert_eq!(half("encoder"), is(true, ""));
        assert_eq!(half("Decoder"), is(false, ""));
        assert_eq!(half("encode"), is(true, ""));
        assert_eq!((half("enc"), half("dec")), (is(true, ""), is(false, "")));
        assert_eq!((half("ema_encoder"), half("ema_decoder")), (is(true, "ema_"), is(false, "ema_")));
        assert_eq!((half("encoder_ema"), half("vae_decoder")), (is(true, "_ema"), is(false, "vae_")));
        assert_eq!((half("generator"), half("decorator")), (None, None));
    }

    #[test]
    fn averages_say_so_in_a_word_of_their_name() {
        for place in [
            "generator_test",
            "params_ema",
            "ema",
            "ema_model",
            "state_dict_ema",
            "g_ema.module",
            "model.swa",
            "g_running",
            "averaged_model",
            "shadow.net",
        ] {
            assert!(is_averaged(place), "{place}");
        }
        for place in
            ["generator", "net", "test", "schema", "model_states.net", "semantic", "generator.test_net"]
        {
            assert!(!is_averaged(place), "{place}");
        }
    }

    #[test]
    fn what_belongs_to_training_is_no_weight() {
        assert!(is_of_training("optim_states.optim.state.0.exp_avg"));
        assert!(is_of_training("optimizer.encoder.layer.0.weight"));
        assert!(is_of_training("x.exp_avg_sq.encoder.layer.0.weight"));
        assert!(
            is_of_training("training.adam.encoder.layer.0.weight")
                && is_of_training("g_optimizer.state.0.square_avg")
        );
        for weights in
            ["model_states.net.encoder.layer.0.weight", "optimized.w", "momentum_encoder.w", "a.training.w"]
        {
            assert!(!is_of_training(weights), "{weights}");
        }
        assert!(is_counter("encoder.layer.1.num_batches_tracked", &[]));
        assert!(is_counter("n_averaged", &[]) && is_counter("encoder.total_ops", &[1]));
        assert!(!is_counter("conv.weight_u", &[1]) && !is_counter("norm.running_var", &[1]));
        assert!(!is_counter("layer.11.bias", &[1]) && !is_counter("mean", &[3]));
    }
}
