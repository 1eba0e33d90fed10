//! CycleIAE's networks.

use super::*;
use crate::graph::Shape;

#[test]
fn pictures_become_pictures_of_the_other_domain() {
    let plain = TranslatorConfig { size: 32, takes: 3, gives: 1, width: 4, blocks: 2, noise_dim: 0 };
    for config in [plain, TranslatorConfig { noise_dim: 5, takes: 1, gives: 3, ..plain }] {
        let graph = config.graph();
        let noise = (config.noise_dim > 0).then_some(Shape::Row(config.noise_dim));
        let takes: Vec<Shape> = [Shape::Map([config.takes, 32, 32])].into_iter().chain(noise).collect();
        assert_eq!(graph.inputs().collect::<Vec<_>>(), takes);
        assert_eq!(graph.output_shapes(), Ok(vec![Shape::Map([config.gives, 32, 32])]));
        assert_eq!(config.check(), Ok(()));
        // Nine normalisations, each with gain and shift, weight and bias, of the noise.
        let of_noise = graph
            .parameters()
            .iter()
            .filter(|p| p.name.contains("_gain") || p.name.contains("_shift"))
            .count();
        assert_eq!(of_noise, if config.noise_dim > 0 { 9 * 4 } else { 0 });
    }
}

#[test]
fn a_translator_of_published_size_has_cyclegans_parameters() {
    // CycleGAN's generator of nine blocks with instance normalisation and biases has 11,378,179. Its normalisations learn
    // nothing; ours, which make those biases needless, learn a gain and a shift for each of the channels.
    let config = TranslatorConfig { size: 256, takes: 3, gives: 3, width: 64, blocks: 9, noise_dim: 0 };
    let channels = 64 + 128 + 256 + 18 * 256 + 128 + 64;
    let learnt = config.parameters().into_iter().filter(|parameter| !parameter.name.contains("running"));
    let count: usize = learnt.map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    assert_eq!(count, 11_378_179 + channels);
}

#[test]
fn patches_have_a_logit_each() {
    let logits = |size, channels, takes: &[usize]| {
        let graph = PatchDiscriminatorConfig { size, channels, width: 2 }.graph();
        let takes: Vec<Shape> = takes.iter().map(|&channels| Shape::Map([channels, size, size])).collect();
        assert_eq!(graph.inputs().collect::<Vec<_>>(), takes);
        graph.output_shapes()
    };
    let pair = PatchChannels::Pair(3, 1);
    assert_eq!(logits(256, pair, &[3, 1]), Ok(vec![Shape::Row(30 * 30)]));
    assert_eq!(logits(32, PatchChannels::One(3), &[3]), Ok(vec![Shape::Row(2 * 2)]));
    assert_eq!(logits(PatchDiscriminatorConfig::SMALLEST, pair, &[3, 1]), Ok(vec![Shape::Row(1)]));
    assert!(logits(PatchDiscriminatorConfig::SMALLEST - 4, pair, &[3, 1]).is_err());
}

#[test]
fn impossible_sizes_are_refused() {
    let sound = TranslatorConfig { size: 32, takes: 3, gives: 1, width: 4, blocks: 2, noise_dim: 0 };
    for wrong in [
        TranslatorConfig { size: 30, ..sound },
        TranslatorConfig { takes: 2, ..sound },
        TranslatorConfig { gives: 4, ..sound },
        TranslatorConfig { width: 0, ..sound },
        TranslatorConfig { blocks: 65, ..sound },
        TranslatorConfig { noise_dim: usize::MAX, ..sound },
    ] {
        let said = wrong.check().expect_err("refused");
        assert!(said.starts_with("has sizes that no translator of pictures has"), "{said}");
    }
}
