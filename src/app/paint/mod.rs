//! Pictures on the GPU: persistent textures that are overwritten in place, drawn by `shaders/picture.wgsl`; and large
//! areas, filled by `shaders/fill.wgsl`.

mod fill;
mod gpu;
mod heat;
mod surface;

pub(crate) use fill::fill;
pub(crate) use gpu::{Paint, PaintMode, install, picture, shape};
pub(crate) use heat::heat;
pub(crate) use surface::Surface;
