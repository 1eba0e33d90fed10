use super::page::INK;

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

/// The contrast that text needs on what is behind it (WCAG 2, level AA).
const LEGIBLE: f64 = 4.5;

/// Colours from no value to the most, which get steadily darker or lighter, so that they stay apart in grey, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourScale([[u8; 3]; 3]);

impl ColourScale {
    /// Fills of cells on paper and in light windows: nothing is nearly white.
    pub const ON_LIGHT: Self = Self([[244, 247, 250], [86, 160, 208], [8, 54, 104]]);
    /// The same in dark windows: nothing is nearly as dark as the window.
    pub const ON_DARK: Self = Self([[38, 44, 53], [42, 112, 168], [196, 228, 255]]);
    /// Dots on paper and in light windows, from blue to orange: all stand out from what is behind them.
    pub const DOTS_ON_LIGHT: Self = Self([[38, 52, 140], [184, 44, 110], [208, 128, 10]]);
    /// Dots in dark windows.
    pub const DOTS_ON_DARK: Self = Self([[96, 124, 255], [236, 104, 164], [255, 214, 112]]);

    /// The colour of `share`, 0 to 1, of the most.
    pub fn at(self, share: f64) -> [u8; 3] {
        let Self(colours) = self;
        let place = share.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
        let below = (place as usize).min(colours.len() - 2);
        let between = place - below as f64;
        let mixed = |i: usize| {
            f64::from(colours[below][i]) * (1.0 - between) + f64::from(colours[below + 1][i]) * between
        };
        [0, 1, 2].map(|i| mixed(i).round() as u8)
    }
}

/// The colour of text that is legible on `behind`: contrast 4.5 at least.
pub fn ink_on(behind: [u8; 3]) -> [u8; 3] {
    [INK, WHITE].into_iter().find(|ink| contrast(*ink, behind) >= LEGIBLE).unwrap_or(BLACK)
}

/// How far two colours stand apart, 1 to 21 (WCAG 2).
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance, 0 to 1 (WCAG 2).
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_legible_on_every_colour() {
        for scale in [ColourScale::ON_LIGHT, ColourScale::ON_DARK] {
            for step in 0..=500 {
                let colour = scale.at(f64::from(step) / 500.0);
                let contrast = contrast(ink_on(colour), colour);
                assert!(contrast >= LEGIBLE, "{contrast} on {colour:?} of {scale:?}");
            }
        }
        assert_eq!((ink_on(WHITE), ink_on(BLACK)), (INK, WHITE));
    }

    #[test]
    fn dots_stand_out_from_what_is_behind_them() {
        for (scale, behind) in
            [(ColourScale::DOTS_ON_LIGHT, WHITE), (ColourScale::DOTS_ON_DARK, [26, 29, 34])]
        {
            for step in 0..=100 {
                let contrast = contrast(scale.at(f64::from(step) / 100.0), behind);
                assert!(contrast >= 3.0, "{contrast} at {step} of {scale:?}");
            }
        }
    }

    #[test]
    fn more_is_steadily_darker_on_light_and_lighter_on_dark() {
        let light = |scale: ColourScale, step: u8| luminance(scale.at(f64::from(step) / 20.0));
        for step in 1..=20 {
            assert!(light(ColourScale::ON_LIGHT, step) < light(ColourScale::ON_LIGHT, step - 1), "{step}");
            assert!(light(ColourScale::ON_DARK, step) > light(ColourScale::ON_DARK, step - 1), "{step}");
        }
        assert_eq!(ColourScale::ON_LIGHT.at(7.0), ColourScale::ON_LIGHT.at(1.0));
    }
}
