//! Which algorithms cuDNN computes with. Others give other last bits, and trials do not always end the same way, so a run
//! keeps its own.

use std::collections::BTreeMap;

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};

use super::driver::Convolution;

/// What was chosen on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choices {
    card: String,
    cudnn: String,
    /// cuDNN's numbers of an algorithm and of its kind of multiplication.
    algorithms: BTreeMap<String, [i32; 2]>,
}

impl Choices {
    /// None yet.
    pub(super) fn new(card: String, cudnn: String) -> Self {
        Self { card, cudnn, algorithms: BTreeMap::new() }
    }

    /// What was chosen for such a convolution.
    pub(super) fn get(&self, call: &Convolution) -> Option<[i32; 2]> {
        self.algorithms.get(&name(call)).copied()
    }

    /// Notes a choice.
    pub(super) fn insert(&mut self, call: &Convolution, choice: [i32; 2]) {
        self.algorithms.insert(name(call), choice);
    }

    /// As JSON, where there are any.
    pub(super) fn to_json(&self) -> Option<String> {
        if self.algorithms.is_empty() { None } else { serde_json::to_string_pretty(self).ok() }
    }

    /// Takes over choices that were made elsewhere, which must be this card and this cuDNN.
    pub(super) fn take(&mut self, json: &str) -> Result<()> {
        let other: Self = match serde_json::from_str(json) {
            Ok(other) => other,
            Err(error) => bail!(
                "the run's choice of algorithms cannot be read ({error}), so it goes on with others and not bit for bit"
            ),
        };
        if (&other.card, &other.cudnn) != (&self.card, &self.cudnn) {
            bail!(
                "the run was trained on {} with cuDNN {} and goes on on {} with cuDNN {}, so not bit for bit",
                other.card,
                other.cudnn,
                self.card,
                self.cudnn
            );
        }
        self.algorithms.extend(other.algorithms);
        Ok(())
    }
}

/// What names a convolution.
fn name(call: &Convolution) -> String {
    let s = &call.shape;
    format!(
        "{:?} {:?} {}x{}x{}x{} to {}x{}x{} kernel {} stride {} padding {}",
        call.pass,
        call.form,
        s.batch,
        s.in_channels,
        s.in_height,
        s.in_width,
        s.out_channels,
        s.out_height,
        s.out_width,
        s.kernel,
        s.stride,
        s.padding
    )
}

#[cfg(test)]
mod tests {
    use super::super::driver::Form;
    use super::*;
    use crate::ops::Precision;
    use crate::ops::cpu::shape::ConvShape;
    use crate::ops::pass::Pass;

    #[test]
    fn choices_go_to_the_same_card_and_cudnn_alone() {
        let shape = ConvShape {
            batch: 2,
            in_channels: 3,
            in_height: 8,
            in_width: 8,
            out_channels: 4,
            out_height: 4,
            out_width: 4,
            kernel: 4,
            stride: 2,
            padding: 1,
        };
        let form = Form::Planes(Precision::F32);
        let call = Convolution { pass: Pass::Forward, form, shape, a: 0, b: 0, out: 0 };
        let other = Convolution { pass: Pass::Transposed, ..call };
        let mut choices = Choices::new("a card".into(), "9.10.2".into());
        assert_eq!(choices.to_json(), None);
        choices.insert(&call, [1, 3]);
        let json = choices.to_json().expect("there is one");
        let mut same = Choices::new("a card".into(), "9.10.2".into());
        same.take(&json).expect("fits");
        assert_eq!((same.get(&call), same.get(&other)), (Some([1, 3]), None));
        for mut different in
            [Choices::new("another".into(), "9.10.2".into()), Choices::new("a card".into(), "9.1.0".into())]
        {
            let error = different.take(&json).map_err(|error| error.to_string());
            assert!(error.is_err_and(|error| error.contains("not bit for bit")));
            assert_eq!(different.get(&call), None);
        }
        assert!(same.take("{").is_err());
    }
}
