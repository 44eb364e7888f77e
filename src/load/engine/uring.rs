//! The io_uring engine: a multishot receive on every connection into shared buffers, a send for every
//! request, and one io_uring_enter(2) that submits all of them and waits.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::EventFd;

use super::Engine;
use super::buffers::Buffers;
use crate::load::clock::now_ns;
use crate::load::pool::Token;
use crate::load::traffic::Traffic;
use crate::trace::{Layer, Refusal};

/// Slots of the submission queue. What does not fit goes with the next turn.
const SQ_ENTRIES: u32 = 512;

/// Slots of the completion queue. What does not fit the kernel keeps (IORING_FEAT_NODROP), at a price.
const CQ_ENTRIES: u32 = 4096;

/// The group of the receive buffers.
const BUFFER_GROUP: u16 = 0;

/// What a completion is about: the upper 8 bits of `user_data`; the lower 56 are a token.
const RECEIVED: u64 = 1 << 56;
const SENT: u64 = 2 << 56;
const WOKEN: u64 = 3 << 56;
const KIND: u64 = 0xff << 56;

/// A ring and its buffers.
pub struct Uring {
    ring: IoUring,
    buffers: Buffers,
    wake: Arc<EventFd>,
    /// Connections whose receive is to be submitted.
    to_arm: Vec<Token>,
    wake_armed: bool,
}

impl Uring {
    /// Makes the ring, for this thread alone.
    ///
    /// # Errors
    ///
    /// EPERM where a seccomp filter or `kernel.io_uring_disabled` forbids io_uring, EINVAL before
    /// Linux 6.1, whose flags also promise multishot receives (6.0) and buffer rings (5.19).
    pub fn new(wake: Arc<EventFd>) -> Result<Self, Refusal> {
        let ring = IoUring::builder()
            .setup_cqsize(CQ_ENTRIES)
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_submit_all()
            .build(SQ_ENTRIES)
            .map_err(|error| refusal("io_uring_setup", &error))?;
        let buffers = Buffers::register(&ring, BUFFER_GROUP)
            .map_err(|error| refusal("io_uring_register(PBUF_RING)", &error))?;
        Ok(Self { ring, buffers, wake, to_arm: Vec::new(), wake_armed: false })
    }

    /// Fills the submission queue. False if there was more than it holds.
    fn fill(&mut self, traffic: &mut Traffic) -> bool {
        let mut queue = self.ring.submission();
        if !self.wake_armed {
            let entry = opcode::PollAdd::new(types::Fd(self.wake.as_raw_fd()), libc::POLLIN as u32);
            // SAFETY: the descriptor lives as long as the ring; a poll has no memory.
            self.wake_armed = unsafe { queue.push(&entry.build().user_data(WOKEN)) }.is_ok();
        }
        while !queue.is_full() {
            let Some(token) = self.to_arm.pop() else { break };
            let Some(fd) = traffic.fd(token) else { continue };
            let entry = opcode::RecvMulti::new(types::Fd(fd.as_raw_fd()), BUFFER_GROUP);
            let entry = entry.build().user_data(RECEIVED | token.to_bits());
            // SAFETY: memory comes from the registered buffers, which are never unmapped.
            if unsafe { queue.push(&entry) }.is_err() {
                self.to_arm.push(token);
            }
        }
        // Sends are timed from just before they are submitted.
        let now_ns = now_ns();
        while !queue.is_full() {
            let Some(chunk) = traffic.next_chunk(now_ns) else { return self.to_arm.is_empty() };
            let entry = send(chunk.fd, chunk.bytes).user_data(SENT | chunk.token.to_bits());
            // SAFETY: the bytes are static. The queue has room, and only this thread pushes.
            let pushed = unsafe { queue.push(&entry) };
            debug_assert!(pushed.is_ok(), "a queue that was not full");
        }
        false
    }

    /// Submits and waits for a completion or the time.
    fn enter(&mut self, until_ns: Option<u64>) -> io::Result<()> {
        let timeout = until_ns.map(|until_ns| {
            let left_ns = until_ns.saturating_sub(now_ns());
            types::Timespec::new().sec(left_ns / 1_000_000_000).nsec((left_ns % 1_000_000_000) as u32)
        });
        let mut arguments = types::SubmitArgs::new();
        if let Some(timeout) = &timeout {
            arguments = arguments.timespec(timeout);
        }
        match self.ring.submitter().submit_with_args(1, &arguments) {
            Ok(_) => Ok(()),
            // The time has come; a signal; completions must be taken before more is submitted.
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Hands all completions on. True if the lab has something to say.
    fn reap(&mut self, traffic: &mut Traffic) -> io::Result<bool> {
        let now_ns = now_ns();
        let mut woken = false;
        for completion in self.ring.completion() {
            let token = Token::from_bits(completion.user_data());
            let result = completion.result();
            match completion.user_data() & KIND {
                SENT if result >= 0 => traffic.sent(token, result as u32),
                SENT => traffic.closed(token, Some(Errno::from_raw(-result))),
                RECEIVED => {
                    let id = cqueue::buffer_select(completion.flags());
                    if let (Some(id), Ok(bytes)) = (id, u32::try_from(result)) {
                        let more = cqueue::buffer_more(completion.flags());
                        self.buffers.take(id, bytes, more, |seen| traffic.received(token, seen, now_ns));
                    }
                    if received_last(traffic, token, &completion) {
                        self.to_arm.push(token);
                    }
                }
                _ => {
                    self.wake.read()?;
                    self.wake_armed = false;
                    woken = true;
                }
            }
        }
        Ok(woken)
    }
}

/// Which layer says no, as far as an errno tells.
fn refusal(call: &str, error: &io::Error) -> Refusal {
    let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
    let switched_off = || {
        let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
        setting.is_ok_and(|setting| setting.trim() != "0")
    };
    let (layer, why) = match errno {
        Errno::EPERM if switched_off() => (Layer::Sysctl, "kernel.io_uring_disabled is set"),
        Errno::EPERM | Errno::EACCES => (Layer::Seccomp, "a system call filter forbids io_uring"),
        Errno::ENOMEM => (Layer::Memlock, "the limit on locked memory (ulimit -l) leaves no room"),
        Errno::EMFILE | Errno::ENFILE => (Layer::Limit, "no descriptor is left (ulimit -n)"),
        _ => (Layer::Kernel, "this loop needs Linux 6.1"),
    };
    let try_this = "--engine epoll".to_owned();
    Refusal { layer, says: format!("{call}: {errno:?}: {why}; {try_this} goes without"), try_this }
}

/// A send of all these bytes: the kernel itself waits for room in the socket (MSG_WAITALL).
fn send(fd: i32, bytes: &'static [u8]) -> squeue::Entry {
    opcode::Send::new(types::Fd(fd), bytes.as_ptr(), bytes.len() as u32)
        .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
        .build()
}

/// Whether this was the last completion of a multishot receive that is to be submitted again: there was no
/// buffer (ENOBUFS), or the kernel ended it for reasons of its own.
fn received_last(traffic: &mut Traffic, token: Token, completion: &cqueue::Entry) -> bool {
    let ended = !cqueue::more(completion.flags());
    match completion.result() {
        0 => traffic.closed(token, None),
        result if result > 0 => return ended,
        result => match Errno::from_raw(-result) {
            Errno::ENOBUFS | Errno::EINTR | Errno::EAGAIN => return ended,
            errno => traffic.closed(token, Some(errno)),
        },
    }
    false
}

impl Engine for Uring {
    fn name(&self) -> &'static str {
        "io_uring"
    }

    fn watch(&mut self, _traffic: &mut Traffic, token: Token) -> io::Result<()> {
        self.to_arm.push(token);
        Ok(())
    }

    fn turn(&mut self, traffic: &mut Traffic, until_ns: Option<u64>) -> io::Result<bool> {
        let all = self.fill(traffic);
        self.enter(if all { until_ns } else { Some(0) })?;
        self.reap(traffic)
    }
}
