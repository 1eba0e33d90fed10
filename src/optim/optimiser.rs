use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var};

use crate::base::{Array, Arrays};
use crate::nets::Weights;
use crate::ops;
use crate::ops::backend::Backend;
use crate::ops::cpu::optim::{self, Adam as AdamValues};
use crate::ops::cuda;

use super::Gradients;

/// What an optimiser computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Adam as `torch.optim.Adam` (Kingma and Ba 2015).
    Adam(AdamValues),
    /// RMSprop as `torch.optim.RMSprop`, not centred.
    RmsProp {
        /// Step size.
        learning_rate: f64,
        /// Decay of the mean squared gradient.
        alpha: f64,
        /// Added to its root.
        epsilon: f64,
        /// What is kept of the last step's direction; 0 for none.
        momentum: f64,
    },
}

impl Rule {
    /// Adam with the usual epsilon of 1e-8.
    pub fn adam(learning_rate: f64, beta1: f64, beta2: f64) -> Self {
        Self::Adam(AdamValues { learning_rate, beta1, beta2, epsilon: 1e-8 })
    }

    /// RMSprop with PyTorch's alpha 0.99 and epsilon 1e-8.
    pub fn rmsprop(learning_rate: f64) -> Self {
        Self::rmsprop_with_momentum(learning_rate, 0.0)
    }

    /// The same with momentum.
    pub fn rmsprop_with_momentum(learning_rate: f64, momentum: f64) -> Self {
        Self::RmsProp { learning_rate, alpha: 0.99, epsilon: 1e-8, momentum }
    }

    /// What the `step`th step, counted from 1, reads on a device that the program runs ahead of.
    fn pace(&self, step: u64) -> [f32; 2] {
        match self {
            Self::Adam(adam) => cuda::optim::adam_pace(adam, step),
            Self::RmsProp { learning_rate, .. } => [*learning_rate as f32, 1.0],
        }
    }

    /// Names of the running means, as PyTorch calls them.
    fn moments(&self) -> &'static [&'static str] {
        match self {
            Self::Adam(_) => &["exp_avg", "exp_avg_sq"],
            Self::RmsProp { momentum: 0.0, .. } => &["square_avg"],
            Self::RmsProp { .. } => &["square_avg", "momentum_buffer"],
        }
    }
}

/// An optimiser of one network's parameters, with its running means.
#[derive(Debug)]
pub struct Optimiser {
    rule: Rule,
    /// Steps taken.
    steps: u64,
    slots: BTreeMap<String, Slot>,
    /// Where the next step's [`Rule::pace`] lies on the device, where the program runs ahead of it.
    pace: Option<Tensor>,
}

#[derive(Debug)]
struct Slot {
    var: Var,
    moments: Vec<Moment>,
}

/// A running mean: on the host where the fused kernels update it, on the device elsewhere.
#[derive(Debug)]
enum Moment {
    Host(Vec<f32>),
    Device(Tensor),
}

impl Optimiser {
    /// An optimiser of the trainable parameters of `weights`, its running means zero.
    ///
    /// # Errors
    /// When the device cannot hold them.
    pub fn new(rule: Rule, weights: &Weights) -> Result<Self> {
        let mut slots = BTreeMap::new();
        for (name, var) in weights.vars() {
            let zero = || match Backend::of(var) {
                Backend::Cpu => Ok(Moment::Host(vec![0.0; var.elem_count()])),
                Backend::Cuda | Backend::Composed => var.zeros_like().map(Moment::Device),
            };
            let moments = rule.moments().iter().map(|_| zero()).collect::<Result<_>>()?;
            slots.insert(name.to_owned(), Slot { var: var.clone(), moments });
        }
        let device = slots.values().map(|slot| slot.var.device()).find(|device| ops::runs_ahead(device));
        let pace = device.map(|device| Tensor::zeros(2, DType::F32, device)).transpose()?;
        Ok(Self { rule, steps: 0, slots, pace })
    }

    /// Changes the step size from here on.
    pub fn set_learning_rate(&mut self, rate: f64) {
        match &mut self.rule {
            Rule::Adam(adam) => adam.learning_rate = rate,
            Rule::RmsProp { learning_rate, .. } => *learning_rate = rate,
        }
    }

    /// Moves every parameter that has a gradient.
    ///
    /// # Errors
    /// When a gradient has another shape than its parameter or the device fails.
    pub fn step(&mut self, gradients: &Gradients) -> Result<()> {
        self.prepare()?;
        self.apply(gradients, None)?;
        self.count();
        Ok(())
    }

    /// Hands the device what the next step depends on beside the gradients. The step itself is then the same one every
    /// time.
    ///
    /// # Errors
    /// When the device fails.
    pub fn prepare(&self) -> Result<()> {
        match &self.pace {
            Some(pace) => ops::write(pace, &self.rule.pace(self.steps + 1)),
            None => Ok(()),
        }
    }

    /// The step alone, for which [`Optimiser::prepare`] has been called and [`Optimiser::count`] will be. On a device that the
    /// program runs ahead of nothing moves where the one value of `gate` is zero.
    ///
    /// # Errors
    /// As [`Optimiser::step`].
    pub fn apply(&mut self, gradients: &Gradients, gate: Option<&Tensor>) -> Result<()> {
        let step = self.steps + 1;
        for (name, slot) in &mut self.slots {
            if let Some(gradient) = gradients.get(name) {
                slot.step(self.rule, gradient, step, self.pace.as_ref(), gate)?;
            }
        }
        Ok(())
    }

    /// Notes that a step was taken.
    pub fn count(&mut self) {
        self.steps += 1;
    }

    /// The running means as `{parameter}.{mean}`, for instance `layer.0.weight.square_avg`, and the number of
    /// steps as `steps` (two values of at most 24 bits each, lower first, since arrays hold f32).
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<Arrays> {
        let mut arrays = Arrays::new();
        let (low, high) = (self.steps & 0xff_ffff, self.steps >> 24);
        insert(&mut arrays, "steps".into(), &[2], vec![low as f32, high as f32])?;
        for (name, slot) in &self.slots {
            for (moment, suffix) in slot.moments.iter().zip(self.rule.moments()) {
                let data = match moment {
                    Moment::Host(data) => data.clone(),
                    Moment::Device(tensor) => ops::download(tensor)?,
                };
                insert(&mut arrays, format!("{name}.{suffix}"), slot.var.dims(), data)?;
            }
        }
        Ok(arrays)
    }

    /// Continues from what [`Optimiser::state`] returned.
    ///
    /// # Errors
    /// A message naming what is missing or has another shape.
    pub fn restore(&mut self, state: &Arrays) -> Result<()> {
        let find = |name: &str, shape: &[usize]| match state.get(name) {
            Some(array) if array.shape() == shape => Ok(array.data()),
            Some(array) => {
                candle_core::bail!("optimiser state {name} has shape {:?}, expected {shape:?}", array.shape())
            }
            None => candle_core::bail!("optimiser state {name} is missing"),
        };
        let steps = find("steps", &[2])?;
        self.steps = steps[0] as u64 | (steps[1] as u64) << 24;
        for (name, slot) in &mut self.slots {
            for (moment, suffix) in slot.moments.iter_mut().zip(self.rule.moments()) {
                let data = find(&format!("{name}.{suffix}"), slot.var.dims())?;
                match moment {
                    Moment::Host(own) => own.copy_from_slice(data),
                    // a recorded step knows where they lie
                    Moment::Device(tensor) if self.pace.is_some() => ops::write(tensor, data)?,
                    Moment::Device(tensor) => {
                        *tensor = Tensor::from_slice(data, slot.var.dims(), slot.var.device())?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn insert(arrays: &mut Arrays, name: String, shape: &[usize], data: Vec<f32>) -> Result<()> {
    let Some(array) = Array::new(shape, data) else {
        candle_core::bail!("optimiser state {name} does not have its parameter's size");
    };
    arrays.insert(name, array);
    Ok(())
}

impl Slot {
    fn step(
        &mut self,
        rule: Rule,
        gradient: &Tensor,
        step: u64,
        pace: Option<&Tensor>,
        gate: Option<&Tensor>,
    ) -> Result<()> {
        let gradient = gradient.contiguous()?;
        if gradient.dims() != self.var.dims() {
            candle_core::bail!(
                "a gradient of shape {:?} for a parameter of {:?}",
                gradient.dims(),
                self.var.dims()
            );
        }
        match (rule, self.moments.as_mut_slice()) {
            (Rule::Adam(adam), [Moment::Device(m), Moment::Device(v)]) if let Some(pace) = pace => {
                cuda::optim::adam_step(&self.var, &gradient, [m, v], &adam, pace, gate)
            }
            (Rule::RmsProp { alpha, epsilon, .. }, [Moment::Device(square)]) if let Some(pace) = pace => {
                cuda::optim::rmsprop_step(&self.var, &gradient, square, [alpha, epsilon], pace, gate)
            }
            (
                Rule::RmsProp { alpha, epsilon, momentum, .. },
                [Moment::Device(square), Moment::Device(speed)],
            ) if let Some(pace) = pace => {
                let values = [alpha, epsilon, momentum];
                cuda::optim::rmsprop_momentum_step(&self.var, &gradient, [square, speed], values, pace, gate)
            }
            (Rule::Adam(adam), [Moment::Host(m), Moment::Host(v)]) => {
                fused(&self.var, &gradient, |w, g| optim::adam_step(w, g, m, v, &adam, step))
            }
            (Rule::RmsProp { learning_rate, alpha, epsilon, .. }, [Moment::Host(square)]) => {
                fused(&self.var, &gradient, |w, g| {
                    optim::rmsprop_step(w, g, square, learning_rate, alpha, epsilon);
                })
            }
            (
                Rule::RmsProp { learning_rate, alpha, epsilon, momentum },
                [Moment::Host(square), Moment::Host(speed)],
            ) => fused(&self.var, &gradient, |w, g| {
                let values = [alpha, epsilon, momentum];
                optim::rmsprop_momentum_step(w, g, [square, speed], learning_rate, values);
            }),
            (Rule::Adam(adam), [Moment::Device(m), Moment::Device(v)]) => {
                *m = ((&*m * adam.beta1)? + (&gradient * (1.0 - adam.beta1))?)?;
                *v = ((&*v * adam.beta2)? + (gradient.sqr()? * (1.0 - adam.beta2))?)?;
                let exponent = i32::try_from(step).unwrap_or(i32::MAX);
                let rate = adam.learning_rate / (1.0 - adam.beta1.powi(exponent));
                let root = (v.sqrt()? / (1.0 - adam.beta2.powi(exponent)).sqrt())?;
                let change = ((&*m * rate)? / (root + adam.epsilon)?)?;
                self.var.set(&(self.var.as_tensor() - change)?)
            }
            (
                Rule::RmsProp { learning_rate, alpha, epsilon, momentum },
                [Moment::Device(square), speed @ ..],
            ) => {
                *square = ((&*square * alpha)? + (gradient.sqr()? * (1.0 - alpha))?)?;
                let change = match speed {
                    [Moment::Device(speed)] => {
                        *speed = ((&*speed * momentum)? + (gradient / (square.sqrt()? + epsilon)?)?)?;
                        (&*speed * learning_rate)?
                    }
                    _ => ((gradient * learning_rate)? / (square.sqrt()? + epsilon)?)?,
                };
                self.var.set(&(self.var.as_tensor() - change)?)
            }
            _ => candle_core::bail!("the optimiser's state does not belong to its rule"),
        }
    }
}

/// Runs `kernel` on a CPU parameter and a second contiguous tensor of its shape, changing the parameter in place.
fn fused(var: &Var, other: &Tensor, kernel: impl FnOnce(&mut [f32], &[f32])) -> Result<()> {
    var.as_tensor().inplace_op2(other, &Fused(RefCell::new(Some(kernel))))
}

/// A kernel that candle calls once with both storages.
struct Fused<F>(RefCell<Option<F>>);

impl<F: FnOnce(&mut [f32], &[f32])> InplaceOp2 for Fused<F> {
    fn name(&self) -> &'static str {
        "fused-update"
    }

    fn cpu_fwd(
        &self,
        own: &mut CpuStorage,
        own_layout: &Layout,
        other: &CpuStorage,
        other_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(own), CpuStorage::F32(other)) = (own, other) else {
            candle_core::bail!("parameters are trained in f32");
        };
        let (Some((from, to)), Some((other_from, other_to))) =
            (own_layout.contiguous_offsets(), other_layout.contiguous_offsets())
        else {
            candle_core::bail!("parameters and gradients must be contiguous");
        };
        if let Some(kernel) = self.0.take() {
            kernel(&mut own[from..to], &other[other_from..other_to]);
        }
        Ok(())
    }
}

/// An exponential moving average of a network's weights: what is shown and measured.
#[derive(Debug)]
pub struct MovingAverage {
    decay: f64,
    average: Weights,
}

impl MovingAverage {
    /// Starts at `average` (a trainable set of its own, usually a copy of the initial weights).
    pub fn new(decay: f64, average: Weights) -> Self {
        Self { decay, average }
    }

    /// `average = decay * average + (1 - decay) * weights`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn update(&self, weights: &Weights) -> Result<()> {
        self.update_through(weights, None)
    }

    /// The same; on a device that the program runs ahead of nothing moves where the one value of `gate` is zero.
    ///
    /// # Errors
    /// When the device fails.
    pub fn update_through(&self, weights: &Weights, gate: Option<&Tensor>) -> Result<()> {
        for ((_, average), (_, var)) in self.average.vars().zip(weights.vars()) {
            match Backend::of(average) {
                Backend::Cpu => fused(average, var.as_tensor(), |a, w| optim::ema_step(a, w, self.decay))?,
                Backend::Cuda => cuda::optim::ema_step(average, var, self.decay, gate)?,
                Backend::Composed => {
                    let kept = (average.as_tensor() * self.decay)?;
                    average.set(&(kept + (var.as_tensor() * (1.0 - self.decay))?)?)?;
                }
            }
        }
        Ok(())
    }

    /// The averaged weights.
    pub fn weights(&self) -> &Weights {
        &self.average
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn one_parameter(values: &[f32]) -> Result<Weights> {
        let array = Array::new([values.len()], values.to_vec()).expect("sizes agree");
        Weights::trainable(&Arrays::from([("w".to_string(), array)]), &Device::Cpu)
    }

    fn gradients(values: &[f32]) -> Result<Gradients> {
        let mut gradients = Gradients::default();
        gradients.insert("w".into(), Tensor::new(values, &Device::Cpu)?);
        Ok(gradients)
    }

    #[test]
    fn a_restored_optimiser_continues_bit_by_bit() -> Result<()> {
        for rule in
            [Rule::adam(1e-3, 0.9, 0.999), Rule::rmsprop(1e-4), Rule::rmsprop_with_momentum(1e-4, 0.9)]
        {
            let weights = one_parameter(&[0.3, -1.2, 5.0])?;
            let mut optimiser = Optimiser::new(rule, &weights)?;
            for i in 0..5 {
                optimiser.step(&gradients(&[0.1 * i as f32, -0.2, 3.0])?)?;
            }
            let copy = one_parameter(weights.to_arrays()?["w"].data())?;
            let mut restored = Optimiser::new(rule, &copy)?;
            restored.restore(&optimiser.state()?)?;
            for _ in 0..5 {
                optimiser.step(&gradients(&[0.5, 0.25, -1.0])?)?;
                restored.step(&gradients(&[0.5, 0.25, -1.0])?)?;
            }
            assert_eq!(weights.to_arrays()?, copy.to_arrays()?);
            assert_eq!(optimiser.state()?, restored.state()?);
        }
        Ok(())
    }

    #[test]
    fn the_device_path_agrees_with_the_fused_one() -> Result<()> {
        for rule in
            [Rule::adam(1e-3, 0.9, 0.999), Rule::rmsprop(1e-3), Rule::rmsprop_with_momentum(1e-3, 0.9)]
        {
            let (host, device) = (one_parameter(&[0.3, -1.2])?, one_parameter(&[0.3, -1.2])?);
            let mut fused = Optimiser::new(rule, &host)?;
            let mut composed = Optimiser::new(rule, &device)?;
            for slot in composed.slots.values_mut() {
                for moment in &mut slot.moments {
                    *moment = Moment::Device(slot.var.zeros_like()?);
                }
            }
            for i in 1..20 {
                let step = gradients(&[0.01 * i as f32, -1.0 / i as f32])?;
                fused.step(&step)?;
                composed.step(&step)?;
            }
            for (a, b) in host.to_arrays()?["w"].data().iter().zip(device.to_arrays()?["w"].data()) {
                assert!((a - b).abs() < 1e-6, "{a} against {b}");
            }
        }
        Ok(())
    }

    #[test]
    fn the_kernels_for_cuda_agree_with_those_for_the_cpu() -> Result<()> {
        for rule in
            [Rule::adam(1e-3, 0.9, 0.999), Rule::rmsprop(1e-3), Rule::rmsprop_with_momentum(1e-3, 0.9)]
        {
            let initial: Vec<f32> = (0..1001).map(|i| (i as f32 * 0.37).sin()).collect();
            let run = || -> Result<(Arrays, Arrays, Arrays)> {
                let weights = one_parameter(&initial)?;
                let average = MovingAverage::new(0.9, one_parameter(&initial)?);
                let mut optimiser = Optimiser::new(rule, &weights)?;
                for step in 1..20 {
                    let gradient: Vec<f32> = initial.iter().map(|w| w / step as f32 - 0.01).collect();
                    optimiser.step(&gradients(&gradient)?)?;
                    average.update(&weights)?;
                }
                Ok((weights.to_arrays()?, average.weights().to_arrays()?, optimiser.state()?))
            };
            let expected = run()?;
            let Some(host) = cuda::host::On::new(crate::ops::Precision::F32) else { return Ok(()) };
            let got = run()?;
            assert_eq!(host.take_asked().len(), 2 * 19, "one kernel for each, and nothing else");
            for (got, expected) in [(got.0, expected.0), (got.1, expected.1), (got.2, expected.2)] {
                assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
                for (name, array) in &expected {
                    for (a, b) in array.data().iter().zip(got[name].data()) {
                        assert!((a - b).abs() < 4e-6 * a.abs().max(1.0), "{name}: {a} against {b}");
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_step_count_above_24_bits_survives() -> Result<()> {
        let weights = one_parameter(&[0.0])?;
        let mut optimiser = Optimiser::new(Rule::rmsprop(1e-4), &weights)?;
        optimiser.steps = (1 << 33) + 12_345_677;
        let mut restored = Optimiser::new(Rule::rmsprop(1e-4), &weights)?;
        restored.restore(&optimiser.state()?)?;
        assert_eq!(restored.steps, optimiser.steps);
        Ok(())
    }

    #[test]
    fn the_average_moves_by_one_minus_decay() -> Result<()> {
        let average = MovingAverage::new(0.9, one_parameter(&[1.0, 0.0])?);
        average.update(&one_parameter(&[2.0, 10.0])?)?;
        let values = average.weights().to_arrays()?["w"].data().to_vec();
        assert!((values[0] - 1.1).abs() < 1e-6 && (values[1] - 1.0).abs() < 1e-6, "{values:?}");
        Ok(())
    }
}
