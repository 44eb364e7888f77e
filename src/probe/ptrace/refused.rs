//! Why a tracer was turned away.

use nix::errno::Errno;

use crate::probe::refuse::{OUTSIDE_CONTAINER, looking_into, refusal, seccomp_filtered, status_field};
use crate::trace::{Layer, Refusal};

/// Why process `pid`, which lives, could not be attached to.
pub(super) fn seize_refused(pid: u32, errno: Errno) -> Refusal {
    let tracer = status_field(&format!("/proc/{pid}/status"), "TracerPid:").filter(|&tracer| tracer != 0);
    match (errno, tracer) {
        (Errno::EPERM, Some(tracer)) => refusal(
            Layer::Process,
            format!("PTRACE_SEIZE: EPERM (process {pid} is traced by process {tracer} already)"),
            format!("end process {tracer} first (a debugger, strace)"),
        ),
        (Errno::EPERM | Errno::ENOSYS, None) if seccomp_filtered() => refusal(
            Layer::Seccomp,
            format!("PTRACE_SEIZE: {errno:?} (a seccomp filter is at work)"),
            OUTSIDE_CONTAINER,
        ),
        _ => looking_into(pid, "PTRACE_SEIZE", errno),
    }
}
