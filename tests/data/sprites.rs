//! The drawn sprites beside the 320 frames that the authors of dSprites publish of it (an animation, Apache 2.0).
//!
//! `tests/files/sprites/frames.csv` holds each frame's factors and how many white pixels it has in the four quarters around
//! the sprite's centre; the frames themselves are looked at where they lie beside this checkout.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use idgan::data::{Dataset, OpenOptions, index_of, open};
use image::AnimationDecoder;
use image::codecs::gif::GifDecoder;

use crate::common::skip::skipped;

const NUMBERS: &str = include_str!("../files/sprites/frames.csv");
const SIDE: usize = 64;

struct Frame {
    /// Shape, scale, orientation, x, y.
    classes: [usize; 5],
    /// White pixels in the upper left, upper right, lower left and lower right quarter.
    quarters: [usize; 4],
}

fn frames() -> Vec<Frame> {
    let frame = |(at, line): (usize, &str)| {
        let numbers: Vec<usize> = line.split(',').map(|number| number.parse().unwrap()).collect();
        assert_eq!((numbers[0], numbers.len()), (at, 10));
        Frame { classes: numbers[1..6].try_into().unwrap(), quarters: numbers[6..].try_into().unwrap() }
    };
    NUMBERS.lines().skip(1).enumerate().map(frame).collect()
}

/// Which of the 64x64 pixels of the drawn sprite are white.
fn drawn(set: &Arc<dyn Dataset>, classes: [usize; 5]) -> Vec<bool> {
    let mut values = vec![0.0; SIDE * SIDE];
    set.read(index_of(set.factors(), &classes), 0, &mut values).unwrap();
    values.into_iter().map(|value| value > 0.5).collect()
}

/// White pixels in the four quarters around the centre of a sprite.
fn quarters(white: &[bool], [.., x, y]: [usize; 5]) -> [usize; 4] {
    let is_beyond = |at: usize, position: usize| at as f64 > 15.5 + 32.0 * position as f64 / 31.0;
    let mut counts = [0; 4];
    for at in (0..SIDE * SIDE).filter(|&at| white[at]) {
        counts[2 * usize::from(is_beyond(at / SIDE, y)) + usize::from(is_beyond(at % SIDE, x))] += 1;
    }
    counts
}

#[test]
fn every_quarter_of_a_sprite_is_as_large_as_in_the_published_frames() {
    let set = open("dsprites", None, &OpenOptions::default()).unwrap();
    let frames = frames();
    assert_eq!(frames.len(), 320);
    let (mut differing, mut white) = (0, 0);
    for (at, frame) in frames.iter().enumerate() {
        let ours = quarters(&drawn(&set, frame.classes), frame.classes);
        for (ours, theirs) in ours.into_iter().zip(frame.quarters) {
            assert!(ours.abs_diff(theirs) <= 2, "frame {at}: {ours:?}, published {:?}", frame.quarters);
            differing += ours.abs_diff(theirs);
            white += theirs;
        }
    }
    assert!(differing * 500 < white, "{differing} pixels of {white} are too many or missing");
}

#[test]
fn sprites_overlap_with_the_published_frames() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/sprites/dsprites.gif");
    let Ok(file) = std::fs::File::open(&path) else {
        return skipped(
            "official",
            &format!("the published frames are not beside this checkout: {}", path.display()),
        );
    };
    let set = open("dsprites", None, &OpenOptions::default()).unwrap();
    let pictures = GifDecoder::new(BufReader::new(file)).unwrap().into_frames();
    let mut overlaps = [Vec::new(), Vec::new(), Vec::new()];
    for (frame, picture) in frames().into_iter().zip(pictures) {
        let picture = picture.unwrap().into_buffer();
        let theirs: Vec<bool> = picture.pixels().map(|pixel| pixel[0] > 127).collect();
        assert_eq!(quarters(&theirs, frame.classes), frame.quarters, "the numbers are those of the frames");
        let ours = drawn(&set, frame.classes);
        let count =
            |join: fn(bool, bool) -> bool| ours.iter().zip(&theirs).filter(|&(&a, &b)| join(a, b)).count();
        overlaps[frame.classes[0]].push(count(|a, b| a && b) as f64 / count(|a, b| a || b) as f64);
    }
    for (overlaps, frames) in overlaps.iter().zip([64, 64, 192]) {
        assert_eq!(overlaps.len(), frames);
        let mean = overlaps.iter().sum::<f64>() / frames as f64;
        let least = overlaps.iter().copied().fold(1.0, f64::min);
        assert!(mean > 0.999 && least > 0.98, "intersection over union: mean {mean}, least {least}");
    }
}
