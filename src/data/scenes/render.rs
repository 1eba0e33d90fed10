use std::ops::Range;

use super::colour::develop;
use super::covering::{Covering, Finish};
use super::light::{Light, fresnel, highlight, openness};
use super::material::Material;
use super::solid::Solid;
use super::vector::{Vec3, vec3};
use crate::data::noise::{grid, ramp};

/// Where the wall stands, behind the object.
const WALL: f32 = -1.75;
/// What the camera looks at, from how far and how high (radians).
const TARGET: Vec3 = vec3(0.0, 0.60, 0.0);
const DISTANCE: f32 = 5.4;
const ELEVATION: f32 = 0.33;
/// Tangent of half the field of view.
const HALF_VIEW: f32 = 0.272;
/// Height of the skirting board.
const SKIRTING: f32 = 0.13;

/// Everything in one picture.
pub(super) struct Room {
    pub(super) floor: Covering,
    pub(super) wall: Covering,
    pub(super) material: Material,
    pub(super) solid: Solid,
    pub(super) light: Light,
    pub(super) has_skirting: bool,
    /// Standard deviation of the film grain, as a share of the display's range.
    pub(super) grain: f32,
    pub(super) grain_seed: u32,
    /// How far the camera has walked around the object, radians; 0 looks straight at the wall.
    pub(super) azimuth: f32,
}

/// What a ray meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Floor,
    Wall,
    Object,
}

/// A point that a ray meets, `t` along it.
#[derive(Clone, Copy, Debug)]
struct Hit {
    thing: Thing,
    t: f32,
}

/// The rays of one picture.
struct Camera {
    eye: Vec3,
    forward: Vec3,
    right: Vec3,
    up: Vec3,
    size: f32,
}

impl Camera {
    fn new(azimuth: f32, size: usize) -> Self {
        let back = vec3(azimuth.sin() * ELEVATION.cos(), ELEVATION.sin(), azimuth.cos() * ELEVATION.cos());
        let right = vec3(azimuth.cos(), 0.0, -azimuth.sin());
        let up = back.cross(right);
        Self { eye: TARGET + back * DISTANCE, forward: -back, right, up, size: size as f32 }
    }

    /// The unit direction through a place in the picture, in pixels from its top left corner.
    #[inline]
    fn ray(&self, x: f32, y: f32) -> Vec3 {
        let across = (2.0 * x / self.size - 1.0) * HALF_VIEW;
        let down = (2.0 * y / self.size - 1.0) * HALF_VIEW;
        (self.forward + self.right * across - self.up * down).normalised()
    }

    /// The columns and rows that can show a sphere.
    fn around(&self, centre: Vec3, radius: f32) -> (Range<usize>, Range<usize>) {
        let from_eye = centre - self.eye;
        let depth = from_eye.dot(self.forward);
        // A sphere's outline is a little larger than its radius at its middle's depth.
        let reach = radius / (depth - radius) * depth / (depth * HALF_VIEW);
        let range = |offset: f32| {
            let middle = offset / (depth * HALF_VIEW);
            let pixel = |place: f32| ((place + 1.0) * 0.5 * self.size).clamp(0.0, self.size);
            pixel(middle - reach) as usize..pixel(middle + reach).ceil() as usize
        };
        (range(from_eye.dot(self.right)), range(-from_eye.dot(self.up)))
    }

    /// How wide a pixel is at distance 1.
    fn pixel(&self) -> f32 {
        2.0 * HALF_VIEW / self.size
    }
}

/// Places inside a pixel that are averaged where an edge crosses it: no two share a row or a column.
const INSIDE: [(f32, f32); 4] = [(0.125, 0.375), (0.375, 0.875), (0.625, 0.125), (0.875, 0.625)];

impl Room {
    /// Renders the room into `out` `(3, size, size)`, sRGB values in [0, 1].
    pub(super) fn render(&self, size: usize, out: &mut [f32]) {
        let camera = Camera::new(self.azimuth, size);
        let mut hits = Vec::with_capacity(size * size);
        let (columns, rows) = camera.around(self.solid.centre, self.solid.bound);
        for row in 0..size {
            for column in 0..size {
                let ray = camera.ray(column as f32 + 0.5, row as f32 + 0.5);
                hits.push(match columns.contains(&column) && rows.contains(&row) {
                    true => self.hit(camera.eye, ray),
                    false => background(camera.eye, ray),
                });
            }
        }
        let plane = size * size;
        for row in 0..size {
            for column in 0..size {
                let light = if is_edge(&hits, size, row, column) {
                    let sum = INSIDE.iter().fold(Vec3::default(), |sum, &(x, y)| {
                        let ray = camera.ray(column as f32 + x, row as f32 + y);
                        sum + self.shade(&camera, ray, self.hit(camera.eye, ray))
                    });
                    sum * (1.0 / INSIDE.len() as f32)
                } else {
                    let ray = camera.ray(column as f32 + 0.5, row as f32 + 0.5);
                    self.shade(&camera, ray, hits[row * size + column])
                };
                let grain = self.grain_at(column, row);
                for (channel, value) in develop(light).into_iter().enumerate() {
                    out[channel * plane + row * size + column] = (value + grain).clamp(0.0, 1.0);
                }
            }
        }
    }

    /// Film grain: nearly normal, the same in all channels.
    #[inline]
    fn grain_at(&self, column: usize, row: usize) -> f32 {
        let draw = |k: u32| grid(column as i32, row as i32, self.grain_seed.wrapping_add(k));
        // The sum of three uniform draws has variance 1/4.
        2.0 * self.grain * (draw(1) + draw(2) + draw(3) - 1.5)
    }

    /// What a ray (unit direction) from the camera meets first.
    #[inline]
    fn hit(&self, eye: Vec3, ray: Vec3) -> Hit {
        if let Some(t) = self.solid.hit(eye, ray) {
            return Hit { thing: Thing::Object, t };
        }
        background(eye, ray)
    }

    /// The light that comes back along a ray from what it meets.
    #[inline]
    fn shade(&self, camera: &Camera, ray: Vec3, hit: Hit) -> Vec3 {
        let p = camera.eye + ray * hit.t;
        let width = camera.pixel() * hit.t;
        match hit.thing {
            Thing::Object => self.shade_object(p, ray, width),
            Thing::Floor => {
                // A pixel covers more floor the flatter one looks at it.
                let finish = self.floor.at(p.x, -p.z, width / ray.y.abs().sqrt().max(0.3));
                let (across, along) = finish.tilt;
                self.shade_plane(p, ray, vec3(across, 1.0, -along), vec3(0.0, 1.0, 0.0), finish)
            }
            Thing::Wall => {
                let finish = self.wall_finish(p, width / ray.z.abs().sqrt().max(0.3));
                let (across, up) = finish.tilt;
                self.shade_plane(p, ray, vec3(across, up, 1.0), vec3(0.0, 0.0, 1.0), finish)
            }
        }
    }

    /// The wall's covering, or the skirting board before it.
    #[inline]
    fn wall_finish(&self, p: Vec3, width: f32) -> Finish {
        let wall = || self.wall.at(p.x, p.y, width);
        if !self.has_skirting || p.y > SKIRTING + width {
            return wall();
        }
        let board = self.wall.base().mix(vec3(0.8, 0.8, 0.8), 0.55);
        // A rounded upper edge that catches the light, and the shadow line above it.
        let rounding = ramp(SKIRTING - 0.03, SKIRTING, p.y);
        let board = Finish { albedo: board, tilt: (0.0, 0.9 * rounding), gloss: 0.25 };
        let share = ramp(SKIRTING + 0.5 * width, SKIRTING - 0.5 * width, p.y);
        let above = wall();
        Finish { albedo: (above.albedo * 0.7).mix(board.albedo, share), ..board }
    }

    /// Light from a point of the floor or the wall: `lean` is its textured normal (not unit), `flat` the
    /// plane's own.
    #[inline]
    fn shade_plane(&self, p: Vec3, ray: Vec3, lean: Vec3, flat: Vec3, finish: Finish) -> Vec3 {
        let normal = lean.normalised();
        let incoming = self.light.at(p);
        let facing = self.light.facing(normal, incoming.direction);
        let shadow = if facing > 0.0 { self.light.shadow(&self.solid, p, &incoming) } else { 0.0 };
        // The corner between floor and wall sees less of the sky, and some of the other surface instead.
        let (to_corner, other) =
            if flat.y > 0.5 { (p.z - WALL, self.wall.base()) } else { (p.y, self.floor.base()) };
        let corner = 1.0 / (1.0 + 5.0 * to_corner * to_corner);
        let open = openness(&self.solid, p, flat);
        let ambient = self.light.sky * (1.0 - 0.55 * corner) + self.light.sky.times(other) * (0.45 * corner);
        // What the object hides it partly replaces by its own colour.
        let ambient = ambient * open + self.light.sky.times(self.material.base()) * (0.22 * (1.0 - open));
        let mut light = finish.albedo.times(incoming.colour * (facing * shadow) + ambient);
        if finish.gloss > 0.02 {
            let roughness = 0.75 - 0.55 * finish.gloss;
            let shine = highlight(normal, incoming.direction, -ray, roughness);
            light = light + incoming.colour * (shine * shadow * finish.gloss);
            let mirrored = self.reflection(p, ray.reflected(normal), normal, ray, finish.gloss > 0.5);
            light = light + mirrored * finish.gloss;
        }
        light
    }

    /// What a glossy plane mirrors: the object, where it is polished enough to show it, or the room around.
    #[inline]
    fn reflection(&self, p: Vec3, mirrored: Vec3, normal: Vec3, ray: Vec3, is_sharp: bool) -> Vec3 {
        let strength = fresnel(-ray.dot(normal)) * 0.9;
        let start = p + normal * 0.01;
        let object = if is_sharp { self.solid.hit(start, mirrored) } else { None };
        match object {
            Some(t) => {
                let q = start + mirrored * t;
                let normal = self.solid.normal(q);
                let incoming = self.light.at(q);
                let facing = self.light.facing(normal, incoming.direction);
                let albedo = self.material.albedo(self.solid.local(q), 0.05);
                albedo.times(incoming.colour * facing + self.light.sky * 0.7) * strength
            }
            None => self.surroundings(start, mirrored) * strength,
        }
    }

    /// The room without its texture, as a soft reflection shows it.
    #[inline]
    fn surroundings(&self, p: Vec3, direction: Vec3) -> Vec3 {
        let lit = self.light.sky * 1.9;
        if direction.y < -0.02 {
            return self.floor.base().times(lit);
        }
        let wall = self.wall.base().times(lit);
        // Between the wall and the dim room behind the camera, with its pale ceiling.
        let ceiling = self.light.sky * (0.55 + 0.5 * ramp(0.2, 1.0, direction.y));
        let height = p.y + direction.y / (-direction.z).max(0.05) * (p.z - WALL);
        let is_wall = ramp(0.0, -0.25, direction.z) * ramp(4.5, 2.0, height);
        ceiling.mix(wall, is_wall)
    }

    /// Light from a point of the object.
    #[inline]
    fn shade_object(&self, p: Vec3, ray: Vec3, width: f32) -> Vec3 {
        let normal = self.solid.normal(p);
        let albedo = self.material.albedo(self.solid.local(p), width / 0.62);
        let incoming = self.light.at(p);
        let facing = self.light.facing(normal, incoming.direction);
        let shadow =
            if facing > 0.0 { self.light.own_shadow(&self.solid, p, normal, &incoming) } else { 0.0 };
        // Light from all sides: the sky from above, floor and wall with their colours from below and behind.
        let below = 0.5 - 0.5 * normal.y;
        let behind = (-normal.z).max(0.0) * 0.5;
        let near_floor = 1.0 / (1.0 + 9.0 * p.y * p.y);
        let from_floor = self.floor.base().times(self.light.sky) * (2.1 - 1.75 * near_floor);
        let from_wall = self.wall.base().times(self.light.sky) * 1.8;
        let ambient = self.light.sky.mix(from_floor, below).mix(from_wall, behind);
        let ambient = ambient * (1.0 - 0.5 * near_floor * (0.4 + 0.6 * below));
        let mut light = albedo.times(incoming.colour * (facing * shadow) + ambient);

        let gloss = self.material.gloss;
        let roughness = 0.62 - 0.5 * gloss;
        let shine = highlight(normal, incoming.direction, -ray, roughness);
        light = light + incoming.colour * (shine * shadow * (0.35 + 0.65 * gloss));
        let mirrored = ray.reflected(normal);
        let strength = fresnel(-ray.dot(normal)) * gloss * (1.0 - 0.6 * near_floor);
        light + self.surroundings(p, mirrored) * strength
    }
}

/// The floor or the wall along a ray.
#[inline]
fn background(eye: Vec3, ray: Vec3) -> Hit {
    let floor = if ray.y < -1e-4 { -eye.y / ray.y } else { f32::MAX };
    let wall = if ray.z < -1e-4 { (WALL - eye.z) / ray.z } else { f32::MAX };
    let (thing, t) = if floor < wall { (Thing::Floor, floor) } else { (Thing::Wall, wall) };
    Hit { thing, t: t.min(100.0) }
}

/// Whether a neighbouring pixel shows something else, or the same object much nearer or farther.
#[inline]
fn is_edge(hits: &[Hit], size: usize, row: usize, column: usize) -> bool {
    let here = hits[row * size + column];
    let differs = |row: usize, column: usize| {
        let there = hits[row * size + column];
        there.thing != here.thing || (here.thing == Thing::Object && (there.t - here.t).abs() > 0.2)
    };
    (row > 0 && differs(row - 1, column))
        || (row + 1 < size && differs(row + 1, column))
        || (column > 0 && differs(row, column - 1))
        || (column + 1 < size && differs(row, column + 1))
}
