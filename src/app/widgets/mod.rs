//! Controls that egui does not have.

mod factor;
mod icon;

pub(crate) use factor::FactorSlider;
pub(crate) use icon::{Icon, icon_button};
