//! Whole steps that are recorded and replayed, on the host driver: bit for bit what they are when each is queued anew.

use candle_core::{Device, Tensor};

use super::{BenchRun, Family, GanTraining, Method, Ramp, StepReport, TrainConfig, preset};
use crate::base::Arrays;
use crate::model::{DISCRIMINATOR, GENERATOR, VAE};
use crate::ops::cuda::host::On;
use crate::ops::{self, Precision};

/// So many that every way to make a step is rehearsed, recorded and replayed, with R1 in every second step.
const STEPS: usize = 10;

/// Everything that training changes.
fn everything(bench_run: &BenchRun) -> Vec<Arrays> {
    let (job, _) = bench_run.parts();
    let model = job.model(None).expect("is described");
    let groups = [VAE, GENERATOR, DISCRIMINATOR].map(|group| model.group(group).clone());
    groups.into_iter().chain([job.state().expect("has a state")]).collect()
}

/// What some steps report and leave behind; `disturb` is called before each step.
fn run(config: &TrainConfig, disturb: &dyn Fn(usize, &[Tensor])) -> (Vec<StepReport>, Vec<Arrays>) {
    let mut bench_run = BenchRun::new(config, &Device::Cpu).expect("starts");
    let step = |number| {
        disturb(number, bench_run.parts().1);
        bench_run.step().expect("steps")
    };
    ((0..STEPS).map(step).collect(), everything(&bench_run))
}

/// A small configuration of a method, where what can change from step to step does.
fn config(family: Family, name: &str, method: Method) -> TrainConfig {
    let config = preset(family, name).expect("is a preset").with_method(method);
    let mut config = TrainConfig { batch: 2, size: 64, ..config };
    let narrow = |gan: &mut GanTraining| {
        (gan.nfilter, gan.nfilter_max, gan.r1_every) = (8, 16, 2);
        gan.warm_up = Some(4);
    };
    config.gan.iter_mut().for_each(narrow);
    if let Some(vae) = &mut config.vae {
        vae.beta = Ramp { from: 1.0, to: 4.0, over: 8 };
        vae.capacity = Ramp { from: 0.0, to: 2.0, over: 8 };
    }
    config
}

/// All methods, with the ways to make a step that each has.
fn methods() -> [(TrainConfig, usize); 10] {
    let in_parts = |config| TrainConfig { accumulate: 2, ..config };
    let small = |method| config(Family::Gan, "dsprites-small", method);
    [
        (in_parts(config(Family::Vae, "dsprites-small", Method::BetaVae)), 1),
        (config(Family::Vae, "scenes-small", Method::AnnealedVae), 1),
        (config(Family::Vae, "dsprites-small", Method::FactorVae), 1),
        (config(Family::Vae, "dsprites-small", Method::BetaTcVae), 1),
        (config(Family::Vae, "dsprites-small", Method::DipVaeII), 1),
        (in_parts(config(Family::Gan, "scenes-64", Method::Idgan)), 2),
        (config(Family::Gan, "celeba-hq", Method::Idgan), 2),
        (small(Method::Infogan), 2),
        (small(Method::IdganEndToEnd), 2),
        (small(Method::VaeGan), 2),
    ]
}

#[test]
fn replayed_steps_are_those_that_are_queued_one_by_one() {
    for (config, ways) in methods() {
        let Some(host) = On::new(Precision::Tf32) else { return };
        let replayed = run(&config, &|_, _| ());
        assert_eq!(host.recorded(), (ways, STEPS - 3 * ways), "{:?} records and replays", config.method);
        host.forbid_recording();
        let queued = run(&config, &|_, _| ());
        assert_eq!(host.recorded(), (ways, STEPS - 3 * ways), "and goes on without");
        assert_eq!(replayed.0, queued.0, "{:?} reports", config.method);
        assert!(replayed.1 == queued.1, "{:?} learns", config.method);
        let values = replayed.0.iter().map(StepReport::values).collect::<Vec<_>>();
        assert!(values.windows(2).all(|two| two[0] != two[1]), "every step finds something else");
    }
}

#[test]
fn a_recorded_step_that_is_not_finite_changes_nothing() {
    for (config, _) in [&methods()[0], &methods()[5]] {
        // one step after the recording, and one long before it
        let spoilt = |number: usize| number == 1 || number == STEPS - 1;
        let disturb = |number: usize, pictures: &[Tensor]| {
            let shape = pictures[0].dims();
            let mut values = vec![0.25; pictures[0].elem_count()];
            if spoilt(number) {
                values[7] = f32::NAN;
            }
            // the CPU has no other way to change a tensor
            let values = Tensor::from_vec(values, shape, &Device::Cpu).expect("fits");
            pictures[0].slice_set(&values, 0, 0).expect("fits");
        };
        let on_the_cpu = run(config, &disturb);
        let Some(host) = On::new(Precision::F32) else { return };
        let recorded = run(config, &disturb);
        assert!(host.recorded().1 > 0);
        for (number, (got, expected)) in recorded.0.iter().zip(&on_the_cpu.0).enumerate() {
            assert_eq!(got.not_finite.is_some(), spoilt(number), "step {number}");
            assert_eq!(got.not_finite, expected.not_finite, "step {number}");
            let names = |report: &StepReport| {
                report.values().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
            };
            assert_eq!(names(got), names(expected), "step {number}");
        }
        // the optimisers have counted the same steps
        let counted = |run: &(Vec<StepReport>, Vec<Arrays>)| -> Vec<_> {
            let steps = run.1[3].iter().filter(|(name, _)| name.ends_with("steps"));
            steps.map(|(name, array)| (name.clone(), array.data().to_vec())).collect()
        };
        assert_eq!(counted(&recorded), counted(&on_the_cpu));
        assert!(!counted(&recorded).is_empty());
        let finite = |arrays: &Arrays| arrays.values().flat_map(|a| a.data()).all(|value| value.is_finite());
        assert!(recorded.1.iter().all(finite), "nothing that is not finite is learnt");
    }
}

#[test]
fn work_on_the_cpu_is_never_recorded() {
    assert!(!ops::records(&Device::Cpu));
    let Some(_on) = On::new(Precision::F32) else { return };
    assert!(ops::records(&Device::Cpu), "the host driver stands in for a card");
}
