use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::toy::{TOY_NUISANCE, ToyBehaviour, ToyLibrary};
use super::*;
use crate::model::ChainId;

/// The chains of the toys that have both.
const GENERATED: ChainId = ChainId(0);
const DECODED: ChainId = ChainId(1);

const PATIENCE: Duration = Duration::from_secs(20);

/// An engine and what a window would keep beside it.
struct Bench {
    engine: Engine,
    woken: Arc<(Mutex<u64>, Condvar)>,
    number: AtomicU64,
    messages: Mutex<Vec<String>>,
}

impl Bench {
    fn new(library: ToyLibrary) -> Self {
        Self::with(Arc::new(library), Arc::new(|_: &Frame| ()))
    }

    fn with(library: Arc<dyn Library>, tap: Tap) -> Self {
        let woken: Arc<(Mutex<u64>, Condvar)> = Arc::default();
        let wake = {
            let woken = Arc::clone(&woken);
            Arc::new(move || {
                *woken.0.lock().unwrap() += 1;
                woken.1.notify_all();
            })
        };
        let engine = Engine::new(library, 2, wake, tap).expect("threads start");
        Self { engine, woken, number: AtomicU64::new(0), messages: Mutex::default() }
    }

    /// Waits, woken like a window, until `look` finds something.
    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
            let count = self.woken.0.lock().unwrap();
            drop(self.woken.1.wait_timeout(count, Duration::from_millis(5)).unwrap());
        }
    }

    fn event(&self, what: &str, matches: impl Fn(&Event) -> bool) -> Event {
        self.wait(what, || {
            let event = self.engine.event()?;
            if let Event::Error { message, .. } = &event {
                self.messages.lock().unwrap().push(message.clone());
            }
            matches(&event).then_some(event)
        })
    }

    fn open(&self, name: &str) -> Arc<Opened> {
        let source = ModelSource::file(name);
        let model_id = self.engine.open(source);
        let matches = |event: &Event| matches!(event, Event::Opened(opened) if opened.model_id == model_id);
        match self.event("the model", matches) {
            Event::Opened(opened) => opened,
            _ => unreachable!("matched above"),
        }
    }

    fn ask(&self, chain: ChainId, model_id: u64, value: f32, motion: Motion) -> u64 {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let dims = 5 + if chain == GENERATED { TOY_NUISANCE } else { 0 };
        let code: Arc<[f32]> = vec![value; dims].into();
        let wanted = || ReadBackTarget { block: "c".into(), code: vec![value; 5].into() };
        let target = (chain == GENERATED).then(wanted);
        let asked = Instant::now();
        self.engine.request(FrameRequest { number, model_id, chain, code, target, motion, asked });
        number
    }

    fn frame(&self, chain: ChainId, number: u64) -> Frame {
        self.wait("a frame", || self.engine.frame(chain).filter(|frame| frame.number == number))
    }
}

fn slow(layers: u32, layer_ms: u64) -> ToyBehaviour {
    ToyBehaviour { layers, layer: Duration::from_millis(layer_ms), ..Default::default() }
}

fn grey(value: f32) -> u8 {
    (255.0 / (1.0 + (-value).exp()) + 0.5) as u8
}

#[test]
fn a_drag_ends_with_the_exact_picture_and_skips_what_is_old() {
    let bench = Bench::new(ToyLibrary { generator: slow(10, 2), ..Default::default() });
    let model_id = bench.open("both").model_id;
    let counters = bench.engine.counters();
    let mut asked = 0;
    // a move every millisecond, on a busy machine until two pictures have come
    bench.wait("pictures during the drag", || {
        for _ in 0..100 {
            bench.ask(GENERATED, model_id, (asked % 100) as f32 / 50.0 - 1.0, Motion::Moving);
            asked += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        (counters.frames.load(Ordering::Relaxed) >= 2).then_some(())
    });
    let last = bench.ask(GENERATED, model_id, 0.5, Motion::Settled);
    let frame = bench.frame(GENERATED, last);
    assert_eq!(frame.picture.pixel(3, 3)[0], grey(0.5));
    let (frames, superseded) =
        (counters.frames.load(Ordering::Relaxed), counters.superseded.load(Ordering::Relaxed));
    let cancelled = counters.cancelled.load(Ordering::Relaxed);
    assert_eq!(frames + superseded + cancelled, asked + 1);
    assert!(superseded + cancelled > 0, "all of {asked} moves were painted, one every ms");
}

#[test]
fn letting_go_cancels_the_render_in_flight_between_two_layers() {
    let bench = Bench::new(ToyLibrary { generator: slow(100, 10), ..Default::default() });
    let model_id = bench.open("both").model_id;
    bench.ask(GENERATED, model_id, 0.0, Motion::Settled);
    std::thread::sleep(Duration::from_millis(50));
    bench.ask(GENERATED, model_id, 1.0, Motion::Settled);
    let asked = Instant::now();
    bench.wait("the cancellation", || {
        (bench.engine.counters().cancelled.load(Ordering::Relaxed) == 1).then_some(())
    });
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
}

#[test]
fn no_frame_of_an_old_model_arrives_after_a_switch() {
    let bench = Bench::new(ToyLibrary { generator: slow(20, 5), ..Default::default() });
    let first = bench.open("both").model_id;
    bench.ask(GENERATED, first, 0.5, Motion::Settled);
    std::thread::sleep(Duration::from_millis(20));
    let second = bench.open("other").model_id;
    while bench.engine.frame(GENERATED).is_some() {}
    bench.ask(GENERATED, first, 0.5, Motion::Settled);
    let number = bench.ask(GENERATED, second, -0.5, Motion::Settled);
    let frame = bench.wait("a frame", || bench.engine.frame(GENERATED));
    assert_eq!((frame.number, frame.model_id), (number, second));
}

#[test]
fn the_decoder_answers_while_the_generator_is_busy() {
    let bench = Bench::new(ToyLibrary { generator: slow(200, 10), ..Default::default() });
    let model_id = bench.open("both").model_id;
    bench.ask(GENERATED, model_id, 0.0, Motion::Settled);
    std::thread::sleep(Duration::from_millis(20));
    let mut latencies: Vec<Duration> = (0..40)
        .map(|i| {
            let asked = Instant::now();
            let number = bench.ask(DECODED, model_id, i as f32 / 40.0, Motion::Moving);
            bench.frame(DECODED, number);
            asked.elapsed()
        })
        .collect();
    latencies.sort();
    assert!(!bench.engine.is_idle(GENERATED), "the generator was meant to be busy throughout");
    // Generous: the machine may be busy with other tests. The real number is `idgan bench ui`'s to report.
    assert!(latencies[20] < Duration::from_millis(200), "median {:?}", latencies[20]);
}

#[test]
fn a_panic_is_an_error_event_and_the_network_comes_back() {
    let fragile = ToyBehaviour { panic_above: 5.0, ..Default::default() };
    let bench = Bench::new(ToyLibrary { generator: fragile, ..Default::default() });
    let model_id = bench.open("both").model_id;
    bench.ask(GENERATED, model_id, 9.0, Motion::Settled);
    bench.event("the restart", |event| matches!(event, Event::Restarted(GENERATED)));
    let messages = bench.messages.lock().unwrap().clone();
    assert!(messages.iter().any(|m| m.contains("told to panic")), "{messages:?}");
    bench.ask(GENERATED, model_id, 9.0, Motion::Settled);
    std::thread::sleep(Duration::from_millis(50));
    let number = bench.ask(GENERATED, model_id, 1.0, Motion::Settled);
    assert_eq!(bench.frame(GENERATED, number).picture.pixel(0, 0)[0], grey(1.0));
    let panics = |messages: &[String]| messages.iter().filter(|m| m.contains("told to panic")).count();
    assert_eq!(panics(&bench.messages.lock().unwrap()), 1, "the code that broke it is not tried again");

    for value in [9.1, 9.2] {
        bench.ask(GENERATED, model_id, value, Motion::Settled);
        bench.event("the restart", |event| matches!(event, Event::Restarted(GENERATED)));
    }
    bench.ask(GENERATED, model_id, 9.3, Motion::Settled);
    bench.event(
        "giving up",
        |event| matches!(event, Event::Error { message, .. } if message.contains("stays off")),
    );
    let number = bench.ask(DECODED, model_id, 1.0, Motion::Settled);
    bench.frame(DECODED, number);
}

#[test]
fn a_file_that_cannot_be_opened_leaves_the_old_model_in_use() {
    let bench = Bench::new(ToyLibrary::default());
    let model_id = bench.open("both").model_id;
    bench.engine.open(ModelSource::file("missing"));
    let event = bench.event("the failure", |event| matches!(event, Event::OpenFailed { .. }));
    assert!(matches!(event, Event::OpenFailed { error, .. } if error.message.contains("no such file")));
    let number = bench.ask(GENERATED, model_id, 1.0, Motion::Settled);
    bench.frame(GENERATED, number);
}

#[test]
fn what_was_asked_is_read_back() {
    let bench = Bench::new(ToyLibrary::default());
    let model_id = bench.open("both").model_id;
    let number = bench.ask(GENERATED, model_id, 1.5, Motion::Settled);
    let read = bench.wait("the code read back", || bench.engine.read_back());
    assert_eq!((read.number, read.model_id), (number, model_id));
    for (&asked, &read) in read.target.code.iter().zip(&read.posterior.mu) {
        assert!((asked - read).abs() < 0.1, "{asked} {read}");
    }
}

#[test]
fn a_batch_renders_in_order_behind_the_frames() {
    let bench = Bench::new(ToyLibrary { generator: slow(4, 2), ..Default::default() });
    let model_id = bench.open("both").model_id;
    let codes = (0..9).map(|i| Arc::from(vec![i as f32 / 9.0; 8])).collect();
    let (batch, cells) = Batch::new("nine", model_id, codes, 32);
    bench.engine.batch(GENERATED, batch);
    let number = bench.ask(GENERATED, model_id, 1.0, Motion::Settled);
    bench.frame(GENERATED, number);
    let mut seen = Vec::new();
    bench.wait("the last cell", || {
        seen.extend(cells.try_iter().inspect(|cell| {
            assert_eq!(cell.picture.width(), 32);
            assert_eq!(cell.picture.pixel(0, 0)[0], grey(cell.index as f32 / 9.0));
        }));
        (seen.len() == 9).then_some(())
    });
    assert!(seen.iter().map(|cell| cell.index).eq(0..9));
    bench.wait("the end", || bench.engine.is_idle(GENERATED).then_some(()));
    assert!(matches!(cells.try_recv(), Err(crossbeam::channel::TryRecvError::Disconnected)));
}

#[test]
fn a_newer_batch_replaces_the_older_one_of_its_lane() {
    let bench = Bench::new(ToyLibrary { generator: slow(4, 5), ..Default::default() });
    let model_id = bench.open("both").model_id;
    let batch = |value: f32| Batch::new("nine", model_id, vec![Arc::from(vec![value; 8]); 50], 16);
    let (first, old) = batch(0.0);
    bench.engine.batch(GENERATED, first);
    let (second, new) = batch(1.0);
    bench.engine.batch(GENERATED, second);
    let received = bench.wait("the new batch", || new.try_recv().ok());
    assert_eq!(received.picture.pixel(0, 0)[0], grey(1.0));
    assert!(old.iter().count() <= 1, "at most the cell in flight");
    bench.engine.clear_batch(GENERATED, "nine");
    bench.wait("idleness", || bench.engine.is_idle(GENERATED).then_some(()));
}

#[test]
fn a_model_without_a_vae_renders_alone() {
    let bench = Bench::new(ToyLibrary::default());
    let opened = bench.open("gan");
    assert_eq!(opened.chains().collect::<Vec<_>>(), [GENERATED]);
    assert_eq!(opened.encoded(), None);
    let code: Arc<[f32]> = vec![0.25; 5].into();
    let request = FrameRequest {
        number: 1,
        model_id: opened.model_id,
        chain: GENERATED,
        code,
        target: None,
        motion: Motion::Settled,
        asked: Instant::now(),
    };
    bench.engine.request(request);
    assert_eq!(bench.frame(GENERATED, 1).picture.pixel(0, 0)[0], grey(0.25));
}

#[test]
fn a_picture_is_encoded_for_whoever_asks() {
    let bench = Bench::new(ToyLibrary::default());
    let model_id = bench.open("both").model_id;
    let picture = Arc::new(crate::base::Picture::filled(64, 64, [128, 128, 128, 255]));
    let nothing = bench.engine.encode(model_id, "s", Arc::clone(&picture));
    assert!(nothing.recv_timeout(PATIENCE).is_err(), "nothing infers s");
    let posterior =
        bench.engine.encode(model_id, "c", Arc::clone(&picture)).recv_timeout(PATIENCE).expect("answers");
    assert!(posterior.mu.iter().all(|v| v.abs() < 0.05), "{posterior:?}");
    assert!(bench.engine.encode(model_id + 1, "c", picture).recv_timeout(PATIENCE).is_err());
}

#[test]
fn a_model_that_opens_is_told_whatever_nobody_reads() {
    let bench = Bench::new(ToyLibrary::default());
    let model_id = bench.open("both").model_id;
    let counters = bench.engine.counters();
    bench.wait("more messages than wait", || {
        // A code of one value fits no network.
        let code: Arc<[f32]> = vec![0.0].into();
        let asked = Instant::now();
        let (chain, motion) = (DECODED, Motion::Settled);
        let request = FrameRequest { number: 0, model_id, chain, code, target: None, motion, asked };
        bench.engine.request(request);
        (counters.lost_messages.load(Ordering::Relaxed) > 100).then_some(())
    });
    let model_id = bench.engine.open(ModelSource::file("both"));
    bench.wait("the new model's decoder", || {
        bench.ask(DECODED, model_id, 0.5, Motion::Settled);
        bench.engine.frame(DECODED)
    });
    let is_it = |event: &Event| matches!(event, Event::Opened(opened) if opened.model_id == model_id);
    bench.event("the news of it", is_it);
}

#[test]
fn measuring_what_dimensions_move_ends_with_the_model() {
    // All of it would take 25 seconds.
    let bench = Bench::new(ToyLibrary { decoder: slow(4, 4), ..Default::default() });
    bench.open("both");
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    drop(bench);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_panic_beside_the_network_is_an_error_and_the_thread_lives_on() {
    let is_first = std::sync::atomic::AtomicBool::new(true);
    let tap = move |frame: &Frame| {
        let breaks = frame.chain == DECODED && is_first.swap(false, Ordering::Relaxed);
        assert!(!breaks, "nobody foresaw this");
    };
    let bench = Bench::with(Arc::new(ToyLibrary::default()), Arc::new(tap));
    let model_id = bench.open("both").model_id;
    bench.ask(DECODED, model_id, 1.0, Motion::Settled);
    bench.event("the restart", |event| matches!(event, Event::Restarted(DECODED)));
    let messages = bench.messages.lock().unwrap().clone();
    assert!(messages.iter().any(|m| m.contains("nobody foresaw this")), "{messages:?}");
    let number = bench.ask(DECODED, model_id, 2.0, Motion::Settled);
    assert_eq!(bench.frame(DECODED, number).picture.pixel(0, 0)[0], grey(2.0));
}

/// Opens nothing but panics, for files called `broken`.
struct Fragile;

impl Library for Fragile {
    fn open(&self, source: &ModelSource, pools: &Pools) -> Result<Loaded, OpenError> {
        assert!(source.name() != "broken", "told to");
        ToyLibrary::default().open(source, pools)
    }
}

#[test]
fn a_panic_while_opening_is_a_failure_and_the_next_model_opens() {
    let bench = Bench::with(Arc::new(Fragile), Arc::new(|_: &Frame| ()));
    let model_id = bench.engine.open(ModelSource::file("broken"));
    let event = bench.event("the failure", |event| matches!(event, Event::OpenFailed { .. }));
    let Event::OpenFailed { model_id: failed, error: OpenError { message, .. } } = event else {
        unreachable!("matched above")
    };
    assert!(failed == model_id && message.contains("(told to)") && message.ends_with("broken"), "{message}");
    bench.open("both");
}

/// IB-GAN's chain: an emitter makes r of z, the generator draws r.
#[test]
fn a_chain_of_two_networks_is_drawn_from_its_own_code() {
    use crate::base::{Cancel, Picture, Pool, Stream};
    use crate::checkpoint::{Precision, write_bundle};
    use crate::model::{
        Architecture, Chain, CodeBlock, GAN, GENERATOR, Model, ModelDescription, Network, Port,
    };
    use crate::nets::{GeneratorConfig, MlpConfig, Parameters};

    let block = |name: &str, dims| CodeBlock { name: name.into(), ..CodeBlock::disentangled(dims) };
    let generator = GeneratorConfig::Small { z_dim: 3, channels: 1 };
    let widths = vec![2, 8, 3];
    let emitter = Network {
        architecture: Architecture::Mlp(MlpConfig { widths: widths.clone() }),
        weights: "emitter".into(),
        inputs: vec![Port::code("z")],
        outputs: vec![Port::code("r")],
    };
    let codes = vec![block("z", 2), block("r", 3)];
    let mut description =
        ModelDescription { codes, ..ModelDescription::empty("toy") }.with_generator(generator, ["r"]);
    description.networks.insert("emitter".into(), emitter);
    description.render = vec![Chain::new(GAN, ["emitter", GENERATOR])];
    let mut stream = Stream::new(1, "weights");
    let model = Model::new(description)
        .with_weights(GENERATOR, generator.initialise_uniform(&mut stream))
        .with_weights("emitter", MlpConfig { widths }.initialise_uniform(&mut stream));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two-steps.safetensors");
    write_bundle(&path, &model, Precision::F32).unwrap();

    let bench = Bench::with(Arc::new(FileLibrary), Arc::new(|_: &Frame| ()));
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(&path) };
    let model_id = bench.engine.open(source);
    let Event::Opened(opened) = bench.event("the model", |event| matches!(event, Event::Opened(_))) else {
        unreachable!("matched above")
    };
    assert_eq!(opened.description, model.description);
    assert_eq!(opened.shape(GENERATED), Some([1, 64, 64]));
    let code: Arc<[f32]> = vec![1.5, -0.5].into();
    let asked = Instant::now();
    let request = FrameRequest {
        number: 1,
        model_id,
        chain: ChainId::MAIN,
        code: Arc::clone(&code),
        target: None,
        motion: Motion::Settled,
        asked,
    };
    bench.engine.request(request);
    let frame = bench.frame(GENERATED, 1);

    let pool = Pool::new("test", 1).unwrap();
    let chain = &model.description.render[0];
    let mut renderer =
        crate::inference::open_chain(&model, chain, &crate::inference::Computer::processor(), &pool).unwrap();
    let mut expected = Picture::default();
    renderer.render_picture(&code, &mut expected, &Cancel::new()).unwrap();
    assert_eq!(*frame.picture, expected);
}
