//! Every operation of the networks on odd and ordinary shapes, in 64-bit floats on the processor and in 32-bit floats where
//! it is examined. The processor computes 64-bit floats in plain loops, which share nothing with its instruction sets.

use candle_core::{DType, Device, Result, Tensor};

use crate::base::{Pool, Stream};
use crate::ops::{self, Around};

use super::finding::Finding;
use super::subject::Subject;

/// An operation with the shapes of its arguments.
pub(super) struct Operation {
    name: &'static str,
    arguments: &'static [&'static [usize]],
    run: fn(&[Tensor]) -> Result<Tensor>,
}

/// What is around a convolution in a residual block.
fn around<'a>(bias: &'a Tensor, mask: &'a Tensor, shortcut: &'a Tensor) -> Around<'a> {
    Around {
        before: Some(0.2),
        bias: Some(bias),
        after: Some(0.2),
        mask: Some((mask, 0.2)),
        shortcut: Some((shortcut, 0.1)),
    }
}

/// All of them; a network is made of nothing else.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "convolution 3x3",
        arguments: &[&[2, 16, 17, 15], &[24, 16, 3, 3], &[24]],
        run: |a| ops::conv2d(&a[0], &a[1], Some(&a[2]), 1, 1),
    },
    Operation {
        name: "convolution 3x3, wide",
        arguments: &[&[2, 64, 32, 32], &[64, 64, 3, 3], &[64]],
        run: |a| ops::conv2d(&a[0], &a[1], Some(&a[2]), 1, 1),
    },
    Operation {
        name: "convolution 4x4, halving",
        arguments: &[&[3, 8, 16, 16], &[12, 8, 4, 4], &[12]],
        run: |a| ops::conv2d(&a[0], &a[1], Some(&a[2]), 2, 1),
    },
    Operation {
        name: "convolution 1x1",
        arguments: &[&[3, 16, 9, 7], &[8, 16, 1, 1]],
        run: |a| ops::conv2d(&a[0], &a[1], None, 1, 0),
    },
    Operation {
        name: "convolution of a part",
        arguments: &[&[3, 8, 11, 13], &[8, 8, 3, 3]],
        run: |a| ops::conv2d(&a[0].narrow(0, 1, 2)?.narrow(3, 1, 9)?, &a[1], None, 1, 1),
    },
    Operation {
        name: "convolution, transposed",
        arguments: &[&[2, 12, 8, 8], &[12, 8, 4, 4], &[8]],
        run: |a| ops::conv_transpose2d(&a[0], &a[1], Some(&a[2]), 2, 1),
    },
    Operation {
        name: "convolution in a block",
        arguments: &[&[2, 16, 12, 12], &[16, 16, 3, 3], &[16], &[2, 16, 12, 12], &[2, 16, 12, 12]],
        run: |a| ops::conv2d_fused(&a[0], &a[1], 1, 1, &around(&a[2], &a[3], &a[4])),
    },
    Operation {
        name: "its input's gradient",
        arguments: &[&[2, 16, 12, 12], &[16, 24, 3, 3], &[24], &[2, 24, 12, 12], &[2, 24, 12, 12]],
        run: |a| ops::conv2d_input_grad_fused(&a[0], &a[1], (12, 12), 1, 1, &around(&a[2], &a[3], &a[4])),
    },
    Operation {
        name: "its weight's gradient",
        arguments: &[&[2, 16, 17, 15], &[2, 24, 17, 15]],
        run: |a| ops::conv2d_act_weight_grad(&a[0], &a[1], Some(0.2), 3, 1, 1),
    },
    Operation {
        name: "input's gradient, halving",
        arguments: &[&[2, 12, 8, 8], &[12, 8, 4, 4]],
        run: |a| ops::conv2d_input_grad(&a[0], &a[1], (16, 16), 2, 1),
    },
    Operation {
        name: "weight's gradient, halving",
        arguments: &[&[2, 8, 16, 16], &[2, 12, 8, 8]],
        run: |a| ops::conv2d_weight_grad(&a[0], &a[1], 4, 2, 1),
    },
    Operation { name: "bias's gradient", arguments: &[&[3, 5, 9, 7]], run: |a| ops::channel_sum(&a[0]) },
    Operation {
        name: "linear layer",
        arguments: &[&[5, 37], &[19, 37], &[19]],
        run: |a| ops::linear(&a[0], &a[1], Some(&a[2])),
    },
    Operation { name: "leaky ReLU", arguments: &[&[2, 3, 7, 9]], run: |a| ops::leaky_relu(&a[0], 0.2) },
    Operation {
        name: "its gradient",
        arguments: &[&[2, 3, 7, 9], &[2, 3, 7, 9]],
        run: |a| ops::leaky_relu_backward(&a[0], &a[1], 0.2),
    },
    Operation { name: "tanh", arguments: &[&[2, 3, 7, 9]], run: |a| ops::tanh(&a[0]) },
    Operation { name: "pooling", arguments: &[&[2, 3, 9, 14]], run: |a| ops::avg_pool_3x3_s2(&a[0]) },
    Operation {
        name: "pooling's gradient",
        arguments: &[&[2, 3, 5, 7]],
        run: |a| ops::avg_pool_3x3_s2_backward(&a[0], 9, 14),
    },
    Operation { name: "doubling", arguments: &[&[2, 3, 5, 7]], run: |a| ops::upsample_nearest_2x(&a[0]) },
    Operation {
        name: "doubling's gradient",
        arguments: &[&[2, 3, 10, 14]],
        run: |a| ops::sum_pool_2x2(&a[0]),
    },
    Operation {
        name: "area scaling",
        arguments: &[&[2, 3, 12, 12]],
        run: |a| ops::area_downsample(&a[0], 4),
    },
    Operation {
        name: "bilinear scaling",
        arguments: &[&[2, 3, 13, 13]],
        run: |a| ops::bilinear_downsample(&a[0], 8),
    },
    Operation {
        name: "residual sum",
        arguments: &[&[2, 3, 7, 9], &[2, 3, 7, 9]],
        run: |a| ops::residual(&a[0], &a[1], 0.1),
    },
    Operation {
        name: "sum by picture",
        arguments: &[&[3, 4, 5, 7], &[3, 4, 5, 7], &[3]],
        run: |a| ops::add_per_picture(&a[0], &a[1], &a[2], 0.2),
    },
    Operation {
        name: "its channels' gradient",
        arguments: &[&[3, 4, 5, 7], &[3]],
        run: |a| ops::channel_sum_per_picture(&a[0], &a[1]),
    },
    Operation {
        name: "Bernoulli likelihood",
        arguments: &[&[2, 1, 16, 16], &[2, 1, 16, 16]],
        run: |a| ops::bernoulli_cross_entropy(&a[0], &a[1]),
    },
    Operation {
        name: "sum of squares",
        arguments: &[&[3, 1111]],
        run: |a| Tensor::new(ops::sum_of_squares([&a[0]])?, &Device::Cpu),
    },
];

/// How far the operations of `subject` are from the reference.
///
/// # Errors
/// When the reference cannot be computed; what fails on the subject is a finding.
pub(super) fn check(subject: &Subject, operations: &[Operation], pool: &Pool) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        let arguments = arguments(operation, number as u64)?;
        let expected = values(&(operation.run)(&arguments)?)?;
        let found = subject.run(pool, || {
            let here = |argument: &Tensor| argument.to_dtype(DType::F32)?.to_device(&subject.device);
            let arguments = arguments.iter().map(here).collect::<Result<Vec<_>>>()?;
            values(&(operation.run)(&arguments)?)
        });
        let at_most = subject.tolerance.operation;
        findings.push(Finding::new(operation.name, at_most, found.map(|found| distance(&found, &expected))));
    }
    Ok(findings)
}

/// Normal values that 32-bit floats hold exactly, as 64-bit ones.
fn arguments(operation: &Operation, seed: u64) -> Result<Vec<Tensor>> {
    let mut stream = Stream::new(seed, "doctor");
    let mut tensor = |shape: &&[usize]| {
        let values = stream.normals(shape.iter().product());
        Tensor::from_vec(values, *shape, &Device::Cpu)?.to_dtype(DType::F64)
    };
    operation.arguments.iter().map(&mut tensor).collect()
}

fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// The largest difference, relative to the largest value; NaN where a value is none or one is missing.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() || found.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
    found.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs())) / largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Computer;

    #[test]
    fn every_instruction_set_computes_every_operation() {
        let pool = Pool::new("doctor", 2).expect("starts");
        for subject in Subject::all(&Computer::processor()) {
            for finding in check(&subject, OPERATIONS, &pool).expect("computes") {
                assert!(finding.is_sound(), "{}: {finding:?}", subject.name);
            }
        }
    }

    #[test]
    fn a_wrong_operation_and_one_that_fails_are_found() {
        let wrong: &[Operation] = &[
            Operation {
                name: "half as precise",
                arguments: &[&[2, 3]],
                // 64-bit floats pass, 32-bit ones lose a little
                run: |a| if a[0].dtype() == DType::F64 { Ok(a[0].clone()) } else { a[0].affine(1.0001, 0.0) },
            },
            Operation {
                name: "not there",
                arguments: &[&[2, 3]],
                run: |a| if a[0].dtype() == DType::F64 { Ok(a[0].clone()) } else { a[0].reshape((7, 7)) },
            },
        ];
        let pool = Pool::new("doctor", 1).expect("starts");
        let subject = Subject::reference(&Device::Cpu);
        let findings = check(&subject, wrong, &pool).expect("the reference computes");
        assert!(!findings[0].is_sound() && (5e-5..2e-4).contains(&findings[0].difference), "{findings:?}");
        assert!(!findings[1].is_sound() && findings[1].failure.is_some(), "{findings:?}");
    }

    #[test]
    fn distances_are_relative_and_see_what_is_no_number() {
        assert!((distance(&[1.0, -4.0], &[1.0, -5.0]) - 0.2).abs() < 1e-12);
        assert!(distance(&[f64::NAN], &[1.0]).is_nan() && distance(&[], &[1.0]).is_nan());
        assert_eq!(distance(&[0.0], &[0.0]), 0.0);
    }
}
