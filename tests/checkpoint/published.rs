//! Every reference file of the published formats opens with the right sizes, and the way through a bundle and back
//! to PyTorch changes no bit.

use std::path::Path;

use crate::common::official;
use idgan::base::Arrays;
use idgan::checkpoint::{Opened, Precision, Sources, export_torch, open, summarise, write_bundle};
use idgan::model::{CodeKind, DISCRIMINATOR, GAN, GENERATOR, VAE};
use idgan::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig};

fn pair(folder: &Path, vae: Option<&str>, gan: Option<&str>) -> Opened {
    let sources = Sources {
        vae: vae.map(|name| folder.join(name)),
        gan: gan.map(|name| folder.join(name)),
        ..Sources::default()
    };
    open(&sources).expect("opens")
}

fn assert_same_bits(left: &Arrays, right: &Arrays) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, array) in left {
        let other = &right[name];
        assert_eq!(array.shape(), other.shape(), "{name}");
        let same = array.data().iter().zip(other.data()).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "{name} changed");
    }
}

#[test]
fn every_reference_file_opens_with_the_right_sizes() {
    let Some(folder) = official("") else { return };
    let vae = |channels, c_dim| VaeConfig { channels, c_dim };
    for (name, expected) in [
        ("dvae_dsprites_last", vae(1, 10)),
        ("dvae_faces_last.legacy", vae(3, 20)),
        ("dvae_faces_vgan_last", vae(3, 20)),
    ] {
        let opened = pair(&folder, Some(name), None);
        let description = opened.model.description;
        assert_eq!(description.decoder(), Some(expected), "{name}");
        assert_eq!(description.codes.len(), 1, "{name}");
        assert!(description.training.contains_key("vae_iteration"), "{name}");
        let summary = summarise(&folder.join(name)).expect("readable");
        assert_eq!(summary.training["vae_optimiser"], true, "{name}");
        assert_eq!(summary.vae.and_then(|network| network.architecture), Some(expected), "{name}");
        assert!(opened.warnings.is_empty(), "{name}: {:?}", opened.warnings);
    }
    let trunk = |size, nfilter, nfilter_max| ResnetTrunk { size, nfilter, nfilter_max, channels: 3 };
    let resnet = |trunk| GeneratorConfig::Resnet { z_dim: 276, trunk };
    for (gan, with, generator, discriminator) in [
        (
            "idgan_dsprites_model.pt",
            "dvae_dsprites_last",
            GeneratorConfig::Small { z_dim: 10, channels: 1 },
            DiscriminatorConfig::Small { channels: 1 },
        ),
        (
            "idgan_faces64_model.legacy.pt",
            "dvae_faces_last.legacy",
            resnet(trunk(64, 8, 32)),
            DiscriminatorConfig::Resnet { trunk: trunk(64, 8, 32) },
        ),
        (
            "idgan_faces128_model.pt",
            "dvae_faces_last.legacy",
            resnet(trunk(128, 4, 32)),
            DiscriminatorConfig::Resnet { trunk: trunk(128, 4, 32) },
        ),
        (
            "vgan_faces64_model.pt",
            "dvae_faces_vgan_last",
            resnet(trunk(64, 8, 32)),
            DiscriminatorConfig::ResnetVdb { trunk: trunk(64, 8, 32) },
        ),
    ] {
        let opened = pair(&folder, Some(with), Some(gan));
        let description = opened.model.description;
        assert!(opened.warnings.is_empty(), "{gan}: {:?}", opened.warnings);
        assert_eq!(description.discriminator(), Some(discriminator), "{gan}");
        assert_eq!(description.generator(), Some(generator), "{gan}");
        let c_dim = description.block("c").expect("c").dims;
        if generator.z_dim() > c_dim {
            assert_eq!(description.inputs(GAN), ["s", "c"], "{gan}");
            let s = description.block("s").expect("s");
            assert_eq!((s.dims, s.kind), (generator.z_dim() - c_dim, CodeKind::Noise), "{gan}");
        } else {
            assert_eq!(description.inputs(GAN), ["c"], "{gan}");
        }
        assert_eq!(description.training["gan_iteration"], 777, "{gan}");

        let alone = pair(&folder, None, Some(gan)).model.description;
        assert_eq!(alone.inputs(GAN), ["z"], "{gan}");
        assert_eq!((alone.decoder(), alone.encoder()), (None, None));
    }
}

#[test]
fn bundle_to_pytorch_to_bundle_changes_no_bit() {
    let Some(folder) = official("") else { return };
    for (vae, gan) in [
        ("dvae_dsprites_last", "idgan_dsprites_model.pt"),
        ("dvae_faces_last.legacy", "idgan_faces64_model.legacy.pt"),
        ("dvae_faces_vgan_last", "vgan_faces64_model.pt"),
    ] {
        let out = tempfile::tempdir().expect("temporary folder");
        let first = out.path().join("first.safetensors");
        let opened = pair(&folder, Some(vae), Some(gan)).model;
        write_bundle(&first, &opened, Precision::F32).expect("writes");
        let bundled = open(&Sources { checkpoint: Some(first), ..Sources::default() }).expect("opens").model;
        assert_eq!(bundled.description, opened.description);
        let files = export_torch(out.path(), &bundled).expect("exports");
        assert_eq!(files.len(), 2);
        let back = pair(out.path(), Some("last"), Some("model.pt")).model;
        for group in [VAE, GENERATOR, DISCRIMINATOR] {
            assert_same_bits(bundled.group(group), back.group(group));
            assert_same_bits(opened.group(group), back.group(group));
        }
        assert_eq!(back.description.codes, opened.description.codes);
        assert_eq!(back.description.training["gan_iteration"], 777);
    }
}
