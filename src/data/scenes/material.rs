use super::colour::colour;
use super::vector::{Vec3, vec3};
use crate::base::Stream;
use crate::data::noise::{ramp, smooth_3d, split};

/// What the object is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MaterialKind {
    Plain,
    Veined,
    Grained,
    Speckled,
    Glazed,
}

/// The object's surface: its hue is a factor, texture and gloss are drawn.
#[derive(Clone, Debug)]
pub(super) struct Material {
    kind: MaterialKind,
    base: Vec3,
    pale: Vec3,
    deep: Vec3,
    seed: u32,
    offset: Vec3,
    /// 0 is matte, 1 is polished.
    pub(super) gloss: f32,
}

impl Material {
    /// A material of this hue (in turns).
    pub(super) fn new(hue: f32, stream: &mut Stream) -> Self {
        let kind = [
            MaterialKind::Plain,
            MaterialKind::Veined,
            MaterialKind::Grained,
            MaterialKind::Speckled,
            MaterialKind::Glazed,
        ][stream.below(5)];
        let gloss = match kind {
            MaterialKind::Plain => 0.1 + 0.85 * stream.uniform(),
            MaterialKind::Veined | MaterialKind::Glazed => 0.6 + 0.4 * stream.uniform(),
            MaterialKind::Grained => 0.15 + 0.5 * stream.uniform(),
            MaterialKind::Speckled => 0.2 + 0.5 * stream.uniform(),
        };
        let lightness = 0.63 + 0.05 * (stream.uniform() - 0.5);
        let mut offset = || stream.uniform() * 50.0;
        Self {
            kind,
            base: colour(lightness, 0.15, hue),
            pale: colour(lightness + 0.2, 0.07, hue),
            deep: colour(lightness - 0.2, 0.13, hue),
            offset: vec3(offset(), offset(), offset()),
            seed: stream.below(1 << 30) as u32,
            gloss,
        }
    }

    /// The average colour, for light that bounces off.
    pub(super) fn base(&self) -> Vec3 {
        self.base
    }

    /// The linear colour at a point of the object's own frame, seen so that a pixel covers about `width`.
    pub(super) fn albedo(&self, p: Vec3, width: f32) -> Vec3 {
        let noise = |scale: Vec3, seed: u32| {
            let fade = (1.3 - 1.3 * width * scale.x.max(scale.y)).clamp(0.0, 1.0);
            if fade == 0.0 {
                return 0.5;
            }
            let q = p.times(scale) + self.offset;
            0.5 + fade * (smooth_3d(q.x, q.y, q.z, self.seed ^ seed) - 0.5)
        };
        match self.kind {
            MaterialKind::Plain => self.base,
            MaterialKind::Veined => {
                let bend = noise(vec3(1.6, 1.6, 1.6), 1) - 0.5;
                let q = p + vec3(bend, -bend, bend) * 0.9;
                let vein = |scale: f32, seed: u32| {
                    let q = q * scale + self.offset;
                    let field = smooth_3d(q.x, q.y, q.z, self.seed ^ seed);
                    let sharp = (0.06 + 0.5 * scale * width).min(0.4);
                    ramp(1.0 - 2.0 * sharp, 1.0, 1.0 - (2.0 * field - 1.0).abs()) * (0.06 / sharp)
                };
                let cloud = noise(vec3(3.1, 3.1, 3.1), 3);
                let albedo = self.base.mix(self.deep, 0.6 * ramp(0.35, 0.8, cloud));
                albedo.mix(self.pale, (0.9 * vein(1.7, 2) + 0.4 * vein(4.3, 9)).min(0.95))
            }
            MaterialKind::Grained => {
                // Rings around an axis beside the object, as in a board's end.
                let bend = noise(vec3(1.2, 0.5, 1.2), 4) - 0.5;
                let radius = ((p.x + 1.4) * (p.x + 1.4) + (p.z - 0.7) * (p.z - 0.7)).sqrt() + 0.25 * bend;
                let phase = split(radius * 6.5 + 0.25 * p.y).1;
                let fade = (1.3 - 9.0 * width).clamp(0.0, 1.0);
                let ring = 0.35 + fade * (ramp(0.0, 0.75, phase) - ramp(0.85, 1.0, phase) - 0.35);
                let fibre = noise(vec3(30.0, 2.5, 30.0), 5) - 0.5;
                self.base.mix(self.deep, (0.12 + 0.6 * ring + 0.35 * fibre).clamp(0.0, 1.0))
            }
            MaterialKind::Speckled => {
                let light = noise(vec3(15.0, 15.0, 15.0), 6);
                let dark = noise(vec3(19.0, 19.0, 19.0), 7);
                let albedo = self.base.mix(self.pale, 0.85 * ramp(0.66, 0.74, light));
                albedo.mix(self.deep, 0.85 * ramp(0.70, 0.78, dark))
            }
            MaterialKind::Glazed => {
                let run = noise(vec3(2.6, 0.8, 2.6), 8) - 0.5;
                self.base.mix(self.deep, ramp(0.35, -0.75, p.y + 1.1 * run) * 0.75)
            }
        }
    }
}
