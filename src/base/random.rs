use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// A seeded stream of random numbers that can be saved and resumed at the exact position.
///
/// Streams of one seed with different names are independent, so that drawing more of one thing (nuisance
/// codes) never shifts another (the order of the data).
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
    seed: u64,
}

/// A [`Stream`] at rest: enough to continue it with the next number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    seed: u64,
    stream: u64,
    /// Position in 32-bit words; below 2^68, so it is kept as two halves that JSON readers hold exactly.
    word_high: u64,
    word_low: u64,
}

impl Stream {
    /// The stream called `name` of `seed`.
    pub fn new(seed: u64, name: &str) -> Self {
        Self::numbered(seed, fnv1a(name.as_bytes()))
    }

    /// The stream called `name` of `seed` that belongs to item `index`, for instance the nuisance of image
    /// `index`: the same whatever was drawn before.
    pub fn for_item(seed: u64, name: &str, index: u64) -> Self {
        Self::numbered(
            seed,
            fnv1a(name.as_bytes()) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17),
        )
    }

    fn numbered(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { rng, seed }
    }

    /// A draw from N(0, 1).
    pub fn normal(&mut self) -> f32 {
        StandardNormal.sample(&mut self.rng)
    }

    /// A draw from U[0, 1).
    pub fn uniform(&mut self) -> f32 {
        self.rng.random()
    }

    /// A whole number in `0..limit`; 0 when `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { self.rng.random_range(0..limit) }
    }

    /// A seed for streams of other things, so many of which may be drawn at once.
    pub fn seed(&mut self) -> u64 {
        self.rng.random()
    }

    /// `len` draws from N(0, 1).
    pub fn normals(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.normal()).collect()
    }

    /// A random order of `0..len` (Fisher-Yates).
    pub fn permutation(&mut self, len: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..len as u32).collect();
        for i in (1..len).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// The stream's position.
    pub fn state(&self) -> StreamState {
        let words = self.rng.get_word_pos();
        StreamState {
            seed: self.seed,
            stream: self.rng.get_stream(),
            word_high: (words >> 32) as u64,
            word_low: words as u64 & 0xffff_ffff,
        }
    }

    /// The stream that continues at `state`.
    pub fn resume(state: StreamState) -> Self {
        let mut stream = Self::numbered(state.seed, state.stream);
        stream.rng.set_word_pos(u128::from(state.word_high) << 32 | u128::from(state.word_low));
        stream
    }
}

/// FNV-1a, 64 bits: a stable way to turn a name into a number.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_stream_goes_on_where_it_was() {
        let mut stream = Stream::new(7, "codes");
        stream.normals(1001);
        let mut resumed = Stream::resume(stream.state());
        assert_eq!(stream.normals(100), resumed.normals(100));
        assert_eq!(stream.permutation(50), resumed.permutation(50));
    }

    #[test]
    fn the_state_survives_json() {
        let mut stream = Stream::new(u64::MAX, "codes");
        stream.uniform();
        let text = serde_json::to_string(&stream.state()).expect("serialises");
        let state: StreamState = serde_json::from_str(&text).expect("parses");
        assert_eq!(state, stream.state());
    }

    #[test]
    fn names_and_items_are_independent() {
        let first = Stream::new(1, "a").normals(8);
        assert_ne!(first, Stream::new(1, "b").normals(8));
        assert_ne!(first, Stream::new(2, "a").normals(8));
        assert_ne!(Stream::for_item(1, "a", 1).normals(8), Stream::for_item(1, "a", 2).normals(8));
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let draws = Stream::new(3, "moments").normals(100_000);
        let mean = draws.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
        let variance = draws.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut order = Stream::new(5, "order").permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(i, &v)| i as u32 == v));
    }
}
