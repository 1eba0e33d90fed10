//! Rendering with compiled plans: the rows of the comparison with other runtimes, how they scale, and the machine's
//! own limit to judge them by.
//!
//! `cargo bench --no-default-features --bench render`; items are multiply-adds as the plan computes them (of the
//! limit: what the registers could do).

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use idgan::base::{Cancel, Picture, PixelRange, Pool, Stream};
use idgan::inference::plan::{PlanEncoder, PlanRenderer};
use idgan::inference::{Encoder, Renderer};
use idgan::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

const VAE: VaeConfig = VaeConfig { channels: 1, c_dim: 10 };

fn main() {
    divan::main();
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn resnet(size: usize, nfilter: usize, threads: usize) -> PlanRenderer<f32> {
    let trunk = ResnetTrunk { size, nfilter, nfilter_max: 512, channels: 3 };
    let config = GeneratorConfig::Resnet { z_dim: 276, trunk };
    let weights = config.initialise_uniform(&mut Stream::new(1, "bench"));
    let pool = Pool::new("bench", threads).expect("threads start");
    PlanRenderer::<f32>::compile(&config.graph().to_pixels(PixelRange::Signed), &weights, &pool)
        .expect("the weights fit")
}

fn picture(bencher: Bencher<'_, '_>, mut renderer: PlanRenderer<f32>, multiply_adds: usize) {
    let code = Stream::new(2, "bench").normals(renderer.code_dim());
    let mut picture = Picture::default();
    bencher.counter(ItemsCount::new(multiply_adds)).bench_local(|| {
        renderer.render_picture(black_box(&code), &mut picture, &Cancel::new()).expect("renders")
    });
}

/// `(size, nfilter)` of the generators of the comparison, all cores.
#[divan::bench(args = [(64, 64), (128, 64), (256, 64), (512, 32), (1024, 16)], sample_count = 20)]
fn generator(bencher: Bencher<'_, '_>, (size, nfilter): (usize, usize)) {
    let renderer = resnet(size, nfilter, cores());
    let multiply_adds = renderer.multiply_adds();
    picture(bencher, renderer, multiply_adds);
}

/// The 256 px generator with this many threads.
#[divan::bench(args = [1, 2], sample_count = 20)]
fn threads(bencher: Bencher<'_, '_>, threads: usize) {
    let renderer = resnet(256, 64, threads);
    let multiply_adds = renderer.multiply_adds();
    picture(bencher, renderer, multiply_adds);
}

/// The 64 px generator with this many pictures at a time, all cores.
#[divan::bench(args = [1, 4, 16, 64], sample_count = 10)]
fn batch(bencher: Bencher<'_, '_>, batch: usize) {
    let mut renderer = resnet(64, 64, cores());
    let codes = Stream::new(2, "bench").normals(batch * renderer.code_dim());
    let mut pictures = vec![0.0; batch * 3 * 64 * 64];
    let counter = ItemsCount::new(batch * renderer.multiply_adds());
    bencher
        .counter(counter)
        .bench_local(|| renderer.render(black_box(&codes), &mut pictures, &Cancel::new()).expect("renders"));
}

/// One picture of the VAE's decoder, all cores and one.
#[divan::bench(args = [1, cores()], sample_count = 200)]
fn decoder(bencher: Bencher<'_, '_>, threads: usize) {
    let weights = VAE.initialise_uniform(&mut Stream::new(1, "bench"));
    let pool = Pool::new("bench", threads).expect("threads start");
    let graph = VAE.decoder_graph().to_pixels(PixelRange::Logits);
    let renderer = PlanRenderer::<f32>::compile(&graph, &weights, &pool).expect("the weights fit");
    let multiply_adds = renderer.multiply_adds();
    picture(bencher, renderer, multiply_adds);
}

/// This many pictures through the VAE's encoder, all cores.
#[divan::bench(args = [1, 64], sample_count = 50)]
fn encoder(bencher: Bencher<'_, '_>, batch: usize) {
    let weights = VAE.initialise_uniform(&mut Stream::new(1, "bench"));
    let pool = Pool::new("bench", cores()).expect("threads start");
    let mut encoder =
        PlanEncoder::<f32>::compile(&VAE.encoder_graph(), &weights, &pool).expect("the weights fit");
    let mut stream = Stream::new(3, "bench");
    let pictures: Vec<f32> = (0..batch * 64 * 64).map(|_| stream.uniform()).collect();
    let (mut mu, mut logvar) = (vec![0.0; batch * VAE.c_dim], vec![0.0; batch * VAE.c_dim]);
    let counter = ItemsCount::new(batch * encoder.multiply_adds());
    bencher.counter(counter).bench_local(|| {
        encoder.encode(black_box(&pictures), &mut mu, &mut logvar).expect("encodes");
    });
}

/// The machine's limit: multiply-adds a second with everything in registers, one core and all.
#[divan::bench(args = [1, cores()], sample_count = 20)]
fn limit(bencher: Bencher<'_, '_>, threads: usize) {
    const ROUNDS: usize = 200_000;
    let pool = Pool::new("bench", threads).expect("threads start");
    let per_round = idgan::ops::kernels::peak(1);
    bencher.counter(ItemsCount::new(threads * ROUNDS * per_round)).bench_local(|| {
        pool.run(|| {
            rayon::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|_| {
                        black_box(idgan::ops::kernels::peak(black_box(ROUNDS)));
                    });
                }
            });
        });
    });
}
