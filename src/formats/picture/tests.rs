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

/// A TIFF of 5x`height` pixels in three planes of tiles of 16x16, each a shade of grey of its own.
fn planes_of_tiles(height: u32, shades: [u8; 3]) -> Vec<u8> {
    let tiles = 3 * height.div_ceil(16);
    let entries: [(u16, u16, u32, u32); 10] = [
        (256, 4, 1, 5),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (277, 3, 1, 3),
        (284, 3, 1, 2),
        (322, 4, 1, 16),
        (323, 4, 1, 16),
        (324, 4, tiles, 8 + 2 + 11 * 12 + 4),
    ];
    let mut file = b"II*\0\x08\0\0\0\x0b\0".to_vec();
    let mut put = |(tag, kind, count, value): (u16, u16, u32, u32)| {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    };
    entries.into_iter().for_each(&mut put);
    let lists = 8 + 2 + 11 * 12 + 4;
    put((325, 4, tiles, lists + 4 * tiles));
    file.extend([0; 4]);
    file.extend((0..tiles).flat_map(|tile| (lists + 8 * tiles + 256 * tile).to_le_bytes()));
    file.extend((0..tiles).flat_map(|_| 256u32.to_le_bytes()));
    for shade in shades {
        file.extend(vec![shade; 256 * (tiles / 3) as usize]);
    }
    file
}

#[test]
fn tiles_of_each_colour_that_reach_beyond_the_picture_are_cut_off() {
    for height in [16, 27, 33] {
        let file = planes_of_tiles(height, [10, 20, 30]);
        let picture = decode_picture(&file, Path::new("a.tif"), Turn::Upright).expect("decodes").into_rgb8();
        assert_eq!(picture.dimensions(), (5, height));
        assert!(picture.pixels().all(|pixel| pixel.0 == [10, 20, 30]), "{height}");
    }
}
