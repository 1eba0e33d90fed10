//! What figures say about themselves is understood: request, words, arguments, and the same request again.

use std::path::PathBuf;

use clap::Parser;

use super::{Cli, Command};
use crate::base::{Background, PixelRange, Stream};
use crate::checkpoint::{Halves, Reading, Sources};
use crate::explore::{CodeSource, Mode, RangeSpec};
use crate::figures::{
    AnimationRequest, Base, Cells, ChainChoice, Figure, FigureRequest, MatrixCodes, MatrixRequest, Names,
    Order, Print, SampleCodes, SampleRequest, TranslationRequest, TraversalRequest,
};
use crate::inference::{DeviceChoice, Place};
use crate::ops::Precision;

/// Words that a careless command line would misread.
const TEXTS: [&str; 14] =
    ["c", "gan", "a b", "x, y", "-1", "--out=b.png", "it's", "=", "a=b", "\\", "é ü", "$HOME", "all", "--"];
const PATHS: [&str; 9] = [
    "codes.npz",
    "a b/c,d.npz",
    "-dash.npz",
    "--force",
    "é/it's.npz",
    "~/x.npz",
    "=.npz",
    "/tmp/a\\b.npz",
    ".",
];

/// Draws requests at random.
struct Draw(Stream);

impl Draw {
    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len())].clone()
    }

    fn perhaps<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.of(&[false, true]).then(|| make(self))
    }

    fn text(&mut self) -> String {
        self.of(&TEXTS).to_owned()
    }

    fn path(&mut self) -> PathBuf {
        self.of(&PATHS).into()
    }

    fn seed(&mut self) -> u64 {
        let seed = self.0.below(1000) as u64;
        self.of(&[0, seed, u64::MAX])
    }

    fn from(&mut self) -> CodeSource {
        self.of(&[CodeSource::Prior, CodeSource::Posterior])
    }

    fn steps(&mut self) -> u16 {
        let steps = 1 + self.0.below(1000) as u16;
        self.of(&[1, steps, 1000])
    }

    fn frame_ms(&mut self) -> u16 {
        let frame_ms = 20 + self.0.below(9981) as u16;
        self.of(&[20, 60, TraversalRequest::FRAME_MS, frame_ms, 10_000])
    }

    fn cells(&mut self) -> Cells {
        let width = self.perhaps(|draw| draw.of(&["170mm", "6.7in", "0.1cm", "482.3pt"]));
        let font_size = self.perhaps(|draw| draw.of(&["8", "7.25", "144"]));
        let print = Print {
            width: width.map(|width| width.parse().expect("a length")),
            font_size: font_size.map(|size| size.parse().expect("a size")),
        };
        let side = self.perhaps(|draw| 1 + draw.0.below(8192) as u16);
        Cells { side, is_forced: self.of(&[false, true]), print }
    }

    fn decoder(&mut self) -> ChainChoice {
        let name = self.text();
        self.of(&[ChainChoice::Both, ChainChoice::Named(name)])
    }

    fn range(&mut self) -> RangeSpec {
        let value = (self.0.uniform() - 0.5) * 20.0;
        let ends = [value, -3.0, 0.1, 1e-30, -1e30, f32::MIN_POSITIVE, 3.0];
        let between = 0.501 + 0.498 * f64::from(self.0.uniform());
        let quantile = self.of(&[0.99, 0.9999, 0.501, between]);
        let fixed = RangeSpec::Fixed(self.of(&ends), self.of(&ends));
        self.of(&[fixed, RangeSpec::Prior(quantile), RangeSpec::Posterior(quantile), RangeSpec::Data])
    }

    fn names(&mut self) -> Names {
        let count = 1 + self.0.below(5);
        Names::new((0..count).map(|_| if self.of(&[false, true]) { self.text() } else { String::new() }))
    }

    fn base(&mut self) -> Base {
        let random = Base::Drawn { seed: self.seed(), from: self.from() };
        let row = Base::Row { codes: self.path(), row: self.0.below(3) };
        let background = self.perhaps(|draw| draw.of(&[Background::BLACK, Background::WHITE]));
        let crop = self.perhaps(|draw| 1 + draw.0.below(500) as u32);
        let picture = Base::Picture { path: self.path(), crop, background };
        self.of(&[Base::Neutral, random, row, picture])
    }

    fn traversal(&mut self) -> TraversalRequest {
        TraversalRequest {
            block: self.perhaps(Self::text),
            dims: self.of(&["all", "0", "3,0,5-7", "7-5, 1", "-1"]).to_owned(),
            names: self.perhaps(Self::names),
            order: self.perhaps(|draw| draw.of(&[Order::Kl, Order::Sensitivity, Order::Index])),
            range: self.perhaps(Self::range),
            steps: self.steps(),
            mode: self.of(&[Mode::Replace, Mode::Offset]),
            base: self.base(),
            s_seed: self.perhaps(Self::seed),
            decoder: self.perhaps(Self::decoder),
            frame_ms: self.frame_ms(),
            cells: self.cells(),
        }
    }

    fn matrix(&mut self) -> MatrixRequest {
        let random = MatrixCodes::Drawn { seed: self.seed(), from: self.from() };
        let file = MatrixCodes::File(self.path());
        MatrixRequest {
            columns: self.steps(),
            rows: self.steps(),
            codes: self.of(&[random, file]),
            s_seed: self.seed(),
            cells: self.cells(),
        }
    }

    fn animation(&mut self) -> AnimationRequest {
        AnimationRequest {
            codes: self.path(),
            steps: self.steps(),
            is_closed: self.of(&[false, true]),
            s_seed: self.seed(),
            decoder: self.perhaps(Self::decoder),
            frame_ms: self.frame_ms(),
            cells: self.cells(),
        }
    }

    fn samples(&mut self) -> SampleRequest {
        let count = self.of(&[1, 16, 1_000_000]);
        let random = SampleCodes::Drawn { count, from: self.from() };
        let file = SampleCodes::File(self.path());
        SampleRequest {
            codes: self.of(&[random, file]),
            seed: self.seed(),
            decoder: self.perhaps(Self::decoder),
        }
    }

    fn translation(&mut self) -> TranslationRequest {
        TranslationRequest {
            pictures: (0..=self.0.below(3)).map(|_| self.path()).collect(),
            chain: self.perhaps(Self::text),
            noises: self.steps(),
            seed: self.seed(),
            crop: self.perhaps(|draw| 1 + draw.0.below(500) as u32),
            background: self.perhaps(|draw| draw.of(&[Background::BLACK, Background::WHITE])),
            cells: self.cells(),
        }
    }

    fn model(&mut self) -> Sources {
        let c_dim = self.perhaps(|draw| draw.0.below(100));
        let encoder = Some(self.path());
        let reading = Reading {
            encoder,
            range: self.perhaps(|draw| draw.of(&[PixelRange::Unit, PixelRange::Signed, PixelRange::Logits])),
            mean: self.perhaps(Self::text),
            logvar: self.perhaps(Self::text),
            halves: self.perhaps(|draw| draw.of(&[Halves::Behind, Halves::Interleaved])),
            data: self.perhaps(|draw| draw.of(&["dsprites", "scenes", "images:my faces"]).to_owned()),
        };
        let checkpoint = Some(self.of(&["m.safetensors", "-m.onnx", "my runs/gan", "é,1.pt"]).into());
        let onnx = Sources { checkpoint, reading, ..Sources::default() };
        let alone = Sources { reading: Reading::default(), ..onnx.clone() };
        let (vae, gan) = (Some(self.path()), Some(self.path()));
        let gan_alone = Sources { gan: gan.clone(), c_dim, ..Sources::default() };
        let pair = Sources { vae: vae.clone(), gan, ..Sources::default() };
        let vae_alone = Sources { vae, ..Sources::default() };
        self.of(&[alone, onnx, gan_alone, pair, vae_alone])
    }

    fn request(&mut self) -> FigureRequest {
        let figure = match self.0.below(5) {
            0 => Figure::Traversal(self.traversal()),
            1 => Figure::Matrix(self.matrix()),
            2 => Figure::Animation(self.animation()),
            3 => Figure::Samples(self.samples()),
            _ => Figure::Translation(self.translation()),
        };
        let device =
            self.of(&[DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(3), DeviceChoice::Metal]);
        let precision = self.perhaps(|draw| draw.of(&[Precision::F32, Precision::Tf32, Precision::Bf16]));
        let place = Place { device, precision };
        FigureRequest { model: self.model(), place, figure, out: self.path() }
    }
}

/// The request that a command line makes.
fn understood(command: &[String]) -> anyhow::Result<FigureRequest> {
    match Cli::try_parse_from(command)?.command {
        Some(Command::Traverse(args)) => args.request(),
        Some(Command::Grid(args)) => args.request(),
        Some(Command::Animate(args)) => args.request(),
        Some(Command::Sample(args)) => args.request(),
        Some(Command::Translate(args)) => args.request(),
        other => anyhow::bail!("another command: {other:?}"),
    }
}

#[test]
fn what_a_request_says_makes_the_same_request() {
    let mut draw = Draw(Stream::new(15, "requests"));
    let mut seen = [0; 5];
    for _ in 0..5000 {
        let request = draw.request();
        seen[match request.figure {
            Figure::Traversal(_) => 0,
            Figure::Matrix(_) => 1,
            Figure::Animation(_) => 2,
            Figure::Samples(_) => 3,
            Figure::Translation(_) => 4,
        }] += 1;
        match understood(&request.command()) {
            Ok(again) => assert_eq!(again, request, "{:?}", request.command()),
            Err(error) => panic!("{error}: {:?}", request.command()),
        }
    }
    assert!(seen.iter().all(|&count| count > 800), "{seen:?}");
}
