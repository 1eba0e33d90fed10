//! `idgan curves`: what runs have logged, as figures and as a table.

use std::fmt::Write as _;
use std::path::Path;

use crate::toy::{fail, succeed};

/// A run folder with a log of so many lines.
fn run(folder: &Path, name: &str, lines: u32, scale: f64) {
    std::fs::create_dir(folder.join(name)).unwrap();
    let mut text = String::new();
    for line in 1..=lines {
        let (step, loss) = (line * 100, scale / f64::from(line));
        write!(text, "{{\"step\":{step},\"seconds\":{line}.5,\"loss\":{loss}").unwrap();
        text += if line % 2 == 0 { ",\"kl_sum\":2.5}\n" } else { "}\n" };
    }
    std::fs::write(folder.join(name).join("log.jsonl"), text).unwrap();
}

#[test]
fn runs_are_drawn_over_each_other_and_the_same_command_is_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 40, 1.0);
    run(folder.path(), "second", 20, 8.0);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for name in ["a.svg", "a.pdf", "a.png"] {
        let ask = format!("curves first second --log-y --width 120mm --out {name}");
        succeed(folder.path(), &ask);
        let before = read(name);
        succeed(folder.path(), &ask);
        assert!(before == read(name), "{name} is another file the second time");
    }
    let svg = String::from_utf8(read("a.svg")).unwrap();
    for words in
        [">first</text>", ">second</text>", ">loss</text>", ">kl sum</text>", ">Steps</text>", "--log-y"]
    {
        assert!(svg.contains(words), "{words}");
    }
    succeed(folder.path(), "curves first --only loss --out b.svg");
    assert!(!String::from_utf8(read("b.svg")).unwrap().contains("kl sum"));
}

#[test]
fn a_table_has_a_line_for_each_run_and_step() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 3, 1.0);
    run(folder.path(), "second", 1, 0.5);
    succeed(folder.path(), "curves first second --out curves.csv");
    let table = std::fs::read_to_string(folder.path().join("curves.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "run,step,seconds,loss,kl_sum");
    assert_eq!(lines[1], "first,100,1.5,1,");
    assert_eq!(lines[2], "first,200,2.5,0.5,2.5");
    assert_eq!(lines[4..], ["second,100,1.5,0.5,"]);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "first", 3, 1.0);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    fail(folder.path(), "curves empty --out a.svg", 1, "there is no log of a run here");
    fail(folder.path(), "curves first --only los --out a.svg", 2, "there are loss, kl_sum");
    fail(folder.path(), "curves first --out a.gif", 2, "a .csv for the numbers themselves");
    fail(folder.path(), "curves --out a.svg", 2, "RUN");
}
