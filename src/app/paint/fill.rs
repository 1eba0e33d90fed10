use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, wgpu};
use egui::{Color32, PaintCallbackInfo, Rect, Rgba};

/// A large area in one opaque colour.
///
/// egui's own shader samples a texture for every pixel in two ways and keeps one. A graphics card skips the other; a
/// software rasteriser does both, and filling the stage so took half of a frame's time (docs/decisions.md has the numbers).
/// This shader does nothing but fill.
pub(crate) fn fill(rect: Rect, colour: Color32) -> egui::Shape {
    egui_wgpu::Callback::new_paint_callback(rect, Fill(colour)).into()
}

struct Fill(Color32);

/// The pipeline that fills: the colour is the blend constant, so that it needs no buffers.
struct Filler {
    pipeline: wgpu::RenderPipeline,
    /// Whether the target expects linear light.
    is_linear: bool,
}

/// Prepares `render_state` for [`fill`].
pub(super) fn install(render_state: &RenderState) {
    let filler = Filler::new(&render_state.device, render_state.target_format);
    render_state.renderer.write().callback_resources.insert(filler);
}

impl Filler {
    fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("fill"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../shaders/fill.wgsl").into()),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("fill"),
            bind_group_layouts: &[],
            immediate_size: 0,
        });
        let replace = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::Constant,
            dst_factor: wgpu::BlendFactor::Zero,
            operation: wgpu::BlendOperation::Add,
        };
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("fill"),
            layout: Some(&layout),
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
                entry_point: Some("fill"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(wgpu::ColorTargetState {
                    format: target,
                    blend: Some(wgpu::BlendState { color: replace, alpha: replace }),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline, is_linear: target.is_srgb() }
    }
}

impl CallbackTrait for Fill {
    fn paint(
        &self,
        _info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(filler) = resources.get::<Filler>() else { return };
        let [r, g, b, a] = match filler.is_linear {
            true => Rgba::from(self.0).to_array(),
            false => self.0.to_normalized_gamma_f32(),
        };
        let [r, g, b, a] = [r, g, b, a].map(f64::from);
        pass.set_pipeline(&filler.pipeline);
        pass.set_blend_constant(wgpu::Color { r, g, b, a });
        pass.draw(0..3, 0..1);
    }
}
