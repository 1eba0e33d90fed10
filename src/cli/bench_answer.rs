//! `idgan bench answer`: how long the VAE decoder keeps a person waiting while everything else is busy.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::base::{Stream, percentile};
use crate::engine::{Engine, Event, FrameRequest, ModelSource, Motion, RandomLibrary};
use crate::model::ChainId;

use super::beside::train_behind;
use super::{print, print_json, threads};

/// Arguments of `idgan bench answer`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Asks the engine, without a window, for one VAE picture after the other: with nothing beside, \
    while a generator with random weights renders without a pause, and while a training run keeps all cores busy. \
    `waits` is the time from question to answer less the median with nothing beside.\n\n\
    Examples:\n  \
    idgan bench answer\n  \
    idgan bench answer --generator 256 --requests 1000 --json"
)]
pub struct Args {
    /// Resolution of the generator
    #[arg(long, value_name = "PX", default_value_t = 1024, value_parser = super::bench_ui::resolution)]
    generator: usize,

    /// Questions in each of the three situations
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    requests: u32,

    /// Milliseconds from one question to the next
    #[arg(long, value_name = "MS", default_value_t = 33, value_parser = clap::value_parser!(u64).range(1..=1000))]
    interval: u64,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One situation.
#[derive(Clone, Debug, Serialize)]
struct Answers {
    beside: &'static str,
    /// Milliseconds from question to answer: median, 95th percentile, longest.
    median_ms: f64,
    p95_ms: f64,
    max_ms: f64,
    /// The same 95th percentile and longest time, less the median with nothing beside.
    waits_p95_ms: f64,
    waits_max_ms: f64,
    /// Questions that were replaced by the next one before they were answered.
    unanswered: usize,
    /// Pictures that the generator finished meanwhile.
    generator_pictures: usize,
}

/// The decoder's chain in the library's model, after the generator's.
const DECODER: ChainId = ChainId(1);

/// Times of answers, put there by the engine's threads.
#[derive(Default)]
struct Log {
    decoder: Vec<Duration>,
    generator: usize,
}

/// Measures and prints.
///
/// # Errors
/// When threads cannot be started or the model cannot be made ready.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let library = RandomLibrary::published(args.generator);
    let log: Arc<Mutex<Log>> = Arc::default();
    let own = Arc::clone(&log);
    let tap = move |frame: &crate::engine::Frame| {
        let Ok(mut log) = own.lock() else { return };
        match frame.chain {
            ChainId::MAIN => log.generator += 1,
            _ => log.decoder.push(frame.asked.elapsed()),
        }
    };
    let engine = Engine::new(Arc::new(library), threads(), Arc::new(|| ()), Arc::new(tap))?;
    let model_id = engine.open(ModelSource::default());
    wait_until_open(&engine)?;

    let RandomLibrary { c_dim, s_dim, .. } = library;
    let mut asker = Asker { engine: &engine, model_id, log: &log, number: 0, c_dim, s_dim, args };
    asker.ask("nothing", false)?; // the first pictures touch memory for the first time
    let alone = asker.ask("nothing", false)?;
    let rendering = asker.ask("generator", true)?;
    let folder = tempfile::tempdir()?;
    let training = train_behind(folder.path())?;
    // A run begins with opening its data; what is to be measured is its steps.
    std::thread::sleep(Duration::from_secs(2));
    let trained = asker.ask("training", false);
    let both = asker.ask("generator and training", true);
    training.control().stop();
    training.join()?;

    let base = median(&alone.0);
    let rows: Vec<Answers> =
        [alone, rendering, trained?, both?].into_iter().map(|found| found.sum_up(base, args)).collect();
    if args.json {
        return print_json(&rows);
    }
    let line = |row: &Answers| {
        format!(
            "{:<24} median {:6.2} ms, waits p95 {:6.2} ms, longest {:6.2} ms, unanswered {} of {}, {} GAN pictures",
            row.beside,
            row.median_ms,
            row.waits_p95_ms,
            row.waits_max_ms,
            row.unanswered,
            args.requests,
            row.generator_pictures
        )
    };
    print(rows.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn wait_until_open(engine: &Engine) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        match engine.event() {
            Some(Event::Described { .. }) => return Ok(()),
            Some(Event::OpenFailed { error, .. }) => bail!(error.message),
            Some(Event::Error { message, .. }) => bail!(message),
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    bail!("the model was not ready after a minute; choose a smaller one with --generator")
}

/// What one situation gave.
struct Found(Vec<Duration>, usize, &'static str);

impl Found {
    fn sum_up(self, base: f64, args: &Args) -> Answers {
        let Self(times, generator_pictures, beside) = self;
        let at = |share: f64| milliseconds(&times, share);
        Answers {
            beside,
            median_ms: at(0.5),
            p95_ms: at(0.95),
            max_ms: at(1.0),
            waits_p95_ms: at(0.95) - base,
            waits_max_ms: at(1.0) - base,
            unanswered: (args.requests as usize).saturating_sub(times.len()),
            generator_pictures,
        }
    }
}

fn median(times: &[Duration]) -> f64 {
    milliseconds(times, 0.5)
}

/// The value below which `share` of the times lie; not a number without times.
fn milliseconds(times: &[Duration], share: f64) -> f64 {
    let times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    percentile(&times, share)
}

struct Asker<'a> {
    engine: &'a Engine,
    model_id: u64,
    log: &'a Mutex<Log>,
    number: u64,
    c_dim: usize,
    s_dim: usize,
    args: &'a Args,
}

impl Asker<'_> {
    /// Asks for a picture every `interval`, with `generator` also for the generator's.
    fn ask(&mut self, beside: &'static str, generator: bool) -> anyhow::Result<Found> {
        let interval = Duration::from_millis(self.args.interval);
        let mut stream = Stream::new(1, "answer");
        self.take()?;
        let start = Instant::now();
        for turn in 0..self.args.requests {
            let until = start + interval * turn;
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            self.request(DECODER, stream.normals(self.c_dim));
            if generator {
                self.request(ChainId::MAIN, stream.normals(self.s_dim + self.c_dim));
            }
        }
        std::thread::sleep(interval.max(Duration::from_millis(200)));
        let found = self.take()?;
        Ok(Found(found.decoder, found.generator, beside))
    }

    fn take(&self) -> anyhow::Result<Log> {
        let mut log = self.log.lock().ok().context("a thread of the engine panicked")?;
        Ok(std::mem::take(&mut log))
    }

    fn request(&mut self, chain: ChainId, code: Vec<f32>) {
        self.number += 1;
        let request = FrameRequest {
            number: self.number,
            model_id: self.model_id,
            chain,
            code: code.into(),
            target: None,
            motion: Motion::Moving,
            asked: Instant::now(),
        };
        self.engine.request(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_counted_from_the_idle_median() {
        let args = Args { generator: 64, requests: 5, interval: 1, json: false };
        let times = [9, 1, 30, 3].map(Duration::from_millis).to_vec();
        let answers = Found(times, 7, "generator").sum_up(2.0, &args);
        assert_eq!((answers.median_ms, answers.max_ms, answers.waits_max_ms), (9.0, 30.0, 28.0));
        assert_eq!((answers.unanswered, answers.generator_pictures), (1, 7));
        assert!(median(&[]).is_nan());
    }
}
