//! Where the files behind a configuration lie, named so that the run can go on from any folder.

use std::path::Path;

use crate::base::{FileError, expand_home};
use crate::checkpoint::{BUNDLED, BundledModel};
use crate::data::absolute_spec;

use super::TrainConfig;

impl TrainConfig {
    /// The same configuration with absolute paths, and with the files of bundled models in the place of their names. A
    /// file or folder of that name is preferred to a bundled model.
    ///
    /// # Errors
    /// When a bundled model cannot be unpacked.
    pub fn with_absolute_paths(mut self) -> Result<Self, FileError> {
        self.data = absolute_spec(&self.data);
        absolute(&mut self.picture);
        if let Some(cycle) = &mut self.cycle {
            cycle.data2 = absolute_spec(&cycle.data2);
        }
        if let Some(vae) = &mut self.vae {
            absolute_model(&mut vae.start)?;
        }
        if let Some(gan) = &mut self.gan {
            absolute_model(&mut gan.start)?;
            absolute_model(&mut gan.vae)?;
        }
        Ok(self)
    }
}

fn absolute(path: &mut String) {
    if !path.is_empty()
        && let Ok(absolute) = std::path::absolute(expand_home(Path::new(path)))
    {
        *path = absolute.display().to_string();
    }
}

fn absolute_model(path: &mut String) -> Result<(), FileError> {
    let bundled = if Path::new(path).exists() { None } else { BundledModel::find(BUNDLED, path) };
    match bundled {
        Some(model) => *path = model.unpack_for_user()?.display().to_string(),
        None => absolute(path),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, preset};

    #[test]
    fn paths_become_absolute_and_what_is_no_path_stays() {
        let mut config = preset(Family::Gan, "dsprites-small").expect("exists");
        config.data = "scream-dsprites:sprites.npz".into();
        config.picture = "scream.jpg".into();
        config.gan.as_mut().expect("a GAN").vae = "runs/vae".into();
        let resolved = config.with_absolute_paths().expect("nothing to unpack");
        let here = std::env::current_dir().expect("a folder");
        let inside = |name: &str| here.join(name).display().to_string();
        assert_eq!(resolved.data, format!("scream-dsprites:{}", inside("sprites.npz")));
        assert_eq!(resolved.picture, inside("scream.jpg"));
        let gan = resolved.gan.clone().expect("a GAN");
        assert_eq!((gan.vae, gan.start), (inside("runs/vae"), String::new()));
        assert_eq!(resolved.clone().with_absolute_paths().ok(), Some(resolved), "once is enough");
        for spec in ["dsprites", "scenes", "scenes:500", "images:", "nonsense"] {
            assert_eq!(absolute_spec(spec), spec);
        }
    }

    #[test]
    fn a_bundled_model_is_found_by_its_name() {
        let mut config = preset(Family::Gan, "dsprites-small").expect("exists");
        config.gan.as_mut().expect("a GAN").vae = "sprites-64".into();
        let vae = config.with_absolute_paths().ok().and_then(|config| config.gan).map(|gan| gan.vae);
        assert!(vae.is_some_and(|path| Path::new(&path).is_file()));
    }
}
