//! io_uring with a kernel thread that polls the submission queue.
//!
//! The submission queue lies in shared memory, so somebody else can do the looking.
//! With SQPOLL a thread of the kernel (`iou-sqp-PID`, in the thread list of this
//! process) reads the tail again and again, and takes every SQE without being told.
//! It carries the operations out, too: the TCP work of an echo is done on its
//! processor, and this program only writes SQEs and reads CQEs.
//!
//! The work has not gone away, it has moved. That thread keeps a whole processor
//! busy for as long as there is work and `--sqpoll-idle-ms` beyond, then sleeps
//! until an io_uring_enter(2) wakes it. With two processors, one of them is taken
//! from everybody else.
//!
//! Seen from outside: under load hardly any system call, where `uring` has one for
//! each batch. But nearly 2 for each echo when messages come one by one, because
//! the program sleeps until the receive is done, and again until the send is.
//! Compare the CPU time of an echo, with both threads in it, and compare with
//! `epoll-spin`: it does not sleep either.

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
    builder.setup_sqpoll(options.sqpoll_idle_ms);
    // Makes both rings, and maps them into this process: from here on the memory is shared.
    let ring = builder.build(sq_entries).context(
        "io_uring_setup failed and this server is nothing without a ring (EPERM: kernel.io_uring_disabled, or \
         the seccomp filter of a container, or SQPOLL without root before 5.13; ENOSYS: the same or a kernel \
         before 5.1; ENOMEM: RLIMIT_MEMLOCK); try `iolab doctor`, or a server on epoll",
    )?;
    // Before 5.11 the polling thread saw only descriptors that were registered with the ring.
    ensure!(ring.params().is_feature_sqpoll_nonfixed(), "SQPOLL cannot use plain descriptors on this kernel");
    // CQEs beyond the size of the queue then wait in the kernel (5.5).
    ensure!(ring.params().is_feature_nodrop(), "this kernel would drop completions (no IORING_FEAT_NODROP)");

    // Leaked, because this function may return with an error: the operations in
    // flight do not end with it, and the kernel goes on writing into the buffers.
    let server = Server { ring, listener, connections: Vec::new(), completed: VecDeque::new() };
    let server = Box::leak(Box::new(server));
    server.accept()?;
    // ANCHOR: loop
    loop {
        // No system call, if the poller is awake and CQEs are there already. Otherwise
        // the one place where the thread sleeps: it returns when there is a CQE.
        server.enter(1)?;
        // All CQEs that are there, and each pushes an SQE. There is no batch to
        // fill: the poller takes the first while this loop still writes the second.
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
    /// Writes an SQE into the submission queue. The poller may take it before this
    /// function returns.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> anyhow::Result<()> {
        let sqe = sqe.user_data((fd as u64) << 2 | operation);
        // The tail is moved by a release store: whoever sees the new tail sees the SQE, too.
        // SAFETY: buffers neither move nor go before their CQE has come, and REST is a static.
        while unsafe { self.ring.submission().push(&sqe) }.is_err() {
            // The queue is full. The poller empties it, if it is awake; then
            // SQ_WAIT sleeps until there is a slot.
            self.enter(0)?;
            self.ring.submitter().squeue_wait().context("io_uring_enter SQ_WAIT")?;
        }
        Ok(())
    }

    /// Wakes the poller if it sleeps, sleeps until `wanted` CQEs are there, and takes all that are.
    ///
    /// The poller takes the SQEs one by one and tries each at once. A send that finds
    /// room is done when it goes on to the next. A receive that finds nothing leaves an
    /// entry in the wait queue of its socket, as epoll would. When bytes arrive, that
    /// entry has the poller carry the receive out (task_work), and not this thread.
    ///
    /// The poller raises NEED_WAKEUP, looks at the tail a last time and sleeps. We
    /// have moved the tail and look for the flag. If a processor may read before
    /// its write is seen (they do), each can miss the other, and the SQE lies there
    /// for ever: so submit_and_wait has a full fence before it reads the flag, and
    /// the poller has one before it reads the tail.
    fn enter(&mut self, wanted: usize) -> anyhow::Result<()> {
        // CQEs that are there cost no system call: only a wait is one, and a wake-up.
        let wanted = if self.ring.completion().is_empty() { wanted } else { 0 };
        match self.ring.submit_and_wait(wanted).map_err(|error| (error.raw_os_error(), error)) {
            // A signal; no memory just now; CQEs that wait for room.
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
            self.push(receive.build(), fd, RECEIVE)
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
