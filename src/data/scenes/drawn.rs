use super::{Scenes, VERSION};
use crate::base::Stream;
use crate::data::pixels::{PixelFile, Wanted, from_planes, write_planes};
use crate::data::{DataError, Dataset, OpenOptions};

/// Scenes drawn at random once, factors and nuisance alike, and rendered once into the cache, so that training
/// reads them as it reads photographs and does not wait for the renderer.
///
/// Scene k is the same in every `scenes:COUNT` and at every size. What does not fit into the cache is rendered each
/// time, to the same bytes.
pub(in crate::data) struct DrawnScenes {
    spec: String,
    scenes: Scenes,
    count: usize,
    pixels: PixelFile,
}

impl DrawnScenes {
    /// The first `count` (a number in words) scenes at `size` pixels; the first time they are rendered.
    pub(in crate::data) fn open(
        spec: &str,
        count: &str,
        size: usize,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        let scenes = Scenes::new(size)?;
        let count =
            count.parse().ok().filter(|count| (1..=scenes.len()).contains(count)).ok_or_else(|| {
                DataError::Spec(format!(
                    "{spec}: after scenes: comes how many to draw, 1 to {}, for instance scenes:50000",
                    scenes.len()
                ))
            })?;
        let name = format!("scenes-{size}-{count}-{VERSION}");
        let wanted = Wanted { name: &name, pictures: count, size, doing: "rendering scenes" };
        let pixels = PixelFile::open(&wanted, options, |index| render(&scenes, index))?;
        Ok(Self { spec: spec.to_owned(), scenes, count, pixels })
    }
}

/// The pixels of scene `place` among those drawn.
fn render(scenes: &Scenes, place: usize) -> Result<Vec<u8>, DataError> {
    let index = Stream::for_item(0, "drawn scenes", place as u64).below(scenes.len());
    let mut planes = vec![0.0; scenes.picture_shape().iter().product()];
    scenes.read(index, place as u64, &mut planes)?;
    Ok(from_planes(&planes))
}

impl Dataset for DrawnScenes {
    fn spec(&self) -> &str {
        &self.spec
    }

    fn whole(&self) -> &str {
        self.scenes.spec()
    }

    fn len(&self) -> usize {
        self.count
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.scenes.picture_shape()
    }

    fn is_costly(&self) -> bool {
        self.pixels.cached() < self.count
    }

    fn read(&self, index: usize, _draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        if index < self.pixels.cached() {
            return self.pixels.read(index, out);
        }
        write_planes(&render(&self.scenes, index)?, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::open;

    #[test]
    fn drawn_scenes_are_the_same_from_the_cache_and_without_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let options =
            OpenOptions { cache_dir: folder.path().to_owned(), threads: 2, ..OpenOptions::default() };
        let none = OpenOptions { cache_dir: folder.path().join("none"), cache_bytes: 0, ..options.clone() };
        let (cached, rendered) = (open("scenes:5", Some(64), &options), open("scenes:6", Some(64), &none));
        let (cached, rendered) = (cached.expect("opens"), rendered.expect("opens"));
        assert_eq!((cached.len(), cached.whole(), cached.is_costly()), (5, "scenes", false));
        assert!(rendered.is_costly() && cached.factors().is_empty());
        let read = |set: &dyn Dataset, index: usize, draw: u64| {
            let mut out = vec![f32::NAN; 3 * 64 * 64];
            set.read(index, draw, &mut out).expect("reads");
            out
        };
        for index in 0..5 {
            assert_eq!(read(&*cached, index, 0), read(&*rendered, index, 9), "scene {index}");
        }
        assert_ne!(read(&*cached, 0, 0), read(&*cached, 1, 0));
    }

    #[test]
    fn a_count_that_makes_no_sense_is_refused_in_words() {
        for spec in ["scenes:", "scenes:0", "scenes:many", "scenes:900001"] {
            let error = open(spec, Some(64), &OpenOptions::default()).err().expect("refused").to_string();
            assert!(error.contains("scenes:50000"), "{spec}: {error}");
        }
    }
}
