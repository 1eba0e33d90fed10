use crate::app::document::matrix::MatrixSettings;
use crate::app::document::player::AnimationSettings;
use crate::app::document::recipe::Recipe;
use crate::app::document::traverse::TraversalSettings;

/// Something done to a figure.
#[derive(Clone, Debug)]
pub(crate) enum FigureAction {
    /// Sets up the traversal.
    Traversal(TraversalSettings),
    /// Sets up the matrix of codes and nuisances.
    Matrix(MatrixSettings),
    /// Sets up the animation.
    Animation(AnimationSettings),
    /// Chooses the chain that draws traversals and animations, by its name.
    Chain(String),
    /// Sets the width of a cell on the screen in points; `None` for as large as the table fits.
    CellSize(Option<f32>),
    /// Takes the code of the cell with this index.
    AdoptCell(usize),
    /// Puts the command on the clipboard that makes a figure in `out`.
    Copy { recipe: Box<Recipe>, out: &'static str },
    /// Stops the job with this index; nothing of what it writes stays.
    StopJob(usize),
}
