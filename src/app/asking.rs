use std::sync::Arc;
use std::time::Instant;

use crate::base::Array;
use crate::engine::{Engine, Frame, FrameRequest, Motion, Opened, Role};
use crate::explore::{Codes, CodesError};

/// What an engine's networks were last asked for, so that each code is asked for once.
#[derive(Default)]
pub(crate) struct Asking {
    asked: [Asked; 2],
    number: u64,
}

/// What was last asked of a network.
#[derive(Default)]
struct Asked {
    epoch: u64,
    code: Vec<f32>,
    number: u64,
    is_moving: bool,
}

/// How codes are asked for.
pub(crate) struct Wish {
    /// The part that the encoder should read back from the generator's picture.
    pub(crate) target: Option<Arc<[f32]>>,
    /// Whether more codes will follow at once.
    pub(crate) is_moving: bool,
    /// When the person asked.
    pub(crate) at: Instant,
}

impl Asking {
    /// Asks `role` for the picture of row 0 of `codes`, if it was not asked for it last; tells it when a motion is
    /// over.
    ///
    /// # Errors
    /// When the codes lack what the network takes.
    pub(crate) fn ask(
        &mut self,
        engine: &Engine,
        model: &Opened,
        role: Role,
        codes: &Codes,
        wish: &Wish,
    ) -> Result<(), CodesError> {
        let input = codes.input(&model.description, role.chain());
        let input = input.map(Array::into_data)?;
        let asked = &mut self.asked[role as usize];
        if asked.epoch == model.epoch && asked.code == input {
            if asked.is_moving && !wish.is_moving {
                asked.is_moving = false;
                engine.settle(role);
            }
            return Ok(());
        }
        self.number += 1;
        let request = FrameRequest {
            number: self.number,
            epoch: model.epoch,
            code: input.as_slice().into(),
            target: wish.target.clone().filter(|_| role == Role::Generator),
            motion: if wish.is_moving { Motion::Moving } else { Motion::Settled },
            asked: wish.at,
        };
        *asked = Asked { epoch: model.epoch, code: input, number: self.number, is_moving: wish.is_moving };
        engine.request(role, request);
        Ok(())
    }

    /// Whether `frame` is what `role` was last asked for.
    pub(crate) fn is_answered_by(&self, role: Role, frame: Option<&Frame>) -> bool {
        let asked = &self.asked[role as usize];
        frame.is_some_and(|frame| frame.number == asked.number && frame.epoch == asked.epoch)
    }

    /// Asks `role` again, whatever was asked before.
    pub(crate) fn forget(&mut self, role: Role) {
        self.asked[role as usize] = Asked::default();
    }
}
