//! What the window shows, and nothing of how it changes: panels read it, [`update`](super::update) changes it.

pub(crate) mod analysis;
pub(crate) mod beside;
pub(crate) mod board;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod follow;
pub(crate) mod input;
pub(crate) mod map;
pub(crate) mod matrix;
pub(crate) mod nuisance;
pub(crate) mod pages;
pub(crate) mod photo;
pub(crate) mod player;
pub(crate) mod ranges;
pub(crate) mod recipe;
pub(crate) mod selection;
pub(crate) mod stage_picture;
pub(crate) mod strip;
pub(crate) mod table;
pub(crate) mod tool;
pub(crate) mod train;
pub(crate) mod traverse;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::Options;
use crate::app::dialog::Purpose;
use crate::app::document::analysis::Analysis;
use crate::app::document::beside::Beside;
use crate::app::document::board::Board;
use crate::app::document::data::DataPictures;
use crate::app::document::evaluate::EvaluateState;
use crate::app::document::follow::Follow;
use crate::app::document::input::InputPicture;
use crate::app::document::nuisance::NuisanceHistory;
use crate::app::document::pages::Pages;
use crate::app::document::photo::PhotoState;
use crate::app::document::player::Player;
use crate::app::document::selection::Dimension;
use crate::app::document::stage_picture::StagePicture;
use crate::app::document::strip::Strip;
use crate::app::document::tool::Tab;
use crate::app::document::train::TrainState;
use crate::app::document::traverse::TraverseState;
use crate::app::frame_requests::FrameRequests;
use crate::app::jobs::Jobs;
use crate::app::keep::{Noted, Place, Settings};
use crate::app::log::Log;
use crate::app::model::ModelView;
use crate::app::tasks::Tasks;
use crate::app::view::Views;
use crate::app::watch::Watch;
use crate::checkpoint::EncoderQuestion;
use crate::engine::{Engine, Event, Latest, Library, ModelSource, ReadBack};
use crate::explore::LatentState;

/// A model that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Loading {
    pub(crate) model_id: u64,
    pub(crate) source: ModelSource,
    pub(crate) since: Instant,
    pub(crate) start: Start,
}

/// A model that cannot be read before a question is answered.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    pub(crate) source: ModelSource,
    pub(crate) start: Start,
    pub(crate) question: EncoderQuestion,
}

/// How a model begins once it is there.
#[derive(Clone, Debug, Default)]
pub(crate) enum Start {
    /// With the codes that its author chose, or the neutral ones.
    #[default]
    Fresh,
    /// Where somebody was in it.
    At(Box<Place>),
    /// As everything is now: it is the open model, read again.
    AsIs,
}

/// What opens over the window.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Overlay {
    /// A dialog that asks for a path.
    Dialog(Purpose),
    /// The field for the path of a model.
    Path,
    /// The models that the program brings along.
    Gallery,
    /// The sheet of keys, with version and licence.
    Help,
    /// The list of commands.
    Palette,
}

/// Everything that panels show.
pub(crate) struct Document {
    pub(crate) engine: Engine,
    pub(crate) model: Option<ModelView>,
    pub(crate) latent: Option<LatentState>,
    pub(crate) nuisance: NuisanceHistory,
    pub(crate) views: Views,
    pub(crate) strip: Strip,
    pub(crate) settings: Settings,
    pub(crate) log: Log,
    pub(crate) selected: Dimension,
    /// Whether the person chose it.
    pub(crate) has_selected: bool,
    pub(crate) loading: Option<Loading>,
    /// A model that was asked for, and waits for an answer.
    pub(crate) unread: Option<Unread>,
    /// The newest generated picture's code as the encoder reads it.
    pub(crate) read_back: Option<ReadBack>,
    /// Frames of models that are gone, which were thrown away unseen.
    pub(crate) stale_frames: u64,
    /// Whether a mouse button is down: changes belong to one step of undo and more will follow.
    pub(crate) is_dragging: bool,
    /// A wheel or key moves a value until then; as `is_dragging`.
    pub(crate) scrubbing_until: Option<Instant>,
    /// Seeds the random factors.
    pub(crate) factor_seed: u64,
    pub(crate) traverse: TraverseState,
    pub(crate) player: Player,
    pub(crate) stage_picture: StagePicture,
    pub(crate) photo: PhotoState,
    /// Where a model makes pictures of pictures: the one that they are made of.
    pub(crate) input: InputPicture,
    pub(crate) data: DataPictures,
    pub(crate) train: TrainState,
    pub(crate) board: Board,
    pub(crate) evaluate: EvaluateState,
    pub(crate) pages: Pages,
    /// Threads of the generator, and of training.
    pub(crate) threads: usize,
    pub(crate) analysis: Analysis,
    /// Follows the run folder that is open.
    pub(crate) watch: Option<Watch>,
    pub(crate) ctx: egui::Context,
    /// Where names, bookmarks and the session are kept, if anywhere.
    pub(crate) config: Option<PathBuf>,
    /// What was kept of names and bookmarks.
    pub(crate) noted: Option<Noted>,
    /// What to open where the model of the last session cannot be opened.
    pub(crate) spare: Option<ModelSource>,
    pub(crate) jobs: Jobs,
    /// The folder of pictures to measure the model on, once it is said where the result goes.
    pub(crate) measured_on: Option<PathBuf>,
    /// What a job has made that should be opened.
    pub(crate) then_open: Latest<Follow>,
    /// The program to run to measure.
    pub(crate) program: PathBuf,
    /// Where models come from.
    pub(crate) library: Arc<dyn Library>,
    pub(crate) beside: Beside,
    /// When the newest input came, where somebody measures it.
    pub(crate) input_at: Option<Instant>,
    /// News that waits for the end of a drag.
    pub(crate) held: Vec<Event>,
    pub(crate) frame_requests: FrameRequests,
    /// What should be opened over the window.
    pub(crate) overlays: Vec<Overlay>,
    /// The tab that is shown on the right.
    pub(crate) tab: Tab,
    /// The window's own threads. It is dropped after everything that asks its work to end by being dropped.
    pub(crate) tasks: Tasks,
}

/// Wheel steps closer together than this are one step of undo.
pub(crate) const SCRUB_PAUSE: Duration = Duration::from_millis(400);

impl Document {
    pub(crate) fn new(
        ctx: &egui::Context,
        engine: Engine,
        mut views: Views,
        settings: Settings,
        options: &Options,
    ) -> Self {
        views.compare = settings.compare;
        Self {
            engine,
            model: None,
            latent: None,
            nuisance: NuisanceHistory::default(),
            views,
            strip: Strip::default(),
            settings,
            log: Log::default(),
            selected: Dimension::default(),
            has_selected: false,
            loading: None,
            unread: None,
            read_back: None,
            stale_frames: 0,
            is_dragging: false,
            scrubbing_until: None,
            factor_seed: 0,
            traverse: TraverseState::default(),
            player: Player::default(),
            stage_picture: StagePicture::default(),
            photo: PhotoState::default(),
            input: InputPicture::default(),
            data: DataPictures::default(),
            train: TrainState::default(),
            board: Board::default(),
            evaluate: EvaluateState::default(),
            pages: Pages::default(),
            threads: options.threads,
            analysis: Analysis::default(),
            watch: None,
            ctx: ctx.clone(),
            config: options.config.clone(),
            noted: None,
            spare: None,
            jobs: Jobs::default(),
            measured_on: None,
            then_open: Latest::new(),
            program: options.program.clone(),
            library: Arc::clone(&options.library),
            beside: Beside::default(),
            input_at: None,
            held: Vec::new(),
            frame_requests: FrameRequests::default(),
            overlays: Vec::new(),
            tab: Tab::default(),
            tasks: Tasks::default(),
        }
    }
}
