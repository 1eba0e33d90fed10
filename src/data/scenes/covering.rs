use super::colour::colour;
use super::vector::{Vec3, grey};
use crate::base::Stream;
use crate::data::noise::{grid, mix, ramp, smooth, split};

/// What the floor or the wall is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CoveringKind {
    Wood,
    Tiles,
    Marble,
    Bricks,
    Plaster,
}

/// The finish of the floor or the wall: its hue is a factor, everything else is drawn.
#[derive(Clone, Debug)]
pub(super) struct Covering {
    kind: CoveringKind,
    /// The colour in the middle of the texture's range.
    base: Vec3,
    /// The same hue, paler: joints and veins.
    pale: Vec3,
    /// The same hue, darker and fuller: grain and gaps.
    deep: Vec3,
    seed: u32,
    /// Where the pattern starts and how it is turned (sine and cosine).
    offset: (f32, f32),
    turn: (f32, f32),
    /// Size of the pattern; 1 is ordinary.
    scale: f32,
    /// How much single planks, tiles or bricks differ in tone.
    variety: f32,
    gloss: f32,
}

/// A covering at one point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    /// Linear colour of the diffuse reflection.
    pub(super) albedo: Vec3,
    /// How far the surface leans along its two axes: relief at the edges of tiles and bricks.
    pub(super) tilt: (f32, f32),
    /// 0 is matte, 1 is polished.
    pub(super) gloss: f32,
}

impl Covering {
    /// A floor of this hue (in turns).
    pub(super) fn floor(hue: f32, stream: &mut Stream) -> Self {
        let kind = [
            CoveringKind::Wood,
            CoveringKind::Wood,
            CoveringKind::Tiles,
            CoveringKind::Marble,
            CoveringKind::Bricks,
        ][stream.below(5)];
        let quarter = std::f32::consts::FRAC_PI_2;
        let turn = match kind {
            CoveringKind::Tiles | CoveringKind::Marble if stream.below(3) == 0 => quarter / 2.0,
            _ => quarter * stream.below(2) as f32,
        };
        let gloss = match kind {
            CoveringKind::Marble => 0.75 + 0.25 * stream.uniform(),
            CoveringKind::Tiles => 0.3 + 0.6 * stream.uniform(),
            CoveringKind::Wood => 0.15 + 0.55 * stream.uniform(),
            _ => 0.05,
        };
        Self::new(kind, hue, (0.60, 0.085), turn, gloss, stream)
    }

    /// A wall of this hue (in turns).
    pub(super) fn wall(hue: f32, stream: &mut Stream) -> Self {
        let kind = [
            CoveringKind::Plaster,
            CoveringKind::Plaster,
            CoveringKind::Bricks,
            CoveringKind::Tiles,
            CoveringKind::Wood,
            CoveringKind::Marble,
        ][stream.below(6)];
        let turn = if kind == CoveringKind::Wood { std::f32::consts::FRAC_PI_2 } else { 0.0 };
        let gloss = match kind {
            CoveringKind::Marble => 0.5,
            CoveringKind::Tiles => 0.2 + 0.5 * stream.uniform(),
            _ => 0.0,
        };
        Self::new(kind, hue, (0.72, 0.062), turn, gloss, stream)
    }

    fn new(
        kind: CoveringKind,
        hue: f32,
        tone: (f32, f32),
        turn: f32,
        gloss: f32,
        stream: &mut Stream,
    ) -> Self {
        let (lightness, chroma) = (tone.0 + 0.05 * (stream.uniform() - 0.5), tone.1);
        Self {
            kind,
            base: colour(lightness, chroma, hue),
            pale: colour(lightness + 0.17, chroma * 0.45, hue),
            deep: colour(lightness - 0.2, chroma * 1.05, hue),
            seed: stream.below(1 << 30) as u32,
            offset: (stream.uniform() * 7.0, stream.uniform() * 7.0),
            turn: turn.sin_cos(),
            scale: 0.85 + 0.4 * stream.uniform(),
            variety: 0.5 + stream.uniform(),
            gloss,
        }
    }

    /// The average colour, for light that bounces off.
    pub(super) fn base(&self) -> Vec3 {
        self.base
    }

    /// The finish at (`u`, `v`), seen so that a pixel covers about `width` units; finer detail than that is
    /// replaced by its average.
    pub(super) fn at(&self, u: f32, v: f32, width: f32) -> Finish {
        let (sin, cos) = self.turn;
        let (u, v) = (u / self.scale, v / self.scale);
        let (u, v) = (cos * u + sin * v + self.offset.0, cos * v - sin * u + self.offset.1);
        let width = width / self.scale;
        let mut finish = match self.kind {
            CoveringKind::Wood => self.wood(u, v, width),
            CoveringKind::Tiles => self.tiles(u, v, width),
            CoveringKind::Marble => self.marble(u, v, width),
            CoveringKind::Bricks => self.bricks(u, v, width),
            CoveringKind::Plaster => self.plaster(u, v, width),
        };
        let (along, across) = finish.tilt;
        finish.tilt = (cos * along - sin * across, sin * along + cos * across);
        finish
    }

    /// Planks along `u`, each cut from its own part of the trunk.
    fn wood(&self, u: f32, v: f32, width: f32) -> Finish {
        const PLANK: (f32, f32) = (2.1, 0.3);
        let (row, across) = split(v / PLANK.1);
        let (piece, along) = split(u / PLANK.0 + 0.61 * row as f32 + grid(row, 7, self.seed));
        let id = grid(row, piece, self.seed ^ 1);
        // Growth rings cut at a small angle: long flames with a fine fibre.
        let shift = id * 40.0;
        let flame = detail(u * 0.7 + shift, v * 7.0 + shift, width * 7.0, self.seed);
        let rings = detail(u * 0.5 + shift, v * 26.0 + 4.0 * flame + shift, width * 26.0, self.seed ^ 2);
        let fibre = detail(u * 5.0, v * 130.0, width * 130.0, self.seed ^ 3);
        let tone = 0.30 + 0.26 * (id - 0.5) * self.variety + 0.55 * (flame - 0.5) + 0.5 * (rings - 0.5);
        let albedo = self.base.mix(self.deep, (tone + 0.22 * (fibre - 0.5)).clamp(0.0, 0.95));
        let gap_v = line(edge(across) * PLANK.1, 0.005, width);
        let gap_u = line(edge(along) * PLANK.0, 0.004, width);
        let gap = gap_v.max(gap_u);
        let albedo = albedo.mix(self.deep * 0.25, 0.85 * gap);
        Finish { albedo, tilt: (0.0, 0.012 * (fibre - 0.5)), gloss: self.gloss * (1.0 - gap) }
    }

    /// Square glazed tiles with a pale joint.
    fn tiles(&self, u: f32, v: f32, width: f32) -> Finish {
        const TILE: f32 = 0.46;
        let ((i, x), (j, y)) = (split(u / TILE), split(v / TILE));
        let id = grid(i, j, self.seed);
        let cloud = detail(u * 5.0 + id * 30.0, v * 5.0, width * 5.0, self.seed ^ 5);
        let joint = line(edge(x) * TILE, 0.009, width).max(line(edge(y) * TILE, 0.009, width));
        let tone = 0.16 * (id - 0.5) * self.variety + 0.2 * (cloud - 0.5);
        let glaze = self.base * (1.0 + tone);
        let albedo = glaze.mix(self.pale.mix(grey(0.5), 0.35) * 0.85, joint);
        let tilt = (bevel(x, TILE, 0.02, width), bevel(y, TILE, 0.02, width));
        Finish { albedo, tilt, gloss: self.gloss * (1.0 - joint) }
    }

    /// Polished slabs with veins that run through each slab in its own way.
    fn marble(&self, u: f32, v: f32, width: f32) -> Finish {
        const SLAB: f32 = 1.05;
        let ((i, x), (j, y)) = (split(u / SLAB), split(v / SLAB));
        let shift = grid(i, j, self.seed) * 60.0;
        let (p, q) = (u + shift, v - shift);
        let bend_p = detail(p * 1.7, q * 1.7, width * 1.7, self.seed ^ 7) - 0.5;
        let bend_q = detail(p * 1.7 + 9.0, q * 1.7, width * 1.7, self.seed ^ 8) - 0.5;
        let (p, q) = (p + 1.5 * bend_p, q + 1.5 * bend_q);
        let cloud = detail(p * 2.2, q * 2.2, width * 2.2, self.seed ^ 9);
        let vein = |scale: f32, seed: u32| {
            let ridge = 1.0 - (2.0 * detail(p * scale, q * scale, width * scale, seed) - 1.0).abs();
            ramp(0.90, 1.0, ridge)
        };
        let albedo = self.base.mix(self.pale, 0.7 * ramp(0.2, 0.8, cloud));
        let albedo = albedo.mix(self.deep, 0.45 * vein(1.6, self.seed ^ 10));
        let albedo = albedo.mix(self.deep, 0.3 * vein(4.1, self.seed ^ 11));
        let joint = line(edge(x) * SLAB, 0.003, width).max(line(edge(y) * SLAB, 0.003, width));
        let albedo = albedo.mix(self.deep * 0.4, 0.8 * joint);
        Finish { albedo, tilt: (0.0, 0.0), gloss: self.gloss * (1.0 - joint) }
    }

    /// Bricks in running bond, rough, with deep mortar.
    fn bricks(&self, u: f32, v: f32, width: f32) -> Finish {
        const BRICK: (f32, f32) = (0.46, 0.155);
        let (row, y) = split(v / BRICK.1);
        let (piece, x) = split(u / BRICK.0 + 0.5 * (row & 1) as f32);
        let id = grid(row, piece, self.seed);
        let rough = detail(u * 14.0, v * 14.0, width * 14.0, self.seed ^ 13);
        let fine = detail(u * 60.0, v * 60.0, width * 60.0, self.seed ^ 14);
        // Edges wander a little, as baked clay does.
        let wander = 0.008 * (rough - 0.5);
        let (to_x, to_y) = (edge(x) * BRICK.0 + wander, edge(y) * BRICK.1 + wander);
        let mortar = line(to_x, 0.011, width).max(line(to_y, 0.011, width));
        let tone = 0.55 * (id - 0.5) * self.variety + 0.35 * (rough - 0.5) + 0.3 * (fine - 0.5);
        let clay = self.base.mix(self.deep, (0.25 + tone).clamp(0.0, 1.0));
        let albedo = clay.mix(self.pale.mix(grey(0.42), 0.5) * (0.8 + 0.25 * fine), mortar);
        let tilt = (bevel(x, BRICK.0, 0.03, width), bevel(y, BRICK.1, 0.03, width));
        let bump = 0.10 * (rough - 0.5);
        Finish { albedo, tilt: (tilt.0 + bump, tilt.1 - bump), gloss: self.gloss * (1.0 - mortar) }
    }

    /// Paint on plaster: nearly even, with the trowel's broad strokes.
    fn plaster(&self, u: f32, v: f32, width: f32) -> Finish {
        let broad = detail(u * 1.3, v * 1.3, width * 1.3, self.seed ^ 17);
        let stroke = detail(u * 7.0 + 3.0 * broad, v * 4.0, width * 7.0, self.seed ^ 18);
        let fine = detail(u * 45.0, v * 45.0, width * 45.0, self.seed ^ 19);
        let tone = 0.16 * (broad - 0.5) + 0.09 * (stroke - 0.5) + 0.05 * (fine - 0.5);
        let bump = 0.05 * self.variety * (stroke - 0.5);
        Finish { albedo: self.base * (1.0 + tone), tilt: (bump, bump), gloss: self.gloss }
    }
}

/// Smooth noise of two layers in which what a pixel of `width` cannot show has faded to the mean.
#[inline]
fn detail(x: f32, y: f32, width: f32, seed: u32) -> f32 {
    let coarse = fade(width);
    if coarse <= 0.0 {
        return 0.5;
    }
    let first = smooth(x, y, seed) - 0.5;
    let fine = fade(width * 2.3);
    let second = if fine > 0.0 { smooth(x * 2.3 + 5.2, y * 2.3, seed ^ 77) - 0.5 } else { 0.0 };
    0.5 + 0.67 * coarse * first + 0.33 * fine * second
}

/// How much of noise with one bump per unit is left when a pixel covers `width` units.
#[inline]
fn fade(width: f32) -> f32 {
    (1.3 - 1.3 * width).clamp(0.0, 1.0)
}

/// Distance to the nearer end of a cell, 0 to 0.5.
#[inline]
fn edge(fraction: f32) -> f32 {
    fraction.min(1.0 - fraction)
}

/// How much of a pixel of `width` at `distance` from the middle of a line is covered by it.
#[inline]
fn line(distance: f32, half_line: f32, width: f32) -> f32 {
    let half = (0.6 * width).max(1e-4);
    let covered = (distance + half).min(half_line) - (distance - half).max(-half_line);
    (covered / (2.0 * half)).clamp(0.0, 1.0)
}

/// The lean of a rounded edge, away from the nearer end of a cell of `size` units.
#[inline]
fn bevel(fraction: f32, size: f32, reach: f32, width: f32) -> f32 {
    let distance = edge(fraction) * size;
    let lean = mix(0.55, 0.0, (distance / (reach + width)).min(1.0)) * (reach / (reach + 2.0 * width));
    if fraction < 0.5 { -lean } else { lean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finish_is_a_reflectance_around_its_base() {
        for seed in 0..60 {
            let mut stream = Stream::new(seed, "covering");
            let covering = match seed % 2 {
                0 => Covering::floor(0.1, &mut stream),
                _ => Covering::wall(0.6, &mut stream),
            };
            let mut mean = Vec3::default();
            for i in 0..2000 {
                let finish = covering.at(i as f32 * 0.0371, i as f32 * 0.0193, 0.01);
                for value in [finish.albedo.x, finish.albedo.y, finish.albedo.z] {
                    assert!((0.0..1.0).contains(&value), "{covering:?}: {value}");
                }
                mean = mean + finish.albedo * (1.0 / 2000.0);
            }
            assert!((mean - covering.base()).length() < 0.22, "{covering:?}: {mean:?}");
        }
    }

    #[test]
    fn lines_keep_their_share_of_the_light_when_pixels_grow() {
        for width in [0.001, 0.02, 0.2] {
            let steps = 20_000;
            let covered: f32 = (0..steps)
                .map(|i| line((i as f32 / steps as f32 - 0.5).abs() * 2.0, 0.01, width) * 2.0 / steps as f32)
                .sum();
            assert!((covered - 0.02).abs() < 0.002, "width {width}: {covered}");
        }
    }
}
