//! Where a number comes from. Every number iolab shows carries one of these.

use serde::{Deserialize, Serialize};

/// A way to observe a process from outside, the rungs of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// `/proc/PID/task/TID`: threads, switches, CPU time.
    Proc,
    /// `/proc/PID/fdinfo/EPFD`: the interest list.
    EpollSet,
    /// sock_diag(7): queues of each connection.
    Sock,
    /// A read-only mapping of the process's own io_uring rings.
    Ring,
    /// perf_event_open(2), counting, with kernel tracepoints for every system call.
    Perf,
    /// perf_event_open(2) without privileges: one counter a system call, by name.
    PerfUser,
    /// ptrace(2): every system call of a window, in order.
    Ptrace,
    /// The client: what it sent, what came back, when.
    Client,
}

impl Rung {
    /// The word shown beside a number.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proc => "proc",
            Self::EpollSet => "epoll-set",
            Self::Sock => "sock",
            Self::Ring => "ring",
            Self::Perf => "perf",
            Self::PerfUser => "perf-user",
            Self::Ptrace => "ptrace",
            Self::Client => "client",
        }
    }
}

/// Why a number is not known: which layer refused what, and what would change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The layer that said no.
    pub layer: Layer,
    /// What happened, with the errno's name: `perf_event_open: EACCES (perf_event_paranoid 2)`.
    pub says: String,
    /// What to try, as a sentence or a command; empty where nothing helps.
    #[serde(default, rename = "try", skip_serializing_if = "String::is_empty")]
    pub try_this: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.says)
    }
}

impl std::error::Error for Refusal {}

/// A layer of the machine that can refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The kernel is too old or was built without it.
    Kernel,
    /// A setting under `/proc/sys`.
    Sysctl,
    /// A seccomp filter, as containers install one.
    Seccomp,
    /// A Linux security module (Yama, SELinux, AppArmor).
    Lsm,
    /// A capability the process lacks.
    Capability,
    /// The limit on locked memory.
    Memlock,
    /// Too few processors.
    Cpus,
    /// A file system that is not mounted or not readable.
    Filesystem,
    /// The terminal.
    Terminal,
    /// Another limit of the process (descriptors, threads).
    Limit,
    /// The observed process itself: it has ended.
    Process,
}
