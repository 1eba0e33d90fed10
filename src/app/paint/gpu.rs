use std::collections::HashMap;
use std::sync::Weak;

use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};
use egui::{PaintCallbackInfo, Rect, Vec2};

use super::Surface;
use super::surface::Shared;

/// How two pictures are shown in one rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PaintMode {
    /// The first picture alone.
    Single,
    /// The first picture left of this fraction of the width, the second right of it.
    Wipe(f32),
    /// The mean absolute difference of the channels times this gain, as a heat map.
    Difference(f32),
}

/// One drawing of one or two surfaces.
#[derive(Clone)]
pub(crate) struct Paint {
    /// Distinguishes drawings within one UI frame.
    pub(crate) key: u64,
    pub(crate) first: Surface,
    pub(crate) second: Option<Surface>,
    pub(crate) mode: PaintMode,
    /// Part of the picture that the rectangle shows, in fractions of the picture; may reach beyond it.
    pub(crate) window: Rect,
    /// Crisp squares instead of smooth interpolation where pixels are magnified.
    pub(crate) crisp: bool,
    /// Size of the rectangle on the screen in physical pixels.
    pub(crate) screen: Vec2,
}

/// The shape that draws `paint` into `rect`.
pub(crate) fn shape(rect: Rect, paint: Paint) -> egui::Shape {
    egui_wgpu::Callback::new_paint_callback(rect, paint).into()
}

/// Draws the part of `surface` that is visible where it covers `rect`. `key` distinguishes drawings within one UI frame.
pub(crate) fn picture(ui: &egui::Ui, rect: Rect, key: u64, surface: &Surface, crisp: bool) {
    let visible = rect.intersect(ui.clip_rect());
    if !visible.is_positive() {
        return;
    }
    let fraction = |at: egui::Pos2| ((at - rect.min) / rect.size()).to_pos2();
    let paint = Paint {
        key,
        first: surface.clone(),
        second: None,
        mode: PaintMode::Single,
        window: Rect::from_min_max(fraction(visible.min), fraction(visible.max)),
        crisp,
        screen: visible.size() * ui.pixels_per_point(),
    };
    ui.painter().add(shape(visible, paint));
}

/// Prepares `render_state` for painting pictures. Without this call they stay invisible.
pub(crate) fn install(render_state: &RenderState) {
    let is_software = render_state.adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    let gpu = Gpu::new(&render_state.device, render_state.target_format, is_software);
    render_state.renderer.write().callback_resources.insert(gpu);
    super::fill::install(render_state);
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Uniforms {
    window: [f32; 4],
    sizes: [f32; 4],
    wipe_gain: [f32; 4],
    modes: [u32; 4],
}

/// A texture and the surface it belongs to.
struct Slot {
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    size: [usize; 2],
    surface: Weak<Shared>,
    /// Counts how often the texture was made anew.
    serial: u64,
}

/// What one drawing needs.
struct Draw {
    uniforms: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
    /// The textures bound, by surface and making.
    bound: [(u64, u64); 2],
    /// Which of the pipelines.
    pipeline: [usize; 2],
}

/// How pixels of a picture become pixels of the screen.
#[derive(Clone, Copy)]
enum Scaling {
    Smooth,
    Shrunk,
    /// Squares with hard edges, which a software rasteriser paints five times as fast as those with smooth edges.
    Blocks,
}

struct Gpu {
    /// By whether a second picture takes part, then by [`Scaling`].
    pipelines: [[wgpu::RenderPipeline; 3]; 2],
    /// Whether the graphics driver is a program on the CPU.
    is_software: bool,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    slots: HashMap<u64, Slot>,
    draws: HashMap<u64, Draw>,
    serial: u64,
}

impl Gpu {
    fn new(device: &wgpu::Device, target: wgpu::TextureFormat, is_software: bool) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("picture"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../shaders/picture.wgsl").into()),
        });
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("picture"),
            entries: &[
                layout_entry(
                    0,
                    wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: false,
                        min_binding_size: None,
                    },
                ),
                layout_entry(1, TEXTURE),
                layout_entry(2, TEXTURE),
                layout_entry(3, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            ],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("picture"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let is_linear = f64::from(u8::from(target.is_srgb()));
        let pipeline = |pair: bool, scaling: Scaling| {
            let constants = [
                ("pair", f64::from(u8::from(pair))),
                ("shrunk", f64::from(u8::from(matches!(scaling, Scaling::Shrunk)))),
                ("blocks", f64::from(u8::from(matches!(scaling, Scaling::Blocks)))),
                ("linear_target", is_linear),
            ];
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some("picture"),
                layout: Some(&pipeline_layout),
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some("cover"),
                    buffers: &[],
                    compilation_options: wgpu::PipelineCompilationOptions::default(),
                },
                primitive: wgpu::PrimitiveState::default(),
                depth_stencil: None,
                multisample: wgpu::MultisampleState::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some("paint"),
                    compilation_options: wgpu::PipelineCompilationOptions {
                        constants: &constants,
                        ..Default::default()
                    },
                    targets: &[Some(wgpu::ColorTargetState {
                        format: target,
                        blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                        write_mask: wgpu::ColorWrites::ALL,
                    })],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let scalings = [Scaling::Smooth, Scaling::Shrunk, Scaling::Blocks];
        let pipelines = [false, true].map(|pair| scalings.map(|scaling| pipeline(pair, scaling)));
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("picture"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        let (slots, draws) = Default::default();
        Self { pipelines, is_software, layout, sampler, slots, draws, serial: 0 }
    }

    /// Brings the texture of `surface` up to date and returns its making; `None` while it has no picture.
    fn upload(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, surface: &Surface) -> Option<u64> {
        let update = surface.take_update();
        let limit = device.limits().max_texture_dimension_2d as usize;
        if update.size.contains(&0) || update.size.iter().any(|&side| side > limit) {
            return None;
        }
        if self.slots.get(&surface.id()).is_none_or(|slot| slot.size != update.size) {
            self.serial += 1;
            let slot = Slot::new(device, surface, update.size, self.serial);
            self.slots.insert(surface.id(), slot);
        }
        let slot = &self.slots[&surface.id()];
        for (picture, [x, y]) in &update.patches {
            slot.write(queue, picture, *x, *y);
        }
        if !update.patches.is_empty() {
            surface.uploaded(update.asked);
        }
        Some(slot.serial)
    }

    /// Frees textures nobody shows any more.
    fn sweep(&mut self) {
        self.slots.retain(|_, slot| slot.surface.strong_count() > 0);
        let slots = &self.slots;
        let alive = |&(id, serial): &(u64, u64)| slots.get(&id).is_some_and(|slot| slot.serial == serial);
        self.draws.retain(|_, draw| draw.bound.iter().all(alive));
    }

    fn bind(&self, device: &wgpu::Device, bound: [(u64, u64); 2]) -> Draw {
        let uniforms = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("picture"),
            size: size_of::<Uniforms>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let view = |k: usize| wgpu::BindingResource::TextureView(&self.slots[&bound[k].0].view);
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("picture"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniforms.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: view(0) },
                wgpu::BindGroupEntry { binding: 2, resource: view(1) },
                wgpu::BindGroupEntry { binding: 3, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        });
        Draw { uniforms, bind_group, bound, pipeline: [0; 2] }
    }
}

const TEXTURE: wgpu::BindingType = wgpu::BindingType::Texture {
    sample_type: wgpu::TextureSampleType::Float { filterable: true },
    view_dimension: wgpu::TextureViewDimension::D2,
    multisampled: false,
};

fn layout_entry(binding: u32, ty: wgpu::BindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::VERTEX_FRAGMENT, ty, count: None }
}

impl Slot {
    fn new(device: &wgpu::Device, surface: &Surface, size: [usize; 2], serial: u64) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("picture"),
            size: extent(size),
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Self { texture, view, size, surface: surface.downgrade(), serial }
    }

    /// Overwrites a rectangle whose top left corner is (x, y); what does not fit is left out.
    fn write(&self, queue: &wgpu::Queue, picture: &crate::base::Picture, x: usize, y: usize) {
        let size = [picture.width(), picture.height()];
        if size.contains(&0) || x + size[0] > self.size[0] || y + size[1] > self.size[1] {
            return;
        }
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture: &self.texture,
                mip_level: 0,
                origin: wgpu::Origin3d { x: x as u32, y: y as u32, z: 0 },
                aspect: wgpu::TextureAspect::All,
            },
            picture.rgba(),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(size[0] as u32 * 4),
                rows_per_image: None,
            },
            extent(size),
        );
    }
}

fn extent([width, height]: [usize; 2]) -> wgpu::Extent3d {
    wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 }
}

impl CallbackTrait for Paint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(gpu) = resources.get_mut::<Gpu>() else { return Vec::new() };
        gpu.sweep();
        let Some(first) = gpu.upload(device, queue, &self.first) else { return Vec::new() };
        let first = (self.first.id(), first);
        let second = self.second.as_ref().and_then(|s| Some((s.id(), gpu.upload(device, queue, s)?)));
        let bound = [first, second.unwrap_or(first)];
        if gpu.draws.get(&self.key).is_none_or(|draw| draw.bound != bound) {
            let draw = gpu.bind(device, bound);
            gpu.draws.insert(self.key, draw);
        }
        let size = |id: u64| gpu.slots[&id].size.map(|side| side as f32);
        let ([a, b], [c, d]) = (size(bound[0].0), size(bound[1].0));
        let (is_pair, is_difference, wipe, gain) = match self.mode {
            PaintMode::Single => (false, false, 1.0, 1.0),
            PaintMode::Wipe(position) => (second.is_some(), false, position, 1.0),
            PaintMode::Difference(gain) => (second.is_some(), true, 1.0, gain),
        };
        let window = self.window;
        let screen = self.screen.max(Vec2::splat(1.0));
        // Pixels of the finer picture on one of the screen.
        let density = window.width() / screen.x * if is_pair { a.max(c) } else { a };
        let scaling = match density {
            _ if density > 1.25 => Scaling::Shrunk,
            _ if density < 0.5 && self.crisp && gpu.is_software => Scaling::Blocks,
            _ => Scaling::Smooth,
        };
        let uniforms = Uniforms {
            window: [window.min.x, window.min.y, window.width(), window.height()],
            sizes: [a, b, c, d],
            wipe_gain: [wipe, gain, screen.x, screen.y],
            modes: [u32::from(is_difference), u32::from(self.crisp), 0, 0],
        };
        if let Some(draw) = gpu.draws.get_mut(&self.key) {
            draw.pipeline = [usize::from(is_pair), scaling as usize];
            queue.write_buffer(&draw.uniforms, 0, bytemuck::bytes_of(&uniforms));
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(gpu) = resources.get::<Gpu>() else { return };
        let Some(draw) = gpu.draws.get(&self.key) else { return };
        let [pair, scaling] = draw.pipeline;
        pass.set_pipeline(&gpu.pipelines[pair][scaling]);
        pass.set_bind_group(0, &draw.bind_group, &[]);
        pass.draw(0..3, 0..1);
    }
}
