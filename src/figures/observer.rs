use crate::base::Cancel;

use super::FigureError;

/// Whoever waits for a figure.
pub trait Observer {
    /// Something about the model that a person should know.
    fn warn(&mut self, sentence: &str);

    /// `done` of `of` pictures are drawn.
    fn progress(&mut self, done: usize, of: usize);
}

/// How a request is drawn, which is not part of the figure.
pub struct DrawOptions<'a> {
    /// The command, program first, that the figure says makes it again.
    pub command: Vec<String>,
    /// Threads that compute.
    pub threads: usize,
    /// Stops the work once it is raised: between two layers of a network, pictures or frames. Nothing is written then.
    pub cancel: &'a Cancel,
    /// Hears how it goes.
    pub observer: &'a mut dyn Observer,
}

impl DrawOptions<'_> {
    /// Fails once somebody has stopped the work.
    pub(super) fn check(&self) -> Result<(), FigureError> {
        if self.cancel.is_cancelled() { Err(FigureError::Stopped) } else { Ok(()) }
    }
}
