//! `idgan disentanglement`: tables that agree with `idgan eval`, as numbers and as figures.

use std::path::Path;

use crate::toy::{fail, id_gan, succeed};
use idgan::base::{Array, Stream};
use idgan::checkpoint::npz::{NpzArray, write_npz};
use idgan::metrics::Disentanglement;

/// A file of 400 codes: noise, the second of two factors, and a bit of the first.
fn write_codes(path: &Path) {
    let classes: Vec<i64> = (0..400).flat_map(|row| [row % 4, (row / 4) % 5]).collect();
    let mut noise = Stream::new(1, "test codes");
    let code = |pair: &[i64]| [noise.normal(), pair[1] as f32, pair[0] as f32 + 0.3 * noise.normal()];
    let mu = Array::new([400, 3], classes.chunks_exact(2).flat_map(code).collect()).unwrap();
    let members = [("mu", NpzArray::F32(&mu)), ("factors", NpzArray::I64(&[400, 2], &classes))];
    write_npz(path, &members).unwrap();
}

#[test]
fn the_tables_of_codes_agree_with_their_metrics() {
    let folder = tempfile::tempdir().unwrap();
    write_codes(&folder.path().join("codes.npz"));
    succeed(folder.path(), "disentanglement --codes codes.npz --seed 3 --out tables.json");
    let tables = Disentanglement::read(&folder.path().join("tables.json")).unwrap();
    assert_eq!((tables.factors.len(), tables.dims.join(" ")), (2, "c0 c1 c2".to_owned()));
    assert!(tables.kl.is_none(), "these codes have no variances");
    let ask = "eval --codes codes.npz --metrics correlation,fvm --seed 3 --json";
    let measured: serde_json::Value = serde_json::from_slice(&succeed(folder.path(), ask).stdout).unwrap();
    let best: Vec<f64> =
        tables.correlation.iter().map(|row| row.iter().copied().fold(0.0, f64::max)).collect();
    for (best, part) in best.iter().zip(measured["metrics"]["correlation"]["parts"].as_array().unwrap()) {
        assert_eq!(*best, part["value"].as_f64().unwrap());
    }
    let most = |dim: usize| tables.votes.iter().map(|row| row[dim]).max().unwrap();
    let right: usize = (0..3).map(most).sum();
    assert_eq!(right as f64 / 800.0, measured["metrics"]["fvm"]["value"].as_f64().unwrap());
    assert!(tables.importance[1][1] > 0.99 && tables.importance[0][2] > 0.5, "{:?}", tables.importance);
}

#[test]
fn a_figure_holds_its_numbers_as_text_and_its_command_makes_the_same_file_again() {
    let folder = tempfile::tempdir().unwrap();
    write_codes(&folder.path().join("codes.npz"));
    let ask = "disentanglement --codes codes.npz --width 120mm --font-size 7 --out";
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for name in ["a.svg", "a.pdf", "a.png"] {
        succeed(folder.path(), &format!("{ask} {name}"));
        let first = read(name);
        succeed(folder.path(), &format!("{ask} {name}"));
        assert!(first == read(name), "{name} is another file the second time");
    }
    succeed(folder.path(), "disentanglement --codes codes.npz --out tables.json");
    let tables = Disentanglement::read(&folder.path().join("tables.json")).unwrap();
    let svg = String::from_utf8(read("a.svg")).unwrap();
    for value in tables.information.iter().chain(&tables.importance).flatten() {
        assert!(svg.contains(&format!(">{value:.2}</text>")), "{value} is not in the figure");
    }
    for words in [">factor 1</text>", ">c2</text>", ">Importance (DCI)</text>", "--font-size 7 --out a.svg"] {
        assert!(svg.contains(words), "{words}");
    }
    assert!(!svg.contains("<image") && svg.contains("width=\"340.16pt\""), "120 mm, and nothing in pixels");
    assert!(read("a.pdf").starts_with(b"%PDF-"));
    let picture = image::open(folder.path().join("a.png")).unwrap();
    assert!(picture.width().abs_diff(1417) <= 1, "120 mm at 300 pixels to the inch: {}", picture.width());
}

#[test]
fn a_models_tables_have_its_own_code_and_the_factors_of_the_data() {
    let folder = id_gan();
    let ask = "disentanglement model.safetensors --data color-dsprites --samples 60 --out tables.json";
    succeed(folder.path(), ask);
    let tables = Disentanglement::read(&folder.path().join("tables.json")).unwrap();
    assert_eq!((tables.samples, tables.factors.len(), tables.dims.join(" ")), (60, 5, "c0 c1 c2".to_owned()));
    assert_eq!(tables.kl.as_ref().map(Vec::len), Some(3));
    for (ask, words) in [
        ("model.safetensors --data color-dsprites --out a.gif", "a .json for the tables themselves"),
        ("model.safetensors --codes codes.npz --out a.svg", "leave the model or --codes out"),
        ("model.safetensors --out a.svg", "--data SPEC"),
        ("--data dsprites --out a.svg", "no model is named"),
    ] {
        fail(folder.path(), &format!("disentanglement {ask}"), 2, words);
    }
}
