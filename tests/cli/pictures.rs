//! Folders of pictures as people have them: every command lists the same files, in the same order, with one warning.

use std::path::Path;
use std::process::Output;

use crate::toy::{C_DIM, array, fail, id_gan, succeed};
use image::{Rgb, RgbImage, Rgba, RgbaImage};

fn picture(k: u32) -> RgbImage {
    RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 3 + k * 2) as u8, (y * 2 + k) as u8, ((x ^ y) + k) as u8]))
}

/// A folder with 120 good pictures, one that is broken, and what else people's folders hold.
fn messy(folder: &Path) {
    std::fs::create_dir_all(folder.join("inner")).unwrap();
    std::fs::create_dir_all(folder.join("@eaDir/000.png")).unwrap();
    for k in 0..120 {
        let name = if k % 2 == 0 { format!("{k:03}.png") } else { format!("inner/{k:03}.png") };
        picture(k).save(folder.join(name)).unwrap();
    }
    // content decides
    std::fs::rename(folder.join("010.png"), folder.join("010")).unwrap();
    std::fs::rename(folder.join("012.png"), folder.join("012.txt")).unwrap();
    std::fs::write(folder.join("110b.jpg"), "").unwrap();
    std::fs::write(folder.join("._000.png"), "\0\x05\x16\x07").unwrap();
    std::fs::write(folder.join(".DS_Store"), "x").unwrap();
    std::fs::write(folder.join("notes.txt"), "no picture").unwrap();
    std::fs::write(folder.join("phone.heic"), b"\0\0\0\x18ftypheic").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(".", folder.join("loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("dangling.png")).unwrap();
    }
}

/// What the command said on stderr, a line each.
fn said(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

#[test]
fn every_command_reads_the_same_pictures_and_says_once_what_it_passes_over() {
    let folder = id_gan();
    messy(&folder.path().join("pictures"));
    let outputs = [
        "data info images:pictures --size 64 --cache cache --json",
        "data prepare images:pictures --size 64 --cache cache",
        "data preview images:pictures --size 64 --cache cache --out sheet.png",
        "encode model.safetensors --images pictures --out codes.npz",
        "stats model.safetensors --images pictures --out a.safetensors --json",
        "stats model.safetensors --data images:pictures --cache cache --out b.safetensors --json",
    ]
    .map(|arguments| succeed(folder.path(), arguments));
    let links = if cfg!(unix) { "1 link that leads nowhere, 1 link to what is read already, " } else { "" };
    let passed = format!(
        "passed over 3 hidden files or folders, {links}1 picture of a format that is not read here (1 HEIC; convert it to png \
         or jpeg), 1 file that is no picture: pictures"
    );
    for output in &outputs {
        let said = said(output);
        assert_eq!(said.iter().filter(|line| line.contains(&passed)).count(), 1, "{said:?}");
        let broken = "1 of 121 pictures cannot be read and are left out: the file is empty: pictures";
        assert_eq!(said.iter().filter(|line| line.contains(broken)).count(), 1, "{said:?}");
    }
    let info: serde_json::Value = serde_json::from_slice(&outputs[0].stdout).unwrap();
    assert_eq!(info["pictures"], 120);
    for output in &outputs[4..] {
        let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(table["pictures"], 120);
    }
    let mu = array(&folder.path().join("codes.npz"), "mu");
    assert_eq!(mu.shape(), [120, C_DIM]);
    // the order of the names is that of the rows, the broken one left out of both
    let names = names(&folder.path().join("codes.npz"));
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
    assert!(names.len() == 120 && names[5] == "010" && names[119] == "inner/119.png", "{names:?}");
    let of = |k: u32| {
        let path = folder.path().join("one.png");
        picture(k).save(&path).unwrap();
        succeed(folder.path(), "encode model.safetensors --images one.png --out one.npz");
        array(&folder.path().join("one.npz"), "mu")
    };
    for (row, k) in [(0, 0), (5, 10), (58, 116), (119, 119)] {
        let alone = of(k);
        assert!(mu.row(row).iter().zip(alone.data()).all(|(a, b)| (a - b).abs() < 1e-5), "row {row}");
    }
}

/// The texts of the array `files`.
fn names(path: &Path) -> Vec<String> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut archive.by_name("files.npy").unwrap(), &mut bytes).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8_lossy(&bytes[10..header]).into_owned();
    let width: usize = text.split("<U").nth(1).unwrap().split('\'').next().unwrap().parse().unwrap();
    let letter = |code: &[u8]| char::from_u32(u32::from_le_bytes(code.try_into().unwrap())).unwrap();
    let word = |codes: &[u8]| codes.chunks_exact(4).map(letter).filter(|&letter| letter != '\0').collect();
    bytes[header..].chunks_exact(width * 4).map(word).collect()
}

#[test]
fn more_than_one_broken_picture_in_a_hundred_is_an_error_everywhere() {
    let folder = id_gan();
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for k in 0..24 {
        picture(k).save(pictures.join(format!("{k:03}.png"))).unwrap();
    }
    std::fs::write(pictures.join("005b.png"), b"\x89PNG\r\n\x1a\n but no more").unwrap();
    let words = "1 of 25 pictures cannot be read, more than 1 %; repair or remove them; the first: the picture is broken";
    fail(folder.path(), "encode model.safetensors --images pictures --out codes.npz", 1, words);
    fail(folder.path(), "stats model.safetensors --images pictures --out a.safetensors", 1, words);
    std::fs::create_dir(folder.path().join("cache")).unwrap();
    let output = crate::toy::idgan(folder.path())
        .args(["data", "info", "images:pictures", "--cache", "cache"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains(words));
}

#[test]
fn a_background_shows_through_in_every_command_and_is_remembered() {
    let folder = id_gan();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("see")).unwrap();
    std::fs::create_dir(path("flat")).unwrap();
    let half =
        RgbaImage::from_fn(64, 64, |x, y| Rgba([x as u8 * 3, y as u8, 90, if x < 32 { 0 } else { 255 }]));
    let flat =
        RgbImage::from_fn(64, 64, |x, y| Rgb(if x < 32 { [255; 3] } else { [x as u8 * 3, y as u8, 90] }));
    half.save(path("see/a.png")).unwrap();
    flat.save(path("flat/a.png")).unwrap();
    let encode = |model: &str, images: &str, more: &str| {
        succeed(folder.path(), &format!("encode {model} --images {images} --out codes.npz {more}"));
        array(&path("codes.npz"), "mu")
    };
    let white = encode("model.safetensors", "flat", "");
    assert_eq!(encode("model.safetensors", "see", "--background white"), white);
    assert_ne!(encode("model.safetensors", "see", ""), white, "black where nothing is said");
    fail(
        folder.path(),
        "encode model.safetensors --images see --background grey --out c.npz",
        2,
        "white, black or #rrggbb",
    );
    let train = "train vae --data images:see --background white --cache cache --steps 1 --batch 2 --out run";
    succeed(folder.path(), train);
    let config = std::fs::read_to_string(path("run/config.toml")).unwrap();
    assert!(
        config.contains("background = \"white\"") && config.contains("preset = \"photos-small\""),
        "{config}"
    );
    // a model of a run encodes as it was trained
    let trained = encode("run", "see", "");
    assert_eq!(trained, encode("run", "flat", ""));
    assert_ne!(trained, encode("run", "see", "--background black"));
    fail(folder.path(), &format!("{train} --resume --background black"), 2, "background");
}
