//! How much a program may use.
//!
//! Memory is the hard one. RLIMIT_AS counts what is merely mapped: rings, stacks, a runtime's reserves.
//! RLIMIT_DATA counts what is mapped private and writable, so a server with a thread for each of 1200
//! connections (2 MiB of stack each, hardly any of it touched) would need 2.4 GB of it; it counts one process
//! and no shared memory. A memory cgroup would be right and is hardly ever ours to make. So what is *used* is
//! looked at, twenty times a second, all processes together, and RLIMIT_DATA is the ceiling that nobody
//! breaks between two looks: the limit and 8 MiB for each thread there may be.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;

use super::super::order::Limits;
use super::super::talk::Overrun;
use super::family::{Family, threads_of_user};
use super::namespaces::{Inside, why};
use crate::trace::Refusal;

/// Stack that a thread may map: glibc's default.
const STACK_BYTES: u64 = 8 << 20;

/// How far RLIMIT_NPROC lies above the watch: keeper and reaper count for it as well, and whoever comes so far
/// shall be seen and ended for it.
const PROCESSES_ABOVE: u64 = 16;

/// Makes room in this process for sockets in transit.
pub fn more_descriptors() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Processor time, files, descriptors.
pub fn set(limits: &Limits) -> Result<(), Refusal> {
    at_most(Resource::RLIMIT_NOFILE, "RLIMIT_NOFILE", limits.descriptors)?;
    at_most(Resource::RLIMIT_FSIZE, "RLIMIT_FSIZE", limits.file_bytes)?;
    at_most(Resource::RLIMIT_CORE, "RLIMIT_CORE", 0)?;
    // At the soft limit SIGXCPU, which may be ignored; a second later SIGKILL.
    let (soft, hard) = (limits.cpu_s, limits.cpu_s.saturating_add(1));
    setrlimit(Resource::RLIMIT_CPU, soft, hard)
        .or_else(|_| at_most_errno(Resource::RLIMIT_CPU, soft))
        .map_err(|errno| why("setrlimit(RLIMIT_CPU)", errno))
}

/// The ceilings of memory and of processes.
pub fn set_memory(limits: &Limits, inside: Inside) -> Result<(), Refusal> {
    let stacks = limits.processes.saturating_mul(STACK_BYTES);
    at_most(Resource::RLIMIT_DATA, "RLIMIT_DATA", limits.memory_bytes.saturating_add(stacks))?;
    // Without a user namespace all processes of this user count, and it may start others meanwhile. Root is
    // not bound at all.
    let others = if inside.user || geteuid().is_root() { 0 } else { threads_of_user() + OTHERS_ABOVE };
    let processes = limits.processes.saturating_add(PROCESSES_ABOVE).saturating_add(others);
    at_most(Resource::RLIMIT_NPROC, "RLIMIT_NPROC", processes)
}

fn at_most(resource: Resource, name: &str, most: u64) -> Result<(), Refusal> {
    at_most_errno(resource, most).map_err(|errno| why(&format!("setrlimit({name})"), errno))
}

/// Sets both limits; where ours are lower already, they stay.
fn at_most_errno(resource: Resource, most: u64) -> Result<(), Errno> {
    let (_, hard) = getrlimit(resource)?;
    setrlimit(resource, most, most).or_else(|_| setrlimit(resource, most.min(hard), most.min(hard)))
}

/// Processes that a user may start beside a cage that shares its count.
const OTHERS_ABOVE: u64 = 256;

/// The watch over what all processes of the cage use together.
pub struct Watch {
    memory_bytes: u64,
    processes: u64,
}

impl Watch {
    /// These limits.
    pub fn over(limits: &Limits) -> Self {
        Self { memory_bytes: limits.memory_bytes, processes: limits.processes }
    }

    /// Which of them is broken.
    pub fn look(&self, family: &Family) -> Option<Overrun> {
        let members = family.members();
        let threads: u64 = members.iter().map(|member| member.threads).sum();
        if threads > self.processes {
            return Some(Overrun::Processes(threads));
        }
        // What processes share is counted once for each of them: the true sum is dear, and rarely asked for.
        let most: u64 = members.iter().map(|member| member.resident_bytes).sum();
        if most <= self.memory_bytes {
            return None;
        }
        let used = members.iter().map(|member| member.share_bytes().unwrap_or(member.resident_bytes)).sum();
        (used > self.memory_bytes).then_some(Overrun::MemoryBytes(used))
    }
}
