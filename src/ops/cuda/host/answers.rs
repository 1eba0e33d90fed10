//! What cuBLAS and cuDNN answer, from our own kernels for the CPU.

use half::bf16;

use super::super::driver::{Address, Convolution, Element, Form, Product};
use crate::ops::Precision;
use crate::ops::cpu::convolution::Convolve;
use crate::ops::cpu::filled_vec::filled_vec;
use crate::ops::cpu::fused::Fused;
use crate::ops::pass::Pass;

/// The product, in the plainest way.
pub(super) fn product(p: &Product) {
    let left = rounded(read(p.left.0, p.element, p.rows * p.inner), p.precision);
    let right = rounded(read(p.right.0, p.element, p.inner * p.columns), p.precision);
    let mut out = Vec::with_capacity(p.rows * p.columns);
    for row in 0..p.rows {
        for column in 0..p.columns {
            let term = |k: usize| {
                let l = if p.left.1 { left[k * p.rows + row] } else { left[row * p.inner + k] };
                let r = if p.right.1 { right[column * p.inner + k] } else { right[k * p.columns + column] };
                f64::from(l) * f64::from(r)
            };
            out.push((0..p.inner).map(term).sum::<f64>() as f32);
        }
    }
    write(p.out, p.element, &out);
}

/// The convolution, of planes.
pub(super) fn convolve(call: &Convolution) {
    let s = &call.shape;
    let wide = [s.batch, s.in_channels, s.in_height * s.in_width];
    let narrow = [s.batch, s.out_channels, s.out_height * s.out_width];
    let weight = [s.out_channels, s.in_channels, s.kernel * s.kernel];
    let (a, b, out) = match call.pass {
        Pass::Forward => (wide, weight, narrow),
        Pass::Transposed => (narrow, weight, wide),
        Pass::WeightGradient => (wide, narrow, weight),
    };
    let (a, b) = (planes(call.a, call.form, a), planes(call.b, call.form, b));
    let result = filled_vec(out.iter().product(), |room| match call.pass {
        Pass::Forward => f32::forward(s, &a, &b, &Fused::default(), room),
        Pass::Transposed => f32::transposed(s, &a, &b, &Fused::default(), room),
        Pass::WeightGradient => f32::weight_gradient(s, &a, None, &b, room),
    });
    let result = match call.form {
        Form::Planes(_) => result,
        Form::ChannelsLast(_) => turned(&result, out),
    };
    write(call.out, call.form.element(), &result);
}

/// An operand of `(count, channels, plane)` values, as planes.
fn planes(at: Address, form: Form, [count, channels, plane]: [usize; 3]) -> Vec<f32> {
    let values = rounded(read(at, form.element(), count * channels * plane), form.precision());
    match form {
        Form::Planes(_) => values,
        Form::ChannelsLast(_) => turned(&values, [count, plane, channels]),
    }
}

/// `(count, a, b)` as `(count, b, a)`.
fn turned(values: &[f32], [count, a, b]: [usize; 3]) -> Vec<f32> {
    let place = |i: usize| {
        let (n, column, row) = (i / (a * b), i / a % b, i % a);
        values[(n * a + row) * b + column]
    };
    (0..count * a * b).map(place).collect()
}

/// Values as tensor cores see them.
fn rounded(mut values: Vec<f32>, precision: Precision) -> Vec<f32> {
    values.iter_mut().for_each(|value| match precision {
        Precision::F32 => {}
        Precision::Bf16 => *value = bf16::from_f32(*value).to_f32(),
        // to the nearest of 10 explicit bits, the even one of two
        Precision::Tf32 => {
            let bits = value.to_bits();
            *value = f32::from_bits((bits + 0xfff + (bits >> 13 & 1)) & !0x1fff);
        }
    });
    values
}

fn read(at: Address, element: Element, length: usize) -> Vec<f32> {
    // SAFETY: whoever queues this has as many values there, which nobody changes meanwhile.
    unsafe {
        match element {
            Element::F32 => std::slice::from_raw_parts(at as *const f32, length).to_vec(),
            Element::Bf16 => {
                let values = std::slice::from_raw_parts(at as *const bf16, length);
                values.iter().map(|value| value.to_f32()).collect()
            }
        }
    }
}

fn write(at: Address, element: Element, values: &[f32]) {
    // SAFETY: whoever queues this has room for as many values there, which nobody else uses meanwhile.
    unsafe {
        match element {
            Element::F32 => {
                std::slice::from_raw_parts_mut(at as *mut f32, values.len()).copy_from_slice(values);
            }
            Element::Bf16 => {
                let room = std::slice::from_raw_parts_mut(at as *mut bf16, values.len());
                room.iter_mut().zip(values).for_each(|(room, &value)| *room = bf16::from_f32(value));
            }
        }
    }
}
