use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::known::KnownPictures;
use super::labelled::{LabelledPictures, Part};
use super::photos::{Layout, Photos};
use super::scenes::{DrawnScenes, Scenes};
use super::sprites::{self, Sprites, Variant};
use super::{DataError, Dataset, OpenOptions};
use crate::base::expand_home;

/// What can be opened, for messages and help.
pub const KNOWN_SPECS: &str = "\
dsprites[:FILE.npz]        white sprites, drawn by the program or from the published file
color-dsprites[:FILE.npz]  in random colours
noisy-dsprites[:FILE.npz]  on uniform noise
scream-dsprites[:FILE.npz] on crops of a painting (--picture FILE for another)
scenes                     rendered rooms with six known factors, 64 to 1024 pixels
scenes:COUNT               so many of them, drawn once and kept in the cache: for training
shapes3d:FILE.h5           3D Shapes, 3dshapes.h5: 480,000 pictures, six known factors
cars3d:PATH                Cars3D, nips2015-analogy-data.tar.gz or its folder data/cars: elevation, azimuth, object
smallnorb:DIR              SmallNORB, the six .mat files of both halves, plain or .gz: four known factors
mpi3d:FILE.npz             MPI3D toy, realistic, real or real-complex: seven known factors
isaac3d:PATH               Isaac3D, a folder, zip or tar of images/NNNNNN.png and labels.npy: nine known factors
falcor3d:PATH              Falcor3D, the same with train-rec.labels: seven known factors
images:DIR                 any pictures, at any depth of a folder (or a zip or tar, or one picture)
labels:DIR                 the same in a folder for each label, which becomes a factor
mnist:DIR                  the 60,000 digits of train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or .gz
mnist-test:DIR             the 10,000 of t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte
svhn:FILE.mat              the cropped digits, train_32x32.mat or test_32x32.mat
celeba:PATH                img_align_celeba, the folder or the zip; with list_attr_celeba.txt beside it 40 factors
celeba-hq:PATH             the 1024x1024 pictures, a folder or a zip
chairs:PATH                rendered_chairs, the folder or the tar
cars:PATH                  a folder with cars_train, cars_test and devkit";

/// The data sets that the program draws by itself, without files.
pub const DRAWN_BY_PROGRAM: [&str; 5] =
    ["dsprites", "color-dsprites", "noisy-dsprites", "scream-dsprites", "scenes"];

/// Side of a rendered scene when none is asked for.
const SCENE_SIDE: usize = 128;

/// Opens the data set that `spec` names; `size` is the side of its square pictures in pixels, `None` for the
/// set's usual one.
///
/// # Errors
/// When the specification is not known (the message lists those that are), a file or folder cannot be read
/// or does not hold what it should, or `options.cancel` was raised.
pub fn open(spec: &str, size: Option<usize>, options: &OpenOptions) -> Result<Arc<dyn Dataset>, DataError> {
    let (name, path) = match spec.split_once(':') {
        Some((name, path)) => (name, Some(path).filter(|path| !path.is_empty())),
        None => (spec, None),
    };
    let path: Option<PathBuf> = path.map(|path| expand_home(Path::new(path)));
    let path = path.as_deref();
    match name {
        "dsprites" => open_sprites(spec, Variant::Plain, path, size, options),
        "color-dsprites" => open_sprites(spec, Variant::Colour, path, size, options),
        "noisy-dsprites" => open_sprites(spec, Variant::Noisy, path, size, options),
        "scream-dsprites" => open_sprites(spec, Variant::Scream, path, size, options),
        "scenes" => scenes(spec, size.unwrap_or(SCENE_SIDE), options),
        "images" => photos(spec, Layout::Images, path, size, options),
        "labels" => photos(spec, Layout::Labels, path, size, options),
        "mnist" => {
            Ok(Arc::new(LabelledPictures::mnist(spec, needed(spec, path, "FOLDER")?, Part::Train, size)?))
        }
        "mnist-test" => {
            Ok(Arc::new(LabelledPictures::mnist(spec, needed(spec, path, "FOLDER")?, Part::Test, size)?))
        }
        "svhn" => Ok(Arc::new(LabelledPictures::svhn(spec, needed(spec, path, "train_32x32.mat")?, size)?)),
        "shapes3d" => known(spec, name, path, "3dshapes.h5", size, options),
        "cars3d" => known(spec, name, path, "nips2015-analogy-data.tar.gz", size, options),
        "smallnorb" => known(spec, name, path, "FOLDER", size, options),
        "mpi3d" => known(spec, name, path, "mpi3d_toy.npz", size, options),
        "isaac3d" | "falcor3d" => known(spec, name, path, "FOLDER", size, options),
        "celeba" => photos(spec, Layout::CelebA, path, size, options),
        "celeba-hq" => photos(spec, Layout::CelebAHq, path, size, options),
        "chairs" => photos(spec, Layout::Chairs, path, size, options),
        "cars" => photos(spec, Layout::Cars, path, size, options),
        _ => Err(unknown(spec)),
    }
}

fn unknown(spec: &str) -> DataError {
    DataError::Spec(format!(
        "there is no data set called {spec:?}; known are {}; `idgan data --help` explains them",
        known_names().join(", ")
    ))
}

/// Whether `spec` begins with the name of a data set; what it names need not be there.
pub fn is_known(spec: &str) -> bool {
    let name = spec.split(':').next().unwrap_or_default();
    let plain = |known: &str| known.split([':', '[']).next().is_some_and(|known| known == name);
    known_names().into_iter().any(plain)
}

/// Whether the pictures of the set that `spec` names have known factors, a label among them; nothing is opened.
pub fn has_factors(spec: &str) -> bool {
    let name = spec.split(':').next().unwrap_or_default();
    DRAWN_BY_PROGRAM.contains(&name) || ["labels", "mnist", "mnist-test", "svhn"].contains(&name)
}

/// The same data set named so that it is found from every folder: a relative path becomes absolute.
pub fn absolute_spec(spec: &str) -> String {
    match spec.split_once(':') {
        // after scenes: comes a number
        Some((name, path)) if name != "scenes" && !path.is_empty() => match absolute(path) {
            Ok(path) => format!("{name}:{}", path.display()),
            Err(_) => spec.to_owned(),
        },
        _ => spec.to_owned(),
    }
}

fn absolute(path: &str) -> std::io::Result<PathBuf> {
    std::path::absolute(expand_home(Path::new(path)))
}

/// The specification of the set that the pictures of `spec` are drawn from: [`Dataset::whole`], without opening it.
pub fn whole_spec(spec: &str) -> &str {
    match spec.split_once(':') {
        Some(("scenes", _)) => "scenes",
        _ => spec,
    }
}

/// The version of the pictures that the program draws for a data set: it is another one where the same index gave another
/// picture before. Files and sets that were never drawn otherwise have the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DrawingVersion(u32);

impl Default for DrawingVersion {
    fn default() -> Self {
        Self(1)
    }
}

impl DrawingVersion {
    /// How this program draws the set that `spec` names.
    pub fn of(spec: &str) -> Self {
        match spec.strip_suffix("dsprites") {
            Some("" | "color-" | "noisy-" | "scream-") => Self(sprites::DRAWING),
            _ => Self::default(),
        }
    }

    /// Whether it is the first: what is kept of a run or a model says nothing then.
    pub fn is_first(&self) -> bool {
        *self == Self::default()
    }
}

/// The first word of each line of [`KNOWN_SPECS`].
fn known_names() -> Vec<&'static str> {
    KNOWN_SPECS.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

fn scenes(spec: &str, size: usize, options: &OpenOptions) -> Result<Arc<dyn Dataset>, DataError> {
    match spec.split_once(':') {
        None => Ok(Arc::new(Scenes::new(size)?)),
        Some((_, count)) => Ok(Arc::new(DrawnScenes::open(spec, count, size, options)?)),
    }
}

fn open_sprites(
    spec: &str,
    variant: Variant,
    path: Option<&Path>,
    size: Option<usize>,
    options: &OpenOptions,
) -> Result<Arc<dyn Dataset>, DataError> {
    match size.unwrap_or(64) {
        size @ (32 | 64) => Ok(Arc::new(Sprites::open(spec, variant, path, size, options)?)),
        size => Err(DataError::Spec(format!(
            "{spec} has pictures of 64 pixels, or of 32, not {size}; leave the size out"
        ))),
    }
}

fn known(
    spec: &str,
    name: &str,
    path: Option<&Path>,
    example: &str,
    size: Option<usize>,
    options: &OpenOptions,
) -> Result<Arc<dyn Dataset>, DataError> {
    let opened = KnownPictures::open(spec, name, needed(spec, path, example)?, size, options)?;
    Ok(Arc::new(opened.ok_or_else(|| unknown(spec))?))
}

fn photos(
    spec: &str,
    layout: Layout,
    path: Option<&Path>,
    size: Option<usize>,
    options: &OpenOptions,
) -> Result<Arc<dyn Dataset>, DataError> {
    Ok(Arc::new(Photos::open(spec, layout, needed(spec, path, "FOLDER")?, size, options)?))
}

/// The path that `spec` must name, for instance one like `example`.
fn needed<'a>(spec: &str, path: Option<&'a Path>, example: &str) -> Result<&'a Path, DataError> {
    path.ok_or_else(|| {
        let name = spec.trim_end_matches(':');
        DataError::Spec(format!("{name} needs a path, for instance {name}:{example}"))
    })
}
