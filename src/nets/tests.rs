//! The graphs say what the published networks are.

use crate::graph::{Parameter, Shape};
use crate::nets::{
    DiscriminatorConfig, EncoderConfig, GeneratorConfig, MlpConfig, Parameters, ProjectionConfig,
    ResnetTrunk, VaeConfig,
};

/// One parameter a word: its name and sizes.
fn listed(network: &impl Parameters) -> Vec<String> {
    let sizes = |Parameter { name, shape, .. }: Parameter| {
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        format!("{name}={}", sizes.join("x"))
    };
    network.parameters().into_iter().map(sizes).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

const TRUNK: ResnetTrunk = ResnetTrunk { size: 8, nfilter: 4, nfilter_max: 6, channels: 3 };

#[test]
fn parameters_have_the_names_sizes_and_order_that_pytorch_lists() {
    let vae = words(
        "encoder.layer.0.weight=32x1x4x4 encoder.layer.0.bias=32 encoder.layer.2.weight=32x32x4x4
         encoder.layer.2.bias=32 encoder.layer.4.weight=64x32x4x4 encoder.layer.4.bias=64
         encoder.layer.6.weight=64x64x4x4 encoder.layer.6.bias=64 encoder.layer.8.weight=256x64x4x4
         encoder.layer.8.bias=256 encoder.layer.11.weight=20x256 encoder.layer.11.bias=20
         decoder.layer.0.weight=256x10 decoder.layer.0.bias=256 decoder.layer.3.weight=256x64x4x4
         decoder.layer.3.bias=64 decoder.layer.5.weight=64x64x4x4 decoder.layer.5.bias=64
         decoder.layer.7.weight=64x32x4x4 decoder.layer.7.bias=32 decoder.layer.9.weight=32x32x4x4
         decoder.layer.9.bias=32 decoder.layer.11.weight=32x1x4x4 decoder.layer.11.bias=1",
    );
    assert_eq!(listed(&VaeConfig { channels: 1, c_dim: 10 }), vae);
    let generator = words(
        "fc.weight=96x5 fc.bias=96 resnet.0.conv_0.weight=4x6x3x3 resnet.0.conv_0.bias=4
         resnet.0.conv_1.weight=4x4x3x3 resnet.0.conv_1.bias=4 resnet.0.conv_s.weight=4x6x1x1
         resnet.2.conv_0.weight=4x4x3x3 resnet.2.conv_0.bias=4 resnet.2.conv_1.weight=4x4x3x3
         resnet.2.conv_1.bias=4 conv_img.weight=3x4x3x3 conv_img.bias=3",
    );
    assert_eq!(listed(&GeneratorConfig::Resnet { z_dim: 5, trunk: TRUNK }), generator);
    let discriminator = words(
        "conv_img.weight=4x3x3x3 conv_img.bias=4 mean_fn.weight=6x6x1x1 mean_fn.bias=6
         logstd_fn.weight=6x6x1x1 logstd_fn.bias=6 resnet.0.conv_0.weight=4x4x3x3 resnet.0.conv_0.bias=4
         resnet.0.conv_1.weight=4x4x3x3 resnet.0.conv_1.bias=4 resnet.2.conv_0.weight=4x4x3x3
         resnet.2.conv_0.bias=4 resnet.2.conv_1.weight=6x4x3x3 resnet.2.conv_1.bias=6
         resnet.2.conv_s.weight=6x4x1x1 fc.weight=1x96 fc.bias=1",
    );
    assert_eq!(listed(&DiscriminatorConfig::ResnetVdb { trunk: TRUNK }), discriminator);
    let plain: Vec<String> =
        discriminator.into_iter().filter(|p| !p.contains("mean_fn") && !p.contains("logstd_fn")).collect();
    assert_eq!(listed(&DiscriminatorConfig::Resnet { trunk: TRUNK }), plain);
    let mlp = words("layer.0.weight=7x3 layer.0.bias=7 layer.2.weight=2x7 layer.2.bias=2");
    assert_eq!(listed(&MlpConfig { widths: vec![3, 7, 2] }), mlp);
    assert_eq!(listed(&ProjectionConfig { c_dim: 3, features: 5 }), words("projection.weight=5x3"));
}

#[test]
fn graphs_lead_from_and_to_what_networks_take_and_give() {
    let [row, map] = [|n| Shape::Row(n), |n| Shape::Map([3, n, n])];
    let vae = VaeConfig { channels: 3, c_dim: 4 };
    let encoder = EncoderConfig { channels: 3, outputs: 9 };
    let (small, resnet) = (
        GeneratorConfig::Small { z_dim: 5, channels: 3 },
        GeneratorConfig::Resnet { z_dim: 5, trunk: ResnetTrunk { size: 128, ..TRUNK } },
    );
    let trunk = ResnetTrunk { size: 64, ..TRUNK };
    let mlp = MlpConfig { widths: vec![3, 7, 2] };
    for (graph, takes, gives) in [
        (vae.encoder_graph(), map(64), vec![row(4), row(4)]),
        (vae.decoder_graph(), row(4), vec![map(64)]),
        (encoder.graph(), map(64), vec![row(9)]),
        (small.graph(), row(5), vec![map(64)]),
        (resnet.graph(), row(5), vec![map(128)]),
        (DiscriminatorConfig::Small { channels: 3 }.graph(), map(64), vec![row(1)]),
        (DiscriminatorConfig::Resnet { trunk }.graph(), map(64), vec![row(1)]),
        (DiscriminatorConfig::ResnetVdb { trunk }.graph(), map(64), vec![row(1), Shape::Map([6, 4, 4])]),
        (mlp.graph(), row(3), vec![row(2)]),
    ] {
        assert_eq!(graph.inputs().collect::<Vec<_>>(), [takes]);
        assert_eq!(graph.output_shapes(), Ok(gives));
    }
    assert!(MlpConfig { widths: Vec::new() }.graph().shapes().is_err());
    assert!(GeneratorConfig::Small { z_dim: 0, channels: 1 }.graph().shapes().is_err());
}

#[test]
fn multiply_adds_are_those_of_the_published_sizes() {
    let vae = VaeConfig { channels: 1, c_dim: 10 };
    assert_eq!(vae.encoder_graph().multiply_adds(), Ok(8_131_584));
    assert_eq!(vae.decoder_graph().multiply_adds(), Ok(8_129_024));
    let trunk = ResnetTrunk { size: 1024, nfilter: 16, nfilter_max: 512, channels: 3 };
    let largest = GeneratorConfig::Resnet { z_dim: 276, trunk }.graph().multiply_adds();
    assert!(largest.is_ok_and(|count| (16_000_000_000..17_000_000_000).contains(&count)));
    // fc; at 4x4 two convolutions and a shortcut; at 8x8 two convolutions and the last one
    let by_hand = 5 * 96 + 16 * (9 * (6 * 4 + 4 * 4) + 6 * 4) + 64 * 9 * (4 * 4 + 4 * 4 + 4 * 3);
    assert_eq!(GeneratorConfig::Resnet { z_dim: 5, trunk: TRUNK }.graph().multiply_adds(), Ok(by_hand));
}
