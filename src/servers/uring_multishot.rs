//! io_uring with multishot accept and receive and a provided buffer ring.
//!
//! `uring` asks again for everything it has just been given: an SQE for each accept, one for each receive.
//! Here one *multishot* SQE does for a whole life: the accept brings a CQE for every new connection, the
//! receive one for every arrival of bytes, for as long as their CQEs carry IORING_CQE_F_MORE. What is left is
//! one SQE an echo, the send.
//!
//! Where such a receive puts its bytes cannot be said beforehand, so its buffers come from a shared ring
//! ([`BufferRing`]), and an idle connection holds none. That is also the danger: a peer who sends and never
//! reads could collect them all. Two rules keep it from that:
//!
//! - A send from a provided buffer never waits (MSG_DONTWAIT): it is done at its turn, and the buffer goes
//!   back into the ring.
//! - If it could not send everything, that peer is *behind*. Its bytes are copied into memory of its own, its
//!   receive is cancelled, and only when the copy is sent is it received from again. What it can make the
//!   server hold is what arrives before the cancellation: no more than the ring holds twice.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use anyhow::{Context, ensure};
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use super::Options;
use super::buffer_ring::{BUFFER_BYTES, BufferRing, GROUP};
use super::multishot_connection::{Connection, Next};
use super::uring_features::missing;
pub use super::uring_features::{Accept, Features, Receive, TaskWork};

/// How long accepting rests when no descriptor is left; a static, because the kernel reads it later.
static REST: Timespec = Timespec::new().nsec(100_000_000);

/// How long the end of a send may stay unnoticed while nothing else happens.
static LATE: Timespec = Timespec::new().nsec(1_000_000);

// The low bits of user_data, below the descriptor. A connection is closed when neither a receive nor a send of
// it is under way. What can still arrive for its number is the result of a cancellation: nobody reads that.
const ACCEPT: u64 = 0;
const WAIT: u64 = 1;
const RECEIVE: u64 = 2;
const CANCEL: u64 = 3;
const SEND_PIECE: u64 = 4;
const SEND_BACKLOG: u64 = 5;

struct Server {
    ring: IoUring,
    pool: BufferRing,
    features: Features,
    listener: TcpListener,
    /// By descriptor: the kernel always gives the lowest free number, so this stays dense.
    connections: Vec<Option<Connection>>,
    /// Connections whose receive found no buffer, in the order in which they will get one.
    starved: VecDeque<RawFd>,
    /// CQEs that are out of the ring and not looked at yet.
    completed: VecDeque<cqueue::Entry>,
    /// Sends from the ring's buffers in this turn, each of which is done as soon as it is submitted.
    sends: usize,
    /// Whether one of their connections has more to send when it is done.
    more_to_send: bool,
}

/// Serves until the process ends.
pub fn run(listener: TcpListener, options: &Options) -> anyhow::Result<()> {
    run_with(listener, options, Features::ALL)
}

/// Serves with no more than these features, as on a kernel that has no others.
pub fn run_with(listener: TcpListener, options: &Options, mut features: Features) -> anyhow::Result<()> {
    // On a blocking socket the operation waits inside io_uring; with O_NONBLOCK it may answer EAGAIN.
    listener.set_nonblocking(false).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit it. Without it the last piece of a long echo waits until the peer has
    // acknowledged the pieces before it (Nagle), which the peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;
    let (ring, pool) = features.set_up(options, &listener)?;

    // Leaked, because this function may return with an error: the operations under way do not end with it,
    // and the kernel goes on writing into the buffers.
    let server = Box::leak(Box::new(Server {
        ring,
        pool,
        features,
        listener,
        connections: Vec::new(),
        starved: VecDeque::new(),
        completed: VecDeque::new(),
        sends: 0,
        more_to_send: false,
    }));
    server.accept()?;
    loop {
        // The one system call of a turn: submits what the last turn pushed, sleeps until there is news.
        server.enter(server.news())?;
        while let Some(cqe) = server.completed.pop_front() {
            server.complete(&cqe)?;
        }
        server.feed_starved()?;
    }
}

impl Server {
    /// Takes in one result, and lets what follows from it happen.
    fn complete(&mut self, cqe: &cqueue::Entry) -> anyhow::Result<()> {
        // There is no errno here: a negative result is one.
        let result = match cqe.result() {
            error @ ..0 => Err(Errno::from_raw(-error)),
            value => Ok(value as usize),
        };
        // Without this flag the operation is over, whatever the result: a multishot too ends when it likes.
        let more = cqueue::more(cqe.flags());
        let (fd, operation) = ((cqe.user_data() >> 3) as RawFd, cqe.user_data() & 7);
        match operation {
            ACCEPT => return self.accepted(result, more),
            WAIT => return self.accept(),
            CANCEL => return Ok(()),
            RECEIVE => {
                let buffer = cqueue::buffer_select(cqe.flags());
                find(&mut self.connections, fd).received(result, more, buffer, &mut self.pool);
                if result == Err(Errno::ENOBUFS) {
                    self.starved.push_back(fd);
                }
            }
            SEND_PIECE => find(&mut self.connections, fd).sent_piece(result, &mut self.pool),
            _ => find(&mut self.connections, fd).sent_backlog(result),
        }
        self.go_on(fd).map(drop)
    }

    fn accepted(&mut self, result: nix::Result<usize>, more: bool) -> anyhow::Result<()> {
        if let Ok(fd) = result {
            self.welcome(fd as RawFd)?;
        }
        match result {
            _ if more => Ok(()),
            Err(Errno::EINVAL) if self.features.accept == Accept::Multishot => {
                missing("multishot accept (IORING_ACCEPT_MULTISHOT)", "every accept needs an SQE");
                self.features.accept = Accept::Single;
                self.accept()
            }
            // The peer gave up before its turn came, or nothing happened: the next one, please.
            Ok(_) | Err(Errno::ECONNABORTED | Errno::EINTR | Errno::EAGAIN) => self.accept(),
            // EMFILE, ENFILE, ENOMEM: the peer stays in the kernel's queue, and another accept would fail
            // at once, and again. To wait is an operation like any other.
            Err(_) => self.push(opcode::Timeout::new(&REST).build(), self.listener.as_raw_fd(), WAIT),
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        let fd = self.listener.as_raw_fd();
        let accept = match self.features.accept {
            Accept::Multishot => opcode::AcceptMulti::new(Fd(fd)).flags(libc::SOCK_CLOEXEC).build(),
            Accept::Single => opcode::Accept::new(Fd(fd), ptr::null_mut(), ptr::null_mut())
                .flags(libc::SOCK_CLOEXEC)
                .build(),
        };
        self.push(accept, fd, ACCEPT)
    }

    fn welcome(&mut self, fd: RawFd) -> anyhow::Result<()> {
        if self.connections.len() <= fd as usize {
            self.connections.resize_with(fd as usize + 1, || None);
        }
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        self.connections[fd as usize] = Some(Connection::new(socket));
        self.go_on(fd).map(drop)
    }

    /// Starts what a connection needs next, and says what that is.
    fn go_on(&mut self, fd: RawFd) -> anyhow::Result<Next> {
        let connection = find(&mut self.connections, fd);
        let next = connection.next(&mut self.pool);
        match next {
            Next::Nothing => {}
            Next::Receive => {
                let receive = self.receive(fd);
                self.push(receive, fd, RECEIVE)?;
            }
            Next::CancelReceive => {
                // An operation is cancelled by its user_data; its own CQE says that it has ended.
                let cancel = opcode::AsyncCancel::new(user_data(fd, RECEIVE)).build();
                self.push(cancel, fd, CANCEL)?;
            }
            Next::SendPiece => {
                self.sends += 1;
                self.more_to_send |= connection.has_more_pieces();
                let send = send(connection.socket(), connection.piece(&self.pool), libc::MSG_DONTWAIT);
                self.push(send, fd, SEND_PIECE)?;
            }
            Next::SendBacklog => {
                let send = send(connection.socket(), connection.backlog(), 0);
                self.push(send, fd, SEND_BACKLOG)?;
            }
            // Nothing is under way, so this closes; close(2) during a receive would not even send the FIN.
            Next::Close => self.connections[fd as usize] = None,
        }
        Ok(next)
    }

    fn receive(&mut self, fd: RawFd) -> squeue::Entry {
        let connection = find(&mut self.connections, fd);
        let (socket, length) = (connection.socket(), BUFFER_BYTES as u32);
        match self.features.receive {
            Receive::Multishot => opcode::RecvMulti::new(socket, GROUP).build(),
            Receive::Provided => opcode::Recv::new(socket, ptr::null_mut(), length)
                .buf_group(GROUP)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT),
            Receive::Own => opcode::Recv::new(socket, connection.own_memory(), length).build(),
        }
    }

    /// Starts the receives again that found the ring empty, but no more of them than there are buffers.
    fn feed_starved(&mut self) -> anyhow::Result<()> {
        let mut buffers = self.pool.offered();
        while buffers > 0
            && let Some(fd) = self.starved.pop_front()
        {
            // The one who waited under this number may be closed by now.
            let Some(connection) = &mut self.connections[fd as usize] else { continue };
            if connection.feed() {
                // One that has something to send yet will receive after that, and takes no buffer now.
                buffers -= usize::from(self.go_on(fd)? == Next::Receive);
            }
        }
        Ok(())
    }

    /// Writes an SQE into the submission queue. The kernel does not look there before the next enter.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> anyhow::Result<()> {
        let sqe = sqe.user_data(user_data(fd, operation));
        // SAFETY: a buffer that an SQE points to neither moves nor goes before the CQE has come.
        while unsafe { self.ring.submission().push(&sqe) }.is_err() {
            // The queue is full; submitting empties it.
            self.enter(0)?;
        }
        Ok(())
    }

    /// How many CQEs to sleep for. A send of this turn completes at once, and that it did is no news: to be
    /// woken by something else takes one CQE more. Unless a send's end is what somebody waits for.
    fn news(&self) -> usize {
        match self.more_to_send || !self.starved.is_empty() {
            true => 1,
            false => self.sends + 1,
        }
    }

    /// Submits what was pushed, sleeps until `wanted` CQEs are there, and takes all that are.
    fn enter(&mut self, wanted: usize) -> anyhow::Result<()> {
        (self.sends, self.more_to_send) = (0, false);
        let submitter = self.ring.submitter();
        let entered = match wanted > 1 && self.ring.params().is_feature_ext_arg() {
            // It may be news after all: the peer may be behind. Then it is told a little late (5.11).
            true => submitter.submit_with_args(wanted, &SubmitArgs::new().timespec(&LATE)),
            false => submitter.submit_and_wait(wanted.min(1)),
        };
        match entered.map_err(|error| (error.raw_os_error(), error)) {
            // A signal; no memory just now; CQEs that wait for room. What was not submitted stays queued.
            Ok(_) | Err((Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ETIME), _)) => {}
            Err((_, error)) => return Err(error).context("io_uring_enter"),
        }
        // If more had completed than fits (an overflow), the next enter brings the rest into this space.
        self.completed.extend(self.ring.completion());
        ensure!(self.ring.completion().overflow() == 0, "out of memory, the kernel dropped a completion");
        Ok(())
    }
}

fn user_data(fd: RawFd, operation: u64) -> u64 {
    (fd as u64) << 3 | operation
}

fn find(connections: &mut [Option<Connection>], fd: RawFd) -> &mut Connection {
    connections[fd as usize].as_mut().expect("a connection outlives its operations")
}

fn send(socket: Fd, bytes: &[u8], flags: i32) -> squeue::Entry {
    // Without MSG_NOSIGNAL a peer that is gone would be a SIGPIPE, not an EPIPE.
    let flags = flags | libc::MSG_NOSIGNAL;
    opcode::Send::new(socket, bytes.as_ptr(), bytes.len() as u32).flags(flags).build()
}
