//! The descriptions of methods, those that are trained here and those that are not: each is sound, is written and read
//! back, and says what its chains take and give.

use serde_json::json;

use super::{
    Architecture, Chain, ChainId, CodeBlock, CodeKind, CodeValue, Feed, GAN, ModelDescription, Network, Port,
    VAE,
};
use crate::base::PixelRange;
use crate::nets::{
    GeneratorConfig, IaeConditioning, IaeConfig, IbGanConfig, IbGanForm, OoganConfig, OoganKind, Published,
    PublishedSizes, PublishedVae, TranslatorConfig, VaeConfig,
};

fn block(name: &str, dims: usize, kind: CodeKind) -> CodeBlock {
    CodeBlock { name: name.into(), kind, ..CodeBlock::disentangled(dims) }
}

fn picture(range: PixelRange) -> Port {
    Port::Picture { shape: [3, 32, 32], range }
}

/// A network of an architecture that is not known here.
fn foreign(name: &str, inputs: Vec<Port>, outputs: Vec<Port>) -> (String, Network) {
    let said = json!({"kind": format!("{name}-of-another-program"), "width": 3});
    let architecture = Architecture::Unknown(said.as_object().cloned().unwrap_or_default());
    (name.into(), Network { architecture, weights: name.into(), inputs, outputs })
}

fn described(
    codes: Vec<CodeBlock>,
    networks: impl IntoIterator<Item = (String, Network)>,
    render: Vec<Chain>,
    encode: Vec<Chain>,
) -> ModelDescription {
    let networks = networks.into_iter().collect();
    ModelDescription { codes, networks, render, encode, ..ModelDescription::empty("method") }
}

/// Sound, and the same after it has been written and read.
fn check(description: &ModelDescription) {
    assert_eq!(description.validate(), Ok(()));
    let text = description.to_json().expect("writes");
    assert!(text.starts_with("{\"format\":2,"), "{text}");
    assert_eq!(ModelDescription::parse(&text).as_ref(), Ok(description));
}

/// IB-GAN's networks in the form for sprites.
const IB_GAN: IbGanConfig = IbGanConfig {
    form: IbGanForm::Sprites,
    channels: 1,
    z_dim: 4,
    r_dim: 6,
    generator_width: 2,
    discriminator_width: 2,
};

#[test]
fn id_gan_has_two_pictures_of_one_code() {
    let codes = vec![CodeBlock::disentangled(3), CodeBlock::nuisance(2)];
    let description = ModelDescription { codes, ..ModelDescription::empty("ID-GAN") }
        .with_generator(GeneratorConfig::Small { z_dim: 5, channels: 3 }, ["s", "c"])
        .with_vae(VaeConfig { channels: 3, c_dim: 3 }, "c");
    check(&description);
    assert_eq!((description.inputs(GAN), description.inputs(VAE)), (vec!["s", "c"], vec!["c"]));
    assert_eq!(description.picture_shape(VAE), Some([3, 64, 64]));
    assert_eq!((description.encoded(), description.encoder_shape()), (Some("c"), Some([3, 64, 64])));
    let message = description.chain("from z").expect_err("there is none").to_string();
    assert_eq!(message, "this model draws nothing called from z; what draws is called gan, vae");
}

#[test]
fn ib_gan_draws_r_or_z_and_reads_either() {
    for form in [IbGanForm::Sprites, IbGanForm::Photos] {
        let description = ModelDescription::ibgan("IB-GAN", IbGanConfig { form, ..IB_GAN });
        check(&description);
        assert_eq!((description.inputs(GAN), description.inputs("from z")), (vec!["r"], vec!["z"]));
        assert_eq!(description.picture_shape("from z"), Some([1, 64, 64]));
        let feeds = |chain: &Chain| {
            let wiring = description.wiring(chain).expect("fits");
            wiring.steps.into_iter().map(|(_, feeds)| feeds).collect::<Vec<_>>()
        };
        let first_of = |step| vec![Feed::Step { step, output: 0 }];
        assert_eq!(feeds(&description.render[1]), [vec![Feed::Outside(0)], first_of(0)]);
        assert_eq!(feeds(&description.encode[0]), [vec![Feed::Outside(0)], first_of(0)]);
        let ends = |chain: &Chain| description.wiring(chain).expect("fits").code_given();
        assert_eq!((description.encoded(), ends(&description.encode[1])), (Some("r"), Some("z")));
        assert_eq!(description.read_back(ChainId::MAIN), Some("r"));
        assert!(description.encode.iter().all(|chain| description.certain(chain).is_none()));
        assert_eq!(description.ibgan_config(), Some(IbGanConfig { form, ..IB_GAN }));
    }
}

#[test]
fn ib_gans_baselines_draw_z_itself() {
    for has_reader in [true, false] {
        let description = ModelDescription::ibgan_baseline("baseline", IB_GAN, has_reader);
        check(&description);
        assert_eq!((description.inputs(GAN), description.encoded()), (vec!["z"], has_reader.then_some("z")));
        assert_eq!(description.ibgan_config().map(|config| config.r_dim), Some(4));
    }
}

#[test]
fn oogan_draws_controls_with_noise_and_reads_them() {
    let config = OoganConfig {
        size: 32,
        channels: 1,
        c_dim: 3,
        z_dim: 4,
        width: 4,
        input: OoganKind::Oogan,
        reader: OoganKind::Oogan,
        is_certain: false,
    };
    for config in [config, OoganConfig { z_dim: 0, is_certain: true, ..config }] {
        let description = ModelDescription::oogan("OOGAN", config);
        check(&description);
        let codes: &[&str] = if config.z_dim > 0 { &["c", "z"] } else { &["c"] };
        assert_eq!((description.inputs(GAN), description.encoded()), (codes.to_vec(), Some("c")));
        let block = description.block("c").expect("there");
        assert_eq!((block.kind, block.range, block.neutral), (CodeKind::Uniform, [0.0, 1.0], 0.0));
        assert_eq!(description.picture_shape(GAN), Some([1, 32, 32]));
        assert_eq!(description.certain(&description.encode[0]).is_some(), config.is_certain);
        assert_eq!(description.oogan_config(), Some(config));
    }
}

#[test]
fn info_gan_reads_its_code_through_a_trunk() {
    let trunk = Port::Features { width: 128 };
    let signed = picture(PixelRange::Signed);
    let codes = vec![
        block("c", 2, CodeKind::Uniform),
        block("k", 10, CodeKind::OneHot),
        block("z", 8, CodeKind::Noise),
    ];
    let logits = Port::Code { block: "k".into(), value: CodeValue::Logits };
    let read = [Port::posterior("c"), vec![logits]].concat();
    let description = described(
        codes,
        [
            foreign(
                "generator",
                vec![Port::code("c"), Port::code("k"), Port::code("z")],
                vec![signed.clone()],
            ),
            foreign("trunk", vec![signed], vec![trunk.clone()]),
            foreign("q", vec![trunk], read),
        ],
        vec![Chain::new(GAN, ["generator"])],
        vec![Chain::new("q", ["trunk", "q"])],
    );
    check(&description);
    assert_eq!(description.inputs(GAN), ["c", "k", "z"]);
    assert_eq!((description.encoded(), description.encoder_shape()), (Some("c"), Some([3, 32, 32])));
    let mut cut = description.clone();
    cut.encode[0].steps.remove(0);
    let said = cut.validate().expect_err("no trunk");
    assert_eq!(said, "in its chain q, q takes 128 features, which nothing before it gives");
}

#[test]
fn an_implicit_autoencoder_draws_with_noise_and_reads_with_noise() {
    let plain = IaeConfig { units: 20, hidden: 10, width: 4, ..IaeConfig::svhn(4, 8) };
    for config in [IaeConfig { eps_dim: 4, ..plain }, IaeConfig { n_dim: 0, ..plain }] {
        let description = ModelDescription::iae("IAE", config);
        check(&description);
        let drawn: &[&str] = if config.n_dim > 0 { &["z", "n"] } else { &["z"] };
        assert_eq!((description.inputs("decoder"), description.encoded()), (drawn.to_vec(), Some("z")));
        let wiring = description.wiring(&description.encode[0]).expect("fits");
        let eps: &[&str] = if config.eps_dim > 0 { &["eps"] } else { &[] };
        assert_eq!((wiring.codes(), wiring.picture_taken()), (eps.to_vec(), Some([3, 32, 32])));
        assert_eq!(description.networks["code discriminator"].weights, "code_discriminator");
        assert_eq!(description.iae_config(), Some(config));
        check(&ModelDescription::flipped_iae("FIAE", config));
    }
}

#[test]
fn clusters_are_chosen_and_their_style_has_sliders() {
    let config = IaeConfig {
        is_categorical: true,
        conditioning: IaeConditioning::ByChannel,
        ..IaeConfig::mnist(30, 10)
    };
    let description = ModelDescription::iae("clusters", config);
    check(&description);
    let kinds: Vec<CodeKind> = description.codes.iter().map(|block| block.kind).collect();
    assert_eq!(kinds, [CodeKind::OneHot, CodeKind::Gaussian]);
}

#[test]
fn cycle_iae_draws_pictures_of_pictures() {
    let there = TranslatorConfig { size: 32, takes: 3, gives: 1, width: 2, blocks: 1, noise_dim: 4 };
    let back = TranslatorConfig { takes: 1, gives: 3, noise_dim: 8, ..there };
    let description = ModelDescription::cycle_iae("CycleIAE", there, back);
    check(&description);
    assert_eq!((description.inputs("g"), description.encoded()), (vec!["n"], None));
    assert_eq!((description.source_shape(), description.read_back(ChainId::MAIN)), (Some([3, 32, 32]), None));
    assert!(description.lacks_encoder().contains("pictures of pictures"));
    let both = description.wiring(&description.render[1]).expect("fits");
    assert_eq!(both.steps[1].1, [Feed::Step { step: 0, output: 0 }, Feed::Outside(2)]);
    assert_eq!((both.codes(), both.picture_given()), (vec!["eps", "n"], Some([3, 32, 32])));
    let mut other = description.clone();
    let small = Port::Picture { shape: [1, 16, 16], range: PixelRange::Signed };
    other.networks.get_mut("f").expect("there").outputs = vec![small];
    let said = other.validate().expect_err("pictures of other sizes");
    assert_eq!(said, "its f gives other pictures than it says");
    let certain = ModelDescription::cycle_iae("certain", TranslatorConfig { noise_dim: 0, ..there }, back);
    check(&certain);
    assert_eq!(certain.codes.len(), 1);
}

#[test]
fn a_published_vae_is_described_by_its_kind() {
    let family = Published::of_kind("burgess").expect("in the table");
    let sizes = PublishedSizes { channels: 3, side: 64, z_dim: 10 };
    let vae = PublishedVae { family, sizes, range: PixelRange::Unit };
    let description =
        ModelDescription { codes: vec![CodeBlock::latent(10)], ..ModelDescription::empty("faces") }
            .with_published(vae, "z");
    check(&description);
    assert_eq!((description.inputs(VAE), description.encoded()), (vec!["z"], Some("z")));
    assert_eq!((description.published(), description.decoder()), (Some(vae), None));
    let text = description.to_json().expect("writes");
    // One of a version to come is kept, and one whose sizes cannot be is refused.
    let newer = text.replace(family.kind, "burgess-2030");
    let kept = ModelDescription::parse(&newer).expect("unknown, and well");
    assert!(kept.published().is_none() && kept.to_json().is_ok_and(|text| text.contains("burgess-2030")));
    let said =
        ModelDescription::parse(&text.replace("\"side\":64", "\"side\":63")).expect_err("no such side");
    assert!(said.starts_with("its decoder has sizes that the VAE of"), "{said}");
    let said = ModelDescription::parse(&text.replace("\"side\":", "\"width\":")).expect_err("no side");
    assert_eq!(said, format!("its decoder has other sizes than a {} has", family.kind));
}

#[test]
fn a_decoder_of_an_unknown_kind_is_kept_as_it_is_written() {
    let description = described(
        vec![CodeBlock::latent(10)],
        [foreign("decoder", vec![Port::code("z")], vec![picture(PixelRange::Logits)])],
        vec![Chain::new("decoder", ["decoder"])],
        Vec::new(),
    );
    check(&description);
    let text = description.to_json().expect("writes");
    let wrong = text.replace("decoder-of-another-program", "vae-decoder");
    let said = ModelDescription::parse(&wrong).expect_err("no such decoder");
    assert_eq!(said, "its decoder has other sizes than a vae-decoder has");
}

#[test]
fn the_first_format_is_read() {
    let text = r#"{"format":1,"name":"old","codes":[
        {"name":"c","dims":3,"kind":"gaussian","range":[-3.0,3.0],"neutral":0.0},
        {"name":"s","dims":2,"kind":"noise","range":[-3.0,3.0],"neutral":0.0}],
        "generator":{"config":{"family":"small","z_dim":5,"channels":1},"inputs":["s","c"]},
        "discriminator":{"family":"small","channels":1},
        "vae":{"config":{"channels":1,"c_dim":3},"code":"c"},
        "data":"dsprites","training":{"steps":7},"provenance":{"seed":1}}"#;
    let codes = vec![CodeBlock::disentangled(3), CodeBlock::nuisance(2)];
    let mut expected =
        ModelDescription { codes, data: Some("dsprites".into()), ..ModelDescription::empty("old") }
            .with_generator(GeneratorConfig::Small { z_dim: 5, channels: 1 }, ["s", "c"])
            .with_discriminator(crate::nets::DiscriminatorConfig::Small { channels: 1 })
            .with_vae(VaeConfig { channels: 1, c_dim: 3 }, "c");
    expected.training.insert("steps".into(), 7.into());
    expected.provenance.insert("seed".into(), 1.into());
    assert_eq!(ModelDescription::parse(text), Ok(expected));
    let alone = text.replace(r#""code":"c""#, r#""code":"c","encoder_only":true"#);
    let read = ModelDescription::parse(&alone).expect("reads");
    assert_eq!((read.encoder().map(|vae| vae.c_dim), read.decoder()), (Some(3), None));
    assert_eq!(read.render.len(), 1);
}

#[test]
fn a_format_to_come_is_refused() {
    let text = r#"{"format":3,"name":"new","layers":[]}"#;
    let said = ModelDescription::parse(text).expect_err("unknown");
    assert_eq!(said, "it was written by a newer idgan (format 3, this one reads up to 2); update idgan");
}
