//! io_uring with multishot accept and receive and a provided buffer ring.
//!
//! `uring` asks again for everything it has just been given: an SQE for each accept, one
//! for each receive. Here one *multishot* SQE does for a whole life. The accept brings a
//! CQE for every new connection, the receive one for every arrival of bytes, for as long
//! as their CQEs carry IORING_CQE_F_MORE. What is left is one SQE an echo, the send.
//!
//! Where such a receive puts its bytes cannot be said beforehand. So its buffers
//! come from a shared ring ([`BufferRing`]), and an idle connection holds none.
//! That is also the danger: a peer who sends and never reads could collect them
//! all. Two rules keep it from that:
//!
//! - A send from a provided buffer never waits (MSG_DONTWAIT): it is done when it
//!   is submitted, and the buffer goes back into the ring.
//! - If it could not send everything, that peer is *behind*. Its bytes are copied
//!   into memory of its own, its receive is cancelled, and only when the copy is
//!   sent is it received from again. What it can make the server hold is what
//!   arrives before the cancellation: no more than the ring holds twice.
//!
//! Seen from outside: 1 SQE for each echo, where `uring` has 2, and 2 CQEs as there.
//! System calls come down from 2 for each echo to 1 when messages come one by one,
//! because the call that submits the send also waits for the next message. In bursts
//! they are about as few as with `uring`: there it is the CPU time that may differ.

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
use super::buffer_ring::BufferRing;
use super::multishot_connection::{Connection, Next};
use super::uring_features::missing;
pub use super::uring_features::{Accept, Features, Receive, TaskWork};

/// How long accepting rests when no descriptor is left; a static, because the
/// kernel reads it later.
static REST: Timespec = Timespec::new().nsec(100_000_000);

/// How long the end of a send may stay unnoticed while nothing else happens
/// ([`Server::news`]). Then the server wakes for it, which is one call and one
/// context switch more for a burst when the next is further away.
static LATE: Timespec = Timespec::new().nsec(1_000_000);

/// Serves until the process ends: hands over what is to be done, waits, looks at what was done.
pub fn run(listener: TcpListener, options: &Options) -> anyhow::Result<()> {
    run_with(listener, options, Features::ALL)
}

/// Serves with no more than these features, as on a kernel that has no others.
pub fn run_with(listener: TcpListener, options: &Options, mut features: Features) -> anyhow::Result<()> {
    // On a blocking socket an operation that finds nothing stays in flight. With
    // O_NONBLOCK it may answer EAGAIN instead, depending on operation and kernel.
    listener.set_nonblocking(false).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit this. Without it Nagle's algorithm would hold the
    // end of a long echo back until the peer has acknowledged the beginning, which
    // a peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;
    // Asks the kernel for each feature, and is content with less where it says no:
    // `features` holds what there is.
    let (ring, pool) = features.set_up(options, &listener)?;

    // Leaked, because this function may return with an error: the operations in
    // flight do not end with it, and the kernel goes on writing into the buffers.
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
    // ANCHOR: loop
    loop {
        // The one system call of a turn, and the one place where the thread sleeps:
        // it submits all that the last turn pushed and returns when there is news.
        server.enter(server.news())?;
        // All CQEs that are there. Mostly one is an arrival, and pushes a send; or
        // the end of a send, and gives a buffer back.
        while let Some(cqe) = server.completed.pop_front() {
            server.complete(&cqe)?;
        }
        // Buffers have come back: who found none is received from again.
        server.feed_starved()?;
    }
    // ANCHOR_END: loop
}

// The low bits of user_data, below the descriptor. A connection is closed when
// neither a receive nor a send of it is in flight. What can still come for its
// number is the result of a cancellation: nobody reads that.
const ACCEPT: u64 = 0;
const WAIT: u64 = 1;
const RECEIVE: u64 = 2;
const CANCEL: u64 = 3;
const SEND_PIECE: u64 = 4;
const SEND_BACKLOG: u64 = 5;

/// What an SQE is to bring back in each of its CQEs; an operation is cancelled by it, too.
fn user_data(fd: RawFd, operation: u64) -> u64 {
    (fd as u64) << 3 | operation
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    ring: IoUring,
    pool: BufferRing,
    features: Features,
    listener: TcpListener,
    /// By descriptor: the kernel always gives the lowest free number, so there are few holes.
    connections: Vec<Option<Connection>>,
    /// Connections whose receive found no buffer, in the order in which they will get one.
    starved: VecDeque<RawFd>,
    /// CQEs that are out of the ring and not looked at yet.
    completed: VecDeque<cqueue::Entry>,
    /// Sends from the ring's buffers in this turn, each of which is done as soon as
    /// it is submitted.
    sends: usize,
    /// Whether one of their connections has more to send when it is done.
    more_to_send: bool,
}

/// A function of the field alone, so that the buffers can be borrowed beside it.
fn find(connections: &mut [Option<Connection>], fd: RawFd) -> &mut Connection {
    connections[fd as usize].as_mut().expect("a connection outlives its operations")
}

impl Server {
    // ANCHOR: accept
    /// Asks for all connections to come. The accept stays in the wait queue of the
    /// listener, where a single one would have to be put again each time, and there
    /// is a CQE for each connection with its descriptor.
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
    // ANCHOR_END: accept

    // ANCHOR: enter
    /// Writes an SQE into the submission queue. The kernel does not look there
    /// before the next enter.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> anyhow::Result<()> {
        let sqe = sqe.user_data(user_data(fd, operation));
        // SAFETY: a buffer that an SQE points to neither moves nor goes before the CQE has come.
        while unsafe { self.ring.submission().push(&sqe) }.is_err() {
            // The queue is full. Submitting empties it: what the kernel has taken
            // needs no slot, in flight or not.
            self.enter(0)?;
        }
        Ok(())
    }

    /// How many CQEs to sleep for. A send of this turn completes at once, and that it
    /// did is no news: to be woken by something else takes one CQE more. This saves
    /// one system call in two when messages come one by one. But the end of a send is
    /// news for whoever has more to send, and for whoever waits for its buffer.
    fn news(&self) -> usize {
        match self.more_to_send || !self.starved.is_empty() {
            true => 1,
            false => self.sends + 1,
        }
    }

    /// Submits what was pushed, sleeps until `wanted` CQEs are there, and takes all that are.
    ///
    /// With DEFER_TASKRUN this is also where every receive is carried out. Bytes that
    /// arrive while the server works only put a note on a list (task_work); here the
    /// kernel goes through all of it, and nothing interrupts the server in between.
    fn enter(&mut self, wanted: usize) -> anyhow::Result<()> {
        (self.sends, self.more_to_send) = (0, false);
        let submitter = self.ring.submitter();
        let entered = match wanted > 1 && self.ring.params().is_feature_ext_arg() {
            // It may be news after all: the peer may be behind. Then it is told a
            // little late (5.11).
            true => submitter.submit_with_args(wanted, &SubmitArgs::new().timespec(&LATE)),
            false => submitter.submit_and_wait(wanted.min(1)),
        };
        match entered.map_err(|error| (error.raw_os_error(), error)) {
            // A signal; no memory just now; CQEs that wait for room; LATE is over.
            // What was not submitted stays queued.
            Ok(_) | Err((Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ETIME), _)) => {}
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
    /// Takes in one result, and lets what follows from it happen.
    fn complete(&mut self, cqe: &cqueue::Entry) -> anyhow::Result<()> {
        // There is no errno here, which belongs to a call: a negative result is one.
        let result = match cqe.result() {
            error @ ..0 => Err(Errno::from_raw(-error)),
            value => Ok(value as usize),
        };
        // Without this flag the operation is over, whatever the result: a
        // multishot, too, ends when it likes. Whoever does not look waits for ever
        // for CQEs that nobody will write.
        let more = cqueue::more(cqe.flags());
        let (fd, operation) = ((cqe.user_data() >> 3) as RawFd, cqe.user_data() & 7);
        match operation {
            ACCEPT => return self.accepted(result, more),
            WAIT => return self.accept(),
            CANCEL => return Ok(()),
            RECEIVE => {
                // Which buffer the kernel has taken for it stands in the flags.
                let buffer = cqueue::buffer_select(cqe.flags());
                find(&mut self.connections, fd).received(result, more, buffer, &mut self.pool);
                // The ring was empty. The bytes stay in the socket, the receive is over,
                // and to start it again at once would bring the same answer at once.
                if result == Err(Errno::ENOBUFS) {
                    self.starved.push_back(fd);
                }
            }
            SEND_PIECE => find(&mut self.connections, fd).sent_piece(result, &mut self.pool),
            _ => find(&mut self.connections, fd).sent_backlog(result),
        }
        self.go_on(fd).map(drop)
    }
    // ANCHOR_END: complete

    /// A connection, or the end of the accept, or both: the last CQE of a multishot may
    /// carry a descriptor and no IORING_CQE_F_MORE. A CQ without room ends it, for example.
    fn accepted(&mut self, result: nix::Result<usize>, more: bool) -> anyhow::Result<()> {
        if let Ok(fd) = result {
            self.welcome(fd as RawFd)?;
        }
        match result {
            _ if more => Ok(()),
            // A kernel before 5.19 takes no flag in that place. Asking is free:
            // nobody has come yet.
            Err(Errno::EINVAL) if self.features.accept == Accept::Multishot => {
                missing("multishot accept (IORING_ACCEPT_MULTISHOT)", "every accept needs an SQE");
                self.features.accept = Accept::Single;
                self.accept()
            }
            // The peer gave up while it waited, or nothing happened: the next one, then.
            Ok(_) | Err(Errno::ECONNABORTED | Errno::EINTR | Errno::EAGAIN) => self.accept(),
            // EMFILE, ENFILE, ENOMEM: the peer stays in the accept queue, and another
            // accept would fail at once, and again. To wait is an operation like any other.
            Err(_) => self.push(opcode::Timeout::new(&REST).build(), self.listener.as_raw_fd(), WAIT),
        }
    }

    /// From here on the connection costs a receive in the kernel and a few words
    /// here, but no buffer.
    fn welcome(&mut self, fd: RawFd) -> anyhow::Result<()> {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        if self.connections.len() <= fd as usize {
            self.connections.resize_with(fd as usize + 1, || None);
        }
        self.connections[fd as usize] = Some(Connection::new(socket));
        self.go_on(fd).map(drop)
    }

    // ANCHOR: echo
    /// Starts what a connection needs next, and says what that is. A receive and a
    /// send may both be in flight, so the connection decides ([`Connection::next`]).
    fn go_on(&mut self, fd: RawFd) -> anyhow::Result<Next> {
        let connection = find(&mut self.connections, fd);
        let next = connection.next(&mut self.pool);
        let (sqe, operation) = match next {
            Next::Nothing => return Ok(next),
            Next::Receive => (connection.receive(self.features.receive), RECEIVE),
            // An operation is cancelled by its user_data; its own CQE says that it has ended.
            Next::CancelReceive => (opcode::AsyncCancel::new(user_data(fd, RECEIVE)).build(), CANCEL),
            // The kernel reads from the buffer of the ring: it is not given back before the CQE.
            Next::SendPiece => {
                self.sends += 1;
                self.more_to_send |= connection.has_more_pieces();
                (connection.send_piece(&self.pool), SEND_PIECE)
            }
            Next::SendBacklog => (connection.send_backlog(), SEND_BACKLOG),
            Next::Close => {
                // No operation is in flight, so this closes: one in flight holds
                // the socket, and not even a FIN would leave.
                self.connections[fd as usize] = None;
                return Ok(next);
            }
        };
        self.push(sqe, fd, operation)?;
        Ok(next)
    }
    // ANCHOR_END: echo

    /// Starts the receives again that found the ring empty, but no more of them
    /// than there are buffers: the others would only fail once more.
    fn feed_starved(&mut self) -> anyhow::Result<()> {
        let mut buffers = self.pool.offered();
        while buffers > 0
            && let Some(fd) = self.starved.pop_front()
        {
            // The one who waited under this number may be closed by now.
            let Some(connection) = &mut self.connections[fd as usize] else { continue };
            if connection.feed() {
                // One that has something to send yet will receive after that, and
                // takes no buffer now.
                buffers -= usize::from(self.go_on(fd)? == Next::Receive);
            }
        }
        Ok(())
    }
}
