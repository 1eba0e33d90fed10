use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::base::{Picture, Pool, panic_text};
use crate::inference::Encoder;

use super::latest::lock;
use super::outbox::Outbox;
use super::{Event, Latest, Part, ReadBackTarget};

/// What the encoder believes about a picture's code: q(c|x) = N(mu, exp(logvar)).
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// Means, `(c_dim,)`.
    pub mu: Vec<f32>,
    /// Log variances, `(c_dim,)`.
    pub logvar: Vec<f32>,
}

impl Posterior {
    /// log q(c|x) in nats, the distillation likelihood (paper equation 5): the higher, the better the picture
    /// holds what `c` asks for.
    pub fn log_likelihood(&self, c: &[f32]) -> f32 {
        let terms = self.mu.iter().zip(&self.logvar).zip(c).map(|((&mu, &logvar), &c)| {
            let squared = (c - mu).powi(2) / (logvar.exp() + 1e-8);
            -0.5 * (std::f32::consts::TAU.ln() + logvar + squared)
        });
        terms.sum()
    }
}

/// A picture's code as an encoder reads it: E(G(s, c)) beside c.
#[derive(Clone, Debug)]
pub struct ReadBack {
    /// The frame it belongs to.
    pub number: u64,
    /// The model it belongs to.
    pub model_id: u64,
    /// The code that was asked for.
    pub target: ReadBackTarget,
    /// What the encoder reads.
    pub posterior: Posterior,
}

/// What reads pictures, by the code blocks that it infers.
pub(super) type Encoders = BTreeMap<String, Box<dyn Encoder>>;

struct ReadBackJob {
    number: u64,
    model_id: u64,
    target: ReadBackTarget,
    picture: Arc<Picture>,
}

struct EncodeJob {
    model_id: u64,
    block: Arc<str>,
    picture: Arc<Picture>,
    answer: Sender<Posterior>,
}

#[derive(Default)]
struct Orders {
    install: Option<(u64, Encoders)>,
    read_back: Option<ReadBackJob>,
    encode: std::collections::VecDeque<EncodeJob>,
    closing: bool,
}

/// Most pictures that may wait to be encoded.
const QUEUE: usize = 64;

/// Where the encoder's orders arrive. Clones share it.
#[derive(Clone, Default)]
pub(super) struct EncoderInbox(Arc<(Mutex<Orders>, Condvar)>);

impl EncoderInbox {
    pub(super) fn install(&self, model_id: u64, encoders: Encoders) {
        let replaced = self.order(|orders| {
            orders.encode.clear();
            orders.read_back = None;
            orders.install.replace((model_id, encoders))
        });
        drop(replaced); // A network is freed outside the lock.
    }

    /// Reads the newest generated picture back; an unread older one is dropped.
    pub(super) fn read_back(
        &self,
        number: u64,
        model_id: u64,
        target: ReadBackTarget,
        picture: Arc<Picture>,
    ) {
        self.order(|orders| orders.read_back = Some(ReadBackJob { number, model_id, target, picture }));
    }

    /// Finds the code `block` in a picture for whoever holds the receiver; it disconnects without an answer when the
    /// model changes, nothing infers that block, or too many pictures wait already.
    pub(super) fn encode(&self, model_id: u64, block: &str, picture: Arc<Picture>) -> Receiver<Posterior> {
        let (answer, receiver) = bounded(1);
        self.order(|orders| {
            if orders.encode.len() < QUEUE {
                orders.encode.push_back(EncodeJob { model_id, block: block.into(), picture, answer });
            }
        });
        receiver
    }

    pub(super) fn close(&self) {
        self.order(|orders| orders.closing = true);
    }

    fn order<R>(&self, change: impl FnOnce(&mut Orders) -> R) -> R {
        let result = change(&mut lock(&self.0.0));
        self.0.1.notify_one();
        result
    }

    fn next(&self) -> EncoderJob {
        let mut orders = lock(&self.0.0);
        loop {
            if orders.closing {
                return EncoderJob::Close;
            }
            if let Some((model_id, encoders)) = orders.install.take() {
                return EncoderJob::Install(model_id, encoders);
            }
            if let Some(job) = orders.read_back.take() {
                return EncoderJob::ReadBack(job);
            }
            if let Some(job) = orders.encode.pop_front() {
                return EncoderJob::Encode(job);
            }
            orders = self.0.1.wait(orders).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

enum EncoderJob {
    Close,
    Install(u64, Encoders),
    ReadBack(ReadBackJob),
    Encode(EncodeJob),
}

/// The thread that reads codes back from pictures, single-threaded.
pub(super) struct EncoderWorker {
    pub(super) inbox: EncoderInbox,
    pub(super) pool: Pool,
    pub(super) answers: Latest<ReadBack>,
    pub(super) outbox: Outbox,
}

impl EncoderWorker {
    /// Works until the inbox is closed.
    pub(super) fn run(self) {
        let mut model_id = 0;
        let mut encoders = Encoders::new();
        loop {
            match self.inbox.next() {
                EncoderJob::Close => return,
                EncoderJob::Install(new_epoch, new) => (model_id, encoders) = (new_epoch, new),
                EncoderJob::ReadBack(job) if job.model_id == model_id => {
                    if let Some(posterior) = self.attempt(&mut encoders, &job.target.block, &job.picture) {
                        let ReadBackJob { number, model_id, target, .. } = job;
                        self.answers.put(ReadBack { number, model_id, target, posterior });
                        (self.outbox.wake)();
                    }
                }
                EncoderJob::Encode(job) if job.model_id == model_id => {
                    if let Some(posterior) = self.attempt(&mut encoders, &job.block, &job.picture) {
                        let _ = job.answer.try_send(posterior); // Nobody waiting is fine.
                        drop(job);
                        (self.outbox.wake)();
                    }
                }
                EncoderJob::ReadBack(_) | EncoderJob::Encode(_) => {}
            }
        }
    }

    fn attempt(&self, encoders: &mut Encoders, block: &str, picture: &Picture) -> Option<Posterior> {
        let network = encoders.get_mut(block)?;
        let shape = network.picture_shape();
        let dims = network.code_dim();
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.pool.run(|| {
                let chw = fit(picture, shape);
                let mut posterior = Posterior { mu: vec![0.0; dims], logvar: vec![0.0; dims] };
                network.encode(&chw, &mut posterior.mu, &mut posterior.logvar)?;
                Ok::<_, crate::inference::RenderError>(posterior)
            })
        }));
        match result {
            Ok(Ok(posterior)) => Some(posterior),
            Ok(Err(error)) => {
                self.tell(format!("The encoder failed: {error}"));
                None
            }
            Err(panic) => {
                let reason = panic_text(&*panic);
                encoders.remove(block);
                self.tell(format!(
                    "The encoder stopped unexpectedly ({reason}); the code {block} is no longer read back, open \
                     the model again to restart it"
                ));
                None
            }
        }
    }

    fn tell(&self, message: String) {
        self.outbox.event(Event::Error { part: Part::Encoder, message });
    }
}

/// Averages `picture` by areas to an encoder's input `(channels, height, width)` in [0, 1]; one channel is the
/// mean of the three.
pub(super) fn fit(picture: &Picture, [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let mut chw = vec![0.0; channels * height * width];
    let (columns, rows) = (picture.width(), picture.height());
    if columns == 0 || rows == 0 {
        return chw;
    }
    let span = |index: usize, cells: usize, pixels: usize| {
        let start = index * pixels / cells;
        start..((index + 1) * pixels).div_ceil(cells).max(start + 1).min(pixels)
    };
    for y in 0..height {
        for x in 0..width {
            let (ys, xs) = (span(y, height, rows), span(x, width, columns));
            let count = (ys.len() * xs.len()) as f32;
            let mut sum = [0u32; 3];
            for row in ys {
                for column in xs.clone() {
                    let pixel = picture.pixel(column, row);
                    for k in 0..3 {
                        sum[k] += u32::from(pixel[k]);
                    }
                }
            }
            let mean = sum.map(|v| v as f32 / (255.0 * count));
            if channels == 1 {
                chw[y * width + x] = (mean[0] + mean[1] + mean[2]) / 3.0;
            } else {
                for k in 0..channels.min(3) {
                    chw[(k * height + y) * width + x] = mean[k];
                }
            }
        }
    }
    chw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelihood_of_a_standard_normal_at_its_mean() {
        let posterior = Posterior { mu: vec![0.5; 3], logvar: vec![0.0; 3] };
        let at_mean = posterior.log_likelihood(&[0.5; 3]);
        assert!((at_mean + 3.0 * 0.918_938_5).abs() < 1e-5, "{at_mean}");
        let one_off = posterior.log_likelihood(&[1.5, 0.5, 0.5]);
        assert!((at_mean - one_off - 0.5).abs() < 1e-5);
    }

    #[test]
    fn fitting_averages_areas_and_enlarges_by_repeating() {
        let mut picture = Picture::filled(4, 4, [0, 0, 0, 255]);
        picture.set_pixel(0, 0, [255, 0, 0, 255]);
        let small = fit(&picture, [3, 2, 2]);
        assert_eq!(small.len(), 12);
        assert!((small[0] - 0.25).abs() < 1e-6 && small[1..].iter().all(|&v| v == 0.0));
        let grey = fit(&picture, [1, 4, 4]);
        assert!((grey[0] - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(fit(&Picture::filled(1, 1, [51, 51, 51, 255]), [1, 2, 2]), [0.2; 4]);
        assert_eq!(fit(&Picture::default(), [1, 2, 2]), [0.0; 4]);
    }
}
