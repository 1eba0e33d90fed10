//! A high-resolution set with known factors: one object on a floor before a wall, rendered on demand.
//!
//! Hues, scale, shape and azimuth are factors; textures, gloss, light and grain are nuisance, drawn anew for
//! each reading. It shows the point of ID-GAN: factors belong in c, texture in s.

mod colour;
mod covering;
mod drawn;
mod light;
mod material;
mod render;
mod solid;
mod vector;

use self::covering::Covering;
pub(super) use self::drawn::DrawnScenes;
use self::light::Light;
use self::material::Material;
use self::render::Room;
use self::solid::{Shape, Solid};
use super::dataset::nuisance;
use super::factors::{classes_of, combinations, evenly};
use super::{DataError, Dataset, Factor};

/// The smallest and the largest side of a picture.
pub(super) const SIDES: std::ops::RangeInclusive<usize> = 64..=1024;

/// Changes with anything that changes a rendered picture, so that older prepared ones are made anew.
const VERSION: u32 = 1;

/// Values of each hue and of the scale.
const LEVELS: usize = 10;
/// Values of the azimuth.
const AZIMUTHS: usize = 15;

/// The rendered set at one size.
pub(super) struct Scenes {
    size: usize,
    factors: Vec<Factor>,
}

impl Scenes {
    /// The set with square pictures of `size` pixels.
    pub(super) fn new(size: usize) -> Result<Self, DataError> {
        if !SIDES.contains(&size) {
            return Err(DataError::Spec(format!(
                "scenes are rendered at {} to {} pixels, not {size}",
                SIDES.start(),
                SIDES.end()
            )));
        }
        // A hue is an angle: its last value lies one step before a full turn.
        let last_hue = (LEVELS - 1) as f64 / LEVELS as f64;
        let factors = vec![
            evenly("floor hue", 0.0, last_hue, LEVELS),
            evenly("wall hue", 0.0, last_hue, LEVELS),
            evenly("object hue", 0.0, last_hue, LEVELS),
            evenly("scale", 0.7, 1.15, LEVELS),
            evenly("shape", 0.0, (Shape::ALL.len() - 1) as f64, Shape::ALL.len()),
            evenly("azimuth", -35.0, 35.0, AZIMUTHS),
        ];
        Ok(Self { size, factors })
    }
}

impl Dataset for Scenes {
    fn spec(&self) -> &str {
        "scenes"
    }

    fn len(&self) -> usize {
        combinations(&self.factors)
    }

    fn picture_shape(&self) -> [usize; 3] {
        [3, self.size, self.size]
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn factors(&self) -> &[Factor] {
        &self.factors
    }

    fn read(&self, index: usize, draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        let classes = classes_of(&self.factors, index);
        let value = |factor: usize| self.factors[factor].values[classes[factor]] as f32;
        let mut stream = nuisance("scenes", index, draw);
        // Nothing that is drawn depends on a factor, so that shared nuisance is really shared.
        let room = Room {
            floor: Covering::floor(value(0), &mut stream),
            wall: Covering::wall(value(1), &mut stream),
            material: Material::new(value(2), &mut stream),
            solid: Solid::new(Shape::ALL[classes[4]], 0.62 * value(3), 0.42),
            light: Light::new(&mut stream),
            has_skirting: stream.below(2) == 0,
            grain: 0.004 + 0.012 * stream.uniform(),
            grain_seed: stream.below(1 << 30) as u32,
            azimuth: value(5).to_radians(),
        };
        room.render(self.size, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
