//! The question which numbers the pictures of a file are in.

use std::path::Path;

use egui_kittest::kittest::Queryable;
use idgan::app::Options;
use idgan::engine::ModelSource;

use crate::window::{Window, click, set, settle, until, window};

const QUESTION: &str = "The file does not say which numbers its pictures are in; they are taken for logits, since nothing \
     that limits them comes last. They are:";

fn opened(config: &Path) -> Window {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/onnx/plain.onnx");
    let source = ModelSource { device: "cpu".into(), ..ModelSource::file(file) };
    let config = Some(config.to_owned());
    let mut window = window(Options { source: Some(source), config, ..Options::default() });
    settle(&mut window);
    window
}

fn is_asked(window: &Window) -> bool {
    window.query_by_label(QUESTION).is_some()
}

#[test]
fn what_a_file_does_not_say_is_asked_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = opened(folder.path());
    assert!(is_asked(&first));
    set(&mut first, "z 0", 1.5);
    let before = first.state().picture("decoder").unwrap();
    click(&mut first, "-1 to 1");
    until(&mut first, "the answer", |w| !is_asked(w) && w.state().is_settled());
    settle(&mut first);
    assert_eq!(first.state().values("z")[0], 1.5, "what was set stays");
    let after = first.state().picture("decoder").unwrap();
    assert_ne!(before.rgba(), after.rgba(), "the same numbers in another range");
    until(&mut first, "the session to be kept", |w| w.state().is_calm());
    drop(first);

    // The next start goes on with the session.
    let mut second = window(Options { config: Some(folder.path().to_owned()), ..Options::default() });
    settle(&mut second);
    assert!(!is_asked(&second));
    assert_eq!(second.state().picture("decoder").unwrap().rgba(), after.rgba());
}
