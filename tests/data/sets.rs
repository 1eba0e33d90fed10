//! `idgan data` through the binary: sheets, descriptions, preparation and their errors.

use std::path::Path;

use assert_cmd::Command;

fn idgan(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("idgan").expect("the binary is built");
    command.current_dir(folder);
    command
}

fn save_pictures(folder: &Path, count: u8) {
    std::fs::create_dir_all(folder).expect("makes");
    for i in 0..count {
        let picture = image::RgbImage::from_pixel(24, 20, image::Rgb([i, 2 * i, 100]));
        picture.save(folder.join(format!("{i:03}.png"))).expect("saves");
    }
}

#[test]
fn a_preview_shows_one_row_for_each_factor() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for spec in ["dsprites", "color-dsprites", "noisy-dsprites", "scream-dsprites", "scenes"] {
        let mut command = idgan(folder.path());
        command.args(["data", "preview", spec, "--size", "64", "--count", "3", "--out", "sheet.png"]);
        command.assert().success();
        let sheet = image::open(folder.path().join("sheet.png")).expect("is a picture").into_rgb8();
        // Five or six factors and a row of random pictures, 64 pixels each, with their labels.
        assert!(sheet.width() > 3 * 64 && sheet.height() > 6 * 64, "{spec}: {:?}", sheet.dimensions());
        let first = std::fs::read(folder.path().join("sheet.png")).expect("reads");
        command.assert().success();
        let second = std::fs::read(folder.path().join("sheet.png")).expect("reads");
        assert_eq!(first, second, "{spec}: the same command draws the same sheet");
    }
}

#[test]
fn a_description_is_json() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let output = idgan(folder.path()).args(["data", "info", "scenes", "--json"]).output().expect("runs");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["pictures"], 900_000);
    assert_eq!((&document["nuisance"], &document["may_flip"]), (&true.into(), &false.into()));
    let factors = document["factors"].as_array().expect("a list");
    let product: usize = factors.iter().map(|f| f["values"].as_array().expect("a list").len()).product();
    assert_eq!(product, 900_000);
}

#[test]
fn pictures_are_prepared_once_and_a_sheet_of_them_drawn() {
    let folder = tempfile::tempdir().expect("temporary folder");
    save_pictures(&folder.path().join("photos"), 120);
    std::fs::write(folder.path().join("photos/050b.png"), b"not a picture").expect("writes");
    let prepare = ["data", "prepare", "images:photos", "--size", "16", "--cache", "cache"];
    let output = idgan(folder.path()).args(prepare).output().expect("runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("120 pictures of 16x16"), "{out}{err}");
    assert_eq!(err.matches("050b.png").count(), 1, "named once: {err}");
    let cached = || {
        let entries = std::fs::read_dir(folder.path().join("cache")).expect("made");
        let mut paths = entries.map(|entry| entry.expect("entry").path());
        let is_ours = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "idgan-cache");
        std::fs::read(paths.find(is_ours).expect("one file")).expect("reads")
    };
    let before = cached();
    assert_eq!(&before[..3], [0, 0, 100], "the first picture's first pixel");
    idgan(folder.path()).args(prepare).assert().success();
    assert_eq!(before, cached());
    let mut preview = idgan(folder.path());
    preview.args([
        "data",
        "preview",
        "images:photos",
        "--size",
        "16",
        "--cache",
        "cache",
        "--out",
        "sheet.png",
    ]);
    preview.assert().success();
    assert!(image::open(folder.path().join("sheet.png")).expect("is a picture").width() > 64);
}

#[test]
fn labelled_sets_have_a_row_for_each_label() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/labelled");
    let (mnist, svhn) =
        (format!("mnist:{}/mnist", files.display()), format!("svhn:{}/svhn.mat", files.display()));
    for (spec, [side, rows]) in [(&mnist, [28, 5]), (&svhn, [32, 3])] {
        let preview = ["data", "preview", spec, "--count", "4", "--out", "sheet.png"];
        idgan(folder.path()).args(preview).assert().success();
        let sheet = image::open(folder.path().join("sheet.png")).expect("is a picture");
        assert!(sheet.width() > side && sheet.height() > rows * side, "{spec}");
        let output = idgan(folder.path()).args(["data", "info", spec, "--json"]).output().expect("runs");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["factors"][0]["name"], "label", "{document}");
        assert_eq!(document["factors"][0]["names"].as_array().map(Vec::len), Some(rows as usize));
        let output = idgan(folder.path()).args(["data", "info", spec]).output().expect("runs");
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = if rows == 5 { "5 values, 0 to 4" } else { "3 values, 0 to 9" };
        assert!(words.contains(last), "{words}");
    }
}

#[test]
fn mistakes_end_with_one_sentence_and_the_right_code() {
    let folder = tempfile::tempdir().expect("temporary folder");
    save_pictures(&folder.path().join("broken"), 10);
    std::fs::write(folder.path().join("broken/3.jpg"), b"").expect("writes");
    for (arguments, code, part) in [
        (vec!["info", "sprites"], 2, "known are dsprites"),
        (vec!["info", "dsprites", "--size", "128"], 2, "64 pixels"),
        (vec!["info", "images"], 2, "needs a path"),
        (vec!["info", "images:nowhere"], 1, "no such file"),
        (vec!["info", "dsprites:nowhere.npz"], 1, "nowhere.npz"),
        (vec!["info", "mnist:broken"], 1, "no train-images-idx3-ubyte"),
        (vec!["info", "svhn:broken/000.png"], 1, "not a little-endian MAT-file"),
        (vec!["info", "labels:broken", "--size", "16"], 1, "cannot be read"),
        (vec!["prepare", "images:broken", "--cache", "cache"], 1, "1 of 11"),
        (vec!["preview", "dsprites", "--out", "sheet.jpg"], 2, ".png"),
    ] {
        let output = idgan(folder.path()).arg("data").args(&arguments).output().expect("runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
        assert_eq!(error.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{error}");
    }
}
