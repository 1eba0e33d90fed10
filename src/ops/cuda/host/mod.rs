//! A driver without a GPU, for tests: tensors on the CPU, kernels compiled as C++, our own products and convolutions.
//!
//! While a thread has it switched on, operations on that thread's f32 tensors on the CPU go the way they go on CUDA. New
//! memory is full of NaN and has a fence behind it, so that what is not written, or written too far, is found.

mod answers;
mod library;
mod recording;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{CpuStorage, Layout, Result, Shape, Storage};

use super::OnCuda;
use super::copies::Copies;
use super::driver::{
    Address, Argument, Convolution, Driver, Form, Memory, Product, Queue, Recorded, THREADS, Work,
};
use super::memory;
use super::unserved::Unserved;
use crate::ops::Precision;
use library::Library;
use recording::{Recording, Step};

#[path = "../../../../tests/common/skip.rs"]
#[expect(unreachable_pub, reason = "public where tests through the binary use it")]
mod skip;

thread_local! {
    static ACTIVE: RefCell<Option<Rc<Host>>> = const { RefCell::new(None) };
}

/// The driver, and what it has been asked.
pub(in crate::ops) struct Host {
    library: &'static Library,
    precision: Precision,
    copies: Copies<Values>,
    unserved: Unserved,
    /// Whether there is a cuDNN.
    convolves: Cell<bool>,
    /// Forms that it cannot compute.
    refused: RefCell<Vec<Form>>,
    asked: RefCell<Vec<String>>,
    /// Convolutions that have been computed, for which cuDNN has an algorithm.
    chosen: RefCell<Vec<(Form, String)>>,
    recording: RefCell<Option<Recording>>,
    /// Whether recordings fail.
    cannot_record: Cell<bool>,
    /// Recordings made, and replays of them.
    recorded: Cell<(usize, usize)>,
    /// Pieces of memory and recordings that were handed out and not handed back.
    out: Out,
}

/// How many of something are there.
#[derive(Clone, Default)]
pub(super) struct Out(Arc<AtomicUsize>);

/// One of them.
pub(super) struct Handed(Out);

impl Out {
    /// Hands one out.
    fn hand(&self) -> Handed {
        self.0.fetch_add(1, Ordering::Relaxed);
        Handed(self.clone())
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Has a thread's operations go through the host until it is dropped.
pub(crate) struct On(Rc<Host>);

impl On {
    /// Switches the host on; says that the test is skipped where kernels cannot be compiled.
    pub(crate) fn new(precision: Precision) -> Option<Self> {
        let library = match Library::get() {
            Ok(library) => library,
            Err(why) => {
                skip::skipped("compiler", why);
                return None;
            }
        };
        let host = Rc::new(Host {
            library,
            precision,
            copies: Copies::default(),
            unserved: Unserved::default(),
            convolves: Cell::new(true),
            refused: RefCell::default(),
            asked: RefCell::default(),
            chosen: RefCell::default(),
            recording: RefCell::default(),
            cannot_record: Cell::default(),
            recorded: Cell::default(),
            out: Out::default(),
        });
        ACTIVE.set(Some(Rc::clone(&host)));
        Some(Self(host))
    }

    /// What has been queued since the last time, in order: kernels' names, `product`, and forms of convolutions.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        self.0.asked.take()
    }

    /// How many recordings were made, and how often they were replayed.
    pub(crate) fn recorded(&self) -> (usize, usize) {
        self.0.recorded.get()
    }

    /// Pieces of memory and recordings that are out: what no tensor holds.
    pub(crate) fn out(&self) -> usize {
        self.0.out.0.load(Ordering::Relaxed)
    }

    /// Has recordings fail from here on.
    pub(crate) fn forbid_recording(&self) {
        self.0.cannot_record.set(true);
    }

    /// Takes cuDNN away.
    pub(in crate::ops) fn without_convolutions(&self) {
        self.0.convolves.set(false);
    }

    /// Has cuDNN compute nothing in this form from here on.
    pub(in crate::ops) fn refuse(&self, form: Form) {
        self.0.refused.borrow_mut().push(form);
    }
}

impl Drop for On {
    fn drop(&mut self) {
        ACTIVE.set(None);
        self.0.copies.clear();
        let out = self.out();
        assert!(
            std::thread::panicking() || out == 0,
            "{out} pieces of memory or recordings are not handed back"
        );
    }
}

/// The host, where it is on.
pub(super) fn active() -> Option<Rc<Host>> {
    ACTIVE.with_borrow(Clone::clone)
}

/// Refuses to read from a device while something is recorded.
pub(in crate::ops) fn check_reading() -> Result<()> {
    active().map_or(Ok(()), |host| host.not_while_recording("a copy to the host"))
}

/// The result of an operation, where the host is on and the arguments are f32.
pub(in crate::ops) fn on_storages(
    operation: &impl OnCuda,
    arguments: &[(&CpuStorage, &Layout)],
) -> Option<Result<(CpuStorage, Shape)>> {
    let floats = arguments.iter().all(|(storage, _)| matches!(storage, CpuStorage::F32(_)));
    let host = active().filter(|_| floats)?;
    Some(memory::on_storages(&*host, operation, arguments))
}

impl Host {
    /// Notes what is queued; says whether it is to be done.
    fn ask(&self, what: String, sizes: &[usize], arguments: &[Argument]) -> bool {
        let mut is_done = true;
        if let Some(recording) = self.recording.borrow_mut().as_mut() {
            recording.add(Step::new(&what, sizes, arguments));
            is_done = recording.is_replay();
        }
        self.asked.borrow_mut().push(what);
        is_done
    }

    /// Refuses what a card cannot record.
    fn not_while_recording(&self, what: &str) -> Result<()> {
        match *self.recording.borrow() {
            Some(_) => candle_core::bail!("{what} cannot be recorded"),
            None => Ok(()),
        }
    }
}

impl Queue for Host {
    fn launch(&self, kernel: &'static str, blocks: [usize; 3], arguments: &[Argument]) -> Result<()> {
        if self.ask(kernel.to_owned(), &blocks, arguments) {
            self.library.launch(kernel, [blocks[0], blocks[1], blocks[2], THREADS], arguments)?;
        }
        Ok(())
    }
}

impl Driver for Host {
    type Memory = Values;

    fn precision(&self) -> Precision {
        self.precision
    }

    fn allocate(&self, length: usize) -> Result<Values> {
        let mut values = vec![f32::NAN; length];
        values.extend(FENCE);
        Ok(Values { values, _handed: self.out.hand() })
    }

    fn convolves(&self) -> bool {
        self.convolves.get()
    }

    fn unserved(&self) -> &Unserved {
        &self.unserved
    }

    fn product(&self, product: &Product) -> Result<()> {
        if self.ask("product".to_owned(), &[product.rows, product.inner, product.columns], &[]) {
            answers::product(product);
        }
        Ok(())
    }

    fn convolve(&self, call: &Convolution) -> Result<bool> {
        if self.refused.borrow().contains(&call.form) {
            return Ok(false);
        }
        let shape = (call.form, format!("{:?} {:?}", call.pass, call.shape));
        if !self.chosen.borrow().contains(&shape) {
            self.not_while_recording("the choice of a convolution's algorithm")?;
            self.chosen.borrow_mut().push(shape);
        }
        if self.ask(format!("{:?} {:?}", call.pass, call.form), &[call.shape.multiply_adds()], &[]) {
            answers::convolve(call);
        }
        Ok(true)
    }

    fn write(&self, values: &[f32], to: Address) -> Result<()> {
        self.not_while_recording("a copy from the host")?;
        // SAFETY: whoever asks has room for as many values there, which nobody else uses meanwhile.
        unsafe { std::slice::from_raw_parts_mut(to as *mut f32, values.len()) }.copy_from_slice(values);
        Ok(())
    }

    fn rehearse(&self, work: &mut Work<'_>) -> Result<()> {
        work()
    }

    fn record(&self, work: &mut Work<'_>) -> Result<Box<dyn Recorded>> {
        recording::record(self, work)
    }

    fn copies(&self) -> &Copies<Values> {
        &self.copies
    }
}

/// What lies behind a piece of memory, and must still lie there in the end.
const FENCE: [f32; 8] = [-12345.0; 8];

/// A piece of memory, and the fence.
pub(in crate::ops) struct Values {
    values: Vec<f32>,
    _handed: Handed,
}

impl Values {
    fn is_fenced(&self) -> bool {
        self.values.is_empty() || self.values.ends_with(&FENCE)
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.is_fenced(), "a kernel wrote behind its memory");
    }
}

impl Memory for Values {
    type Storage = CpuStorage;

    fn address(&self) -> Address {
        self.values.as_ptr() as Address
    }

    fn into_storage(mut self) -> Result<CpuStorage> {
        assert!(self.is_fenced(), "a kernel wrote behind its memory");
        let mut values = std::mem::take(&mut self.values);
        values.truncate(values.len() - FENCE.len());
        Ok(CpuStorage::F32(values))
    }

    fn into_any(storage: CpuStorage) -> Storage {
        Storage::Cpu(storage)
    }

    fn of(storage: &Storage) -> Option<&CpuStorage> {
        if let Storage::Cpu(storage) = storage { Some(storage) } else { None }
    }

    fn locate(storage: &CpuStorage, layout: &Layout) -> Result<Address> {
        let values = crate::ops::custom::elements::<f32>(storage, layout)?;
        Ok(values.as_ptr() as Address)
    }
}
