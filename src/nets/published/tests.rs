//! Published VAEs: that rows of the table are sound, and are written and read.

use super::*;
use crate::base::PixelRange;
use crate::graph::Shape;
use crate::nets::{NetworkConfig, Parameters};

/// Every VAE of the table in every size and range that it has.
fn all() -> impl Iterator<Item = PublishedVae> {
    let ranges = |family: &Published| match family.range {
        PublishedRange::Always(range) => vec![range],
        PublishedRange::Either { choices, .. } => choices.to_vec(),
    };
    let of = move |family: &'static Published| {
        let sizes = family
            .sides
            .iter()
            .flat_map(|&side| [1, 3].map(|channels| PublishedSizes { channels, side, z_dim: 7 }));
        let ranges = ranges(family);
        sizes.flat_map(move |sizes| {
            ranges.clone().into_iter().map(move |range| PublishedVae { family, sizes, range })
        })
    };
    PUBLISHED.iter().flat_map(of)
}

#[test]
fn both_halves_lead_from_and_to_pictures_and_codes() {
    for vae in all() {
        let (picture, row) = (Shape::Map(vae.picture_shape()), Shape::Row(7));
        let [encoder, decoder] = vae.family.graphs(&vae.sizes);
        assert_eq!(encoder.inputs().collect::<Vec<_>>(), [picture], "{vae:?}");
        assert_eq!(encoder.output_shapes(), Ok(vec![row, row]), "{vae:?}");
        assert_eq!(decoder.inputs().collect::<Vec<_>>(), [row], "{vae:?}");
        assert_eq!(decoder.output_shapes(), Ok(vec![picture]), "{vae:?}");
        let names: Vec<String> = vae.parameters().into_iter().map(|parameter| parameter.name).collect();
        let known = vae.family.tensor_names();
        assert!(names.iter().all(|name| known.contains(name)), "{vae:?}");
    }
}

#[test]
fn halves_are_written_and_read_and_impossible_ones_are_refused() {
    for vae in all() {
        for half in [Half::Encoder, Half::Decoder].map(|half| vae.half(half)) {
            assert_eq!(half.check(), Ok(()));
            let text = serde_json::to_string(&half).expect("writes");
            assert!(text.contains(&format!("\"kind\":\"{}\"", vae.family.kind)), "{text}");
            assert_eq!(serde_json::from_str::<PublishedHalf>(&text).expect("reads"), half);
            let other = text.replace(vae.family.kind, "nobodys");
            assert!(serde_json::from_str::<PublishedHalf>(&other).is_err());
            let other = PixelRange::ALL.into_iter().find(|range| !vae.family.range.allows(*range));
            let other = PublishedVae { range: other.expect("one that it cannot be"), ..vae };
            let said = other.half(half.half).check().expect_err("refused");
            assert!(said.ends_with(&format!("which the {} does not", vae.family.title)), "{said}");
            for wrong in [
                PublishedSizes { channels: 2, ..vae.sizes },
                PublishedSizes { side: 65, ..vae.sizes },
                PublishedSizes { z_dim: 0, ..vae.sizes },
                PublishedSizes { z_dim: usize::MAX, ..vae.sizes },
            ] {
                let said = PublishedVae { sizes: wrong, ..vae }.half(half.half).check().expect_err("refused");
                assert!(said.contains(vae.family.title), "{said}");
            }
        }
    }
}
