//! IB-GAN's networks are those of the published files.

use super::*;
use crate::graph::{Graph, Parameter, Role, Shape};
use crate::nets::{NetworkConfig, Parameters};

const SPRITES: IbGanConfig = IbGanConfig {
    form: IbGanForm::Sprites,
    channels: 1,
    z_dim: 16,
    r_dim: 10,
    generator_width: 16,
    discriminator_width: 16,
};
const FACES: IbGanConfig = IbGanConfig {
    form: IbGanForm::Photos,
    channels: 3,
    z_dim: 64,
    r_dim: 15,
    generator_width: 64,
    discriminator_width: 64,
};

#[test]
fn networks_lead_from_and_to_codes_and_pictures() {
    for config in [SPRITES, FACES] {
        let (row, picture) = (Shape::Row, Shape::Map(config.picture_shape()));
        for (graph, takes, gives) in [
            (config.emitter_graph(), row(config.z_dim), vec![row(2 * config.r_dim)]),
            (config.generator_graph(), row(config.r_dim), vec![picture]),
            (config.discriminator_graph(), picture, vec![row(1)]),
            (config.reader_graph(), picture, vec![row(config.z_dim); 2]),
            (config.critic_graph(), picture, vec![row(1), row(config.z_dim)]),
        ] {
            assert_eq!(graph.inputs().collect::<Vec<_>>(), [takes]);
            assert_eq!(graph.output_shapes(), Ok(gives));
        }
    }
}

#[test]
fn they_have_as_many_parameters_as_the_published_ones() {
    for (config, count) in [(SPRITES, 5_678_566), (FACES, 55_341_762)] {
        let learnt =
            |parameter: &Parameter| !matches!(parameter.role, Role::RunningMean | Role::RunningVariance);
        let sizes = config.parameters().into_iter().filter(learnt);
        assert_eq!(sizes.map(|parameter| parameter.shape.iter().product::<usize>()).sum::<usize>(), count);
    }
}

#[test]
fn the_layers_next_to_the_picture_are_shared_in_the_form_for_photos() {
    let tensors = |graph: Graph, start: &str| {
        graph.parameters().iter().filter(|parameter| parameter.name.starts_with(start)).count()
    };
    // A convolution with a bias and two normalised ones without.
    const SHARED: usize = 2 + 2 * 5;
    for graph in [FACES.discriminator_graph(), FACES.reader_graph(), FACES.critic_graph()] {
        assert_eq!(tensors(graph, "front."), SHARED);
    }
    for graph in [SPRITES.discriminator_graph(), SPRITES.reader_graph(), SPRITES.critic_graph()] {
        assert_eq!(tensors(graph, "front."), 0);
    }
    for config in [SPRITES, FACES] {
        assert_eq!(tensors(config.discriminator_graph(), "encoder."), 0);
        assert_eq!(tensors(config.reader_graph(), "disc."), 0);
    }
}

#[test]
fn impossible_sizes_are_refused() {
    for wrong in [
        IbGanConfig { channels: 2, ..SPRITES },
        IbGanConfig { z_dim: 0, ..SPRITES },
        IbGanConfig { r_dim: usize::MAX, ..SPRITES },
        IbGanConfig { generator_width: 0, ..SPRITES },
        IbGanConfig { discriminator_width: usize::MAX, ..SPRITES },
    ] {
        let said = wrong.part(IbGanPart::Generator).check().expect_err("refused");
        assert!(said.starts_with("has sizes that no IB-GAN has"), "{said}");
    }
}
