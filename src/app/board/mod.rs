//! The training board's own thread: it reads what runs write, whoever trains them, and makes curves that a screen can show.

mod curve;
mod drawing;
mod facts;
mod follower;

pub(crate) use drawing::{CurveDrawing, Drawing, Look, PlotDrawing, XAxis};
pub(crate) use facts::{RunFacts, duration};
pub(crate) use follower::{Follower, Order, Told};
