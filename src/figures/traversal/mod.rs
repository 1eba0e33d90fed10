mod decide;
mod draw;
mod order;
mod request;

pub use order::Order;
pub use request::{Base, TraversalRequest};
