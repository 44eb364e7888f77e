//! The system calls that `perf-user` has counters for: those of programs that do I/O.

/// A system call and the tracepoint of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Both have the same name.
    Same(&'static str),
    /// The kernel's own name for the function differs from that of the manual page.
    Differs(&'static str, &'static str),
}

impl Call {
    /// The name of section 2 of the manual.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same(name) | Self::Differs(name, _) => name,
        }
    }

    /// What follows `syscalls:sys_enter_`.
    pub const fn tracepoint(self) -> &'static str {
        match self {
            Self::Same(name) | Self::Differs(_, name) => name,
        }
    }
}

use Call::{Differs, Same};

/// Calls that only a look at any program has: what programs in general do besides. All names of both tables are counted when
/// somebody else's program is looked at, for whom nobody can say beforehand which ones it needs.
pub const MORE: [Call; 30] = [
    Same("epoll_pwait2"),
    Same("io_uring_setup"),
    Same("io_uring_register"),
    Same("io_submit"),
    Same("io_getevents"),
    Same("sendmmsg"),
    Same("recvmmsg"),
    Same("preadv"),
    Same("pwritev"),
    Same("fsync"),
    Same("fdatasync"),
    Same("lseek"),
    Differs("stat", "newstat"),
    Differs("fstat", "newfstat"),
    Same("newfstatat"),
    Same("statx"),
    Same("getdents64"),
    Same("unlink"),
    Same("ioctl"),
    Same("fcntl"),
    Same("mmap"),
    Same("munmap"),
    Same("mprotect"),
    Same("madvise"),
    Same("brk"),
    Same("clone"),
    Same("clone3"),
    Same("wait4"),
    Same("rt_sigprocmask"),
    Same("getrandom"),
];

/// Waiting, moving bytes, connections, and sleeping: what a server does while it serves. Each name costs
/// 35 ns a call that it counts and about 120 ns at each context switch, so calls of a program's start and end
/// are left out.
pub const NAMES: [Call; 32] = [
    Same("epoll_wait"),
    Same("epoll_pwait"),
    Same("epoll_ctl"),
    Same("poll"),
    Same("ppoll"),
    Same("select"),
    Same("pselect6"),
    Same("io_uring_enter"),
    Same("read"),
    Same("write"),
    Same("readv"),
    Same("writev"),
    Same("pread64"),
    Same("pwrite64"),
    Same("recvfrom"),
    Same("sendto"),
    Same("recvmsg"),
    Same("sendmsg"),
    Differs("sendfile", "sendfile64"),
    Same("splice"),
    Same("accept"),
    Same("accept4"),
    Same("connect"),
    Same("socket"),
    Same("shutdown"),
    Same("close"),
    Same("openat"),
    Same("setsockopt"),
    Same("futex"),
    Same("sched_yield"),
    Same("nanosleep"),
    Same("clock_nanosleep"),
];
