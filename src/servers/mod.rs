//! The mini-servers: one file each, written to be read from top to bottom as a lesson prints it.
//!
//! Every server is a plain function `run(listener, options)` that echoes bytes until it is killed. None of
//! them counts anything, and none imports anything of iolab but [`Options`]: what is known about a server
//! is what the kernel says about its process. To add one: write `name.rs`, add its `mod` line, add one row
//! to [`SERVERS`].

// Descriptors and rings are the subject here: their raw forms need unsafe, each block with its reason.
#![allow(unsafe_code)]

#[cfg(feature = "live")]
mod buffer_ring;
mod column;
#[cfg(feature = "live")]
pub mod epoll;
#[cfg(feature = "live")]
pub mod epoll_edge;
#[cfg(feature = "live")]
pub mod epoll_spin;
#[cfg(feature = "live")]
pub mod flawed;
pub mod listings;
#[cfg(feature = "live")]
mod multishot_connection;
#[cfg(feature = "live")]
pub mod poll;
#[cfg(feature = "live")]
pub mod select;
#[cfg(feature = "live")]
pub mod sqpoll;
#[cfg(feature = "live")]
pub mod threads;
#[cfg(feature = "live")]
pub mod uring;
#[cfg(feature = "live")]
mod uring_features;
#[cfg(feature = "live")]
pub mod uring_multishot;
#[cfg(feature = "live")]
pub mod uring_naive;

pub use column::{CONNECTIONS_MAX, Column, TracedFrom};

use serde::{Deserialize, Serialize};

/// How a server waits for many connections, in the words of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// One blocked thread per connection.
    Threads,
    /// The kernel says which descriptors are ready, the program then reads and writes.
    Readiness,
    /// The program hands over whole operations and collects their results.
    Completion,
}

/// What a server may be told. Everything has a default that suits a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Slots of the submission queue (io_uring servers), a power of two.
    pub sq_entries: u32,
    /// Slots of the completion queue; `None` leaves the kernel's choice (twice the submission queue).
    pub cq_entries: Option<u32>,
    /// Buffers in the provided buffer ring (`uring-multishot`), a power of two.
    pub buffers: u16,
    /// Milliseconds without work after which an SQPOLL thread goes to sleep.
    pub sqpoll_idle_ms: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { sq_entries: 256, cq_entries: None, buffers: 256, sqpoll_idle_ms: 100 }
    }
}

/// Who keeps a processor busy while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polls {
    /// Nobody: the server sleeps in the kernel.
    Never,
    /// A kernel thread of the process (SQPOLL).
    KernelThread,
    /// The server itself, in user space.
    Itself,
}

/// A server's entry function: serves on `listener` until the process ends; returns only with an error.
pub type Run = fn(std::net::TcpListener, &Options) -> anyhow::Result<()>;

/// One row of [`SERVERS`].
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// The name learners type.
    pub name: &'static str,
    /// How it waits.
    pub model: Model,
    /// What it is, in a line.
    pub says: &'static str,
    /// Who spins, if anyone does.
    pub polls: Polls,
    /// Whether it needs io_uring_setup(2) to be allowed.
    pub io_uring: bool,
    /// Wrong on purpose: the mistake that a break-it step shows. Not listed unless asked for.
    pub flawed: bool,
    /// The code; `None` in a build without the feature `live`.
    pub run: Option<Run>,
}

/// Names a server's code where it is compiled in, so that a row is the same in every build.
macro_rules! live {
    ($run:path) => {{
        #[cfg(feature = "live")]
        {
            Some($run as Run)
        }
        #[cfg(not(feature = "live"))]
        {
            None
        }
    }};
}

/// Every server iolab has; the command line, the lab, the lessons and the book read this one table.
pub const SERVERS: &[Server] = &[
    Server {
        name: "threads",
        model: Model::Threads,
        says: "a thread per connection, each blocked in recv",
        polls: Polls::Never,
        io_uring: false,
        flawed: false,
        run: live!(threads::run),
    },
    Server {
        name: "select",
        model: Model::Readiness,
        says: "select: the whole set of descriptors copied in and out at every wait",
        polls: Polls::Never,
        io_uring: false,
        flawed: false,
        run: live!(select::run),
    },
    Server {
        name: "poll",
        model: Model::Readiness,
        says: "poll: an array of descriptors, walked at every wait",
        polls: Polls::Never,
        io_uring: false,
        flawed: false,
        run: live!(poll::run),
    },
    Server {
        name: "epoll",
        model: Model::Readiness,
        says: "epoll, level-triggered: the kernel keeps the interest list",
        polls: Polls::Never,
        io_uring: false,
        flawed: false,
        run: live!(epoll::run),
    },
    Server {
        name: "epoll-edge",
        model: Model::Readiness,
        says: "epoll, edge-triggered: every descriptor drained until EAGAIN",
        polls: Polls::Never,
        io_uring: false,
        flawed: false,
        run: live!(epoll_edge::run),
    },
    Server {
        name: "epoll-spin",
        model: Model::Readiness,
        says: "epoll with timeout 0: it asks again and again and never sleeps",
        polls: Polls::Itself,
        io_uring: false,
        flawed: false,
        run: live!(epoll_spin::run),
    },
    Server {
        name: "uring-naive",
        model: Model::Completion,
        says: "io_uring used like a system call: one io_uring_enter for each submission",
        polls: Polls::Never,
        io_uring: true,
        flawed: false,
        run: live!(uring_naive::run),
    },
    Server {
        name: "uring",
        model: Model::Completion,
        says: "io_uring in batches: one io_uring_enter submits everything and waits",
        polls: Polls::Never,
        io_uring: true,
        flawed: false,
        run: live!(uring::run),
    },
    Server {
        name: "uring-multishot",
        model: Model::Completion,
        says: "io_uring with multishot accept and receive and a provided buffer ring",
        polls: Polls::Never,
        io_uring: true,
        flawed: false,
        run: live!(uring_multishot::run),
    },
    Server {
        name: "sqpoll",
        model: Model::Completion,
        says: "io_uring with a kernel thread that polls the submission queue",
        polls: Polls::KernelThread,
        io_uring: true,
        flawed: false,
        run: live!(sqpoll::run),
    },
    Server {
        name: "poll-armed",
        model: Model::Readiness,
        says: "flawed: poll that asks for POLLOUT when there is nothing to write",
        polls: Polls::Never,
        io_uring: false,
        flawed: true,
        run: live!(flawed::poll_armed::run),
    },
    Server {
        name: "epoll-armed",
        model: Model::Readiness,
        says: "flawed: epoll that leaves EPOLLOUT armed when there is nothing to write",
        polls: Polls::Never,
        io_uring: false,
        flawed: true,
        run: live!(flawed::epoll_armed::run),
    },
    Server {
        name: "edge-once",
        model: Model::Readiness,
        says: "flawed: edge-triggered, one receive of up to 4096 bytes for each report",
        polls: Polls::Never,
        io_uring: false,
        flawed: true,
        run: live!(flawed::edge_once::run),
    },
    Server {
        name: "recv-spin",
        model: Model::Readiness,
        says: "flawed: no waiting at all, every socket is tried in turn and answers EAGAIN",
        polls: Polls::Itself,
        io_uring: false,
        flawed: true,
        run: live!(flawed::recv_spin::run),
    },
    Server {
        name: "epoll-rewrite",
        model: Model::Readiness,
        says: "flawed: epoll that changes the interest list twice for each message",
        polls: Polls::Never,
        io_uring: false,
        flawed: true,
        run: live!(flawed::epoll_rewrite::run),
    },
    Server {
        name: "uring-async",
        model: Model::Completion,
        says: "flawed: io_uring that forces each receive into a kernel thread (IOSQE_ASYNC)",
        polls: Polls::Never,
        io_uring: true,
        flawed: true,
        run: live!(flawed::uring_async::run),
    },
];

/// The server of that name, flawed ones included.
pub fn by_name(name: &str) -> Option<&'static Server> {
    SERVERS.iter().find(|server| server.name == name)
}
