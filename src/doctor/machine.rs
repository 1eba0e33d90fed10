//! What machine this is.

use candle_core::Device;
use serde::Serialize;

use crate::ops::kernels::Isa;
use crate::{inference, ops};

/// Something about the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about, for instance `processor`.
    pub name: String,
    /// What there is.
    pub value: String,
}

/// What is known of the machine and of `device`.
pub(super) fn facts(device: &Device) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.into(), value };
    let mut facts = vec![
        fact("program", concat!("idgan ", env!("CARGO_PKG_VERSION")).into()),
        fact("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        fact("processor", processor().unwrap_or_else(|| "unknown".into())),
        fact("bf16", bf16().into()),
        fact("threads", std::thread::available_parallelism().map_or(1, usize::from).to_string()),
    ];
    facts.extend(memory().map(|memory| fact("memory", memory)));
    if let Some(card) = inference::card_facts(device) {
        let (free, total) = card.memory;
        facts.extend([
            fact("card", card.name),
            fact("its memory", format!("{:.1} GiB, {:.1} free", gib(total), gib(free))),
            fact("driver", driver().unwrap_or_else(|| "unknown".into())),
            fact("CUDA", card.cuda),
            fact("cuDNN", ops::cudnn_version(device).unwrap_or_else(|| "none: convolutions are slow".into())),
        ]);
    }
    facts.extend(taken(device).map(|bytes| fact("taken", format!("{} MiB at most", bytes >> 20))));
    facts
}

/// What drawing in bf16 means on this processor.
fn bf16() -> &'static str {
    if Isa::detect().multiplies_bf16() {
        "multiplied by the processor"
    } else {
        "widened to f32 as it is read, which saves memory alone"
    }
}

/// The most memory that the examination has taken: a card's tensors, or the process.
fn taken(device: &Device) -> Option<u64> {
    inference::peak_memory(device).or_else(|| bytes_of("/proc/self/status", "VmHWM:"))
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

/// The version of NVIDIA's driver, where the system says it.
fn driver() -> Option<String> {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    let words = text.lines().next()?.split_whitespace();
    words.map(str::to_owned).find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))
}

/// The processor's name, where the system says it.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The memory that there is and that is free, where the system says it.
fn memory() -> Option<String> {
    let bytes = |key: &str| bytes_of("/proc/meminfo", key);
    Some(format!("{:.1} GiB, {:.1} free", gib(bytes("MemTotal:")?), gib(bytes("MemAvailable:")?)))
}

/// The line of a system's table that begins with `key` and counts in kB.
fn bytes_of(table: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(table).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix(key))?.trim().trim_end_matches("kB").trim();
    Some(kib.parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described() {
        let facts = facts(&Device::Cpu);
        let of = |name: &str| facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
        assert!(of("program").is_some_and(|value| value.starts_with("idgan ")));
        assert!(of("threads").is_some_and(|value| value.parse::<usize>().is_ok_and(|threads| threads > 0)));
        let multiplies = Isa::available().iter().any(|isa| isa.multiplies_bf16());
        assert_eq!(of("bf16") == Some("multiplied by the processor"), multiplies);
        #[cfg(target_os = "linux")]
        assert!(
            of("memory").is_some_and(|value| value.contains("GiB") && value.ends_with("free")),
            "{facts:?}"
        );
    }
}
