//! A model of an ONNX decoder, and of an encoder where there is one.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::base::{Array, Arrays, PixelRange};
use crate::checkpoint::CheckpointError;
use crate::checkpoint::opened::{Opened, RangeGuess, Unsaid};
use crate::formats::onnx::{self, Port as FilePort};
use crate::formats::{hexadecimal, shorten};
use crate::graph::{Activation, Graph, Operation, Shape, Value};
use crate::model::{
    Architecture, Chain, CodeBlock, CodeValue, DECODER, ENCODER, Model, ModelDescription, Network, Port,
};
use crate::nets::AnyGraph;

use super::export::noted_range;
use super::file::Bytes;
use super::import::{Imported, Pictures, import};
use super::question::{EncoderQuestion, SPOKEN_OF};
use super::reading::{Halves, Reading};

/// Names under which encoders give the mean of their posterior.
const MEANS: [&str; 8] = ["mu", "mean", "z_mean", "z_mu", "mus", "means", "loc", "mean_z"];
/// Names under which they give its log variance.
const LOGVARS: [&str; 9] = [
    "logvar",
    "log_var",
    "logvars",
    "z_logvar",
    "z_log_var",
    "log_variance",
    "logsigma2",
    "log_sigma2",
    "log_sigma_sq",
];
/// The code block of a decoder about which nothing else is known.
const CODE: &str = "z";

/// Opens a decoder of another program, and its encoder where `reading` names one: the model, and what its user should know.
///
/// # Errors
/// When a file cannot be read, is damaged or no decoder (one code in, one picture out), when a node of it cannot be computed
/// here (it is named), when decoder and encoder do not fit each other, and when it is not clear what the encoder's results are.
pub(in crate::checkpoint) fn open_onnx(path: &Path, reading: &Reading) -> Result<Opened, CheckpointError> {
    let wrong = |what: String| CheckpointError::content(what, path);
    let mut hasher = Sha256::new();
    let mut warnings = Vec::new();
    let bytes = Bytes::read(path, &mut hasher)?;
    let file = bytes.model()?;
    let (decoder, port) = decoder_of(&file).map_err(wrong)?;
    let mut guess = None;
    let range = reading.range.or_else(|| noted_range(&file.notes)).unwrap_or_else(|| {
        let (range, why) = guessed_range(&decoder.graph);
        let others = PixelRange::ALL.into_iter().filter(|other| *other != range).collect();
        guess = Some(RangeGuess { range, why: why.into(), others });
        range
    });
    let dims = decoder.input.iter().product();
    let network = Network {
        architecture: Architecture::Graph(AnyGraph { graph: decoder.graph, range }),
        weights: DECODER.into(),
        inputs: vec![Port::code(CODE)],
        outputs: vec![Port::Picture { shape: port, range }],
    };
    let name = path.file_stem().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    let mut description = ModelDescription::empty(name);
    description.codes.push(CodeBlock::latent(dims));
    description.networks.insert(DECODER.into(), network);
    description.render.push(Chain::new(DECODER, [DECODER]));
    let mut weights = vec![(DECODER, decoder.weights)];

    if let Some(path) = &reading.encoder {
        let bytes = Bytes::read(path, &mut hasher)?;
        let (network, arrays, said) =
            encoder_of(&bytes.model()?, reading, dims, range).map_err(|fault| fault.about(path))?;
        warnings.extend(said);
        description.networks.insert(ENCODER.into(), network);
        description.encode.push(Chain::new(ENCODER, [ENCODER]));
        weights.push((ENCODER, arrays));
    }
    let importer = format!("idgan {}", env!("CARGO_PKG_VERSION"));
    description.provenance.insert("imported_by".into(), importer.into());
    description.validate().map_err(wrong)?;
    let mut model = Model { hash: hexadecimal(hasher), ..Model::new(description) };
    for (group, arrays) in weights {
        model = model.with_weights(group, arrays);
    }
    let unsaid = Unsaid { range: guess, data: reading.encoder.is_some() && reading.data.is_none() };
    Ok(Opened { model, warnings, unsaid })
}

/// What an ONNX file holds, whatever it is for.
pub(in crate::checkpoint) struct Contained {
    /// Its size.
    pub(in crate::checkpoint) bytes: u64,
    /// SHA-256 of it, and of what it has in another file, in hexadecimal.
    pub(in crate::checkpoint) sha256: String,
    /// Its network, or why it cannot be computed here.
    pub(in crate::checkpoint) architecture: Result<Architecture, String>,
    /// Its constants.
    pub(in crate::checkpoint) tensors: usize,
    /// The numbers in them.
    pub(in crate::checkpoint) parameters: usize,
    /// The program that wrote it.
    pub(in crate::checkpoint) producer: String,
}

/// Looks into an ONNX file.
///
/// # Errors
/// When it cannot be read, or is none.
pub(in crate::checkpoint) fn contained(path: &Path) -> Result<Contained, CheckpointError> {
    let mut hasher = Sha256::new();
    let bytes = Bytes::read(path, &mut hasher)?;
    let model = bytes.model()?;
    let names: Vec<&str> = model.graph.outputs.iter().map(|output| output.name).collect();
    let imported = only_input(&model).and_then(|port| import(&model, port, &names, Pictures::AsTheyAre));
    let architecture = imported.map(|imported| {
        let range = noted_range(&model.notes).unwrap_or_else(|| guessed_range(&imported.graph).0);
        Architecture::Graph(AnyGraph { graph: imported.graph, range })
    });
    let weights = model.graph.tensors.iter().filter(|tensor| !tensor.is_of_integers());
    Ok(Contained {
        bytes: bytes.len(),
        sha256: hexadecimal(hasher),
        architecture,
        tensors: weights.clone().count(),
        parameters: weights.map(|tensor| tensor.len()).sum(),
        producer: shorten(model.producer),
    })
}

/// The inputs of a network that are not its constants.
fn inputs<'m, 'a>(model: &'m onnx::Model<'a>) -> Vec<&'m FilePort<'a>> {
    let is_constant = |port: &FilePort<'_>| model.graph.tensors.iter().any(|tensor| tensor.name == port.name);
    model.graph.inputs.iter().filter(|port| !is_constant(port)).collect()
}

fn only_input<'m, 'a>(model: &'m onnx::Model<'a>) -> Result<&'m FilePort<'a>, String> {
    match inputs(model)[..] {
        [port] => Ok(port),
        ref ports => {
            let names: Vec<String> =
                ports.iter().take(8).map(|port| format!("`{}`", shorten(port.name))).collect();
            Err(format!("it has {} inputs ({}); known are networks with one", ports.len(), names.join(", ")))
        }
    }
}

/// The network from a code to a picture, and channels, height and width of that.
fn decoder_of(model: &onnx::Model<'_>) -> Result<(Imported, [usize; 3]), String> {
    let port = only_input(model)?;
    let names: Vec<&str> = model.graph.outputs.iter().take(1).map(|output| output.name).collect();
    let mut decoder = import(model, port, &names, Pictures::AsTheyAre)?;
    if decoder.input.len() == 3 && decoder.input[1..] != [1, 1] {
        return Err("it takes pictures, not a code; is it an encoder? The decoder comes first, the encoder by --encoder".into());
    }
    let sides = decoder.outputs[0].clone();
    let shape = match sides[..] {
        [channels @ (1 | 3), height, width] => [channels, height, width],
        [length] => {
            let shape = square(length).ok_or_else(|| not_a_picture(&sides))?;
            decoder.graph = decoder.graph.followed_by(Operation::Reshape(Shape::Map(shape)));
            shape
        }
        _ => return Err(not_a_picture(&sides)),
    };
    Ok((decoder, shape))
}

fn not_a_picture(sides: &[usize]) -> String {
    format!("it gives (batch, {}), which is no picture of 1 or 3 channels", super::layers::list(sides))
}

/// A square picture of so many numbers, gray before colour.
fn square(length: usize) -> Option<[usize; 3]> {
    [1, 3].into_iter().filter(|channels| length.is_multiple_of(*channels)).find_map(|channels| {
        let side = (length / channels).isqrt();
        (side > 1 && side * side * channels == length).then_some([channels, side, side])
    })
}

/// The range of a decoder's pictures by its last operation, and what that is.
fn guessed_range(graph: &Graph) -> (PixelRange, &'static str) {
    let mut last = graph.outputs().first().copied();
    // What only moves numbers says nothing.
    while let Some(node) = last.and_then(|value| graph.node(value))
        && matches!(node.operation, Operation::Reshape(_) | Operation::Slice { .. })
    {
        last = node.inputs.first().copied();
    }
    match last.and_then(|value| graph.node(value)).map(|node| &node.operation) {
        Some(Operation::Activation(Activation::Sigmoid)) => (PixelRange::Unit, "a sigmoid comes last"),
        Some(Operation::Activation(Activation::Tanh)) => (PixelRange::Signed, "a tanh comes last"),
        Some(Operation::Activation(Activation::Clamp(low, high))) if *low >= 0.0 && *high <= 1.0 => {
            (PixelRange::Unit, "a clip from 0 to 1 comes last")
        }
        Some(Operation::Activation(Activation::Clamp(low, high))) if *low >= -1.0 && *high <= 1.0 => {
            (PixelRange::Signed, "a clip from -1 to 1 comes last")
        }
        Some(Operation::Softmax) => (PixelRange::Unit, "a softmax comes last"),
        _ => (PixelRange::Logits, "nothing that limits them comes last"),
    }
}

/// Why an encoder cannot be read.
enum EncoderFault {
    /// What is wrong.
    Wrong(String),
    /// What has to be said first.
    Asks(EncoderQuestion),
}

impl From<String> for EncoderFault {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

impl EncoderFault {
    fn about(self, path: &Path) -> CheckpointError {
        match self {
            Self::Wrong(what) => CheckpointError::content(what, path),
            Self::Asks(question) => CheckpointError::Unclear { question, path: path.to_owned() },
        }
    }
}

/// The network from a picture in [0, 1] to the posterior of a code of `dims`, its weights, and what to say about it.
fn encoder_of(
    model: &onnx::Model<'_>,
    reading: &Reading,
    dims: usize,
    range: PixelRange,
) -> Result<(Network, Arrays, Vec<String>), EncoderFault> {
    let port = only_input(model)?;
    let names: Vec<&str> = model.graph.outputs.iter().map(|output| output.name).collect();
    let given = names
        .iter()
        .take(SPOKEN_OF)
        .map(|name| format!("`{}`", shorten(name)))
        .collect::<Vec<_>>()
        .join(", ");
    let chosen = |wanted: &Option<String>, usual: &[&str], option: &str| match wanted {
        Some(wanted) => match names.iter().find(|name| *name == wanted) {
            Some(name) => Ok(Some(*name)),
            None => {
                Err(format!("it has no result `{}`, as {option} says; it gives {given}", shorten(wanted)))
            }
        },
        None => Ok(names.iter().copied().find(|name| usual.contains(&name.to_ascii_lowercase().as_str()))),
    };
    let (mean, logvar) =
        (chosen(&reading.mean, &MEANS, "--mean")?, chosen(&reading.logvar, &LOGVARS, "--logvar")?);
    let wanted: Vec<&str> = match (mean, logvar) {
        (Some(mean), Some(logvar)) => vec![mean, logvar],
        (Some(mean), None) => vec![mean],
        (None, None) if names.len() == 1 => names.clone(),
        _ => {
            let names = names.iter().take(SPOKEN_OF).map(|&name| name.to_owned()).collect();
            return Err(EncoderFault::Asks(EncoderQuestion::Results(names)));
        }
    };
    let pictures = if range == PixelRange::Signed { Pictures::ToSigned } else { Pictures::AsTheyAre };
    let Imported { mut graph, mut weights, input, outputs } = import(model, port, &wanted, pictures)?;
    let &[channels @ (1 | 3), height, width] = &input[..] else {
        let what =
            format!("it takes (batch, {}), not pictures of 1 or 3 channels", super::layers::list(&input));
        return Err(what.into());
    };
    let lengths: Vec<usize> = outputs.iter().map(|sides| sides.iter().product()).collect();
    let results = rows(&mut graph, &outputs);
    let mut warnings = Vec::new();
    match lengths[..] {
        [mean, logvar] if (mean, logvar) == (dims, dims) => {
            graph.give_only(&results);
        }
        [mean] if mean == dims => {
            warnings.push(CodeValue::CERTAIN_WARNING.to_owned());
            let sure = certain(&mut graph, &mut weights, results[0], dims)?;
            graph.give_only(&[results[0], sure]);
        }
        [both] if both == 2 * dims => split_both(&mut graph, results[0], dims, reading.halves)?,
        _ => {
            let sizes = lengths.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ");
            return Err(format!("it gives {sizes} numbers where the decoder takes a code of {dims}").into());
        }
    }
    let range = PixelRange::Unit;
    let network = Network {
        architecture: Architecture::Graph(AnyGraph { graph, range }),
        weights: ENCODER.into(),
        inputs: vec![Port::Picture { shape: [channels, height, width], range }],
        outputs: Port::posterior(CODE),
    };
    Ok((network, weights, warnings))
}

/// The results of a graph as rows.
fn rows(graph: &mut Graph, outputs: &[Vec<usize>]) -> Vec<Value> {
    let values = graph.outputs().to_vec();
    let row = |(value, sides): (Value, &Vec<usize>)| match sides[..] {
        [_] => value,
        _ => graph.apply(Operation::Reshape(Shape::Row(sides.iter().product())), &[value]),
    };
    values.into_iter().zip(outputs).map(row).collect()
}

/// A row of log variances for an encoder that gives none.
fn certain(graph: &mut Graph, weights: &mut Arrays, mean: Value, dims: usize) -> Result<Value, String> {
    let name = "certain";
    for (ending, value) in [("weight", 0.0), ("bias", CodeValue::CERTAIN)] {
        let array = Array::new([dims], vec![value; dims]).ok_or("it has no code")?;
        if weights.insert(format!("{name}.{ending}"), array).is_some() {
            return Err(format!("it has a layer called {name}, which idgan needs for itself"));
        }
    }
    Ok(graph.apply(Operation::Affine { name: name.into(), channels: dims }, &[mean]))
}

/// Means and then log variances of one row.
fn split_both(
    graph: &mut Graph,
    both: Value,
    dims: usize,
    halves: Option<Halves>,
) -> Result<(), EncoderFault> {
    let (step, starts) = match halves {
        Some(Halves::Behind) => (1, [0, dims]),
        Some(Halves::Interleaved) => (2, [0, 1]),
        None => return Err(EncoderFault::Asks(EncoderQuestion::Halves(2 * dims))),
    };
    let parts = starts.map(|start| graph.apply(Operation::Slice { start, length: dims, step }, &[both]));
    graph.give_only(&parts);
    Ok(())
}
