//! The client's clocks. Everything else takes times as arguments.

use nix::time::{ClockId, clock_gettime};

/// CLOCK_MONOTONIC in nanoseconds (clock_gettime(2); answered by the vDSO, about 20 ns).
pub fn now_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// CLOCK_PROCESS_CPUTIME_ID in nanoseconds: what this process has used of its processor, all threads.
pub fn cpu_ns() -> u64 {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: ClockId) -> u64 {
    // These two clocks exist on every Linux that runs the rest of this program, so there is no failure to
    // report; a zero would show at once as a run without duration.
    clock_gettime(clock).map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}
