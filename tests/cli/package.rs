//! `scripts/package`: what it makes installs into an empty root, and the program starts there.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::skip::skipped;

fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
    let output = Command::new(program.as_ref()).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.as_ref().display());
    output
}

fn packed(out: &Path) -> Vec<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/package");
    let program = env!("CARGO_BIN_EXE_idgan");
    let made = run(script, &["--program", program, "--out", out.to_str().unwrap(), "--level", "1"]);
    String::from_utf8(made.stdout).unwrap().lines().map(PathBuf::from).collect()
}

/// The program under `prefix` starts without anything of this checkout, and everything around it is where systems look.
fn check_installed(prefix: &Path) {
    let home = tempfile::tempdir().unwrap();
    let mut program = Command::new(prefix.join("bin/idgan"));
    program.env_clear().env("HOME", home.path()).current_dir(home.path());
    let output = program.args(["inspect", "sprites-64"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("vae"), "{said}");

    let entry = std::fs::read_to_string(prefix.join("share/applications/idgan.desktop")).unwrap();
    assert!(entry.contains("Exec=idgan") && entry.contains("Icon=idgan"), "{entry}");
    for icon in ["256x256/apps/idgan.png", "scalable/apps/idgan.svg"] {
        assert!(prefix.join("share/icons/hicolor").join(icon).is_file(), "{icon}");
    }
    for page in ["idgan.1.gz", "idgan-traverse.1.gz", "idgan-train-vae.1.gz"] {
        let page = prefix.join("share/man/man1").join(page);
        let text = run("gzip", &["-dc", page.to_str().unwrap()]).stdout;
        assert!(String::from_utf8_lossy(&text).contains(".SH"), "{}", page.display());
    }
    // What the help names is there.
    let help = run(prefix.join("bin/idgan"), &["--help"]).stdout;
    let help = String::from_utf8_lossy(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("README.md and docs/") && help.contains("share/doc/idgan"), "{help}");
    for text in ["README.md", "docs/FAQ.md", "docs/models.md"] {
        assert!(prefix.join("share/doc/idgan").join(text).is_file(), "{text}");
    }
    let completions = prefix.join("share/bash-completion/completions/idgan");
    let question = format!(
        "source {} && COMP_WORDS=(idgan tra) COMP_CWORD=1 && _idgan idgan tra idgan && echo ${{COMPREPLY[@]}}",
        completions.display()
    );
    let answer = run("bash", &["-c", &question]).stdout;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("traverse") && answer.contains("train"), "{answer}");
}

#[test]
fn packages_install_into_an_empty_root_and_the_program_starts() {
    let folder = tempfile::tempdir().unwrap();
    let made = packed(&folder.path().join("dist"));
    let tarball = made.iter().find(|path| path.to_string_lossy().ends_with(".tar.gz")).unwrap();
    let unpacked = folder.path().join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    run("tar", &["-xzf", tarball.to_str().unwrap(), "-C", unpacked.to_str().unwrap()]);
    let tree = std::fs::read_dir(&unpacked).unwrap().next().unwrap().unwrap().path();
    check_installed(&tree);

    let Some(package) = made.iter().find(|path| path.extension().is_some_and(|end| end == "deb")) else {
        return skipped("debian", "dpkg-deb is not here");
    };
    let root = folder.path().join("root");
    // As a package manager unpacks it, without its data base, which needs the system's administrator.
    run("dpkg-deb", &["-x", package.to_str().unwrap(), root.to_str().unwrap()]);
    check_installed(&root.join("usr"));
    let control = String::from_utf8(run("dpkg-deb", &["-f", package.to_str().unwrap()]).stdout).unwrap();
    assert!(
        control.contains(concat!("Version: ", env!("CARGO_PKG_VERSION"))) && control.contains("libc6"),
        "{control}"
    );
}
