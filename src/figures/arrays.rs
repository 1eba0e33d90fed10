use std::io;

use crate::base::{FileError, Output, write_atomic};
use crate::explore::Codes;

use super::export::{FigureTarget, Provenance};
use super::{DrawOptions, FigureError, Workbench};
use crate::checkpoint::npz::NpzWriter;

/// An archive of numpy that is being written.
pub(super) type Archive<'a, 'b> = NpzWriter<&'a mut Output<'b>>;

/// What one chain draws.
pub(super) struct Part<'a> {
    pub(super) chain: &'a str,
    pub(super) codes: &'a Codes,
    /// How the pictures lie beside each other, such as rows and columns; as many in all as there are codes.
    pub(super) axes: &'a [usize],
}

/// Draws `parts` into an archive, an array of pictures each by the name of its chain, with what `add` puts beside them and the
/// provenance.
pub(super) fn write_arrays(
    bench: &mut Workbench,
    parts: &[Part<'_>],
    target: &FigureTarget,
    provenance: &Provenance,
    options: &mut DrawOptions<'_>,
    add: impl FnOnce(&mut Archive<'_, '_>) -> io::Result<()>,
) -> Result<(), FigureError> {
    write_atomic(&target.path, |writer| {
        let fail = |error| FigureError::from(FileError::new(error, &target.path));
        let mut npz = NpzWriter::new(writer);
        let chains = parts.iter().map(|part| (part.chain, part.codes));
        bench.render(chains, options, |at, index, values, shape| {
            let Part { chain, axes, .. } = parts[at];
            if index == 0 {
                npz.start(chain, &[axes, &shape].concat()).map_err(fail)?;
            }
            npz.push(values).map_err(fail)
        })?;
        add(&mut npz).map_err(fail)?;
        npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
        npz.finish().map(drop).map_err(fail)
    })
}
