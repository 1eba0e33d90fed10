//! What `--precision` and `--device` mean where there is no card, and what runs note of them.

use crate::toy::{fail, id_gan, succeed};

#[test]
fn the_processor_refuses_what_it_does_not_compute_in() {
    let folder = id_gan();
    for command in [
        "sample model.safetensors --count 2 --out a.npz",
        "traverse model.safetensors --steps 2 --out a.png",
        "encode model.safetensors --data dsprites --count 2 --out a.npz",
        "eval model.safetensors --data dsprites",
        "train vae --preset dsprites-small --out run",
        "bench train --preset dsprites-small --stage vae",
    ] {
        for precision in ["bf16", "tf32"] {
            let words = format!("cpu computes in f32 alone, not in {precision}; use --precision f32");
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
