//! Memory stays flat however long somebody explores.
#![cfg(all(feature = "gui", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "test code")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use egui::accesskit::Role as Node;
use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use idgan::app::{Explorer, Options};
use idgan::engine::Source;
use idgan::engine::toy::ToyLibrary;

/// The memory is the whole process's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

type Window = Harness<'static, Explorer>;

/// Resident memory of this process in MiB.
fn resident_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / f64::from(1 << 20)
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
    let source = Source::file(name);
    Harness::builder().with_size(vec2(1000.0, 700.0)).build_eframe(move |creation| {
        let library = Arc::new(ToyLibrary { size: 64, ..ToyLibrary::default() });
        let options = Options { source: Some(source), library, native_dialogs: false, ..Options::default() };
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
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut window = window("first");
    settle(&mut window);
    drag(&mut window, 1000);
    let before = resident_mib();
    drag(&mut window, 10_000);
    let after_drags = resident_mib();
    assert!(after_drags - before < 24.0, "{before:.0} MiB before, {after_drags:.0} MiB after the drags");
    for index in 0..50 {
        window.state_mut().open_model(Source::file(if index % 2 == 0 { "second" } else { "first" }));
        settle(&mut window);
    }
    let after_switches = resident_mib();
    assert!(
        after_switches - after_drags < 24.0,
        "{after_drags:.0} MiB before, {after_switches:.0} MiB after the switches"
    );
}

#[test]
fn a_long_mixed_session_with_models_beside_needs_no_more_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut window = window("first");
    settle(&mut window);
    let mut before = 0.0;
    for round in 0..100 {
        if round == 50 {
            // Threads that come and go use memory that the allocator keeps for the next ones.
            before = resident_mib();
        }
        drag(&mut window, 40);
        window.state_mut().open_beside(Source::file(if round % 2 == 0 { "second" } else { "third" }));
        settle(&mut window);
        drag(&mut window, 40);
        if round % 3 == 0 {
            // The second model changes while it is open, and the first one, too.
            window.state_mut().open_beside(Source::file("fourth"));
            settle(&mut window);
            window.state_mut().open_model(Source::file(if round % 2 == 0 { "second" } else { "first" }));
            settle(&mut window);
        }
        for tab in ["Traverse", "Inspect"] {
            window.get_by_label(tab).click();
            window.run_steps(3);
        }
        window.get_by_label("Close the model beside").click();
        window.run_steps(2);
    }
    let after = resident_mib();
    assert!(after - before < 8.0, "{before:.0} MiB before, {after:.0} MiB after");
}
