use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::document::selection::Dimension;
use crate::app::keep::store;
use crate::app::keep::store::Fault;
use crate::checkpoint::BundledModel;
use crate::engine::ModelSource;
use crate::explore::Codes;

/// Code values by block, as they are kept between sessions.
pub(crate) type Values = BTreeMap<String, Vec<f32>>;

/// Where the person was when the window closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Session {
    pub(crate) source: Option<ModelSource>,
    /// The tool on the right, as the command line calls it.
    pub(crate) tool: String,
    #[serde(flatten)]
    pub(crate) place: Place,
}

/// Where in a model's space of codes somebody is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    pub(crate) codes: Values,
    /// Dimensions that are locked, by block.
    pub(crate) locked: BTreeMap<String, Vec<usize>>,
    /// The seed that the nuisance code was drawn from last.
    pub(crate) nuisance_seed: Option<u64>,
    pub(crate) nuisance_locked: bool,
    /// The dimension that keys and pictures move, where somebody chose one.
    pub(crate) selected: Option<Dimension>,
}

/// The values of row 0.
pub(crate) fn values(codes: &Codes) -> Values {
    codes.blocks().map(|(name, values)| (name.to_owned(), values.row(0).to_vec())).collect()
}

/// `values` as codes like `like`; `None` where they do not fit.
pub(crate) fn codes(values: &Values, like: &Codes) -> Option<Codes> {
    let mut codes = like.select(&[0]);
    for (name, values) in values {
        codes.set_row(name, 0, values).ok()?;
    }
    Some(codes)
}

impl From<Values> for Place {
    fn from(codes: Values) -> Self {
        Self { codes, ..Self::default() }
    }
}

impl Session {
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("session.json")
    }

    /// Reads the last session; an empty one where there is none.
    ///
    /// # Errors
    /// Where it is damaged.
    pub(crate) fn load(folder: &Path) -> Result<Self, Fault> {
        store::read(&Self::file(folder)).map(Option::unwrap_or_default)
    }

    /// The model to begin with and where in it; `None` where there was none.
    ///
    /// # Errors
    /// The file of it that is not there any more.
    pub(crate) fn restore(self) -> Option<Result<(ModelSource, Place), PathBuf>> {
        let mut source = self.source?;
        // A bundled model is in the program: its file may have been cleared away, or be that of another version.
        let bundled = source.model.as_ref().and_then(|path| BundledModel::at(path));
        if let Some(path) = bundled.and_then(|model| model.unpack_for_user().ok()) {
            source.model = Some(path);
        }
        let missing = source.missing().map(Path::to_owned);
        Some(missing.map_or(Ok((source, self.place)), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    #[test]
    fn values_survive_and_strangers_are_refused() {
        let description = toy::description();
        let random = crate::explore::draw_all(&description, 1, 5, None);
        let neutral = Codes::neutral(&description, 1);
        let text = serde_json::to_string(&values(&random)).expect("serialises");
        let read: Values = serde_json::from_str(&text).expect("parses");
        assert_eq!(codes(&read, &neutral), Some(random));
        assert_eq!(codes(&Values::from([("q".to_owned(), vec![1.0])]), &neutral), None);
        assert_eq!(codes(&Values::from([("c".to_owned(), vec![1.0])]), &neutral), None);
    }

    #[test]
    fn a_broken_session_is_kept_beside_and_begun_anew() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(Session::load(folder.path()).is_ok_and(|session| session == Session::default()));
        std::fs::write(Session::file(folder.path()), "{\"source\": 7").expect("writes");
        assert!(Session::load(folder.path()).is_err());
        assert!(folder.path().join("session.json.bak").exists());
        assert!(Session::load(folder.path()).is_ok_and(|session| session == Session::default()));
    }

    #[test]
    fn sessions_of_earlier_versions_are_read() {
        let text = "{\"source\": {\"model\": \"a.safetensors\"}, \"codes\": {\"c\": [0.5]}}";
        let session: Session = serde_json::from_str(text).expect("parses");
        assert_eq!(session.source, Some(ModelSource::file("a.safetensors")));
        assert_eq!(session.place, Place::from(Values::from([("c".to_owned(), vec![0.5])])));
        let again = serde_json::to_string(&session).expect("serialises");
        assert_eq!(serde_json::from_str::<Session>(&again).expect("parses"), session);
    }

    #[test]
    fn a_model_that_vanished_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("gone.safetensors");
        let session = Session { source: Some(ModelSource::file(&path)), ..Session::default() };
        std::fs::write(&path, b"").expect("writes");
        assert!(session.clone().restore().is_some_and(|found| found.is_ok()));
        std::fs::remove_file(&path).expect("removes");
        assert_eq!(session.restore(), Some(Err(path)));
        assert_eq!(Session::default().restore(), None);
    }
}
