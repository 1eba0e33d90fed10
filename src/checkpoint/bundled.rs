//! Models that the program brings along, inside itself.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::contents::DESCRIPTION_KEY;
use crate::base::{FileError, cache_folder, spare_folder, write_atomic};
use crate::model::ModelDescription;

/// A trained model inside the program.
#[derive(Clone, Copy, Debug)]
pub struct BundledModel {
    /// What it is called on the command line, for instance `sprites-64`.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// The bundle, as it would lie in a file.
    pub bytes: &'static [u8],
    /// Its model card, Markdown.
    pub card: &'static str,
    /// One of its pictures, PNG.
    pub picture: &'static [u8],
}

/// The model in `checkpoints/NAME.safetensors` with its card `checkpoints/NAME.md` and its picture `checkpoints/NAME.png`.
macro_rules! bundled {
    ($name:literal, $title:literal) => {
        BundledModel {
            name: $name,
            title: $title,
            bytes: include_bytes!(concat!("../../checkpoints/", $name, ".safetensors")),
            card: include_str!(concat!("../../checkpoints/", $name, ".md")),
            picture: include_bytes!(concat!("../../checkpoints/", $name, ".png")),
        }
    };
}

/// All of them, the best first: it is what the window shows when no model is named. To add one, put its files into
/// `checkpoints/` and a line here.
pub const BUNDLED: &[BundledModel] = &[
    bundled!("scenes-128", "Scenes, 128 px: hues, shape and azimuth of an object in a room"),
    bundled!("sprites-64", "Sprites, 64 px: y, x and scale, from dSprites"),
];

impl BundledModel {
    /// The one called `name` among `models`.
    pub fn find(models: &'static [Self], name: &str) -> Option<&'static Self> {
        models.iter().find(|model| model.name == name)
    }

    /// What the model is, as the bundle says; only its header is read.
    pub fn description(&self) -> Option<ModelDescription> {
        let (_, header) = safetensors::SafeTensors::read_metadata(self.bytes).ok()?;
        ModelDescription::parse(header.metadata().as_ref()?.get(DESCRIPTION_KEY)?).ok()
    }

    /// Puts the bundle into a file, so that everything that opens files opens it too, and says where. The file lies
    /// in `folder` under the model's name and is written only when it is not there already.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn unpack(&self, folder: &Path) -> Result<PathBuf, FileError> {
        std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder))?;
        let path = folder.join(format!("{}.safetensors", self.name));
        if std::fs::read(&path).is_ok_and(|there| there == self.bytes) {
            return Ok(path);
        }
        write_atomic::<FileError>(&path, |writer| {
            writer.write_all(self.bytes).map_err(|error| FileError::new(error, &path))
        })?;
        Ok(path)
    }

    /// Unpacks into the user's cache folder, or into the system's temporary folder where there is none or nothing
    /// can be written there.
    ///
    /// # Errors
    /// When neither can be written.
    pub fn unpack_for_user(&self) -> Result<PathBuf, FileError> {
        match own_folder().map(|folder| self.unpack(&folder)) {
            Some(Ok(path)) => Ok(path),
            _ => self.unpack(&spare_folder("bundled")),
        }
    }

    /// The bundled model that [`BundledModel::unpack_for_user`] put at `path`: what is written there is lost.
    pub fn at(path: &Path) -> Option<&'static Self> {
        let folder = path.parent()?;
        let is_ours = own_folder().is_some_and(|own| own == folder) || spare_folder("bundled") == folder;
        Self::find(BUNDLED, path.file_stem()?.to_str()?).filter(|_| is_ours)
    }

    /// What people call the model at `path`: the name of a bundled one, or the path.
    pub fn name_or_path(path: &Path) -> String {
        Self::at(path).map_or_else(|| path.display().to_string(), |model| model.name.to_owned())
    }
}

/// Where bundled models are unpacked: the user's cache folder, where there is one.
fn own_folder() -> Option<PathBuf> {
    cache_folder().map(|folder| folder.join("bundled"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use crate::checkpoint::{Precision, Sources, open, write_bundle};
    use crate::model::{CodeBlock, GAN, Model, VAE};
    use crate::nets::{Parameters, VaeConfig};

    /// A bundle with an untrained VAE.
    fn tiny() -> &'static [u8] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("tiny.safetensors");
        let config = VaeConfig { channels: 1, c_dim: 2 };
        let mut description = ModelDescription::empty("tiny");
        description.codes.push(CodeBlock::disentangled(2));
        let weights = config.initialise_uniform(&mut Stream::new(1, "weights"));
        let model = Model::new(description.with_vae(config, "c")).with_weights(VAE, weights);
        write_bundle(&path, &model, Precision::F16).expect("writes");
        std::fs::read(&path).expect("reads").leak()
    }

    #[test]
    fn a_bundled_model_opens_like_any_file() {
        let bundled =
            BundledModel { name: "tiny", title: "A tiny model", bytes: tiny(), card: "# Tiny", picture: b"" };
        assert_eq!(bundled.description().map(|description| description.name), Some("tiny".to_owned()));
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = bundled.unpack(&folder.path().join("new/folder")).expect("unpacks");
        let sources = Sources { checkpoint: Some(path.clone()), ..Sources::default() };
        assert_eq!(open(&sources).expect("opens").model.description.name, "tiny");
        std::fs::write(&path, b"damaged").expect("writes");
        assert_eq!(bundled.unpack(&folder.path().join("new/folder")).expect("repairs"), path);
        assert_eq!(std::fs::read(&path).expect("reads"), bundled.bytes);
    }

    #[test]
    fn every_bundled_model_describes_itself() {
        for model in BUNDLED {
            let description = model.description().expect("a sound header");
            assert!(!description.codes.is_empty() && description.data.is_some(), "{}", model.name);
            assert!(model.bytes.len() <= 8_000_000, "{} is too large to be cloned by everybody", model.name);
            let picture = image::load_from_memory(model.picture).expect("a sound picture");
            let size = description.picture_shape(GAN).map(|[_, _, width]| width as u32);
            assert_eq!(Some(picture.width()), size, "{}", model.name);
        }
    }

    #[test]
    fn models_are_found_by_name_and_unknown_ones_are_not() {
        let models: &'static [BundledModel] =
            vec![BundledModel { name: "tiny", title: "", bytes: b"", card: "", picture: b"" }].leak();
        assert_eq!(BundledModel::find(models, "tiny").map(|model| model.name), Some("tiny"));
        assert!(BundledModel::find(models, "huge").is_none() && BundledModel::find(&[], "tiny").is_none());
        let (known, spare) = (&BUNDLED[0], spare_folder("bundled"));
        let path = spare.join(format!("{}.safetensors", known.name));
        assert_eq!(BundledModel::at(&path).map(|model| model.name), Some(known.name));
        assert!(BundledModel::at(&spare.join("mine.safetensors")).is_none());
        assert!(
            BundledModel::at(Path::new("elsewhere").join(path.file_name().expect("a name")).as_path())
                .is_none()
        );
    }
}
