//! From an errno to a [`Refusal`]: which layer said no, and what would change it.

use std::fs;
use std::io;

use nix::errno::Errno;

use super::text::text;
use crate::trace::{Layer, Refusal};

/// A refusal in three parts.
pub(crate) fn refusal(layer: Layer, says: impl Into<String>, try_this: impl Into<String>) -> Refusal {
    Refusal { layer, says: says.into(), try_this: try_this.into() }
}

/// The errno of an I/O error; EIO where the error did not come from the kernel.
pub(crate) fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Why looking into process `pid` was refused: the access check of ptrace(2) ("Ptrace access mode
/// checking") stands before everything a probe does. `call` is what was tried, as shown to a person.
pub(crate) fn looking_into(pid: u32, call: &str, errno: Errno) -> Refusal {
    let says = format!("{call}: {errno:?}");
    match errno {
        Errno::ESRCH | Errno::ENOENT => {
            refusal(Layer::Process, format!("{says} (process {pid} has ended)"), "")
        }
        Errno::ENOSYS if seccomp_filtered() => {
            refusal(Layer::Seccomp, format!("{says} (a seccomp filter hides the call)"), OUTSIDE_CONTAINER)
        }
        Errno::ENOSYS => {
            refusal(Layer::Kernel, format!("{says} (this kernel lacks the call)"), "a newer kernel")
        }
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => limit(&says),
        Errno::EPERM | Errno::EACCES => no_access(pid, &says),
        _ => refusal(Layer::Kernel, says, ""),
    }
}

/// A limit of this process, most often on open descriptors.
pub(crate) fn limit(says: &str) -> Refusal {
    refusal(Layer::Limit, format!("{says} (a limit of this process is reached)"), "raise it: ulimit -n 65536")
}

/// Which of the checks behind EPERM it was, as far as can be told from outside.
fn no_access(pid: u32, says: &str) -> Refusal {
    let owner = status_field(&format!("/proc/{pid}/status"), "Uid:");
    let own = nix::unistd::Uid::effective();
    if let Some(owner) = owner.filter(|&owner| !own.is_root() && owner != u64::from(own.as_raw())) {
        let says = format!("{says} (process {pid} belongs to user {owner}, this one to {own})");
        return refusal(Layer::Capability, says, "the same user, or root (CAP_SYS_PTRACE)");
    }
    match yama_scope() {
        Some(scope) if scope > 0 && !own.is_root() => refusal(
            Layer::Lsm,
            format!("{says} (kernel.yama.ptrace_scope {scope})"),
            "let iolab start the program, or: sudo sysctl kernel.yama.ptrace_scope=0",
        ),
        _ if seccomp_filtered() => {
            refusal(Layer::Seccomp, format!("{says} (a seccomp filter is at work)"), OUTSIDE_CONTAINER)
        }
        _ => refusal(
            Layer::Capability,
            format!("{says} (process {pid} may not be looked into: it is traced, or has more rights)"),
            "root (CAP_SYS_PTRACE)",
        ),
    }
}

/// What helps against a container's seccomp filter.
pub(crate) const OUTSIDE_CONTAINER: &str =
    "outside the container, or: docker run --cap-add SYS_PTRACE --security-opt seccomp=unconfined";

/// Yama's `ptrace_scope`; `None` where Yama is not there.
pub fn yama_scope() -> Option<u32> {
    fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?.trim().parse().ok()
}

/// Whether a seccomp filter watches over this process, as containers install one.
pub fn seccomp_filtered() -> bool {
    status_field("/proc/self/status", "Seccomp:") == Some(2)
}

/// The first number of a field of a `status` file, proc_pid_status(5).
pub(crate) fn status_field(path: &str, field: &str) -> Option<u64> {
    let status = text(path).ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix(field))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_is_named_as_the_reason() {
        let refusal = looking_into(7, "pidfd_open", Errno::ESRCH);
        assert_eq!(refusal.layer, Layer::Process);
        assert_eq!(refusal.says, "pidfd_open: ESRCH (process 7 has ended)");
    }

    #[test]
    fn a_limit_says_what_to_raise() {
        let refusal = looking_into(7, "open", Errno::EMFILE);
        assert_eq!(refusal.layer, Layer::Limit);
        assert!(refusal.try_this.contains("ulimit -n"), "{refusal:?}");
    }
}
