/// The colour of `value` in [0, 1] on difference maps; the same polynomial as `heat` in `shaders/picture.wgsl`.
pub(crate) fn heat(value: f32) -> [u8; 3] {
    let t = value.clamp(0.0, 1.0);
    let r = t * 2.2;
    let g = t * 2.0 - 0.7;
    let b = 0.9 * (t * std::f32::consts::PI).sin() * (1.0 - t) + (t * 4.0 - 3.0).max(0.0);
    [r, g, b].map(|v| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
}

#[cfg(test)]
mod tests {
    use super::heat;

    #[test]
    fn the_scale_runs_from_black_to_white_and_gets_brighter() {
        assert_eq!(heat(0.0), [0, 0, 0]);
        assert_eq!(heat(1.0), [255, 255, 255]);
        assert_eq!(heat(f32::NAN), heat(0.0));
        let brightness = |t: f32| heat(t).iter().map(|&v| u32::from(v)).sum::<u32>();
        for step in 1..=20 {
            assert!(brightness(step as f32 / 20.0) > brightness((step - 1) as f32 / 20.0), "{step}");
        }
    }
}
