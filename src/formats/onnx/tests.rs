use super::*;

fn example() -> Model<'static> {
    let weight = Tensor {
        name: "weight",
        shape: vec![2, 3],
        element: Element::F32,
        values: Values::Bytes(&[
            0, 0, 128, 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 128, 191,
        ]),
    };
    let sizes = Tensor {
        name: "sizes",
        shape: vec![2],
        element: Element::I64,
        values: Values::Integers(vec![0, -1]),
    };
    let far = Tensor {
        name: "far",
        shape: vec![4],
        element: Element::F16,
        values: Values::Elsewhere { file: "decoder.onnx.data", offset: 4096, length: Some(8) },
    };
    let settings = vec![
        ("alpha", Attribute::Float(0.2)),
        ("transB", Attribute::Integer(1)),
        ("mode", Attribute::Text("nearest")),
        ("value", Attribute::Tensor(Tensor { name: "", ..sizes.clone() })),
        ("scales", Attribute::Floats(vec![1.0, 2.0])),
        ("pads", Attribute::Integers(vec![1, -1])),
    ];
    let node = Node {
        name: "layer",
        operator: "Gemm",
        domain: "",
        inputs: vec!["z", "weight", ""],
        outputs: vec!["x"],
        attributes: settings,
    };
    let foreign = Node {
        operator: "Gelu",
        domain: "com.microsoft",
        inputs: vec!["x"],
        outputs: vec!["y"],
        ..Node::default()
    };
    Model {
        ir_version: 10,
        producer: "idgan",
        opset: 17,
        notes: vec![("idgan", "{}")],
        graph: Graph {
            name: "decoder",
            nodes: vec![node, foreign],
            tensors: vec![weight, sizes, far],
            inputs: vec![Port { name: "z", element: 1, shape: Some(vec![None, Some(3)]) }],
            outputs: vec![Port { name: "y", element: 1, shape: None }],
        },
    }
}

#[test]
fn what_is_written_is_read_again() {
    let model = example();
    let bytes = model.to_bytes();
    let read = Model::read(&bytes).expect("sound");
    assert_eq!(read, model);
    assert_eq!(read.graph.tensors[0].floats(), Ok(vec![1.0, 0.0, 0.0, 0.0, 2.0, -1.0]));
    assert_eq!(read.graph.tensors[1].integers(), Ok(vec![0, -1]));
    assert!(read.graph.tensors[1].floats().is_err() && read.graph.tensors[0].integers().is_err());
    assert!(read.graph.tensors[2].floats().expect_err("elsewhere").contains("another file"));
    assert_eq!(read.graph.tensors[2].stored_len(), Some(8));
    assert_eq!(read.graph.nodes[0].attribute("alpha"), Some(&Attribute::Float(0.2)));
    assert_eq!(read.graph.nodes[0].attribute("beta"), None);
}

/// Every way to store a number, by the ONNX library of Python (`scripts/make-onnx-files`).
#[test]
fn files_of_the_onnx_library_are_read() {
    let bytes = include_bytes!("../../../tests/files/onnx/constants.onnx");
    let model = Model::read(bytes).expect("sound");
    assert_eq!((model.opset, model.producer), (17, "numbers"));
    assert_eq!(model.graph.inputs[0], Port { name: "x", element: 1, shape: Some(vec![None, Some(3)]) });
    let expected = [-1.5, 0.0, 2.0];
    let whole = [-3, 0, 7];
    let mut seen = 0;
    for tensor in &model.graph.tensors {
        assert_eq!(tensor.shape, [3], "{tensor:?}");
        if tensor.is_of_integers() {
            assert_eq!(tensor.integers().expect("numbers"), whole, "{tensor:?}");
        } else {
            assert_eq!(tensor.floats().expect("numbers"), expected, "{tensor:?}");
        }
        seen += 1;
    }
    assert_eq!(seen, 12);
    assert_eq!(model.graph.nodes[0].operator, "LeakyRelu");
    assert_eq!(model.graph.nodes[0].attribute("alpha"), Some(&Attribute::Float(0.25)));
}

#[test]
fn elements_must_be_as_many_as_the_sides_say() {
    let short = Tensor { shape: vec![2], values: Values::Bytes(&[0; 7]), ..Tensor::default() };
    assert!(short.floats().is_err());
    let long = Tensor { shape: vec![2], values: Values::Floats(vec![0.0; 3]), ..Tensor::default() };
    assert!(long.floats().is_err());
    let single = Tensor { shape: vec![], values: Values::Floats(vec![0.5]), ..Tensor::default() };
    assert_eq!(single.floats(), Ok(vec![0.5]));
}

#[test]
fn a_file_cut_short_or_changed_is_an_error_or_another_model_but_no_panic() {
    let bytes = example().to_bytes();
    for end in 0..bytes.len() {
        if let Ok(model) = Model::read(&bytes[..end]) {
            assert_ne!(model, example());
        }
    }
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            let _ = Model::read(&changed).map(|model| model.graph.tensors.iter().map(Tensor::floats).count());
        }
    }
}

/// Two bytes of a file can stand for a node of a hundred.
#[test]
fn a_small_file_cannot_fill_the_memory() {
    let mut graph = Vec::new();
    for _ in 0..8_000_000 {
        graph.extend([0x0a, 0x00]);
    }
    let mut message = crate::formats::protobuf::Message::default();
    message.bytes(7, graph);
    let error = Model::read(&message.into_bytes()).expect_err("too much");
    assert!(error.contains("many times the size"), "{error}");
}

#[test]
fn sides_that_overflow_are_refused() {
    for sides in [vec![i64::MAX, 8], vec![-1], vec![1; 17], vec![1 << 31, 1 << 31]] {
        let mut tensor = crate::formats::protobuf::Message::default();
        tensor.integers(1, &sides);
        let mut graph = crate::formats::protobuf::Message::default();
        graph.message(5, &tensor);
        let mut model = crate::formats::protobuf::Message::default();
        model.message(7, &graph);
        let error = Model::read(&model.into_bytes()).expect_err("no tensor");
        assert!(error.contains("sides"), "{error}");
    }
}
