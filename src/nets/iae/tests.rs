//! Implicit autoencoders' networks have the sizes of the paper's tables.

use super::*;
use crate::graph::{Graph, Shape};
use crate::nets::NetworkConfig;

/// The shapes of the weights of a network, without those of normalisations.
fn weights(graph: &Graph) -> Vec<String> {
    let parameters = graph.parameters();
    let weights = parameters.iter().filter(|parameter| parameter.shape.len() > 1);
    weights
        .map(|parameter| parameter.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x"))
        .collect()
}

#[test]
fn layers_are_those_of_the_tables() {
    let mnist = IaeConfig::mnist(10, 100);
    assert_eq!(weights(&mnist.encoder_graph()), ["2000x784", "2000x2000", "10x2000"]);
    assert_eq!(weights(&mnist.decoder_graph()), ["1024x110", "6272x1024", "128x64x4x4", "64x1x4x4"]);
    assert_eq!(
        weights(&mnist.pair_discriminator_graph()),
        ["1000x10", "196x1000", "64x1x4x4", "128x64x4x4", "1024x6272", "1x1024"]
    );
    assert_eq!(weights(&mnist.code_discriminator_graph()), ["2000x10", "2000x2000", "1x2000"]);
    let svhn = IaeConfig { conditioning: IaeConditioning::ByChannel, ..IaeConfig::svhn(75, 1000) };
    assert_eq!(weights(&svhn.encoder_graph()), ["64x3x4x4", "128x64x4x4", "256x128x4x4", "75x4096"]);
    assert_eq!(weights(&svhn.decoder_graph()), ["4096x1075", "256x128x4x4", "128x64x4x4", "64x3x4x4"]);
    assert_eq!(
        weights(&svhn.pair_discriminator_graph()),
        ["64x75", "64x3x4x4", "128x64x4x4", "256x128x4x4", "1x4096"]
    );
    let faces = IaeConfig::celeba(50, 1000);
    assert_eq!(weights(&faces.encoder_graph()), ["128x3x6x6", "256x128x6x6", "512x256x6x6", "50x18432"]);
    assert_eq!(weights(&faces.decoder_graph()), ["18432x1050", "512x256x6x6", "256x128x6x6", "128x3x6x6"]);
}

#[test]
fn networks_lead_from_and_to_what_they_say() {
    let digits = IaeConfig { size: 8, units: 40, hidden: 30, width: 6, ..IaeConfig::mnist(4, 0) };
    let stochastic = IaeConfig { eps_dim: 3, ..IaeConfig::svhn(5, 7) };
    let clusters = IaeConfig { is_categorical: true, ..IaeConfig::mnist(30, 10) };
    for config in [digits, stochastic, clusters, IaeConfig::celeba(50, 1000)] {
        let (row, picture) = (Shape::Row, Shape::Map(config.picture_shape()));
        let z = row(config.z_dim);
        let eps: Vec<Shape> = (config.eps_dim > 0).then_some(row(config.eps_dim)).into_iter().collect();
        for (part, takes, gives) in [
            (IaePart::Encoder, [vec![picture], eps].concat(), z),
            (IaePart::Decoder, vec![row(config.z_dim + config.n_dim)], picture),
            (IaePart::PairDiscriminator, vec![picture, z], row(1)),
            (IaePart::CodeDiscriminator, vec![z], row(1)),
            (IaePart::PictureDiscriminator, vec![picture], row(1)),
        ] {
            let network = config.part(part);
            assert_eq!(network.check(), Ok(()));
            assert_eq!(network.graph().inputs().collect::<Vec<_>>(), takes, "{part:?}");
            assert_eq!(network.graph().output_shapes(), Ok(vec![gives]), "{part:?}");
        }
    }
    let (logits, shares) = (clusters.logits_graph(), clusters.encoder_graph());
    assert_eq!(logits.parameters(), shares.parameters());
    assert_eq!(logits.nodes().len() + 1, shares.nodes().len());
}

#[test]
fn impossible_sizes_are_refused() {
    let mnist = IaeConfig::mnist(10, 100);
    for wrong in [
        IaeConfig { size: 30, ..mnist },
        IaeConfig { size: 28, ..IaeConfig::svhn(75, 1000) },
        IaeConfig { channels: 2, ..mnist },
        IaeConfig { kernel: 5, ..mnist },
        IaeConfig { width: 0, ..mnist },
        IaeConfig { units: 1, ..mnist },
        IaeConfig { z_dim: 0, ..mnist },
        IaeConfig { n_dim: usize::MAX, ..mnist },
    ] {
        let said = wrong.part(IaePart::Encoder).check().expect_err("refused");
        assert!(said.starts_with("has sizes that no implicit autoencoder has"), "{said}");
    }
}
