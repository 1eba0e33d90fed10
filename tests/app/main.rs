//! The window: by its accessibility tree without pixels, as a driver paints it, and on a virtual screen.
#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

mod beside;
mod board;
mod chains;
mod dialogs;
mod display;
mod explorer;
mod figures;
mod layout;
mod map;
#[path = "../common/methods.rs"]
mod methods;
mod other_methods;
mod pages;
mod paint;
mod paths;
mod questions;
mod screen;
mod session;
#[path = "../common/skip.rs"]
mod skip;
mod snapshots;
mod start;
mod train_form;
mod window;
