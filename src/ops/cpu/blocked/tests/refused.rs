//! Slices that are too short.

use super::super::super::isa::Isa;
use super::super::{
    DirectConv, Epilogue, FewChannelConv, FirstConv, Footprint, Linear, MapShape, PixelSink, Team, Variant,
    WinogradConv,
};

/// So many that 64 times as many are none where numbers wrap around.
const MANY: usize = 1 << (usize::BITS - 6);

/// Whether `run` panics.
fn is_refused(run: impl FnOnce()) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
}

#[test]
fn slices_that_are_too_short_are_refused() {
    let (isa, team, shape) = (Isa::detect(), Team::solo(), MapShape::new(16, 4, 4));
    let (weights, bias) = (vec![0.0; 16 * 16 * 9], [0.0; 16]);
    let short = shape.len() - 1;

    let conv = DirectConv::<f32>::new(isa, Footprint::Same3x3, shape, 16, &weights, &bias);
    let direct = |input: usize, output: usize| {
        let mut output = vec![0.0f32; output];
        let mut epilogue = Epilogue { residual: None, raw: Some(&mut output), active: None, slope: 1.0 };
        is_refused(|| conv.run(&vec![0.0; input], &mut epilogue, &team))
    };
    assert!(!direct(shape.len(), shape.len()));
    assert!(direct(short, shape.len()) && direct(shape.len(), short));

    let conv = WinogradConv::<f32>::new(MANY, isa, Variant::F4, shape, 16, &weights, &bias, None);
    let winograd = |count: usize, input: usize, scratch: usize| {
        let (mut output, mut scratch) = (vec![0.0f32; shape.len()], vec![0.0; scratch]);
        let mut epilogue = Epilogue { residual: None, raw: Some(&mut output), active: None, slope: 1.0 };
        let input = vec![0.0; input];
        is_refused(|| conv.run(count, &input, &mut epilogue, &mut [], &mut scratch, &team))
    };
    let scratch = conv.worker_scratch();
    assert!(!winograd(1, shape.len(), scratch));
    assert!(winograd(1, short, scratch) && winograd(1, shape.len(), scratch - 1));
    // A map has 832 = 13 * 2^6 values: those of so many are none where numbers wrap around.
    assert!(winograd(MANY, 0, scratch));

    let linear = Linear::<f32>::to_row(isa, 1, &[0.0; 16], &[0.0; 16], 1.0);
    let rows = |rows: usize, input: usize, stride: usize, output: usize| {
        is_refused(|| linear.run(rows, &vec![0.0; input], stride, &mut vec![0.0f32; output], &team))
    };
    assert!(!rows(3, 5, 2, 48));
    assert!(rows(3, 4, 2, 48) && rows(3, 5, 2, 47));
    assert!(rows(3, 5, usize::MAX / 2 + 1, 48), "the third row begins at 0 where numbers wrap around");
    assert!(rows(MANY, 1, 0, 0), "so many rows of 16 are none where numbers wrap around");

    let conv =
        FewChannelConv::<f32>::new(isa, Footprint::Same3x3, shape, 3, &weights[..3 * 16 * 9], &bias[..3]);
    let pixels = |input: usize, pixels: usize, scratch: usize| {
        let mut pixels = vec![0; pixels];
        let mut sink = PixelSink::rgba(&mut pixels, 1.0);
        is_refused(|| conv.run(&vec![0.0; input], &mut sink, &mut vec![0.0; scratch], &team))
    };
    let scratch = conv.worker_scratch();
    assert!(!pixels(shape.len(), 64, scratch));
    assert!(
        pixels(short, 64, scratch)
            && pixels(shape.len(), 63, scratch)
            && pixels(shape.len(), 64, scratch - 1)
    );

    let picture = MapShape::new(1, 4, 4);
    let conv = FirstConv::new(isa, picture, 16, &weights[..256], &bias);
    let entry = |input: usize, output: usize, scratch: usize| {
        let mut output = vec![0.0f32; output];
        let mut epilogue = Epilogue { residual: None, raw: Some(&mut output), active: None, slope: 1.0 };
        is_refused(|| conv.run(&vec![0.0; input], &mut vec![0.0; scratch], &mut epilogue))
    };
    let (output, scratch) = (conv.output().len(), conv.scratch());
    assert!(!entry(16, output, scratch));
    assert!(entry(15, output, scratch) && entry(16, output - 1, scratch) && entry(16, output, scratch - 1));
}
