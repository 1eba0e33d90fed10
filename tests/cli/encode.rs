//! `idgan encode` and `idgan stats`: pictures in, codes and statistics out.

use std::path::Path;

use crate::toy::{C_DIM, array, f32_bytes, fail, id_gan, succeed, write_raw_npz};
use idgan::checkpoint::npz::NpzFile;
use idgan::checkpoint::{Precision, Sources, open, write_bundle};
use idgan::data;
use image::{GrayImage, Luma, Rgb, RgbImage};

/// A picture that differs in every pixel and with `k`.
fn pattern(k: u32) -> RgbImage {
    RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 3 + k * 40) as u8, (y * 2 + k) as u8, ((x ^ y) * k) as u8]))
}

fn write_pictures(folder: &Path, count: u32) {
    std::fs::create_dir(folder).unwrap();
    for k in 0..count {
        pattern(k).save(folder.join(format!("{k:03}.png"))).unwrap();
    }
}

#[test]
fn files_and_arrays_of_the_same_pictures_have_the_same_codes() {
    let folder = id_gan();
    write_pictures(&folder.path().join("pictures"), 5);
    let mut values = Vec::new();
    for k in 0..5 {
        let picture = pattern(k);
        for channel in 0..3 {
            values.extend(picture.pixels().map(|pixel| f32::from(pixel[channel]) / 255.0));
        }
    }
    write_raw_npz(&folder.path().join("x.npz"), &[("x", "<f4", "(5, 3, 64, 64)", f32_bytes(&values))]);
    succeed(folder.path(), "encode model.safetensors --images pictures --out files.npz");
    succeed(folder.path(), "encode model.safetensors --images x.npz --out arrays.npz");
    succeed(folder.path(), "encode model.safetensors --images pictures/003.png --out one.npz");
    let file = |name: &str| folder.path().join(name);
    let mu = array(&file("files.npz"), "mu");
    assert_eq!(mu.shape(), [5, C_DIM]);
    assert_eq!(mu, array(&file("arrays.npz"), "mu"));
    assert_eq!(mu, array(&file("files.npz"), "c"), "c is mu, so that the file feeds sample");
    assert_eq!(array(&file("files.npz"), "logvar").shape(), [5, C_DIM]);
    let one = array(&file("one.npz"), "mu");
    assert!(one.data().iter().zip(mu.row(3)).all(|(a, b)| (a - b).abs() < 1e-6), "{one:?} {mu:?}");
    assert_ne!(mu.row(0), mu.row(1));
    succeed(folder.path(), "sample model.safetensors --codes files.npz --out again.npz");
    assert_eq!(array(&file("again.npz"), "c"), mu);
}

#[test]
fn any_size_and_mode_is_read() {
    let folder = id_gan();
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    GrayImage::from_pixel(100, 80, Luma([77])).save(pictures.join("grey.jpg")).unwrap();
    RgbImage::from_pixel(178, 218, Rgb([77; 3])).save(pictures.join("photo.png")).unwrap();
    RgbImage::from_pixel(256, 256, Rgb([77; 3])).save(pictures.join("large.bmp")).unwrap();
    RgbImage::from_pixel(7, 9, Rgb([77; 3])).save(pictures.join("tiny.gif")).unwrap();
    succeed(folder.path(), "encode model.safetensors --images pictures --out a.npz");
    let mu = array(&folder.path().join("a.npz"), "mu");
    assert_eq!(mu.shape(), [4, C_DIM]);
    for row in 1..4 {
        let close = mu.row(row).iter().zip(mu.row(0)).all(|(a, b)| (a - b).abs() < 1e-2);
        assert!(close, "the same grey in every size has the same code: {mu:?}");
    }
    succeed(folder.path(), "encode model.safetensors --images pictures/photo.png --crop 160 --out b.npz");
    fail(
        folder.path(),
        "encode model.safetensors --images pictures --crop 90 --out c.npz",
        1,
        "too few for a crop of 90",
    );
}

#[test]
fn pictures_that_cannot_be_read_end_in_one_sentence() {
    let folder = id_gan();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("claims.png"), include_bytes!("../files/claims.png")).unwrap();
    std::fs::write(path("text.png"), "no picture").unwrap();
    std::fs::write(path("empty.png"), "").unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    write_raw_npz(&path("bytes.npz"), &[("x", "<f4", "(1, 3, 2, 2)", f32_bytes(&[255.0; 12]))]);
    write_raw_npz(&path("flat.npz"), &[("x", "<f4", "(3, 4)", f32_bytes(&[0.5; 12]))]);
    write_raw_npz(&path("five.npz"), &[("x", "<f4", "(1, 5, 1, 1)", f32_bytes(&[0.5; 5]))]);
    write_raw_npz(&path("last.npz"), &[("x", "<f4", "(1, 2, 2, 3)", f32_bytes(&[0.5; 12]))]);
    write_raw_npz(&path("none_named.npz"), &[("x", "<f4", "(3, 2, 2)", f32_bytes(&[0.5; 12]))]);
    write_raw_npz(&path("nan.npz"), &[("x", "<f4", "(1, 1, 1, 1)", f32_bytes(&[f32::NAN]))]);
    write_raw_npz(&path("other.npz"), &[("y", "<f4", "(1,)", f32_bytes(&[0.5]))]);
    for (input, words) in [
        ("claims.png", "too large to decode"),
        ("text.png", "not a picture that can be read"),
        ("empty.png", "the file is empty: empty.png"),
        ("folder", "there are no pictures here: folder"),
        ("none.png", "no such file; check the spelling: none.png"),
        ("bytes.npz", "picture 0 of array x holds 255, but values lie in [0, 1]"),
        ("flat.npz", "array x has shape (3, 4)"),
        ("five.npz", "with 1 or 3 channels: five.npz"),
        ("last.npz", "with 1 or 3 channels; save x.transpose(0, 3, 1, 2): last.npz"),
        ("none_named.npz", "with 1 or 3 channels; save x[:, None]: none_named.npz"),
        ("nan.npz", "holds NaN"),
        ("other.npz", "other.npz"),
    ] {
        fail(folder.path(), &format!("encode model.safetensors --images {input} --out out.npz"), 1, words);
    }
    fail(folder.path(), "encode model.safetensors --images folder --out out.png", 2, "--out takes a .npz");
    fail(folder.path(), "encode model.safetensors --images folder --out no/a.npz", 1, "does not exist");
}

#[test]
fn statistics_go_into_the_bundle_and_open_the_ranges() {
    let folder = id_gan();
    let bundle = folder.path().join("model.safetensors");
    write_pictures(&folder.path().join("pictures"), 12);
    let read = || {
        let sources = Sources { checkpoint: Some(bundle.clone()), ..Sources::default() };
        open(&sources).unwrap().model
    };
    let before = read();
    let output = succeed(folder.path(), "stats model.safetensors --images pictures --json");
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["pictures"], 12);
    let kl: Vec<f64> =
        table["dimensions"].as_array().unwrap().iter().map(|row| row["kl_nats"].as_f64().unwrap()).collect();
    assert!(kl.len() == C_DIM && kl.windows(2).all(|pair| pair[0] >= pair[1]), "{kl:?}");
    let after = read();
    assert_eq!(before.weights, after.weights);
    let stats = after.stats.unwrap();
    assert_eq!((stats.mu.shape(), stats.kl.shape()), (&[12, C_DIM][..], &[C_DIM][..]));
    succeed(folder.path(), "encode model.safetensors --images pictures --out codes.npz");
    assert_eq!(stats.mu, array(&folder.path().join("codes.npz"), "mu"));

    succeed(folder.path(), "traverse model.safetensors --range data --steps 2 --out a.npz");
    let file = folder.path().join("a.npz");
    let order: Vec<usize> = array(&file, "dims").data().iter().map(|&dim| dim as usize).collect();
    let first = table["dimensions"][0]["dim"].as_u64().unwrap() as usize;
    assert_eq!(order[0], first, "the most informative dimension comes first");
    let column: Vec<f32> = (0..12).map(|row| stats.mu.row(row)[first]).collect();
    let ends = [
        column.iter().copied().fold(f32::INFINITY, f32::min),
        column.iter().copied().fold(-f32::INFINITY, f32::max),
    ];
    assert_eq!(array(&file, "values").row(0), ends);
    succeed(folder.path(), "traverse model.safetensors --range posterior:0.99 --out a.png");
    succeed(folder.path(), "sample model.safetensors --count 20 --from posterior --out b.npz");
    let c = array(&folder.path().join("b.npz"), "c");
    assert!(c.data().iter().all(|value| value.is_finite()));
}

#[test]
fn a_bundle_keeps_its_precision_and_survives_a_failure() {
    let folder = id_gan();
    let bundle = folder.path().join("model.safetensors");
    write_pictures(&folder.path().join("pictures"), 3);
    write_bundle(&bundle, &crate::toy::model(), Precision::F16).unwrap();
    let half = bundle.metadata().unwrap().len();
    succeed(folder.path(), "stats model.safetensors --images pictures");
    let with_statistics = bundle.metadata().unwrap().len();
    assert!(with_statistics < half + 2000, "{half} {with_statistics}");

    let bytes = std::fs::read(&bundle).unwrap();
    std::fs::write(folder.path().join("pictures/broken.png"), "x").unwrap();
    fail(folder.path(), "stats model.safetensors --images pictures", 1, "broken.png");
    assert_eq!(std::fs::read(&bundle).unwrap(), bytes);
    fail(folder.path(), "stats --vae model.safetensors --images pictures", 2, "name one with --out");
    fail(folder.path(), "stats . --images pictures", 2, "--out");
    std::fs::remove_file(folder.path().join("pictures/broken.png")).unwrap();
    succeed(folder.path(), "stats --vae model.safetensors --images pictures --out vae.safetensors");
}

#[test]
fn codes_of_a_data_set_come_with_its_factors() {
    let folder = id_gan();
    succeed(folder.path(), "encode model.safetensors --data color-dsprites --count 70 --seed 3 --out a.npz");
    let file = folder.path().join("a.npz");
    let set = data::open("color-dsprites", None, &data::OpenOptions::default()).unwrap();
    let (index, classes, factors) = (array(&file, "index"), array(&file, "classes"), array(&file, "factors"));
    assert_eq!((index.shape(), classes.shape(), factors.shape()), (&[70][..], &[70, 5][..], &[70, 5][..]));
    assert_eq!(
        (array(&file, "mu").shape(), array(&file, "logvar").shape()),
        (&[70, C_DIM][..], &[70, C_DIM][..])
    );
    let indices: Vec<usize> = index.data().iter().map(|&index| index as usize).collect();
    assert_eq!(indices.iter().collect::<std::collections::HashSet<_>>().len(), 70, "different pictures");
    assert!(!indices.is_sorted(), "rows may be cut into parts that are alike");
    for (row, &index) in indices.iter().enumerate() {
        let own = data::classes_of(set.factors(), index);
        assert!(classes.row(row).iter().zip(&own).all(|(&class, &own)| class == own as f32));
        let values = own.iter().zip(set.factors()).map(|(&class, factor)| factor.values[class] as f32);
        assert!(factors.row(row).iter().zip(values).all(|(&value, own)| value == own));
    }
    let names = String::from_utf8_lossy(&zip_member(&file, "factor_names.npy")).replace('\0', "");
    assert!(names.ends_with("shapescaleorientationxy"), "{names}");

    // What the pictures themselves give.
    let mut values = vec![0.0; 70 * 3 * 64 * 64];
    for (&index, picture) in indices.iter().zip(values.chunks_exact_mut(3 * 64 * 64)) {
        set.read(index, 3, picture).unwrap();
    }
    write_raw_npz(&folder.path().join("x.npz"), &[("x", "<f4", "(70, 3, 64, 64)", f32_bytes(&values))]);
    succeed(folder.path(), "encode model.safetensors --images x.npz --out b.npz");
    let [ours, theirs] = ["a.npz", "b.npz"].map(|name| array(&folder.path().join(name), "mu"));
    assert!(ours.data().iter().zip(theirs.data()).all(|(a, b)| (a - b).abs() < 1e-5));
    succeed(folder.path(), "sample model.safetensors --codes a.npz --out again.npz");

    succeed(folder.path(), "encode model.safetensors --data color-dsprites --count 70 --seed 4 --out c.npz");
    assert_ne!(array(&folder.path().join("c.npz"), "index"), index);
    write_pictures(&folder.path().join("pictures"), 3);
    succeed(folder.path(), "encode model.safetensors --data images:pictures --cache cache --out d.npz");
    let file = folder.path().join("d.npz");
    assert_eq!(array(&file, "index").data(), [0.0, 1.0, 2.0], "all of them, in their order");
    assert!(NpzFile::open(&file).unwrap().names().iter().all(|name| !name.contains("factor")), "not known");
    for (words, code, sentence) in [
        ("", 2, "name pictures with --images DIR, or a data set with --data SPEC"),
        ("--images pictures --data dsprites", 2, "cannot be used with"),
        ("--images pictures --count 2", 2, "cannot be used with"),
        ("--images pictures --seed 2", 2, "cannot be used with"),
        ("--data dsprites", 1, "grey pictures of 64x64"),
    ] {
        fail(folder.path(), &format!("encode model.safetensors {words} --out e.npz"), code, sentence);
    }
}

fn zip_member(file: &Path, name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut bytes).unwrap();
    bytes
}

#[test]
fn codes_of_labelled_pictures_come_with_their_labels() {
    let folder = id_gan();
    for (label, count) in [("cat", 2), ("dog", 3)] {
        std::fs::create_dir_all(folder.path().join("animals")).unwrap();
        write_pictures(&folder.path().join("animals").join(label), count);
    }
    succeed(folder.path(), "encode model.safetensors --data labels:animals --cache cache --out a.npz");
    let file = folder.path().join("a.npz");
    assert_eq!(array(&file, "classes").data(), [0.0, 0.0, 1.0, 1.0, 1.0]);
    let text = |name: &str| String::from_utf8_lossy(&zip_member(&file, name)).replace('\0', "");
    assert!(text("factor_names.npy").ends_with("label") && text("class_names.npy").ends_with("catdog"));
}
