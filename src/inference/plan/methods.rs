//! The networks of methods: there are kernels for all of them, and they draw and read what the interpreter does.

use candle_core::Device;

use super::{PlanEncoder, PlanRenderer};
use crate::base::{Cancel, PixelRange, Pool, Stream};
use crate::graph::{Graph, Shape, random};
use crate::inference::{Encoder, Renderer, TensorEncoder, TensorRenderer};
use crate::nets::{IbGanConfig, IbGanForm, OoganConfig, OoganKind};

/// Pictures, or codes, that are compared.
const COUNT: usize = 3;

fn assert_agree(found: &[f32], expected: &[f32], what: &str) {
    let size = expected.iter().fold(1f32, |most, value| most.max(value.abs()));
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 2e-5 * size, "{what}: off by {worst} of {size}");
    assert!(found[..found.len() / COUNT] != found[found.len() / COUNT * (COUNT - 1)..], "{what}: all alike");
}

/// Compares what both draw of codes.
fn check_drawing(graph: &Graph, range: PixelRange, what: &str) {
    let pool = Pool::new("test", 2).expect("starts");
    let graph = graph.clone().to_pixels(range);
    let weights = random::weights(&graph, &mut Stream::new(1, "weights"));
    let Some(Shape::Row(dims)) = graph.inputs().next() else { panic!("{what} takes no code") };
    let codes = Stream::new(2, "codes").normals(COUNT * dims);
    let rendered = |renderer: &mut dyn Renderer| {
        let mut pictures = vec![f32::NAN; COUNT * renderer.picture_shape().iter().product::<usize>()];
        renderer.render(&codes, &mut pictures, &Cancel::new()).expect("renders");
        pictures
    };
    let mut reference = TensorRenderer::new(&graph, &weights, &Device::Cpu, &pool).expect("fits");
    let mut plan = PlanRenderer::<f32>::compile(&graph, &weights, &pool).expect("compiles");
    assert_agree(&rendered(&mut plan), &rendered(&mut reference), what);
}

/// Compares what both read from pictures; returns the log variances.
fn check_reading(graph: &Graph, what: &str) -> Vec<f32> {
    let pool = Pool::new("test", 2).expect("starts");
    let weights = random::weights(graph, &mut Stream::new(1, "weights"));
    let mut stream = Stream::new(2, "pictures");
    let read = |encoder: &mut dyn Encoder, pictures: &[f32]| {
        let (mut mu, mut logvar) =
            (vec![f32::NAN; COUNT * encoder.code_dim()], vec![f32::NAN; COUNT * encoder.code_dim()]);
        encoder.encode(pictures, &mut mu, &mut logvar).expect("encodes");
        (mu, logvar)
    };
    let mut reference = TensorEncoder::new(graph, &weights, &Device::Cpu, &pool).expect("fits");
    let picture: usize = reference.picture_shape().iter().product();
    let pictures: Vec<f32> = (0..COUNT * picture).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    let mut plan = PlanEncoder::<f32>::compile(graph, &weights, &pool).expect("compiles");
    let ((mu, logvar), (mean, spread)) = (read(&mut plan, &pictures), read(&mut reference, &pictures));
    assert_agree(&mu, &mean, what);
    let worst = logvar.iter().zip(&spread).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-4, "{what}: log variances off by {worst}");
    logvar
}

#[test]
fn ib_gans_networks_compile() {
    for form in [IbGanForm::Sprites, IbGanForm::Photos] {
        let config =
            IbGanConfig { form, channels: 3, z_dim: 5, r_dim: 4, generator_width: 4, discriminator_width: 3 };
        check_drawing(&config.generator_graph(), PixelRange::Signed, &format!("generator, {form:?}"));
        let logvar = check_reading(&config.reader_graph(), &format!("reader, {form:?}"));
        assert!(logvar.iter().all(|&value| value == 0.0), "z given a picture has unit variance");
    }
}

#[test]
fn oogans_generator_of_infogans_form_compiles() {
    for size in OoganConfig::sizes().filter(|size| *size < 256) {
        let kind = OoganKind::InfoGan;
        let config = OoganConfig {
            size,
            channels: 1,
            c_dim: 3,
            z_dim: 4,
            width: 2,
            input: kind,
            reader: kind,
            is_certain: false,
        };
        check_drawing(&config.generator_graph(), PixelRange::Signed, &format!("generator of {size} pixels"));
    }
}
