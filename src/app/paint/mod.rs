//! Pictures on the GPU: persistent textures that are overwritten in place, drawn by `shaders/picture.wgsl`.

mod gpu;
mod heat;
mod surface;

pub(crate) use gpu::{Paint, PaintMode, install, shape};
pub(crate) use heat::heat;
pub(crate) use surface::Surface;
