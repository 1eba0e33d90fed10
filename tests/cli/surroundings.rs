//! Masks and links, full disks, homes that cannot be written, names that a terminal or a shell would obey.
#![cfg(unix)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::toy::{id_gan, listing};

/// Runs a script in `folder` in which `$IDGAN` is the program.
fn shell(folder: &Path, script: &str) -> Output {
    Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("IDGAN", env!("CARGO_BIN_EXE_idgan"))
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Where each kind of writer writes to, and its words.
const WRITERS: [(&str, &str); 5] = [
    ("a.npz", "sample model.safetensors --count 3 --out a.npz"),
    ("a.png", "traverse model.safetensors --dims 0 --steps 2 --out a.png"),
    ("a.gif", "traverse model.safetensors --dims 0 --steps 2 --out a.gif"),
    ("b.safetensors", "convert model.safetensors --out b.safetensors"),
    ("pictures", "sample model.safetensors --count 2 --out pictures"),
];

#[test]
fn the_umask_decides_who_reads_what_was_written() {
    for (mask, file, dir) in [("077", 0o600, 0o700), ("002", 0o664, 0o775)] {
        let folder = id_gan();
        for (name, words) in WRITERS {
            let output = shell(folder.path(), &format!("umask {mask}; exec $IDGAN {words}"));
            assert!(output.status.success(), "{}", said(&output));
            let path = folder.path().join(name);
            let expected = if path.is_dir() { dir } else { file };
            assert_eq!(mode(&path), expected, "umask {mask}, {name}");
            if path.is_dir() {
                let first = std::fs::read_dir(path).unwrap().next().unwrap().unwrap();
                assert_eq!(mode(&first.path()), file, "umask {mask}, inside of {name}");
            }
        }
    }
}

#[test]
fn what_a_link_leads_to_is_written() {
    let folder = id_gan();
    std::fs::create_dir(folder.path().join("elsewhere")).unwrap();
    for (name, words) in WRITERS {
        let target = Path::new("elsewhere").join(name);
        symlink(&target, folder.path().join(name)).unwrap();
        let output = shell(folder.path(), &format!("$IDGAN {words}"));
        assert!(output.status.success(), "{}", said(&output));
        assert!(folder.path().join(name).is_symlink() && folder.path().join(target).exists(), "{name}");
    }
}

#[test]
fn a_disk_that_is_full_is_told_in_one_sentence_and_nothing_is_left() {
    let folder = id_gan();
    let before = listing(folder.path());
    // the smallest limit that there is, at most a kilobyte; what a library says of the error must not be seen
    for (name, words) in WRITERS {
        let output = shell(folder.path(), &format!("ulimit -f 1; exec $IDGAN {words}"));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.starts_with("error: the file would be larger than is allowed here"), "{name}: {said}");
        assert_eq!(said.lines().count(), 1, "{name}: {said}");
        assert_eq!(listing(folder.path()), before, "{name} left something behind");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_is_told_as_a_full_disk() {
    let folder = id_gan();
    symlink("/dev/full", folder.path().join("full.npz")).unwrap();
    let output = shell(folder.path(), "$IDGAN sample model.safetensors --count 9 --out full.npz");
    let said = said(&output);
    assert!(said.starts_with("error: no space left on the device; free some"), "{said}");
    assert!(said.lines().count() == 1 && said.trim_end().ends_with("full.npz"), "{said}");
}

#[test]
fn a_home_that_cannot_be_written_is_no_hindrance() {
    let folder = id_gan();
    std::fs::create_dir(folder.path().join("pictures")).unwrap();
    std::fs::create_dir(folder.path().join("spare")).unwrap();
    for name in ["a.png", "b.png"] {
        image::RgbImage::new(70, 64).save(folder.path().join("pictures").join(name)).unwrap();
    }
    let prepare = "$IDGAN data prepare images:pictures --size 64";
    // a file is no folder for anybody, root included
    let home = "unset XDG_CACHE_HOME; export HOME=$PWD/model.safetensors";
    let output = shell(folder.path(), &format!("{home} TMPDIR=$PWD/spare; {prepare}"));
    let told = said(&output);
    assert!(output.status.success() && told.contains("spare") && told.contains("--cache DIR"), "{told}");
    let is_made = |path: &Path| path.extension().is_some_and(|extension| extension == "idgan-cache");
    assert!(listing(&folder.path().join("spare")).iter().any(|(path, _)| is_made(path)));
    for script in [
        format!("{home} TMPDIR=/dev/null; {prepare}"),
        format!("{prepare} --cache model.safetensors"),
        format!("{prepare} --cache /dev/null/cache"),
    ] {
        let output = shell(folder.path(), &script);
        let told = said(&output);
        assert!(output.status.code() == Some(1) && told.contains("--cache DIR"), "{script}: {told}");
    }
}

#[test]
fn no_name_and_no_content_reaches_a_terminal_raw() {
    let folder = id_gan();
    let nasty = b"a\x1b[31m\x07\r\x9b\xc2\x9b2J\xe2\x80\xae";
    let name = OsStr::from_bytes(nasty);
    let dir = folder.path().join(name);
    std::fs::create_dir(&dir).unwrap();
    let picture = dir.join(OsStr::from_bytes(&[nasty.as_slice(), b".png"].concat()));
    image::RgbImage::new(64, 64).save_with_format(&picture, image::ImageFormat::Png).unwrap();
    std::fs::write(dir.join("broken.heic"), b"\0\0\0\x18ftypheic").unwrap();
    std::fs::write(folder.path().join("x.toml"), "\"a\\u001b[31m\" = 1").unwrap();
    let header = "{\"a\x1b[31m\":{\"dtype\":\"\x1b\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    std::fs::write(folder.path().join("x.safetensors"), bytes).unwrap();
    let spec = [b"images:", dir.as_os_str().as_bytes()].concat();
    let spec = OsStr::from_bytes(&spec);
    let words: [&[&OsStr]; 9] = [
        &["data".as_ref(), "info".as_ref(), spec],
        &["data".as_ref(), "info".as_ref(), "--json".as_ref(), spec],
        &["data".as_ref(), "info".as_ref(), name],
        &["inspect".as_ref(), "x.safetensors".as_ref()],
        &["inspect".as_ref(), dir.as_os_str()],
        &["stats".as_ref(), "model.safetensors".as_ref(), "--images".as_ref(), dir.as_os_str()],
        &["train".as_ref(), "vae".as_ref(), "--dry-run".as_ref(), "--config".as_ref(), "x.toml".as_ref()],
        &["sample".as_ref(), name],
        &[name],
    ];
    for words in words {
        let output = Command::new(env!("CARGO_BIN_EXE_idgan"))
            .args(words)
            .current_dir(folder.path())
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let raw = text.chars().find(|&letter| {
            (letter.is_control() && letter != '\n' && letter != '\t') || letter == '\u{202e}'
        });
        assert_eq!(raw, None, "{words:?}: {text:?}");
        assert!(!text.is_empty(), "{words:?}");
    }
}

#[test]
fn a_hint_can_be_pasted_whatever_the_folder_is_called() {
    for name in ["my run", "it's $HOME", "esc\x1b[31m", "--resume"] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_idgan"))
            .args(["train", "vae", "--steps", "1", "--batch", "2", "--sample-every", "0"])
            .arg(format!("--out={name}"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let (_, hint) =
            text.trim_end().rsplit_once("with: ").unwrap_or_else(|| panic!("{text} {}", said(&output)));
        let words = hint.strip_prefix("idgan explore ").unwrap();
        let script = format!("$IDGAN inspect {words}/checkpoint.safetensors");
        let output = shell(folder.path(), &script);
        assert!(output.status.success(), "{script}: {}", said(&output));
    }
}

#[test]
fn an_older_compiler_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (version, is_enough) in
        [("1.80.1", false), ("1.94.0-nightly", false), ("1.9.0", false), ("1.95.0", true), ("2.0.0", true)]
    {
        let rustc = folder.path().join("rustc");
        std::fs::write(&rustc, format!("#!/bin/sh\necho 'rustc {version} (abc 2026-01-01)'\n")).unwrap();
        std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
        // a system where the rest of the script has nothing to do
        let uname = folder.path().join("uname");
        std::fs::write(&uname, "#!/bin/sh\necho Darwin\n").unwrap();
        std::fs::set_permissions(&uname, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/setup"))
            .arg("run")
            .env("PATH", format!("{}:{path}", folder.path().display()))
            .output()
            .unwrap();
        let told = said(&output);
        assert_eq!(output.status.success(), is_enough, "{version}: {told}");
        let expected = concat!("needs Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer");
        assert!(is_enough || (told.contains(expected) && told.lines().count() == 1), "{told}");
    }
}
