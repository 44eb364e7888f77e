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
pub mod beyond_fd_set;
#[cfg(feature = "live")]
pub mod buffered;
#[cfg(feature = "live")]
pub mod buffers_given_back;
#[cfg(feature = "live")]
pub mod buffers_run_out;
#[cfg(feature = "live")]
pub mod byte_by_byte;
#[cfg(feature = "live")]
pub mod close_in_flight;
#[cfg(feature = "live")]
pub mod closed_again;
#[cfg(feature = "live")]
pub mod cq_overflow;
#[cfg(feature = "live")]
pub mod cut_short;
#[cfg(feature = "live")]
pub mod edge_stall;
#[cfg(feature = "live")]
pub mod epoll_file;
#[cfg(feature = "live")]
pub mod flood;
#[cfg(feature = "live")]
pub mod gate;
#[cfg(feature = "live")]
pub mod getppid;
#[cfg(feature = "live")]
pub mod ghost_event;
#[cfg(feature = "live")]
pub mod gone;
#[cfg(feature = "live")]
pub mod hang_up;
#[cfg(feature = "live")]
pub mod herd;
#[cfg(feature = "live")]
pub mod herd_exclusive;
#[cfg(feature = "live")]
pub mod in_turn;
#[cfg(feature = "live")]
pub mod left_open;
#[cfg(feature = "live")]
pub mod link_short_read;
#[cfg(feature = "live")]
pub mod link_timeout;
#[cfg(feature = "live")]
pub mod loop_fds;
#[cfg(feature = "live")]
pub mod multishot_again;
#[cfg(feature = "live")]
pub mod multishot_once;
#[cfg(feature = "live")]
pub mod nonblock_pends;
#[cfg(feature = "live")]
pub mod nops_alone;
#[cfg(feature = "live")]
pub mod nops_in_batches;
#[cfg(feature = "live")]
pub mod one_shot;
#[cfg(feature = "live")]
pub mod peek_enter;
#[cfg(feature = "live")]
pub mod peek_only;
pub mod prepared;
#[cfg(feature = "live")]
pub mod ring_by_crate;
#[cfg(feature = "live")]
pub mod ring_by_hand;
#[cfg(feature = "live")]
pub mod ring_by_liburing;
#[cfg(feature = "live")]
pub mod ring_fsync;
#[cfg(feature = "live")]
pub mod setup;
#[cfg(feature = "live")]
pub mod short_write;
#[cfg(feature = "live")]
pub mod signal;
#[cfg(feature = "live")]
pub mod sqpoll_asleep;
#[cfg(feature = "live")]
pub mod sqpoll_flags;
#[cfg(feature = "live")]
pub mod sqpoll_idle;
#[cfg(feature = "live")]
pub mod sqpoll_woken;
#[cfg(feature = "live")]
pub mod turns;

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
        name: "turns",
        says: "two threads hand one byte to and fro 10 000 times, and every read waits",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(turns::run),
    },
    Trial {
        name: "short-write",
        says: "a write that takes a part, one that takes nothing, and the rest later",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(short_write::run),
    },
    Trial {
        name: "cut-short",
        says: "a write takes a part, and the program goes on with the next message",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(cut_short::run),
    },
    Trial {
        name: "byte-by-byte",
        says: "8 lines, read byte by byte: a system call for each",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(byte_by_byte::run),
    },
    Trial {
        name: "buffered",
        says: "8 lines, read into a buffer: one system call for all",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(buffered::run),
    },
    Trial {
        name: "signal",
        says: "a signal breaks a read off, and cuts a write short",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(signal::run),
    },
    Trial {
        name: "gone",
        says: "the peer is gone: a read answers 0, a write EPIPE",
        lesson: 0,
        io_uring: false,
        polls: false,
        run: live!(gone::run),
    },
    Trial {
        name: "hang-up",
        says: "poll reports a hang-up 1000 times, because nobody takes it",
        lesson: 1,
        io_uring: false,
        polls: false,
        run: live!(hang_up::run),
    },
    Trial {
        name: "beyond-fd-set",
        says: "descriptor 1024: a set of select cannot hold it, and poll takes it",
        lesson: 1,
        io_uring: false,
        polls: false,
        run: live!(beyond_fd_set::run),
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
    Trial {
        name: "epoll-file",
        says: "epoll refuses a regular file, which poll calls ready",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(epoll_file::run),
    },
    Trial {
        name: "one-shot",
        says: "EPOLLONESHOT: one report, and silence until it is asked for again",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(one_shot::run),
    },
    Trial {
        name: "herd",
        says: "four threads wait for one listener, and each connection wakes them all",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(herd::run),
    },
    Trial {
        name: "herd-exclusive",
        says: "the same with EPOLLEXCLUSIVE: each connection wakes one of them",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(herd_exclusive::run),
    },
    Trial {
        name: "loop-fds",
        says: "a counter, a timer and signals in one epoll set; what is not read goes on reporting",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(loop_fds::run),
    },
    Trial {
        name: "flood",
        says: "one peer floods, another waits: drained, and served in turn",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(flood::run),
    },
    Trial {
        name: "in-turn",
        says: "one peer floods, another waits: served in turn, and nobody waits long",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(in_turn::run),
    },
    Trial {
        name: "left-open",
        says: "16 connections are over, and their descriptors are kept",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(left_open::run),
    },
    Trial {
        name: "closed-again",
        says: "16 connections are over, and are closed",
        lesson: 2,
        io_uring: false,
        polls: false,
        run: live!(closed_again::run),
    },
    Trial {
        name: "setup",
        says: "a ring by hand: one call, two mappings, an SQE, an enter, and a CQE",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(setup::run),
    },
    Trial {
        name: "cq-overflow",
        says: "40 operations complete into a queue of 16",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(cq_overflow::run),
    },
    Trial {
        name: "link-short-read",
        says: "three linked reads: the first is short, the others are called off",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(link_short_read::run),
    },
    Trial {
        name: "link-timeout",
        says: "a receive with a time limit, from a peer that says nothing",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(link_timeout::run),
    },
    Trial {
        name: "close-in-flight",
        says: "close while a receive is in flight: the peer does not hear of it",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(close_in_flight::run),
    },
    Trial {
        name: "nonblock-pends",
        says: "a receive on a socket that must not wait, and it waits",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(nonblock_pends::run),
    },
    Trial {
        name: "buffers-run-out",
        says: "a multishot receive that ends with ENOBUFS, again and again",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(buffers_run_out::run),
    },
    Trial {
        name: "buffers-given-back",
        says: "the same with buffers given back in time: one receive for all",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(buffers_given_back::run),
    },
    Trial {
        name: "multishot-once",
        says: "a multishot receive ends, and nobody looks at the flag",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(multishot_once::run),
    },
    Trial {
        name: "multishot-again",
        says: "a multishot receive ends, and is asked for again",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(multishot_again::run),
    },
    Trial {
        name: "peek-only",
        says: "DEFER_TASKRUN and a loop that never enters: nothing completes",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(peek_only::run),
    },
    Trial {
        name: "peek-enter",
        says: "DEFER_TASKRUN and a loop that enters: what is ready completes",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(peek_enter::run),
    },
    Trial {
        name: "sqpoll-asleep",
        says: "a wake-up that is missing: the SQE lies in the ring, and nothing happens",
        lesson: 4,
        io_uring: true,
        polls: true,
        run: live!(sqpoll_asleep::run),
    },
    Trial {
        name: "sqpoll-woken",
        says: "a wake-up that is not forgotten: the SQE is taken at once",
        lesson: 4,
        io_uring: true,
        polls: true,
        run: live!(sqpoll_woken::run),
    },
    Trial {
        name: "sqpoll-idle",
        says: "an idle time of 0, which is a second that a kernel thread uses up",
        lesson: 4,
        io_uring: true,
        polls: true,
        run: live!(sqpoll_idle::run),
    },
    Trial {
        name: "sqpoll-flags",
        says: "flags of io_uring_setup that do not go together with SQPOLL",
        lesson: 4,
        io_uring: true,
        polls: true,
        run: live!(sqpoll_flags::run),
    },
    Trial {
        name: "nops-alone",
        says: "64 000 operations that do nothing, one a call",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(nops_alone::run),
    },
    Trial {
        name: "nops-in-batches",
        says: "the same 64 000 operations, 32 a call",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(nops_in_batches::run),
    },
    Trial {
        name: "ring-fsync",
        says: "fsync through a ring: a thread that the program never started does the waiting",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(ring_fsync::run),
    },
    Trial {
        name: "ring-by-hand",
        says: "16 operations through a ring by hand: raw mmap, head, tail, barriers",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(ring_by_hand::run),
    },
    Trial {
        name: "ring-by-crate",
        says: "the same 16 operations with the io-uring crate",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(ring_by_crate::run),
    },
    Trial {
        name: "ring-by-liburing",
        says: "the same 16 operations with liburing, in C",
        lesson: 3,
        io_uring: true,
        polls: false,
        run: live!(ring_by_liburing::run),
    },
];

/// The trial of that name.
pub fn by_name(name: &str) -> Option<&'static Trial> {
    TRIALS.iter().find(|trial| trial.name == name)
}
