//! What changes the height and width of maps.

use crate::formats::onnx::{Attribute, Node};
use crate::formats::shorten;
use crate::graph::{Convolution, Corners, Operation, Pool};

use super::importer::{Importer, Outcome};
use super::known::{Computed, Known, MOST_SPREAD};
use super::{arrange, layers, settings};

/// Largest side of a resized map.
const MOST_SIDE: usize = 1 << 14;

/// Nearest-neighbour or bilinear resampling.
pub(super) fn resize<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let from = layers::maps_of(&x)?;
    let to = new_sides(importer, node, from)?;
    let is_old = node.operator == "Upsample";
    let way = settings::text(
        node,
        "coordinate_transformation_mode",
        if is_old { "asymmetric" } else { "half_pixel" },
    )?;
    match settings::text(node, "mode", "nearest")? {
        "nearest" => {
            let rounding =
                settings::text(node, "nearest_mode", if is_old { "floor" } else { "round_prefer_floor" })?;
            nearest(importer, &x, from, to, way, rounding)
        }
        "linear" | "bilinear" => {
            if settings::integer(node, "antialias", 0)? != 0 && (to[0] < from[1] || to[1] < from[2]) {
                return Err("smooths before it makes maps smaller".into());
            }
            let corners = match way {
                "half_pixel" => Corners::Half,
                "pytorch_half_pixel" if to[0] > 1 && to[1] > 1 => Corners::Half,
                "align_corners" => Corners::Aligned,
                "asymmetric" => Corners::Asymmetric,
                _ => return Err(format!("places its pixels by the rule {}", shorten(way))),
            };
            layers::add_operation(importer, Operation::Bilinear { size: to, corners }, &x)
        }
        mode => Err(format!("resamples by the rule {}; known are nearest and linear", shorten(mode))),
    }
}

/// Height and width that a resampling makes, by its sizes or its scales.
fn new_sides<'a>(importer: &mut Importer<'a>, node: &Node<'a>, from: [usize; 3]) -> Outcome<[usize; 2]> {
    let place = if node.operator == "Upsample" || importer.opset < 11 { 1 } else { 2 };
    let sizes = if place == 2 { importer.sizes(node, 3)? } else { None };
    if let Some(sizes) = sizes.filter(|sizes| !sizes.values.is_empty()) {
        let known = super::known::Sizes { values: sizes.values[1..].to_vec(), ..sizes }.known()?;
        return match known[..] {
            [channels, height, width] if channels == from[0] as i64 => sides(height as f64, width as f64),
            _ => Err(format!("makes maps of sides {known:?}")),
        };
    }
    let scales = match importer.optional(node, place)? {
        Some(Known::Constant(scales)) => scales.values,
        Some(other) => return Err(format!("has {} for scales", other.kind())),
        None => match node.attribute("scales") {
            Some(Attribute::Floats(scales)) => scales.clone(),
            _ => return Err("does not say its sizes".into()),
        },
    };
    match scales[..] {
        [1.0, 1.0, down, right] => {
            let along = |side: usize, scale: f32| (side as f64 * f64::from(scale)).floor();
            sides(along(from[1], down), along(from[2], right))
        }
        _ => Err(format!("has the scales {scales:?}; known are those of height and width")),
    }
}

fn sides(height: f64, width: f64) -> Outcome<[usize; 2]> {
    let most = MOST_SIDE as f64;
    let is_sound = |side: f64| (1.0..=most).contains(&side);
    if is_sound(height) && is_sound(width) {
        return Ok([height as usize, width as usize]);
    }
    Err(format!("makes maps of {height}x{width}"))
}

/// Whole multiples: doublings, or every pixel spread over a square.
fn nearest(
    importer: &mut Importer<'_>,
    x: &Computed,
    [channels, height, width]: [usize; 3],
    to: [usize; 2],
    way: &str,
    rounding: &str,
) -> Outcome<Known> {
    let factor = to[0] / height;
    if to != [height * factor, width * factor] {
        return Err(format!("makes {to:?} of {height}x{width} by nearest pixels; known are whole multiples"));
    }
    // Ways to place pixels by which pixel i of the result is i / factor, rounded down.
    let is_plain = match (way, rounding) {
        ("asymmetric" | "tf_half_pixel_for_nn", "floor") => true,
        ("half_pixel" | "pytorch_half_pixel", "round_prefer_floor" | "round_prefer_ceil") => true,
        ("asymmetric", "round_prefer_floor") => factor <= 2,
        _ => factor == 1,
    };
    if !is_plain {
        return Err(format!("places its pixels by the rules {} and {}", shorten(way), shorten(rounding)));
    }
    if factor.is_power_of_two() {
        let mut result = Known::Computed(x.clone());
        for _ in 0..factor.trailing_zeros() {
            let Known::Computed(x) = &result else { break };
            result = layers::add_operation(importer, Operation::Double, &x.clone())?;
        }
        return Ok(result);
    }
    if channels.saturating_mul(factor * factor) > MOST_SPREAD {
        return Err(format!("spreads {channels} channels over squares of {factor}x{factor} pixels"));
    }
    let name = importer.layer_name(None);
    importer.store(
        &name,
        "weight",
        vec![channels, 1, factor, factor],
        vec![1.0; channels * factor * factor],
    )?;
    let spread =
        Convolution::new(name, channels, channels, factor).stride(factor).groups(channels).without_bias();
    layers::add_operation(importer, Operation::TransposedConvolution(spread), x)
}

/// Channels laid out as squares of pixels: a transposed convolution whose weights are zeros and ones.
pub(super) fn depth_to_space<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let [inputs, ..] = layers::maps_of(&x)?;
    let block = usize::try_from(settings::integer(node, "blocksize", 0)?).unwrap_or(0);
    let area = block.checked_mul(block).filter(|area| *area > 0 && inputs.is_multiple_of(*area));
    let Some(area) = area else {
        return Err(format!("lays {inputs} channels out as squares of {block}x{block}"));
    };
    let outputs = inputs / area;
    if inputs.saturating_mul(area) > MOST_SPREAD {
        return Err(format!("lays {inputs} channels out as squares of {block}x{block}"));
    }
    let name = importer.layer_name(None);
    let layer = Convolution::new(name.clone(), inputs, outputs, block).stride(block).without_bias();
    let layer = match settings::text(node, "mode", "DCR")? {
        "CRD" => {
            let weight =
                (0..inputs * area).map(|i| f32::from(u8::from(i / area % area == i % area))).collect();
            importer.store(&name, "weight", vec![inputs, 1, block, block], weight)?;
            layer.groups(outputs)
        }
        "DCR" => {
            if inputs.saturating_mul(outputs * area) > MOST_WEIGHTS {
                return Err(format!("lays {inputs} channels out as squares in the order DCR"));
            }
            let mut weight = vec![0.0; inputs * outputs * area];
            (0..inputs).for_each(|input| {
                weight[(input * outputs + input % outputs) * area + input / outputs] = 1.0;
            });
            importer.store(&name, "weight", vec![inputs, outputs, block, block], weight)?;
            layer
        }
        mode => return Err(format!("lays channels out in the order {}", shorten(mode))),
    };
    layers::add_operation(importer, Operation::TransposedConvolution(layer), &x)
}

/// Most numbers of a kernel of zeros and ones.
const MOST_WEIGHTS: usize = 1 << 24;

/// Averages or largest values of windows, or of whole maps.
pub(super) fn pool<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let [channels, height, width] = layers::maps_of(&x)?;
    if matches!(node.operator, "GlobalAveragePool" | "ReduceMean") {
        let keeps = node.operator == "GlobalAveragePool" || whole_maps(importer, node)?;
        if height != width {
            return Err(format!("averages maps of {height}x{width}; known are square ones"));
        }
        let pool = Pool { kernel: height, stride: height, padding: 0, counts_padding: false };
        let averages = layers::add_operation(importer, Operation::AveragePool(pool), &x)?;
        return match averages {
            Known::Computed(averages) if !keeps => {
                let shape = super::known::shape_of(&[channels]);
                Ok(Known::Computed(importer.make(Operation::Reshape(shape), averages.value, vec![channels])))
            }
            averages => Ok(averages),
        };
    }
    let unknown = |what: &str| Err(format!("pools {what}"));
    if settings::text(node, "auto_pad", "NOTSET")? != "NOTSET" {
        return unknown("with padding by a rule; export it with the padding as numbers");
    }
    if settings::pair(node, "dilations", 1)? != [1, 1] {
        return unknown("over windows with gaps");
    }
    let ([kernel, across], [stride, along]) =
        (settings::pair(node, "kernel_shape", 0)?, settings::pair(node, "strides", 1)?);
    let pads = settings::integers(node, "pads")?.unwrap_or_else(|| vec![0; 4]);
    let padding = usize::try_from(pads.first().copied().unwrap_or_default()).unwrap_or(usize::MAX);
    if kernel != across || stride != along || pads != [padding as i64; 4] {
        return unknown("over windows that are not square, or unevenly padded");
    }
    let covers = |side: usize| {
        (side + 2 * padding).checked_sub(kernel).is_some_and(|rest| stride > 0 && rest % stride == 0)
    };
    if settings::integer(node, "ceil_mode", 0)? != 0 && !(covers(height) && covers(width)) {
        return unknown("over windows that reach beyond the map");
    }
    let counts_padding = settings::integer(node, "count_include_pad", 0)? != 0;
    let pool = Pool { kernel, stride, padding, counts_padding };
    let operation =
        if node.operator == "MaxPool" { Operation::MaxPool(pool) } else { Operation::AveragePool(pool) };
    layers::add_operation(importer, operation, &x)
}

/// Whether a mean keeps its sides; an error where it is not one of whole maps.
fn whole_maps<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<bool> {
    let axes = match importer.sizes(node, 1)? {
        Some(axes) => Some(axes.known()?),
        None => settings::integers(node, "axes")?,
    };
    let places =
        axes.unwrap_or_default().iter().map(|axis| arrange::place(*axis, 4)).collect::<Outcome<Vec<_>>>()?;
    if places == [2, 3] || places == [3, 2] {
        return Ok(settings::integer(node, "keepdims", 1)? != 0);
    }
    Err(format!("averages over axes {places:?}; known are height and width together"))
}
