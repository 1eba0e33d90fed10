use std::path::{Path, PathBuf};

use super::*;

/// Kinds of TIFF that Pillow and tifffile wrote, with a PNG of what each shows (`tests/files/tiff/make.py`).
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/tiff")
}

fn decoded(name: &str) -> Result<image::RgbaImage, PictureFault> {
    let path = folder().join(name);
    let bytes = std::fs::read(&path).expect(name);
    decode_picture(&bytes, &path, Turn::Upright).map(|picture| picture.into_rgba8())
}

#[test]
fn kinds_of_tiff_are_read_as_pillow_reads_them() {
    let read = [
        "palette",
        "ycc_jpeg",
        "grey_alpha",
        "rgba_lzw",
        "cmyk",
        "bits",
        "fax",
        "grey_16",
        "grey_2",
        "planar",
        "big_endian_16",
        "bigtiff",
        "tiles",
        "white_is_zero",
        "ignored_sample",
        "premultiplied",
        "float",
        "float_rgb_16",
        "float_predictor",
    ];
    for name in read {
        let found = decoded(&format!("{name}.tif")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = decoded(&format!("{name}.png")).expect(name);
        assert_eq!(found.dimensions(), expected.dimensions(), "{name}");
        // JPEG's decoders round differently, and half floats have 11 bits.
        let tolerance = if matches!(name, "ycc_jpeg" | "float_rgb_16") { 2 } else { 0 };
        for (at, (a, b)) in found.as_raw().iter().zip(expected.as_raw()).enumerate() {
            assert!(a.abs_diff(*b) <= tolerance, "{name}: sample {at} is {a} and not {b}");
        }
    }
}

#[test]
fn other_kinds_of_tiff_are_named() {
    for (name, expected) in [
        (
            "signed",
            "this TIFF holds numbers with a sign, whose range is not known; scale them to 8 or 16 bits",
        ),
        ("whole_32", "this TIFF holds whole numbers of 32 bits, whose range is not known; scale them"),
        ("float_255", "floating-point numbers from 5 to 237, and only those from 0 to 1 are colours"),
        ("float_nan", "numbers that are not finite"),
        ("bands", "5 samples a pixel"),
        ("lab", "CIE L*a*b* colours, which are not read; save it as RGB"),
        ("lzma", "data compressed with LZMA, which is not read; save it with LZW, deflate"),
    ] {
        let error = decoded(&format!("{name}.tif")).expect_err(name).to_string();
        assert!(error.contains(expected) && !error.contains("Unknown("), "{name}: {error}");
    }
}

#[test]
fn damaged_tiffs_are_errors() {
    for name in ["palette.tif", "ycc_jpeg.tif", "planar.tif", "float_predictor.tif", "bigtiff.tif"] {
        let path = folder().join(name);
        let whole = std::fs::read(&path).expect(name);
        for len in 0..whole.len() {
            let _ = decode_picture(&whole[..len], &path, Turn::Upright);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x41;
            let _ = decode_picture(&damaged, &path, Turn::Upright);
        }
    }
}
