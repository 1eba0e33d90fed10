use crate::data::Factor;
use crate::data::factor_table::KnownFactors;

/// A published set of pictures whose factors are known.
#[derive(Debug)]
pub(super) struct KnownSet {
    /// What its specification begins with.
    pub(super) name: &'static str,
    /// What its authors call it.
    pub(super) title: &'static str,
    /// Pictures that are published.
    pub(super) pictures: usize,
    /// Channels of a picture, 1 or 3.
    pub(super) channels: usize,
    /// Side of the square pictures in the files; of sets that are published at several, the smallest.
    pub(super) side: usize,
    /// Side when none is asked for.
    pub(super) usual_size: usize,
    /// The factors, the first varying slowest.
    pub(super) factors: &'static [KnownFactor],
}

/// A factor: its name, how many values the published set has, and what they are called where numbers do not say it.
#[derive(Debug)]
pub(super) struct KnownFactor(pub(super) &'static str, pub(super) usize, pub(super) &'static [&'static str]);

impl KnownFactor {
    /// The factor with a name for each class, or the numbers from 0 on for values.
    pub(super) fn factor(&self) -> Factor {
        match self.2 {
            [] => Factor::of_values(self.0, (0..self.1).map(|class| class as f64).collect()),
            names => Factor::of_names(self.0, names),
        }
    }
}

impl KnownSet {
    /// The factors of pictures with these labels, a row of as many numbers as the set has factors for each, and the classes of
    /// each; classes that have names are called by them.
    ///
    /// # Errors
    /// Where the labels are no classes, in words that go on after what holds them.
    pub(super) fn known(&self, labels: &[f64]) -> Result<KnownFactors, String> {
        let names: Vec<&str> = self.factors.iter().map(|factor| factor.0).collect();
        let mut known = KnownFactors::of_values(&names, labels)?;
        for (factor, KnownFactor(.., names)) in known.factors.iter_mut().zip(self.factors) {
            let name = |&value: &f64| {
                names
                    .iter()
                    .zip(0u32..)
                    .find(|&(_, at)| f64::from(at) == value)
                    .map(|(name, _)| (*name).to_owned())
            };
            factor.names = factor.values.iter().map(name).collect::<Option<_>>().unwrap_or_default();
        }
        Ok(known)
    }
}

const fn numbers(name: &'static str, count: usize) -> KnownFactor {
    KnownFactor(name, count, &[])
}

const fn named(name: &'static str, names: &'static [&'static str]) -> KnownFactor {
    KnownFactor(name, names.len(), names)
}

const SIZES: KnownFactor = named("object_size", &["small", "large"]);
const HEIGHTS: KnownFactor = named("camera_height", &["top", "center", "bottom"]);
const BACKGROUNDS: KnownFactor = named("background_color", &["purple", "sea green", "salmon"]);

/// 3D Shapes (Burgess and Kim 2018), `3dshapes.h5`.
pub(super) const SHAPES3D: KnownSet = KnownSet {
    name: "shapes3d",
    title: "3D Shapes",
    pictures: 480_000,
    channels: 3,
    side: 64,
    usual_size: 64,
    factors: &[
        numbers("floor_hue", 10),
        numbers("wall_hue", 10),
        numbers("object_hue", 10),
        numbers("scale", 8),
        numbers("shape", 4),
        numbers("orientation", 15),
    ],
};

/// Cars3D (Reed et al. 2015), `nips2015-analogy-data.tar.gz`.
pub(super) const CARS3D: KnownSet = KnownSet {
    name: "cars3d",
    title: "Cars3D",
    pictures: 17_568,
    channels: 3,
    side: 128,
    usual_size: 64,
    factors: &[numbers("elevation", 4), numbers("azimuth", 24), numbers("object", 183)],
};

/// SmallNORB (LeCun et al. 2004), both halves; the ten instances of each category are no factor.
pub(super) const SMALLNORB: KnownSet = KnownSet {
    name: "smallnorb",
    title: "SmallNORB",
    pictures: 48_600,
    channels: 1,
    side: 96,
    usual_size: 64,
    factors: &[
        named("category", &["animal", "human", "airplane", "truck", "car"]),
        numbers("elevation", 9),
        numbers("azimuth", 18),
        numbers("lighting", 6),
    ],
};

/// MPI3D (Gondal et al. 2019), toy, realistic and real; their readme names the values.
pub(super) const MPI3D: KnownSet = KnownSet {
    name: "mpi3d",
    title: "MPI3D",
    pictures: 1_036_800,
    channels: 3,
    side: 64,
    usual_size: 64,
    factors: &[
        named("object_color", &["white", "green", "red", "blue", "brown", "olive"]),
        named("object_shape", &["cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere"]),
        SIZES,
        HEIGHTS,
        BACKGROUNDS,
        numbers("horizontal_axis", 40),
        numbers("vertical_axis", 40),
    ],
};

/// MPI3D with complex real shapes, known by its number of pictures.
pub(super) const MPI3D_COMPLEX: KnownSet = KnownSet {
    name: "mpi3d",
    title: "MPI3D with complex shapes",
    pictures: 460_800,
    channels: 3,
    side: 64,
    usual_size: 64,
    factors: &[
        named("object_color", &["yellow", "green", "olive", "red"]),
        named("object_shape", &["coffee-cup", "tennis-ball", "croissant", "beer-cup"]),
        SIZES,
        HEIGHTS,
        BACKGROUNDS,
        numbers("horizontal_axis", 40),
        numbers("vertical_axis", 40),
    ],
};

/// Isaac3D (Nie et al. 2020), published at 512 and 128 pixels.
pub(super) const ISAAC3D: KnownSet = KnownSet {
    name: "isaac3d",
    title: "Isaac3D",
    pictures: 737_280,
    channels: 3,
    side: 128,
    usual_size: 128,
    factors: &[
        numbers("object_shape", 3),
        numbers("object_scale", 4),
        numbers("camera_height", 4),
        numbers("robot_x", 8),
        numbers("robot_y", 5),
        numbers("light_intensity", 4),
        numbers("light_y", 6),
        numbers("object_color", 4),
        numbers("wall_color", 4),
    ],
};

/// Falcor3D (Nie et al. 2020), published at 1024 and 128 pixels.
pub(super) const FALCOR3D: KnownSet = KnownSet {
    name: "falcor3d",
    title: "Falcor3D",
    pictures: 233_280,
    channels: 3,
    side: 128,
    usual_size: 128,
    factors: &[
        numbers("light_intensity", 5),
        numbers("light_x", 6),
        numbers("light_y", 6),
        numbers("light_z", 6),
        numbers("camera_x", 6),
        numbers("camera_y", 6),
        numbers("camera_z", 6),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sets_have_a_picture_for_each_combination() {
        for set in [SHAPES3D, CARS3D, MPI3D, MPI3D_COMPLEX, ISAAC3D, FALCOR3D] {
            let product: usize = set.factors.iter().map(|factor| factor.factor().values.len()).product();
            assert_eq!(product, set.pictures, "{}", set.title);
        }
        let instances = 10;
        let product: usize = SMALLNORB.factors.iter().map(|factor| factor.1).product();
        assert_eq!(product * instances, SMALLNORB.pictures);
    }
}
