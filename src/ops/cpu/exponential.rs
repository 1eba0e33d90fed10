//! Functions made of exponentials.

use super::elementwise::Real;

/// A float whose exponential comes in a form that the compiler turns into vectors.
pub(crate) trait Exponential: Real {
    /// `(1 / (1 + exp(-x)), log(1 + exp(x)))`, both to the type's precision.
    fn sigmoid_and_softplus(self) -> (Self, Self);

    /// tanh(x), to the type's precision at 1.
    fn tangent(self) -> Self;
}

impl Exponential for f64 {
    fn sigmoid_and_softplus(self) -> (Self, Self) {
        let small = (-self.abs()).exp();
        let sigmoid = if self < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
        (sigmoid, self.max(0.0) + small.ln_1p())
    }

    fn tangent(self) -> Self {
        self.tanh()
    }
}

impl Exponential for f32 {
    #[inline(always)]
    fn sigmoid_and_softplus(self) -> (Self, Self) {
        let small = exp_of_negative(-self.abs());
        let whole = 1.0 / (1.0 + small);
        let sigmoid = if self < 0.0 { small * whole } else { whole };
        // log(1 + e) = 2 artanh(e / (2 + e)), whose argument is at most 1/3: seven terms reach f32's precision.
        let s = small / (2.0 + small);
        let q = s * s;
        let series = 1.0 / 13.0;
        let series = series * q + 1.0 / 11.0;
        let series = series * q + 1.0 / 9.0;
        let series = series * q + 1.0 / 7.0;
        let series = series * q + 1.0 / 5.0;
        let series = series * q + 1.0 / 3.0;
        let log = 2.0 * (s + s * q * series);
        let positive = if self > 0.0 { self } else { 0.0 };
        (sigmoid, positive + log)
    }

    #[inline(always)]
    fn tangent(self) -> Self {
        let small = exp_of_negative(-2.0 * self.abs());
        ((1.0 - small) / (1.0 + small)).copysign(self)
    }
}

/// exp(x) for x at most 0; 0 below -87.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    // exp(x) = 2^n exp(r), n the nearest whole number to x / ln 2; ln 2 in two parts keeps r exact.
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    // Adding and taking away 1.5 * 2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let clamped = if x > -87.0 { x } else { -87.0 };
    let n = (clamped * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (clamped - n * HIGH) - n * LOW;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    // n is a whole number in -126..=0, so this is the bit pattern of 2^n.
    let power = f32::from_bits(((n as i32 + 127) as u32) << 23);
    if x > -87.0 { p * power } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_is_as_exact_as_it_can_be() {
        for i in -4000..=4000_i32 {
            let x = i as f32 * 0.03;
            let ((s, p), (exact_s, exact_p)) =
                (x.sigmoid_and_softplus(), f64::from(x).sigmoid_and_softplus());
            assert!((f64::from(s) - exact_s).abs() <= 3e-7 * exact_s + 1e-37, "sigmoid({x}) {s} {exact_s}");
            assert!((f64::from(p) - exact_p).abs() <= 4e-7 * exact_p + 1e-37, "softplus({x}) {p} {exact_p}");
        }
    }

    #[test]
    fn tanh_is_exact_to_a_rounding_of_one() {
        for i in -4000..=4000_i32 {
            let x = i as f32 * 0.005;
            let exact = f64::from(x).tanh();
            assert!((f64::from(x.tangent()) - exact).abs() < 1.5e-7, "tanh({x}) {} {exact}", x.tangent());
        }
    }
}
