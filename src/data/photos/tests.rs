use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use image::{Rgb, RgbImage};

use super::*;
use crate::data::open;

fn options(folder: &Path) -> OpenOptions {
    OpenOptions { cache_dir: folder.join("cache"), threads: 2, ..OpenOptions::default() }
}

/// The prepared files.
fn cached(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("cache")).expect("made").map(|e| e.expect("entry"));
    let prepared = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("photos-"));
    prepared.map(|entry| entry.path()).collect()
}

/// A picture of one colour in the middle `side` pixels, black around it.
fn framed(width: u32, height: u32, side: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let inside = |at: u32, length: u32| at >= (length - side) / 2 && at < (length - side) / 2 + side;
        Rgb(if inside(x, width) && inside(y, height) { colour } else { [0; 3] })
    })
}

fn save(folder: &Path, name: &str, picture: &RgbImage) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes");
    picture.save(path).expect("saves");
}

fn colour_of(set: &Arc<dyn Dataset>, index: usize) -> [u8; 3] {
    let [_, height, width] = set.picture_shape();
    let mut out = vec![f32::NAN; 3 * height * width];
    set.read(index, 0, &mut out).expect("reads");
    assert!(out.iter().all(|value| (0.0..=1.0).contains(value)));
    let corner = |channel: usize| (out[channel * height * width] * 255.0).round() as u8;
    [corner(0), corner(1), corner(2)]
}

fn error_of(spec: &str, options: &OpenOptions) -> String {
    open(spec, Some(16), options).err().expect("refused").to_string()
}

#[test]
fn a_folder_of_any_pictures_is_read_in_name_order() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    save(&folder, "b/two.png", &framed(40, 30, 30, [0, 250, 0]));
    save(&folder, "a/one.bmp", &framed(30, 40, 30, [250, 0, 0]));
    save(&folder, "c.tiff", &framed(16, 16, 16, [0, 0, 250]));
    std::fs::write(folder.join("readme.txt"), "not a picture").expect("writes");
    let spec = format!("images:{}", folder.display());
    for round in ["decoded", "from the cache"] {
        let set = open(&spec, Some(16), &options(root.path())).expect(round);
        assert_eq!((set.len(), set.picture_shape(), set.may_flip()), (3, [3, 16, 16], true));
        let colours: Vec<[u8; 3]> = (0..3).map(|index| colour_of(&set, index)).collect();
        assert_eq!(colours, [[250, 0, 0], [0, 250, 0], [0, 0, 250]], "{round}");
    }
    assert_eq!(cached(root.path()).len(), 1, "opened twice, prepared once");
}

#[test]
fn one_broken_picture_in_a_hundred_is_left_out_and_two_stop() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    for i in 0..99 {
        save(&folder, &format!("{i:03}.png"), &framed(8, 8, 8, [i, 0, 0]));
    }
    std::fs::write(folder.join("050b.png"), b"\x89PNG\r\n\x1a\n but no more").expect("writes");
    let spec = format!("images:{}", folder.display());
    for round in ["decoded", "from the cache"] {
        let set = open(&spec, Some(8), &options(root.path())).expect(round);
        assert_eq!(set.len(), 99);
        assert_eq!((colour_of(&set, 50)[0], colour_of(&set, 51)[0]), (50, 51), "the broken one lay between");
    }
    framed(8, 8, 8, [1, 2, 3]).save(folder.join("060b.jpg")).expect("saves");
    let whole = std::fs::read(folder.join("060b.jpg")).expect("reads");
    std::fs::write(folder.join("060b.jpg"), &whole[..whole.len() - 10]).expect("cuts it short");
    let error = error_of(&spec, &options(root.path()));
    assert!(error.contains("2 of 101") && error.contains("050b.png"), "{error}");
}

#[test]
fn what_was_found_is_kept_and_found_anew_when_the_folder_changes() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    save(&folder, "a.png", &framed(8, 8, 8, [9, 0, 0]));
    std::fs::rename(folder.join("a.png"), folder.join("a")).expect("renames");
    std::fs::write(folder.join("b"), "no picture").expect("writes");
    let store = || Store::open(&folder).expect("lists");
    let find = |options: &OpenOptions| listed::pictures(&store(), options).expect("finds");
    let small = OpenOptions { cache_bytes: 10, ..options(root.path()) };
    let (first, passed) = find(&small);
    assert_eq!((first.clone(), passed.others), (vec![0], 1), "where nothing can be kept");
    let options = options(root.path());
    assert_eq!(find(&options), (first.clone(), passed.clone()));
    let cache = std::fs::read_dir(root.path().join("cache")).expect("made").map(|e| e.expect("entry").path());
    let kept = cache.into_iter().find(|path| path.to_string_lossy().contains("listing-")).expect("kept");
    let text = std::fs::read_to_string(&kept).expect("reads").replace("\"others\":[1]", "\"others\":[0]");
    std::fs::write(&kept, text).expect("writes");
    assert_eq!(find(&options).0, [1], "it is taken from the cache");
    std::fs::write(&kept, "{").expect("writes");
    assert_eq!(find(&options), (first, passed), "damaged, so it is found anew");
    save(&folder, "c.png", &framed(8, 8, 8, [9, 0, 0]));
    assert_eq!(find(&options).0, [0, 2]);
}

#[test]
fn pictures_smaller_than_the_crop_are_refused_and_none_is_squeezed() {
    let root = tempfile::tempdir().expect("temporary folder");
    // a disk in a wide picture
    let disk = RgbImage::from_fn(300, 100, |x, y| {
        let far = (f64::from(x) - 150.0).hypot(f64::from(y) - 50.0);
        Rgb(if far < 40.0 { [255; 3] } else { [0; 3] })
    });
    let folder = root.path().join("wide");
    save(&folder, "m/renders/a.png", &disk);
    for (layout, crop) in [("celeba", 160), ("chairs", 450)] {
        let error = error_of(&format!("{layout}:{}", folder.display()), &options(root.path()));
        let expected =
            format!("300x100 pixels, too few for a crop of {crop}; name the folder as images:FOLDER");
        assert!(error.contains(&expected) && error.ends_with("a.png"), "{error}");
    }
    for layout in ["images", "celeba-hq"] {
        let set =
            open(&format!("{layout}:{}", folder.display()), Some(64), &options(root.path())).expect(layout);
        let mut out = vec![0.0; 3 * 64 * 64];
        set.read(0, 0, &mut out).expect("reads");
        let is_lit = |x: usize, y: usize| out[y * 64 + x] > 0.5;
        let wide = (0..64).filter(|&x| (0..64).any(|y| is_lit(x, y))).count();
        let high = (0..64).filter(|&y| (0..64).any(|x| is_lit(x, y))).count();
        assert!(wide == high && (50..=52).contains(&wide), "{layout}: {wide}x{high}");
    }
}

#[test]
fn the_background_shows_through_and_makes_other_prepared_pictures() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    std::fs::create_dir(&folder).expect("makes");
    image::RgbaImage::from_pixel(8, 8, image::Rgba([0, 0, 0, 0])).save(folder.join("a.png")).expect("saves");
    let spec = format!("images:{}", folder.display());
    for (background, expected) in [("black", [0; 3]), ("white", [255; 3]), ("#102030", [16, 32, 48])] {
        let background = background.parse().expect("a colour");
        let options = OpenOptions { background, ..options(root.path()) };
        for round in ["decoded", "from the cache"] {
            let set = open(&spec, Some(8), &options).expect(round);
            assert_eq!(colour_of(&set, 0), expected, "{round}");
        }
    }
    assert_eq!(cached(root.path()).len(), 3);
}

#[test]
fn pictures_from_cameras_stand_upright_and_what_cannot_be_read_is_told() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    save(&folder, "a.tga", &framed(16, 16, 16, [9, 9, 9]));
    // Red left of blue, to be turned by 90 degrees clockwise: red above blue.
    let wide = RgbImage::from_fn(16, 16, |x, _| Rgb(if x < 8 { [250, 0, 0] } else { [0, 0, 250] }));
    save(&folder, "b.jpg", &wide);
    let jpeg = std::fs::read(folder.join("b.jpg")).expect("reads");
    let exif = b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    std::fs::write(folder.join("b.jpg"), [&jpeg[..2], exif, &jpeg[2..]].concat()).expect("writes");
    let spec = format!("images:{}", folder.display());
    let set = open(&spec, Some(16), &options(root.path())).expect("opens");
    assert_eq!((set.len(), colour_of(&set, 0)), (2, [9, 9, 9]), "a TGA is told by its name");
    let mut out = vec![0.0; 3 * 256];
    set.read(1, 0, &mut out).expect("reads");
    let (top_right, bottom_left) = (out[15], out[2 * 256 + 240]);
    assert!(top_right > 0.9 && bottom_left > 0.9, "red {top_right} above blue {bottom_left}");
    let first = set.listing();
    std::fs::rename(folder.join("a.tga"), folder.join("c.tga")).expect("renames");
    let renamed = open(&spec, Some(16), &options(root.path())).expect("opens");
    assert_ne!(first, renamed.listing(), "the same pictures at other places");
    #[cfg(unix)]
    {
        // a pipe, which would be read for ever
        let made = std::process::Command::new("mkfifo").arg(folder.join("d.jpg")).status();
        assert!(made.is_ok_and(|status| status.success()));
        assert_eq!(open(&spec, Some(16), &options(root.path())).expect("opens").len(), 2);
    }
    let phone = root.path().join("phone");
    std::fs::create_dir(&phone).expect("makes");
    std::fs::write(phone.join("IMG_1.HEIC"), b"ftypheic").expect("writes");
    let error = error_of(&format!("images:{}", phone.display()), &options(root.path()));
    assert!(
        error.contains("1 picture of a format that is not read here (1 HEIC; convert it to png or jpeg)"),
        "{error}"
    );
}

#[test]
fn pictures_beyond_the_cache_are_decoded_each_time_and_their_loss_is_noticed() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    for i in 0..9 {
        save(&folder, &format!("{i}.png"), &framed(16, 16, 16, [10 * i + 5, 0, 0]));
    }
    // Room for four pictures of 768 bytes and the file's own end.
    let options = OpenOptions { cache_bytes: 65_536 + 4 * 768, ..options(root.path()) };
    let set = open(&format!("images:{}", folder.display()), Some(16), &options).expect("opens");
    let colours: Vec<u8> = (0..9).map(|index| colour_of(&set, index)[0]).collect();
    assert_eq!(colours, [5, 15, 25, 35, 45, 55, 65, 75, 85]);
    std::fs::remove_dir_all(&folder).expect("removes");
    assert_eq!(colour_of(&set, 2)[0], 25, "cached pictures are still there");
    let error = set.read(8, 0, &mut [0.0; 768]).expect_err("gone").to_string();
    assert!(error.contains("vanished") && error.ends_with("8.png"), "{error}");
}

#[test]
fn a_cut_short_or_foreign_cache_is_made_again() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("pictures");
    save(&folder, "one.png", &framed(16, 16, 16, [77, 0, 0]));
    let spec = format!("images:{}", folder.display());
    open(&spec, Some(16), &options(root.path())).expect("opens");
    let cached = cached(root.path()).pop().expect("one file");
    let whole = std::fs::read(&cached).expect("reads");
    for end in [0, 10, 768, whole.len() - 1] {
        std::fs::write(&cached, &whole[..end]).expect("writes");
        let set = open(&spec, Some(16), &options(root.path())).expect("opens");
        assert_eq!(colour_of(&set, 0), [77, 0, 0], "cut at {end}");
    }
}

#[test]
fn celeba_and_chairs_are_cut_as_published_from_folders_and_archives() {
    let root = tempfile::tempdir().expect("temporary folder");
    let faces = root.path().join("img_align_celeba");
    for i in 1..3 {
        save(&faces, &format!("00000{i}.png"), &framed(178, 218, 160, [100 * i, 9, 9]));
    }
    let zip_path = root.path().join("celeba.zip");
    let mut zip = zip::ZipWriter::new(File::create(&zip_path).expect("creates"));
    for i in 1..3 {
        let name = format!("img_align_celeba/00000{i}.png");
        zip.start_file(&name, zip::write::SimpleFileOptions::default()).expect("starts");
        zip.write_all(&std::fs::read(root.path().join(&name)).expect("reads")).expect("writes");
    }
    zip.finish().expect("finishes");
    let chairs = root.path().join("rendered_chairs");
    for i in 1..3 {
        save(&chairs, &format!("model{i}/renders/image.png"), &framed(600, 600, 450, [100 * i, 9, 9]));
    }
    save(&chairs, "model1/preview.png", &framed(10, 10, 10, [1, 1, 1]));
    let tar_path = root.path().join("chairs.tar");
    let mut tar = tar::Builder::new(File::create(&tar_path).expect("creates"));
    tar.append_dir_all("rendered_chairs", &chairs).expect("appends");
    tar.finish().expect("finishes");
    for (name, path) in [("celeba", faces), ("celeba", zip_path), ("chairs", chairs), ("chairs", tar_path)] {
        let spec = format!("{name}:{}", path.display());
        let set = open(&spec, None, &options(root.path())).expect(&spec);
        assert_eq!((set.len(), set.picture_shape()), (2, [3, 64, 64]), "{spec}");
        assert_eq!([colour_of(&set, 0), colour_of(&set, 1)], [[100, 9, 9], [200, 9, 9]], "{spec}");
    }
}

#[test]
fn celeba_hq_pictures_are_taken_as_they_are() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("data1024x1024");
    save(&folder, "00000.png", &framed(1024, 1024, 1024, [200, 100, 50]));
    let set = open(&format!("celeba-hq:{}", folder.display()), None, &options(root.path())).expect("opens");
    assert_eq!(set.picture_shape(), [3, 1024, 1024]);
    assert_eq!(colour_of(&set, 0), [200, 100, 50]);
}

/// A folder of cars with the annotations that SciPy wrote: 00001.jpg at (30, 52, 246, 147), 00002.jpg at
/// (-3, 2.5, `right`, 300).
fn make_cars(root: &Path, right: i32) -> PathBuf {
    let folder = root.join("cars");
    let mut annotations = include_bytes!("../../../tests/files/annotations_plain.mat").to_vec();
    let number = 70_000i32.to_le_bytes();
    let at = annotations.windows(4).position(|bytes| bytes == number).expect("there");
    annotations[at..at + 4].copy_from_slice(&right.to_le_bytes());
    std::fs::create_dir_all(folder.join("devkit")).expect("makes");
    std::fs::write(folder.join("devkit/cars_train_annos.mat"), annotations).expect("writes");
    let boxed = RgbImage::from_fn(300, 200, |x, y| {
        Rgb(if (30..246).contains(&x) && (52..147).contains(&y) { [180, 40, 20] } else { [0; 3] })
    });
    // Saved losslessly under the published names: what a file is, is told by its content.
    for (name, picture) in [("00001.jpg", boxed), ("00002.jpg", framed(310, 300, 300, [90, 90, 90]))] {
        save(&folder, "cars_train/x.png", &picture);
        std::fs::rename(folder.join("cars_train/x.png"), folder.join("cars_train").join(name))
            .expect("moves");
    }
    save(&folder, "cars_train/99999.png", &framed(80, 80, 80, [1, 1, 1]));
    folder
}

#[test]
fn cars_are_cut_to_their_annotated_boxes() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = make_cars(root.path(), 312);
    let spec = format!("cars:{}", folder.display());
    let set = open(&spec, None, &options(root.path())).expect("opens");
    assert_eq!((set.len(), set.picture_shape()), (2, [3, 64, 64]), "the car without annotation is left out");
    assert_eq!(colour_of(&set, 0), [180, 40, 20]);
    make_cars(root.path(), 70_000);
    let error = error_of(&spec, &options(root.path()));
    assert!(error.contains("reaches outside the picture, which has 310x300 pixels"), "{error}");
    std::fs::remove_dir_all(folder.join("devkit")).expect("removes");
    let error = error_of(&spec, &options(root.path()));
    assert!(error.contains("cars_train_annos.mat"), "{error}");
}

#[test]
fn mistakes_are_told_in_words() {
    let root = tempfile::tempdir().expect("temporary folder");
    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).expect("makes");
    let options = options(root.path());
    assert!(error_of("images", &options).contains("needs a path"));
    assert!(error_of(&format!("images:{}", empty.display()), &options).contains("no pictures found"));
    assert!(error_of("celeba:/nowhere/at/all", &options).contains("no such file"));
    let result = open(&format!("images:{}", empty.display()), Some(4), &options);
    assert!(result.err().expect("refused").to_string().contains("not 4"));
    options.cancel.cancel();
    save(&empty, "one.png", &framed(8, 8, 8, [1, 1, 1]));
    let result = open(&format!("images:{}", empty.display()), Some(8), &options);
    assert!(matches!(result.err(), Some(DataError::Cancelled)));
}

#[test]
fn a_folder_for_each_label_is_a_factor() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("digits");
    for (name, shade) in [("10/a.png", 10), ("2/b.png", 20), ("2/deep/c.png", 30), ("9/d.png", 40)] {
        save(&folder, name, &framed(8, 8, 8, [shade; 3]));
    }
    let spec = format!("labels:{}", folder.display());
    let set = open(&spec, Some(8), &options(root.path())).expect("opens");
    let labels = set.labels().expect("labelled");
    assert_eq!(labels.factor().names, ["2", "9", "10"]);
    assert!(!set.may_flip());
    let of_shade: Vec<(u8, Vec<usize>)> =
        (0..4).map(|index| (colour_of(&set, index)[0], set.classes(index))).collect();
    assert_eq!(of_shade, [(10, vec![2]), (20, vec![0]), (30, vec![0]), (40, vec![1])]);
    save(&folder, "stray.png", &framed(8, 8, 8, [1; 3]));
    let error = error_of(&spec, &options(root.path()));
    assert!(error.contains("stray.png lies in no folder of a label"), "{error}");
    assert!(error_of("labels", &options(root.path())).contains("labels:FOLDER"));
}
