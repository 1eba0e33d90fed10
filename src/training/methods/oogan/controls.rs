//! The controls c that a step draws, by its number (`sample_z_and_c` of the published program).

use crate::base::Stream;

/// The kinds of controls; every network's turn of a step draws the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Controls {
    /// One control, the same for the whole batch, is 1; the others are uniform from .2 to .6.
    Shared,
    /// One control of each picture is 1, the others are 0.
    OneHot,
    /// All are uniform from 0 to 1.
    Uniform,
}

/// Controls of one batch.
pub(super) struct Drawn {
    /// `(rows, dims)`.
    pub(super) c: Vec<f32>,
    /// 1 where a control was chosen to be 1, else 0, `(rows, dims)`.
    pub(super) chosen: Vec<f32>,
}

impl Controls {
    /// Those of `step`, counted from 0: of four steps one shared, one one-hot and two uniform, or all uniform.
    pub(super) fn at(step: u64, one_hot: bool) -> Self {
        match step % 4 {
            0 if one_hot => Self::Shared,
            2 if one_hot => Self::OneHot,
            _ => Self::Uniform,
        }
    }

    /// The weight of what it costs to choose the control that is 1.
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::Shared => 0.2,
            Self::OneHot => 0.8,
            Self::Uniform => 0.0,
        }
    }

    pub(super) fn draw(self, rows: usize, dims: usize, stream: &mut Stream) -> Drawn {
        let mut uniform = |low: f32, high: f32| -> Vec<f32> {
            (0..rows * dims).map(|_| low + (high - low) * stream.uniform()).collect()
        };
        let mut chosen = vec![0.0; rows * dims];
        let c = match self {
            Self::Uniform => uniform(0.0, 1.0),
            Self::OneHot => {
                chosen.chunks_exact_mut(dims).for_each(|row| row[stream.below(dims)] = 1.0);
                chosen.clone()
            }
            Self::Shared => {
                let mut c = uniform(0.2, 0.6);
                let dim = stream.below(dims);
                for (row, chosen) in c.chunks_exact_mut(dims).zip(chosen.chunks_exact_mut(dims)) {
                    (row[dim], chosen[dim]) = (1.0, 1.0);
                }
                c
            }
        };
        Drawn { c, chosen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_steps_draw_three_kinds() {
        let kinds = |one_hot| [0, 1, 2, 3, 4].map(|step| Controls::at(step, one_hot));
        use Controls::{OneHot, Shared, Uniform};
        assert_eq!(kinds(true), [Shared, Uniform, OneHot, Uniform, Shared]);
        assert_eq!(kinds(false), [Uniform; 5]);
    }

    #[test]
    fn each_kind_lies_where_it_should() {
        let mut stream = Stream::new(5, "controls");
        let (rows, dims) = (50, 6);
        let Drawn { c, chosen } = Controls::Uniform.draw(rows, dims, &mut stream);
        assert!(c.iter().all(|value| (0.0..1.0).contains(value)) && chosen.iter().all(|&value| value == 0.0));
        assert!(c.iter().any(|&value| value > 0.9) && c.iter().any(|&value| value < 0.1));

        let Drawn { c, chosen } = Controls::OneHot.draw(rows, dims, &mut stream);
        assert_eq!(c, chosen);
        assert!(c.chunks(dims).all(|row| row.iter().sum::<f32>() == 1.0));
        assert!((0..dims).all(|dim| c.chunks(dims).any(|row| row[dim] == 1.0)), "each picture has its own");

        let Drawn { c, chosen } = Controls::Shared.draw(rows, dims, &mut stream);
        let dim = chosen.iter().position(|&value| value == 1.0).expect("chosen");
        for (row, chosen) in c.chunks(dims).zip(chosen.chunks(dims)) {
            assert!(row.iter().enumerate().all(|(i, value)| i == dim || (0.2..0.6).contains(value)));
            assert_eq!((row[dim], chosen[dim], chosen.iter().sum::<f32>()), (1.0, 1.0, 1.0));
        }
    }
}
