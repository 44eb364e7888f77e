//! perf_event_open(2): whether this process may count in the kernel, and own system calls by name.
//!
//! Permission is tried with software events, which cost nothing: perf_event_open asks `perf_allow_kernel()`
//! before it looks at the kind of event, and counting with a tracepoint asks nothing more (kernel/events/
//! core.c, kernel/trace/trace_event_perf.c). [`prove`] then does count with tracepoints.

use std::fs::File;
use std::io::Read as _;

use nix::errno::Errno;

use super::facts::Facts;
use super::refused::{self, Tried};
use super::sys::perf_event_open;
use super::tracepoints::Tracepoints;
use crate::trace::{Allowed, Capabilities, Layer, Refusal};

/// `PERF_TYPE_SOFTWARE`.
const SOFTWARE: u32 = 1;
/// `PERF_TYPE_TRACEPOINT`.
const TRACEPOINT: u32 = 2;
/// `PERF_COUNT_SW_CONTEXT_SWITCHES`.
const CONTEXT_SWITCHES: u64 = 3;
/// The bit `exclude_kernel` among the flags of `struct perf_event_attr`.
const EXCLUDE_KERNEL: u64 = 1 << 5;
/// The attempt, as it is named in a refusal.
const CALL: &str = "perf_event_open";

/// Whether events of the kernel may be counted, and recorded.
pub fn kernel(tracepoints: &Tracepoints, facts: &Facts) -> Allowed {
    if let Err(errno) = perf_event_open(SOFTWARE, CONTEXT_SWITCHES, 0) {
        return Allowed::No(refused::perf(Tried { call: CALL, errno }, facts));
    }
    if let Err(tried) = tracepoints.every_syscall {
        return Allowed::No(refused::tracepoints(tried, facts));
    }
    match facts.perf_event_paranoid {
        // perf_allow_tracepoint(): above −1, records of a tracepoint's fields want CAP_PERFMON.
        Some(level @ 0..) if !facts.may_perfmon() => Allowed::Partly(Refusal {
            layer: Layer::Sysctl,
            says: format!(
                "system calls may be counted, but not recorded in order (perf_event_paranoid {level})"
            ),
            try_this: "`sudo sysctl kernel.perf_event_paranoid=-1`".to_owned(),
        }),
        _ => Allowed::Yes,
    }
}

/// Whether own system calls may be counted by name.
pub fn user(tracepoints: &Tracepoints, facts: &Facts) -> Allowed {
    if let Err(errno) = perf_event_open(SOFTWARE, CONTEXT_SWITCHES, EXCLUDE_KERNEL) {
        return Allowed::No(refused::perf_user(Tried { call: CALL, errno }, facts));
    }
    match tracepoints.read_calls {
        Ok(_) => Allowed::Yes,
        Err(tried) => Allowed::No(refused::user_tracepoints(tried, facts)),
    }
}

/// Counts system calls of this thread where that was found to be allowed, and takes it back where it fails.
pub fn prove(capabilities: &mut Capabilities, tracepoints: &Tracepoints, facts: &Facts) {
    if let (true, Ok(id)) = (capabilities.perf.is_usable(), tracepoints.every_syscall)
        && let Some(refusal) = disproof(id, 0, facts)
    {
        capabilities.perf = Allowed::No(refusal);
    }
    if let (true, Ok(id)) = (capabilities.perf_user.is_usable(), tracepoints.read_calls)
        && let Some(refusal) = disproof(id, EXCLUDE_KERNEL, facts)
    {
        capabilities.perf_user = Allowed::No(refusal);
    }
}

/// Counts some calls with this tracepoint: the reason why that fails, if it does.
fn disproof(id: u64, flags: u64, facts: &Facts) -> Option<Refusal> {
    const CALLS: u64 = 8;
    let counted = perf_event_open(TRACEPOINT, id, flags).and_then(|counter| {
        let mut counter = File::from(counter);
        // Reading the counter is itself a read(2), which counts: each shows those before it, and itself.
        for _ in 1..CALLS {
            read(&mut counter)?;
        }
        read(&mut counter)
    });
    match counted {
        Ok(count) if count >= CALLS => None,
        Ok(count) => Some(Refusal {
            layer: Layer::Kernel,
            says: format!("a tracepoint counted {count} of {CALLS} system calls"),
            try_this: "another kernel".to_owned(),
        }),
        Err(errno) => Some(refused::perf(Tried { call: "perf_event_open of a tracepoint", errno }, facts)),
    }
}

/// The value of a counter.
fn read(counter: &mut File) -> Result<u64, Errno> {
    let mut value = [0; 8];
    let read = counter.read_exact(&mut value);
    read.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    Ok(u64::from_ne_bytes(value))
}
