// Draws one or two pictures into a rectangle: alone, wiped against each other, or as a heat map of their
// difference. Both pictures cover the same unit square, whatever their resolutions.
//
// Software rasterisers run both sides of every branch, so that what is known beforehand is an override, fixed when the
// pipeline is made, and the rest is chosen without branches.

// Whether a second picture takes part.
override pair: bool = false;
// Whether a screen pixel covers more than one pixel of a picture.
override shrunk: bool = false;
// Whether magnified pixels are squares with hard edges.
override blocks: bool = false;
// Whether the target expects linear light (sRGB formats).
override linear_target: bool = false;

struct View {
    // Part of the unit square that the rectangle shows: left, top, width, height.
    window: vec4<f32>,
    // Sizes in pixels: first picture, second picture.
    sizes: vec4<f32>,
    // Position of the wipe in the unit square, gain of the difference, size of the rectangle on the screen.
    wipe_gain: vec4<f32>,
    // 1 for a difference instead of a wipe; 1 for crisp pixels; unused; unused.
    modes: vec4<u32>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var first: texture_2d<f32>;
@group(0) @binding(2) var second: texture_2d<f32>;
@group(0) @binding(3) var linear_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) place: vec2<f32>,
}

// One triangle that covers the rectangle.
@vertex
fn cover(@builtin(vertex_index) index: u32) -> Corner {
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    var out: Corner;
    out.position = vec4<f32>(corner * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
    out.place = view.window.xy + corner * view.window.zw;
    return out;
}

// Where to sample so that magnified pixels stay crisp squares with edges one screen pixel wide.
fn crisp(place: vec2<f32>, size: vec2<f32>, width: vec2<f32>) -> vec2<f32> {
    let texel = place * size;
    let edge = floor(texel + 0.5);
    let offset = clamp((texel - edge) / max(width * size, vec2<f32>(1e-6)), vec2<f32>(-0.5), vec2<f32>(0.5));
    return (edge + offset) / size;
}

fn sample(picture: texture_2d<f32>, place: vec2<f32>, size: vec2<f32>, width: vec2<f32>) -> vec3<f32> {
    if shrunk {
        // Average four samples spread over the screen pixel.
        let d = width * 0.25;
        return 0.25 * (textureSampleLevel(picture, linear_sampler, place + d * vec2<f32>(-1.0, -1.0), 0.0).rgb
            + textureSampleLevel(picture, linear_sampler, place + d * vec2<f32>(1.0, -1.0), 0.0).rgb
            + textureSampleLevel(picture, linear_sampler, place + d * vec2<f32>(-1.0, 1.0), 0.0).rgb
            + textureSampleLevel(picture, linear_sampler, place + d * vec2<f32>(1.0, 1.0), 0.0).rgb);
    }
    if blocks {
        let texel = clamp(vec2<i32>(place * size), vec2<i32>(0), vec2<i32>(size) - 1);
        return textureLoad(picture, texel, 0).rgb;
    }
    let at = select(place, crisp(place, size, width), view.modes.y == 1u);
    return textureSampleLevel(picture, linear_sampler, at, 0.0).rgb;
}

// Black through violet, red and yellow to white; the same polynomial as `heat` in paint/heat.rs.
fn heat(value: f32) -> vec3<f32> {
    let t = clamp(value, 0.0, 1.0);
    let r = clamp(t * 2.2, 0.0, 1.0);
    let g = clamp(t * 2.0 - 0.7, 0.0, 1.0);
    let b = clamp(0.9 * sin(t * 3.14159265) * (1.0 - t) + max(t * 4.0 - 3.0, 0.0), 0.0, 1.0);
    return vec3<f32>(r, g, b);
}

fn to_linear(colour: vec3<f32>) -> vec3<f32> {
    let low = colour / 12.92;
    let high = pow((colour + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, colour <= vec3<f32>(0.04045));
}

@fragment
fn paint(in: Corner) -> @location(0) vec4<f32> {
    let width = view.window.zw / view.wipe_gain.zw;
    let inside = all(in.place >= vec2<f32>(0.0)) && all(in.place < vec2<f32>(1.0));
    var rgb = sample(first, in.place, view.sizes.xy, width);
    if pair {
        let other = sample(second, in.place, view.sizes.zw, width);
        let difference = heat(dot(abs(rgb - other), vec3<f32>(1.0 / 3.0)) * view.wipe_gain.y);
        let wiped = select(rgb, other, in.place.x >= view.wipe_gain.x);
        rgb = select(wiped, difference, view.modes.x == 1u);
    }
    if linear_target {
        rgb = to_linear(rgb);
    }
    let alpha = select(0.0, 1.0, inside);
    return vec4<f32>(rgb * alpha, alpha);
}
