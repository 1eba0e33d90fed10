//! `idgan traverse` and `idgan grid`: figures, animations, arrays and folders that say how to make them again.

use crate::toy::{C_DIM, S_DIM, array, fail, id_gan, info_gan, png_texts, succeed};

#[test]
fn the_command_in_a_picture_makes_it_again() {
    let folder = id_gan();
    std::fs::rename(folder.path().join("model.safetensors"), folder.path().join("it's a model.safetensors"))
        .unwrap();
    let out = folder.path().join("a.png");
    let run = |arguments: &[&str]| {
        let output = crate::toy::idgan(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&[
        "traverse",
        "it's a model.safetensors",
        "--seed",
        "3",
        "--names",
        "a b,c,d",
        "--range",
        "-2..2",
        "--out",
        "a.png",
    ]);
    let bytes = std::fs::read(&out).unwrap();
    let (texts, _) = png_texts(&out);
    assert!(texts["Software"].starts_with("idgan "));
    std::fs::remove_file(&out).unwrap();
    let program = assert_cmd::cargo::cargo_bin("idgan");
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let status = std::process::Command::new("sh")
        .current_dir(folder.path())
        .env("PATH", path)
        .args(["-c", &texts["Command"]])
        .status()
        .unwrap();
    assert!(status.success(), "{}", texts["Command"]);
    assert_eq!(std::fs::read(&out).unwrap(), bytes);
}

#[test]
fn the_figure_puts_the_decoder_above_the_generator() {
    let folder = id_gan();
    succeed(folder.path(), "traverse model.safetensors --out both.png");
    succeed(folder.path(), "traverse model.safetensors --decoder gan --out gan.png");
    succeed(folder.path(), "traverse model.safetensors --decoder both --cell 32 --out small.png");
    let size = |name: &str| png_texts(&folder.path().join(name)).1;
    let ([wide, high], [_, half]) = (size("both.png"), size("gan.png"));
    // Seven columns of 128 pixels, and two rows of 128 for each of three dimensions.
    assert!(wide > 7 * 128 && wide < 7 * 128 + 200, "{wide}");
    assert!(
        high > 6 * 128 && high < 6 * 128 + 200 && half > 3 * 128 && half < 3 * 128 + 150,
        "{high} {half}"
    );
    assert!(size("small.png")[0] < 7 * 32 + 150);
    let (texts, _) = png_texts(&folder.path().join("both.png"));
    let document: serde_json::Value = serde_json::from_str(&texts["Description"]).unwrap();
    assert_eq!(document["ranges"], serde_json::json!([[-3.0, 3.0], [-3.0, 3.0], [-3.0, 3.0]]));
    assert_eq!(document["base"]["c"], serde_json::json!([0.0, 0.0, 0.0]));
    assert_eq!(document["base"]["s"].as_array().unwrap().len(), S_DIM);
}

#[test]
fn arrays_hold_every_cell_and_its_code() {
    let folder = id_gan();
    succeed(folder.path(), "sample model.safetensors --count 4 --seed 5 --out codes.npz");
    succeed(
        folder.path(),
        "traverse model.safetensors --dims 2,0 --codes codes.npz --row 1 --steps 5 --out a.npz",
    );
    succeed(
        folder.path(),
        "traverse model.safetensors --dims 2,0 --codes codes.npz --row 1 --steps 5 --mode offset --range -1..1 --out b.npz",
    );
    let file = |name: &str| folder.path().join(name);
    assert_eq!(array(&file("a.npz"), "gan").shape(), [2, 5, 3, 128, 128]);
    assert_eq!(array(&file("a.npz"), "vae").shape(), [2, 5, 3, 64, 64]);
    assert_eq!(array(&file("a.npz"), "dims").data(), [2.0, 0.0]);
    assert_eq!(array(&file("a.npz"), "values").row(0), [-3.0, -1.5, 0.0, 1.5, 3.0]);
    let (base, s) = (array(&file("codes.npz"), "c"), array(&file("codes.npz"), "s"));
    let (replaced, shifted) = (array(&file("a.npz"), "c"), array(&file("b.npz"), "c"));
    assert_eq!(replaced.shape(), [2, 5, C_DIM]);
    for (row, moved) in [(0, 2), (1, 0)] {
        for step in 0..5 {
            for dim in 0..C_DIM {
                let at = (row * 5 + step) * C_DIM + dim;
                let (value, offset) = ([-3.0, -1.5, 0.0, 1.5, 3.0][step], [-1.0, -0.5, 0.0, 0.5, 1.0][step]);
                let still = base.row(1)[dim];
                let (expected, shifted_to) =
                    if dim == moved { (value, still + offset) } else { (still, still) };
                assert_eq!(replaced.data()[at], expected);
                assert_eq!(shifted.data()[at], shifted_to);
            }
        }
    }
    assert_eq!(&array(&file("a.npz"), "s").data()[..S_DIM], s.row(1), "the nuisance of the file is kept");
    // The same codes through sample give the same pictures.
    let pictures = array(&file("a.npz"), "vae");
    let codes = crate::toy::f32_bytes(replaced.data());
    crate::toy::write_raw_npz(&file("cells.npz"), &[("c", "<f4", "(10, 3)", codes)]);
    succeed(folder.path(), "sample model.safetensors --codes cells.npz --decoder vae --out cells_out.npz");
    assert_eq!(array(&file("cells_out.npz"), "vae").data(), pictures.data());
}

#[test]
fn the_base_code_comes_from_a_seed_or_a_picture() {
    let folder = id_gan();
    let base = |out: &str| {
        let (texts, _) = png_texts(&folder.path().join(out));
        let document: serde_json::Value = serde_json::from_str(&texts["Description"]).unwrap();
        let values =
            |name: &str| -> Vec<f32> { serde_json::from_value(document["base"][name].clone()).unwrap() };
        (values("c"), values("s"))
    };
    let draw = |options: &str, out: &str| {
        succeed(folder.path(), &format!("traverse model.safetensors --cell 16 {options} --out {out}"))
    };
    draw("", "zero.png");
    draw("--seed 3", "three.png");
    draw("--seed 3 --s-seed 9", "nuisance.png");
    let (zero, three, nuisance) = (base("zero.png"), base("three.png"), base("nuisance.png"));
    assert_eq!(zero.0, [0.0; C_DIM]);
    assert_ne!(three.0, zero.0);
    assert_eq!((&three.0, &three.1), (&nuisance.0, &zero.1));
    assert_ne!(three.1, nuisance.1);
    succeed(folder.path(), "sample model.safetensors --count 1 --seed 3 --decoder vae --out pictures");
    draw("--image pictures/00000_vae.png", "image.png");
    succeed(folder.path(), "encode model.safetensors --images pictures/00000_vae.png --out code.npz");
    assert_eq!(base("image.png").0, array(&folder.path().join("code.npz"), "mu").data());
}

#[test]
fn an_animation_has_a_frame_a_step_and_goes_back() {
    let folder = id_gan();
    succeed(folder.path(), "traverse model.safetensors --steps 5 --cell 32 --frame-ms 50 --out a.gif");
    let bytes = std::fs::read(folder.path().join("a.gif")).unwrap();
    let mut decoder = gif::DecodeOptions::new().read_info(bytes.as_slice()).unwrap();
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    let mut frames = 0;
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!(frame.delay, 5);
        frames += 1;
    }
    assert_eq!(frames, 8, "five there, three back");
}

#[test]
fn a_folder_gets_a_picture_a_cell() {
    let folder = id_gan();
    succeed(folder.path(), "traverse model.safetensors --dims 1 --steps 3 --out cells");
    let cells = crate::toy::listing(&folder.path().join("cells"));
    assert_eq!(cells.len(), 6);
    let path = folder.path().join("cells/00_c01_002_gan.png");
    let (texts, size) = png_texts(&path);
    let document: serde_json::Value = serde_json::from_str(&texts["Description"]).unwrap();
    assert_eq!(size, [128, 128]);
    assert_eq!(document["c"], serde_json::json!([0.0, 3.0, 0.0]));
}

#[test]
fn the_matrix_pairs_every_code_with_every_nuisance() {
    let folder = id_gan();
    succeed(folder.path(), "grid model.safetensors --codes-c 4 --codes-s 3 --seed 2 --out a.npz");
    succeed(folder.path(), "grid model.safetensors --codes-c 4 --codes-s 3 --seed 2 --out a.png");
    let file = folder.path().join("a.npz");
    let gan = array(&file, "gan");
    assert_eq!((gan.shape(), array(&file, "vae").shape()), (&[3, 4, 3, 128, 128][..], &[4, 3, 64, 64][..]));
    assert_eq!((array(&file, "c").shape(), array(&file, "s").shape()), (&[4, C_DIM][..], &[3, S_DIM][..]));
    // Cell (row 2, column 1) is the picture of c(1) with s(2).
    let (c, s) = (array(&file, "c"), array(&file, "s"));
    crate::toy::write_raw_npz(
        &folder.path().join("one.npz"),
        &[
            ("c", "<f4", "(1, 3)", crate::toy::f32_bytes(c.row(1))),
            ("s", "<f4", "(1, 2)", crate::toy::f32_bytes(s.row(2))),
        ],
    );
    succeed(folder.path(), "sample model.safetensors --codes one.npz --out one_out.npz");
    let one = array(&folder.path().join("one_out.npz"), "gan");
    let cell = &gan.data()[(2 * 4 + 1) * one.row_len()..][..one.row_len()];
    assert!(cell.iter().zip(one.data()).all(|(a, b)| (a - b).abs() < 1e-5));
    let [wide, high] = png_texts(&folder.path().join("a.png")).1;
    assert!(
        wide > 4 * 128 && wide < 4 * 128 + 150 && high > 4 * 128 && high < 4 * 128 + 150,
        "{wide} {high}"
    );
    succeed(folder.path(), "sample model.safetensors --count 5 --decoder vae --out codes.npz");
    succeed(folder.path(), "grid model.safetensors --codes codes.npz --codes-c 3 --codes-s 2 --out b.npz");
    let (given, taken) =
        (array(&folder.path().join("codes.npz"), "c"), array(&folder.path().join("b.npz"), "c"));
    assert_eq!(taken.data(), &given.data()[..3 * C_DIM]);
}

#[test]
fn a_model_of_another_kind_is_traversed_over_its_own_range() {
    let folder = info_gan();
    succeed(folder.path(), "traverse model.safetensors --steps 3 --out a.npz");
    let file = folder.path().join("a.npz");
    assert_eq!(array(&file, "values").row(0), [0.0, 0.5, 1.0]);
    assert_eq!(array(&file, "u").data()[..2], [0.0, 0.5]);
    assert_eq!(&array(&file, "k").data()[..4], [1.0, 0.0, 0.0, 0.0]);
    succeed(folder.path(), "traverse model.safetensors --block z --order sensitivity --out b.png");
    fail(
        folder.path(),
        "traverse model.safetensors --block c --out c.png",
        2,
        "no code block called c; it has k, u, z",
    );
    fail(folder.path(), "traverse model.safetensors --image a.png --out c.png", 1, "no encoder");
}

#[test]
fn what_cannot_be_drawn_is_said_and_leaves_nothing() {
    let folder = id_gan();
    for (options, words) in [
        (
            "--cell 3000 --out a.png",
            "megapixels, more than 100; choose smaller cells with --cell PX, or insist",
        ),
        ("--range posterior:0.99 --out a.png", "measure them with idgan stats MODEL"),
        ("--range data --out a.npz", "measure them with idgan stats MODEL"),
        ("--order kl --out a.npz", "--order kl needs statistics"),
        ("--codes none.npz --out a.png", "no such file; check the spelling: none.npz"),
        ("--image none.png --out a.png", "no such file; check the spelling: none.png"),
        ("--image model.safetensors --out a.png", "not a picture that can be read"),
        ("--out no/a.png", "does not exist; create it first"),
        #[cfg(target_os = "linux")]
        ("--out /proc/a.png", "/proc/a.png"),
    ] {
        fail(folder.path(), &format!("traverse model.safetensors {options}"), 1, words);
    }
    for (options, words) in [
        ("--dims 3 --out a.png", "--dims: there is no dimension 3; this code has 0 to 2"),
        ("--dims x --out a.png", "is no dimension"),
        ("--names a,b --out a.png", "--names has 2 names for 3 dimensions"),
        ("--range 3 --out a.png", "expected A..B"),
        ("--range posterior:7 --out a.png", "between 0.5 and 1"),
        ("--steps 0 --out a.png", "--steps"),
        ("--mode add --out a.png", "expected replace or offset"),
        ("--row 3 --out a.png", "--codes"),
        ("--seed 1 --image a.png --out a.png", "cannot be used with"),
        ("--out a.tiff", "--out takes a .png, a .svg, a .pdf, a .gif, an .apng, an .mp4, a .npz, a folder"),
        ("", "--out"),
    ] {
        fail(folder.path(), &format!("traverse model.safetensors {options}"), 2, words);
    }
    succeed(folder.path(), "sample model.safetensors --count 2 --out codes.npz");
    fail(
        folder.path(),
        "traverse model.safetensors --codes codes.npz --row 2 --out a.png",
        2,
        "beyond the last row, 1",
    );
    fail(
        folder.path(),
        "grid model.safetensors --codes codes.npz --codes-c 3 --codes-s 1 --out a.png",
        1,
        "have 2 rows, but 3 are needed",
    );
}

#[test]
fn a_walk_through_codes_is_an_animation_or_its_frames() {
    let folder = id_gan();
    succeed(folder.path(), "sample model.safetensors --count 3 --seed 5 --out codes.npz");
    succeed(
        folder.path(),
        "animate model.safetensors --codes codes.npz --steps 4 --decoder gan --cell 32 --out frames",
    );
    let frame = |index: usize| png_texts(&folder.path().join(format!("frames/frame_{index:04}.png")));
    assert_eq!(std::fs::read_dir(folder.path().join("frames")).unwrap().count(), 9);
    let codes = array(&folder.path().join("codes.npz"), "c");
    for (index, row) in [(0, 0), (4, 1), (8, 2)] {
        let (texts, size) = frame(index);
        let document: serde_json::Value = serde_json::from_str(&texts["Description"]).unwrap();
        let c: Vec<f32> = serde_json::from_value(document["c"].clone()).unwrap();
        assert!(c.iter().zip(codes.row(row)).all(|(a, b)| (a - b).abs() < 1e-5), "frame {index}");
        assert_eq!(size, [32, 32]);
    }
    succeed(
        folder.path(),
        "animate model.safetensors --codes codes.npz --steps 2 --closed --cell 16 --out a.gif",
    );
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(std::fs::File::open(folder.path().join("a.gif")).unwrap()).unwrap();
    let mut frames = 0;
    while decoder.read_next_frame().unwrap().is_some() {
        frames += 1;
    }
    assert_eq!(frames, 6, "a closed walk does not run back");
    succeed(folder.path(), "sample model.safetensors --count 1 --out one.npz");
    fail(
        folder.path(),
        "animate model.safetensors --codes one.npz --out b.gif",
        1,
        "at least 2 codes, and this file has 1",
    );
}
