// Fills a rectangle with the blend constant.

// One triangle that covers the rectangle.
@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4<f32>(corner * 2.0 - 1.0, 0.0, 1.0);
}

@fragment
fn fill() -> @location(0) vec4<f32> {
    return vec4<f32>(1.0);
}
