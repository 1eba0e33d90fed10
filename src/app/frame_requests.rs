use std::collections::BTreeMap;
use std::time::Instant;

use crate::base::Array;
use crate::engine::{Engine, Frame, FrameRequest, Motion, Opened, ReadBackTarget};
use crate::explore::{Codes, CodesError};
use crate::model::ChainId;

/// What an engine's chains were last asked for, so that each code is asked for once.
#[derive(Default)]
pub(crate) struct FrameRequests {
    asked: BTreeMap<ChainId, Asked>,
    number: u64,
}

/// What was last asked of a chain.
#[derive(Default)]
struct Asked {
    model_id: u64,
    code: Vec<f32>,
    number: u64,
    is_moving: bool,
}

/// How codes are asked for.
pub(crate) struct RequestOptions {
    /// What should be read back from the picture, and from which chain's.
    pub(crate) target: Option<(ChainId, ReadBackTarget)>,
    /// Whether more codes will follow at once.
    pub(crate) is_moving: bool,
    /// When the person asked.
    pub(crate) at: Instant,
}

impl FrameRequests {
    /// Asks `chain` for the picture of row 0 of `codes`, if it was not asked for it last; tells it when a motion is
    /// over.
    ///
    /// # Errors
    /// When the codes lack what the chain takes.
    pub(crate) fn ask(
        &mut self,
        engine: &Engine,
        model: &Opened,
        chain: ChainId,
        codes: &Codes,
        options: &RequestOptions,
    ) -> Result<(), CodesError> {
        let Some(name) = model.description.render_chain(chain).map(|chain| &chain.name) else {
            return Ok(());
        };
        let input = codes.input(&model.description, name).map(Array::into_data)?;
        let asked = self.asked.entry(chain).or_default();
        if asked.model_id == model.model_id && asked.code == input {
            if asked.is_moving && !options.is_moving {
                asked.is_moving = false;
                engine.settle(chain);
            }
            return Ok(());
        }
        self.number += 1;
        let request = FrameRequest {
            number: self.number,
            model_id: model.model_id,
            chain,
            code: input.as_slice().into(),
            target: options.target.as_ref().filter(|(of, _)| *of == chain).map(|(_, target)| target.clone()),
            motion: if options.is_moving { Motion::Moving } else { Motion::Settled },
            asked: options.at,
        };
        *asked = Asked {
            model_id: model.model_id,
            code: input,
            number: self.number,
            is_moving: options.is_moving,
        };
        engine.request(request);
        Ok(())
    }

    /// Whether `frame` is what `chain` was last asked for.
    pub(crate) fn is_answered_by(&self, chain: ChainId, frame: Option<&Frame>) -> bool {
        let asked = self.asked.get(&chain);
        let is_it =
            |frame: &Frame, asked: &Asked| frame.number == asked.number && frame.model_id == asked.model_id;
        frame.zip(asked).is_some_and(|(frame, asked)| is_it(frame, asked))
    }

    /// Asks `chain` again, whatever was asked before.
    pub(crate) fn forget(&mut self, chain: ChainId) {
        self.asked.remove(&chain);
    }

    /// Asks every chain again.
    pub(crate) fn forget_all(&mut self) {
        self.asked.clear();
    }
}
