//! Networks of others, told by names that only they have.

use std::collections::HashSet;

use crate::formats::shorten;

use super::Key;
use super::name::parts;

/// A network that is not one of ours.
struct Known {
    /// What it is, and whose.
    name: &'static str,
    /// Whether it draws or encodes pictures by a code, as the models that idgan is for do.
    has_a_code: bool,
    /// Tensors that all lie in one place.
    signs: &'static [&'static str],
}

const fn model(name: &'static str, signs: &'static [&'static str]) -> Known {
    Known { name, has_a_code: true, signs }
}

const fn other(name: &'static str, signs: &'static [&'static str]) -> Known {
    Known { name, has_a_code: false, signs }
}

static KNOWN: [Known; 19] = [
    model("an older model of 1Konny/Beta-VAE", &["encode.0.weight", "decode.0.weight"]),
    model(
        "a GAN of GAN_stability (LMescheder)",
        &["resnet_0_0.conv_0.weight", "resnet_0_0.conv_1.weight", "conv_img.weight"],
    ),
    model("a StyleGAN2 (NVIDIA)", &["mapping.fc0.weight", "synthesis.b4.const"]),
    model("a StyleGAN2 (rosinality)", &["style.1.weight", "convs.0.conv.weight", "to_rgb1.conv.weight"]),
    model("a DCGAN of PyTorch's examples", &["main.0.weight", "main.1.running_mean", "main.3.weight"]),
    model(
        "an autoencoder of diffusers or Stable Diffusion",
        &["encoder.conv_in.weight", "decoder.conv_out.weight"],
    ),
    model(
        "Stable Diffusion",
        &["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.quant_conv.weight"],
    ),
    other("a diffusion U-Net", &["conv_in.weight", "time_embedding.linear_1.weight", "conv_out.weight"]),
    other("Inception V3", &["Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch1x1.conv.weight"]),
    other("a ResNet of torchvision", &["conv1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight"]),
    other(
        "a DenseNet of torchvision",
        &["features.conv0.weight", "features.denseblock1.denselayer1.conv1.weight"],
    ),
    other(
        "an EfficientNet or MobileNet of torchvision",
        &["features.0.0.weight", "features.1.block.0.0.weight"],
    ),
    other(
        "a VGG or AlexNet of torchvision",
        &["features.0.weight", "classifier.1.weight", "classifier.6.weight"],
    ),
    other("a VGG of torchvision", &["features.0.weight", "features.28.weight", "classifier.0.weight"]),
    other("a vision transformer", &["patch_embed.proj.weight", "blocks.0.attn.qkv.weight"]),
    other("CLIP", &["visual.conv1.weight", "transformer.resblocks.0.attn.in_proj_weight"]),
    other("a language model", &["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"]),
    other("a language model", &["wte.weight", "h.0.attn.c_attn.weight"]),
    other(
        "a language model",
        &["embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"],
    ),
];

/// Whose network the tensors of a file look like, and that it is not opened.
pub(crate) fn looks_like(keys: &[Key]) -> Option<String> {
    let names: HashSet<String> = keys.iter().map(|key| parts(&key.full).join(".")).collect();
    let is_there = |known: &&Known| {
        let [first, others @ ..] = known.signs else { return false };
        names.iter().any(|name| {
            let Some(place) = name.strip_suffix(first) else { return false };
            (place.is_empty() || place.ends_with('.'))
                && others.iter().all(|sign| names.contains(&format!("{place}{sign}")))
        })
    };
    KNOWN.iter().find(is_there).map(|known| {
        let why =
            if known.has_a_code { "which idgan does not open yet" } else { "which is no model for idgan" };
        format!("{}, {why}", known.name)
    })
}

/// How many tensors there are and the names of some, for a message.
pub(crate) fn listed(keys: &[Key]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> = keys.iter().take(SHOWN).map(|key| format!("`{}`", shorten(&key.full))).collect();
    let names = names.join(", ");
    match keys.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}
