//! A great many damaged files through everything that reads files: no panic, no hang, no memory beyond the limit, and
//! no message that would do something to a terminal.
//!
//! 20,000 of them, or as many as `IDGAN_HOSTILE` says, of the seed `IDGAN_HOSTILE_SEED`, beginning with the one numbered
//! `IDGAN_HOSTILE_FIRST`. Seed and number decide an input, whatever came before it; see `scripts/check-hostile`.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::counting::peak_of;
use crate::damage::{Dice, damage};
use crate::parsers::{Input, Parser, all};

/// The most memory that reading a small file may take: the project's limit for any file.
const MEMORY: usize = 1 << 30;
/// The longest that reading a small file may take, on a machine that has other things to do.
const SLOW: Duration = Duration::from_secs(10);
/// What takes longer than this never ends.
const HANG: Duration = Duration::from_secs(120);
/// Kinds of faults that are told of; after so many, one has work to do.
const KINDS: usize = 40;

/// Where panics happened and what they said, on whatever thread, caught or not.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn panics() -> Vec<String> {
    std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Counts every panic from now on. Those of the tests themselves are printed as before.
fn watch_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if place.starts_with("tests/") {
            before(panic);
            return;
        }
        let what = panic.payload_as_str().unwrap_or("something that is no text");
        PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(format!("panic at {place}: {what}"));
    }));
}

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// What is known of one parser's inputs.
#[derive(Default)]
struct Tally {
    inputs: u64,
    /// Those of which something was read.
    read: u64,
    time: Duration,
    slowest: Duration,
    peak: usize,
}

impl Tally {
    fn add(&mut self, trial: &Trial) {
        self.inputs += 1;
        self.read += u64::from(trial.read);
        self.time += trial.time;
        self.slowest = self.slowest.max(trial.time);
        self.peak = self.peak.max(trial.peak);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (inputs, read, time) = (self.inputs, self.read, self.time.as_secs_f64());
        let (each, slowest) = (time * 1e6 / inputs as f64, self.slowest.as_secs_f64() * 1e3);
        let peak = self.peak as f64 / f64::from(1 << 20);
        write!(
            f,
            "{inputs:8} inputs, {read:7} read, {time:6.1} s, {each:6.0} us each, slowest {slowest:6.0} ms, {peak:6.1} MiB"
        )
    }
}

/// Ends the program when an input takes for ever.
struct Watchdog {
    /// Milliseconds from `start` to the beginning of the input, plus one; 0 between two inputs.
    since: Arc<AtomicU64>,
    start: Instant,
}

impl Watchdog {
    fn new(log: PathBuf) -> Self {
        let (since, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let watched = Arc::clone(&since);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let since = watched.load(Ordering::Relaxed);
                if since > 0 && start.elapsed() > Duration::from_millis(since) + HANG {
                    let running = std::fs::read_to_string(&log).unwrap_or_default();
                    let _ = writeln!(std::io::stderr(), "hang: {running}");
                    std::process::exit(101);
                }
            }
        });
        Self { since, start }
    }

    fn begin(&self) {
        self.since.store(self.start.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }
}

#[test]
fn a_great_many_damaged_files_do_no_harm() {
    let count = number_from("IDGAN_HOSTILE", 20_000);
    let seed = number_from("IDGAN_HOSTILE_SEED", 13);
    let first = number_from("IDGAN_HOSTILE_FIRST", 0);
    let folder = tempfile::tempdir().unwrap();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let running = std::fs::File::create(kept.join("hostile-running")).unwrap();
    let parsers = all(folder.path());
    let places: Vec<usize> =
        parsers.iter().enumerate().flat_map(|(at, parser)| std::iter::repeat_n(at, parser.share)).collect();
    watch_panics();
    let watchdog = Watchdog::new(kept.join("hostile-running"));
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut faults = Faults::default();
    for number in first..first + count {
        let mut dice = Dice::new(seed, number);
        let parser = &parsers[*dice.pick(&places)];
        let (one, other) = (dice.pick(&parser.seeds), dice.pick(&parser.seeds));
        let bytes = damage(one, other, &mut dice);
        // so that it is known what an abort was about
        let name = format!("input {number} of seed {seed} for {}", parser.name);
        running.write_all_at(format!("{name:80}").as_bytes(), 0).unwrap();
        watchdog.begin();
        let trial = trial(parser, folder.path(), &bytes);
        watchdog.end();
        tallies.entry(format!("{} ({})", parser.name, parser.file)).or_default().add(&trial);
        for fault in trial.faults {
            let file = kept.join(format!("hostile-{seed}-{number}-{}", parser.file));
            faults.add(&fault, &name, &file, &bytes);
        }
        if faults.0.len() >= KINDS {
            break;
        }
    }
    for (name, tally) in &tallies {
        println!("{name:32} {tally}");
    }
    assert!(faults.0.is_empty(), "{faults}");
    assert!(count < 5000 || tallies.len() == parsers.len(), "every parser has its turn");
}

#[test]
fn the_files_that_are_damaged_are_sound_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let mut unsound = Vec::new();
    for parser in all(folder.path()) {
        for (number, seed) in parser.seeds.iter().enumerate() {
            let path = folder.path().join(&parser.file);
            let bytes = seed.bytes();
            std::fs::write(&path, &bytes).unwrap();
            let said = (parser.read)(&Input { folder: folder.path(), path, bytes: &bytes });
            if said.read == 0 {
                unsound.push(format!("{} reads nothing of seed {number}: {:?}", parser.file, said.errors));
            }
        }
    }
    assert!(unsound.is_empty(), "{unsound:#?}");
}

/// Faults by what they have in common: how many there were, and the first.
#[derive(Default)]
struct Faults(BTreeMap<String, (u64, String)>);

impl Faults {
    /// Counts `fault` of the input called `name`; the first of its kind is told, and its `bytes` are written to `file`.
    fn add(&mut self, fault: &str, name: &str, file: &Path, bytes: &[u8]) {
        // the place of a panic, or the unit of what was too much
        let kind = fault.split(": ").next().unwrap_or_default();
        let kind = kind.trim_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
        let (times, _) = self.0.entry(kind).or_insert_with(|| {
            std::fs::write(file, bytes).unwrap();
            let first = format!("{name}: {fault}: {}", file.display());
            // told at once, since there may be no end
            let _ = writeln!(std::io::stderr(), "{first}");
            (0, first)
        });
        *times += 1;
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} kinds of faults", self.0.len())?;
        self.0.values().try_for_each(|(times, first)| write!(f, "\n{times} times, first in {first}"))
    }
}

/// What reading one input did.
struct Trial {
    /// Whether anything of it could be read.
    read: bool,
    time: Duration,
    peak: usize,
    faults: Vec<String>,
}

fn trial(parser: &Parser, folder: &Path, bytes: &[u8]) -> Trial {
    let path = folder.join(&parser.file);
    std::fs::write(&path, bytes).unwrap();
    let input = Input { folder, path, bytes };
    let mut said = None;
    let start = Instant::now();
    let peak = peak_of(|| said = catch_unwind(AssertUnwindSafe(|| (parser.read)(&input))).ok());
    let time = start.elapsed();
    // some move aside what they cannot read
    let _ = std::fs::remove_file(&input.path);
    let said = said.unwrap_or_default();
    let mut faults = panics();
    if peak > MEMORY {
        faults.push(format!("{} MiB of memory", peak >> 20));
    }
    if time > SLOW {
        faults.push(format!("{:.1} s", time.as_secs_f64()));
    }
    Trial { read: said.read > 0, time, peak, faults }
}
