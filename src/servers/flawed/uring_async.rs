//! Flawed: every receive is forced into a kernel thread, by a flag that sounds right.
//!
//! IOSQE_ASYNC says: do not even try in the thread that submits, hand the operation to a
//! worker (io-wq). It is meant for what would block the caller, such as a file that has
//! to come from a disk. "I want it asynchronous", thinks who sets it for a socket; but
//! io_uring is that already. The difference to `uring` is this one flag.
//!
//! Seen from outside: threads called iou-wrk, which `uring` has none of. Each receive is
//! put into their queue, a worker is woken, tries it, and finds mostly that nothing is
//! there yet. That costs a switch and a lock for each message; the tails of the rings
//! are the same.

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

use super::super::Options;

/// The most that is ever held for one peer. Small, because every connection has a buffer,
/// idle or not: an operation names its memory before there is anything to put there.
const BUFFER_BYTES: usize = 4096;

/// How long accepting rests when no descriptor is left. The kernel reads this when
/// it takes the SQE, which is some time after the SQE was written: so it is a
/// static, and never a local variable.
static REST: Timespec = Timespec::new().nsec(100_000_000);

/// Serves until the process ends: hands over what is to be done, waits, looks at what was done.
pub fn run(listener: TcpListener, options: &Options) -> anyhow::Result<()> {
    // On a blocking socket an operation that finds nothing stays in flight. With
    // O_NONBLOCK it may answer EAGAIN instead, depending on operation and kernel.
    listener.set_nonblocking(false).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit this. Without it Nagle's algorithm would hold the
    // end of a long echo back until the peer has acknowledged the beginning, which
    // a peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let mut builder = IoUring::builder();
    // The kernel refuses a completion queue that is smaller than the submission queue.
    let sq_entries = options.sq_entries.min(options.cq_entries.unwrap_or(u32::MAX));
    options.cq_entries.map(|entries| builder.setup_cqsize(entries));
    // Makes both rings, and maps them into this process: from here on the memory is shared.
    let ring = builder.build(sq_entries).context(
        "io_uring_setup failed and this server is nothing without a ring (EPERM: kernel.io_uring_disabled, or \
         the seccomp filter of a container; ENOSYS: the same or a kernel before 5.1; ENOMEM: RLIMIT_MEMLOCK); \
         try `iolab doctor`, or a server on epoll",
    )?;
    // CQEs beyond the size of the queue then wait in the kernel (5.5).
    ensure!(ring.params().is_feature_nodrop(), "this kernel would drop completions (no IORING_FEAT_NODROP)");

    // Leaked, because this function may return with an error: the operations in
    // flight do not end with it, and the kernel goes on writing into the buffers.
    let server = Server { ring, listener, connections: Vec::new(), completed: VecDeque::new() };
    let server = Box::leak(Box::new(server));
    server.accept()?;
    // ANCHOR: loop
    loop {
        // The one system call of a turn, and the one place where the thread sleeps:
        // it submits all that the last turn pushed and returns when there is a CQE.
        server.enter(1)?;
        // All CQEs that are there, and each pushes an SQE. This is where a batch comes
        // from: it is as large as what completed together, and not as what is connected.
        while let Some(cqe) = server.completed.pop_front() {
            server.complete(&cqe)?;
        }
    }
    // ANCHOR_END: loop
}

// The user_data of an SQE comes back in its CQE, and CQEs come in any order. So it
// says whose result that is: the descriptor, and in the two low bits the operation.
// A connection has one operation in flight and is closed when it has none, so no
// CQE can come for a number that was closed and given to somebody else.
const ACCEPT: u64 = 0;
const WAIT: u64 = 1;
const RECEIVE: u64 = 2;
const SEND: u64 = 3;

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    ring: IoUring,
    listener: TcpListener,
    /// By descriptor: the kernel always gives the lowest free number, so there are few holes.
    connections: Vec<Option<Connection>>,
    /// CQEs that are out of the ring and not looked at yet.
    completed: VecDeque<cqueue::Entry>,
}

/// A peer, as long as its socket is open.
struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// From SQE to CQE it belongs to the kernel, which may write there at any
    /// moment: until then this must not be dropped.
    buffer: Vec<u8>,
    /// The part of the buffer that was received and not sent back yet.
    unsent: Range<usize>,
}

impl Server {
    // ANCHOR: accept
    /// Asks for the next connection. The kernel finishes its handshake, takes it
    /// off the accept queue and gives it a descriptor, which is the result. There
    /// is always one accept in flight, unless descriptors have run out.
    fn accept(&mut self) -> anyhow::Result<()> {
        let fd = self.listener.as_raw_fd();
        let accept = opcode::Accept::new(Fd(fd), ptr::null_mut(), ptr::null_mut()).flags(libc::SOCK_CLOEXEC);
        self.push(accept.build(), fd, ACCEPT)
    }
    // ANCHOR_END: accept

    // ANCHOR: enter
    /// Writes an SQE into the submission queue. The kernel does not look there
    /// before the next enter.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> anyhow::Result<()> {
        let sqe = sqe.user_data((fd as u64) << 2 | operation);
        // The tail is moved by a release store: whoever sees the new tail sees the SQE, too.
        // SAFETY: buffers neither move nor go before their CQE has come, and REST is a static.
        while unsafe { self.ring.submission().push(&sqe) }.is_err() {
            // The queue is full. Submitting empties it: what the kernel has taken
            // needs no slot, in flight or not.
            self.enter(0)?;
        }
        Ok(())
    }

    /// Submits what was pushed, sleeps until `wanted` CQEs are there, and takes all that are.
    ///
    /// The kernel takes the SQEs one by one. A send is tried at once and mostly done
    /// before the call returns. A receive goes into the queue of the workers instead,
    /// though nothing would block here: finding nothing, it would wait by itself.
    fn enter(&mut self, wanted: usize) -> anyhow::Result<()> {
        match self.ring.submit_and_wait(wanted).map_err(|error| (error.raw_os_error(), error)) {
            // A signal; no memory just now; CQEs that wait for room. What was not
            // submitted stays queued.
            Ok(_) | Err((Some(libc::EINTR | libc::EAGAIN | libc::EBUSY), _)) => {}
            Err((_, error)) => return Err(error).context("io_uring_enter"),
        }
        // Taking them moves the head, and their slots are free. If more had
        // completed than fits (an overflow), the kernel keeps the rest in a list,
        // and the next enter brings it.
        self.completed.extend(self.ring.completion());
        ensure!(self.ring.completion().overflow() == 0, "out of memory, the kernel dropped a completion");
        Ok(())
    }
    // ANCHOR_END: enter

    // ANCHOR: complete
    /// Acts on one result. Every CQE leads to the next SQE of the same connection, or to its end.
    fn complete(&mut self, cqe: &cqueue::Entry) -> anyhow::Result<()> {
        // There is no errno here, which belongs to a call: a negative result is one.
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
            // The peer gave up while it waited, or nothing happened: the next one, then.
            (ACCEPT, Err(Errno::ECONNABORTED | Errno::EINTR | Errno::EAGAIN)) => self.accept(),
            // EMFILE, ENFILE, ENOMEM: the peer stays in the accept queue, and another
            // accept would fail at once, and again. To wait is an operation like any other.
            (ACCEPT, Err(_)) => self.push(opcode::Timeout::new(&REST).build(), fd, WAIT),
            (WAIT, _) => self.accept(),

            // The peer sends no more (FIN) and has everything back. No operation is
            // in flight, so this closes: one in flight holds the socket, and not
            // even a FIN would leave.
            (RECEIVE, Ok(0)) => self.close(fd),
            (RECEIVE, Ok(bytes)) => {
                self.connection(fd).unsent = 0..bytes;
                self.go_on(fd)
            }
            // A short send is no error: the send buffer was full. The rest is next,
            // and that one stays in flight until there is room.
            (_, Ok(bytes)) => {
                self.connection(fd).unsent.start += bytes;
                self.go_on(fd)
            }
            // Nothing happened: the same again.
            (_, Err(Errno::EINTR | Errno::EAGAIN)) => self.go_on(fd),
            // ECONNRESET, EPIPE, ETIMEDOUT: they end this connection, not the server.
            (_, Err(_)) => self.close(fd),
        }
    }
    // ANCHOR_END: complete

    fn welcome(&mut self, fd: RawFd) -> anyhow::Result<()> {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        if self.connections.len() <= fd as usize {
            self.connections.resize_with(fd as usize + 1, || None);
        }
        let buffer = vec![0; BUFFER_BYTES];
        self.connections[fd as usize] = Some(Connection { socket, buffer, unsent: 0..0 });
        self.go_on(fd)
    }

    // ANCHOR: echo
    /// Starts the one operation that a connection has in flight: what was received goes
    /// back first. Not receiving meanwhile is what bounds the memory: the kernel's
    /// receive buffer fills, TCP announces a window of 0, and the peer has to wait.
    ///
    /// It is never two. Two sends on one socket could overtake each other, and a
    /// send and a receive would need two buffers; `uring-multishot` takes that on.
    fn go_on(&mut self, fd: RawFd) -> anyhow::Result<()> {
        let Connection { socket, buffer, unsent } = self.connection(fd);
        let socket = Fd(socket.as_raw_fd());
        let bytes = &buffer[unsent.clone()];
        if bytes.is_empty() {
            let receive = opcode::Recv::new(socket, buffer.as_mut_ptr(), BUFFER_BYTES as u32);
            // The flaw: a worker is to do what costs nothing to ask for here.
            self.push(receive.build().flags(squeue::Flags::ASYNC), fd, RECEIVE)
        } else {
            // No MSG_NOSIGNAL: io_uring adds it to every send. A peer that is gone is an EPIPE.
            let send = opcode::Send::new(socket, bytes.as_ptr(), bytes.len() as u32);
            self.push(send.build(), fd, SEND)
        }
    }
    // ANCHOR_END: echo

    fn connection(&mut self, fd: RawFd) -> &mut Connection {
        self.connections[fd as usize].as_mut().expect("a connection outlives its operation")
    }

    fn close(&mut self, fd: RawFd) -> anyhow::Result<()> {
        self.connections[fd as usize] = None;
        Ok(())
    }
}
