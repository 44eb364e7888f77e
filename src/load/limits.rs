//! What the client asks of its own process: descriptors, a processor, sharp timers.

use anyhow::Context;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// Descriptors beside the connections: ring, eventfd, standard streams, and some air.
const OTHERS: u64 = 64;

/// Raises RLIMIT_NOFILE (setrlimit(2)) so that so many connections fit, as far as is allowed. What does not
/// fit is refused by socket(2) with EMFILE later, so that nothing is reported here.
pub fn allow_connections(connections: u32) {
    let wanted = u64::from(connections) + OTHERS;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft >= wanted {
        return;
    }
    // Only a privileged process may raise the hard limit.
    if hard >= wanted || setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_err() {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Keeps this process on one processor (sched_setaffinity(2)). Threads made later inherit it.
///
/// # Errors
///
/// EINVAL where there is no such processor, or the process may not use it.
pub fn stay_on(cpu: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        .with_context(|| format!("sched_setaffinity: cannot stay on processor {cpu}"))
}

/// Lets waits of this thread end on time: by default the kernel may add 50 µs to save wake-ups
/// (PR_SET_TIMERSLACK(2const)).
pub fn sharpen_timers() {
    // Without it paced requests leave up to 50 µs late, which their latency says; nothing else is wrong.
    let _ = prctl::set_timerslack(1);
}
