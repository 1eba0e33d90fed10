use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::base::Cancel;

use super::latest::lock;
use super::outbox::Outbox;
use super::{Event, Opened, Sensitivity, Spare};

/// A model to measure, and a chain of it to measure with.
type SensingJob = (Arc<Opened>, Spare);

#[derive(Default)]
struct Orders {
    job: Option<SensingJob>,
    /// Stops the measurement that is going on.
    in_flight: Option<Cancel>,
    closing: bool,
}

/// Where models arrive whose dimensions are to be ordered by what they move. Clones share it.
#[derive(Clone, Default)]
pub(super) struct SensingInbox(Arc<(Mutex<Orders>, Condvar)>);

impl SensingInbox {
    /// Measures the newest model with `spare`, if it needs that; whatever belongs to an older one ends.
    pub(super) fn measure(&self, opened: Arc<Opened>, spare: Option<Spare>) {
        let replaced = self.order(|orders| {
            let job = spare.map(|spare| (opened, spare));
            std::mem::replace(&mut orders.job, job)
        });
        drop(replaced); // A network is freed outside the lock.
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.order(|orders| orders.closing = true);
    }

    fn order<R>(&self, change: impl FnOnce(&mut Orders) -> R) -> R {
        let mut orders = lock(&self.0.0);
        if let Some(cancel) = orders.in_flight.take() {
            cancel.cancel();
        }
        let result = change(&mut orders);
        drop(orders);
        self.0.1.notify_one();
        result
    }

    /// Waits for something to measure; `None` at the end.
    fn next(&self) -> Option<(SensingJob, Cancel)> {
        let mut orders = lock(&self.0.0);
        while !orders.closing {
            if let Some(job) = orders.job.take() {
                let cancel = Cancel::new();
                orders.in_flight = Some(cancel.clone());
                return Some((job, cancel));
            }
            orders = self.0.1.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

/// The thread that measures how far each dimension moves the picture.
pub(super) struct Sensing {
    pub(super) inbox: SensingInbox,
    pub(super) outbox: Outbox,
}

impl Sensing {
    /// Works until the inbox is closed.
    pub(super) fn run(self) {
        while let Some(((opened, mut spare), cancel)) = self.inbox.next() {
            let measured = catch_unwind(AssertUnwindSafe(|| {
                Sensitivity::measure(&opened, spare.chain, spare.renderer.as_mut(), &cancel)
            }));
            // Without it dimensions stay in index order, which is no reason to alarm anybody.
            if let Ok(Some(measured)) = measured {
                self.outbox.event(Event::Sensed(Arc::new(measured)));
            }
            if !cancel.is_cancelled() {
                self.outbox.event(Event::Described { model_id: opened.model_id });
            }
        }
    }
}
