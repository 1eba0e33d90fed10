//! Files of made-up weights by the lists of tensors of published models, and what the models' own programs make of them.
//!
//! Lists (`NAME.tsv`) and results (`checks.tsv`) lie in `tests/files/published` (`scripts/make-published-references`) and, from
//! the repositories' own code, beside the checkout.

use std::path::{Path, PathBuf};

use idgan::base::{Array, Cancel, PixelRange};
use idgan::checkpoint::{Opened, Precision, Reading, Sources, open, write_tensors};
use idgan::inference::Renderer;

use crate::common::skip::skipped;

/// A number in [-.5, .5) for element `i` of what has number `t`: a hash of both.
pub fn u(i: usize, t: usize) -> f64 {
    let mut h = (i as u32).wrapping_mul(2_654_435_761).wrapping_add((t as u32).wrapping_mul(40503));
    h = h.wrapping_add(12345);
    h ^= h >> 16;
    h = h.wrapping_mul(0x045d_9f3b);
    h ^= h >> 16;
    f64::from(h) / 4_294_967_296.0 - 0.5
}

/// The made-up values of the tensor in row `t` of a list; `of` has those of other rows.
fn made_up(key: &str, shape: &[usize], t: usize, is_norm: bool, of: impl Fn(&str) -> Array) -> Array {
    let count: usize = shape.iter().product();
    let mut gain = (24.0 * shape.first().copied().unwrap_or(1) as f64 / count as f64).sqrt();
    if key.contains("channel_attention") {
        gain *= 0.1;
    }
    if let Some(layer) = key.strip_suffix("weight_v") {
        return largest(&of(&format!("{layer}weight_orig")));
    }
    let few = if key.contains("channel_attention") { 0.02 } else { 0.2 };
    let value = |i: usize| match shape {
        [] => 1.0,
        [_] if key.ends_with("running_var") || (is_norm && key.ends_with(".weight")) => 1.0 + u(i, t),
        [n] if key.ends_with("weight_u") => 1.0 / (*n as f64).sqrt(),
        [_] => few * u(i, t),
        _ => u(i, t) * gain,
    };
    Array::new(shape, (0..count).map(|i| value(i) as f32).collect()).unwrap()
}

/// `W^T u`, normalised, of a matrix of as many rows as a tensor has first, and a u of equal numbers.
fn largest(weight: &Array) -> Array {
    let rows = weight.shape()[0];
    let columns = weight.len() / rows;
    let sums: Vec<f64> = (0..columns)
        .map(|column| (0..rows).map(|row| f64::from(weight.data()[row * columns + column])).sum())
        .collect();
    let norm = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    Array::new([columns], sums.into_iter().map(|sum| (sum / norm) as f32).collect()).unwrap()
}

/// The fields of a table's rows, without its head.
pub fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The tensors of a list by their names in a file, dicts around them included.
pub fn tensors_of(list: &Path) -> Vec<(String, Array)> {
    let shape = |text: &str| match text {
        "scalar" => Vec::new(),
        sides => sides.split('x').map(|side| side.parse().unwrap()).collect(),
    };
    let rows = rows(list);
    let row_of = |key: &str| rows.iter().position(|row| row[1] == key);
    let made = |t: usize, of: &dyn Fn(&str) -> Array| {
        let key = &rows[t][1];
        let layer = key.rsplit_once('.').map_or("", |(layer, _)| layer);
        let is_norm = row_of(&format!("{layer}.running_var")).is_some();
        made_up(key, &shape(&rows[t][2]), t, is_norm, of)
    };
    let alone = |key: &str| made(row_of(key).unwrap(), &|_| unreachable!("a weight is made of no other"));
    let name = |row: &[String]| match row[0].as_str() {
        "(root)" => row[1].clone(),
        dicts => format!("{}.{}", dicts.replace('/', "."), row[1]),
    };
    rows.iter().enumerate().map(|(t, row)| (name(row), made(t, &alone))).collect()
}

/// Writes a file with the tensors of a list into `folder`, after `change` has changed their names and shapes.
pub fn file_of(list: &Path, folder: &Path, change: impl Fn(&mut Vec<(String, Array)>)) -> PathBuf {
    let mut tensors = tensors_of(list);
    change(&mut tensors);
    let listed: Vec<(String, &Array, Precision)> =
        tensors.iter().map(|(name, array)| (name.clone(), array, Precision::F32)).collect();
    let path = folder.join("weights.safetensors");
    write_tensors(&path, &listed, ("made", "up")).unwrap();
    path
}

pub fn opened(path: &Path, range: Option<PixelRange>) -> Opened {
    let reading = Reading { range, ..Reading::default() };
    open(&Sources { checkpoint: Some(path.to_owned()), reading, ..Sources::default() }).unwrap()
}

/// What the row of `checks.tsv` says of values: their mean, that of their magnitudes, and four of them.
pub fn assert_agree(values: &[f32], row: &[String]) {
    let expected: Vec<f64> = row[3..9].iter().map(|number| number.parse().unwrap()).collect();
    let n = values.len();
    let mean = |of: fn(f64) -> f64| values.iter().map(|v| of(f64::from(*v))).sum::<f64>() / n as f64;
    let some = [0, n / 3, n / 2, n - 1].map(|at| f64::from(values[at]));
    let found: Vec<f64> = [mean(|v| v), mean(f64::abs)].into_iter().chain(some).collect();
    let sides: usize = row[2].split('x').map(|side| side.parse::<usize>().unwrap()).product();
    assert_eq!(n, sides, "{row:?}");
    for (found, expected) in found.iter().zip(&expected) {
        // The table has six digits of each number.
        let rounding = 0.5 * 10f64.powf(expected.abs().max(1e-9).log10().floor() - 5.0);
        let most = 1e-5 * expected.abs().max(1.0) + rounding;
        assert!((found - expected).abs() < most, "{found} for {row:?}");
    }
}

/// Pictures of two codes, `(2, values)`.
pub fn drawn(renderer: &mut dyn Renderer, codes: &[f32]) -> Vec<f32> {
    let mut pictures = vec![f32::NAN; 2 * renderer.picture_shape().iter().product::<usize>()];
    renderer.render(codes, &mut pictures, &Cancel::new()).unwrap();
    pictures
}

/// What `scripts/make-published-references` wrote.
pub fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/published")
}

/// What is to be done for every model of a folder whose name begins with one of these: its list, and its rows of checks.
/// There must be `least`.
pub fn for_all(folder: &Path, prefixes: &[&str], least: usize, check: impl Fn(&Path, &[Vec<String>])) {
    let checks = rows(&folder.join("checks.tsv"));
    let mut names: Vec<&str> = checks.iter().map(|row| row[0].as_str()).collect();
    names.dedup();
    names.retain(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    assert!(names.len() >= least, "{names:?}");
    for name in names {
        let checks: Vec<Vec<String>> = checks.iter().filter(|row| row[0] == name).cloned().collect();
        check(&folder.join(format!("{name}.tsv")), &checks);
    }
}

/// The lists of the repositories, where they lie beside this checkout.
pub fn of_repositories() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/keys");
    if folder.is_dir() {
        return Some(folder);
    }
    skipped("official", &format!("{} is not beside this checkout", folder.display()));
    None
}
