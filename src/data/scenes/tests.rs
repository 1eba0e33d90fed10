use super::*;
use crate::data::{OpenOptions, SHARED_NUISANCE, index_of, open};

fn picture(set: &dyn Dataset, index: usize, draw: u64) -> Vec<f32> {
    let mut out = vec![f32::NAN; set.picture_shape().iter().product()];
    set.read(index, draw, &mut out).expect("renders");
    assert!(out.iter().all(|value| (0.0..=1.0).contains(value)), "values in [0, 1]");
    out
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

#[test]
fn the_set_has_its_factors_and_reads_the_same_twice() {
    let set = open("scenes", Some(64), &OpenOptions::default()).expect("opens");
    assert_eq!((set.len(), set.picture_shape()), (10 * 10 * 10 * 10 * 6 * 15, [3, 64, 64]));
    assert_eq!(picture(&*set, 123_456, 5), picture(&*set, 123_456, 5));
    assert!(difference(&picture(&*set, 123_456, 5), &picture(&*set, 123_456, 6)) > 0.01);
    assert!(open("scenes", Some(32), &OpenOptions::default()).is_err());
    assert!(open("scenes", Some(2048), &OpenOptions::default()).is_err());
}

#[test]
fn every_factor_changes_the_picture_while_the_nuisance_stays() {
    let set = open("scenes", Some(64), &OpenOptions::default()).expect("opens");
    let middle: Vec<usize> = set.factors().iter().map(|factor| factor.values.len() / 2).collect();
    for shape in 0..Shape::ALL.len() {
        for (factor, name) in set.factors().iter().map(|factor| &factor.name).enumerate() {
            let mut classes = middle.clone();
            classes[4] = shape;
            let before = picture(&*set, index_of(set.factors(), &classes), SHARED_NUISANCE | 3);
            classes[factor] = if factor == 4 { (shape + 1) % Shape::ALL.len() } else { 1 };
            let after = picture(&*set, index_of(set.factors(), &classes), SHARED_NUISANCE | 3);
            let change = difference(&before, &after);
            assert!(change > 0.004, "{name} at shape {shape}: {change}");
        }
    }
}

#[test]
fn sizes_show_the_same_scene() {
    let (small, large) = (Scenes::new(64).expect("fits"), Scenes::new(256).expect("fits"));
    for index in [7, 345_678, 899_999] {
        let (small, large) = (picture(&small, index, 2), picture(&large, index, 2));
        let mut shrunk = vec![0.0; small.len()];
        for (at, value) in large.iter().enumerate() {
            let (channel, row, column) = (at / 65_536, at / 256 % 256, at % 256);
            shrunk[channel * 4096 + row / 4 * 64 + column / 4] += value / 16.0;
        }
        assert!(difference(&small, &shrunk) < 0.03, "{}", difference(&small, &shrunk));
    }
}
