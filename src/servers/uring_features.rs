//! What of io_uring `uring-multishot` uses, and what it does on a kernel that lacks some of it.
//!
//! Each kind of feature is a ladder. The kernel is asked rung by rung and answers
//! EINVAL to what it does not know; its version is never looked at, because
//! distributions carry features back and filters take them away. Every rung that is
//! missing is named in one line on stderr.
//!
//! The rungs in brief: what a kernel since 6.1 has is all of it; 5.19 has buffer
//! rings, multishot accept and COOP_TASKRUN; before that it does what `uring` does.

use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};

use super::Options;
use super::buffer_ring::{BufferRing, GROUP};

/// The rungs to stand on. Tests take some away, as no command line takes a feature
/// away from a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// When the kernel completes operations.
    pub task_work: TaskWork,
    /// How connections are accepted.
    pub accept: Accept,
    /// How bytes are received.
    pub receive: Receive,
}

/// When the kernel runs the second half of an operation whose socket has become ready (task_work).
///
/// The wake-up of a socket happens wherever bytes arrive: in an interrupt, in the
/// peer's send on loopback. Receiving from there is not possible, since the bytes
/// go to this process's memory. So the wake-up leaves a note for the thread, which
/// carries the receive out itself. These rungs say when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskWork {
    /// When this thread waits for CQEs, all of it in one go (IORING_SETUP_DEFER_TASKRUN,
    /// 6.1). Whoever only looks at the CQ and never enters with GETEVENTS waits for ever.
    Deferred,
    /// At this thread's next system call of any kind (IORING_SETUP_COOP_TASKRUN, 5.19).
    Cooperative,
    /// At once: a thread in user mode is interrupted for it, by an inter-processor
    /// interrupt if it is on another processor.
    Interrupting,
}

/// How connections are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// One SQE for all of them (IORING_ACCEPT_MULTISHOT, 5.19). Whether the kernel
    /// has it shows at the first accept: asking beforehand would take a connection.
    Multishot,
    /// One SQE each, as in `uring`.
    Single,
}

/// How bytes are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receive {
    /// One SQE for a connection's life, into buffers of the ring (IORING_RECV_MULTISHOT, 6.0).
    Multishot,
    /// One SQE for each arrival, into buffers of the ring (IORING_REGISTER_PBUF_RING, 5.19).
    Provided,
    /// One SQE for each arrival, into memory of the connection, as in `uring`.
    Own,
}

impl Features {
    /// All that there is.
    pub const ALL: Self =
        Self { task_work: TaskWork::Deferred, accept: Accept::Multishot, receive: Receive::Multishot };

    /// Makes a ring and its buffers with these features, and leaves here what the
    /// kernel has of them. Each refusal costs one system call, once.
    pub fn set_up(
        &mut self,
        options: &Options,
        listener: &TcpListener,
    ) -> anyhow::Result<(IoUring, BufferRing)> {
        let mut ring = self.task_work.set_up(options)?;
        // CQEs beyond the size of the queue then wait in the kernel (5.5).
        ensure!(
            ring.params().is_feature_nodrop(),
            "this kernel would drop completions (no IORING_FEAT_NODROP)"
        );
        // Nobody but the kernel can say whether it has buffer rings, so it is given
        // one. Without them the memory stays unused, and no page of it is ever taken.
        let mut pool = BufferRing::new(options.buffers)?;
        if self.receive != Receive::Own {
            match pool.register(&ring) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                    missing(
                        "provided buffer rings (IORING_REGISTER_PBUF_RING)",
                        "each connection has a buffer",
                    );
                    self.receive = Receive::Own;
                }
                done => {
                    done.context("io_uring_register PBUF_RING failed; fewer --buffers pin less memory")?
                }
            }
        }
        if self.receive == Receive::Multishot && !has_multishot_receive(&mut ring, listener)? {
            missing("multishot receive (IORING_RECV_MULTISHOT)", "every receive needs an SQE");
            self.receive = Receive::Provided;
        }
        Ok((ring, pool))
    }
}

impl TaskWork {
    /// Makes the ring on the highest rung that the kernel knows, from this one
    /// downwards. What is missing is said when a ring is there: EINVAL may also
    /// mean sizes that no kernel takes.
    fn set_up(&mut self, options: &Options) -> anyhow::Result<IoUring> {
        let wanted = *self;
        loop {
            match self.try_set_up(options) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) && *self != Self::Interrupting => {
                    *self = self.below();
                }
                Err(error) => {
                    return Err(error).context(
                        "io_uring_setup failed and this server is nothing without a ring (EPERM: \
                         kernel.io_uring_disabled, or the seccomp filter of a container; ENOSYS: the same or a \
                         kernel before 5.1; ENOMEM: RLIMIT_MEMLOCK); try `iolab doctor`, or a server on epoll",
                    );
                }
                Ok(ring) => {
                    wanted.say_missing_down_to(*self);
                    return Ok(ring);
                }
            }
        }
    }

    /// Asks for this rung alone. Flags that a kernel does not know are EINVAL
    /// (io_uring_setup(2)), and so are flags that do not go together.
    fn try_set_up(self, options: &Options) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        match self {
            // Deferring needs the promise that one thread alone submits: the one
            // that makes the ring. It is the thread that the notes are left for; a
            // submission by any other is refused with EEXIST.
            Self::Deferred => builder.setup_single_issuer().setup_defer_taskrun(),
            Self::Cooperative => builder.setup_coop_taskrun(),
            Self::Interrupting => &mut builder,
        };
        // The kernel refuses a completion queue that is smaller than the submission queue.
        let sq_entries = options.sq_entries.min(options.cq_entries.unwrap_or(u32::MAX));
        options.cq_entries.map(|entries| builder.setup_cqsize(entries));
        builder.build(sq_entries)
    }

    /// The next rung downwards; the lowest is its own.
    fn below(self) -> Self {
        match self {
            Self::Deferred => Self::Cooperative,
            Self::Cooperative | Self::Interrupting => Self::Interrupting,
        }
    }

    /// Names every rung that was asked for and refused.
    fn say_missing_down_to(self, reached: Self) {
        if self == reached {
            return;
        }
        match self {
            Self::Deferred => {
                missing("IORING_SETUP_DEFER_TASKRUN", "completions come in smaller batches");
            }
            Self::Cooperative => missing("IORING_SETUP_COOP_TASKRUN", "completions interrupt the server"),
            Self::Interrupting => {}
        }
        self.below().say_missing_down_to(reached);
    }
}

/// Asks by trying, on the one socket there is. Nothing can be received from a
/// listener: the answer is ENOTCONN from a kernel that understands the question,
/// and EINVAL from one that does not.
fn has_multishot_receive(ring: &mut IoUring, listener: &TcpListener) -> anyhow::Result<bool> {
    let question = opcode::RecvMulti::new(Fd(listener.as_raw_fd()), GROUP).build();
    // The SQE is the one of every receive, so the answer is about that and nothing else.
    // SAFETY: the SQE points to no memory, and the buffers of the group are never unmapped.
    unsafe { ring.submission().push(&question) }.context("the submission queue has no room for one SQE")?;
    loop {
        match ring.submit_and_wait(1) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(error).context("io_uring_enter");
            }
            _ => {}
        }
        if let Some(cqe) = ring.completion().next() {
            return Ok(cqe.result() != -libc::EINVAL);
        }
    }
}

/// Says what this kernel lacks, and what that changes. A learner who sees other
/// numbers than the lesson says should find the reason on the screen.
pub fn missing(feature: &str, consequence: &str) {
    // Nobody may be reading; the server works all the same.
    let _ = writeln!(io::stderr(), "uring-multishot: this kernel has no {feature}: {consequence}");
}
