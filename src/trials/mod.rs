//! The trials: small programs that provoke one mistake or show one fact, one file each, written to be read
//! from top to bottom as a lesson prints it.
//!
//! A trial is no server and has no client: a plain function that makes its system calls and returns. It
//! imports nothing of iolab, counts nothing and prints nothing; what it shows is what the kernel says of its
//! process. To add one: write `name.rs`, add its `mod` line, add one row to [`TRIALS`].
//!
//! What a trial opened it leaves open where its state is worth a look: the kernel closes it when the process
//! ends, and until then it can be seen from outside.

// Descriptors, signals and rings are the subject here: their raw forms need unsafe, each block with its reason.
#![allow(unsafe_code)]

#[cfg(feature = "live")]
pub mod edge_stall;
#[cfg(feature = "live")]
pub mod gate;
#[cfg(feature = "live")]
pub mod getppid;
#[cfg(feature = "live")]
pub mod ghost_event;

/// A trial's entry function: returns when it is over.
pub type Run = fn() -> anyhow::Result<()>;

/// One row of [`TRIALS`].
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// The name learners type.
    pub name: &'static str,
    /// What it does, in a line.
    pub says: &'static str,
    /// The lesson that it belongs to.
    pub lesson: u8,
    /// Whether it needs io_uring_setup(2) to be allowed.
    pub io_uring: bool,
    /// Whether a kernel thread of its polls (SQPOLL), which takes a processor while it does.
    pub polls: bool,
    /// The code; `None` in a build without the feature `live`.
    pub run: Option<Run>,
}

/// Names a trial's code where it is compiled in, so that a row is the same in every build.
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

/// Every trial iolab has; the command line, the lab and the lessons read this one table.
pub const TRIALS: &[Trial] = &[
    Trial {
        name: "getppid",
        says: "300 000 system calls that have nothing to wait for",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(getppid::run),
    },
    Trial {
        name: "edge-stall",
        says: "edge-triggered epoll: 6 bytes come, 3 are read, and the next wait finds nothing",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(edge_stall::run),
    },
    Trial {
        name: "ghost-event",
        says: "a closed descriptor that goes on reporting, because a copy of it lives",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(ghost_event::run),
    },
];

/// The trial of that name.
pub fn by_name(name: &str) -> Option<&'static Trial> {
    TRIALS.iter().find(|trial| trial.name == name)
}
