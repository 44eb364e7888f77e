//! The rungs: each way to observe a server from outside, as far as something can refuse it.

use crate::doctor::check::Check;
use crate::trace::Capabilities;

/// Reading a child's rings.
pub fn ring(capabilities: &Capabilities) -> Check {
    let works = "a child's descriptor was taken by pidfd_getfd and could be mapped read-only";
    let why = "heads, tails, SQEs and CQEs are read from the server's own rings, at no cost to it";
    Check::of("ring", &capabilities.ring, works, why)
}

/// Counting in the kernel.
pub fn perf(capabilities: &Capabilities) -> Check {
    let works = match capabilities.perf_event_paranoid {
        Some(paranoid) => {
            format!("kernel events may be counted, and recorded in order (perf_event_paranoid {paranoid})")
        }
        None => "kernel events may be counted, and recorded in order".to_owned(),
    };
    let why =
        "counts every system call and tells the story at full speed; without it, perf-user or ptrace do";
    Check::of("perf", &capabilities.perf, works, why)
}

/// Counting without privileges.
pub fn perf_user(capabilities: &Capabilities) -> Check {
    let works = "own system calls may be counted by name, and recorded in order, without privileges";
    let why = "counts and story by name at full speed for users who are not root; without it, ptrace samples";
    Check::of("perf-user", &capabilities.perf_user, works, why)
}

/// The tracepoints' ids.
pub fn tracefs(capabilities: &Capabilities) -> Check {
    let why = "perf and perf-user need the ids of tracepoints, which differ from kernel to kernel";
    Check::of("tracefs", &capabilities.tracefs, "mounted and readable", why)
}

/// Tracing an own child.
pub fn ptrace(capabilities: &Capabilities) -> Check {
    let works = match capabilities.yama_scope {
        Some(scope) => format!("an own child was seized and stopped (Yama ptrace_scope {scope})"),
        None => "an own child was seized and stopped (no Yama here)".to_owned(),
    };
    let why = "slow motion stops a server at each system call; sampling counts where perf is refused";
    Check::of("ptrace", &capabilities.ptrace, works, why)
}

/// Socket queues.
pub fn sock(capabilities: &Capabilities) -> Check {
    let works = "sock_diag listed TCP sockets";
    let why = "bytes waiting in each connection, and from them the ready list that epoll does not show";
    Check::of("sock", &capabilities.sock, works, why)
}
