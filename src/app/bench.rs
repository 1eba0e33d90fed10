//! Measures the real window while a slider is dragged.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use serde::Serialize;

use super::{Explorer, Options};
use crate::base::percentile;
use crate::engine::Latest;
use crate::explore::RangeSpec;
use crate::model::{GAN, VAE};

/// The chains that are measured.
const CHAINS: [&str; 2] = [VAE, GAN];

/// How long to wait for a model, or for the last picture.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a scripted drag measured, all times in milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Moves of the drag.
    pub moves: usize,
    /// Time between two moves.
    pub interval_ms: f64,
    /// Thread-CPU time of one UI update (panels and layout); wall time where the system cannot tell.
    pub update_ms: Percentiles,
    /// Thread-CPU time from one update to the next: with tessellation, uploads and painting.
    pub frame_ms: Percentiles,
    /// From the input to `write_texture` of the VAE's picture, wall time.
    pub decoder_latency_ms: Percentiles,
    /// From the input to `write_texture` of the generator's picture, wall time.
    pub generator_latency_ms: Percentiles,
    /// VAE pictures that arrived while the drag went on.
    pub decoder_pictures: usize,
    /// Generator pictures that arrived while the drag went on.
    pub generator_pictures: usize,
    /// The longest time without a new generator picture during the drag.
    pub longest_generator_gap_ms: f64,
    /// Time from the last move to the generator's exact picture.
    pub settled_after_ms: f64,
    /// Frames of another model than the open one that were shown.
    pub stale_frames_shown: u64,
    /// Whether the last pictures show exactly the last codes.
    pub final_is_exact: bool,
    /// How often the ends of a traversal's rows were worked out: once, however long the drag.
    pub range_resolutions: u64,
    /// Points of the curves that the training board draws.
    pub board_points: usize,
    /// Requests replaced before they were begun, and renders stopped.
    pub superseded: u64,
    /// The graphics driver.
    pub gpu: String,
}

/// Median, 95th percentile and maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// The value in the middle.
    pub p50: f64,
    /// The value at 95 % of the way from the smallest to the largest in order.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Percentiles {
    /// Of `times`; zeros of none.
    fn of(times: &[Duration]) -> Self {
        if times.is_empty() {
            return Self::default();
        }
        let ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        let at = |share| percentile(&ms, share);
        Self { p50: at(0.5), p95: at(0.95), max: at(1.0) }
    }
}

/// What is done to the window.
#[derive(Clone, Debug)]
pub struct Script {
    /// Moves of the drag.
    pub moves: usize,
    /// Time from one to the next.
    pub interval: Duration,
    /// Which values a traversal runs through, where the window shows one.
    pub range: Option<RangeSpec>,
    /// Run folders whose curves lie over each other on the training board.
    pub runs: Vec<PathBuf>,
}

/// Opens the window, drags the first slider as `script` says, and closes it.
///
/// # Errors
/// When the window cannot be opened, or the model does not show.
pub fn drag(options: &Options, script: Script) -> anyhow::Result<Report> {
    let options = Options { config: None, screenshot: None, ..options.clone() };
    let result = Latest::new();
    let place = result.clone();
    let [width, height] = options.size.unwrap_or(Options::SIZE).map(|side| side as f32);
    let viewport = egui::ViewportBuilder::default().with_title("idgan").with_inner_size([width, height]);
    let native = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    super::native::run(native, move |creation| {
        let gpu = creation.wgpu_render_state.as_ref();
        let name = gpu.map_or_else(String::new, |gpu| gpu.adapter.get_info().name);
        let mut explorer = Explorer::new(&creation.egui_ctx, gpu, &options)?;
        if let Some(range) = script.range {
            explorer.set_range(range);
        }
        explorer.overlay_runs(&script.runs);
        Ok(Box::new(Bench::new(explorer, name, script, place)))
    })?;
    result
        .take()
        .unwrap_or_else(|| Err("the window was closed before the end".to_owned()))
        .map_err(|e| anyhow!(e))
}

/// Where the script stands.
enum Phase {
    /// Waiting for the first pictures.
    Opening(Instant),
    Dragging,
    /// Waiting for the last pictures.
    Settling(Instant),
    Done,
}

/// A pointer position and when it was sent.
type Move = (usize, Instant);

struct Bench {
    explorer: Explorer,
    phase: Phase,
    script: Script,
    /// The newest move that the window has not taken in yet.
    sent: Latest<Move>,
    stop: Arc<AtomicBool>,
    hand: Option<JoinHandle<()>>,
    taken: usize,
    updates: Vec<Duration>,
    frames: Vec<Duration>,
    last_frame: Option<Duration>,
    latencies: [Vec<Duration>; 2],
    last_picture: Option<Instant>,
    gap: Duration,
    during: [usize; 2],
    stale: u64,
    gpu: String,
    result: Latest<Result<Report, String>>,
}

impl Bench {
    fn new(explorer: Explorer, gpu: String, script: Script, result: Latest<Result<Report, String>>) -> Self {
        Self {
            explorer,
            phase: Phase::Opening(Instant::now()),
            script,
            sent: Latest::new(),
            stop: Arc::default(),
            hand: None,
            taken: 0,
            updates: Vec::new(),
            frames: Vec::new(),
            last_frame: None,
            latencies: Default::default(),
            last_picture: None,
            gap: Duration::ZERO,
            during: [0; 2],
            stale: 0,
            gpu,
            result,
        }
    }

    /// Starts the thread that moves the pointer at an even pace, as a hand does, whatever the window does.
    fn start(&mut self, ctx: &egui::Context) -> std::io::Result<()> {
        let (sent, stop, ctx) = (self.sent.clone(), Arc::clone(&self.stop), ctx.clone());
        let Script { moves, interval, .. } = self.script.clone();
        let body = move || {
            let start = Instant::now();
            for index in 1..=moves {
                std::thread::sleep(
                    (start + interval * index as u32).saturating_duration_since(Instant::now()),
                );
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                sent.put((index, Instant::now()));
                ctx.request_repaint();
            }
        };
        self.hand = Some(std::thread::Builder::new().name("idgan-bench".to_owned()).spawn(body)?);
        Ok(())
    }

    /// Where the pointer is at move `index`: back and forth over the slider.
    fn position(&self, slider: egui::Rect, index: usize) -> egui::Pos2 {
        let swing = (index as f32 / 60.0 * std::f32::consts::TAU).sin();
        slider.center() + egui::vec2(swing * slider.width() * 0.45, 0.0)
    }

    fn finish(&mut self, ctx: &egui::Context, result: Result<Report, String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.result.put(result);
        self.phase = Phase::Done;
        ctx.send_viewport_cmd(egui::ViewportCommand::Close);
    }

    fn report(&self, settled_after: Duration) -> Report {
        let exact = |chain| {
            let shown = self.explorer.shown_code(chain);
            shown.is_some_and(|code| {
                self.explorer.wanted_code(chain).is_none_or(|wanted| wanted[..] == code[..])
            })
        };
        let of = |chain| CHAINS.iter().position(|known| *known == chain).unwrap_or_default();
        let counters = self.explorer.counters();
        let superseded =
            counters.superseded.load(Ordering::Relaxed) + counters.cancelled.load(Ordering::Relaxed);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        Report {
            moves: self.script.moves,
            interval_ms: ms(self.script.interval),
            update_ms: Percentiles::of(&self.updates),
            frame_ms: Percentiles::of(&self.frames),
            decoder_latency_ms: Percentiles::of(&self.latencies[of(VAE)]),
            generator_latency_ms: Percentiles::of(&self.latencies[of(GAN)]),
            decoder_pictures: self.during[of(VAE)],
            generator_pictures: self.during[of(GAN)],
            longest_generator_gap_ms: ms(self.gap),
            settled_after_ms: ms(settled_after),
            stale_frames_shown: self.stale,
            final_is_exact: CHAINS.into_iter().all(exact),
            range_resolutions: self.explorer.range_resolutions(),
            board_points: self.explorer.drawn_points(),
            superseded,
            gpu: self.gpu.clone(),
        }
    }

    /// Collects what the frame before uploaded.
    fn collect(&mut self) {
        self.stale += self.explorer.stale_frames().1;
        for (at, chain) in CHAINS.into_iter().enumerate() {
            let uploads = self.explorer.take_uploads(chain);
            if !matches!(self.phase, Phase::Dragging) {
                continue;
            }
            self.during[at] += uploads.len();
            if chain == GAN && !uploads.is_empty() {
                let now = Instant::now();
                if let Some(last) = self.last_picture.replace(now) {
                    self.gap = self.gap.max(now - last);
                }
            }
            self.latencies[at].extend(uploads);
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(hand) = self.hand.take() {
            let _ = hand.join(); // Between two moves it looks whether to stop.
        }
    }
}

impl eframe::App for Bench {
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        eframe::App::clear_color(&self.explorer, visuals)
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        // Whatever the real pointer does must not disturb the script.
        input.events.retain(|event| {
            !matches!(
                event,
                egui::Event::PointerMoved(_) | egui::Event::PointerGone | egui::Event::PointerButton { .. }
            )
        });
        let (Phase::Dragging, Some(slider)) = (&self.phase, self.explorer.first_slider()) else { return };
        let button = |pos, pressed| egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        };
        let Some((index, at)) = self.sent.take() else { return };
        let pos = self.position(slider, index);
        if self.taken == 0 {
            let start = self.position(slider, 0);
            input.events.push(egui::Event::PointerMoved(start));
            input.events.push(button(start, true));
        }
        self.taken = index;
        self.explorer.input_came(at);
        input.events.push(egui::Event::PointerMoved(pos));
        if index == self.script.moves {
            input.events.push(button(pos, false));
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.explorer.prepare_surface(frame);
        let ctx = ui.ctx().clone();
        let before = thread_time();
        if let (Some(last), Phase::Dragging) = (self.last_frame, &self.phase) {
            self.frames.push(before.saturating_sub(last));
        }
        self.last_frame = Some(before);
        self.explorer.update(ui);
        let after = thread_time();
        self.collect();
        match self.phase {
            Phase::Opening(since) => {
                if self.explorer.has_model() && self.explorer.is_settled() && self.explorer.is_calm() {
                    self.phase = Phase::Dragging;
                    self.last_picture = Some(Instant::now());
                    if let Err(error) = self.start(&ctx) {
                        self.finish(&ctx, Err(format!("the system refuses to start a thread: {error}")));
                    }
                } else if let (Some(notice), false) = (self.explorer.notice(), self.explorer.has_model()) {
                    let notice = notice.to_owned();
                    self.finish(&ctx, Err(notice));
                } else if since.elapsed() > PATIENCE {
                    self.finish(&ctx, Err("the model was not shown in time".to_owned()));
                }
                ctx.request_repaint_after(Duration::from_millis(20));
            }
            Phase::Dragging => {
                self.updates.push(after.saturating_sub(before));
                if self.taken == self.script.moves {
                    self.phase = Phase::Settling(Instant::now());
                }
            }
            Phase::Settling(since) => {
                if self.explorer.is_settled() {
                    let report = self.report(since.elapsed());
                    self.finish(&ctx, Ok(report));
                } else if since.elapsed() > PATIENCE {
                    self.finish(&ctx, Err("the last picture did not come".to_owned()));
                }
                ctx.request_repaint_after(Duration::from_millis(5));
            }
            Phase::Done => {}
        }
    }
}

/// Processor time that this thread has used; wall time where the system does not say.
#[cfg(target_os = "linux")]
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that lives through the call, which writes nothing else.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if result != 0 {
        return wall_time();
    }
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(not(target_os = "linux"))]
fn thread_time() -> Duration {
    wall_time()
}

fn wall_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds_and_zero_of_nothing() {
        let times: Vec<Duration> = (1..=101).rev().map(Duration::from_millis).collect();
        let Percentiles { p50, p95, max } = Percentiles::of(&times);
        assert!((p50 - 51.0).abs() < 1e-9 && (p95 - 96.0).abs() < 1e-9 && (max - 101.0).abs() < 1e-9);
        assert_eq!(Percentiles::of(&[]), Percentiles::default());
        assert!((Percentiles::of(&times[..1]).p50 - 101.0).abs() < 1e-9);
    }

    #[test]
    fn the_clock_of_a_thread_runs_with_its_work() {
        let start = (thread_time(), Instant::now());
        while start.1.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        assert!(thread_time() > start.0);
    }
}
