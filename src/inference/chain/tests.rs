//! Chains of several networks against the networks themselves, one after the other.

use super::*;
use crate::base::{PixelRange, Stream};
use crate::inference::plan::PlanRenderer;
use crate::inference::{open, open_chain, open_encoder};
use crate::model::{Architecture, Chain, CodeBlock, ENCODER, GAN, GENERATOR, VAE};
use crate::nets::{GeneratorConfig, Mlp, MlpConfig, Parameters, VaeConfig, Weights};

const GENERATED: GeneratorConfig = GeneratorConfig::Small { z_dim: 5, channels: 1 };
const EMITTED: [usize; 3] = [2, 7, 6];
const READING: VaeConfig = VaeConfig { channels: 1, c_dim: 2 };

fn mlp() -> MlpConfig {
    MlpConfig { widths: EMITTED.to_vec() }
}

/// A generator of `[s, r]`, an emitter of r, mean and log variance, from z, and an encoder of z.
fn model() -> Model {
    let code = |name: &str, dims| CodeBlock { name: name.into(), ..CodeBlock::disentangled(dims) };
    let codes = vec![code("z", 2), code("r", 3), CodeBlock::nuisance(2)];
    let emitter = Network {
        architecture: Architecture::Mlp(MlpConfig { widths: EMITTED.to_vec() }),
        weights: "emitter".into(),
        inputs: vec![Port::code("z")],
        outputs: Port::posterior("r"),
    };
    let mut description =
        ModelDescription { codes, ..ModelDescription::empty("toy") }.with_generator(GENERATED, ["s", "r"]);
    description.networks.insert("emitter".into(), emitter);
    description.render.push(Chain::new("from z", ["emitter", GENERATOR]));
    description = description.with_encoder(READING, "z");
    description.encode.push(Chain::new("to r", [ENCODER, "emitter"]));
    assert_eq!(description.validate(), Ok(()));
    let mut stream = Stream::new(1, "weights");
    Model::new(description)
        .with_weights(VAE, READING.initialise_uniform(&mut stream))
        .with_weights(GENERATOR, GENERATED.initialise_uniform(&mut stream))
        .with_weights("emitter", mlp().initialise_uniform(&mut stream))
}

fn plan(model: &Model, pool: &Pool) -> PlanRenderer<f32> {
    let graph = GENERATED.graph().to_pixels(PixelRange::Signed);
    PlanRenderer::<f32>::compile(&graph, model.group(GENERATOR), pool).expect("fits")
}

fn pictures(renderer: &mut dyn Renderer, codes: &[f32]) -> Vec<f32> {
    let rows = codes.len() / renderer.code_dim();
    let mut values = vec![f32::NAN; rows * 64 * 64];
    renderer.render(codes, &mut values, &Cancel::new()).expect("renders");
    values
}

#[test]
fn a_chain_of_two_draws_what_its_networks_draw_one_after_the_other() {
    let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
    let mut networks = open(&model, &Computer::processor(), &pool).expect("opens");
    let chain = networks.renderers.get_mut("from z").expect("there");
    assert_eq!((chain.code_dim(), chain.picture_shape()), (4, [1, 64, 64]));
    // [s, z] or [z, s]: as the networks ask for them
    assert_eq!(model.description.inputs("from z"), ["z", "s"]);
    let rows = [[0.3, -1.0, 0.5, 2.0], [1.5, 0.25, -0.75, 0.0]];
    let weights = Weights::frozen(model.group("emitter"), &Device::Cpu).expect("fits");
    let emitter = Mlp::new(&mlp(), &weights).expect("fits");
    let mut generator = plan(&model, &pool);
    let expected: Vec<f32> = rows
        .iter()
        .flat_map(|[z0, z1, s0, s1]| {
            let z = Tensor::new(&[[*z0, *z1]], &Device::Cpu).expect("a tensor");
            let r: Vec<Vec<f32>> = emitter.forward(&z).expect("runs").to_vec2().expect("two axes");
            pictures(&mut generator, &[&[*s0, *s1], &r[0][..3]].concat())
        })
        .collect();
    let found = pictures(chain.as_mut(), &rows.concat());
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(found[..4096] != found[4096..], "other codes are other pictures");
    let mut picture = Picture::default();
    chain.render_picture(&rows[0], &mut picture, &Cancel::new()).expect("renders");
    assert_eq!((picture.width(), picture.height()), (64, 64));
}

#[test]
fn a_chain_of_one_network_is_that_network() {
    let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
    let mut chain =
        open_chain(&model, &model.description.render[0], &Computer::processor(), &pool).expect("opens");
    assert_eq!(model.description.render[0].name, GAN);
    let mut plan = plan(&model, &pool);
    let codes = Stream::new(3, "codes").normals(2 * 5);
    assert_eq!(pictures(chain.as_mut(), &codes), pictures(&mut plan, &codes));
}

/// Means and log variances of two pictures, as the encode chain `number` reads them.
fn read(model: &Model, number: usize, pictures: &[f32]) -> [Vec<f32>; 2] {
    let pool = Pool::new("test", 1).expect("starts");
    let chain = &model.description.encode[number];
    let mut encoder = open_encoder(model, chain, &Computer::processor(), &pool).expect("opens");
    assert_eq!(encoder.picture_shape(), [1, 64, 64]);
    let values = vec![f32::NAN; 2 * encoder.code_dim()];
    let (mut mu, mut logvar) = (values.clone(), values);
    encoder.encode(pictures, &mut mu, &mut logvar).expect("reads");
    assert!(encoder.encode(pictures, &mut mu[..1], &mut logvar).is_err(), "one value for two codes");
    [mu, logvar]
}

#[test]
fn a_code_is_read_in_two_steps() {
    let mut model = model();
    let photos: Vec<f32> =
        (0..2 * 4096).map(|i| (i * 37 % 256) as f32 / 255.0 * (1 + i / 4096) as f32 / 2.0).collect();
    let [z, _] = read(&model, 0, &photos);
    let weights = Weights::frozen(model.group("emitter"), &Device::Cpu).expect("fits");
    let z = Tensor::from_vec(z, (2, 2), &Device::Cpu).expect("two codes");
    let r =
        Mlp::new(&mlp(), &weights).and_then(|emitter| emitter.forward(&z)?.to_vec2::<f32>()).expect("runs");
    let [mu, logvar] = read(&model, 1, &photos);
    let means = [&r[0][..3], &r[1][..3]].concat();
    let rest = [&r[0][3..], &r[1][3..]].concat();
    let agree =
        |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(agree(&mu, &means) && agree(&logvar, &rest), "{mu:?} {logvar:?}");
    // without its uncertainty
    let emitter = model.description.networks.get_mut("emitter").expect("there");
    emitter.outputs = vec![Port::Features { width: 3 }, Port::code("r")];
    let [mu, logvar] = read(&model, 1, &photos);
    assert!(agree(&mu, &rest) && logvar == [CodeValue::CERTAIN; 6], "{mu:?} {logvar:?}");
}

#[test]
fn an_encoder_that_cannot_run_is_missing_with_a_warning() {
    let (mut model, pool) = (model(), Pool::new("test", 1).expect("starts"));
    let said = serde_json::json!({"kind": "trunk"});
    let encoder = model.description.networks.get_mut(ENCODER).expect("there");
    encoder.architecture = Architecture::Unknown(said.as_object().cloned().expect("an object"));
    let networks = open(&model, &Computer::processor(), &pool).expect("opens");
    assert!(networks.encoder.is_none() && networks.renderers.len() == 2);
    let expected = "this idgan knows no network of the kind trunk that reads pictures; update idgan";
    assert_eq!(networks.warnings, [expected]);
}

#[test]
fn a_code_without_its_uncertainty_is_certain_and_that_is_said() {
    let (mut model, pool) = (model(), Pool::new("test", 1).expect("starts"));
    assert!(open(&model, &Computer::processor(), &pool).expect("opens").warnings.is_empty());
    model.description.encode.remove(0);
    let emitter = model.description.networks.get_mut("emitter").expect("there");
    emitter.outputs = vec![Port::Features { width: 3 }, Port::code("r")];
    let mut networks = open(&model, &Computer::processor(), &pool).expect("opens");
    assert_eq!(networks.warnings, [CodeValue::CERTAIN_WARNING]);
    let (mut mu, mut logvar) = ([f32::NAN; 3], [f32::NAN; 3]);
    let encoder = networks.encoder.as_mut().expect("there");
    encoder.encode(&[0.5; 4096], &mut mu, &mut logvar).expect("reads");
    assert!(mu.iter().chain(&logvar).all(|value| value.is_finite()), "{mu:?} {logvar:?}");
}

#[test]
fn a_chain_that_cannot_run_is_missing_with_a_warning_and_the_others_draw() {
    let (mut model, pool) = (model(), Pool::new("test", 1).expect("starts"));
    let said = serde_json::json!({"kind": "flow"});
    let unknown = || Architecture::Unknown(said.as_object().cloned().expect("an object"));
    model.description.networks.get_mut("emitter").expect("there").architecture = unknown();
    let networks = open(&model, &Computer::processor(), &pool).expect("opens");
    assert_eq!(networks.renderers.keys().collect::<Vec<_>>(), [GAN]);
    assert!(networks.encoder.is_some(), "the first encode chain does without the emitter");
    let expected = "this idgan knows no network of the kind flow that makes codes of codes; update idgan";
    assert_eq!(networks.warnings, [expected]);
    for name in [GENERATOR, ENCODER] {
        model.description.networks.get_mut(name).expect("there").architecture = unknown();
    }
    let refused = open(&model, &Computer::processor(), &pool).err().expect("nothing runs").to_string();
    assert!(refused.contains("of the kind flow that draws"), "{refused}");
}

#[test]
fn codes_that_are_no_whole_rows_and_networks_that_cannot_run_are_refused() {
    let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
    let open = |model: &Model| open_chain(model, &model.description.render[1], &Computer::processor(), &pool);
    let mut chain = open(&model).expect("opens");
    let short = chain.render(&[0.0; 5], &mut [0.0; 4096], &Cancel::new()).expect_err("no whole row");
    assert_eq!(short.to_string(), "codes: expected 4 values, got 5");
    let mut other = model.clone();
    let emitter = other.description.networks.get_mut("emitter").expect("there");
    let said = serde_json::json!({"kind": "flow"});
    emitter.architecture = Architecture::Unknown(said.as_object().cloned().expect("an object"));
    let unknown = open(&other).err().expect("refused").to_string();
    assert_eq!(
        unknown,
        "this idgan knows no network of the kind flow that makes codes of codes; update idgan"
    );
}
