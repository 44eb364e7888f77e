//! The machine as results name it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::facts::Facts;
use super::processors;
use crate::trace::{Machine, Processors, Rung};

/// Kernel, processor, and whether a hypervisor runs below.
pub fn examine(facts: &Facts, cpus: Option<&Processors>, io_uring: bool, rungs: Vec<Rung>) -> Machine {
    let first = first_processor();
    let value = |name: &str| first.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    Machine {
        kernel: facts.kernel.clone(),
        cpus: cpus.map_or(1, processors::usable),
        cpu: value("model name").or_else(|| value("cpu")).map_or_else(architecture, str::to_owned),
        is_virtual: hypervisor(value("flags")),
        io_uring,
        rungs,
    }
}

/// The fields of the first processor in `/proc/cpuinfo`; the others say the same, at a cost.
fn first_processor() -> Vec<(String, String)> {
    let Ok(file) = File::open("/proc/cpuinfo") else { return Vec::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let first = lines.take_while(|line| !line.trim().is_empty());
    first
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            Some((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// The architecture, where a processor has no name (arm64).
fn architecture() -> String {
    std::env::consts::ARCH.to_owned()
}

/// x86 has a flag for it. Elsewhere the firmware's tables may name a hypervisor, and silence means nothing.
fn hypervisor(flags: Option<&str>) -> Option<bool> {
    if let Some(flags) = flags {
        return Some(flags.split(' ').any(|flag| flag == "hypervisor"));
    }
    let vendor = fs::read_to_string("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let named = ["QEMU", "VMware", "Xen", "innotek", "Microsoft", "Amazon EC2", "Google"]
        .iter()
        .any(|name| vendor.contains(name));
    let by_tree =
        ["/proc/device-tree/hypervisor", "/sys/hypervisor/type"].iter().any(|path| Path::new(path).exists());
    (named || by_tree).then_some(true)
}
