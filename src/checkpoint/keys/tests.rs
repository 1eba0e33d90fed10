//! Networks in every wrapping that people's files have, by names and shapes alone.

use super::choose::Choice;
use super::{Key, choose, looks_like};
use crate::checkpoint::kind::Inferred;
use crate::checkpoint::kinds::kinds;
use crate::checkpoint::shapes::{Shapes, shapes_of};
use crate::model;
use crate::nets::{
    DiscriminatorConfig, GeneratorConfig, PUBLISHED, Parameters, PublishedRange, PublishedSizes,
    PublishedVae, ResnetTrunk, VaeConfig,
};

const VAE: VaeConfig = VaeConfig { channels: 1, c_dim: 10 };
const SMALL: GeneratorConfig = GeneratorConfig::Small { z_dim: 10, channels: 1 };
const SMALL_JUDGE: DiscriminatorConfig = DiscriminatorConfig::Small { channels: 1 };
const TRUNK: ResnetTrunk = ResnetTrunk { size: 16, nfilter: 4, nfilter_max: 8, channels: 3 };
const RESNET: GeneratorConfig = GeneratorConfig::Resnet { z_dim: 12, trunk: TRUNK };
const RESNET_JUDGE: DiscriminatorConfig = DiscriminatorConfig::Resnet { trunk: TRUNK };

/// The tensors of a network under `place`, which lies in dicts as far as a slash says (`state_dict/model.`).
fn under(place: &str, network: &impl Parameters) -> Vec<Key> {
    renamed(place, &shapes_of(network), |name| name.to_owned())
}

fn renamed(place: &str, shapes: &Shapes, rename: impl Fn(&str) -> String) -> Vec<Key> {
    let (dict, prefix) = place.rsplit_once('/').unwrap_or(("", place));
    let dict = dict.replace('/', ".");
    let full = |name: &str| {
        let name = format!("{prefix}{}", rename(name));
        if dict.is_empty() { name } else { format!("{dict}.{name}") }
    };
    shapes
        .iter()
        .map(|(name, shape)| Key { full: full(name), dict: dict.len(), shape: shape.clone() })
        .collect()
}

fn scalar(full: &str) -> Key {
    Key::flat(full, [])
}

/// The names of a choice are those of the network.
fn is_whole(choice: Option<&Choice>, network: &impl Parameters) -> bool {
    choice.is_some_and(|choice| choice.tensors.keys().eq(shapes_of(network).keys()))
}

#[test]
fn a_vae_opens_whatever_its_names_begin_with() {
    for place in [
        "",
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.module.",
        "_forward_module.",
        "model.",
        "net.",
        "vae.",
        "model.vae._orig_mod.net.",
        "ema_model.module.",
        "model_states/net/",
        "model_states/net/module.",
        "state_dict/model.",
        "state_dict/",
        "model_state_dict/",
        "vae_state_dict/_orig_mod.",
        "params_ema/",
        "module/",
        "a/b/c/d.e.f.",
        "0/",
    ] {
        let choices = choose(&under(place, &VAE)).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(is_whole(choices.networks.get(model::VAE), &VAE), "{place}");
        assert!(
            !choices.networks.contains_key(model::GENERATOR)
                && !choices.networks.contains_key(model::DISCRIMINATOR),
            "{place}"
        );
        assert!(choices.warnings.is_empty(), "{place}: {:?}", choices.warnings);
    }
}

#[test]
fn wrappers_in_the_middle_of_a_name_do_not_matter() {
    let renames: [fn(&str) -> String; 9] = [
        // Beta-VAE H of 1Konny, whose sequentials have no name.
        |name| name.replace(".layer.", "."),
        |name| name.replace(".layer.", ".main."),
        |name| name.replace(".layer.", "._orig_mod.layer."),
        |name| name.replace(".layer.", ".layer.module."),
        |name| name.replace(".weight", "._checkpoint_wrapped_module.weight"),
        |name| name.replace("encoder.", "module.encoder.module."),
        |name| name.replace("encoder", "vae_encoder").replace("decoder", "vae_decoder"),
        |name| name.replace("encoder", "Encoder").replace("decoder", "Decoder"),
        |name| name.replace('.', "/"),
    ];
    for (i, rename) in renames.iter().enumerate() {
        let choices = choose(&renamed("model/net.", &shapes_of(&VAE), rename));
        let choices = choices.unwrap_or_else(|error| panic!("case {i}: {error}"));
        assert!(is_whole(choices.networks.get(model::VAE), &VAE), "case {i}");
        assert!(choices.warnings.is_empty(), "case {i}: {:?}", choices.warnings);
    }
}

#[test]
fn every_network_is_told_from_its_shapes() {
    for place in ["", "module.", "netG/", "generator/_orig_mod.", "model.gan.", "a/b/ema.module."] {
        for generator in [SMALL, RESNET] {
            let choices = choose(&under(place, &generator)).expect(place);
            assert!(is_whole(choices.networks.get(model::GENERATOR), &generator), "{place}");
            assert!(
                !choices.networks.contains_key(model::VAE)
                    && !choices.networks.contains_key(model::DISCRIMINATOR),
                "{place}"
            );
        }
        let vdb = DiscriminatorConfig::ResnetVdb { trunk: TRUNK };
        for discriminator in [SMALL_JUDGE, RESNET_JUDGE, vdb] {
            let choices = choose(&under(place, &discriminator)).expect(place);
            assert!(is_whole(choices.networks.get(model::DISCRIMINATOR), &discriminator), "{place}");
            assert!(
                !choices.networks.contains_key(model::VAE)
                    && !choices.networks.contains_key(model::GENERATOR),
                "{place}"
            );
        }
    }
    // A sequential by itself, as torch.save(net.layer.state_dict()) leaves it.
    let bare = renamed("", &shapes_of(&SMALL), |name| name.replace("layer.", ""));
    assert!(is_whole(choose(&bare).expect("opens").networks.get(model::GENERATOR), &SMALL));
    // All at once, each in its own wrapping; halves of a VAE are no generator.
    let all =
        [under("vae/module.", &VAE), under("netG.", &SMALL), under("d/_orig_mod.", &SMALL_JUDGE)].concat();
    let choices = choose(&all).expect("opens");
    assert!(
        is_whole(choices.networks.get(model::VAE), &VAE)
            && is_whole(choices.networks.get(model::GENERATOR), &SMALL)
    );
    assert!(is_whole(choices.networks.get(model::DISCRIMINATOR), &SMALL_JUDGE));
    assert_eq!(choices.networks.get(model::GENERATOR).map(|choice| choice.place.as_str()), Some("netG"));
}

#[test]
fn what_lies_beside_the_weights_is_passed_over() {
    let mut keys = under("module.", &VAE);
    for counter in [
        "n_averaged",
        "num_batches_tracked",
        "step",
        "module.encoder.layer.1.num_batches_tracked",
        "module.total_ops",
    ] {
        keys.push(scalar(counter));
    }
    keys.push(Key::flat("module.encoder.layer.0.total_params", [1]));
    keys.push(Key::flat("optimizer.state.0.exp_avg", [32, 1, 4, 4]));
    keys.extend(under("optim.exp_avg.", &VAE));
    let choices = choose(&keys).expect("opens");
    assert!(is_whole(choices.networks.get(model::VAE), &VAE));
    assert!(
        choices.networks.get(model::VAE).is_some_and(|choice| choice.is_averaged),
        "AveragedModel counts in n_averaged"
    );
    assert!(choices.warnings.is_empty(), "{:?}", choices.warnings);
    // Weights of other networks are worth a word.
    keys.push(Key::flat("loss.vgg.0.weight", [64, 3, 3, 3]));
    keys.push(Key::flat("mean", [3]));
    let warnings = choose(&keys).expect("opens").warnings;
    assert_eq!(warnings, ["2 tensors belong to no network and were left out, first `loss.vgg.0.weight`"]);
}

#[test]
fn averaged_weights_are_preferred_and_the_choice_is_told() {
    for (raw, averaged) in [
        ("params/", "params_ema/"),
        ("state_dict/model.", "state_dict/ema_model.module."),
        ("online_model.", "ema_model."),
        ("generator/", "g_ema/"),
        ("net/", "net_ema/_orig_mod."),
    ] {
        for order in [[raw, averaged], [averaged, raw]] {
            let keys: Vec<Key> = order.iter().flat_map(|place| under(place, &RESNET)).collect();
            let choices = choose(&keys).expect("opens");
            let choice = choices.networks.get(model::GENERATOR).expect("there");
            assert!(choice.is_averaged, "{averaged}: {}", choice.place);
            let [warning] = &choices.warnings[..] else { panic!("{:?}", choices.warnings) };
            assert!(
                warning.starts_with("it holds 2 generators (")
                    && warning.contains("the averaged weights, in"),
                "{warning}"
            );
        }
    }
    // The published pair needs no word, and an average that is counted beside is one.
    let published = [under("generator/module.", &RESNET), under("generator_test/module.", &RESNET)].concat();
    let choices = choose(&published).expect("opens");
    assert_eq!(choices.networks.get(model::GENERATOR).expect("there").place, "generator_test");
    assert!(choices.warnings.is_empty(), "{:?}", choices.warnings);
    let counted = Key { dict: 1, ..scalar("b.n_averaged") };
    let keys = [under("a/", &RESNET), under("b/module.", &RESNET), vec![counted]].concat();
    assert_eq!(choose(&keys).expect("opens").networks[model::GENERATOR].place, "b");
    // Without any the first is taken.
    let keys = [under("b/", &VAE), under("a/", &VAE)].concat();
    let choices = choose(&keys).expect("opens");
    assert_eq!(choices.networks.get(model::VAE).expect("there").place, "b");
    assert_eq!(choices.warnings, ["it holds 2 VAEs (`b`, `a`); those of the first, in `b`, were taken"]);
}

#[test]
fn an_average_that_does_not_fit_is_left_out_with_a_word() {
    let mut broken = under("generator_test/", &RESNET);
    broken.retain(|key| !key.full.ends_with("conv_img.bias"));
    let keys = [under("generator/", &RESNET), broken].concat();
    let choices = choose(&keys).expect("opens");
    assert_eq!(choices.networks.get(model::GENERATOR).expect("there").place, "generator");
    let [warning] = &choices.warnings[..] else { panic!("{:?}", choices.warnings) };
    assert!(
        warning.contains("averaged generator in `generator_test` was left out")
            && warning.contains("conv_img.bias"),
        "{warning}"
    );
}

#[test]
fn what_is_meant_and_does_not_fit_is_found_for_its_fault() {
    let mut generator = under("generator/", &RESNET);
    generator.retain(|key| !key.full.ends_with("conv_img.bias"));
    let keys = [under("vae/", &VAE), generator.clone()].concat();
    let choices = choose(&keys).expect("the VAE fits");
    assert!(
        choices
            .networks
            .get(model::GENERATOR)
            .is_some_and(|choice| !choice.tensors.contains_key("conv_img.bias"))
    );
    let error = choose(&generator).expect_err("nothing fits");
    assert!(error.starts_with("tensor `conv_img.bias` of the generator is missing"), "{error}");
    assert!(error.contains("`generator.conv_img.weight`, `generator.fc.bias`, "), "names found: {error}");
}

#[test]
fn other_layers_inside_a_network_make_it_another() {
    for extra in ["encoder.layer.12.weight", "decoder.layer.1.running_mean", "encoder.layer.0.gain"] {
        let keys = [under("net/", &VAE), vec![Key { full: format!("net.{extra}"), dict: 3, shape: vec![7] }]]
            .concat();
        let error = choose(&keys).expect_err(extra);
        assert!(error.contains("belongs to no layer of the VAE"), "{error}");
    }
    let split = renamed("", &shapes_of(&RESNET), |name| name.replace("weight", "weight_orig"));
    let error = choose(&split).expect_err("spectral normalisation");
    assert!(
        error.starts_with("the generator's weights are kept as spectral or weight normalisation splits them"),
        "{error}"
    );
}

#[test]
fn halves_and_strangers_are_named() {
    let mut half = under("", &VAE);
    half.retain(|key| key.full.starts_with("encoder."));
    let error = choose(&half).expect_err("no decoder");
    assert!(error.contains("tensor `decoder.layer.0.weight` of the VAE is missing"), "{error}");
    assert_eq!(choose(&[]).expect_err("empty"), "it holds no tensors");
    let strange = [Key::flat("a.b", [3]), Key::flat("\u{1b}[2J", [2])];
    let error = choose(&strange).expect_err("strangers");
    let known = kinds().map(|kind| kind.whose()).collect::<Vec<_>>().join(", ");
    let start = "its tensors (`a.b`, `\\u{1b}[2J`) belong to no network that idgan knows; it reads ";
    assert_eq!(error, format!("{start}{known}"));
    assert!(
        known.starts_with("ID-GAN's VAE, ID-GAN's generator, ID-GAN's discriminator, the Beta-VAE of"),
        "{known}"
    );
}

#[test]
fn vaes_that_others_have_published_open_whatever_their_names_begin_with() {
    for family in &PUBLISHED {
        let range = match family.range {
            PublishedRange::Always(range) | PublishedRange::Either { choices: [range, _], .. } => range,
        };
        for &side in family.sides {
            let vae = PublishedVae { family, sizes: PublishedSizes { channels: 3, side, z_dim: 6 }, range };
            for place in ["", "module.", "state_dict/model.", "net/_orig_mod.vae."] {
                let mut keys = under(place, &vae);
                let counter = format!("{}encoder.0.1.num_batches_tracked", place.replace('/', "."));
                keys.extend([scalar("epoch"), scalar(&counter)]);
                let choices = choose(&keys).unwrap_or_else(|error| panic!("{place}: {error}"));
                let choice = choices.networks.get(model::VAE);
                assert!(is_whole(choice, &vae), "{place}{}", family.kind);
                assert_eq!(choice.expect("there").kind.whose(), format!("the {}", family.title));
                assert!(choices.networks.len() == 1 && choices.warnings.is_empty(), "{choices:?}");
                assert_eq!(choice.expect("there").kind.infer(&shapes_of(&vae)), Ok(Inferred::Published(vae)));
            }
        }
    }
}

#[test]
fn networks_of_others_are_called_by_their_names() {
    let keys = |place: &str, names: &[&str]| -> Vec<Key> {
        names.iter().map(|name| Key::flat(format!("{place}{name}"), [4, 4])).collect()
    };
    let cases: [(&[&str], &str); 2] = [
        (&["encode.0.weight", "decode.0.weight"], "an older model of 1Konny/Beta-VAE"),
        (&["conv1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight"], "a ResNet of torchvision"),
    ];
    for (names, expected) in cases {
        for place in ["", "module.", "state_dict.model._orig_mod."] {
            let found = looks_like(&keys(place, names)).unwrap_or_default();
            assert!(found.contains(expected) && found.contains("idgan"), "{place}: {found}");
            let error = choose(&keys(place, names)).expect_err(expected);
            assert!(error.contains(expected) && error.contains(names[0]), "{error}");
        }
        // One of the signs is not enough.
        assert_eq!(looks_like(&keys("", &names[..1])), None, "{expected}");
    }
}
