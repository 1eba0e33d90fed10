use std::path::PathBuf;
use std::sync::Arc;

use crate::app::document::Document;
use crate::app::document::map::{KEPT, MapView, Reading};
use crate::app::document::pages::Page;
use crate::app::log::About;
use crate::app::paint::Surface;
use crate::app::update::pages::with_out;
use crate::app::update::save::name;
use crate::base::{Cancel, Picture};
use crate::data::{OpenOptions, open};
use crate::figures::Print;
use crate::figures::export::FigureTarget;
use crate::metrics::{CodeMap, Plane};

/// What is read of the data: which pictures, in what form.
struct Wanted {
    data: String,
    indices: Vec<usize>,
    seed: u64,
    /// Channels and sides, as the encoder takes them.
    shape: [usize; 3],
    options: OpenOptions,
}

impl Document {
    /// Moves the codes to where they lie at `place` of the map, along its plane alone.
    pub(crate) fn move_on_map(&mut self, place: [f64; 2]) {
        let (Some(model), Some(latent), Some(map)) = (&self.model, &self.latent, &self.pages.map) else {
            return;
        };
        let Some(block) = model.description().encoded().map(str::to_owned) else { return };
        let there = map.projection.moved(latent.values(&block), place);
        self.player.pause();
        self.edit(|latent| {
            let fits = latent.set_block(&block, &there);
            debug_assert!(fits.is_ok(), "{fits:?}");
        });
    }

    /// Sets the codes to what the encoder finds in the picture of a dot, once that is read.
    pub(crate) fn start_from_dot(&mut self, dot: usize) {
        let Some(map) = &mut self.pages.map else { return };
        match map.pictures.get(&dot) {
            Some((picture, _)) => {
                let (picture, name) = (Arc::clone(picture), name_of(map, dot));
                self.player.pause();
                self.start_from(name, picture);
            }
            None => map.wanted = Some((dot, true)),
        }
    }

    /// Has the picture of a dot read, to be looked at.
    pub(crate) fn look_at_dot(&mut self, dot: usize) {
        let Some(map) = &mut self.pages.map else { return };
        if map.is_readable && !map.pictures.contains_key(&dot) && map.wanted.is_none() {
            map.wanted = Some((dot, false));
            self.read_map_pictures();
        }
    }

    /// Has the pictures read that the map shows and has not yet: the one that somebody waits for first.
    pub(crate) fn read_map_pictures(&mut self) {
        let Some((model, map)) = self.model.as_ref().zip(self.pages.map.as_mut()) else { return };
        let Some(shape) = model.description().encoder_shape().filter(|_| map.reading.is_none()) else {
            return;
        };
        let first = map.wanted.map(|(dot, _)| dot);
        let is_new = |dot: &usize| !map.pictures.contains_key(dot);
        let mut dots: Vec<usize> = match first.filter(is_new) {
            Some(dot) => vec![dot],
            None if map.is_readable => map.spread.iter().copied().filter(is_new).collect(),
            None => Vec::new(),
        };
        dots.retain(|&dot| dot < map.told.indices.len());
        if dots.is_empty() {
            return;
        }
        let description = model.description();
        let options = OpenOptions { background: description.background(), ..OpenOptions::default() };
        let is_own = description.data.as_deref() == Some(map.told.data.as_str());
        let wanted = Wanted {
            data: map.told.data.clone(),
            indices: dots.iter().map(|&dot| map.told.indices[dot]).collect(),
            seed: map.told.seed,
            shape,
            options: OpenOptions { picture: description.data_picture().filter(|_| is_own), ..options },
        };
        let ctx = self.ctx.clone();
        match self.tasks.start("idgan-map", &ctx, move |cancel| wanted.read(cancel)) {
            Ok(task) => map.reading = Some(Reading { dots, task }),
            Err(message) => self.log.fail(About::Picture, message),
        }
    }

    /// Takes in pictures that were read, and starts from the one that somebody waits for.
    pub(crate) fn receive_map_pictures(&mut self) {
        let Some(map) = &mut self.pages.map else { return };
        let Some(answer) = map.reading.as_ref().and_then(|reading| reading.task.take()) else { return };
        let Some(Reading { dots, .. }) = map.reading.take() else { return };
        let fault = |panic| Err(format!("no pictures can be read, by a fault of the program: {panic}"));
        match answer.unwrap_or_else(fault) {
            Ok(pictures) => {
                map.is_readable = true;
                if map.pictures.len() + pictures.len() > KEPT {
                    let spread = &map.spread;
                    map.pictures.retain(|dot, _| spread.contains(dot));
                }
                for (dot, picture) in dots.into_iter().zip(pictures) {
                    let (picture, surface) = (Arc::new(picture), Surface::new());
                    surface.show(Arc::clone(&picture), None);
                    map.pictures.insert(dot, (picture, surface));
                }
                let is_there = |(dot, _): &mut (usize, bool)| map.pictures.contains_key(dot);
                if let Some((dot, true)) = map.wanted.take_if(is_there) {
                    self.start_from_dot(dot);
                }
            }
            Err(message) => {
                // Asking again of itself would fail again.
                (map.is_readable, map.wanted) = (false, None);
                self.log.fail(About::Picture, message);
            }
        }
    }

    /// Draws the map as it is looked at into a file, or writes its codes as JSON; it says the command that makes it again.
    pub(crate) fn export_map(&mut self, path: PathBuf, ctx: &egui::Context) {
        let Some(map) = &self.pages.map else { return };
        let (mut told, scatter) = (map.told.clone(), map.scatter.clone());
        let mut words = vec![match map.settings.plane {
            Plane::Components => "--pca".to_owned(),
            Plane::Dims([across, up]) => format!("--dims={across},{up}"),
        }];
        words.extend(map.factor().map(|factor| format!("--colour={}", factor.name)));
        told.provenance = with_out(told.provenance, words, &path);
        self.start_job(format!("Exporting {}", name(&path)), About::Files, ctx, move || {
            let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
            let written = if is_json {
                told.write(&path).map_err(|error| error.to_string())
            } else {
                let target = FigureTarget::parse(&path, &CodeMap::KINDS)?;
                told.draw(&scatter, Print::default(), &target).map_err(|error| error.to_string())
            };
            written.map_err(|reason| format!("The map was not exported: {reason}"))?;
            Ok(format!("Exported the map: {}", path.display()))
        });
    }

    /// Whether the stage shows the map.
    pub(crate) fn shows_map(&self) -> bool {
        self.shows_pages() && self.pages.shown() == Page::Map
    }
}

/// What people call the picture of a dot.
fn name_of(map: &MapView, dot: usize) -> String {
    format!("picture {} of {}", map.told.indices[dot], map.told.data)
}

impl Wanted {
    /// The pictures as the encoder takes them.
    fn read(mut self, cancel: &Cancel) -> Result<Vec<Picture>, String> {
        let [channels, side, _] = self.shape;
        self.options.cancel = cancel.clone();
        let set = open(&self.data, Some(side), &self.options).map_err(|error| error.to_string())?;
        let [found, height, width] = set.picture_shape();
        if found != channels || self.indices.iter().any(|&index| index >= set.len()) {
            return Err(format!("{} is no longer what the map was made of; make the map again", self.data));
        }
        let mut pixels = vec![0.0; found * height * width];
        let picture = |index: usize| {
            set.read(index, self.seed, &mut pixels).map_err(|error| error.to_string())?;
            Picture::from_chw(&pixels, found, height, width)
                .ok_or_else(|| "a picture has the wrong size".to_owned())
        };
        self.indices.iter().copied().map(picture).collect()
    }
}
