//! OOGAN's networks are those of the published files.

use super::*;
use crate::graph::{Parameter, Role, Shape};
use crate::nets::{NetworkConfig, Parameters};

const CHAIRS: OoganConfig = OoganConfig {
    size: 64,
    channels: 3,
    c_dim: 10,
    z_dim: 50,
    width: 64,
    input: OoganKind::Oogan,
    reader: OoganKind::Oogan,
    is_certain: false,
};
const SPRITES: OoganConfig =
    OoganConfig { size: 32, channels: 1, c_dim: 6, z_dim: 10, input: OoganKind::InfoGan, ..CHAIRS };
const FACES: OoganConfig = OoganConfig { size: 256, c_dim: 16, z_dim: 100, ..CHAIRS };
const INFO_GAN: OoganConfig = OoganConfig { size: 64, reader: OoganKind::InfoGan, ..SPRITES };

#[test]
fn networks_lead_from_and_to_codes_and_pictures() {
    let without_noise = OoganConfig { z_dim: 0, is_certain: true, size: 128, ..CHAIRS };
    for config in [CHAIRS, SPRITES, FACES, INFO_GAN, without_noise] {
        assert_eq!(config.check(), Ok(()));
        let (row, picture) = (Shape::Row, Shape::Map(config.picture_shape()));
        let read = vec![row(config.c_dim); if config.is_certain { 1 } else { 2 }];
        for (graph, takes, gives) in [
            (config.generator_graph(), row(config.c_dim + config.z_dim), vec![picture]),
            (config.discriminator_graph(), picture, vec![row(1)]),
            (config.reader_graph(), picture, read.clone()),
            (config.critic_graph(), picture, [vec![row(1)], read].concat()),
        ] {
            assert_eq!(graph.inputs().collect::<Vec<_>>(), [takes]);
            assert_eq!(graph.output_shapes(), Ok(gives));
        }
    }
}

#[test]
fn they_have_as_many_parameters_as_the_published_ones() {
    // Those of published files, less what these keep and never use: starting noise, and a mask of the 8x8 maps.
    let unused = |config: &OoganConfig| {
        let [small, large] = if config.size == 256 { [16, 8] } else { [8, 4] };
        if config.input == OoganKind::Oogan { config.width * (16 * small + 64 * large) } else { 0 }
    };
    for (config, count) in
        [(SPRITES, 2_314_522), (CHAIRS, 5_182_871), (FACES, 35_514_330), (INFO_GAN, 5_043_378)]
    {
        let learnt =
            |parameter: &Parameter| !matches!(parameter.role, Role::RunningMean | Role::RunningVariance);
        let sizes = config.parameters().into_iter().filter(learnt);
        let found: usize = sizes.map(|parameter| parameter.shape.iter().product::<usize>()).sum();
        assert_eq!(found, count - unused(&config), "{config:?}");
    }
}

#[test]
fn the_layers_that_are_spectrally_normalised_are_there() {
    for config in [CHAIRS, SPRITES, FACES, INFO_GAN] {
        for part in [OoganPart::Generator, OoganPart::Discriminator, OoganPart::Reader] {
            let layers = config.spectral_layers(part);
            let names: Vec<String> =
                config.part(part).graph().parameters().into_iter().map(|parameter| parameter.name).collect();
            assert!(!layers.is_empty());
            assert!(layers.iter().all(|layer| names.contains(&format!("{layer}.weight"))), "{layers:?}");
        }
    }
}

#[test]
fn impossible_sizes_are_refused() {
    for wrong in [
        OoganConfig { size: 48, ..CHAIRS },
        OoganConfig { channels: 2, ..CHAIRS },
        OoganConfig { c_dim: 0, ..CHAIRS },
        OoganConfig { z_dim: 1, ..CHAIRS },
        OoganConfig { width: usize::MAX, ..CHAIRS },
    ] {
        let said = wrong.part(OoganPart::Generator).check().expect_err("refused");
        assert!(said.starts_with("has sizes that no OOGAN has"), "{said}");
    }
}
