//! Models with chains that this program cannot run.

use idgan::checkpoint::{Precision, Sources, open, write_bundle};
use idgan::model::{Architecture, GENERATOR};

use crate::toy::{C_DIM, fail, id_gan, model, succeed};

#[test]
fn a_chain_that_cannot_run_is_left_out_and_the_others_serve() {
    let folder = id_gan();
    let mut foreign = model();
    let said = serde_json::json!({"kind": "diffusion", "steps": 50});
    let generator = foreign.description.networks.get_mut(GENERATOR).unwrap();
    generator.architecture = Architecture::Unknown(said.as_object().cloned().unwrap());
    let path = folder.path().join("foreign.safetensors");
    write_bundle(&path, &foreign, Precision::F32).unwrap();

    let warning = "warning: this idgan knows no network of the kind diffusion that draws; update idgan";
    let warned = |arguments: &str| {
        let stderr = String::from_utf8(succeed(folder.path(), arguments).stderr).unwrap();
        assert!(stderr.lines().any(|line| line == warning), "{arguments}: {stderr}");
    };
    warned("traverse foreign.safetensors --out rows.png");
    warned("sample foreign.safetensors --count 2 --out samples");
    fail(folder.path(), "traverse foreign.safetensors --decoder gan --out gan.png", 1, "has no generator");

    // What cannot be run is no reason to lose it.
    let pictures = two_pictures(folder.path());
    warned(&format!("stats foreign.safetensors --images {pictures} --out measured.safetensors"));
    let sources =
        Sources { checkpoint: Some(folder.path().join("measured.safetensors")), ..Sources::default() };
    let measured = open(&sources).unwrap().model;
    assert_eq!(measured.description.render, foreign.description.render);
    assert_eq!(measured.stats.map(|stats| stats.kl.len()), Some(C_DIM));
}

/// The name of a folder with two pictures.
fn two_pictures(folder: &std::path::Path) -> &'static str {
    std::fs::create_dir(folder.join("pictures")).unwrap();
    for (name, gray) in [("a.png", 40), ("b.png", 200)] {
        image::RgbImage::from_pixel(64, 64, image::Rgb([gray; 3]))
            .save(folder.join("pictures").join(name))
            .unwrap();
    }
    "pictures"
}
