//! Checkpoints and arrays that are cut short, flipped, or made to do harm.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::common::made::vae_file;
use crate::counting::peak_of;
use idgan::base::{Array, Stream};
use idgan::checkpoint::npz::{NpzArray, NpzFile, write_npz};
use idgan::checkpoint::pickle::TorchFile;
use idgan::checkpoint::{
    CheckpointError, Opened, Precision, Sources, export_torch, open, summarise, write_bundle, write_tensors,
};
use idgan::model::GENERATOR;
use idgan::nets::VaeConfig;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What a damaged file of a few kilobytes may take.
const SMALL: usize = 1 << 20;
/// What any of these files may take.
const LIMIT: usize = 1 << 30;

pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

fn open_one(path: &Path) -> Result<Opened, CheckpointError> {
    open(&Sources { checkpoint: Some(path.into()), ..Sources::default() })
}

/// One small valid file of each format.
fn valid_files(folder: &Path) -> Vec<PathBuf> {
    let bundle = folder.join("bundle.safetensors");
    write_bundle(&bundle, &open_one(&data("tiny_model.pt")).unwrap().model, Precision::F32).unwrap();
    let codes = folder.join("codes.npz");
    let array = Array::new([5, 4], (0..20).map(|v| v as f32).collect()).unwrap();
    write_npz(&codes, &[("c", NpzArray::F32(&array)), ("note", NpzArray::Text("x"))]).unwrap();
    vec![data("tiny_model.pt"), data("tiny_model.legacy.pt"), data("views.deflated.pt"), bundle, codes]
}

/// Opens the file in every way there is and reads all of it.
fn exercise(path: &Path) {
    let _ = open_one(path);
    let _ = summarise(path);
    if let Ok(mut file) = NpzFile::open(path) {
        for name in file.names().into_iter().map(str::to_owned).collect::<Vec<_>>() {
            let _ = file.array(&name);
        }
    }
    if let Ok(mut file) = TorchFile::open(path) {
        let tensors: Vec<_> = file
            .root()
            .entries()
            .into_iter()
            .flatten()
            .filter_map(|(_, value)| value.as_tensor().cloned())
            .collect();
        for tensor in tensors {
            let _ = file.array(&tensor);
        }
    }
}

fn assert_harmless(path: &Path, most: usize, what: &str) {
    let peak = peak_of(|| exercise(path));
    assert!(peak <= most, "{what} took {peak} bytes");
}

#[test]
fn the_allocator_counts() {
    assert!((1 << 20..1 << 21).contains(&peak_of(|| drop(std::hint::black_box(vec![1u8; 1 << 20])))));
}

#[test]
fn every_truncation_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut");
    for file in valid_files(folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for i in 0..200 {
            let len = bytes.len() * i / 200;
            std::fs::write(&cut, &bytes[..len]).unwrap();
            let message = open_one(&cut).expect_err("cut short").to_string();
            assert!(message.ends_with(cut.to_str().unwrap()) && !message.contains('\n'), "{message}");
            assert_harmless(&cut, SMALL, &format!("{} cut to {len}", file.display()));
        }
    }
}

#[test]
fn flipped_bytes_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let flipped = folder.path().join("flipped");
    let mut stream = Stream::new(1, "flips");
    for file in valid_files(folder.path()) {
        let mut bytes = std::fs::read(&file).unwrap();
        for _ in 0..2000 {
            let at = stream.below(bytes.len());
            let old = bytes[at];
            bytes[at] ^= 1 + stream.below(255) as u8;
            std::fs::write(&flipped, &bytes).unwrap();
            assert_harmless(&flipped, SMALL, &format!("{} with byte {at} {:#x}", file.display(), bytes[at]));
            bytes[at] = old;
        }
    }
}

#[test]
fn flipped_bytes_of_the_pickle_in_a_sound_archive_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.pt");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(data("views.pt")).unwrap()).unwrap();
    let mut members = Vec::new();
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).unwrap();
        let mut content = Vec::new();
        std::io::copy(&mut member, &mut content).unwrap();
        members.push((member.name().unwrap().into_owned(), content));
    }
    let pickle = members.iter().position(|(name, _)| name.ends_with("data.pkl")).unwrap();
    let sound = members[pickle].1.clone();
    let mut stream = Stream::new(2, "flips");
    for _ in 0..2000 {
        members[pickle].1.clone_from(&sound);
        for _ in 0..=stream.below(3) {
            let at = stream.below(sound.len());
            members[pickle].1[at] = stream.below(256) as u8;
        }
        let borrowed: Vec<_> =
            members.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        std::fs::write(&path, self::archive(&borrowed, CompressionMethod::Stored)).unwrap();
        assert_harmless(&path, LIMIT / 2, "a flipped pickle");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_do_no_harm(kind in 0usize..6, bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arbitrary");
        let content = match kind {
            0 => bytes,
            1 => [b"PK\x03\x04".to_vec(), bytes].concat(),
            2 => [b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec(), bytes]
                .concat(),
            3 => torch_zip(&[&[0x80, 2], bytes.as_slice()].concat(), &[]),
            4 => [(bytes.len() as u64).to_le_bytes().to_vec(), b"{".to_vec(), bytes].concat(),
            _ => archive(&[("c.npy", &[b"\x93NUMPY\x01\x00".to_vec(), bytes].concat())], CompressionMethod::Deflated),
        };
        std::fs::write(&path, content).unwrap();
        assert_harmless(&path, SMALL, "arbitrary bytes");
    }
}

fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A PyTorch file around `pickle` and `storages`.
fn torch_zip(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let mut members = vec![("x/data.pkl".to_owned(), pickle)];
    members.extend(storages.iter().map(|(key, content)| (format!("x/data/{key}"), *content)));
    let members: Vec<_> = members.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    archive(&members, CompressionMethod::Deflated)
}

/// The older encoding around `pickle`.
fn torch_legacy(pickle: &[u8]) -> Vec<u8> {
    let head = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
    [head, pickle, b"\x80\x02]."].concat()
}

fn text(text: &str) -> Vec<u8> {
    [b"X".to_vec(), (text.len() as u32).to_le_bytes().to_vec(), text.as_bytes().to_vec()].concat()
}

fn int(value: i64) -> Vec<u8> {
    [b"\x8a\x08".to_vec(), value.to_le_bytes().to_vec()].concat()
}

/// A tensor over storage `key` of `len` numbers.
fn tensor(class: &str, key: &str, len: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let tuple =
        |items: &[i64]| [b"(".to_vec(), items.iter().flat_map(|&i| int(i)).collect(), b"t".to_vec()].concat();
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        format!("c{}\n", class.replacen('.', "\n", 1)).into_bytes(),
        text(key),
        text("cpu"),
        int(len),
        b"tQ".to_vec(),
        int(offset),
        tuple(shape),
        tuple(strides),
        b"\x89}tR".to_vec(),
    ]
    .concat()
}

/// A pickle of one dict with one entry.
fn dict(key: &str, value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}".to_vec(), text(key), value.to_vec(), b"s.".to_vec()].concat()
}

fn read_tensor(bytes: &[u8]) -> Result<Array, CheckpointError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.pt");
    std::fs::write(&path, bytes).unwrap();
    let mut result = None;
    let peak = peak_of(|| {
        result = Some(TorchFile::open(&path).and_then(|mut file| {
            let tensor = file.root().get("w").unwrap().as_tensor().unwrap().clone();
            file.array(&tensor)
        }));
    });
    assert!(peak <= LIMIT, "took {peak} bytes");
    result.unwrap()
}

#[test]
fn a_pickle_that_asks_to_run_something_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.pt");
    for (module, name) in
        [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("torch.nn", "Module")]
    {
        let call =
            [format!("c{module}\n{name}\n").into_bytes(), text("touch owned"), b"\x85R".to_vec()].concat();
        let pickle = dict("generator", &call);
        for bytes in [torch_zip(&pickle, &[]), torch_legacy(&pickle)] {
            std::fs::write(&path, bytes).unwrap();
            let message = open_one(&path).unwrap_err().to_string();
            assert!(message.contains(&format!("asks to run `{module}.{name}`")), "{message}");
            assert!(message.ends_with("evil.pt"), "{message}");
        }
    }
}

#[test]
fn recursive_and_million_fold_pickles_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memo.pt");
    let repeat = |unit: &[u8], times: usize| unit.repeat(times);
    let numbered = |times: u32| -> Vec<u8> {
        (0..times).flat_map(|i| [b"r".to_vec(), i.to_le_bytes().to_vec()].concat()).collect()
    };
    // Each list holds the one before it twice: 2^n items to whoever walks it.
    let doubling =
        [b"\x80\x02]q\x00".to_vec(), repeat(b"](h\x00h\x00eq\x00", 100_000), b".".to_vec()].concat();
    let cases = [
        ("a list that holds itself", b"\x80\x02]q\x00h\x00a.".to_vec()),
        (
            "a dict that holds itself",
            [b"\x80\x02}q\x00".to_vec(), text("generator"), b"h\x00s.".to_vec()].concat(),
        ),
        (
            "a million entries in the memo",
            [b"\x80\x02}".to_vec(), numbered(1_000_000), b".".to_vec()].concat(),
        ),
        (
            "a million references",
            [b"\x80\x02}q\x00(".to_vec(), repeat(b"h\x00", 1_000_000), b"t.".to_vec()].concat(),
        ),
        ("doubling lists", doubling),
        ("nesting without end", [b"\x80\x02)".to_vec(), repeat(&[0x85], 1_900_000), b".".to_vec()].concat()),
        ("empty dicts without end", [b"\x80\x02".to_vec(), repeat(b"}", 3_000_000), b".".to_vec()].concat()),
        ("marks without end", [b"\x80\x02".to_vec(), repeat(b"(", 3_000_000), b".".to_vec()].concat()),
        ("a text that claims 4 GB", b"\x80\x02X\xff\xff\xff\xff.".to_vec()),
        ("a name without end", [b"\x80\x02c".to_vec(), repeat(b"a", 1_000_000)].concat()),
    ];
    for (what, pickle) in cases {
        for bytes in [torch_zip(&pickle, &[]), torch_legacy(&pickle)] {
            std::fs::write(&path, bytes).unwrap();
            assert!(open_one(&path).is_err(), "{what}");
            assert_harmless(&path, LIMIT / 2, what);
        }
    }
}

#[test]
fn tensors_that_lie_about_their_storage_are_refused() {
    let bytes = [0u8; 16];
    let lie = |len, offset, shape: &[i64], strides: &[i64]| {
        let pickle = dict("w", &tensor("torch.FloatStorage", "0", len, offset, shape, strides));
        read_tensor(&torch_zip(&pickle, &[("0", &bytes)]))
    };
    assert_eq!(lie(4, 0, &[2, 2], &[2, 1]).unwrap().shape(), [2, 2]);
    assert_eq!(lie(4, 3, &[1], &[i64::MAX]).unwrap().shape(), [1]);
    for (what, result) in [
        ("more than the storage", lie(4, 0, &[5], &[1])),
        ("behind its end", lie(4, 4, &[1], &[1])),
        ("by strides", lie(4, 0, &[2, 2], &[3, 1])),
        ("a storage that claims more than it has", lie(1 << 40, 0, &[1 << 40], &[1])),
        ("an overflowing shape", lie(4, 0, &[1 << 40, 1 << 40], &[0, 0])),
        ("an overflowing stride", lie(4, 0, &[3, 3], &[i64::MAX, i64::MAX])),
        ("an overflowing offset", lie(4, i64::MAX, &[1], &[1])),
        ("one number so often that four times as many are none", lie(4, 0, &[1 << 62], &[0])),
        ("one number a thousand million times", lie(4, 0, &[1_000_000_000], &[0])),
    ] {
        let message = result.expect_err(what).to_string();
        assert!(message.ends_with("file.pt"), "{what}: {message}");
    }
    for (what, class, expected) in [
        ("complex", "torch.ComplexFloatStorage", "of type complex64, which is not supported"),
        ("quantised", "torch.QInt8Storage", "of type qint8, which is not supported"),
    ] {
        let pickle = dict("w", &tensor(class, "0", 1, 0, &[1], &[1]));
        let message = read_tensor(&torch_zip(&pickle, &[("0", &bytes)])).expect_err(what).to_string();
        assert!(message.contains(expected), "{message}");
    }
    let pickle = dict("w", &tensor("torch.FloatStorage", "7", 4, 0, &[4], &[1]));
    assert!(
        read_tensor(&torch_zip(&pickle, &[("0", &bytes)]))
            .unwrap_err()
            .to_string()
            .contains("`7` is missing")
    );
}

#[test]
fn a_storage_that_unpacks_to_gigabytes_is_refused_in_time() {
    // 1 MB on disk, 600 MB of zeros inside: within deflate's limit, beyond the budget.
    let zeros = vec![0u8; 600 << 20];
    let len = (zeros.len() / 4) as i64;
    let pickle = dict("w", &tensor("torch.FloatStorage", "0", len, 0, &[len], &[1]));
    let bytes = torch_zip(&pickle, &[("0", &zeros)]);
    drop(zeros);
    assert!(bytes.len() < 2 << 20);
    assert!(read_tensor(&bytes).unwrap_err().to_string().contains("many times the size"));
}

#[test]
fn safetensors_headers_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lie.safetensors");
    for (what, header_len, header, bytes) in [
        ("huge header", u64::MAX, "{", 0),
        ("header of 100 MB", 100_000_000, "{", 0),
        (
            "overlap",
            0,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
            6,
        ),
        (
            "out of range",
            0,
            r#"{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#,
            4,
        ),
        ("wrong size", 0, r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}"#, 4),
        ("unknown type", 0, r#"{"a":{"dtype":"STRING","shape":[1],"data_offsets":[0,4]}}"#, 4),
        (
            "a type that cannot be read",
            0,
            r#"{"fc.weight":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}"#,
            8,
        ),
    ] {
        let len = if header_len == 0 { header.len() as u64 } else { header_len };
        let content = [len.to_le_bytes().to_vec(), header.into(), vec![0; bytes]].concat();
        std::fs::write(&path, content).unwrap();
        let message = open_one(&path).expect_err(what).to_string();
        assert!(message.ends_with("lie.safetensors") && !message.contains('\n'), "{message}");
        assert_harmless(&path, SMALL, what);
    }
    // Four megabytes of brackets in the header.
    let deep = [b"{\"a\":".to_vec(), b"[".repeat(4 << 20)].concat();
    let wide = [b"{\"a\":[".to_vec(), b"[],".repeat(1 << 20), b"0]}".to_vec()].concat();
    for header in [deep, wide] {
        std::fs::write(&path, [(header.len() as u64).to_le_bytes().to_vec(), header].concat()).unwrap();
        assert!(open_one(&path).is_err());
        assert_harmless(&path, LIMIT / 2, "brackets");
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.safetensors");
    let model = open_one(&data("tiny_model.pt")).unwrap().model;
    let changed = |change: &dyn Fn(&mut idgan::base::Arrays)| {
        let mut generator = model.group(GENERATOR).clone();
        change(&mut generator);
        let tensors: Vec<_> = generator.iter().map(|(name, a)| (name.clone(), a, Precision::F32)).collect();
        write_tensors(&path, &tensors, ("a", "b")).unwrap();
        open_one(&path)
    };
    assert!(changed(&|_| {}).is_ok());
    let message = changed(&|g| drop(g.remove("resnet.2.conv_1.bias"))).unwrap_err().to_string();
    assert!(
        message.starts_with("tensor `resnet.2.conv_1.bias` of the generator is missing (expected shape [2])"),
        "{message}"
    );
    let swap = |g: &mut idgan::base::Arrays| {
        let weight = g.remove("conv_img.weight").unwrap();
        g.insert("conv_img.weight".into(), Array::new([2, 3, 3, 3], weight.into_data()).unwrap());
    };
    let message = changed(&swap).unwrap_err().to_string();
    assert!(message.contains("expected") && message.contains("has shape"), "{message}");
    let message =
        changed(&|g| drop(g.insert("resnet.2.bn.weight".into(), Array::zeros([1])))).unwrap_err().to_string();
    assert!(message.contains("tensor `resnet.2.bn.weight` with shape [1] belongs to no layer"), "{message}");

    let poisoned = changed(&|g| {
        for name in ["conv_img.bias", "fc.bias"] {
            g.get_mut(name).unwrap().data_mut()[..2].copy_from_slice(&[f32::NAN, f32::INFINITY]);
        }
    });
    let warnings = poisoned.unwrap().warnings;
    assert!(warnings[0].starts_with("4 values of the generator are not finite"), "{warnings:?}");
    assert!(warnings[0].contains("first in `conv_img.bias`"), "{warnings:?}");
}

#[test]
fn files_that_do_not_belong_together_are_refused_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let vae = vae_file(&folder.path().join("vae"), VaeConfig { channels: 1, c_dim: 10 });
    let pair = |vae: &Path, gan: &Path| {
        open(&Sources { vae: Some(vae.into()), gan: Some(gan.into()), ..Sources::default() })
            .unwrap_err()
            .to_string()
    };
    let message = pair(&vae, &data("tiny_model.pt"));
    assert!(message.contains("code has 10 dimensions, but the generator takes only 5"), "{message}");
    assert!(message.contains("vae/last") && message.ends_with("tiny_model.pt"), "{message}");
    let message = pair(&data("tiny_model.pt"), &data("tiny_model.pt"));
    assert!(message.contains("holds no VAE (a GAN's file goes with --gan)"), "{message}");
    let message = pair(&vae, &vae);
    assert!(message.contains("holds no GAN (a VAE's file goes with --vae)"), "{message}");
    let codes = folder.path().join("codes.npz");
    write_npz(&codes, &[("c", NpzArray::U8(&[1], &[0]))]).unwrap();
    let message = open_one(&codes).unwrap_err().to_string();
    assert!(message.contains("its tensors (`c`) belong to no network"), "{message}");
}

#[test]
fn paths_that_are_no_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, b"").unwrap();
    for (path, expected) in [
        (folder.path().join("nothing"), "no such file"),
        (folder.path().to_owned(), "this folder is no run"),
        (empty, "the file is empty"),
        (PathBuf::from("/dev/zero"), "not an ordinary file"),
    ] {
        let message = open_one(&path).unwrap_err().to_string();
        assert!(message.contains(expected) && message.ends_with(path.to_str().unwrap()), "{message}");
    }
    std::fs::write(folder.path().join("config.toml"), b"").unwrap();
    assert!(
        open_one(folder.path())
            .unwrap_err()
            .to_string()
            .contains("has not written checkpoint.safetensors yet")
    );
}

#[test]
fn an_output_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let model = open_one(&data("tiny_model.pt")).unwrap().model;
    let nowhere = folder.path().join("missing/x.safetensors");
    assert!(write_bundle(&nowhere, &model, Precision::F32).is_err());
    let file = folder.path().join("file");
    std::fs::write(&file, b"in the way").unwrap();
    assert!(export_torch(&file, &model).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(&file).unwrap(), b"in the way");
}
