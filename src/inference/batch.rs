//! How many pictures go through a network on a GPU at once: as many as keep it busy and fit into its memory.

use candle_core::Device;

use crate::graph::{Graph, GraphError};

/// The share of a GPU's free memory that one batch may take; the window's other networks and other programs want some.
const SHARE: u64 = 4;
/// Bytes where nobody says how much is free, and on the processor.
const ELSEWHERE: u64 = 256 << 20;
/// A GPU is busy with so many pictures; more would only be held longer.
const MOST: u64 = 256;
/// Values of pictures that one call hands to the host, at most: 256 MiB.
const HOST_VALUES: u64 = 1 << 26;
/// Kernels count the values of a buffer in 32 bits; beyond them candle's results are silently wrong, and ours are refused.
const LARGEST_BUFFER: u64 = i32::MAX as u64;

/// Memory that a batch may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    bytes: u64,
}

impl MemoryBudget {
    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// A quarter of what is free on `device` now, where it says so.
    pub fn of(device: &Device) -> Self {
        let free = super::cuda::free_memory(device);
        Self { bytes: free.map_or(ELSEWHERE, |free| free / SHARE) }
    }

    /// Pictures of `footprint` that fit, at least one: what does not fit is for the device to refuse.
    pub(crate) fn pictures(self, footprint: Footprint) -> usize {
        let by_memory = self.bytes / (4 * footprint.values).max(1);
        let by_buffer = LARGEST_BUFFER / footprint.buffer.max(1);
        let by_host = HOST_VALUES / footprint.picture.max(1);
        by_memory.min(by_buffer).min(by_host).clamp(1, MOST) as usize
    }
}

/// What one picture takes while it goes through a network, in values; an upper bound, which is met where convolutions
/// unfold their input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// All that exists at the same time.
    values: u64,
    /// The largest buffer.
    buffer: u64,
    /// The picture itself.
    picture: u64,
}

impl Footprint {
    /// Of a layer with 3x3 kernels from a map of `map` values: the map, what it is unfolded to, and three results, a
    /// residual block's.
    pub(crate) fn of_layer(map: u64, picture: u64) -> Self {
        Self { values: (1 + 9 + 3) * map, buffer: 9 * map, picture }
    }

    /// Of a network that takes or makes one picture: its largest map, what its widest layer reads, and three results.
    ///
    /// # Errors
    /// When it cannot be computed.
    pub(crate) fn of_graph(graph: &Graph) -> Result<Self, GraphError> {
        let shapes = graph.shapes()?;
        let largest = shapes.iter().map(|shape| shape.values()).max().unwrap_or(0) as u64;
        let read = graph.most_values_read()? as u64;
        let ends = graph.inputs().chain(graph.output_shapes()?).map(|shape| shape.values());
        let picture = ends.max().unwrap_or(0) as u64;
        Ok(Self { values: read.saturating_add(4 * largest), buffer: read, picture })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PixelRange;
    use crate::base::{Cancel, Pool, Stream};
    use crate::inference::{Encoder, Renderer, TensorEncoder, TensorRenderer};
    use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

    fn residual(size: usize, nfilter: usize) -> Footprint {
        let trunk = ResnetTrunk { size, nfilter, nfilter_max: 512, channels: 3 };
        Footprint::of_graph(&GeneratorConfig::Resnet { z_dim: 9, trunk }.graph()).expect("a network")
    }

    #[test]
    fn the_widest_layer_is_the_3x3_convolution_of_the_largest_map() {
        assert_eq!(residual(64, 64), Footprint::of_layer(64 * 64 * 64, 3 * 64 * 64));
        assert_eq!(residual(1024, 16), Footprint::of_layer(16 * 1024 * 1024, 3 * 1024 * 1024));
        let encoder = VaeConfig { channels: 3, c_dim: 4 }.encoder_graph();
        let footprint = Footprint::of_graph(&encoder).expect("a network");
        assert_eq!((footprint.buffer, footprint.picture), (32 * 16 * 16 * 16, 3 * 64 * 64));
    }

    #[test]
    fn as_many_pictures_as_fit_and_never_none() {
        let small = Footprint::of_layer(32 * 32 * 32, 3 * 64 * 64);
        let one = 4 * small.values;
        let of = |bytes| MemoryBudget::bytes(bytes).pictures(small);
        assert_eq!([0, one - 1, one, 10 * one + 1, u64::MAX].map(of), [1, 1, 1, 10, MOST as usize]);
        let plenty = MemoryBudget::bytes(u64::MAX);
        assert_eq!(plenty.pictures(residual(1024, 16)), 14, "a buffer of 32-bit size holds no more");
        assert_eq!(MemoryBudget::of(&Device::Cpu), MemoryBudget::bytes(ELSEWHERE));
    }

    #[test]
    fn batches_of_any_size_give_the_same_pictures_and_codes() {
        let pool = Pool::new("test", 2).expect("starts");
        let device = Device::Cpu;
        let trunk = ResnetTrunk { size: 16, nfilter: 4, nfilter_max: 8, channels: 3 };
        let config = GeneratorConfig::Resnet { z_dim: 5, trunk };
        let weights = config.initialise_uniform(&mut Stream::new(1, "weights"));
        let codes = Stream::new(2, "codes").normals(7 * 5);
        let vae = VaeConfig { channels: 1, c_dim: 3 };
        let vae_weights = vae.initialise_uniform(&mut Stream::new(3, "weights"));
        let photos: Vec<f32> = Stream::new(4, "photos").normals(5 * 4096);
        let graphs = [config.graph().to_pixels(PixelRange::Signed), vae.encoder_graph()];
        let [one_drawn, one_encoded] =
            graphs.each_ref().map(|graph| Footprint::of_graph(graph).expect("a network").values);
        let rendered = |at_once: u64| {
            let budget = MemoryBudget::bytes(at_once * 4 * one_drawn);
            let renderer = TensorRenderer::new(&graphs[0], &weights, &device, &pool).expect("fits");
            let mut renderer = renderer.within(budget);
            assert_eq!(renderer.at_once(), at_once as usize);
            let mut pictures = vec![f32::NAN; 7 * 3 * 256];
            renderer.render(&codes, &mut pictures, &Cancel::new()).expect("renders");
            pictures
        };
        let encoded = |at_once: u64| {
            let budget = MemoryBudget::bytes(at_once * 4 * one_encoded);
            let encoder = TensorEncoder::new(&graphs[1], &vae_weights, &device, &pool).expect("fits");
            let mut encoder = encoder.within(budget);
            let (mut mu, mut logvar) = (vec![f32::NAN; 5 * 3], vec![f32::NAN; 5 * 3]);
            encoder.encode(&photos, &mut mu, &mut logvar).expect("encodes");
            [mu, logvar].concat()
        };
        let (pictures, posteriors) = (rendered(1), encoded(1));
        let agree = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        for at_once in [2, 3, 7, 100] {
            assert!(
                agree(&rendered(at_once), &pictures) && agree(&encoded(at_once), &posteriors),
                "{at_once}"
            );
        }
    }
}
