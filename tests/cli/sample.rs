//! `idgan sample`: the same seed is the same picture, codes go in and out, and bad codes end in one sentence.

use crate::toy::{
    C_DIM, S_DIM, array, f32_bytes, f64_bytes, fail, id_gan, info_gan, png_texts, succeed, write_raw_npz,
};
use idgan::checkpoint::{Sources, open};

#[test]
fn arrays_have_the_promised_shapes_and_values() {
    let folder = id_gan();
    succeed(folder.path(), "sample model.safetensors --count 3 --seed 7 --out a.npz");
    let file = folder.path().join("a.npz");
    let (gan, vae) = (array(&file, "gan"), array(&file, "vae"));
    assert_eq!(gan.shape(), [3, 3, 128, 128]);
    assert_eq!(vae.shape(), [3, 3, 64, 64]);
    assert_eq!(array(&file, "c").shape(), [3, C_DIM]);
    assert_eq!(array(&file, "s").shape(), [3, S_DIM]);
    for pictures in [&gan, &vae] {
        assert!(pictures.data().iter().all(|value| (0.0..=1.0).contains(value)));
        assert_ne!(pictures.row(0), pictures.row(1), "two codes give two pictures");
    }
}

#[test]
fn a_seed_is_a_picture_whatever_the_count() {
    let folder = id_gan();
    for (name, count, seed) in [("few", 2, 7), ("many", 70, 7), ("again", 2, 7), ("other", 2, 8)] {
        let arguments = format!(
            "sample --checkpoint model.safetensors --count {count} --seed {seed} --decoder vae --out {name}.npz"
        );
        succeed(folder.path(), &arguments);
    }
    let pictures = |name: &str| array(&folder.path().join(format!("{name}.npz")), "vae");
    let (few, many) = (pictures("few"), pictures("many"));
    assert_eq!(few, pictures("again"));
    assert_ne!(few, pictures("other"));
    let close = few.data().iter().zip(many.data()).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close, "row i is the same in a batch of 2 and of 70");
}

#[test]
fn codes_that_came_out_go_in_again() {
    let folder = id_gan();
    succeed(folder.path(), "sample model.safetensors --count 4 --seed 3 --out a.npz");
    succeed(folder.path(), "sample model.safetensors --codes a.npz --out b.npz");
    let (a, b) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
    for name in ["gan", "vae", "c", "s"] {
        assert_eq!(array(&a, name), array(&b, name), "{name}");
    }
}

#[test]
fn doubles_are_taken_and_a_missing_nuisance_is_drawn_from_the_seed() {
    let folder = id_gan();
    let codes = [0.5, -1.0, 2.0, 0.0, 0.25, -0.125];
    write_raw_npz(&folder.path().join("codes.npz"), &[("c", "<f8", "(2, 3)", f64_bytes(&codes))]);
    for (out, seed) in [("a", 1), ("b", 1), ("c", 2)] {
        succeed(
            folder.path(),
            &format!("sample model.safetensors --codes codes.npz --seed {seed} --out {out}.npz"),
        );
    }
    let file = |name: &str| folder.path().join(format!("{name}.npz"));
    assert_eq!(array(&file("a"), "c").data(), codes.map(|value| value as f32));
    assert_eq!(array(&file("a"), "s"), array(&file("b"), "s"));
    assert_ne!(array(&file("a"), "s"), array(&file("c"), "s"));
    assert_eq!(array(&file("a"), "vae"), array(&file("c"), "vae"), "the decoder knows no nuisance");
    assert_ne!(array(&file("a"), "gan"), array(&file("c"), "gan"));
}

#[test]
fn a_folder_gets_a_picture_with_its_code_for_each_row_and_network() {
    let folder = id_gan();
    succeed(folder.path(), "sample model.safetensors --count 3 --seed 7 --out pictures");
    succeed(folder.path(), "sample model.safetensors --count 3 --seed 7 --out a.npz");
    let names: Vec<String> = crate::toy::listing(&folder.path().join("pictures"))
        .iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "00000_gan.png",
            "00000_vae.png",
            "00001_gan.png",
            "00001_vae.png",
            "00002_gan.png",
            "00002_vae.png"
        ]
    );
    let path = folder.path().join("pictures/00001_gan.png");
    let (texts, size) = png_texts(&path);
    assert_eq!(size, [128, 128]);
    assert_eq!(
        texts["Command"],
        "idgan --threads 2 sample model.safetensors --count 3 --seed 7 --out pictures"
    );
    let document: serde_json::Value = serde_json::from_str(&texts["Description"]).unwrap();
    let codes = array(&folder.path().join("a.npz"), "c");
    let told: Vec<f32> = serde_json::from_value(document["c"].clone()).unwrap();
    assert_eq!(told, codes.row(1));
    assert_eq!(document["checkpoint_sha256"].as_str().map(str::len), Some(64));
    let pixels = image::open(&path).unwrap().into_rgb8();
    let picture = array(&folder.path().join("a.npz"), "gan");
    for (x, y, pixel) in pixels.enumerate_pixels() {
        for channel in 0..3 {
            let value = picture.row(1)[channel * 128 * 128 + y as usize * 128 + x as usize];
            assert!((f32::from(pixel[channel]) - value * 255.0).abs() <= 0.501);
        }
    }
    fail(
        folder.path(),
        "sample model.safetensors --count 1 --out pictures",
        1,
        "this folder is not empty, and nothing in it will be overwritten; name a new one: pictures",
    );
}

#[test]
fn a_model_of_another_kind_draws_too() {
    let folder = info_gan();
    succeed(folder.path(), "sample model.safetensors --count 5 --out a.npz");
    let file = folder.path().join("a.npz");
    assert_eq!(array(&file, "gan").shape(), [5, 1, 64, 64]);
    assert!(array(&file, "u").data().iter().all(|value| (0.0..1.0).contains(value)));
    assert!((0..5).all(|row| array(&file, "k").row(row).iter().sum::<f32>() == 1.0));
    fail(
        folder.path(),
        "sample model.safetensors --count 5 --decoder vae --out b.npz",
        1,
        "this model has no VAE",
    );
    fail(folder.path(), "encode model.safetensors --images . --out b.npz", 1, "there are no pictures here");
}

#[test]
fn bad_codes_end_in_one_sentence_and_leave_nothing() {
    let folder = id_gan();
    let path = |name: &str| folder.path().join(name);
    let c = || f32_bytes(&[0.0; 6]);
    write_raw_npz(&path("wide.npz"), &[("c", "<f4", "(2, 4)", f32_bytes(&[0.0; 8]))]);
    write_raw_npz(&path("flat.npz"), &[("c", "<f4", "(6,)", c())]);
    write_raw_npz(
        &path("objects.npz"),
        &[("c", "|O", "(2, 3)", b"\x80\x04cos\nsystem\n(S'x'\ntR.".to_vec())],
    );
    write_raw_npz(&path("text.npz"), &[("c", "<U3", "(2, 3)", vec![0; 72])]);
    write_raw_npz(&path("other.npz"), &[("x", "<f4", "(2, 3)", c())]);
    write_raw_npz(&path("none.npz"), &[("c", "<f4", "(0, 3)", Vec::new())]);
    write_raw_npz(
        &path("nan.npz"),
        &[("c", "<f4", "(2, 3)", f32_bytes(&[0.0, 1.0, 2.0, 3.0, f32::NAN, 0.0]))],
    );
    write_raw_npz(&path("short.npz"), &[("c", "<f4", "(9, 3)", c())]);
    write_raw_npz(&path("rows.npz"), &[("c", "<f4", "(2, 3)", c()), ("s", "<f4", "(3, 2)", c())]);
    write_raw_npz(&path("claims.npz"), &[("c", "<f4", "(1152921504606846976, 3)", c())]);
    std::fs::write(path("empty.npz"), "").unwrap();
    std::fs::write(path("junk.npz"), "PK but not really").unwrap();
    std::fs::create_dir(path("folder.npz")).unwrap();
    for (file, words) in [
        ("wide.npz", "array c has shape (2, 4), but this model takes (N, 3): wide.npz"),
        ("flat.npz", "array c has shape (6,), but this model takes (N, 3): flat.npz"),
        ("objects.npz", "Python objects, which are never unpickled"),
        ("text.npz", "text.npz"),
        ("other.npz", "no array c of shape (N, 3); it has x: other.npz"),
        ("none.npz", "no rows"),
        ("nan.npz", "not a finite number (row 1): nan.npz"),
        ("short.npz", "short.npz"),
        ("rows.npz", "code block s has 3 rows where 2 are expected: rows.npz"),
        ("claims.npz", "claims.npz"),
        ("empty.npz", "empty.npz"),
        ("junk.npz", "junk.npz"),
        ("folder.npz", "folder.npz"),
        ("missing.npz", "no such file; check the spelling: missing.npz"),
        ("model.safetensors", "model.safetensors"),
    ] {
        fail(folder.path(), &format!("sample model.safetensors --codes {file} --out out.npz"), 1, words);
        fail(folder.path(), &format!("sample model.safetensors --codes {file} --out out"), 1, words);
        // Every command that takes codes says the same.
        fail(folder.path(), &format!("animate model.safetensors --codes {file} --out out.gif"), 1, words);
        fail(
            folder.path(),
            &format!("convert model.safetensors --opening {file} --out out.safetensors"),
            1,
            words,
        );
        if cfg!(feature = "gui") {
            fail(
                folder.path(),
                &format!("explore model.safetensors --codes {file} --screenshot out.png"),
                1,
                words,
            );
        }
    }
}

#[test]
fn other_arrays_beside_the_codes_do_not_matter() {
    let folder = id_gan();
    let path = |name: &str| folder.path().join(name);
    let c = f32_bytes(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let beside: Vec<(&str, &str, &str, Vec<u8>)> = vec![
        ("files", "<U8", "(2,)", vec![0; 64]),
        ("meta", "|O", "()", b"\x80\x04cos\nsystem\n.".to_vec()),
        ("landmarks", "[('x', '<f4'), ('y', '<f4')]", "(4, 2)", vec![0; 64]),
        ("mu", "<c16", "(1,)", vec![0; 16]),
        ("labels", "<i8", "(7,)", vec![0; 56]),
    ];
    let with = |c: (&'static str, &'static str, &'static str, Vec<u8>)| -> Vec<_> {
        beside.iter().cloned().chain(std::iter::once(c)).collect()
    };
    write_raw_npz(&path("little.npz"), &with(("c", "<f4", "(2L, 3L)", c.clone())));
    let turned: Vec<u8> = c.chunks(4).flat_map(|number| number.iter().rev().copied()).collect();
    write_raw_npz(&path("big.npz"), &with(("c", ">f4", "(2, 3)", turned)));
    for file in ["little", "big"] {
        succeed(folder.path(), &format!("sample model.safetensors --codes {file}.npz --out {file}.out.npz"));
        let codes = array(&path(&format!("{file}.out.npz")), "c");
        assert_eq!(codes.data(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "{file}");
        let convert = "convert model.safetensors --opening";
        succeed(folder.path(), &format!("{convert} {file}.npz --out {file}.safetensors"));
        succeed(folder.path(), &format!("{convert} {file}.npz --row 1 --out {file}.1.safetensors"));
        let opening = |name: String| {
            let sources = Sources { checkpoint: Some(path(&name)), ..Sources::default() };
            open(&sources).unwrap().model.description.block("c").unwrap().opening.clone()
        };
        assert_eq!(opening(format!("{file}.safetensors")), [0.0, 1.0, 2.0], "row 0 where none is named");
        assert_eq!(opening(format!("{file}.1.safetensors")), [3.0, 4.0, 5.0]);
        let beyond = format!("{convert} {file}.npz --row 2 --out no.safetensors");
        fail(folder.path(), &beyond, 2, "--row 2 is beyond the last row, 1: ");
    }
}

#[test]
fn a_zip_bomb_is_refused_quickly() {
    let folder = id_gan();
    // 1.2 GB of zeros in a few megabytes, as an array that says so.
    let path = folder.path().join("bomb.npz");
    let rows = 100 << 20;
    write_bomb(&path, rows);
    assert!(path.metadata().unwrap().len() * 50 < rows * 12);
    let started = std::time::Instant::now();
    fail(folder.path(), "sample model.safetensors --codes bomb.npz --out out.npz", 1, "bomb.npz");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// An npz whose `c` is `rows` rows of three zeros.
fn write_bomb(path: &std::path::Path, rows: u64) {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
    zip.start_file("c.npy", options).unwrap();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 3), }}");
    header.push_str(&" ".repeat(64 - (header.len() + 11) % 64));
    header.push('\n');
    zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
    zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    zip.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..(rows * 12) >> 20 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn an_output_that_cannot_be_written_is_found_at_once() {
    let folder = id_gan();
    fail(
        folder.path(),
        "sample model.safetensors --count 2 --out no/such/a.npz",
        1,
        "the folder no/such does not exist; create it first: no/such/a.npz",
    );
    std::fs::write(folder.path().join("file"), "x").unwrap();
    fail(
        folder.path(),
        "sample model.safetensors --count 2 --out file",
        1,
        "a file lies where the output folder",
    );
    fail(folder.path(), "sample model.safetensors --count 2 --out file/a.npz", 1, "does not exist");
    #[cfg(target_os = "linux")]
    fail(folder.path(), "sample model.safetensors --count 2 --out /proc/a.npz", 1, "/proc/a.npz");
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = id_gan();
    for (arguments, words) in [
        ("sample model.safetensors --out a.npz", "nothing to draw; give --codes FILE, or --count N"),
        ("sample --count 2 --out a.npz", "no model is named"),
        ("sample model.safetensors --count 2", "--out"),
        ("sample model.safetensors --count 0 --out a.npz", "--count"),
        ("sample model.safetensors --count 2 --codes c.npz --out a.npz", "cannot be used with"),
        ("sample model.safetensors --count 2 --out a.jpg", "--out takes a .npz, a folder"),
        ("sample model.safetensors --count 2 --from nowhere --out a.npz", "expected prior or posterior"),
        ("sample model.safetensors --count 2 --device tpu --out a.npz", "tpu"),
        ("sample model.safetensors --vae b --count 2 --out a.npz", "cannot be used with"),
        ("sample model.safetensors --count 2 --seed -1 --out a.npz", "-1"),
        ("sampel model.safetensors", "sampel"),
    ] {
        fail(folder.path(), arguments, 2, words);
    }
    fail(folder.path(), "sample gone.safetensors --count 2 --out a.npz", 1, "no such file");
    fail(
        folder.path(),
        "sample model.safetensors --count 2 --from posterior --out a.npz",
        1,
        "idgan stats MODEL",
    );
}
