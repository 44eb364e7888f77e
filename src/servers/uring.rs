//! io_uring in batches: one io_uring_enter submits everything and waits.
//!
//! A program on epoll is told that a socket is ready, and then makes the system call itself. Here it writes
//! whole operations ("receive into this buffer") as submission queue entries (SQEs) into memory that it
//! shares with the kernel, and finds each result as a completion queue entry (CQE) in the same memory.
//!
//! Writing an SQE is not a system call, and reading a CQE is none either. One io_uring_enter(2) a turn hands
//! over the SQEs of the turn and sleeps until there is a CQE: the more operations complete together, the
//! more echoes share that one call.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use anyhow::{Context, ensure};
use io_uring::types::{Fd, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use super::Options;

/// The most that is ever held for one peer: who does not read his echo is not received from.
const BUFFER_BYTES: usize = 4096;

/// How long accepting rests when no descriptor is left. The kernel reads it when it takes the SQE, which is
/// some time after it was pushed: so this is a static and never a local variable.
static REST: Timespec = Timespec::new().nsec(100_000_000);

// The user_data of an SQE comes back in its CQE. It says whose result that is: the descriptor, and in the two
// low bits the operation. A connection has one operation under way and is closed when none is, so no CQE
// can arrive for a number that was closed and given to somebody else.
const ACCEPT: u64 = 0;
const WAIT: u64 = 1;
const RECEIVE: u64 = 2;
const SEND: u64 = 3;

/// One peer. The kernel uses the buffer from the SQE to the CQE: until then this must not be dropped.
struct Connection {
    socket: OwnedFd,
    buffer: Vec<u8>,
    /// The part of the buffer that was received and not sent back yet.
    unsent: Range<usize>,
}

struct Server {
    ring: IoUring,
    listener: TcpListener,
    /// By descriptor: the kernel always gives the lowest free number, so this stays dense.
    connections: Vec<Option<Connection>>,
    /// CQEs that are out of the ring and not looked at yet.
    completed: VecDeque<cqueue::Entry>,
}

/// Serves until the process ends.
pub fn run(listener: TcpListener, options: &Options) -> anyhow::Result<()> {
    // On a blocking socket the operation waits inside io_uring; with O_NONBLOCK it may answer EAGAIN.
    listener.set_nonblocking(false).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit it. Without it the last piece of a long echo waits until the peer has
    // acknowledged the pieces before it (Nagle), which the peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let mut builder = IoUring::builder();
    // The kernel refuses a completion queue that is smaller than the submission queue.
    let sq_entries = options.sq_entries.min(options.cq_entries.unwrap_or(u32::MAX));
    options.cq_entries.map(|entries| builder.setup_cqsize(entries));
    let ring = builder.build(sq_entries).context(
        "io_uring_setup failed and this server is nothing without a ring (EPERM: kernel.io_uring_disabled, or \
         the seccomp filter of a container; ENOSYS: the same or a kernel before 5.1; ENOMEM: RLIMIT_MEMLOCK); \
         try `iolab doctor`, or a server on epoll",
    )?;
    // CQEs beyond the size of the queue then wait in the kernel (5.5).
    ensure!(ring.params().is_feature_nodrop(), "this kernel would drop completions (no IORING_FEAT_NODROP)");

    // Leaked, because this function may return with an error: the operations under way do not end with it,
    // and the kernel goes on writing into the buffers.
    let server = Server { ring, listener, connections: Vec::new(), completed: VecDeque::new() };
    let server = Box::leak(Box::new(server));
    server.accept()?;
    loop {
        // The one system call of a turn: submits what the last turn pushed, sleeps until there is a CQE.
        server.enter(1)?;
        while let Some(cqe) = server.completed.pop_front() {
            server.complete(&cqe)?;
        }
    }
}

impl Server {
    /// Acts on one result. Every CQE leads to the next SQE of the same connection, or to its end.
    fn complete(&mut self, cqe: &cqueue::Entry) -> anyhow::Result<()> {
        // There is no errno here: a negative result is one.
        let result = match cqe.result() {
            error @ ..0 => Err(Errno::from_raw(-error)),
            value => Ok(value as usize),
        };
        let (fd, operation) = ((cqe.user_data() >> 2) as RawFd, cqe.user_data() & 3);
        match (operation, result) {
            (ACCEPT, Ok(fd)) => {
                self.welcome(fd as RawFd)?;
                self.accept()
            }
            // The peer gave up before its turn came, or nothing happened: the next one, please.
            (ACCEPT, Err(Errno::ECONNABORTED | Errno::EINTR | Errno::EAGAIN)) => self.accept(),
            // EMFILE, ENFILE, ENOMEM: the peer stays in the kernel's queue, and another accept would fail
            // at once, and again. To wait is an operation like any other.
            (ACCEPT, Err(_)) => self.push(opcode::Timeout::new(&REST).build(), fd, WAIT),
            (WAIT, _) => self.accept(),

            // The peer has finished and has everything back. No operation is under way, so this closes;
            // close(2) during a receive would not even send the FIN.
            (RECEIVE, Ok(0)) => self.close(fd),
            (RECEIVE, Ok(bytes)) => {
                self.connection(fd).unsent = 0..bytes;
                self.go_on(fd)
            }
            // Fewer than asked for, if the peer reads slowly: the rest is next.
            (_, Ok(bytes)) => {
                self.connection(fd).unsent.start += bytes;
                self.go_on(fd)
            }
            // Nothing happened: the same again.
            (_, Err(Errno::EINTR | Errno::EAGAIN)) => self.go_on(fd),
            // ECONNRESET, EPIPE, ETIMEDOUT, ECANCELED: the end of this connection and of nothing else.
            (_, Err(_)) => self.close(fd),
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        let fd = self.listener.as_raw_fd();
        let accept = opcode::Accept::new(Fd(fd), ptr::null_mut(), ptr::null_mut()).flags(libc::SOCK_CLOEXEC);
        self.push(accept.build(), fd, ACCEPT)
    }

    fn welcome(&mut self, fd: RawFd) -> anyhow::Result<()> {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        if self.connections.len() <= fd as usize {
            self.connections.resize_with(fd as usize + 1, || None);
        }
        self.connections[fd as usize] =
            Some(Connection { socket, buffer: vec![0; BUFFER_BYTES], unsent: 0..0 });
        self.go_on(fd)
    }

    /// Starts the one operation that a connection has under way: what was received goes back first.
    fn go_on(&mut self, fd: RawFd) -> anyhow::Result<()> {
        let Connection { socket, buffer, unsent } = self.connection(fd);
        let socket = Fd(socket.as_raw_fd());
        let bytes = &buffer[unsent.clone()];
        if bytes.is_empty() {
            let receive = opcode::Recv::new(socket, buffer.as_mut_ptr(), BUFFER_BYTES as u32);
            self.push(receive.build(), fd, RECEIVE)
        } else {
            // Without MSG_NOSIGNAL a peer that is gone would be a SIGPIPE, not an EPIPE.
            let send =
                opcode::Send::new(socket, bytes.as_ptr(), bytes.len() as u32).flags(libc::MSG_NOSIGNAL);
            self.push(send.build(), fd, SEND)
        }
    }

    fn connection(&mut self, fd: RawFd) -> &mut Connection {
        self.connections[fd as usize].as_mut().expect("a connection outlives its operation")
    }

    fn close(&mut self, fd: RawFd) -> anyhow::Result<()> {
        self.connections[fd as usize] = None;
        Ok(())
    }

    /// Writes an SQE into the submission queue. The kernel does not look there before the next enter.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> anyhow::Result<()> {
        let sqe = sqe.user_data((fd as u64) << 2 | operation);
        // SAFETY: buffers neither move nor go before their CQE has come, and REST is a static.
        while unsafe { self.ring.submission().push(&sqe) }.is_err() {
            // The queue is full; submitting empties it.
            self.enter(0)?;
        }
        Ok(())
    }

    /// Submits what was pushed, sleeps until `wanted` CQEs are there, and takes all that are.
    fn enter(&mut self, wanted: usize) -> anyhow::Result<()> {
        match self.ring.submit_and_wait(wanted).map_err(|error| (error.raw_os_error(), error)) {
            // A signal; no memory just now; CQEs that wait for room. What was not submitted stays queued.
            Ok(_) | Err((Some(libc::EINTR | libc::EAGAIN | libc::EBUSY), _)) => {}
            Err((_, error)) => return Err(error).context("io_uring_enter"),
        }
        // If more had completed than fits (an overflow), the next enter brings the rest into this space.
        self.completed.extend(self.ring.completion());
        ensure!(self.ring.completion().overflow() == 0, "out of memory, the kernel dropped a completion");
        Ok(())
    }
}
