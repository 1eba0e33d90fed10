use crate::base::{Array, Cancel};
use crate::inference::{Outcome, RenderError, Renderer};

/// Renders every row of `codes` `(N, code_dim)` in batches and hands each picture `(channels, height, width)` in
/// [0, 1] to `each` with its row number, in order. Stops between two layers once `cancel` is raised.
///
/// # Errors
/// Whatever rendering or `each` reports.
pub fn render_rows<E: From<RenderError>>(
    renderer: &mut dyn Renderer,
    codes: &Array,
    cancel: &Cancel,
    mut each: impl FnMut(usize, &[f32]) -> Result<(), E>,
) -> Result<Outcome, E> {
    let width = renderer.code_dim();
    if codes.row_len() != width && !codes.is_empty() {
        return Err(RenderError::Length { what: "code", expected: width, actual: codes.row_len() }.into());
    }
    let picture: usize = renderer.picture_shape().iter().product();
    let batch = renderer.at_once().clamp(1, codes.shape().first().copied().unwrap_or(1).max(1));
    let mut pictures = vec![0.0; batch * picture];
    for (index, codes) in codes.data().chunks(batch * width.max(1)).enumerate() {
        let rows = codes.len() / width.max(1);
        let pictures = &mut pictures[..rows * picture];
        if renderer.render(codes, pictures, cancel)? == Outcome::Cancelled {
            return Ok(Outcome::Cancelled);
        }
        for (row, values) in pictures.chunks_exact(picture).enumerate() {
            each(index * batch + row, values)?;
        }
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picture;
    use crate::explore::toy::Flat;

    #[test]
    fn rows_come_in_order_across_batches() {
        let mut renderer = Flat { code_dim: 1, shape: [1, 2, 2] };
        let codes = Array::new([150, 1], (0..150).map(|i| i as f32 / 10.0).collect()).expect("fits");
        let mut seen = Vec::new();
        let outcome = render_rows(&mut renderer, &codes, &Cancel::new(), |row, picture| {
            assert_eq!(picture, [1.0 / (1.0 + (-codes.row(row)[0]).exp()); 4]);
            seen.push(row);
            Ok::<(), RenderError>(())
        });
        assert_eq!(outcome.expect("renders"), Outcome::Done);
        assert_eq!(seen, (0..150).collect::<Vec<_>>());
    }

    #[test]
    fn another_width_is_refused() {
        let mut renderer = Flat { code_dim: 2, shape: [1, 2, 2] };
        let each = |_: usize, _: &[f32]| Ok::<(), RenderError>(());
        let refused = render_rows(&mut renderer, &Array::zeros([4, 3]), &Cancel::new(), each);
        assert!(matches!(refused, Err(RenderError::Length { expected: 2, actual: 3, .. })));
    }

    /// A renderer that wants so many pictures in a call, and notes how many it got.
    struct Greedy {
        at_once: usize,
        calls: Vec<usize>,
        own: Flat,
    }

    impl Renderer for Greedy {
        fn code_dim(&self) -> usize {
            self.own.code_dim
        }

        fn picture_shape(&self) -> [usize; 3] {
            self.own.shape
        }

        fn at_once(&self) -> usize {
            self.at_once
        }

        fn render(
            &mut self,
            codes: &[f32],
            pictures: &mut [f32],
            cancel: &Cancel,
        ) -> Result<Outcome, RenderError> {
            self.calls.push(codes.len());
            self.own.render(codes, pictures, cancel)
        }

        fn render_picture(
            &mut self,
            code: &[f32],
            picture: &mut Picture,
            cancel: &Cancel,
        ) -> Result<Outcome, RenderError> {
            self.own.render_picture(code, picture, cancel)
        }
    }

    #[test]
    fn a_renderer_gets_as_many_rows_as_it_wants() {
        let codes = Array::new([10, 1], (0..10).map(|i| i as f32).collect()).expect("fits");
        for (at_once, expected) in [(1, vec![1; 10]), (4, vec![4, 4, 2]), (1000, vec![10])] {
            let mut renderer =
                Greedy { at_once, calls: Vec::new(), own: Flat { code_dim: 1, shape: [1, 2, 2] } };
            let each = |_: usize, _: &[f32]| Ok::<(), RenderError>(());
            render_rows(&mut renderer, &codes, &Cancel::new(), each).expect("renders");
            assert_eq!(renderer.calls, expected);
        }
    }

    #[test]
    fn a_raised_flag_ends_it_before_the_next_pictures() {
        let codes = Array::new([10, 1], (0..10).map(|i| i as f32).collect()).expect("fits");
        let own = Flat { code_dim: 1, shape: [1, 2, 2] };
        let (mut renderer, mut seen) = (Greedy { at_once: 4, calls: Vec::new(), own }, 0);
        let cancel = Cancel::new();
        let outcome = render_rows(&mut renderer, &codes, &cancel, |_, _| {
            seen += 1;
            cancel.cancel();
            Ok::<(), RenderError>(())
        });
        assert_eq!((outcome.expect("no error"), seen), (Outcome::Cancelled, 4));
    }
}
