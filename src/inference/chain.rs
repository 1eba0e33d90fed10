//! Several networks run one after the other: what makes numbers of numbers runs through candle, and what makes pictures of
//! them, or them of pictures, as it does alone.

use std::ops::Range;

use candle_core::{Device, Result, Tensor, bail};

use crate::base::{Cancel, Picture, Pool};
use crate::graph::{Graph, Shape};
use crate::model::{CodeValue, Feed, Model, ModelDescription, Network, Port, Wiring};

use super::networks::{cannot_run, open_reader, open_renderer};
use super::tensors::Interpreter;
use super::{Computer, Encoder, Outcome, RenderError, Renderer};

/// A render chain of more than one step.
pub(super) struct ChainRenderer {
    code_dim: usize,
    stages: Stages,
    /// What the network that draws takes.
    takes: Vec<Piece>,
    drawing: Box<dyn Renderer>,
}

/// An encode chain of more than one step.
pub(super) struct ChainEncoder {
    reading: Box<dyn Encoder>,
    stages: Stages,
    mean: Piece,
    /// Absent where the chain gives a code without its uncertainty.
    logvar: Option<Piece>,
}

/// Networks from numbers to numbers, after what comes from outside or is made of a picture.
struct Stages {
    /// Width of what each step before them gives: of the network that reads the picture, if there is one.
    given: Vec<usize>,
    stages: Vec<Stage>,
    device: Device,
    pool: Pool,
}

/// A network from numbers to numbers.
struct Stage {
    net: Interpreter,
    takes: Vec<Piece>,
    outputs: usize,
}

/// Some columns of the chain's own input, or of what a step has made.
struct Piece {
    step: Option<usize>,
    columns: Range<usize>,
}

impl ChainRenderer {
    /// Connects the networks of a chain that begins with codes and ends in a picture.
    ///
    /// # Errors
    /// When the weights do not fit, the device cannot hold them, or a step before the last makes no codes of codes.
    pub(super) fn new(
        model: &Model,
        wiring: &Wiring<'_>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let [.., (drawing, feeds)] = &wiring.steps[..] else { return Err(no_steps()) };
        let layout = Layout { description: &model.description, wiring };
        Ok(Self {
            code_dim: layout.width(wiring.takes.iter().copied()),
            stages: Stages::new(model, &layout, 0..wiring.steps.len() - 1, computer, pool)?,
            takes: layout.pieces(drawing, feeds),
            drawing: open_renderer(model, drawing, computer, pool)?,
        })
    }

    /// What the network that draws takes for `codes` `(N, code_dim)`, row after row.
    fn inputs(&self, codes: &[f32]) -> std::result::Result<Vec<f32>, RenderError> {
        let rows = codes.len() / self.code_dim.max(1);
        if rows * self.code_dim != codes.len() {
            let expected = rows * self.code_dim;
            return Err(RenderError::Length { what: "codes", expected, actual: codes.len() });
        }
        let outside = (codes, self.code_dim);
        let made = self.stages.run(outside, Vec::new(), rows)?;
        Ok(self.stages.gather(&self.takes, outside, &made, rows))
    }
}

impl ChainEncoder {
    /// Connects the networks of a chain that begins with a picture and ends in a code.
    ///
    /// # Errors
    /// As [`ChainRenderer::new`]; when the chain takes codes beside the picture, or ends in no code of numbers.
    pub(super) fn new(
        model: &Model,
        wiring: &Wiring<'_>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let [(reading, _), ..] = &wiring.steps[..] else { return Err(no_steps()) };
        if !wiring.codes().is_empty() {
            let codes = wiring.codes().join(", ");
            return Err(RenderError::Chain(format!(
                "this idgan cannot read a code from a picture and {codes}; update idgan"
            )));
        }
        let layout = Layout { description: &model.description, wiring };
        let last = wiring.steps.len() - 1;
        let block = wiring.code_given().unwrap_or_default();
        let piece = |is_it: fn(CodeValue) -> bool| {
            let found = wiring.gives().iter().position(
                |port| matches!(port, Port::Code { block: of, value } if of == block && is_it(*value)),
            );
            found.map(|output| layout.output(last, output))
        };
        let mean = piece(|value| matches!(value, CodeValue::Value | CodeValue::Mean)).ok_or_else(|| {
            RenderError::Chain(format!("this idgan cannot read {block} from its logits; update idgan"))
        })?;
        Ok(Self {
            mean,
            logvar: piece(|value| value == CodeValue::Logvar),
            stages: Stages::new(model, &layout, 1..wiring.steps.len(), computer, pool)?,
            reading: open_reader(model, reading, computer, pool)?,
        })
    }
}

fn no_steps() -> RenderError {
    RenderError::Chain("a chain has no steps".to_owned())
}

impl Stages {
    /// The networks of the steps `own`.
    fn new(
        model: &Model,
        layout: &Layout<'_>,
        own: Range<usize>,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let (before, own) = (&layout.wiring.steps[..own.start], &layout.wiring.steps[own]);
        let stages = own.iter().map(|(network, feeds)| {
            let graph = network.architecture.graph().filter(makes_numbers_of_numbers);
            let graph = graph.ok_or_else(|| cannot_run("makes codes of codes", network))?;
            let net = Interpreter::new(&graph, model.group(&network.weights), &computer.device)?;
            let outputs = layout.width(&network.outputs);
            Ok(Stage { net, takes: layout.pieces(network, feeds), outputs })
        });
        Ok(Self {
            given: before.iter().map(|(network, _)| layout.width(&network.outputs)).collect(),
            stages: stages.collect::<std::result::Result<_, RenderError>>()?,
            device: computer.device.clone(),
            pool: pool.clone(),
        })
    }

    /// What every step gives: first those before, which have made `made`, then these.
    fn run(
        &self,
        outside: (&[f32], usize),
        mut made: Vec<Vec<f32>>,
        rows: usize,
    ) -> std::result::Result<Vec<Vec<f32>>, RenderError> {
        for stage in &self.stages {
            let input = self.gather(&stage.takes, outside, &made, rows);
            let width = input.len() / rows.max(1);
            let (net, device) = (&stage.net, &self.device);
            let forward = || -> Result<Vec<f32>> {
                let input = Tensor::from_vec(input, (rows, width), device)?;
                match net.run(&[input])?.pop() {
                    Some(made) => made.flatten_all()?.to_vec1(),
                    None => bail!("the network makes nothing"),
                }
            };
            made.push(self.pool.run(forward)?);
        }
        Ok(made)
    }

    /// Puts pieces side by side, for each of `rows`; `outside` is what the chain takes, and its width.
    fn gather(&self, pieces: &[Piece], outside: (&[f32], usize), made: &[Vec<f32>], rows: usize) -> Vec<f32> {
        let mut values = Vec::new();
        for row in 0..rows {
            for piece in pieces {
                let (all, width) = match piece.step {
                    None => outside,
                    Some(step) => (&made[step][..], self.width(step)),
                };
                values.extend_from_slice(&all[row * width..][piece.columns.clone()]);
            }
        }
        values
    }

    fn width(&self, step: usize) -> usize {
        let own = |at: usize| self.stages.get(at).map_or(0, |stage| stage.outputs);
        self.given.get(step).copied().unwrap_or_else(|| own(step - self.given.len()))
    }
}

/// Whether a network takes one row and gives one.
fn makes_numbers_of_numbers(graph: &Graph) -> bool {
    let inputs: Vec<Shape> = graph.inputs().collect();
    let outputs = graph.output_shapes().unwrap_or_default();
    matches!((&inputs[..], &outputs[..]), (&[Shape::Row(_)], &[Shape::Row(_)]))
}

/// Where the numbers of each port lie.
struct Layout<'a> {
    description: &'a ModelDescription,
    wiring: &'a Wiring<'a>,
}

impl Layout<'_> {
    fn width<'p>(&self, ports: impl IntoIterator<Item = &'p Port>) -> usize {
        ports.into_iter().map(|port| self.width_of(port)).sum()
    }

    fn width_of(&self, port: &Port) -> usize {
        match port {
            Port::Code { block, .. } => self.description.block(block).map_or(0, |block| block.dims),
            Port::Features { width } => *width,
            Port::Picture { .. } => 0,
        }
    }

    /// The pieces that the inputs of `network` are fed with.
    fn pieces(&self, network: &Network, feeds: &[Feed]) -> Vec<Piece> {
        let pairs = network.inputs.iter().zip(feeds);
        pairs
            .map(|(port, feed)| match *feed {
                Feed::Outside(at) => {
                    let start = self.width(self.wiring.takes[..at].iter().copied());
                    Piece { step: None, columns: start..start + self.width_of(port) }
                }
                Feed::Step { step, output } => self.output(step, output),
            })
            .collect()
    }

    /// The columns of output number `output` of a step.
    fn output(&self, step: usize, output: usize) -> Piece {
        let outputs = &self.wiring.steps[step].0.outputs;
        let start = self.width(&outputs[..output]);
        Piece { step: Some(step), columns: start..start + self.width_of(&outputs[output]) }
    }
}

impl Encoder for ChainEncoder {
    fn code_dim(&self) -> usize {
        self.mean.columns.len()
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.reading.picture_shape()
    }

    fn at_once(&self) -> usize {
        self.reading.at_once()
    }

    fn encode(
        &mut self,
        pictures: &[f32],
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> std::result::Result<(), RenderError> {
        let (dims, picture) = (self.reading.code_dim(), self.picture_shape().iter().product::<usize>());
        let rows = pictures.len() / picture.max(1);
        for (what, found) in [("mu", mu.len()), ("logvar", logvar.len())] {
            let expected = rows * self.code_dim();
            if found != expected {
                return Err(RenderError::Length { what, expected, actual: found });
            }
        }
        let (mut means, mut logvars) = (vec![0.0; rows * dims], vec![0.0; rows * dims]);
        self.reading.encode(pictures, &mut means, &mut logvars)?;
        let read =
            means.chunks(dims).zip(logvars.chunks(dims)).flat_map(|(mean, logvar)| [mean, logvar].concat());
        let made = self.stages.run((&[], 0), vec![read.collect()], rows)?;
        let column = |piece: &Piece| self.stages.gather(std::slice::from_ref(piece), (&[], 0), &made, rows);
        mu.copy_from_slice(&column(&self.mean));
        match &self.logvar {
            Some(piece) => logvar.copy_from_slice(&column(piece)),
            None => logvar.fill(f32::NEG_INFINITY),
        }
        Ok(())
    }
}

impl Renderer for ChainRenderer {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.drawing.picture_shape()
    }

    fn at_once(&self) -> usize {
        self.drawing.at_once()
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let inputs = self.inputs(codes)?;
        self.drawing.render(&inputs, pictures, cancel)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let inputs = self.inputs(code)?;
        self.drawing.render_picture(&inputs, picture, cancel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{PixelRange, Stream};
    use crate::inference::plan::PlanRenderer;
    use crate::inference::{open, open_chain, open_encoder};
    use crate::model::{Architecture, Chain, CodeBlock, ENCODER, GAN, GENERATOR, VAE};
    use crate::nets::{GeneratorConfig, Mlp, MlpConfig, Parameters, VaeConfig, Weights};

    const GENERATED: GeneratorConfig = GeneratorConfig::Small { z_dim: 5, channels: 1 };
    const EMITTED: [usize; 3] = [2, 7, 6];
    const READING: VaeConfig = VaeConfig { channels: 1, c_dim: 2 };

    fn mlp() -> MlpConfig {
        MlpConfig(EMITTED.to_vec())
    }

    /// A generator of `[s, r]`, an emitter of r, mean and log variance, from z, and an encoder of z.
    fn model() -> Model {
        let code = |name: &str, dims| CodeBlock { name: name.into(), ..CodeBlock::disentangled(dims) };
        let codes = vec![code("z", 2), code("r", 3), CodeBlock::nuisance(2)];
        let emitter = Network {
            architecture: Architecture::Mlp { widths: EMITTED.to_vec() },
            weights: "emitter".into(),
            inputs: vec![Port::code("z")],
            outputs: Port::posterior("r"),
        };
        let mut description = ModelDescription { codes, ..ModelDescription::empty("toy") }
            .with_generator(GENERATED, ["s", "r"]);
        description.networks.insert("emitter".into(), emitter);
        description.render.push(Chain::new("from z", ["emitter", GENERATOR]));
        description = description.with_encoder(READING, "z");
        description.encode.push(Chain::new("to r", [ENCODER, "emitter"]));
        assert_eq!(description.validate(), Ok(()));
        let mut stream = Stream::new(1, "weights");
        Model::new(description)
            .with_weights(VAE, READING.initialise_uniform(&mut stream))
            .with_weights(GENERATOR, GENERATED.initialise_uniform(&mut stream))
            .with_weights("emitter", mlp().initialise_uniform(&mut stream))
    }

    fn plan(model: &Model, pool: &Pool) -> PlanRenderer<f32> {
        let graph = GENERATED.graph().to_pixels(PixelRange::Signed);
        PlanRenderer::<f32>::compile(&graph, model.group(GENERATOR), pool).expect("fits")
    }

    fn pictures(renderer: &mut dyn Renderer, codes: &[f32]) -> Vec<f32> {
        let rows = codes.len() / renderer.code_dim();
        let mut values = vec![f32::NAN; rows * 64 * 64];
        renderer.render(codes, &mut values, &Cancel::new()).expect("renders");
        values
    }

    #[test]
    fn a_chain_of_two_draws_what_its_networks_draw_one_after_the_other() {
        let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
        let mut networks = open(&model, &Computer::processor(), &pool).expect("opens");
        let chain = networks.renderers.get_mut("from z").expect("there");
        assert_eq!((chain.code_dim(), chain.picture_shape()), (4, [1, 64, 64]));
        // [s, z] or [z, s]: as the networks ask for them
        assert_eq!(model.description.inputs("from z"), ["z", "s"]);
        let rows = [[0.3, -1.0, 0.5, 2.0], [1.5, 0.25, -0.75, 0.0]];
        let weights = Weights::frozen(model.group("emitter"), &Device::Cpu).expect("fits");
        let emitter = Mlp::new(&mlp(), &weights).expect("fits");
        let mut generator = plan(&model, &pool);
        let expected: Vec<f32> = rows
            .iter()
            .flat_map(|[z0, z1, s0, s1]| {
                let z = Tensor::new(&[[*z0, *z1]], &Device::Cpu).expect("a tensor");
                let r: Vec<Vec<f32>> = emitter.forward(&z).expect("runs").to_vec2().expect("two axes");
                pictures(&mut generator, &[&[*s0, *s1], &r[0][..3]].concat())
            })
            .collect();
        let found = pictures(chain.as_mut(), &rows.concat());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
        assert!(found[..4096] != found[4096..], "other codes are other pictures");
        let mut picture = Picture::default();
        chain.render_picture(&rows[0], &mut picture, &Cancel::new()).expect("renders");
        assert_eq!((picture.width(), picture.height()), (64, 64));
    }

    #[test]
    fn a_chain_of_one_network_is_that_network() {
        let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
        let mut chain =
            open_chain(&model, &model.description.render[0], &Computer::processor(), &pool).expect("opens");
        assert_eq!(model.description.render[0].name, GAN);
        let mut plan = plan(&model, &pool);
        let codes = Stream::new(3, "codes").normals(2 * 5);
        assert_eq!(pictures(chain.as_mut(), &codes), pictures(&mut plan, &codes));
    }

    /// Means and log variances of two pictures, as the encode chain `number` reads them.
    fn read(model: &Model, number: usize, pictures: &[f32]) -> [Vec<f32>; 2] {
        let pool = Pool::new("test", 1).expect("starts");
        let chain = &model.description.encode[number];
        let mut encoder = open_encoder(model, chain, &Computer::processor(), &pool).expect("opens");
        assert_eq!(encoder.picture_shape(), [1, 64, 64]);
        let values = vec![f32::NAN; 2 * encoder.code_dim()];
        let (mut mu, mut logvar) = (values.clone(), values);
        encoder.encode(pictures, &mut mu, &mut logvar).expect("reads");
        assert!(encoder.encode(pictures, &mut mu[..1], &mut logvar).is_err(), "one value for two codes");
        [mu, logvar]
    }

    #[test]
    fn a_code_is_read_in_two_steps() {
        let mut model = model();
        let photos: Vec<f32> =
            (0..2 * 4096).map(|i| (i * 37 % 256) as f32 / 255.0 * (1 + i / 4096) as f32 / 2.0).collect();
        let [z, _] = read(&model, 0, &photos);
        let weights = Weights::frozen(model.group("emitter"), &Device::Cpu).expect("fits");
        let z = Tensor::from_vec(z, (2, 2), &Device::Cpu).expect("two codes");
        let r = Mlp::new(&mlp(), &weights)
            .and_then(|emitter| emitter.forward(&z)?.to_vec2::<f32>())
            .expect("runs");
        let [mu, logvar] = read(&model, 1, &photos);
        let means = [&r[0][..3], &r[1][..3]].concat();
        let rest = [&r[0][3..], &r[1][3..]].concat();
        let agree =
            |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(agree(&mu, &means) && agree(&logvar, &rest), "{mu:?} {logvar:?}");
        // without its uncertainty
        let emitter = model.description.networks.get_mut("emitter").expect("there");
        emitter.outputs = vec![Port::Features { width: 3 }, Port::code("r")];
        let [mu, logvar] = read(&model, 1, &photos);
        assert!(agree(&mu, &rest) && logvar == [f32::NEG_INFINITY; 6], "{mu:?} {logvar:?}");
    }

    #[test]
    fn an_encoder_that_cannot_run_is_missing_with_a_warning() {
        let (mut model, pool) = (model(), Pool::new("test", 1).expect("starts"));
        let said = serde_json::json!({"kind": "trunk"});
        let encoder = model.description.networks.get_mut(ENCODER).expect("there");
        encoder.architecture = Architecture::Unknown(said.as_object().cloned().expect("an object"));
        let networks = open(&model, &Computer::processor(), &pool).expect("opens");
        assert!(networks.encoder.is_none() && networks.renderers.len() == 2);
        let expected = "this idgan knows no network of the kind trunk that reads pictures; update idgan";
        assert_eq!(networks.warnings, [expected]);
    }

    #[test]
    fn codes_that_are_no_whole_rows_and_networks_that_cannot_run_are_refused() {
        let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
        let open =
            |model: &Model| open_chain(model, &model.description.render[1], &Computer::processor(), &pool);
        let mut chain = open(&model).expect("opens");
        let short = chain.render(&[0.0; 5], &mut [0.0; 4096], &Cancel::new()).expect_err("no whole row");
        assert_eq!(short.to_string(), "codes: expected 4 values, got 5");
        let mut other = model.clone();
        let emitter = other.description.networks.get_mut("emitter").expect("there");
        let said = serde_json::json!({"kind": "flow"});
        emitter.architecture = Architecture::Unknown(said.as_object().cloned().expect("an object"));
        let unknown = open(&other).err().expect("refused").to_string();
        assert_eq!(
            unknown,
            "this idgan knows no network of the kind flow that makes codes of codes; update idgan"
        );
    }
}
