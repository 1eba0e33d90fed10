use std::path::Path;

use super::mask::SIDE;
use crate::base::{Background, Stream};
use crate::data::noise::{layered, mix, ramp};
use crate::data::photos::decode;
use crate::data::{DataError, noise};

/// The box that a picture is scaled into before crops are cut from it (paper reference 36's preparation).
const WIDTH: usize = 350;
const HEIGHT: usize = 274;

/// The picture behind Scream-dSprites.
pub(super) struct Painting {
    width: usize,
    height: usize,
    /// `(3, height, width)` in [0, 1].
    planes: Vec<f32>,
}

impl Painting {
    /// Reads a picture and scales it down, its aspect kept, until it fits inside 350x274; `background` shows through it.
    pub(super) fn open(path: &Path, background: Background) -> Result<Self, DataError> {
        let picture = decode::file(path, background)?.fit_inside(WIDTH, HEIGHT);
        if picture.width() < SIDE || picture.height() < SIDE {
            let what = format!(
                "scaled to fit inside 350x274 the picture is {}x{}, too small for crops of 64x64; take a larger \
                 or less elongated one",
                picture.width(),
                picture.height()
            );
            return Err(DataError::Content { what, path: path.to_owned() });
        }
        let (width, height) = (picture.width(), picture.height());
        let mut planes = vec![0.0; 3 * width * height];
        picture.write_planes(&mut planes);
        Ok(Self { width, height, planes })
    }

    /// The program's own painting: a burning sky in waves over a dark fjord.
    pub(super) fn own() -> Self {
        let mut planes = vec![0.0; 3 * WIDTH * HEIGHT];
        let plane = WIDTH * HEIGHT;
        for row in 0..HEIGHT {
            for column in 0..WIDTH {
                let colour = colour_at(column as f32 / HEIGHT as f32, row as f32 / HEIGHT as f32);
                for (channel, value) in colour.into_iter().enumerate() {
                    planes[channel * plane + row * WIDTH + column] = value;
                }
            }
        }
        Self { width: WIDTH, height: HEIGHT, planes }
    }

    /// Writes a random 64x64 crop into `out` `(3, 64, 64)`.
    pub(super) fn crop(&self, stream: &mut Stream, out: &mut [f32]) {
        let (left, top) = (stream.below(self.width - SIDE + 1), stream.below(self.height - SIDE + 1));
        for (to, from) in
            out.chunks_exact_mut(SIDE * SIDE).zip(self.planes.chunks_exact(self.width * self.height))
        {
            for (y, row) in to.chunks_exact_mut(SIDE).enumerate() {
                let start = (top + y) * self.width + left;
                row.copy_from_slice(&from[start..start + SIDE]);
            }
        }
    }
}

/// Sky colours from the horizon (0) to the top (1) of a wave.
const SKY: [[f32; 3]; 6] = [
    [0.96, 0.82, 0.48],
    [0.94, 0.62, 0.22],
    [0.86, 0.38, 0.14],
    [0.72, 0.20, 0.13],
    [0.93, 0.56, 0.26],
    [0.42, 0.38, 0.45],
];

/// Water colours.
const WATER: [[f32; 3]; 5] =
    [[0.07, 0.10, 0.20], [0.11, 0.21, 0.34], [0.22, 0.36, 0.42], [0.60, 0.56, 0.38], [0.10, 0.16, 0.26]];

/// Land colours.
const LAND: [[f32; 3]; 4] = [[0.10, 0.10, 0.12], [0.24, 0.19, 0.15], [0.36, 0.31, 0.17], [0.15, 0.20, 0.20]];

/// The colour of a point, `y` from 0 (top) to 1 and `x` from 0 to 1.28.
fn colour_at(x: f32, y: f32) -> [f32; 3] {
    // Bending the plane by noise of itself is what makes straight bands swirl.
    let bend_x = layered(x * 2.1, y * 2.1, 3, 11) - 0.5;
    let bend_y = layered(x * 2.1, y * 2.1, 3, 23) - 0.5;
    let (u, v) = (x + 0.55 * bend_x, y + 0.55 * bend_y);
    let horizon = 0.47 + 0.05 * (layered(x * 2.5, 0.0, 2, 5) - 0.5) + 0.22 * bend_y;
    let shore = 0.60 + 0.42 * x + 0.2 * bend_x;

    let sky = band(&SKY, (v * 9.5 + 1.3 * layered(u * 2.0, v * 7.0, 3, 31)).fract());
    let water = band(&WATER, (v * 13.0 - u * 2.0 + 1.2 * layered(u * 3.0, v * 9.0, 3, 41)).fract());
    let land = band(&LAND, (v * 8.0 + u * 9.0 + 1.1 * layered(u * 4.0, v * 4.0, 3, 51)).fract());
    let far = lerp(sky, water, ramp(-0.012, 0.012, y - horizon));
    let base = lerp(far, land, ramp(-0.012, 0.012, y + 0.18 - shore));

    // Brush strokes: long thin noise along the bands, light and dark, and the weave of the board.
    let along = u * 9.0 + 0.6 * bend_y * 9.0;
    let stroke = layered(along, v * 95.0, 2, 61) - 0.5;
    let weave = noise::grid((x * 274.0) as i32, (y * 274.0) as i32, 71) - 0.5;
    let edge = 1.0 - 0.22 * ((x / 1.28 - 0.5).abs() * 2.0).powi(4) - 0.16 * ((y - 0.5).abs() * 2.0).powi(4);
    base.map(|value| ((value + 0.24 * stroke * (0.35 + value) + 0.025 * weave) * edge).clamp(0.0, 1.0))
}

/// The colour at `t` in [0, 1) of a closed band of colours.
fn band(colours: &[[f32; 3]], t: f32) -> [f32; 3] {
    let at = t * colours.len() as f32;
    let first = (at as usize).min(colours.len() - 1);
    // Mostly flat colours with short passages between them, as paint lies.
    lerp(colours[first], colours[(first + 1) % colours.len()], ramp(0.45, 1.0, at - first as f32))
}

fn lerp(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}
