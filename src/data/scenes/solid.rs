use super::vector::{Vec3, vec3};

/// What stands on the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Sphere,
    Cube,
    Cylinder,
    Capsule,
    Torus,
    Cone,
}

impl Shape {
    /// All shapes in class order.
    pub(super) const ALL: [Self; 6] =
        [Self::Sphere, Self::Cube, Self::Cylinder, Self::Capsule, Self::Torus, Self::Cone];

    /// Half the height at scale 1.
    fn half_height(self) -> f32 {
        match self {
            Self::Sphere => 1.0,
            Self::Cube => 0.82,
            Self::Cylinder => 0.92,
            Self::Capsule => 1.16,
            Self::Torus | Self::Cone => 1.0,
        }
    }

    /// A sphere around the middle that holds the shape at scale 1.
    fn bound(self) -> f32 {
        match self {
            Self::Sphere | Self::Torus => 1.01,
            Self::Cube => 1.36,
            Self::Cylinder => 1.2,
            Self::Capsule => 1.17,
            Self::Cone => 1.42,
        }
    }

    /// The radius of an upright cylinder around the middle that holds the shape at scale 1.
    fn girth(self) -> f32 {
        match self {
            Self::Sphere | Self::Torus => 1.01,
            Self::Cube => 1.13,
            Self::Cylinder => 0.81,
            Self::Capsule => 0.61,
            Self::Cone => 0.97,
        }
    }

    /// Distance of a point to the surface at scale 1 around the origin, negative inside.
    #[inline]
    fn distance(self, p: Vec3) -> f32 {
        match self {
            Self::Sphere => p.length() - 1.0,
            Self::Cube => {
                const EDGE: f32 = 0.1;
                let (x, y, z) = (p.x.abs() - 0.72, p.y.abs() - 0.72, p.z.abs() - 0.72);
                let outside = vec3(x.max(0.0), y.max(0.0), z.max(0.0)).length();
                outside + x.max(y).max(z).min(0.0) - EDGE
            }
            Self::Cylinder => {
                const EDGE: f32 = 0.07;
                let (side, end) = (p.x.hypot_fast(p.z) - 0.73, p.y.abs() - 0.85);
                side.max(0.0).hypot_fast(end.max(0.0)) + side.max(end).min(0.0) - EDGE
            }
            Self::Capsule => (p - vec3(0.0, p.y.clamp(-0.56, 0.56), 0.0)).length() - 0.6,
            Self::Torus => {
                let around = p.x.hypot_fast(p.y) - 0.69;
                around.hypot_fast(p.z) - 0.31
            }
            Self::Cone => {
                // The profile is a triangle; both of its outer sides as line segments.
                const EDGE: f32 = 0.06;
                let (r, y) = (p.x.hypot_fast(p.z), p.y + 0.94);
                let (width, height) = (0.9, 1.84);
                let along = ((width - r) * width + y * height) / (width * width + height * height);
                let on_side = along.clamp(0.0, 1.0);
                let side = (r - width * (1.0 - on_side)).hypot_fast(y - height * on_side);
                let base = (r - width).max(0.0).hypot_fast(y);
                let is_inside = y > 0.0 && r / width + y / height < 1.0;
                let nearest = side.min(base);
                (if is_inside { -nearest } else { nearest }) - EDGE
            }
        }
    }
}

trait Hypot {
    /// The length of the vector (self, other), without `hypot`'s care for overflow.
    fn hypot_fast(self, other: Self) -> Self;
}

impl Hypot for f32 {
    #[inline]
    fn hypot_fast(self, other: Self) -> Self {
        (self * self + other * other).sqrt()
    }
}

/// The object: a shape of some size, turned about its vertical axis, standing on the floor (y = 0) at the
/// origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solid {
    shape: Shape,
    size: f32,
    /// Sine and cosine of the turn.
    turn: (f32, f32),
    /// The middle of the bounding sphere and its radius.
    pub(super) centre: Vec3,
    pub(super) bound: f32,
}

impl Solid {
    /// An object whose size 1 is one unit of half height or so.
    pub(super) fn new(shape: Shape, size: f32, turn: f32) -> Self {
        let centre = vec3(0.0, shape.half_height() * size, 0.0);
        Self { shape, size, turn: turn.sin_cos(), centre, bound: shape.bound() * size }
    }

    /// The radius of an upright cylinder around the origin that holds the object.
    #[inline]
    pub(super) fn girth(&self) -> f32 {
        self.shape.girth() * self.size
    }

    /// A point of the room in the object's own frame at scale 1.
    #[inline]
    pub(super) fn local(&self, p: Vec3) -> Vec3 {
        let (sin, cos) = self.turn;
        let p = (p - self.centre) * (1.0 / self.size);
        vec3(cos * p.x - sin * p.z, p.y, sin * p.x + cos * p.z)
    }

    /// Distance of a point of the room to the surface.
    #[inline]
    pub(super) fn distance(&self, p: Vec3) -> f32 {
        self.shape.distance(self.local(p)) * self.size
    }

    /// The outward direction at a point of the surface.
    #[inline]
    pub(super) fn normal(&self, p: Vec3) -> Vec3 {
        // Differences along the four corners of a tetrahedron give the gradient with four evaluations.
        const STEP: f32 = 0.001;
        let corners =
            [vec3(1.0, -1.0, -1.0), vec3(-1.0, -1.0, 1.0), vec3(-1.0, 1.0, -1.0), vec3(1.0, 1.0, 1.0)];
        let gradient = corners
            .into_iter()
            .fold(Vec3::default(), |sum, corner| sum + corner * self.distance(p + corner * STEP));
        gradient.normalised()
    }

    /// Where a ray (unit direction) enters and leaves the bounding sphere grown by `margin`; `None` when it
    /// certainly keeps that far from the surface.
    #[inline]
    pub(super) fn bounds(&self, origin: Vec3, direction: Vec3, margin: f32) -> Option<(f32, f32)> {
        // Seen from above, the ray's distance from the axis: a quick refusal for slim shapes.
        let girth = self.girth() + margin;
        let flat = direction.x * direction.x + direction.z * direction.z;
        let beside = origin.x * direction.z - origin.z * direction.x;
        if beside * beside > girth * girth * flat {
            return None;
        }
        let to_centre = self.centre - origin;
        let along = to_centre.dot(direction);
        let radius = self.bound + margin;
        let half = radius * radius - (to_centre.dot(to_centre) - along * along);
        if half <= 0.0 {
            return None;
        }
        let half = half.sqrt();
        (along + half > 0.0).then_some(((along - half).max(0.0), along + half))
    }

    /// The distance along a ray (unit direction) to the surface.
    #[inline]
    pub(super) fn hit(&self, origin: Vec3, direction: Vec3) -> Option<f32> {
        let (start, end) = self.bounds(origin, direction, 0.0)?;
        // All steps are taken in the object's own frame, where a step is shorter by its size.
        let ray = self.local_ray(origin, direction);
        let (mut t, end) = (start / self.size, end / self.size);
        for _ in 0..64 {
            let step = self.shape.distance(ray.at(t));
            if step < 0.0006 * (1.0 + t) {
                return Some(t * self.size);
            }
            t += step;
            if t > end {
                return None;
            }
        }
        None
    }

    /// Whether no part of the surface can lie between another part and the light, so that the angle of the
    /// surface alone decides.
    pub(super) fn is_convex(&self) -> bool {
        self.shape != Shape::Torus
    }

    /// The smallest angle, as a tangent and in units of `softness`, by which a ray (unit direction) misses
    /// the object between the distances `from` and `to`: 1 or more is clear, negative is inside, -1 at least.
    #[inline]
    pub(super) fn clearance(&self, origin: Vec3, direction: Vec3, softness: f32, from: f32, to: f32) -> f32 {
        // Further off than this, at the far side of the object, the ray is clear.
        let margin = softness * (to.min(3.2 * self.bound) + 0.2) * 0.75;
        let Some((start, end)) = self.bounds(origin, direction, margin) else { return 1.0 };
        let ray = self.local_ray(origin, direction);
        let (mut t, end) = (start.max(from) / self.size, end.min(to) / self.size);
        let mut clearance = 1.0f32;
        for _ in 0..32 {
            if t >= end {
                break;
            }
            let nearest = self.shape.distance(ray.at(t));
            clearance = clearance.min(nearest / (softness * t));
            if clearance <= -1.0 {
                return -1.0;
            }
            t += nearest.abs().max(0.03 + 0.04 * t);
        }
        clearance
    }

    /// A ray of the room in the object's own frame; distances along it are divided by the size.
    #[inline]
    fn local_ray(&self, origin: Vec3, direction: Vec3) -> LocalRay {
        let (sin, cos) = self.turn;
        let d = direction;
        LocalRay {
            origin: self.local(origin),
            direction: vec3(cos * d.x - sin * d.z, d.y, sin * d.x + cos * d.z),
        }
    }
}

struct LocalRay {
    origin: Vec3,
    direction: Vec3,
}

impl LocalRay {
    #[inline]
    fn at(&self, t: f32) -> Vec3 {
        self.origin + self.direction * t
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    fn random_point(stream: &mut Stream, reach: f32) -> Vec3 {
        let mut coordinate = || (stream.uniform() * 2.0 - 1.0) * reach;
        vec3(coordinate(), coordinate(), coordinate())
    }

    #[test]
    fn distances_never_overshoot() {
        // A distance function may not change faster than one moves: that is what makes ray marching safe.
        let mut stream = Stream::new(1, "points");
        for shape in Shape::ALL {
            for _ in 0..5000 {
                let (p, q) = (random_point(&mut stream, 2.0), random_point(&mut stream, 2.0));
                let change = (shape.distance(p) - shape.distance(q)).abs();
                assert!(change <= (p - q).length() * 1.0001 + 1e-5, "{shape:?} at {p:?} and {q:?}");
            }
        }
    }

    #[test]
    fn shapes_stand_on_the_floor_inside_their_bounds() {
        let mut stream = Stream::new(2, "points");
        for shape in Shape::ALL {
            let solid = Solid::new(shape, 0.7, 0.4);
            let mut lowest = f32::MAX;
            for _ in 0..200_000 {
                let p = random_point(&mut stream, 1.7);
                if solid.distance(p) < 0.0 {
                    assert!((p - solid.centre).length() <= solid.bound, "{shape:?} {p:?}");
                    assert!(p.x.hypot(p.z) <= shape.girth() * 0.7, "{shape:?} {p:?}");
                    lowest = lowest.min(p.y);
                }
            }
            assert!((-1e-3..0.08).contains(&lowest), "{shape:?} reaches down to {lowest}");
        }
    }

    #[test]
    fn rays_end_on_the_surface_and_normals_point_out() {
        let mut stream = Stream::new(3, "rays");
        for shape in Shape::ALL {
            let solid = Solid::new(shape, 0.6, 0.0);
            let mut hits = 0;
            for _ in 0..2000 {
                let origin = random_point(&mut stream, 1.0).normalised() * 4.0 + solid.centre;
                let aim = solid.centre + random_point(&mut stream, 0.5);
                let direction = (aim - origin).normalised();
                let Some(t) = solid.hit(origin, direction) else { continue };
                hits += 1;
                let p = origin + direction * t;
                assert!(solid.distance(p).abs() < 0.004);
                let normal = solid.normal(p);
                assert!((normal.length() - 1.0).abs() < 1e-3 && normal.dot(direction) < 0.1, "{shape:?}");
            }
            assert!(hits > 800, "{shape:?}: {hits}");
        }
    }
}
