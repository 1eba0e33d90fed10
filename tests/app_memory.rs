//! Memory stays flat however long somebody explores.
#![cfg(all(feature = "gui", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "test code")]

mod counting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use egui::accesskit::Role as Node;
use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use idgan::app::{Explorer, Options};
use idgan::base::keep_freed_memory;
use idgan::engine::ModelSource;
use idgan::engine::toy::ToyLibrary;

/// The memory is the whole process's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

type Window = Harness<'static, Explorer>;

/// Waits for the other test, and treats memory as the program does.
fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    keep_freed_memory();
    guard
}

/// Memory in MiB.
#[derive(Clone, Copy, Debug)]
struct Memory {
    /// What the process holds.
    held: f64,
    /// What it has from the system, which includes what the allocator keeps for later.
    resident: f64,
}

impl Memory {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: f64 = text.split_whitespace().nth(1).unwrap().parse().unwrap();
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        Self { held: mib(counting::held_by_process() as f64), resident: mib(pages * 4096.0) }
    }

    /// The least that is held within half a second: the threads of models that were closed end in their own time.
    fn at_rest(window: &mut Window) -> Self {
        let mut least = Self::now();
        for _ in 0..25 {
            std::thread::sleep(Duration::from_millis(20));
            window.step();
            let now = Self::now();
            least = if now.held < least.held { now } else { least };
        }
        least
    }

    /// Nothing is held that was not before; what the allocator keeps depends on how many threads overlapped.
    fn assert_flat_since(self, before: Self, what: &str) {
        assert!(self.held - before.held < 1.0, "{before:?} before, {self:?} after {what}");
        assert!(self.resident - before.resident < 64.0, "{before:?} before, {self:?} after {what}");
        eprintln!("{before:?} before, {self:?} after {what}");
    }
}

fn settle(window: &mut Window) {
    let start = Instant::now();
    window.step();
    while !(window.state().has_model() && window.state().is_settled()) {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for the pictures");
        std::thread::sleep(Duration::from_millis(1));
        window.step();
    }
}

fn window(name: &str) -> Window {
    let source = ModelSource::file(name);
    Harness::builder().with_size(vec2(1000.0, 700.0)).build_eframe(move |creation| {
        let library = Arc::new(ToyLibrary { size: 64, ..ToyLibrary::default() });
        let options = Options { source: Some(source), library, dialogs: None, ..Options::default() };
        Explorer::new(&creation.egui_ctx, None, &options).unwrap()
    })
}

/// Drags the first slider through `moves` positions.
fn drag(window: &mut Window, moves: usize) {
    let rail = window.get_by_role_and_label(Node::Slider, "c 0").rect();
    window.drag_at(rail.center());
    for index in 0..moves {
        let swing = (index as f32 / 30.0).sin() * rail.width() * 0.4;
        window.hover_at(rail.center() + vec2(swing, 0.0));
        window.step();
    }
    window.drop_at(rail.center());
    settle(window);
}

#[test]
fn ten_thousand_moves_and_fifty_models_need_no_more_memory() {
    let _alone = alone();
    let mut window = window("first");
    settle(&mut window);
    drag(&mut window, 1000);
    let before = Memory::at_rest(&mut window);
    drag(&mut window, 10_000);
    let after_drags = Memory::at_rest(&mut window);
    after_drags.assert_flat_since(before, "the drags");
    for index in 0..50 {
        window.state_mut().open_model(ModelSource::file(if index % 2 == 0 { "second" } else { "first" }));
        settle(&mut window);
    }
    Memory::at_rest(&mut window).assert_flat_since(after_drags, "the switches");
}

#[test]
fn a_long_mixed_session_with_models_beside_needs_no_more_memory() {
    let _alone = alone();
    let mut window = window("first");
    settle(&mut window);
    let mut before = None;
    for round in 0..100 {
        if round == 50 {
            before = Some(Memory::at_rest(&mut window));
        }
        drag(&mut window, 40);
        window.state_mut().open_beside(ModelSource::file(if round % 2 == 0 { "second" } else { "third" }));
        settle(&mut window);
        drag(&mut window, 40);
        if round % 3 == 0 {
            // The second model changes while it is open, and the first one, too.
            window.state_mut().open_beside(ModelSource::file("fourth"));
            settle(&mut window);
            window.state_mut().open_model(ModelSource::file(if round % 2 == 0 { "second" } else { "first" }));
            settle(&mut window);
        }
        for tab in ["Traverse", "Inspect"] {
            window.get_by_label(tab).click();
            window.run_steps(3);
        }
        window.get_by_label("Close the model beside").click();
        window.run_steps(2);
    }
    Memory::at_rest(&mut window).assert_flat_since(before.unwrap(), "the second half of the session");
}
