//! Small files in the published layouts (`scripts/make-factor-sets`), whole and damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::Stream;
use crate::data::{DataError, Dataset, OpenOptions, open};

fn files(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/known-factors").join(name)
}

/// Opens a set at 8 pixels, prepared in a folder of its own.
fn opened(kind: &str, path: &Path, cache: &Path) -> Result<Arc<dyn Dataset>, DataError> {
    let options = OpenOptions { cache_dir: cache.to_owned(), threads: 2, ..OpenOptions::default() };
    open(&format!("{kind}:{}", path.display()), Some(8), &options)
}

fn refusal(kind: &str, path: &Path, cache: &Path) -> String {
    opened(kind, path, cache).err().unwrap_or_else(|| panic!("{kind} is refused")).to_string()
}

/// What the script writes, as it is read: the picture of this number, `(3, 8, 8)`.
fn picture(number: usize) -> Vec<f32> {
    let value = |at: usize| {
        let (channel, row, column) = (at / 64, at / 8 % 8, at % 8);
        ((row + 8 * column + 60 * channel + 20 * number) % 256) as f32 / 255.0
    };
    (0..192).map(value).collect()
}

fn read(set: &dyn Dataset, index: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; set.picture_shape().iter().product()];
    set.read(index, 0, &mut out).expect("reads");
    out
}

fn sizes(set: &dyn Dataset) -> Vec<usize> {
    set.factors().iter().map(|factor| factor.values.len()).collect()
}

#[test]
fn shapes3d_in_every_packing_has_its_pictures_and_its_factors_by_value() {
    for kind in ["contiguous", "gzip", "shuffle", "latest-fixed", "latest-tree", "v108"] {
        let cache = tempfile::tempdir().expect("temporary folder");
        let path = files(&format!("shapes3d-{kind}.h5"));
        let set = opened("shapes3d", &path, cache.path()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!((set.len(), set.picture_shape(), sizes(&*set)), (24, [3, 8, 8], vec![1, 2, 1, 2, 2, 3]));
        assert_eq!(set.factors()[3].name, "scale");
        assert_eq!(set.factors()[3].values, [0.75, 0.75 + 0.5 / 7.0]);
        assert_eq!(
            (set.classes(23), set.with_classes(&[0, 1, 0, 1, 1, 2])),
            (vec![0, 1, 0, 1, 1, 2], Some(23))
        );
        assert!(!set.is_costly() && !set.may_flip());
        (0..24).for_each(|index| assert_eq!(read(&*set, index), picture(index), "{kind} {index}"));
    }
}

#[test]
fn mpi3d_is_read_with_labels_and_refused_without_where_it_is_too_small() {
    let cache = tempfile::tempdir().expect("temporary folder");
    let set = opened("mpi3d", &files("mpi3d.npz"), cache.path()).expect("opens");
    assert_eq!((set.len(), sizes(&*set)), (48, vec![2, 2, 1, 1, 2, 2, 3]));
    assert_eq!(set.factors()[0].names, ["white", "green"]);
    assert_eq!(set.factors()[4].names, ["purple", "sea green"]);
    assert!(set.factors()[6].names.is_empty());
    (0..48).for_each(|index| assert_eq!(read(&*set, index), picture(index), "{index}"));
    let error = refusal("mpi3d", &files("falcor3d.zip"), cache.path());
    assert!(error.starts_with("it has no array images"), "{error}");
    let error = refusal("mpi3d", &files("shapes3d-gzip.h5"), cache.path());
    assert!(error.starts_with("not an npz file"), "{error}");
}

#[test]
fn both_halves_of_smallnorb_are_read_with_the_first_picture_of_each_pair() {
    let cache = tempfile::tempdir().expect("temporary folder");
    let set = opened("smallnorb", &files("smallnorb"), cache.path()).expect("opens");
    assert_eq!((set.len(), set.picture_shape(), sizes(&*set)), (24, [1, 8, 8], vec![2, 1, 2, 3]));
    assert_eq!(set.factors()[0].names, ["animal", "truck"]);
    let values = [&set.factors()[1].values, &set.factors()[2].values, &set.factors()[3].values];
    assert_eq!(values, [&vec![40.0], &vec![0.0, 340.0], &vec![0.0, 1.0, 5.0]]);
    for index in 0..24 {
        let classes = set.classes(index);
        let instance = if index < 12 { 4 } else { 1 };
        let shade = [0, 3][classes[0]] * 50 + [0, 34][classes[2]] + [0, 1, 5][classes[3]] + 10 * instance;
        assert_eq!(read(&*set, index), vec![shade as f32 / 255.0; 64], "{index} {classes:?}");
    }
    // one picture of each combination in each half
    let mut stream = Stream::new(0, "test");
    let shared: Vec<usize> = (0..40).map(|_| set.sharing(3, 2, &mut stream)).collect();
    assert!(shared.iter().all(|&index| set.classes(index)[3] == 2));
    assert!(shared.iter().any(|&index| index < 12) && shared.iter().any(|&index| index >= 12));
    let wanted = [1, 0, 0, 2];
    assert_eq!(set.with_classes(&wanted).map(|index| set.classes(index)).as_deref(), Some(&wanted[..]));
}

#[test]
fn missing_and_exchanged_files_of_smallnorb_are_named() {
    let (folder, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    for entry in std::fs::read_dir(files("smallnorb")).expect("lists") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("copies");
    }
    let part =
        |part: &str| folder.path().join(format!("smallnorb-5x46789x9x18x6x2x96x96-training-{part}.mat"));
    std::fs::copy(part("cat"), part("info")).expect("copies");
    let error = refusal("smallnorb", folder.path(), cache.path());
    assert!(error.starts_with("it should hold whole numbers of shape [12, 4]"), "{error}");
    assert!(error.ends_with("training-info.mat"), "{error}");
    std::fs::remove_file(part("info")).expect("removes");
    let error = refusal("smallnorb", folder.path(), cache.path());
    assert!(error.contains("-training-info.mat or -training-info.mat.gz"), "{error}");
}

/// The cars' files in the published archive, in no order and among others.
fn packed_cars(path: &Path) {
    let file = std::fs::File::create(path).expect("creates");
    let packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content).expect("adds");
    };
    add("data/cars/list.txt", b"car_001\n");
    for car in ["car_002_mesh.mat", "car_001_mesh.mat"] {
        add(&format!("data/cars/{car}"), &std::fs::read(files("cars3d").join(car)).expect("reads"));
    }
    add("data/sprites/sprites_1.mat", b"something else");
    archive.into_inner().expect("ends").finish().expect("ends");
}

#[test]
fn cars3d_is_put_in_the_order_of_its_factors_from_folder_and_archive() {
    let (folder, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let archive = folder.path().join("data.tar.gz");
    packed_cars(&archive);
    for path in [files("cars3d"), archive] {
        let set = opened("cars3d", &path, cache.path()).expect("opens");
        assert_eq!((set.len(), sizes(&*set)), (16, vec![2, 4, 2]), "{}", path.display());
        assert_eq!(set.factors()[2].names, ["car_001", "car_002"]);
        for index in 0..16 {
            let [elevation, azimuth, object] = set.classes(index)[..] else { panic!("three factors") };
            assert_eq!(index, (elevation * 4 + azimuth) * 2 + object);
            assert_eq!(read(&*set, index), picture(8 * object + 4 * elevation + azimuth), "{index}");
        }
    }
}

#[test]
fn numbered_pictures_have_the_labels_of_their_rows() {
    let cache = tempfile::tempdir().expect("temporary folder");
    let set = opened("isaac3d", &files("isaac3d"), cache.path()).expect("opens");
    assert_eq!((set.len(), sizes(&*set)), (12, vec![1, 2, 1, 1, 3, 1, 1, 1, 2]));
    assert_eq!(
        (set.factors()[4].name.as_str(), &*set.factors()[4].values),
        ("robot_y", &[0.0, 0.5, 1.0][..])
    );
    (0..12).for_each(|index| assert_eq!(read(&*set, index), picture(index), "{index}"));
    let set = opened("falcor3d", &files("falcor3d.zip"), cache.path()).expect("opens");
    assert_eq!((set.len(), sizes(&*set)), (6, vec![2, 1, 1, 3, 1, 1, 1]));
    assert_eq!(read(&*set, 5), picture(5));
    let error = refusal("falcor3d", &files("isaac3d"), cache.path());
    assert!(error.starts_with("it has 9 columns, and Falcor3D has 7 factors"), "{error}");
    let error = refusal("isaac3d", &files("isaac3d/images"), cache.path());
    assert!(error.contains("labels.npy"), "{error}");
}

#[test]
fn a_picture_that_is_missing_leaves_the_others_their_labels() {
    let (folder, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::create_dir(folder.path().join("images")).expect("makes");
    std::fs::copy(files("isaac3d/labels.npy"), folder.path().join("labels.npy")).expect("copies");
    for number in [11, 3, 4] {
        let name = format!("images/{number:06}.png");
        std::fs::copy(files("isaac3d").join(&name), folder.path().join(&name)).expect("copies");
    }
    let set = opened("isaac3d", folder.path(), cache.path()).expect("opens");
    // labels of 3, 4 and 11: scale 0, 0, 1; robot y 0.5, 1, 1; wall 1, 0, 1
    let classes: Vec<[usize; 3]> =
        (0..3).map(|index| [1, 4, 8].map(|factor| set.classes(index)[factor])).collect();
    assert_eq!(classes, [[0, 0, 1], [0, 1, 0], [1, 1, 1]]);
    assert_eq!(read(&*set, 2), picture(11));
    std::fs::copy(files("isaac3d/images/000001.png"), folder.path().join("images/000012.png"))
        .expect("copies");
    let error = refusal("isaac3d", folder.path(), cache.path());
    assert!(error.starts_with("its labels have 12 rows and none for this picture"), "{error}");
    assert!(error.ends_with("000012.png"), "{error}");
}

#[test]
fn celeba_has_its_attributes_where_their_list_is() {
    let cache = tempfile::tempdir().expect("temporary folder");
    let set = opened("celeba", &files("celeba/img_align_celeba"), cache.path()).expect("opens");
    let names: Vec<&str> = set.factors().iter().map(|factor| factor.name.as_str()).collect();
    assert_eq!((set.len(), names, set.may_flip()), (4, vec!["Bald", "Smiling", "Young"], true));
    assert_eq!(
        (&*set.factors()[0].values, &set.factors()[0].names[1]),
        (&[-1.0, 1.0][..], &"yes".to_owned())
    );
    let classes: Vec<Vec<usize>> = (0..4).map(|index| set.classes(index)).collect();
    assert_eq!(classes, [[0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]]);
    let mut stream = Stream::new(0, "test");
    assert!((0..20).all(|_| [1, 3].contains(&set.sharing(0, 1, &mut stream))));
    let alone = tempfile::tempdir().expect("temporary folder");
    std::fs::copy(files("celeba/img_align_celeba/000001.jpg"), alone.path().join("7.jpg")).expect("copies");
    assert!(opened("celeba", alone.path(), cache.path()).expect("opens").factors().is_empty());
    std::fs::copy(files("celeba/list_attr_celeba.txt"), alone.path().join("list_attr_celeba.txt"))
        .expect("copies");
    let error = refusal("celeba", alone.path(), cache.path());
    assert!(error.starts_with("it has no line for 7.jpg"), "{error}");
}

#[test]
fn pictures_are_scaled_where_another_size_is_asked_for() {
    let cache = tempfile::tempdir().expect("temporary folder");
    let options = OpenOptions { cache_dir: cache.path().to_owned(), ..OpenOptions::default() };
    let at = |size| open(&format!("smallnorb:{}", files("smallnorb").display()), size, &options);
    let set = at(Some(16)).expect("opens");
    assert_eq!(set.picture_shape(), [1, 16, 16]);
    let small = opened("smallnorb", &files("smallnorb"), cache.path()).expect("opens");
    assert_eq!(read(&*set, 5)[0], read(&*small, 5)[0], "shades stay");
    assert_eq!(at(None).expect("opens").picture_shape(), [1, 64, 64]);
    assert!(at(Some(4)).err().is_some_and(|error| error.to_string().contains("8 to 2048")));
}

#[test]
fn what_is_prepared_is_opened_without_the_pictures_and_changed_files_are_prepared_again() {
    let (folder, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("3dshapes.h5");
    let bytes = std::fs::read(files("shapes3d-gzip.h5")).expect("reads");
    std::fs::write(&path, &bytes).expect("writes");
    let time = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
    opened("shapes3d", &path, cache.path()).expect("prepares");
    // as long and as old, and no HDF5 file any more
    std::fs::write(&path, vec![0; bytes.len()]).expect("writes");
    let file = std::fs::File::options().write(true).open(&path).expect("opens");
    file.set_modified(time).expect("sets the time");
    let set = opened("shapes3d", &path, cache.path()).expect("is found");
    assert_eq!(read(&*set, 7), picture(7));
    std::fs::write(&path, &bytes[..3000]).expect("writes");
    let error = refusal("shapes3d", &path, cache.path());
    assert!(error.contains("it has 3000 bytes of the") && error.ends_with("3dshapes.h5"), "{error}");
}

#[test]
fn damaged_files_are_refused_in_words_and_flipped_bytes_do_no_harm() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (kind, name) in
        [("shapes3d", "shapes3d-shuffle.h5"), ("mpi3d", "mpi3d.npz"), ("falcor3d", "falcor3d.zip")]
    {
        let bytes = std::fs::read(files(name)).expect("reads");
        let path = folder.path().join(name);
        let attempt = |bytes: &[u8]| {
            let cache = tempfile::tempdir().expect("temporary folder");
            std::fs::write(&path, bytes).expect("writes");
            opened(kind, &path, cache.path()).map(drop).map_err(|error| error.to_string())
        };
        for len in (0..bytes.len()).step_by(bytes.len() / 20) {
            let error = attempt(&bytes[..len]).expect_err("cut short");
            assert!(error.ends_with(name) && !error.contains('\n'), "{kind} cut to {len}: {error}");
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 50) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let said = attempt(&damaged);
            assert!(said.is_ok() || said.is_err_and(|error| !error.contains('\n')), "{kind} {at}");
        }
    }
}

#[test]
fn a_file_with_other_data_sets_is_told_what_it_holds() {
    let cache = tempfile::tempdir().expect("temporary folder");
    let error = refusal("shapes3d", &files("indices.h5"), cache.path());
    assert!(error.contains("it holds fixed, growing, tree"), "{error}");
    let error = refusal("shapes3d", &files("shapes3d-lzf.h5"), cache.path());
    assert!(error.contains("packed with LZF") && error.contains("h5repack"), "{error}");
    let error = refusal("shapes3d", &files("mpi3d.npz"), cache.path());
    assert!(error.contains("npz"), "{error}");
}
