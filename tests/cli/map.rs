//! `idgan map`: codes of pictures on a plane, as figures and as numbers.

use std::path::Path;

use crate::toy::{fail, id_gan, idgan, succeed};
use idgan::base::{Array, Stream};
use idgan::checkpoint::npz::{NpzArray, write_npz};
use idgan::metrics::CodeMap;

/// A file of 300 codes of three dimensions, and two factors: one of 3 values, one of 20.
fn write_codes(path: &Path) {
    let classes: Vec<i64> = (0..300).flat_map(|row| [row % 3, row % 20]).collect();
    let mut noise = Stream::new(1, "test codes");
    let code = |pair: &[i64]| [pair[0] as f32 + 0.2 * noise.normal(), 0.3 * pair[1] as f32, noise.normal()];
    let mu = Array::new([300, 3], classes.chunks_exact(2).flat_map(code).collect()).unwrap();
    let members = [("mu", NpzArray::F32(&mu)), ("factors", NpzArray::I64(&[300, 2], &classes))];
    write_npz(path, &members).unwrap();
}

#[test]
fn a_map_is_the_same_file_the_second_time_and_says_its_axes_and_its_command() {
    let folder = tempfile::tempdir().unwrap();
    write_codes(&folder.path().join("codes.npz"));
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for name in ["a.svg", "a.pdf", "a.png"] {
        let ask = format!("map --codes codes.npz --dims 0,1 --samples 200 --width 85mm --out {name}");
        succeed(folder.path(), &ask);
        let first = read(name);
        succeed(folder.path(), &ask);
        assert!(first == read(name), "{name} is another file the second time");
    }
    let svg = String::from_utf8(read("a.svg")).unwrap();
    for words in [">c0</text>", ">c1</text>", ">factor 0</text>", ">2</text>", "--dims 0,1 --samples 200"] {
        assert!(svg.contains(words), "{words}");
    }
    assert_eq!(svg.matches("<circle").count(), 200 + 3, "a dot for each picture, and the legend's");
    assert!(!svg.contains("<image") && svg.contains("width=\"240.94pt\""), "85 mm, and nothing in pixels");
    let words = ["map", "--codes", "codes.npz", "--color", "factor 1", "--out", "b.svg"];
    assert!(idgan(folder.path()).args(words).output().unwrap().status.success());
    let svg = String::from_utf8(read("b.svg")).unwrap();
    assert!(svg.contains(">Principal component 1 (") && svg.contains(">19</text>"), "{svg}");
}

#[test]
fn the_codes_themselves_have_their_pictures_and_factors() {
    let folder = id_gan();
    succeed(
        folder.path(),
        "map model.safetensors --data color-dsprites --samples 50 --seed 4 --out map.json",
    );
    let map = CodeMap::read(&folder.path().join("map.json")).unwrap();
    assert_eq!((map.codes.len(), map.factors.len(), map.dims.join(" ")), (50, 5, "c0 c1 c2".to_owned()));
    let ask = "encode model.safetensors --data color-dsprites --count 50 --seed 4 --out codes.npz";
    succeed(folder.path(), ask);
    let encoded = crate::toy::array(&folder.path().join("codes.npz"), "mu");
    for (row, code) in map.codes.iter().enumerate() {
        assert_eq!(encoded.row(row), code, "the same pictures in the same order");
    }
    for (ask, code, words) in [
        ("model.safetensors --data dsprites --out a.gif", 2, "a .json for the codes themselves"),
        (
            "model.safetensors --data color-dsprites --samples 9 --dims 1,7 --out a.svg",
            2,
            "name two from 0 to 2",
        ),
        (
            "model.safetensors --data color-dsprites --samples 9 --colour hue --out a.svg",
            2,
            "there are shape,",
        ),
        ("model.safetensors --dims 1 --data color-dsprites --out a.svg", 2, "two numbers of dimensions"),
        ("model.safetensors --out a.svg", 2, "--data SPEC"),
    ] {
        fail(folder.path(), &format!("map {ask}"), code, words);
    }
}
