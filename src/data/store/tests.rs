use std::fs;
use std::io::Write;

use super::*;

/// What a PNG begins with; nothing here decodes.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn names(store: &Store) -> Vec<String> {
    store.entries().iter().map(|entry| entry.name().display().to_string()).collect()
}

fn put(root: &Path, name: &str, content: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("has one")).expect("makes");
    fs::write(path, content).expect("writes");
}

/// The names of what looks like a picture, and all that was passed over.
fn pictures(store: &Store) -> (Vec<String>, PassedOver) {
    let (places, passed) = store.pictures(&Pool::new("test", 2).expect("starts")).expect("looks");
    let all = names(store);
    (places.iter().map(|&place| all[place as usize].clone()).collect(), passed.and(store.passed_over()))
}

const FILES: [(&str, &[u8]); 4] =
    [("a/one.txt", b"first"), ("a/two.txt", &[7; 1000]), ("a.png", PNG), ("b.txt", b"third")];

fn make_folder(root: &Path) {
    for (name, content) in FILES {
        put(root, name, content);
    }
    put(root, ".hidden", b"no");
}

#[test]
fn folders_zips_and_tars_hold_the_same_files_in_the_same_order() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("folder");
    make_folder(&folder);
    let mut tar = tar::Builder::new(File::create(root.path().join("files.tar")).expect("creates"));
    tar.append_dir_all(".", &folder).expect("appends");
    tar.finish().expect("finishes");
    let mut zip = zip::ZipWriter::new(File::create(root.path().join("files.zip")).expect("creates"));
    for (i, (name, content)) in FILES.into_iter().chain([("__MACOSX/._a.png", PNG)]).enumerate() {
        let method = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated][i % 2];
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(name, options).expect("starts");
        zip.write_all(content).expect("writes");
    }
    zip.add_symlink("link.png", "a.png", zip::write::SimpleFileOptions::default()).expect("adds");
    zip.finish().expect("finishes");
    for path in [folder, root.path().join("files.tar"), root.path().join("files.zip")] {
        let store = Store::open(&path).expect("lists");
        // `.` comes before `/`
        assert_eq!(names(&store), ["a.png", "a/one.txt", "a/two.txt", "b.txt"], "{}", path.display());
        for entry in store.entries() {
            let expected = FILES.iter().find(|(name, _)| entry.name() == Path::new(name)).expect("known").1;
            assert_eq!(store.read(entry).expect("reads"), expected, "{}", path.display());
        }
        let (pictures, passed) = pictures(&store);
        assert_eq!(pictures, ["a.png"]);
        assert_eq!((passed.others, passed.hidden), (3, 1), "{}", path.display());
        assert_eq!(passed.nowhere, usize::from(path.extension().is_some_and(|ending| ending == "zip")));
    }
}

#[test]
fn the_fingerprint_changes_with_any_file() {
    let root = tempfile::tempdir().expect("temporary folder");
    make_folder(root.path());
    let fingerprint = || Store::open(root.path()).expect("lists").fingerprint().to_owned();
    let before = fingerprint();
    assert_eq!(before, fingerprint());
    put(root.path(), "b.txt", b"changed");
    assert_ne!(before, fingerprint());
}

#[test]
fn content_decides_and_what_is_passed_over_is_counted() {
    let root = tempfile::tempdir().expect("temporary folder");
    for name in ["1.png", "2", "3.jpe", "4.txt", "inner/5.heic"] {
        put(root.path(), name, PNG);
    }
    put(root.path(), "6.jpg", b"");
    put(root.path(), "notes.txt", b"no picture");
    put(root.path(), "x.heic", b"\0\0\0\x18ftypheic");
    put(root.path(), "y.AVIF", b"\0\0\0\x18ftypavif");
    for hidden in
        ["._1.png", ".DS_Store", ".ipynb_checkpoints/1.png", "@eaDir/1.png/SYNOFILE_THUMB_M.png", "Thumbs.db"]
    {
        put(root.path(), hidden, PNG);
    }
    let store = Store::open(root.path()).expect("lists");
    let (pictures, passed) = pictures(&store);
    assert_eq!(
        pictures,
        ["1.png", "2", "3.jpe", "4.txt", "6.jpg", "inner/5.heic"],
        "an empty .jpg is missed"
    );
    assert_eq!((passed.hidden, passed.others), (5, 1));
    assert_eq!(passed.foreign, [("AVIF".to_owned(), 1), ("HEIC".to_owned(), 1)].into());
}

#[test]
fn a_picture_is_a_store_of_one_and_other_files_are_named_for_what_they_are() {
    let root = tempfile::tempdir().expect("temporary folder");
    let path = root.path().join("one");
    fs::write(&path, PNG).expect("writes");
    let store = Store::open(&path).expect("opens");
    assert_eq!((names(&store), store.path_of(&store.entries()[0])), (vec!["one".to_owned()], path.clone()));
    assert_eq!(store.read(&store.entries()[0]).expect("reads"), PNG);
    for (content, expected) in [
        (&b"\x1f\x8b\x08\0"[..], "a gzip file (a compressed tar?), which is not read here; unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"", "the file is empty"),
        (b"PK\x05\x06 not really", "damaged"),
        (b"anything else", "neither a folder, a picture, nor a zip or tar archive"),
    ] {
        fs::write(&path, content).expect("writes");
        let error = Store::open(&path).expect_err("refused").to_string();
        assert!(error.contains(expected) && error.ends_with("one"), "{error}");
    }
    let gone = Store::open(Path::new("~nobody/photos")).expect_err("not there").to_string();
    assert!(gone.contains("write the whole path"), "{gone}");
}

#[test]
fn an_archive_cut_short_is_refused_whole_and_an_odd_member_alone() {
    let root = tempfile::tempdir().expect("temporary folder");
    let path = root.path().join("cut.tar");
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["a.png", "b.png"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(2000);
        header.set_cksum();
        tar.append_data(&mut header, name, [1; 2000].as_slice()).expect("appends");
    }
    let whole = tar.into_inner().expect("finishes");
    fs::write(&path, &whole[..4000]).expect("writes");
    let error = Store::open(&path).expect_err("cut").to_string();
    assert!(error.contains("ends in the middle of b.png; it was cut short"), "{error}");
    let mut header = tar::Header::new_gnu();
    header.set_path("huge.png").expect("short name");
    header.set_size(1 << 40);
    header.set_cksum();
    fs::write(&path, header.as_bytes()).expect("writes");
    assert!(Store::open(&path).expect_err("lies").to_string().contains("huge.png"));

    let path = root.path().join("odd.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).expect("creates"));
    for name in ["a.png", "b.png"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("starts");
        zip.write_all(PNG).expect("writes");
    }
    zip.finish().expect("finishes");
    let whole = fs::read(&path).expect("reads");
    let last = whole.windows(4).rposition(|w| w == b"PK\x01\x02").expect("there");
    let first = whole.windows(4).position(|w| w == b"PK\x01\x02").expect("there");
    for (at, value, expected) in [(10, 14, "compressed with LZMA"), (8, 1, "encrypted with a password")] {
        let mut odd = whole.clone();
        odd[last + at] = value;
        fs::write(&path, &odd).expect("writes");
        let store = Store::open(&path).expect("opens");
        assert_eq!(pictures(&store).0, ["a.png", "b.png"], "missed where it is left out");
        assert!(store.read(&store.entries()[0]).is_ok());
        let error = store.read(&store.entries()[1]).expect_err("odd").to_string();
        assert!(error.contains(expected) && error.ends_with("b.png"), "{error}");
        if at == 8 {
            odd[first + at] = value;
            fs::write(&path, &odd).expect("writes");
            let error = Store::open(&path).expect_err("all of it").to_string();
            assert!(error.contains("encrypted with a password; unpack it"), "{error}");
        }
    }
}

#[test]
fn a_file_that_vanished_is_named() {
    let root = tempfile::tempdir().expect("temporary folder");
    make_folder(root.path());
    let store = Store::open(root.path()).expect("lists");
    fs::remove_dir_all(root.path().join("a")).expect("removes");
    let error = store.read(&store.entries()[1]).expect_err("gone").to_string();
    assert!(error.contains("vanished") && error.ends_with("one.txt"), "{error}");
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_are_followed_and_everything_is_read_once() {
        let root = tempfile::tempdir().expect("temporary folder");
        let folder = root.path().join("folder");
        put(&folder, "own.png", PNG);
        put(&folder, "inner/deep.png", PNG);
        put(root.path(), "elsewhere/far.png", PNG);
        put(root.path(), "elsewhere/.cache/blob", PNG);
        put(root.path(), "single.png", PNG);
        let link = |to: &str, name: &str| symlink(to, folder.join(name)).expect("links");
        link(".", "loop");
        link("..", "inner/up");
        link("nowhere.png", "dangling.png");
        link("self", "self");
        link("inner", "again");
        link("own.png", "own_again.png");
        link("../elsewhere", "linked");
        link("../elsewhere", "linked_twice");
        link("../single.png", "x1.png");
        link("../single.png", "x2.png");
        link("../elsewhere/.cache/blob", "blob");
        fs::hard_link(folder.join("own.png"), folder.join("z_hard.png")).expect("links");
        let store = Store::open(&folder).expect("lists");
        assert_eq!(names(&store), ["blob", "inner/deep.png", "linked/far.png", "own.png", "x1.png"]);
        let passed = store.passed_over();
        assert_eq!((passed.nowhere, passed.hidden), (2, 1));
        // loop, up, again, own_again, linked_twice, x2, z_hard
        assert_eq!(passed.twice, 7, "{passed}");
        assert!(store.entries().iter().all(|entry| store.read(entry).is_ok_and(|content| content == PNG)));
    }

    #[test]
    fn links_to_folders_that_link_back_end() {
        let root = tempfile::tempdir().expect("temporary folder");
        for (name, other) in [("a", "b"), ("b", "a")] {
            put(root.path(), &format!("{name}/{name}.png"), PNG);
            symlink(format!("../{other}"), root.path().join(name).join("other")).expect("links");
        }
        let store = Store::open(&root.path().join("a")).expect("lists");
        assert_eq!(names(&store), ["a.png", "other/b.png"]);
    }

    #[test]
    fn names_are_bytes() {
        let root = tempfile::tempdir().expect("temporary folder");
        for name in [&b"bild_\xe4.png"[..], b"bild_\xf6.png"] {
            fs::write(root.path().join(OsStr::from_bytes(name)), name).expect("writes");
        }
        let store = Store::open(root.path()).expect("lists");
        assert_eq!(store.entries().len(), 2);
        for entry in store.entries() {
            assert_eq!(store.read(entry).expect("reads"), entry.name().as_os_str().as_bytes());
        }
    }

    #[test]
    fn what_may_not_be_read_is_passed_over_and_counted() {
        let root = tempfile::tempdir().expect("temporary folder");
        put(root.path(), "a.png", PNG);
        put(root.path(), "secret.png", PNG);
        put(root.path(), "closed/b.png", PNG);
        let mode = |name: &str, mode: u32| {
            fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(mode)).expect("sets");
        };
        let before = Store::open(root.path()).expect("lists").fingerprint().to_owned();
        mode("secret.png", 0);
        mode("closed", 0);
        let store = Store::open(root.path()).expect("lists");
        assert_ne!(before, store.fingerprint(), "who may read a file counts");
        let may_read_all = File::open(root.path().join("secret.png")).is_ok();
        let (pictures, passed) = pictures(&store);
        mode("closed", 0o700);
        if may_read_all {
            println!("skipped: this user may read everything");
            return;
        }
        assert_eq!(pictures, ["a.png"]);
        assert_eq!((passed.denied, passed.denied_first), (2, "closed".into()));
    }

    #[test]
    fn pipes_are_passed_over() {
        let root = tempfile::tempdir().expect("temporary folder");
        put(root.path(), "a.png", PNG);
        let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe.png")).status();
        assert!(made.is_ok_and(|status| status.success()));
        let store = Store::open(root.path()).expect("lists");
        assert_eq!((names(&store), store.passed_over().special), (vec!["a.png".to_owned()], 1));
        let error = Store::open(&root.path().join("pipe.png")).expect_err("a pipe").to_string();
        assert!(error.contains("a pipe or a device"), "{error}");
    }
}
