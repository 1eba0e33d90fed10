use super::solid::Solid;
use super::vector::{Vec3, vec3};
use crate::base::Stream;

/// A lamp with a soft edge, in front of the wall and above, and the light that comes from everywhere.
#[derive(Clone, Debug)]
pub(super) struct Light {
    position: Vec3,
    /// Unit direction from what the lamp's beam points at, back to the lamp.
    beam: Vec3,
    /// Linear colour at what the beam points at, times the square of the distance.
    colour: Vec3,
    /// Linear colour of the light from above and from all sides.
    pub(super) sky: Vec3,
    /// Tangent of half the lamp's angular size: how soft shadows are.
    softness: f32,
}

/// The lamp as one point sees it.
pub(super) struct Incoming {
    /// Unit direction towards the lamp.
    pub(super) direction: Vec3,
    /// Distance to the lamp.
    distance: f32,
    /// Linear colour of its light, before shadow and the angle of the surface.
    pub(super) colour: Vec3,
}

impl Light {
    /// A lamp of random direction, warmth and softness.
    pub(super) fn new(stream: &mut Stream) -> Self {
        // From the left or the right, never straight from behind the camera, which would flatten the shapes.
        let side = if stream.below(2) == 0 { -1.0 } else { 1.0 };
        let azimuth = side * (0.25 + 0.65 * stream.uniform());
        let elevation = 0.72 + 0.38 * stream.uniform();
        let distance = 6.0;
        let position = vec3(
            azimuth.sin() * elevation.cos() * distance,
            elevation.sin() * distance,
            azimuth.cos() * elevation.cos() * distance,
        );
        let warmth = stream.uniform();
        let colour = vec3(1.0, 0.93, 0.84).mix(vec3(1.0, 0.80, 0.58), warmth);
        let strength = 2.3 + 0.5 * stream.uniform();
        // A warm lamp makes the rest look cool, as daylight from a window beside it.
        let sky = vec3(0.47, 0.48, 0.50).mix(vec3(0.43, 0.47, 0.55), warmth);
        let beam = position - vec3(0.0, 0.5, -0.4);
        Self {
            position,
            beam: beam * (1.0 / beam.length()),
            colour: colour * (strength * beam.dot(beam)),
            sky: sky * (0.85 + 0.4 * stream.uniform()),
            softness: 0.07 + 0.12 * stream.uniform(),
        }
    }

    /// The lamp's light at a point: it falls off with the square of the distance and towards the rim of its
    /// beam.
    #[inline]
    pub(super) fn at(&self, p: Vec3) -> Incoming {
        let to_light = self.position - p;
        let nearness = 1.0 / to_light.dot(to_light);
        let distance = 1.0 / nearness.sqrt();
        let direction = to_light * (nearness * distance);
        let cosine = direction.dot(self.beam);
        let off_axis = 1.0 - cosine * cosine;
        let rim = (1.0 - off_axis * (1.9 - 1.4 * off_axis)).max(0.3);
        Incoming { direction, distance, colour: self.colour * (rim * nearness) }
    }

    /// The share of the lamp that a point of the floor or the wall sees past the object, 0 to 1.
    #[inline]
    pub(super) fn shadow(&self, solid: &Solid, p: Vec3, incoming: &Incoming) -> f32 {
        let clearance = solid.clearance(p, incoming.direction, self.softness, 0.012, incoming.distance);
        // From fully hidden at -1 to fully seen at 1, with no crease at either end.
        0.25 * (1.0 + clearance) * (1.0 + clearance) * (2.0 - clearance)
    }

    /// The share of the lamp that a point of the object sees past the object itself.
    #[inline]
    pub(super) fn own_shadow(&self, solid: &Solid, p: Vec3, normal: Vec3, incoming: &Incoming) -> f32 {
        if solid.is_convex() {
            return 1.0;
        }
        // Starting well off the surface, or it would shade itself.
        let start = p + normal * 0.03;
        let clearance = solid.clearance(start, incoming.direction, self.softness, 0.1, incoming.distance);
        0.25 * (1.0 + clearance) * (1.0 + clearance) * (2.0 - clearance)
    }

    /// How much of the lamp's light a surface catches: the cosine of the angle, with a soft passage into the
    /// dark side because the lamp has a width.
    #[inline]
    pub(super) fn facing(&self, normal: Vec3, direction: Vec3) -> f32 {
        let (cosine, soft) = (normal.dot(direction), self.softness * 1.3);
        if cosine > soft {
            cosine
        } else if cosine < -soft {
            0.0
        } else {
            (cosine + soft) * (cosine + soft) / (4.0 * soft)
        }
    }
}

/// The share of the sky that the object leaves to a point with this normal, 0 to 1.
#[inline]
pub(super) fn openness(solid: &Solid, p: Vec3, normal: Vec3) -> f32 {
    // Farther from the object than the highest probe, nothing can be hidden.
    let reach = solid.girth() + PROBES[2].0;
    if p.x * p.x + p.z * p.z > reach * reach {
        return 1.0;
    }
    let mut hidden = 0.0;
    for (height, weight) in PROBES {
        let free = solid.distance(p + normal * height);
        hidden += weight * (height - free).max(0.0);
    }
    1.0 - (1.35 * hidden).min(0.82)
}

/// Heights over a surface at which the room to the object is measured, and their weights.
const PROBES: [(f32, f32); 3] = [(0.07, 1.6), (0.2, 1.0), (0.45, 0.45)];

/// The light thrown back by a glossy surface towards the eye, for a lamp of colour 1 (Trowbridge-Reitz
/// distribution, Schlick's Fresnel term); `roughness` from 0.05 (a mirror, nearly) to 1.
#[inline]
pub(super) fn highlight(normal: Vec3, to_light: Vec3, to_eye: Vec3, roughness: f32) -> f32 {
    let facing = normal.dot(to_light);
    if facing <= 0.0 {
        return 0.0;
    }
    let half = (to_light + to_eye).normalised();
    let (n_h, l_h) = (normal.dot(half).max(0.0), to_light.dot(half).max(0.0));
    let a2 = (roughness * roughness) * (roughness * roughness);
    let d = n_h * n_h * (a2 - 1.0) + 1.0;
    let distribution = a2 / (std::f32::consts::PI * d * d);
    distribution * fresnel(l_h) * facing / (4.0 * l_h * l_h * (roughness + 0.5)).max(0.05)
}

/// Schlick's approximation for varnish and glazes.
#[inline]
pub(super) fn fresnel(cosine: f32) -> f32 {
    let rest = (1.0 - cosine).clamp(0.0, 1.0);
    let squared = rest * rest;
    0.04 + 0.96 * squared * squared * rest
}

#[cfg(test)]
mod tests {
    use super::super::solid::Shape;
    use super::*;

    #[test]
    fn shadows_are_dark_under_the_object_and_fade_outwards() {
        let mut stream = Stream::new(1, "light");
        for shape in Shape::ALL {
            let solid = Solid::new(shape, 0.62, 0.42);
            let light = Light::new(&mut stream);
            // Straight away from the lamp, from the object's middle outwards.
            let away = -vec3(light.position.x, 0.0, light.position.z).normalised();
            let seen = |distance: f32| {
                let p = away * distance;
                light.shadow(&solid, p, &light.at(p))
            };
            assert!(seen(0.1) < 0.05, "{shape:?}: {}", seen(0.1));
            assert_eq!(seen(4.0), 1.0, "{shape:?}");
            let mut last = 0.0;
            for step in 0..80 {
                let now = seen(0.6 + 0.03 * step as f32);
                assert!(now >= last - 0.15, "{shape:?}: no bright gap inside the shadow");
                last = now;
            }
        }
    }

    #[test]
    fn the_floor_is_darkest_where_the_object_touches_it() {
        let solid = Solid::new(Shape::Sphere, 0.62, 0.0);
        let up = vec3(0.0, 1.0, 0.0);
        let at = |x: f32| openness(&solid, vec3(x, 0.0, 0.0), up);
        assert!(at(0.02) < 0.3 && at(0.4) > at(0.02) && at(1.3) == 1.0);
    }
}
