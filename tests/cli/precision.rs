//! What `--precision` and `--device` mean where there is no card, and what runs note of them.

use crate::toy::{array, fail, id_gan, png_texts, succeed};

#[test]
fn the_processor_refuses_what_it_does_not_compute_in() {
    let folder = id_gan();
    for (command, does) in [
        ("sample model.safetensors --count 2 --out a.npz", "draws in f32 and bf16 alone"),
        ("traverse model.safetensors --steps 2 --out a.png", "draws in f32 and bf16 alone"),
        ("encode model.safetensors --data dsprites --count 2 --out a.npz", "draws in f32 and bf16 alone"),
        ("eval model.safetensors --data dsprites", "draws in f32 and bf16 alone"),
        ("train vae --preset dsprites-small --out run", "trains in f32 alone"),
        ("bench train --preset dsprites-small --stage vae", "trains in f32 alone"),
    ] {
        let refused = if does.starts_with("draws") { &["tf32"][..] } else { &["tf32", "bf16"] };
        for precision in refused {
            let words = format!("cpu {does}, not in {precision}; use --precision f32");
            fail(folder.path(), &format!("{command} --device cpu --precision {precision}"), 1, &words);
        }
        fail(folder.path(), &format!("{command} --precision half"), 2, "use f32, tf32 or bf16");
    }
    succeed(folder.path(), "sample model.safetensors --count 2 --out a.npz --device cpu --precision f32");
    if !cfg!(feature = "cuda") {
        let words = "build with `cargo build --release --features cuda`";
        fail(folder.path(), "sample model.safetensors --count 2 --out b.npz --device cuda:1", 1, words);
    }
}

#[test]
fn the_processor_draws_in_bf16_where_it_is_asked_to() {
    let folder = id_gan();
    let pictures = |name: &str, options: &str| {
        let command = format!(
            "sample model.safetensors --count 4 --seed 1 --decoder vae --out {name} --device cpu {options}"
        );
        succeed(folder.path(), &command);
        array(&folder.path().join(name), "vae").data().to_vec()
    };
    let (single, default) = (pictures("a.npz", "--precision f32"), pictures("b.npz", ""));
    assert_eq!(single, default, "f32 is what is drawn in");
    let half = pictures("c.npz", "--precision bf16");
    let largest = single.iter().zip(&half).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest > 0.0 && largest < 0.05, "off by {largest}");
    for out in ["d.png", "d.gif"] {
        let command =
            format!("traverse model.safetensors --steps 2 --device cpu --precision bf16 --out {out}");
        succeed(folder.path(), &command);
    }
    let texts = format!("{:?}", png_texts(&folder.path().join("d.png")));
    assert!(texts.contains("CPU (bf16)"), "{texts}");
}

#[test]
fn a_run_notes_what_computed_it() {
    let folder = id_gan();
    let start = "train vae --preset dsprites-small --batch 2 --sample-every 0 --device cpu --out run";
    succeed(folder.path(), &format!("{start} --steps 2"));
    let noted = || {
        let output = succeed(folder.path(), "inspect run --json");
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        ["device", "precision"].map(|key| summary[0]["training"][key].as_str().unwrap().to_owned())
    };
    assert_eq!(noted(), ["CPU", "f32"]);
    // a run that goes on keeps its precision, unless it is asked for another that the device has not
    succeed(folder.path(), "train vae --resume --steps 3 --device cpu --out run");
    assert_eq!(noted(), ["CPU", "f32"]);
    let before = crate::toy::listing(folder.path());
    fail(
        folder.path(),
        "train vae --resume --steps 4 --device cpu --precision bf16 --out run",
        1,
        "not in bf16",
    );
    assert_eq!(crate::toy::listing(folder.path()), before);
}
