//! From maps to maps.

use half::bf16;

use super::super::super::isa::Isa;
use super::super::{DirectConv, Epilogue, Footprint, MapShape, Residual, Team, Variant, WinogradConv};
use super::{
    Rounded, SIZES, assert_close, blocked, numbers, plain, reference, representable, upsampled, with_teams,
};

#[test]
fn direct_convolutions_agree_with_the_definition() {
    direct_in::<f32>();
    direct_in::<bf16>();
}

fn direct_in<E: Rounded>() {
    for (index, &(channels, out, height, width)) in SIZES.iter().enumerate() {
        for footprint in [Footprint::Pointwise, Footprint::Same3x3, Footprint::Halve4x4, Footprint::Double4x4]
        {
            let scale = footprint.stride();
            let shape = MapShape::new(channels, height * scale, width * scale);
            let chw = representable::<E>(index as u64, channels * shape.height() * shape.width());
            let weights = representable::<E>(100 + index as u64, channels * out * footprint.kernel().pow(2));
            let bias = numbers(200 + index as u64, out);
            let expected = reference(&chw, shape, out, footprint, &weights, &bias);
            for isa in Isa::available() {
                let conv = DirectConv::<E>::new(isa, footprint, shape, out, &weights, &bias);
                let input = blocked::<E>(&chw, shape);
                with_teams(|team| {
                    let mut raw = vec![E::of(0.0); conv.output().len()];
                    let mut active = vec![E::of(0.0); conv.output().len()];
                    let mut epilogue = Epilogue {
                        residual: None,
                        raw: Some(&mut raw),
                        active: Some(&mut active),
                        slope: 0.2,
                    };
                    conv.run(&input, &mut epilogue, team);
                    let what = format!("{footprint:?} {channels}->{out} {height}x{width} {isa:?}");
                    assert_close::<E>(&plain(&raw, conv.output()), &expected, 1e-4, &what);
                    let leaky: Vec<f32> = expected.iter().map(|v| v.max(0.2 * v)).collect();
                    assert_close::<E>(&plain(&active, conv.output()), &leaky, 1e-4, &what);
                    let border: f32 = raw[..conv.output().row_len()].iter().map(|value| value.value()).sum();
                    assert_eq!(border, 0.0, "{what}: the border stays zero");
                });
            }
        }
    }
}

#[test]
fn winograd_convolutions_agree_with_the_definition() {
    winograd_in::<f32>(|_, _| 5e-4);
    // Patches and filters are rounded once they are transformed, each by its part and to either side; two of the
    // transforms back magnify that.
    winograd_in::<bf16>(|variant, terms| {
        let part = if matches!(variant, Variant::F4 | Variant::Halve4) { 0.1 } else { 0.02 };
        part * (terms as f32).sqrt()
    });
}

fn winograd_in<E: Rounded>(tolerance: fn(Variant, usize) -> f32) {
    for (index, &(channels, out, height, width)) in SIZES.iter().enumerate() {
        for variant in [Variant::F2, Variant::F4, Variant::Up2, Variant::Halve4] {
            let unit = match variant {
                Variant::F2 => 2,
                Variant::F4 => 4,
                Variant::Halve4 => 8,
                Variant::Up2 => 1,
            };
            let shape = MapShape::new(channels, height * unit, width * unit);
            assert!(variant.fits(shape.height(), shape.width()));
            let chw = representable::<E>(index as u64, channels * shape.height() * shape.width());
            let footprint = match variant {
                Variant::Halve4 => Footprint::Halve4x4,
                _ => Footprint::Same3x3,
            };
            let weights = numbers(300 + index as u64, channels * out * footprint.kernel().pow(2));
            let bias = numbers(400 + index as u64, out);
            let leaky: Vec<f32> = chw.iter().map(|v| v.max(0.2 * v)).collect();
            let (seen, big) = if variant == Variant::Up2 { upsampled(&leaky, shape) } else { (leaky, shape) };
            let mut expected = reference(&seen, big, out, footprint, &weights, &bias);
            let stride = footprint.stride();
            let half = MapShape::new(out, big.height() / stride / 2, big.width() / stride / 2);
            let residual =
                representable::<E>(500 + index as u64, half.channels() * half.height() * half.width());
            for (value, more) in expected.iter_mut().zip(upsampled(&residual, half).0) {
                *value += more;
            }
            let residual = blocked::<E>(&residual, half);
            for isa in Isa::available() {
                let conv = WinogradConv::<E>::new(1, isa, variant, shape, out, &weights, &bias, Some(0.2));
                let input = blocked::<E>(&chw, shape);
                with_teams(|team| {
                    let mut raw = vec![E::of(0.0); conv.output().len()];
                    let mut epilogue = Epilogue {
                        residual: Some(Residual { map: &residual, shape: half, upsampled: true }),
                        raw: Some(&mut raw),
                        active: None,
                        slope: 0.2,
                    };
                    let mut shared = vec![f32::NAN; conv.shared_scratch()];
                    let mut scratch = vec![f32::NAN; conv.worker_scratch() * team.workers()];
                    conv.run(1, &input, &mut epilogue, &mut shared, &mut scratch, team);
                    let what = format!("{variant:?} {channels}->{out} {height}x{width} {isa:?}");
                    assert_close::<E>(
                        &plain(&raw, conv.output()),
                        &expected,
                        tolerance(variant, channels * footprint.kernel().pow(2)),
                        &what,
                    );
                });
            }
        }
    }
}

#[test]
fn pictures_together_are_convolved_as_one_by_one() {
    together_in::<f32>();
    together_in::<bf16>();
}

fn together_in<E: Rounded>() {
    let variants = [(Variant::F2, 4), (Variant::Halve4, 8), (Variant::Up2, 3)];
    for &(variant, size) in if cfg!(miri) { &variants[2..] } else { &variants[..] } {
        let shape = MapShape::new(20, size, 2 * size);
        let kernel = if size == 8 { 16 } else { 9 };
        let (weights, bias) = (numbers(1, 20 * 33 * kernel), numbers(2, 33));
        let maps: Vec<Vec<E>> =
            (0..7).map(|i| blocked::<E>(&numbers(10 + i, 20 * size * 2 * size), shape)).collect();
        for isa in Isa::available() {
            let one = WinogradConv::<E>::new(1, isa, variant, shape, 33, &weights, &bias, None);
            let many = WinogradConv::<E>::new(9, isa, variant, shape, 33, &weights, &bias, None);
            let output = one.output();
            let whole = MapShape::new(33, output.height(), output.width());
            let residual = blocked::<E>(&numbers(3, 33 * output.height() * output.width()), whole);
            let run = |conv: &WinogradConv<E>, maps: &[Vec<E>], team: &Team<'_>| {
                let (count, residuals) = (maps.len(), residual.repeat(maps.len()));
                let (mut raw, mut active) =
                    (vec![E::of(0.0); count * output.len()], vec![E::of(0.0); count * output.len()]);
                let mut epilogue = Epilogue {
                    residual: Some(Residual { map: &residuals, shape: whole, upsampled: false }),
                    raw: Some(&mut raw),
                    active: Some(&mut active),
                    slope: 0.2,
                };
                let mut shared = vec![f32::NAN; conv.shared_scratch()];
                let mut scratch = vec![f32::NAN; conv.worker_scratch() * team.workers()];
                conv.run(count, &maps.concat(), &mut epilogue, &mut shared, &mut scratch, team);
                [raw, active].concat()
            };
            let alone: Vec<Vec<E>> =
                maps.iter().map(|map| run(&one, std::slice::from_ref(map), &Team::solo())).collect();
            with_teams(|team| {
                let together = run(&many, &maps, team);
                for (i, alone) in alone.iter().enumerate() {
                    let part = |from: usize| &together[from + i * output.len()..][..output.len()];
                    let both = [part(0), part(maps.len() * output.len())].concat();
                    assert!(
                        bytemuck::cast_slice::<E, u8>(&both) == bytemuck::cast_slice::<E, u8>(alone),
                        "{variant:?} {isa:?}: picture {i} differs"
                    );
                }
            });
        }
    }
}
