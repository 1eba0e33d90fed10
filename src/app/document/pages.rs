//! What the stage shows of the open model's codes of data: tables of factors and dimensions, and a map.

use std::time::Instant;

use crate::app::document::map::MapView;
use crate::app::tasks::Task;
use crate::figures::drawing::HeatMaps;
use crate::metrics::Disentanglement;

/// What the stage shows while the tool is Evaluate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    /// The open model's pictures.
    #[default]
    Pictures,
    /// Tables of factors and dimensions.
    Tables,
    /// A map of codes, beside the pictures.
    Map,
}

/// The pages of the open model.
#[derive(Default)]
pub(crate) struct Pages {
    /// The page that was chosen; one that there is not shows the pictures.
    pub(crate) chosen: Page,
    pub(crate) tables: Option<Tables>,
    pub(crate) map: Option<MapView>,
    pub(crate) making: Option<Making>,
}

/// Tables of factors and dimensions, ready to be drawn.
pub(crate) struct Tables {
    pub(crate) told: Disentanglement,
    pub(crate) maps: HeatMaps,
}

/// A page that is being made. Dropping it ends that.
pub(crate) struct Making {
    pub(crate) model_id: u64,
    pub(crate) page: Page,
    pub(crate) since: Instant,
    /// Nothing where it was cancelled.
    pub(crate) task: Task<Result<Option<Made>, String>>,
}

/// What has been made.
pub(crate) enum Made {
    Tables(Box<Tables>),
    Map(Box<MapView>),
}

impl From<Disentanglement> for Tables {
    fn from(told: Disentanglement) -> Self {
        Self { maps: told.heat_maps(), told }
    }
}

impl Pages {
    /// The page that is there to be shown.
    pub(crate) fn shown(&self) -> Page {
        match self.chosen {
            Page::Tables if self.tables.is_some() => Page::Tables,
            Page::Map if self.map.is_some() => Page::Map,
            _ => Page::Pictures,
        }
    }

    /// Whether there is any beside the pictures.
    pub(crate) fn any(&self) -> bool {
        self.tables.is_some() || self.map.is_some()
    }

    /// Ends the making of a page.
    pub(crate) fn cancel(&self) {
        if let Some(making) = &self.making {
            making.task.cancel();
        }
    }
}
