//! The values of a configuration one by one, for people who set them in the window.

use serde_json::Value;

use super::{Layers, LayersError, TrainConfig};
use crate::base::option_words;

/// One value of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What `--set` and files call it, for instance `vae.beta`.
    pub key: String,
    /// The value, as a file says it.
    pub value: String,
    /// What it is.
    pub explanation: &'static str,
}

impl TrainConfig {
    /// Its values in the order of the file, without those that its method passes over and the name of the preset.
    ///
    /// # Errors
    /// When a value is none that a file can hold.
    pub fn fields(&self) -> Result<Vec<Field>, LayersError> {
        // JSON knows the order, TOML how values are written.
        let refused = |error: &dyn std::fmt::Display| LayersError::Request(error.to_string());
        let ordered = serde_json::to_value(self).map_err(|error| refused(&error))?;
        let written = toml::Table::try_from(self).map_err(|error| refused(&error))?;
        let mut fields = Vec::new();
        let mut add = |key: String, value: Option<&toml::Value>| {
            let is_shown = key != "preset" && !self.method.unused().contains(&key.as_str());
            fields.extend(value.filter(|_| is_shown).map(|value| {
                let explanation = explanation(&key);
                Field { value: text(value), explanation, key }
            }));
        };
        for (name, value) in ordered.as_object().into_iter().flatten() {
            match value {
                // A schedule is a table, too.
                Value::Object(section) if *name == self.method.section() || self.method.is_joint() => {
                    let own = written.get(name).and_then(toml::Value::as_table);
                    for key in section.keys() {
                        add(format!("{name}.{key}"), own.and_then(|own| own.get(key)));
                    }
                }
                Value::Object(_) => {}
                _ => add(name.clone(), written.get(name)),
            }
        }
        Ok(fields)
    }
}

/// A value as somebody types it: words stand without quotes.
fn text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Layers {
    /// The arguments of `idgan train FAMILY` that say the same.
    pub fn arguments(&self, family: super::Family) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |option: &str, value: String| words.extend(option_words(&format!("--{option}"), value));
        if let Some(preset) = &self.preset {
            add("preset", preset.clone());
        }
        if let Some(file) = &self.file {
            add("config", file.display().to_string());
        }
        for pair in &self.set {
            add("set", pair.clone());
        }
        let start = family.start().map(|(key, _)| key);
        for (key, value) in &self.values {
            match *key {
                "gan.vae" => add("vae", text(value)),
                key if Some(key) == start => add("start", text(value)),
                "cycle.data2" => add("data2", text(value)),
                "data" | "method" | "size" | "steps" | "batch" | "seed" => add(key, text(value)),
                key => add("set", format!("{key}={}", text(value))),
            }
        }
        words
    }
}

/// What a value is, in a sentence or two; nothing for one that nobody has explained.
fn explanation(key: &str) -> &'static str {
    let name = key.split_once('.').map_or(key, |(_, name)| name);
    let own = OF_SECTIONS.iter().find(|(own, _)| *own == key);
    own.or_else(|| EXPLANATIONS.iter().find(|(own, _)| *own == name)).map_or("", |(_, text)| text)
}

/// What means something of its own in one section.
const OF_SECTIONS: &[(&str, &str)] = &[
    ("ibgan.beta", "Weight of the upper bound KL of the information that r carries"),
    ("oogan.gamma", "Weight of what it costs to choose the control that is 1"),
    ("oogan.lambda", "Weight of what c costs the reader"),
    ("ibgan.initialisation", "How the weights start: normal N(0, 0.02) or orthogonal"),
    ("iae.width", "Feature maps next to the picture"),
    ("cycle.channels", "Picture channels of the first domain, 1 or 3: the data set's"),
    ("cycle.width", "Feature maps of the translators next to the pictures"),
    ("cycle.discriminator_width", "Feature maps of the discriminators next to the picture"),
    ("cycle.n_dim", "Dimensions of the noise on the way back, from the second domain; 0 for none"),
    ("cycle.eps_dim", "Dimensions of the noise on the way there, to the second domain; 0 for none"),
];

/// What the values are, by the last part of their keys.
const EXPLANATIONS: &[(&str, &str)] = &[
    ("method", "What is trained and how"),
    ("data", "The data set, for instance dsprites or images:DIR"),
    ("picture", "The picture behind scream-dsprites"),
    ("background", "What shows through the transparent parts of pictures: black, white or #rrggbb"),
    ("size", "Picture height and width in pixels"),
    ("seed", "Weights, order of the pictures and noise follow from it"),
    ("steps", "Minibatches to train on in all"),
    ("batch", "Pictures a step"),
    ("accumulate", "Parts that a batch is computed in, where it does not fit into memory; divides batch"),
    ("checkpoint_every", "Steps between checkpoints"),
    ("checkpoint_minutes", "Minutes after which a checkpoint is written in any case; 0 for never"),
    ("sample_every", "Steps between sample grids; 0 for none"),
    ("log_every", "Steps between lines of the log, the points of the curves"),
    ("keep_last", "Training states that are kept besides the best: the newest so many"),
    ("keep_every", "Also keeps every state whose step is a multiple of this; 0 for none"),
    ("start", "The model to start from instead of random weights"),
    ("vae", "The VAE whose encoder is distilled"),
    ("c_dim", "Dimensions of the disentangled code c"),
    ("s_dim", "Dimensions of the nuisance code s"),
    ("z_dim", "Dimensions of the code or noise z"),
    ("r_dim", "Dimensions of the representation r"),
    ("n_dim", "Dimensions of the decoder's noise n; 0 for a deterministic decoder"),
    ("eps_dim", "Dimensions of the encoder's noise; 0 for a deterministic encoder"),
    ("channels", "Picture channels, 1 or 3: the data set's"),
    ("likelihood", "How the decoder explains a picture: bernoulli or gaussian"),
    ("initialisation", "How the weights start: normal N(0, 0.02), uniform as in PyTorch, or he"),
    ("learning_rate", "Adam's learning rate"),
    ("learning_rate_generator", "The generator's learning rate"),
    ("learning_rate_discriminator", "The discriminator's learning rate"),
    ("learning_rate_information", "The learning rate of generator and reader for what c costs"),
    ("learning_rate_kernels", "The learning rate at which the reader's kernels become orthogonal"),
    ("learning_rate_product", "The same of the maps that the last feature maps are multiplied by"),
    ("beta", "Weight of the KL divergence: a number, or over the steps { from = 30, to = 4, over = 10000 }"),
    ("gamma", "FactorVAE's weight of the total correlation"),
    ("capacity", "The annealed VAE's capacity in nats: a number or { from = 0, to = 25, over = 100000 }"),
    ("sampling", "How beta-TCVAE estimates the total correlation from a minibatch: weighted or stratified"),
    ("lambda_od", "DIP-VAE's weight of the squared covariances of different dimensions"),
    (
        "lambda_d_factor",
        "DIP-VAE's weight of the squared distances of variances from 1, in units of lambda_od",
    ),
    ("capacity_weight", "The annealed VAE's weight of the distance between KL divergence and capacity"),
    ("nets", "Architecture of generator and discriminator: small, resnet or resnet-vdb"),
    ("nfilter", "Feature maps at full resolution"),
    ("nfilter_max", "Most feature maps at any resolution"),
    ("warm_up", "Steps over which both rates rise from 0"),
    ("reg_param", "Weight of R1, the penalty on the discriminator's gradient, without the factor 1/2"),
    ("r1_every", "R1 is computed every so many steps and then weighs so many times as much"),
    ("w_info", "Weight of the distillation loss, lambda of the paper's Eq. 2"),
    ("w_adv", "Weight of VAE-GAN's adversarial loss"),
    ("downsample", "How larger pictures are brought to the encoder: area or bilinear"),
    ("ema_decay", "Decay of the moving average of the generator's weights"),
    ("flip", "Whether real pictures are mirrored at random"),
    ("dequantise", "Whether U(0, 1)/128 is added to real pictures"),
    ("form", "Which of the published forms the networks have"),
    ("generator_width", "Feature maps of the generator next to the picture"),
    ("discriminator_width", "Feature maps of discriminator and reader next to the picture"),
    ("lambda", "Weight of the lower bound of the information that a picture has about z"),
    ("momentum", "RMSprop's momentum"),
    ("noise", "Standard deviation of the noise on pictures before the discriminator, or how it falls"),
    ("real_labels", "What stands for real in the discriminator's loss is drawn between these two"),
    ("width", "What the widths of all layers are multiples of"),
    ("input", "How the generator takes its codes: oogan or info-gan"),
    ("reader", "How the reader ends: oogan or info-gan"),
    ("is_certain", "Whether the reader says c alone, without how sure it is"),
    ("one_hot", "Whether every other step draws controls of which one is 1"),
    ("orthogonal", "Whether the kernels of the reader are kept orthogonal"),
    ("layout", "Which layers encoder and decoder have"),
    ("kernel", "Height and width of the kernels: 4 or 6"),
    ("units", "Units of the encoder's linear layers and of the discriminator of codes"),
    ("hidden", "Units of the linear layers of decoder and discriminator of pictures"),
    ("categorical", "Whether z is a choice of one of z_dim clusters"),
    ("labelled", "Pictures whose labels teach the encoder its choice, as many of each label; 0 for none"),
    ("data2", "The data set of the second domain, for instance images:DIR"),
    ("channels2", "Picture channels of the second domain, 1 or 3"),
    ("blocks", "Residual blocks of the translators"),
    (
        "l1",
        "Weight of the absolute difference of pixels in the place of the discriminator of pairs; 0 for that",
    ),
    ("conditioning", "How the discriminator of pairs sees the code"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, preset, preset_names};

    #[test]
    fn every_value_of_every_preset_is_explained_and_can_be_set_to_what_it_is() {
        let mut count = 0;
        for family in Family::ALL {
            for name in preset_names(family) {
                for method in family.methods() {
                    let config = preset(family, name).expect("a preset").with_method(method);
                    let fields = config.fields().expect("fields");
                    assert!(
                        fields.iter().any(|field| field.key.ends_with("learning_rate_generator")
                            || field.key.ends_with("learning_rate")),
                        "{method:?}"
                    );
                    for field in &fields {
                        assert!(!field.explanation.is_empty(), "{} is not explained", field.key);
                        count += 1;
                    }
                    let set = fields.iter().map(|field| format!("{}={}", field.key, field.value)).collect();
                    let layers = Layers { preset: Some((*name).to_owned()), set, ..Layers::default() };
                    let again = layers.resolve(family).expect("resolves").config;
                    let mut expected = config.with_absolute_paths().expect("paths");
                    expected.preset = (*name).to_owned();
                    assert_eq!(again, expected, "{name} {method:?}");
                }
            }
        }
        assert!(count > 1000, "{count}");
    }

    #[test]
    fn what_a_method_passes_over_is_no_field_and_the_order_is_that_of_the_file() {
        let config = preset(Family::Vae, "dsprites-small").expect("a preset");
        let fields = config.fields().expect("fields");
        let keys: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        let at = |key: &str| keys.iter().position(|own| *own == key);
        assert!(
            at("method") < at("data") && at("data") < at("vae.c_dim") && at("vae.c_dim") < at("vae.beta")
        );
        assert_eq!((at("vae.gamma"), at("preset"), at("gan.s_dim")), (None, None, None));
        let beta = fields.iter().find(|field| field.key == "vae.beta").expect("beta");
        assert!(beta.value.contains("from"), "a schedule: {}", beta.value);
    }
}
