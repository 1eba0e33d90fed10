use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use eframe::egui_wgpu::{self, RenderState, ScreenDescriptor, wgpu};

use super::native::NO_DRIVER;
use super::{Explorer, Options};
use crate::base::{FileError, check_writable, write_atomic};

/// The longest that a model may take to open and render.
const PATIENCE: Duration = Duration::from_secs(120);

/// Draws the window into a PNG, without a display.
pub(super) fn save(path: &Path, options: Options) -> anyhow::Result<()> {
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    ensure!(is_png, "a screenshot is a .png; write --screenshot FILE.png: {}", path.display());
    check_writable(path)?;
    let options = Options { config: None, ..options };
    let mut offscreen = Offscreen::new(options.size.unwrap_or(Options::SIZE))?;
    let mut explorer = Explorer::new(&offscreen.ctx, Some(&offscreen.gpu), &options)?;
    let start = Instant::now();
    // A few frames more than needed, for layouts that know their size only after the first, and for the code that is
    // read back from the last picture.
    let mut calm = 0;
    while calm < 12 {
        offscreen.frame(|ui| explorer.update(ui));
        let is_ready = explorer.is_settled() && explorer.is_calm();
        calm = if is_ready { calm + 1 } else { 0 };
        if start.elapsed() > PATIENCE {
            bail!("the model was not shown within {} seconds", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if let (Some(message), false) = (explorer.notice(), explorer.has_model()) {
        bail!("{message}");
    }
    let image = offscreen.picture()?;
    write_atomic(path, |writer| {
        let encoder = image::codecs::png::PngEncoder::new(writer);
        let written = image.write_with_encoder(encoder).map_err(std::io::Error::other);
        written.map_err(|error| anyhow::Error::from(FileError::new(error, path)))
    })
}

/// A window without a display: egui drawn by wgpu into a texture.
struct Offscreen {
    ctx: egui::Context,
    gpu: RenderState,
    texture: wgpu::Texture,
    size: [u32; 2],
    start: Instant,
}

impl Offscreen {
    fn new(size: [u32; 2]) -> anyhow::Result<Self> {
        let setup = egui_wgpu::WgpuSetup::without_display_handle();
        let instance = pollster::block_on(setup.new_instance());
        let config = egui_wgpu::WgpuConfiguration { wgpu_setup: setup, ..Default::default() };
        let options = egui_wgpu::RendererOptions { dithering: false, ..Default::default() };
        let gpu =
            pollster::block_on(RenderState::create(&config, &instance, None, options)).map_err(|error| {
                log::debug!("{error}");
                anyhow!(NO_DRIVER)
            })?;
        let limit = gpu.device.limits().max_texture_dimension_2d;
        let [width, height] = size;
        if width.max(height) > limit {
            bail!("{width}x{height} is more than this graphics driver can draw ({limit} a side)");
        }
        let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("window"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: gpu.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        Ok(Self { ctx: egui::Context::default(), gpu, texture, size, start: Instant::now() })
    }

    /// Runs one UI frame and draws it.
    fn frame(&mut self, mut update: impl FnMut(&mut egui::Ui)) {
        let [width, height] = self.size.map(|side| side as f32);
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height))),
            time: Some(self.start.elapsed().as_secs_f64()),
            ..Default::default()
        };
        let output = self.ctx.run_ui(input, |ui| update(ui));
        let pixels_per_point = output.pixels_per_point;
        let jobs = self.ctx.tessellate(output.shapes, pixels_per_point);
        let screen = ScreenDescriptor { pixels_per_point, size_in_pixels: self.size };
        let (device, queue) = (&self.gpu.device, &self.gpu.queue);
        let mut renderer = self.gpu.renderer.write();
        for (id, deltas) in &output.textures_delta.set {
            for delta in deltas {
                renderer.update_texture(device, queue, *id, delta);
            }
        }
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let buffers = renderer.update_buffers(device, queue, &mut encoder, &jobs, &screen);
        let [r, g, b, _] = self.ctx.global_style().visuals.panel_fill.to_normalized_gamma_f32();
        let view = self.texture.create_view(&wgpu::TextureViewDescriptor::default());
        {
            let mut pass = encoder
                .begin_render_pass(&wgpu::RenderPassDescriptor {
                    label: Some("window"),
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view: &view,
                        resolve_target: None,
                        ops: wgpu::Operations {
                            load: wgpu::LoadOp::Clear(wgpu::Color {
                                r: f64::from(r),
                                g: f64::from(g),
                                b: f64::from(b),
                                a: 1.0,
                            }),
                            store: wgpu::StoreOp::Store,
                        },
                        depth_slice: None,
                    })],
                    ..Default::default()
                })
                .forget_lifetime();
            renderer.render(&mut pass, &jobs, &screen);
        }
        queue.submit(buffers.into_iter().chain([encoder.finish()]));
        for id in &output.textures_delta.free {
            renderer.free_texture(id);
        }
    }

    /// The frame drawn last.
    fn picture(&self) -> anyhow::Result<image::RgbaImage> {
        let [width, height] = self.size;
        let align = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT;
        let stride = (width * 4).div_ceil(align) * align;
        let device = &self.gpu.device;
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("picture"),
            size: u64::from(stride) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_texture_to_buffer(
            self.texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(stride),
                    rows_per_image: None,
                },
            },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
        self.gpu.queue.submit([encoder.finish()]);
        let (sender, receiver) = crossbeam::channel::bounded(1);
        buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
            let _ = sender.try_send(result); // The receiver waits below.
        });
        device.poll(wgpu::PollType::wait_indefinitely()).context("the graphics driver failed")?;
        receiver.recv().context("the graphics driver failed")?.context("the picture cannot be read back")?;
        let bytes = buffer.slice(..).get_mapped_range().context("the picture cannot be read back")?;
        let is_bgra = matches!(
            self.gpu.target_format,
            wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Bgra8UnormSrgb
        );
        let mut rgba = Vec::with_capacity((width * height * 4) as usize);
        for row in bytes.chunks_exact(stride as usize) {
            for pixel in row[..(width * 4) as usize].chunks_exact(4) {
                let [r, g, b] =
                    if is_bgra { [pixel[2], pixel[1], pixel[0]] } else { [pixel[0], pixel[1], pixel[2]] };
                rgba.extend_from_slice(&[r, g, b, 255]);
            }
        }
        image::RgbaImage::from_raw(width, height, rgba).context("the picture has the wrong size")
    }
}
