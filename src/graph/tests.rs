use super::*;
use crate::base::{Array, Arrays, PixelRange, Stream};

/// A graph of one operation on inputs of these shapes.
fn single(operation: Operation, inputs: &[Shape]) -> Graph {
    let mut graph = Graph::default();
    let inputs: Vec<Value> = inputs.iter().map(|shape| graph.input(*shape)).collect();
    let value = graph.apply(operation, &inputs);
    graph.give(value);
    graph
}

fn conv(inputs: usize, outputs: usize, kernel: usize) -> Convolution {
    Convolution::new("conv", inputs, outputs, kernel)
}

#[test]
fn every_operation_makes_the_shape_that_its_definition_says() {
    let (row, map) = (Shape::Row, |channels, height, width| Shape::Map([channels, height, width]));
    let wide = Convolution { kernel: [1, 7], padding: [0, 3], ..conv(4, 8, 1) };
    let pool = |kernel, stride, padding| Pool { kernel, stride, padding, counts_padding: false };
    for (operation, inputs, result) in [
        (Operation::Linear(Linear::new("fc", 3, 7)), vec![row(3)], row(7)),
        (Operation::Convolution(conv(4, 8, 3).padding(1)), vec![map(4, 5, 9)], map(8, 5, 9)),
        (Operation::Convolution(conv(4, 8, 4).stride(2).padding(1)), vec![map(4, 64, 32)], map(8, 32, 16)),
        (Operation::Convolution(conv(4, 8, 3).stride(2)), vec![map(4, 8, 9)], map(8, 3, 4)),
        (Operation::Convolution(conv(4, 8, 3).groups(4)), vec![map(4, 3, 3)], map(8, 1, 1)),
        (Operation::Convolution(wide), vec![map(4, 5, 9)], map(8, 5, 9)),
        (Operation::TransposedConvolution(conv(4, 8, 4)), vec![map(4, 1, 1)], map(8, 4, 4)),
        (
            Operation::TransposedConvolution(conv(4, 8, 4).stride(2).padding(1)),
            vec![map(4, 5, 9)],
            map(8, 10, 18),
        ),
        (
            Operation::TransposedConvolution(conv(4, 8, 3).stride(2).padding(1).output_padding(1)),
            vec![map(4, 5, 9)],
            map(8, 10, 18),
        ),
        (Operation::RELU, vec![map(4, 5, 9)], map(4, 5, 9)),
        (Operation::Activation(Activation::Softplus), vec![row(3)], row(3)),
        (
            Operation::BatchNorm { name: "bn".into(), channels: 4, epsilon: 1e-5 },
            vec![map(4, 5, 9)],
            map(4, 5, 9),
        ),
        (Operation::Affine { name: "a".into(), channels: 3 }, vec![row(3)], row(3)),
        (Operation::Weighted { name: "w".into(), shape: [4, 5, 9] }, vec![map(4, 5, 9)], map(4, 5, 9)),
        (Operation::Add { scale: 1.0 }, vec![map(4, 5, 9), map(4, 1, 1)], map(4, 5, 9)),
        (Operation::Add { scale: 1.0 }, vec![map(4, 5, 9), map(1, 5, 9)], map(4, 5, 9)),
        (Operation::Add { scale: 0.1 }, vec![map(4, 5, 9); 2], map(4, 5, 9)),
        (Operation::Double, vec![map(4, 5, 9)], map(4, 10, 18)),
        (Operation::AveragePool(pool(3, 2, 1)), vec![map(4, 8, 9)], map(4, 4, 5)),
        (Operation::MaxPool(pool(2, 2, 0)), vec![map(4, 8, 9)], map(4, 4, 4)),
        (Operation::Bilinear { size: [7, 3], corners: Corners::Half }, vec![map(4, 5, 9)], map(4, 7, 3)),
        (Operation::Multiply, vec![map(4, 5, 9); 2], map(4, 5, 9)),
        (Operation::Multiply, vec![map(4, 5, 9), map(4, 1, 1)], map(4, 5, 9)),
        (Operation::Reshape(map(4, 2, 2)), vec![row(16)], map(4, 2, 2)),
        (Operation::Concat, vec![map(4, 5, 9), map(2, 5, 9), map(1, 5, 9)], map(7, 5, 9)),
        (Operation::Concat, vec![row(4), row(2)], row(6)),
        (Operation::slice(1, 2), vec![map(4, 5, 9)], map(2, 5, 9)),
        (Operation::Slice { start: 1, length: 3, step: 2 }, vec![row(6)], row(3)),
        (Operation::Softmax, vec![row(4)], row(4)),
        (Operation::ToPixels(PixelRange::Signed), vec![map(3, 5, 9)], map(3, 5, 9)),
    ] {
        let name = operation.to_string();
        assert_eq!(single(operation, &inputs).output_shapes(), Ok(vec![result]), "{name}");
    }
}

#[test]
fn an_operation_that_cannot_be_is_named_with_what_does_not_fit() {
    let (row, map) = (Shape::Row, |channels, height, width| Shape::Map([channels, height, width]));
    let pool = |kernel, stride, padding| {
        Operation::AveragePool(Pool { kernel, stride, padding, counts_padding: true })
    };
    let huge = 1 << 30;
    for (operation, inputs, said) in [
        (
            Operation::Linear(Linear::new("fc", 3, 7)),
            vec![row(4)],
            "linear fc) takes 3 numbers, not 4 numbers",
        ),
        (Operation::Linear(Linear::new("fc", 3, 7)), vec![map(3, 1, 1)], "not 3 maps of 1x1"),
        (Operation::Linear(Linear::new("fc", 3, 7)), vec![], "takes 1 operand(s), not 0"),
        (Operation::Linear(Linear::new("fc", 3, 0)), vec![row(3)], "makes 0 numbers, which is empty"),
        (Operation::Linear(Linear::new("fc", 3, huge)), vec![row(3)], "too large"),
        (Operation::Convolution(conv(4, 8, 3)), vec![map(5, 9, 9)], "takes 4 channels, not 5 maps"),
        (Operation::Convolution(conv(4, 8, 3)), vec![row(4)], "takes maps, not 4 numbers"),
        (Operation::Convolution(conv(4, 8, 7)), vec![map(4, 5, 9)], "kernel of 7x7"),
        (Operation::Convolution(conv(4, 8, 0)), vec![map(4, 5, 9)], "kernel of 0x0"),
        (Operation::Convolution(conv(4, 8, 3).stride(0)), vec![map(4, 5, 9)], "stride 0"),
        (Operation::Convolution(conv(4, 8, 3).padding(usize::MAX)), vec![map(4, 5, 9)], "padding"),
        (Operation::Convolution(conv(4, 8, 3).groups(3)), vec![map(4, 5, 9)], "into 3 groups"),
        (Operation::Convolution(conv(4, 8, 3).groups(0)), vec![map(4, 5, 9)], "into 0 groups"),
        (
            Operation::TransposedConvolution(conv(4, 8, 2).padding(3)),
            vec![map(4, 5, 9)],
            "maps of 0x4, which is empty",
        ),
        (Operation::TransposedConvolution(conv(4, 8, 4).stride(usize::MAX)), vec![map(4, 5, 9)], "stride"),
        (Operation::leaky_relu(f64::NAN), vec![row(4)], "slope that is no number"),
        (Operation::Affine { name: "a".into(), channels: 5 }, vec![row(4)], "takes 5 channels"),
        (Operation::BatchNorm { name: "b".into(), channels: 4, epsilon: -1.0 }, vec![row(4)], "variances"),
        (Operation::Add { scale: 1.0 }, vec![row(4), row(5)], "of one shape"),
        (Operation::Add { scale: 1.0 }, vec![map(4, 5, 9), map(4, 5, 1)], "or a number a channel or a place"),
        (
            Operation::Weighted { name: "w".into(), shape: [4, 5, 9] },
            vec![map(4, 5, 8)],
            "takes 4 maps of 5x9",
        ),
        (Operation::Add { scale: f64::INFINITY }, vec![row(4), row(4)], "weight that is no number"),
        (Operation::Multiply, vec![map(4, 1, 1), map(4, 5, 9)], "of one shape, or a number a channel"),
        (Operation::Multiply, vec![map(4, 5, 9), row(4)], "of one shape, or a number a channel"),
        (Operation::Activation(Activation::Clamp(1.0, f64::NAN)), vec![row(4)], "leaves nothing between"),
        (Operation::Bilinear { size: [0, 3], corners: Corners::Half }, vec![map(4, 5, 9)], "empty"),
        (
            Operation::Bilinear { size: [1 << 20, 1 << 20], corners: Corners::Half },
            vec![map(4, 5, 9)],
            "too large",
        ),
        (Operation::Double, vec![row(4)], "takes maps"),
        (Operation::Double, vec![map(1 << 8, 1 << 12, 1 << 11)], "too large"),
        (pool(3, 0, 0), vec![map(4, 5, 9)], "windows of"),
        (pool(0, 1, 0), vec![map(4, 5, 9)], "windows of"),
        (pool(2, 1, 2), vec![map(4, 5, 9)], "windows of"),
        (Operation::Reshape(row(15)), vec![map(4, 2, 2)], "not as many values"),
        (Operation::Reshape(map(usize::MAX, 2, 1)), vec![row(4)], "not as many values"),
        (Operation::Concat, vec![], "takes 1 operand(s), not 0"),
        (Operation::Concat, vec![map(4, 5, 9), map(4, 5, 8)], "side by side"),
        (Operation::Concat, vec![map(4, 1, 1), row(4)], "side by side"),
        (Operation::slice(3, 2), vec![row(4)], "takes 2 channels, every 1th, from number 3 on"),
        (Operation::slice(usize::MAX, 2), vec![row(4)], "from number"),
        (Operation::slice(1, 0), vec![row(4)], "takes 0 channels"),
        (Operation::Slice { start: 0, length: 3, step: 2 }, vec![row(4)], "every 2th"),
        (Operation::Slice { start: 0, length: 1, step: 0 }, vec![row(4)], "every 0th"),
        (
            Operation::Slice { start: 0, length: usize::MAX, step: usize::MAX },
            vec![row(4)],
            "from number 0 on",
        ),
        (
            Operation::TransposedConvolution(conv(4, 8, 3).stride(2).output_padding(2)),
            vec![map(4, 5, 9)],
            "and output padding 2",
        ),
        (
            Operation::Convolution(conv(4, 8, 3).stride(2).output_padding(1)),
            vec![map(4, 5, 9)],
            "and output padding 1",
        ),
        (Operation::Input(row(0)), vec![], "makes 0 numbers"),
        (Operation::Input(row(0)), vec![row(3)], "takes 0 operand(s), not 1"),
    ] {
        let message = single(operation, &inputs).shapes().expect_err("refused").to_string();
        assert!(message.contains(said), "{message} does not say {said:?}");
    }
}

#[test]
fn a_graph_that_refers_to_nothing_is_refused() {
    let mut ahead = Graph::default();
    let later = Value(1);
    ahead.apply(Operation::RELU, &[later]);
    ahead.give(Value(0));
    let message = ahead.shapes().expect_err("refused").to_string();
    assert!(
        message.contains("operation 0") && message.contains("operation 1, which is not before it"),
        "{message}"
    );
    let mut itself = Graph::default();
    let value = itself.apply(Operation::RELU, &[Value(0)]);
    itself.give(value);
    assert!(itself.shapes().is_err());
    let mut nothing = single(Operation::RELU, &[Shape::Row(2)]);
    nothing.outputs = Vec::new();
    assert_eq!(nothing.shapes(), Err(GraphError::NoOutput));
    let mut far = single(Operation::RELU, &[Shape::Row(2)]);
    far.give(Value(9));
    assert_eq!(far.shapes(), Err(GraphError::Output { number: 9, operations: 2 }));
    let mut twins = Graph::default();
    let x = twins.input(Shape::Row(2));
    let first = twins.linear(x, Linear::new("fc", 2, 3));
    let second = twins.linear(first, Linear::new("fc", 3, 3));
    twins.give(second);
    assert_eq!(twins.shapes(), Err(GraphError::SameName("fc.weight".into())));
    let hidden = single(Operation::Linear(Linear::new("a\u{1b}[2J", 9, 1)), &[Shape::Row(1)]);
    assert!(!hidden.shapes().expect_err("refused").to_string().contains('\u{1b}'));
}

#[test]
fn no_mutilated_graph_makes_a_pass_panic() {
    let mut stream = Stream::new(1, "graphs");
    let mut pick =
        move |below: usize| ((stream.uniform() * below as f32) as usize).min(below.saturating_sub(1));
    let (mut sound, mut refused) = (0, 0);
    for _ in 0..3000 {
        let mut graph = Graph::default();
        graph.input([Shape::Row(8), Shape::Map([4, 4, 4])][pick(2)]);
        for _ in 0..pick(12) {
            let layer = Convolution {
                padding: [pick(2), pick(2)],
                output_padding: pick(2) * pick(2),
                ..conv(4, 4, pick(5)).stride(pick(3)).groups(pick(3))
            };
            let operation = match pick(14) {
                0 => Operation::Linear(Linear::new(format!("l{}", pick(3)), 8, 8)),
                1 | 2 => Operation::Convolution(layer),
                3 => Operation::TransposedConvolution(layer),
                4 => Operation::BatchNorm { name: format!("b{}", pick(2)), channels: 4, epsilon: 1e-5 },
                5 | 6 => Operation::leaky_relu(0.2),
                7 | 8 => Operation::Add { scale: 0.5 },
                9 => Operation::Double,
                10 => Operation::Reshape([Shape::Row(64), Shape::Map([4, 4, 4])][pick(2)]),
                11 => Operation::Concat,
                12 => Operation::Slice { start: pick(5), length: pick(5), step: 1 + pick(2) },
                _ => Operation::ToPixels(PixelRange::Logits),
            };
            let count = graph.nodes().len();
            let operands = if matches!(operation, Operation::Add { .. } | Operation::Concat) { 2 } else { 1 };
            let inputs: Vec<Value> = (0..operands).map(|_| Value(count - 1 - pick(count.min(3)))).collect();
            graph.apply(operation, &inputs);
        }
        let count = graph.nodes().len();
        graph.give(Value(pick(count + 1)));
        let weights: Arrays =
            graph.parameters().into_iter().map(|p| (p.name, Array::zeros(p.shape))).collect();
        let before = graph.output_shapes();
        // Every pass refuses what cannot be computed, and keeps the shapes of what can.
        let after = graph.moved_late().and_then(|moved| moved.output_shapes());
        let folded = graph.folded(&weights).map(|(folded, _)| folded);
        let widened = graph.widened(&weights).map(|(widened, _)| widened);
        match before {
            Ok(shapes) => {
                sound += 1;
                assert_eq!(after, Ok(shapes.clone()));
                assert_eq!(folded.and_then(|folded| folded.output_shapes()), Ok(shapes.clone()));
                assert_eq!(widened.and_then(|widened| widened.output_shapes()), Ok(shapes));
                let layers = graph.fused().expect("it was sound");
                assert!(layers.len() <= count && layers.iter().any(|l| graph.outputs().contains(&l.output)));
            }
            Err(_) => {
                refused += 1;
                assert!(
                    after.is_err()
                        && folded.is_err()
                        && widened.is_err()
                        && graph.fused().is_err()
                        && graph.layers().is_err()
                );
                assert!(graph.multiply_adds().is_err());
            }
        }
    }
    assert!(sound > 300 && refused > 300, "{sound} sound, {refused} refused");
}

/// A residual block behind a doubling, as the generators have it.
fn block() -> Graph {
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([4, 8, 8]));
    let doubled = graph.apply(Operation::Double, &[x]);
    let mut change = graph.leaky_relu(doubled, 0.2);
    change = graph.convolution(change, Convolution::new("conv_0", 4, 6, 3).padding(1));
    change = graph.leaky_relu(change, 0.2);
    change = graph.convolution(change, Convolution::new("conv_1", 6, 6, 3).padding(1));
    let shortcut = graph.convolution(doubled, Convolution::new("conv_s", 4, 6, 1).without_bias());
    let sum = graph.apply(Operation::Add { scale: 0.1 }, &[shortcut, change]);
    graph.give(sum);
    graph
}

#[test]
fn a_doubling_moves_behind_activations_and_pointwise_convolutions() {
    let moved = block().moved_late().expect("sound");
    let shapes = moved.shapes().expect("sound");
    let small = |name: &str| {
        let at = moved.nodes().iter().position(|node| node.operation.to_string() == name).expect("there");
        shapes[at]
    };
    assert_eq!(small("convolution conv_s"), Shape::Map([6, 8, 8]), "a quarter of the pixels");
    assert_eq!(small("leaky ReLU"), Shape::Map([4, 8, 8]));
    assert_eq!(small("convolution conv_0"), Shape::Map([6, 16, 16]));
    assert_eq!(moved.output_shapes(), block().output_shapes());
    let saved = block().multiply_adds().expect("sound") - moved.multiply_adds().expect("sound");
    assert_eq!(saved, 3 * 64 * 4 * 6);
}

#[test]
fn activations_and_sums_become_part_of_the_products_beside_them() {
    let graph = block();
    let layers = graph.fused().expect("sound");
    let names: Vec<String> = layers.iter().map(|layer| layer.operation.to_string()).collect();
    let expected =
        ["input", "nearest doubling", "convolution conv_0", "convolution conv_s", "convolution conv_1"];
    assert_eq!(names, expected);
    let [.., first, shortcut, second] = &layers[..] else { panic!("five layers") };
    assert_eq!((first.before, first.after, first.shortcut), (Some(0.2), Some(0.2), None));
    assert_eq!((shortcut.before, shortcut.after, shortcut.shortcut), (None, None, None));
    assert_eq!((second.before, second.after), (None, None));
    assert_eq!(second.shortcut, Some((shortcut.output, 0.1)));
    assert_eq!(graph.outputs(), [second.output]);
}

#[test]
fn what_others_take_as_well_is_not_fused() {
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([4, 8, 8]));
    let y = graph.convolution(x, Convolution::new("a", 4, 4, 3).padding(1));
    let active = graph.leaky_relu(y, 0.2);
    let sum = graph.apply(Operation::Add { scale: 1.0 }, &[y, active]);
    graph.give(sum);
    graph.leaky_relu(sum, 0.5);
    let layers = graph.fused().expect("sound");
    let kept: Vec<String> = layers.iter().map(|layer| layer.operation.to_string()).collect();
    assert_eq!(kept, ["input", "convolution a", "leaky ReLU", "add"], "and what nothing needs is left out");
    assert!(layers.iter().all(|layer| layer.after.is_none() && layer.shortcut.is_none()));
}

#[test]
fn a_negative_slope_stays_an_operation_of_its_own() {
    let mut graph = single(Operation::Convolution(conv(4, 4, 1)), &[Shape::Map([4, 8, 8])]);
    graph = graph.followed_by(Operation::leaky_relu(-0.5));
    assert_eq!(graph.fused().expect("sound").len(), 3);
}

#[test]
fn batch_normalisation_folds_into_the_layer_that_it_alone_follows() {
    let norm = || Operation::BatchNorm { name: "bn".into(), channels: 2, epsilon: 0.5 };
    let array = |shape: &[usize], values: &[f32]| Array::new(shape, values.to_vec()).expect("fits");
    let weights = Arrays::from([
        ("fc.weight".into(), array(&[2, 1], &[3.0, -1.0])),
        ("fc.bias".into(), array(&[2], &[1.0, 2.0])),
        ("bn.weight".into(), array(&[2], &[2.0, 1.0])),
        ("bn.bias".into(), array(&[2], &[0.5, 0.25])),
        ("bn.running_mean".into(), array(&[2], &[1.0, -1.0])),
        ("bn.running_var".into(), array(&[2], &[3.5, 0.5])),
    ]);
    let graph = single(Operation::Linear(Linear::new("fc", 1, 2)), &[Shape::Row(1)]).followed_by(norm());
    let (folded, arrays) = graph.folded(&weights).expect("sound");
    // gains 2/sqrt(4) and 1/sqrt(1); shifts 0.5 - 1 and 0.25 + 1
    assert_eq!(folded.nodes().len(), 2);
    assert_eq!(arrays["fc.weight"].data(), [3.0, -1.0]);
    assert_eq!(arrays["fc.bias"].data(), [1.0 - 0.5, 2.0 + 1.25]);
    assert_eq!(arrays.len(), 2);
    assert_eq!(check_weights(&arrays, &folded.parameters()), Ok(()));

    // Where the result before it is given as well, it stays by itself, as an affine layer.
    let mut both = graph.clone();
    both.give(Value(1));
    let (apart, arrays) = both.folded(&weights).expect("sound");
    assert_eq!(apart.nodes()[2].operation, Operation::Affine { name: "bn".into(), channels: 2 });
    assert_eq!((arrays["bn.weight"].data(), arrays["bn.bias"].data()), (&[1.0, 1.0][..], &[-0.5, 1.25][..]));
    assert_eq!(check_weights(&arrays, &apart.parameters()), Ok(()));

    let mut missing = weights;
    missing.remove("bn.running_var");
    let message = graph.folded(&missing).expect_err("refused").to_string();
    assert_eq!(message, "bn.running_var is missing (expected shape [2])");
}
