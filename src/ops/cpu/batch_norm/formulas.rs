//! What batch normalisation makes of its values, place by place, and what it sums over them.

use super::channels::Formula;
use super::numbers::Numbers;

/// x itself.
pub(super) struct Itself;

/// The square of its distance from the mean.
pub(super) struct Square<N> {
    pub(super) mean: N,
}

/// `z = (x - mean) / deviation`.
#[derive(Clone, Copy)]
pub(super) struct Measures<N> {
    pub(super) mean: N,
    pub(super) inverse: N,
}

/// `activation(x * scale + offset)`.
#[derive(Clone, Copy)]
pub(super) struct Scaled<N> {
    pub(super) scale: N,
    pub(super) offset: N,
    pub(super) slope: N,
}

/// From x and the gradient of the result: g, that before the activation, and `g z`.
#[derive(Clone, Copy)]
pub(super) struct GradientSums<N> {
    pub(super) measures: Measures<N>,
    pub(super) scaled: Scaled<N>,
}

/// From the same: `scale * (g - mean - z * product)`, the gradient in x.
pub(super) struct InputGradient<N> {
    pub(super) sums: GradientSums<N>,
    /// Of g.
    pub(super) mean: N,
    /// Of g z.
    pub(super) product: N,
}

/// From x, g and u, the gradient of the gradient in x: g, u, `u g`, `g z`, `u z`.
pub(super) struct SecondSums<N> {
    pub(super) measures: Measures<N>,
}

/// From x and u: `scale * (u - mean - z * product)`, the gradient in g.
pub(super) struct OfGradient<N> {
    pub(super) measures: Measures<N>,
    pub(super) scale: N,
    /// Of u.
    pub(super) mean: N,
    /// Of u z.
    pub(super) product: N,
}

/// From x, g and u: `scale * (z * along + m (u - mean(u)) + p (g - mean(g)))`, the gradient in x.
pub(super) struct OfInput<N> {
    pub(super) measures: Measures<N>,
    pub(super) scale: N,
    pub(super) along: N,
    /// Of g, u, g z (m) and u z (p).
    pub(super) means: [N; 4],
}

impl<N: Numbers> Formula<N, 1, 1> for Itself {
    #[inline(always)]
    unsafe fn of(&self, x: [N; 1]) -> [N; 1] {
        x
    }
}

impl<N: Numbers> Formula<N, 1, 1> for Square<N> {
    #[inline(always)]
    unsafe fn of(&self, [x]: [N; 1]) -> [N; 1] {
        // SAFETY: as the caller promises.
        unsafe {
            let distance = x.sub(self.mean);
            [distance.mul(distance)]
        }
    }
}

impl<N: Numbers> Measures<N> {
    /// # Safety
    /// That of [`Numbers`].
    #[inline(always)]
    unsafe fn z(&self, x: N) -> N {
        // SAFETY: as the caller promises.
        unsafe { x.sub(self.mean).mul(self.inverse) }
    }
}

impl<N: Numbers> Scaled<N> {
    /// What the activation is given.
    ///
    /// # Safety
    /// That of [`Numbers`].
    #[inline(always)]
    unsafe fn before(&self, x: N) -> N {
        // SAFETY: as the caller promises.
        unsafe { x.mul(self.scale).add(self.offset) }
    }
}

impl<N: Numbers> Formula<N, 1, 1> for Scaled<N> {
    #[inline(always)]
    unsafe fn of(&self, [x]: [N; 1]) -> [N; 1] {
        // SAFETY: as the caller promises.
        unsafe {
            let y = self.before(x);
            [y.gate(self.slope).mul(y)]
        }
    }
}

impl<N: Numbers> GradientSums<N> {
    /// z and the gradient before the activation.
    ///
    /// # Safety
    /// That of [`Numbers`].
    #[inline(always)]
    unsafe fn parts(&self, x: N, gradient: N) -> (N, N) {
        // SAFETY: as the caller promises.
        unsafe {
            let gate = self.scaled.before(x).gate(self.scaled.slope);
            (self.measures.z(x), gate.mul(gradient))
        }
    }
}

impl<N: Numbers> Formula<N, 2, 2> for GradientSums<N> {
    #[inline(always)]
    unsafe fn of(&self, [x, gradient]: [N; 2]) -> [N; 2] {
        // SAFETY: as the caller promises.
        unsafe {
            let (z, g) = self.parts(x, gradient);
            [g, g.mul(z)]
        }
    }
}

impl<N: Numbers> Formula<N, 2, 1> for InputGradient<N> {
    #[inline(always)]
    unsafe fn of(&self, [x, gradient]: [N; 2]) -> [N; 1] {
        // SAFETY: as the caller promises.
        unsafe {
            let (z, g) = self.sums.parts(x, gradient);
            [self.sums.scaled.scale.mul(g.sub(self.mean).sub(z.mul(self.product)))]
        }
    }
}

impl<N: Numbers> Formula<N, 3, 5> for SecondSums<N> {
    #[inline(always)]
    unsafe fn of(&self, [x, g, u]: [N; 3]) -> [N; 5] {
        // SAFETY: as the caller promises.
        unsafe {
            let z = self.measures.z(x);
            [g, u, u.mul(g), g.mul(z), u.mul(z)]
        }
    }
}

impl<N: Numbers> Formula<N, 2, 1> for OfGradient<N> {
    #[inline(always)]
    unsafe fn of(&self, [x, u]: [N; 2]) -> [N; 1] {
        // SAFETY: as the caller promises.
        unsafe { [self.scale.mul(u.sub(self.mean).sub(self.measures.z(x).mul(self.product)))] }
    }
}

impl<N: Numbers> Formula<N, 3, 1> for OfInput<N> {
    #[inline(always)]
    unsafe fn of(&self, [x, g, u]: [N; 3]) -> [N; 1] {
        let [mean_g, mean_u, m, p] = self.means;
        // SAFETY: as the caller promises.
        unsafe {
            let along = self.measures.z(x).mul(self.along).add(m.mul(u.sub(mean_u)));
            [self.scale.mul(along.add(p.mul(g.sub(mean_g))))]
        }
    }
}
