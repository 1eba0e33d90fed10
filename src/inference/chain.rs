//! Several networks run as one renderer: all but the last make codes of codes, the last draws.

use std::ops::Range;

use candle_core::{Device, Result, Tensor, bail};

use crate::base::{Cancel, Picture, Pool};
use crate::graph::{Graph, Shape};
use crate::model::{Feed, Model, ModelDescription, Network, Port, Wiring};

use super::networks::{cannot_run, open_renderer};
use super::tensors::Interpreter;
use super::{Outcome, RenderError, Renderer};

/// A render chain of more than one step.
pub(super) struct ChainRenderer {
    code_dim: usize,
    stages: Vec<Stage>,
    /// What the network that draws takes.
    takes: Vec<Piece>,
    drawing: Box<dyn Renderer>,
    device: Device,
    pool: Pool,
}

/// A network from numbers to numbers.
struct Stage {
    net: Interpreter,
    takes: Vec<Piece>,
    outputs: usize,
}

/// Some columns of the chain's own input, or of what a stage has made.
struct Piece {
    stage: Option<usize>,
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
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let [stages @ .., (drawing, feeds)] = &wiring.steps[..] else {
            return Err(RenderError::Chain("a chain has no steps".to_owned()));
        };
        let layout = Layout { description: &model.description, wiring };
        let stages = stages.iter().map(|(network, feeds)| {
            let graph = network.architecture.graph().filter(makes_numbers_of_numbers);
            let graph = graph.ok_or_else(|| cannot_run("makes codes of codes", network))?;
            let net = Interpreter::new(&graph, model.group(&network.weights), device)?;
            let outputs = layout.width(&network.outputs);
            Ok(Stage { net, takes: layout.pieces(network, feeds), outputs })
        });
        Ok(Self {
            code_dim: layout.width(wiring.takes.iter().copied()),
            stages: stages.collect::<std::result::Result<_, RenderError>>()?,
            takes: layout.pieces(drawing, feeds),
            drawing: open_renderer(model, drawing, device, pool)?,
            device: device.clone(),
            pool: pool.clone(),
        })
    }

    /// What the network that draws takes for `codes` `(N, code_dim)`, row after row.
    fn inputs(&self, codes: &[f32]) -> std::result::Result<Vec<f32>, RenderError> {
        let rows = codes.len() / self.code_dim.max(1);
        if rows * self.code_dim != codes.len() {
            let expected = rows * self.code_dim;
            return Err(RenderError::Length { what: "codes", expected, actual: codes.len() });
        }
        let mut made: Vec<Vec<f32>> = Vec::new();
        for stage in &self.stages {
            let input = self.gather(&stage.takes, codes, &made, rows);
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
        Ok(self.gather(&self.takes, codes, &made, rows))
    }

    /// Puts pieces side by side, for each of `rows`.
    fn gather(&self, pieces: &[Piece], codes: &[f32], made: &[Vec<f32>], rows: usize) -> Vec<f32> {
        let mut values = Vec::new();
        for row in 0..rows {
            for piece in pieces {
                let (all, width) = match piece.stage {
                    None => (codes, self.code_dim),
                    Some(stage) => (&made[stage][..], self.stages[stage].outputs),
                };
                values.extend_from_slice(&all[row * width..][piece.columns.clone()]);
            }
        }
        values
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
            .map(|(port, feed)| {
                let (stage, start) = match *feed {
                    Feed::Outside(at) => (None, self.width(self.wiring.takes[..at].iter().copied())),
                    Feed::Step { step, output } => {
                        (Some(step), self.width(&self.wiring.steps[step].0.outputs[..output]))
                    }
                };
                Piece { stage, columns: start..start + self.width_of(port) }
            })
            .collect()
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
    use crate::inference::{open, open_chain};
    use crate::model::{Architecture, Chain, CodeBlock, GAN, GENERATOR};
    use crate::nets::{GeneratorConfig, Mlp, MlpConfig, Parameters, Weights};

    const GENERATED: GeneratorConfig = GeneratorConfig::Small { z_dim: 5, channels: 1 };
    const EMITTED: [usize; 3] = [2, 7, 6];

    fn mlp() -> MlpConfig {
        MlpConfig(EMITTED.to_vec())
    }

    /// A generator of `[s, r]`, and an emitter of r, mean and log variance, from z.
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
        assert_eq!(description.validate(), Ok(()));
        let mut stream = Stream::new(1, "weights");
        Model::new(description)
            .with_weights(GENERATOR, GENERATED.initialise_uniform(&mut stream))
            .with_weights("emitter", mlp().initialise_uniform(&mut stream))
    }

    fn plan(model: &Model, pool: &Pool) -> PlanRenderer {
        let graph = GENERATED.graph().to_pixels(PixelRange::Signed);
        PlanRenderer::compile(&graph, model.group(GENERATOR), pool).expect("fits")
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
        let mut networks = open(&model, &Device::Cpu, &pool).expect("opens");
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
        let mut chain = open_chain(&model, &model.description.render[0], &Device::Cpu, &pool).expect("opens");
        assert_eq!(model.description.render[0].name, GAN);
        let mut plan = plan(&model, &pool);
        let codes = Stream::new(3, "codes").normals(2 * 5);
        assert_eq!(pictures(chain.as_mut(), &codes), pictures(&mut plan, &codes));
    }

    #[test]
    fn codes_that_are_no_whole_rows_and_networks_that_cannot_run_are_refused() {
        let (model, pool) = (model(), Pool::new("test", 1).expect("starts"));
        let open = |model: &Model| open_chain(model, &model.description.render[1], &Device::Cpu, &pool);
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
