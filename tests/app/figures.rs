//! Figures made in the window: the matrix of codes and nuisances, and animations.

use std::path::{Path, PathBuf};

use crate::window::{Window, click, click_at, save_as, set, settle, toy, until, window};
use egui::accesskit::Role as Node;
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use idgan::app::Options;
use idgan::checkpoint::npz::NpzFile;
use idgan::checkpoint::{Precision, write_bundle};
use idgan::engine::toy::ToyLibrary;
use idgan::engine::{ModelSource, RandomLibrary};
use idgan::explore::draw_prior;
use idgan::nets::ResnetTrunk;

/// A small model in a file, as the command line needs it.
fn bundle(folder: &Path) -> PathBuf {
    bundle_of(folder, ResnetTrunk { size: 16, nfilter: 2, nfilter_max: 4, channels: 3 })
}

fn bundle_of(folder: &Path, trunk: ResnetTrunk) -> PathBuf {
    let path = folder.join("tiny.safetensors");
    let model = RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model();
    write_bundle(&path, &model, Precision::F32).unwrap();
    path
}

fn opened(path: &Path) -> Window {
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(path) };
    let mut window = window(Options { source: Some(source), ..Options::default() });
    settle(&mut window);
    window
}

fn bookmark(window: &mut Window) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::B);
    window.step();
    window.step();
}

/// The command that an exported PNG or GIF says makes it again.
fn command_in(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(b"GIF89a") {
        // The comment is in pieces of at most 255 bytes, each after its length.
        let start = bytes.windows(3).position(|window| window[..2] == [0x21, 0xfe]).unwrap() + 2;
        let (mut document, mut at) = (Vec::new(), start);
        while bytes[at] > 0 {
            let length = usize::from(bytes[at]);
            document.extend_from_slice(&bytes[at + 1..=at + length]);
            at += length + 1;
        }
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        return document["command"].as_str().unwrap().to_owned();
    }
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    reader.finish().unwrap();
    let info = reader.info();
    let plain = info.uncompressed_latin1_text.iter().map(|text| (&text.keyword, text.text.clone()));
    let international = info.utf8_text.iter().map(|text| (&text.keyword, text.get_text().unwrap()));
    plain.chain(international).find(|(keyword, _)| *keyword == "Command").unwrap().1
}

/// Runs that command, which has to make the same bytes again.
fn assert_made_again(path: &Path) {
    let (bytes, command) = (std::fs::read(path).unwrap(), command_in(path));
    std::fs::remove_file(path).unwrap();
    run(&command);
    assert!(std::fs::read(path).unwrap() == bytes, "{command} makes other bytes");
}

/// Runs a line for a shell that begins with the program's name.
fn run(command: &str) {
    let program = Path::new(env!("CARGO_BIN_EXE_idgan")).parent().unwrap();
    let folders = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let made = std::process::Command::new("sh").env("PATH", folders).args(["-c", command]).output().unwrap();
    assert!(made.status.success(), "{command}: {}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn cells_of_the_matrix_give_their_codes() {
    let mut window = toy("both", ToyLibrary::default());
    let nuisance = window.state().values("s").to_vec();
    click(&mut window, "Traverse");
    click(&mut window, "c × s");
    let grid = "Matrix of codes and nuisances, 30 of 30 pictures";
    until(&mut window, "the matrix", |w| w.query_by_label(grid).is_some());
    // Names take 80 points on the left, captions 20 above; the cells share the rest.
    let table = window.get_by_label(grid).rect();
    let side = (table.width() - 80.0) / 6.0;
    assert!(side > 80.0, "the table fills the room: {side}");
    let cell = |row: f32, column: f32| table.min + vec2(80.0, 20.0) + vec2(column + 0.5, row + 0.5) * side;
    let block = |name: &str| idgan::model::CodeBlock {
        name: name.into(),
        ..idgan::model::CodeBlock::nuisance(if name == "c" { 5 } else { 3 })
    };
    // The VAE's row: its factors, and the nuisance stays.
    click_at(&mut window, cell(0.0, 1.0));
    settle(&mut window);
    assert_eq!(window.state().values("c"), draw_prior(&block("c"), 0, 1));
    assert_eq!(window.state().values("s"), nuisance);
    click_at(&mut window, cell(3.0, 4.0));
    settle(&mut window);
    assert_eq!(window.state().values("c"), draw_prior(&block("c"), 0, 4));
    assert_eq!(window.state().values("s"), draw_prior(&block("s"), 0, 2));
    window.get_by_role_and_label(Node::SpinButton, "Rows s").set_value_accesskit(2.0);
    window.step();
    let grid = "Matrix of codes and nuisances, 18 of 18 pictures";
    until(&mut window, "the smaller matrix", |w| w.query_by_label(grid).is_some());
}

#[test]
fn a_matrix_of_bookmarks_is_exported_by_the_command_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(&bundle(folder.path()));
    let mut kept = Vec::new();
    for value in [-1.5, 0.25, 2.0] {
        set(&mut window, "c 1", value);
        kept.extend_from_slice(window.state().values("c"));
        bookmark(&mut window);
    }
    click(&mut window, "Traverse");
    click(&mut window, "c × s");
    window.get_by_role_and_label(Node::SpinButton, "Rows s").set_value_accesskit(2.0);
    window.step();
    click(&mut window, "from");
    click(&mut window, "bookmarks");
    let grid = "Matrix of codes and nuisances, 9 of 9 pictures";
    until(&mut window, "the matrix", |w| w.query_by_label(grid).is_some());
    assert!(
        window
            .query_by_label("2 × 3 pictures and 3 by the VAE, about 48 × 48 pixels without labels")
            .is_some()
    );
    click(&mut window, "Export…");
    let out = folder.path().join("matrix.npz");
    save_as(&mut window, &out);
    let mut file = NpzFile::open(&out).unwrap();
    assert_eq!(file.array("gan").unwrap().shape(), [2, 3, 3, 16, 16]);
    assert_eq!(file.array("vae").unwrap().shape(), [3, 3, 64, 64]);
    assert_eq!(file.array("c").unwrap().data(), kept, "the columns are the bookmarks");
    let block = idgan::model::CodeBlock::nuisance(4);
    assert_eq!(
        file.array("s").unwrap().row(1),
        draw_prior(&block, 0, 1),
        "the rows are what the window shows"
    );
    click(&mut window, "Export…");
    let out = folder.path().join("matrix.png");
    save_as(&mut window, &out);
    let text = String::from_utf8_lossy(&std::fs::read(&out).unwrap()).into_owned();
    assert!(text.contains("idgan grid") && text.contains("--codes-c=3"), "the provenance holds the command");
    assert_made_again(&out);
    click(&mut window, "Traversal");
    click(&mut window, "Export…");
    let out = folder.path().join("a traversal.png");
    save_as(&mut window, &out);
    assert!(command_in(&out).contains("--codes="), "no words say the codes of the last bookmark");
    assert_made_again(&out);
}

#[test]
fn playing_moves_the_selected_factor_and_is_one_step_of_undo() {
    let mut window = toy("both", ToyLibrary::default());
    click(&mut window, "Select c 3");
    window.key_press(Key::P);
    let mut seen = Vec::new();
    for _ in 0..60 {
        window.step();
        seen.push(window.state().values("c")[3]);
    }
    let (low, high) = seen.iter().fold((0.0f32, 0.0f32), |(low, high), &v| (low.min(v), high.max(v)));
    assert!(low < -2.0 && high > 2.0, "it runs through the whole range and back: {low} to {high}");
    assert!(seen.windows(2).any(|pair| pair[1] < pair[0]) && seen.windows(2).any(|pair| pair[1] > pair[0]));
    window.key_press(Key::P);
    window.step();
    settle(&mut window);
    let paused = window.state().values("c")[3];
    window.run_steps(10);
    assert_eq!(window.state().values("c")[3], paused);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.step();
    settle(&mut window);
    assert_eq!(window.state().values("c"), [0.0; 5]);
}

#[test]
fn animations_are_exported_by_the_command_they_show() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(&bundle(folder.path()));
    click(&mut window, "Traverse");
    click(&mut window, "Animation");
    window.get_by_role_and_label(Node::SpinButton, "Frames").set_value_accesskit(5.0);
    window.step();
    assert!(window.query_by_label("5 pictures of 16 × 16 pixels").is_some());
    click(&mut window, "Export…");
    let out = folder.path().join("factor.gif");
    save_as(&mut window, &out);
    let bytes = std::fs::read(&out).unwrap();
    assert!(bytes.starts_with(b"GIF89a") && command_in(&out).starts_with("idgan traverse"));
    assert_made_again(&out);
    click(&mut window, "bookmarks");
    assert!(window.query_by_label_contains("at least two bookmarks").is_some());
    for value in [-1.5, 2.0, 0.0] {
        set(&mut window, "c 1", value);
        bookmark(&mut window);
    }
    assert!(window.query_by_label("15 pictures of 16 × 16 pixels").is_some());
    click(&mut window, "Close the loop");
    assert!(window.query_by_label("11 pictures of 16 × 16 pixels").is_some());
    click(&mut window, "Export…");
    let out = folder.path().join("path.gif");
    save_as(&mut window, &out);
    let bytes = std::fs::read(&out).unwrap();
    assert!(bytes.starts_with(b"GIF89a") && command_in(&out).starts_with("idgan animate"));
    assert_made_again(&out);
    click(&mut window, "Export…");
    let out = folder.path().join("frames");
    save_as(&mut window, &out);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 11);
    // Played, the path passes its bookmarks.
    click(&mut window, "Play the animation");
    let mut highest = f32::MIN;
    for _ in 0..24 {
        window.step();
        highest = highest.max(window.state().values("c")[1]);
    }
    assert!(highest > 1.5, "{highest}");
}

/// The path behind `--codes=` in the command that the window shows.
fn codes_of_command(window: &Window) -> Option<PathBuf> {
    let shown = window.query_by_label_contains("--codes=")?.accesskit_node().value()?;
    let word = shown.split(' ').find_map(|word| word.strip_prefix("--codes="))?;
    Some(PathBuf::from(word))
}

#[test]
fn a_command_that_is_copied_finds_the_codes_that_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(bundle(folder.path())) };
    let config = Some(folder.path().join("config"));
    let mut window = window(Options { source: Some(source), config, ..Options::default() });
    settle(&mut window);
    set(&mut window, "c 1", 0.1);
    click(&mut window, "Traverse");
    let first = codes_of_command(&window).expect("no words say these codes");
    assert!(first.is_absolute() && !first.exists(), "it is written when somebody wants it: {first:?}");
    click(&mut window, "Copy command");
    until(&mut window, "the codes", |w| first.exists() && w.state().is_calm());
    set(&mut window, "c 1", 0.2);
    let second = codes_of_command(&window).unwrap();
    assert_ne!(first, second, "what was copied before keeps its codes");
    until(&mut window, "the button, which says for a moment that it copied", |w| {
        w.query_by_label("Copy command").is_some()
    });
    click(&mut window, "Copy command");
    until(&mut window, "the codes", |w| second.exists() && w.state().is_calm());
    assert_eq!(window.state().notice(), None);
    for (path, value) in [(&first, 0.1), (&second, 0.2)] {
        assert_eq!(NpzFile::open(path).unwrap().array("c").unwrap().data()[1], value);
    }
    let shown = window.query_by_label_contains("--codes=").unwrap().accesskit_node().value().unwrap();
    let out = folder.path().join("figure.png");
    let words = shown.split(' ').skip(1).map(|word| match word {
        "traversal.png" => out.display().to_string(),
        word => word.to_owned(),
    });
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_idgan")).args(words).output().unwrap();
    assert!(made.status.success() && out.exists(), "{shown}: {}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_saved_picture_says_the_command_that_draws_its_codes_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(&bundle(folder.path()));
    set(&mut window, "c 1", 0.75);
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    window.step();
    window.step();
    let out = folder.path().join("my picture.png");
    save_as(&mut window, &out);
    let command = command_in(&out);
    assert!(command.starts_with("idgan sample ") && command.contains("--decoder=gan"), "{command}");
    run(&command);
    let again = image::open(folder.path().join("my picture/00000_gan.png")).unwrap().into_rgb8();
    let saved = image::open(&out).unwrap().into_rgb8();
    // The window's own bytes come straight from the kernels, without the step over floats.
    let worst = again.iter().zip(saved.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst.is_some_and(|worst| worst <= 1), "{worst:?}");
}

/// Asks for a file, types its path, and saves.
fn begin_export(window: &mut Window, path: &Path) {
    click(window, "Export…");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text(path.display().to_string()));
    window.step();
    click(window, "Save");
}

/// How far the threads of this process whose names begin like this have stepped back.
#[cfg(target_os = "linux")]
fn niceness(name: &str) -> Vec<i32> {
    let folders = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let of = |folder: PathBuf| {
        let comm = std::fs::read_to_string(folder.join("comm")).ok()?;
        // The 19th field, where the 2nd is the name in brackets.
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let nice = stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()?;
        comm.starts_with(name).then_some(nice)
    };
    folders.filter_map(of).collect()
}

#[test]
fn an_export_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trunk = ResnetTrunk { size: 64, nfilter: 8, nfilter_max: 16, channels: 3 };
    let mut window = opened(&bundle_of(folder.path(), trunk));
    for value in [-1.5, 2.0, 0.0] {
        set(&mut window, "c 1", value);
        bookmark(&mut window);
    }
    click(&mut window, "Traverse");
    click(&mut window, "Animation");
    click(&mut window, "bookmarks");
    window.get_by_role_and_label(Node::SpinButton, "Frames").set_value_accesskit(500.0);
    window.step();
    begin_export(&mut window, &folder.path().join("long.gif"));
    until(&mut window, "how far it is", |w| w.query_by_label_contains("of 1500 pictures").is_some());
    #[cfg(target_os = "linux")]
    {
        let (drawing, shown) = (niceness("render-"), niceness("idgan-light-"));
        assert!(!drawing.is_empty() && drawing.iter().all(|&steps| steps == 19), "{drawing:?}");
        assert!(shown.iter().any(|&steps| steps < 19), "the pictures shown go first: {shown:?}");
    }
    click(&mut window, "Stop exporting");
    until(&mut window, "the end", |w| w.state().is_calm());
    assert_eq!(window.state().notice(), None);
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["tiny.safetensors"], "neither the animation nor its codes");
}

#[test]
fn an_export_that_fails_leaves_no_codes_and_says_why_in_the_windows_words() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundle(folder.path());
    let mut window = opened(&model);
    set(&mut window, "c 1", 0.75);
    std::fs::remove_file(&model).unwrap();
    click(&mut window, "Traverse");
    begin_export(&mut window, &folder.path().join("figure.png"));
    until(&mut window, "the end", |w| w.state().is_calm());
    let notice = window.state().notice().unwrap_or_default();
    assert!(notice.starts_with("The traversal was not exported: ") && !notice.contains("--"), "{notice}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}
