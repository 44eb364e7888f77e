//! epoll, edge-triggered: a descriptor is reported when it *becomes* ready, and then drained.
//!
//! EPOLLET asks for a report at each change instead of for as long as a state lasts. A connection is put on
//! the interest list once, for both directions, and epoll_ctl(2) is never needed again. The price: whoever
//! leaves bytes behind hears of them no more, until further ones come. So every turn goes on until the
//! kernel says EAGAIN, and in an echo that is one more recv for each message: more system calls than
//! level-triggered, not fewer.
//!
//! Going on until EAGAIN would also let one peer with a flood keep the thread for itself. A turn is
//! therefore bounded, and whoever has not seen EAGAIN by then is remembered (epoll(7), "Starvation").

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The most that one epoll_wait reports; the kernel keeps the rest for the next.
const EVENTS: usize = 1024;

/// The most rounds of receiving and sending in one turn.
const ROUNDS: usize = 16;

/// A peer.
struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// What it sent and has not taken back yet; nearly always empty.
    backlog: Vec<u8>,
}

/// What comes after a round of a connection.
enum Next {
    /// Another round: the kernel has not said EAGAIN.
    Again,
    /// The next report.
    Wait,
    Close,
}

struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// By descriptor: the kernel always gives the lowest free number, so it has few holes.
    connections: Vec<Option<Connection>>,
    /// False while there is no descriptor free for a further connection.
    accepting: bool,
    /// Descriptors whose turn was over before EAGAIN; no report will come for what they still hold.
    unfinished: BTreeSet<usize>,
}

/// Serves until the process ends.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // A peer may be gone again between the report and the accept, which then must not wait for another.
    listener.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit it. Without it the end of an echo would be held back until the peer has
    // acknowledged the beginning (Nagle), which a peer may put off for 40 ms (delayed acknowledgement).
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let watched = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    epoll.add(&listener, watch(&listener, watched)).context("epoll_ctl ADD")?;
    let listening = listener.as_raw_fd() as usize;
    let mut server =
        Server { listener, epoll, connections: Vec::new(), accepting: true, unfinished: BTreeSet::new() };
    let mut events = vec![EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // Here the thread sleeps, unless somebody has not finished: then it only looks who else is ready. Out
        // of descriptors it looks once a second whether another process has given one back.
        let timeout = match (server.unfinished.is_empty(), server.accepting) {
            (false, _) => EpollTimeout::ZERO,
            (true, true) => EpollTimeout::NONE,
            (true, false) => EpollTimeout::from(1000_u16),
        };
        let ready = match server.epoll.wait(&mut events, timeout) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("epoll_wait"),
        };
        let unfinished = std::mem::take(&mut server.unfinished);
        for fd in events[..ready].iter().map(|event| event.data() as usize).chain(unfinished) {
            if fd == listening { server.accept()? } else { server.turn(fd, &mut buffer) }
        }
        // Connections wait, and no report will come of them: whatever woke us may have given a descriptor back.
        if !server.accepting {
            server.accept()?;
        }
    }
}

/// What epoll_ctl is told: which events to report, and the number that a report is to carry.
fn watch(socket: &impl AsRawFd, events: EpollFlags) -> EpollEvent {
    EpollEvent::new(events, socket.as_raw_fd() as u64)
}

impl Server {
    /// Takes every connection that waits: the kernel has finished their handshakes, accept4 only gives each
    /// a descriptor. It has to be all of them, since those that stay are not reported again; an accept is so
    /// much cheaper than a connect that the queue does come to its end.
    fn accept(&mut self) -> anyhow::Result<()> {
        self.accepting = loop {
            // Non-blocking from birth, and not passed on to a program that this one might start.
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            match accept4(self.listener.as_raw_fd(), flags) {
                // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
                Ok(fd) => self.add(unsafe { OwnedFd::from_raw_fd(fd) }),
                // Nobody is left.
                Err(Errno::EAGAIN) => break true,
                // No descriptor is free, here or in the whole system.
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => break false,
                // Its peer has given up while it waited; the next one, then.
                Err(Errno::ECONNABORTED | Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("accept4"),
            }
        };
        Ok(())
    }

    /// Puts a connection on the interest list, where it stays as it is until it is closed.
    fn add(&mut self, socket: OwnedFd) {
        let fd = socket.as_raw_fd() as usize;
        let watched = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        if self.epoll.add(&socket, watch(&socket, watched)).is_err() {
            // ENOMEM, ENOSPC (fs.epoll.max_user_watches). Unwatched it would hang for ever: it is closed.
            return;
        }
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a connection its turn.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[fd] else { return };
        match connection.turn(buffer) {
            Next::Again => {
                self.unfinished.insert(fd);
            }
            Next::Wait => {}
            // Closing the last descriptor of a socket also takes it off the interest list.
            Next::Close => self.connections[fd] = None,
        }
    }
}

impl Connection {
    /// Goes on until the kernel says EAGAIN, within bounds.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        for _ in 0..ROUNDS {
            match self.round(buffer) {
                Next::Again => {}
                over => return over,
            }
        }
        Next::Again
    }

    /// Receives and sends back; or, while the peer is behind with taking, only sends. Not receiving is what
    /// bounds the memory: the kernel's receive buffer fills, TCP announces a window of 0, and the peer waits.
    ///
    /// Which events were reported does not matter: EPOLLERR and EPOLLHUP, reported whether asked for or
    /// not, show as an error of the call.
    fn round(&mut self, buffer: &mut [u8]) -> Next {
        if !self.backlog.is_empty() {
            let backlog = std::mem::take(&mut self.backlog);
            return self.send(&backlog);
        }
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN). It may still be reading, but nothing is owed to it: with a
            // backlog we would not have received. What lies in the kernel's send buffer still arrives.
            Ok(0) => Next::Close,
            Ok(received) => self.send(&buffer[..received]),
            Err(Errno::EAGAIN) => Next::Wait,
            Err(Errno::EINTR) => Next::Again,
            // ECONNRESET and the like end this connection, not the server.
            Err(_) => Next::Close,
        }
    }

    /// Sends what the kernel has room for and keeps the rest.
    fn send(&mut self, bytes: &[u8]) -> Next {
        // MSG_NOSIGNAL: a peer that is gone is an EPIPE here, not a SIGPIPE that ends the process.
        let (sent, next) = match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            // Perhaps less than all: the next round sends on, until EAGAIN.
            Ok(sent) => (sent, Next::Again),
            Err(Errno::EAGAIN) => (0, Next::Wait),
            Err(Errno::EINTR) => (0, Next::Again),
            Err(_) => return Next::Close,
        };
        self.backlog = bytes[sent..].to_vec();
        next
    }
}
