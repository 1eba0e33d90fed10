use crate::base::{Array, Cancel};
use crate::inference::{Outcome, RenderError, Renderer};

/// Values of pictures that are rendered at once: large enough to keep the machine busy, small enough for any.
const BATCH_VALUES: usize = 1 << 21;

/// Renders every row of `codes` `(N, code_dim)` in batches and hands each picture `(channels, height, width)` in
/// [0, 1] to `each` with its row number, in order.
///
/// # Errors
/// Whatever rendering or `each` reports.
pub fn render_rows<E: From<RenderError>>(
    renderer: &mut dyn Renderer,
    codes: &Array,
    mut each: impl FnMut(usize, &[f32]) -> Result<(), E>,
) -> Result<(), E> {
    let width = renderer.code_dim();
    if codes.row_len() != width && !codes.is_empty() {
        return Err(RenderError::Length { what: "code", expected: width, actual: codes.row_len() }.into());
    }
    let picture: usize = renderer.picture_shape().iter().product();
    let batch = (BATCH_VALUES / picture.max(1)).clamp(1, 64);
    let mut pictures = vec![0.0; batch * picture];
    for (index, codes) in codes.data().chunks(batch * width.max(1)).enumerate() {
        let rows = codes.len() / width.max(1);
        let pictures = &mut pictures[..rows * picture];
        // Nobody else holds this flag, so a render always completes.
        let outcome = renderer.render(codes, pictures, &Cancel::new())?;
        debug_assert_eq!(outcome, Outcome::Done);
        for (row, values) in pictures.chunks_exact(picture).enumerate() {
            each(index * batch + row, values)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy::Flat;

    #[test]
    fn rows_come_in_order_across_batches() {
        let mut renderer = Flat { code_dim: 1, shape: [1, 2, 2] };
        let codes = Array::new([150, 1], (0..150).map(|i| i as f32 / 10.0).collect()).expect("fits");
        let mut seen = Vec::new();
        render_rows(&mut renderer, &codes, |row, picture| {
            assert_eq!(picture, [1.0 / (1.0 + (-codes.row(row)[0]).exp()); 4]);
            seen.push(row);
            Ok::<(), RenderError>(())
        })
        .expect("renders");
        assert_eq!(seen, (0..150).collect::<Vec<_>>());
    }

    #[test]
    fn another_width_is_refused() {
        let mut renderer = Flat { code_dim: 2, shape: [1, 2, 2] };
        let refused = render_rows(&mut renderer, &Array::zeros([4, 3]), |_, _| Ok::<(), RenderError>(()));
        assert!(matches!(refused, Err(RenderError::Length { expected: 2, actual: 3, .. })));
    }
}
