//! Where the pictures lie in the middle of the window.

use egui::{Rect, Ui, Vec2, pos2, vec2};

use crate::app::document::Document;
use crate::app::theme::GRID;
use crate::app::view::{Compare, Pane};

/// Height of the line above a picture.
pub(super) const CAPTION: f32 = GRID * 3.0;

/// Height of the line below the pictures, as long as it is one line.
pub(super) const BAR: f32 = GRID * 5.0;

/// Two areas beside each other, or above each other where that makes the squares larger.
pub(super) fn halves(stage: Rect) -> [Rect; 2] {
    let (beside, above) = sides_of_halves(stage.size());
    if above > beside {
        let middle = stage.center().y;
        return [stage.with_max_y(middle - GRID / 2.0), stage.with_min_y(middle + GRID / 2.0)];
    }
    let middle = stage.center().x;
    [stage.with_max_x(middle - GRID / 2.0), stage.with_min_x(middle + GRID / 2.0)]
}

/// Areas for `count` pictures, in rows of as many as make the squares largest.
pub(super) fn parts(stage: Rect, count: usize) -> Vec<Rect> {
    if count <= 2 {
        return if count == 2 { halves(stage).to_vec() } else { vec![stage; count] };
    }
    let cell = |columns: usize| {
        let rows = count.div_ceil(columns);
        let free = stage.size() - vec2((columns - 1) as f32, (rows - 1) as f32) * GRID;
        vec2(free.x / columns as f32, free.y / rows as f32)
    };
    let side = |columns: &usize| {
        let cell = cell(*columns);
        cell.x.min(cell.y - CAPTION)
    };
    // of equally large ones the fewest columns, which leave the fewest places empty
    let columns = (1..=count).rev().max_by(|a, b| side(a).total_cmp(&side(b))).unwrap_or(count);
    let cell = cell(columns);
    let corner = |at: usize| vec2((at % columns) as f32, (at / columns) as f32) * (cell + vec2(GRID, GRID));
    (0..count).map(|at| Rect::from_min_size(stage.min + corner(at), cell)).collect()
}

/// Sides of the squares that fit beside each other, and above each other.
fn sides_of_halves(stage: Vec2) -> (f32, f32) {
    let beside = ((stage.x - GRID) / 2.0).min(stage.y - CAPTION);
    let above = stage.x.min((stage.y - GRID) / 2.0 - CAPTION);
    (beside, above)
}

/// The caption's line and, below it, the largest square, both centred in `area` and on whole pixels of the screen. With
/// `sizes`, the sides of the pictures in pixels, the square shows their pixels as whole squares.
pub(super) fn layout(ui: &Ui, area: Rect, sizes: &[usize]) -> (Rect, Rect) {
    placed(area, ui.pixels_per_point(), sizes)
}

fn placed(area: Rect, scale: f32, sizes: &[usize]) -> (Rect, Rect) {
    let most = (area.width().min(area.height() - CAPTION).max(16.0) * scale).floor();
    let side = whole_side(most as usize, sizes) as f32 / scale;
    let on_pixel = |at: f32| (at * scale).round() / scale;
    let top = on_pixel((area.center().y - (side + CAPTION) / 2.0).max(area.top()));
    let left = on_pixel(area.center().x - side / 2.0);
    let caption = Rect::from_min_size(pos2(left, top), vec2(side, CAPTION));
    (caption, Rect::from_min_size(pos2(left, top + CAPTION), vec2(side, side)))
}

/// The largest side of at most `most` pixels at which pictures of `sizes` pixels are enlarged by whole factors. Those
/// that are not even enlarged twice do not count: whole factors would leave most of the room empty.
fn whole_side(most: usize, sizes: &[usize]) -> usize {
    let mut enlarged = sizes.iter().copied().filter(|&size| size > 0 && most / size >= 2);
    let first = enlarged.next().unwrap_or(1);
    let all = enlarged.fold(first, |all, size| all / common_divisor(all, size) * size);
    let whole = |unit: usize| most / unit * unit;
    // Sizes that have little in common cannot both be whole without waste.
    if whole(all) * 3 >= most * 2 { whole(all) } else { whole(first) }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// How much of `area` the pictures and the line below them leave free below, in points: where two lie beside each other,
/// they are as wide as they can be before they are as high.
pub(crate) fn room_below(ui: &Ui, state: &Document, area: Vec2) -> f32 {
    let stage = area - vec2(2.0 * GRID, 2.0 * GRID + BAR);
    let panes = state.panes();
    let is_pair = panes.len() == 2 && state.views.compare == Compare::SideBySide;
    let (beside, above) = sides_of_halves(stage);
    if !is_pair || above > beside {
        return 0.0;
    }
    let scale = ui.pixels_per_point();
    let side = whole_side((beside.max(16.0) * scale) as usize, &sizes(state, &panes)) as f32 / scale;
    (stage.y - CAPTION - side).max(0.0)
}

/// Sides of the pictures in pixels, where their pixels are to be seen.
pub(super) fn sizes(state: &Document, panes: &[Pane]) -> Vec<usize> {
    let is_crisp = state.settings.crisp;
    panes.iter().filter(|_| is_crisp).map(|pane| side_of(state, *pane)).collect()
}

/// Side of a network's pictures in pixels.
pub(super) fn side_of(state: &Document, pane: Pane) -> usize {
    let model = if pane.is_beside { &state.beside.model } else { &state.model };
    model.as_ref().and_then(|model| model.opened.shape(pane.chain)).map_or(0, |[_, _, width]| width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::Pos2;

    #[test]
    fn the_squares_are_as_large_as_they_can_be() {
        let wide = Rect::from_min_size(Pos2::ZERO, vec2(1000.0, 500.0));
        let [left, right] = halves(wide);
        assert!(left.right() < right.left() && left.top() == right.top());
        let tall = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 1000.0));
        let [upper, lower] = halves(tall);
        assert!(upper.bottom() < lower.top());
        let (caption, square) = placed(left, 1.0, &[]);
        assert_eq!(square.size(), vec2(476.0, 476.0));
        assert!(
            left.contains_rect(square) && left.contains_rect(caption) && caption.bottom() == square.top()
        );
    }

    #[test]
    fn many_pictures_lie_in_rows() {
        let stage = Rect::from_min_size(Pos2::ZERO, vec2(900.0, 600.0));
        for (count, columns) in [(3, 3), (4, 2), (6, 3)] {
            let parts = parts(stage, count);
            assert_eq!(parts.len(), count);
            assert_eq!(parts.iter().filter(|part| part.top() == 0.0).count(), columns, "{count}");
            assert!(parts.iter().all(|part| stage.contains_rect(*part)));
            let apart = |a: &Rect, b: &Rect| !a.intersects(*b);
            assert!((1..count).all(|at| parts[..at].iter().all(|other| apart(other, &parts[at]))));
        }
        assert_eq!(parts(stage, 1), [stage]);
        assert!(parts(stage, 0).is_empty());
    }

    #[test]
    fn enlarged_pixels_are_whole() {
        assert_eq!(whole_side(396, &[128, 64]), 384);
        assert_eq!(whole_side(476, &[64]), 448);
        assert_eq!(
            whole_side(250, &[128, 64]),
            192,
            "a picture that is not enlarged twice is not in the way"
        );
        assert_eq!(whole_side(250, &[128]), 250, "once would waste most of the room");
        assert_eq!(whole_side(396, &[96, 64]), 384);
        assert_eq!(
            whole_side(300, &[97, 64]),
            291,
            "the first one counts where both together waste too much"
        );
        assert_eq!(whole_side(600, &[1024, 0]), 600);
        // On a screen of two pixels a point.
        let area = Rect::from_min_size(pos2(0.25, 0.0), vec2(200.5, 300.0));
        let (_, square) = placed(area, 2.0, &[128]);
        assert_eq!((square.width() * 2.0, (square.left() * 2.0).fract()), (384.0, 0.0));
    }
}
