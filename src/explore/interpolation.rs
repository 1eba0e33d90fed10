use crate::model::{CodeKind, ModelDescription};

use super::{Codes, CodesError};

/// `steps` codes from row 0 of `from` to row 0 of `to`, both included.
///
/// Codes with meaning move in a straight line; noise moves along the great circle, because a straight line
/// between two draws from N(0, I) in many dimensions passes through vectors far shorter than any draw; a choice
/// switches half way.
///
/// # Errors
/// When one of the two lacks a block of the model.
pub fn interpolate(
    description: &ModelDescription,
    from: &Codes,
    to: &Codes,
    steps: usize,
) -> Result<Codes, CodesError> {
    let mut codes = from.select(&vec![0; steps]);
    for block in &description.codes {
        let (start, end) = (from.row(&block.name, 0)?, to.row(&block.name, 0)?);
        for step in 0..steps {
            let share = if steps == 1 { 0.5 } else { step as f32 / (steps - 1) as f32 };
            let values = blend(block.kind, start, end, share);
            codes.set_row(&block.name, step, &values)?;
        }
    }
    Ok(codes)
}

/// The values of a block a `share` of the way from `start` to `end`: as [`interpolate`] moves them.
pub fn blend(kind: CodeKind, start: &[f32], end: &[f32], share: f32) -> Vec<f32> {
    match kind {
        CodeKind::Gaussian | CodeKind::Uniform => straight(start, end, share),
        CodeKind::Noise => along_the_sphere(start, end, share),
        CodeKind::OneHot => (if share < 0.5 { start } else { end }).to_vec(),
    }
}

fn straight(start: &[f32], end: &[f32], share: f32) -> Vec<f32> {
    start.iter().zip(end).map(|(a, b)| a * (1.0 - share) + b * share).collect()
}

/// Spherical interpolation of the direction, straight interpolation of the length.
fn along_the_sphere(start: &[f32], end: &[f32], share: f32) -> Vec<f32> {
    let length = |v: &[f32]| v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let (from, to) = (length(start), length(end));
    let dot: f64 = start.iter().zip(end).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    let angle = (dot / (from * to)).clamp(-1.0, 1.0).acos();
    // Same or opposite directions, or a vector of length 0 (then the angle is NaN): there is no one great circle.
    if !(1e-6..std::f64::consts::PI - 1e-6).contains(&angle) {
        return straight(start, end, share);
    }
    let share = f64::from(share);
    let target = from * (1.0 - share) + to * share;
    let weight = |part: f64| (part * angle).sin() / angle.sin() * target;
    let (a, b) = (weight(1.0 - share) / from, weight(share) / to);
    start.iter().zip(end).map(|(&x, &y)| (a * f64::from(x) + b * f64::from(y)) as f32).collect()
}

/// A way through codes that somebody chose, as [`interpolate`] moves between each two of them.
#[derive(Clone, Debug, PartialEq)]
pub struct CodePath {
    /// The codes it passes, in order, one a row.
    pub stops: Codes,
    /// Whether it goes on from the last code to the first.
    pub is_closed: bool,
}

impl CodePath {
    /// Ways between neighbouring codes.
    pub fn legs(&self) -> usize {
        match self.stops.rows() {
            0 | 1 => 0,
            stops => stops - usize::from(!self.is_closed),
        }
    }

    /// The code at `place`, from 0 (the first stop) to [`CodePath::legs`] (the end); outside it stays at the end.
    ///
    /// # Errors
    /// When the stops lack a block of the model.
    pub fn at(&self, description: &ModelDescription, place: f64) -> Result<Codes, CodesError> {
        let place = place.clamp(0.0, self.legs() as f64);
        let leg = (place.floor() as usize).min(self.legs().saturating_sub(1));
        let share = (place - leg as f64) as f32;
        let next = (leg + 1) % self.stops.rows().max(1);
        let mut codes = self.stops.select(&[leg]);
        for block in &description.codes {
            let (start, end) = (self.stops.row(&block.name, leg)?, self.stops.row(&block.name, next)?);
            codes.set_row(&block.name, 0, &blend(block.kind, start, end, share))?;
        }
        Ok(codes)
    }

    /// The codes of an animation: `steps` a leg, each beginning at a stop, and the last stop where the path does not
    /// end where it began.
    ///
    /// # Errors
    /// As [`CodePath::at`].
    pub fn frames(&self, description: &ModelDescription, steps: usize) -> Result<Codes, CodesError> {
        let count = self.legs() * steps + usize::from(!self.is_closed);
        let mut codes = self.stops.select(&vec![0; count]);
        for frame in 0..count {
            let at = self.at(description, frame as f64 / steps.max(1) as f64)?;
            for (name, values) in at.blocks() {
                codes.set_row(name, frame, values.row(0))?;
            }
        }
        Ok(codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{draw_all, toy};

    #[test]
    fn a_path_passes_its_stops_and_closes() {
        let description = toy::description();
        let stops = draw_all(&description, 3, 4, None);
        let near = |codes: &Codes, row: usize, stop: usize| {
            let (a, b) = (codes.row("c", row).expect("has c"), stops.row("c", stop).expect("has c"));
            a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
        };
        let open = CodePath { stops: stops.clone(), is_closed: false };
        let frames = open.frames(&description, 5).expect("fits");
        assert_eq!((open.legs(), frames.rows()), (2, 11));
        assert!(near(&frames, 0, 0) && near(&frames, 5, 1) && near(&frames, 10, 2) && !near(&frames, 4, 1));
        let closed = CodePath { stops: stops.clone(), is_closed: true };
        let frames = closed.frames(&description, 5).expect("fits");
        assert_eq!((closed.legs(), frames.rows()), (3, 15));
        assert!(near(&frames, 10, 2) && near(&closed.at(&description, 3.0).expect("fits"), 0, 0));
        assert!(near(&closed.at(&description, 99.0).expect("fits"), 0, 0), "the path has an end");
        let alone = CodePath { stops: stops.select(&[1]), is_closed: false };
        assert_eq!((alone.legs(), alone.frames(&description, 5).expect("fits").rows()), (0, 1));
    }

    #[test]
    fn ends_are_kept_and_meaning_moves_straight() {
        let description = toy::description();
        let draws = draw_all(&description, 2, 3, None);
        let (a, b) = (draws.select(&[0]), draws.select(&[1]));
        let path = interpolate(&description, &a, &b, 5).expect("same model");
        for name in ["c", "s"] {
            for (row, end) in [(0, &a), (4, &b)] {
                let (got, expected) = (path.row(name, row).expect("has"), end.row(name, 0).expect("has"));
                assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-5), "{got:?} {expected:?}");
            }
        }
        let middle = path.row("c", 2).expect("has c");
        let (from, to) = (a.row("c", 0).expect("has c"), b.row("c", 0).expect("has c"));
        assert!((0..3).all(|i| (middle[i] - 0.5 * (from[i] + to[i])).abs() < 1e-6));
    }

    #[test]
    fn noise_keeps_its_length_on_the_way() {
        let middle = along_the_sphere(&[2.0, 0.0], &[0.0, 4.0], 0.5);
        let expected = 3.0 / 2.0f32.sqrt();
        assert!((middle[0] - expected).abs() < 1e-5 && (middle[1] - expected).abs() < 1e-5, "{middle:?}");
        assert_eq!(along_the_sphere(&[1.0, 0.0], &[-1.0, 0.0], 0.25), [0.5, 0.0]);
        assert_eq!(along_the_sphere(&[0.0, 0.0], &[0.0, 2.0], 0.5), [0.0, 1.0]);
    }

    #[test]
    fn a_choice_switches_half_way() {
        let description = toy::infogan();
        let (mut a, mut b) = (Codes::neutral(&description, 1), Codes::neutral(&description, 1));
        a.set_row("k", 0, &[0.0, 1.0, 0.0, 0.0]).expect("fits");
        b.set_row("k", 0, &[0.0, 0.0, 0.0, 1.0]).expect("fits");
        let path = interpolate(&description, &a, &b, 4).expect("same model");
        assert_eq!(path.row("k", 1), Ok(&[0.0, 1.0, 0.0, 0.0][..]));
        assert_eq!(path.row("k", 2), Ok(&[0.0, 0.0, 0.0, 1.0][..]));
    }
}
