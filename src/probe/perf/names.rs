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

/// Waiting, moving bytes, connections, files, rings, and what a runtime does beside that.
pub const NAMES: [Call; 48] = [
    Same("epoll_wait"),
    Same("epoll_pwait"),
    Same("epoll_pwait2"),
    Same("epoll_ctl"),
    Same("poll"),
    Same("ppoll"),
    Same("select"),
    Same("pselect6"),
    Same("io_uring_enter"),
    Same("io_uring_register"),
    Same("read"),
    Same("write"),
    Same("readv"),
    Same("writev"),
    Same("pread64"),
    Same("pwrite64"),
    Same("preadv2"),
    Same("pwritev2"),
    Same("recvfrom"),
    Same("sendto"),
    Same("recvmsg"),
    Same("sendmsg"),
    Same("recvmmsg"),
    Same("sendmmsg"),
    Differs("sendfile", "sendfile64"),
    Same("splice"),
    Same("accept"),
    Same("accept4"),
    Same("connect"),
    Same("socket"),
    Same("shutdown"),
    Same("close"),
    Same("setsockopt"),
    Same("getsockopt"),
    Same("openat"),
    Same("fcntl"),
    Same("ioctl"),
    Same("lseek"),
    Same("fsync"),
    Same("fdatasync"),
    Same("futex"),
    Same("clone3"),
    Same("nanosleep"),
    Same("clock_nanosleep"),
    Same("sched_yield"),
    Same("timerfd_settime"),
    Same("mmap"),
    Same("munmap"),
];
