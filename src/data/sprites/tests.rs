use std::io::{Seek, Write};
use std::path::PathBuf;

use super::*;
use crate::data::{classes_of, index_of, open};

/// A small file laid out like the published one: every second shape, scale and so on of the drawn set.
fn write_npz(folder: &Path, sizes: [usize; 5], spoil: impl Fn(&mut Vec<f64>)) -> PathBuf {
    let (procedural, all) = SpriteSource::procedural();
    let factors: Vec<Factor> = all
        .iter()
        .zip(sizes)
        .map(|(factor, size)| Factor::of_values(&factor.name, factor.values[..size].to_vec()))
        .collect();
    let count = combinations(&factors);
    let (mut pixels, mut latents) = (Vec::new(), Vec::new());
    for index in 0..count {
        let classes = classes_of(&factors, index);
        let mut plane = vec![0.0; SIDE * SIDE];
        procedural.sprite(index_of(&all, &classes)).expect("drawn").paint(&mut plane, 1.0);
        pixels.extend(plane.into_iter().map(|value| value as u8));
        latents.push(1.0);
        latents.extend(classes.iter().zip(&factors).map(|(&class, factor)| factor.values[class]));
    }
    spoil(&mut latents);
    let path = folder.join("tiny.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).expect("creates"));
    write_array(&mut archive, "metadata", "|O", "()", b"\x80\x02cos\nsystem\n");
    write_array(&mut archive, "imgs", "|u1", &format!("({count}, 64, 64)"), &pixels);
    let bytes: Vec<u8> = latents.iter().flat_map(|value| value.to_le_bytes()).collect();
    write_array(&mut archive, "latents_values", "<f8", &format!("({count}, 6)"), &bytes);
    archive.finish().expect("finishes");
    path
}

fn write_array<W: Write + Seek>(
    archive: &mut zip::ZipWriter<W>,
    name: &str,
    descr: &str,
    shape: &str,
    bytes: &[u8],
) {
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    archive.start_file(format!("{name}.npy"), options).expect("starts");
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    archive.write_all(b"\x93NUMPY\x01\x00").expect("writes");
    archive.write_all(&(header.len() as u16).to_le_bytes()).expect("writes");
    archive.write_all(header.as_bytes()).expect("writes");
    archive.write_all(bytes).expect("writes");
}

fn options(folder: &Path) -> OpenOptions {
    OpenOptions { cache_dir: folder.join("cache"), ..OpenOptions::default() }
}

fn picture(set: &dyn Dataset, index: usize, draw: u64) -> Vec<f32> {
    let mut out = vec![f32::NAN; set.picture_shape().iter().product()];
    set.read(index, draw, &mut out).expect("reads");
    assert!(out.iter().all(|value| (0.0..=1.0).contains(value)), "values in [0, 1]");
    out
}

#[test]
fn the_drawn_set_has_the_published_factors_in_the_published_order() {
    let set = open("dsprites", None, &OpenOptions::default()).expect("opens");
    assert_eq!((set.len(), set.picture_shape()), (737_280, [1, 64, 64]));
    let sizes: Vec<usize> = set.factors().iter().map(|factor| factor.values.len()).collect();
    assert_eq!(sizes, [3, 6, 40, 32, 32]);
    let centre = |index: usize| {
        let plane = picture(&*set, index, 0);
        let (mut x, mut y, mut mass) = (0.0, 0.0, 0.0);
        for (at, &value) in plane.iter().enumerate() {
            x += value * (at % 64) as f32;
            y += value * (at / 64) as f32;
            mass += value;
        }
        (x / mass, y / mass, mass)
    };
    let (x, y, mass) = centre(0);
    assert!((x - 15.5).abs() < 0.01 && (y - 15.5).abs() < 0.01, "a square is centred on its place: {x}, {y}");
    let (x, y, _) = centre(31);
    assert!((x - 15.5).abs() < 0.01 && (y - 47.5).abs() < 0.01, "y varies fastest: {x}, {y}");
    let (x, y, _) = centre(31 * 32);
    assert!((x - 47.5).abs() < 0.01 && (y - 15.5).abs() < 0.01, "then x: {x}, {y}");
    let (_, _, larger) = centre(5 * 40 * 1024);
    assert!((3.0..4.5).contains(&(larger / mass)), "scale 1 has about four times the area of scale 0.5");
}

#[test]
fn the_published_file_is_streamed_into_the_cache_and_read_back() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write_npz(folder.path(), [3, 2, 3, 4, 5], |_| {});
    let spec = format!("dsprites:{}", path.display());
    let procedural = open("dsprites", None, &OpenOptions::default()).expect("opens");
    for round in ["first", "from the cache"] {
        let set = open(&spec, None, &options(folder.path())).expect(round);
        assert_eq!((set.len(), set.spec()), (360, spec.as_str()));
        for index in 0..set.len() {
            let there = index_of(procedural.factors(), &classes_of(set.factors(), index));
            assert_eq!(picture(&*set, index, 0), picture(&*procedural, there, 0), "{round}, picture {index}");
        }
    }
    let coloured = open(&format!("color-{spec}"), None, &options(folder.path())).expect("opens");
    assert_eq!((coloured.len(), coloured.picture_shape()), (360, [3, 64, 64]));
}

#[test]
fn files_that_are_not_the_published_one_are_refused_with_their_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let shuffled = write_npz(folder.path(), [3, 2, 2, 2, 2], |latents| {
        let (first, second) = latents.split_at_mut(6);
        first.swap_with_slice(&mut second[..6]);
    });
    let error = |path: &Path| {
        let spec = format!("dsprites:{}", path.display());
        open(&spec, None, &options(folder.path())).err().expect("refused").to_string()
    };
    assert!(error(&shuffled).contains("varying fastest") && error(&shuffled).ends_with("tiny.npz"));
    let junk = folder.path().join("junk.npz");
    std::fs::write(&junk, b"PK\x03\x04 nothing").expect("writes");
    assert!(error(&junk).contains("the file is damaged"), "{}", error(&junk));
    std::fs::write(&junk, b"<html>too many downloads</html>").expect("writes");
    assert!(error(&junk).contains("not an npz file"), "{}", error(&junk));
    assert!(error(&folder.path().join("none.npz")).contains("no such file"));
}

#[test]
fn a_cut_short_file_leaves_no_cache_behind() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("cut.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).expect("creates"));
    write_array(&mut archive, "imgs", "|u1", "(2, 64, 64)", &[0; 4096 + 100]);
    let values = [[1.0, 1.0, 0.5, 0.0, 0.0, 0.0], [1.0, 1.0, 0.5, 0.0, 0.0, 1.0]];
    let bytes: Vec<u8> = values.iter().flatten().flat_map(|value: &f64| value.to_le_bytes()).collect();
    write_array(&mut archive, "latents_values", "<f8", "(2, 6)", &bytes);
    archive.finish().expect("finishes");
    let result = open(&format!("dsprites:{}", path.display()), None, &options(folder.path()));
    assert!(result.err().expect("refused").to_string().contains("end early"));
    let left = std::fs::read_dir(folder.path().join("cache")).expect("made");
    let left: Vec<_> = left.map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(left, [".cache-lock"], "nothing but the lock");
}

#[test]
fn variants_follow_their_definition() {
    let plain = open("dsprites", None, &OpenOptions::default()).expect("opens");
    for name in ["color-dsprites", "noisy-dsprites", "scream-dsprites"] {
        let set = open(name, None, &OpenOptions::default()).expect(name);
        assert_eq!((set.len(), set.picture_shape()), (737_280, [3, 64, 64]));
        let index = 400_123;
        let sprite = picture(&*plain, index, 0);
        let shown = picture(&*set, index, 7);
        assert_eq!(shown, picture(&*set, index, 7), "the same draw is the same picture");
        assert_ne!(shown, picture(&*set, index, 8), "another draw is another picture");
        for (channel, plane) in shown.chunks_exact(4096).enumerate() {
            let on: Vec<f32> = (0..4096).filter(|&i| sprite[i] == 1.0).map(|i| plane[i]).collect();
            let off: Vec<f32> = (0..4096).filter(|&i| sprite[i] == 0.0).map(|i| plane[i]).collect();
            match name {
                "color-dsprites" => {
                    assert!(off.iter().all(|&value| value == 0.0));
                    assert!(
                        on.iter().all(|&value| value == on[0] && (value * 7.0).fract() == 0.0),
                        "{channel}"
                    );
                }
                "noisy-dsprites" => {
                    let mean = off.iter().sum::<f32>() / off.len() as f32;
                    assert!(on.iter().all(|&value| value == 1.0) && (mean - 0.5).abs() < 0.03, "mean {mean}");
                }
                _ => {
                    // The average of a crop and a colour of less than 1 lies within half of each other.
                    let spread = |values: &[f32]| {
                        let largest = values.iter().copied().fold(0.0, f32::max);
                        largest - values.iter().copied().fold(1.0, f32::min)
                    };
                    assert!(spread(&off) <= 0.5 && spread(&on) <= 0.5 && spread(&off) > 0.02);
                }
            }
        }
    }
}

#[test]
fn scream_takes_a_picture_and_inverts_it_inside_the_sprite() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("flat.png");
    image::RgbImage::from_pixel(80, 70, image::Rgb([51, 102, 204])).save(&path).expect("saves");
    let options = OpenOptions { picture: Some(path), ..options(folder.path()) };
    let set = open("scream-dsprites", None, &options).expect("opens");
    let plain = open("dsprites", None, &options).expect("opens");
    let (sprite, shown) = (picture(&*plain, 5, 0), picture(&*set, 5, 3));
    for (plane, flat) in shown.chunks_exact(4096).zip([0.2, 0.4, 0.8]) {
        let back = plane[4095];
        assert!(back >= flat / 2.0 && back <= flat / 2.0 + 0.5, "half the picture, half a colour");
        for (&value, &sprite) in plane.iter().zip(&sprite) {
            assert!((value - if sprite == 1.0 { 1.0 - back } else { back }).abs() < 1e-6);
        }
    }
    let narrow = folder.path().join("narrow.png");
    image::RgbImage::new(700, 100).save(&narrow).expect("saves");
    let options = OpenOptions { picture: Some(narrow), ..options };
    let error = open("scream-dsprites", None, &options).err().expect("refused").to_string();
    assert!(error.contains("350x50"), "{error}");
}

#[test]
fn unknown_specs_and_sizes_say_what_is_known() {
    let error = |spec, size| open(spec, size, &OpenOptions::default()).err().expect("refused").to_string();
    assert!(error("sprites", None).contains("color-dsprites"));
    assert!(error("dsprites", Some(128)).contains("64 pixels"));
}

#[test]
fn half_the_size_has_every_second_pixel() {
    for spec in ["dsprites", "noisy-dsprites"] {
        let [whole, half] =
            [64, 32].map(|size| open(spec, Some(size), &OpenOptions::default()).expect("opens"));
        let channels = whole.picture_shape()[0];
        assert_eq!((half.len(), half.picture_shape()), (whole.len(), [channels, 32, 32]));
        let (large, small) = (picture(&*whole, 12_345, 3), picture(&*half, 12_345, 3));
        assert_eq!((large.len(), small.len()), (channels * 64 * 64, channels * 32 * 32));
        for (at, value) in small.iter().enumerate() {
            let (plane, y, x) = (at / 1024, at / 32 % 32, at % 32);
            assert_eq!(*value, large[plane * 4096 + (2 * y + 1) * 64 + 2 * x + 1]);
        }
    }
    assert!(open("dsprites", Some(48), &OpenOptions::default()).is_err());
}
