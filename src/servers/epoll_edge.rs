//! epoll, edge-triggered: a descriptor is reported when it *becomes* ready, and then drained.
//!
//! EPOLLET asks for a report at each change, where `epoll` reports for as long as a
//! state lasts. A connection is put on the interest list once, for both directions,
//! and epoll_ctl(2) is never needed again. The price: whoever leaves bytes behind
//! hears of them no more until further ones come. A program that forgets this
//! stalls: the peer waits for its echo, the server for the peer.
//!
//! So every turn goes on until the kernel says EAGAIN, which also lets one peer
//! with a flood keep the thread for itself. A turn is therefore bounded, and
//! whoever has not seen EAGAIN by then is remembered (epoll(7), "Starvation").
//!
//! Seen from outside: one system call *more* for each echo than with `epoll`, 4
//! when messages come one by one and little more than 3 when many come together,
//! because each message costs a recv that says EAGAIN. In the interest list every
//! connection has EPOLLOUT and EPOLLET, always.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Once;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The most that one epoll_wait reports. Whoever does not fit stays on the ready
/// list, ahead of those who were just reported: everybody gets a turn.
const EVENTS: usize = 1024;

/// The most rounds of receiving and sending in one turn: 1 MiB at the most before
/// the next connection.
const ROUNDS: usize = 16;

/// Serves until the process ends: waits, gives everybody who is ready a turn, waits again.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // A report is old when it is read: the peer who knocked may have given up
    // since. On a blocking listener accept4 would then sleep until the next one
    // comes, and keep everybody waiting.
    listener.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit this. Without it Nagle's algorithm would hold the
    // end of a long echo back until the peer has acknowledged the beginning, which
    // a peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    // A listening socket is ready to be read when a connection can be accepted.
    let watched = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    epoll.add(&listener, watch(&listener, watched)).context("epoll_ctl ADD")?;
    let listening = listener.as_raw_fd() as usize;
    let (connections, unfinished) = (Vec::new(), BTreeSet::new());
    let mut server = Server { listener, epoll, connections, accepting: true, unfinished };
    let mut events = vec![EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    // ANCHOR: loop
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let timeout = match (server.unfinished.is_empty(), server.accepting) {
            (false, _) => EpollTimeout::ZERO,
            (true, true) => EpollTimeout::NONE,
            (true, false) => EpollTimeout::from(1000_u16),
        };
        // Here the thread sleeps, unless somebody has not finished: then it only
        // looks who else is ready.
        //
        // Before the kernel reports a descriptor it asks the socket once more, and
        // takes it off the list whatever the answer. It gets there again by a wake-up
        // alone: by bytes that arrive, or by room after a send that found none.
        let ready = match server.epoll.wait(&mut events, timeout) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("epoll_wait"),
        };
        // No walk over everybody: these are the ready ones, and those who have not
        // finished. A number that was closed and given to somebody new may come
        // twice: a turn too many is a call that says EAGAIN, no more.
        let unfinished = std::mem::take(&mut server.unfinished);
        for fd in events[..ready].iter().map(|event| event.data() as usize).chain(unfinished) {
            if fd == listening { server.accept()? } else { server.turn(fd, &mut buffer) }
        }
        // Connections wait that no report will tell of, and a descriptor may have come free.
        if !server.accepting {
            server.accept()?;
        }
    }
    // ANCHOR_END: loop
}

/// What epoll_ctl is told: which events to report, and 64 bits that the report is
/// to carry. The kernel does not look at them; here they are the descriptor.
fn watch(socket: &impl AsRawFd, events: EpollFlags) -> EpollEvent {
    EpollEvent::new(events, socket.as_raw_fd() as u64)
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// By descriptor: the kernel always gives the lowest free number, so there are few holes.
    connections: Vec<Option<Connection>>,
    /// False while there is no descriptor free for a further connection.
    accepting: bool,
    /// Whose turn was over before EAGAIN: no report will come of what they still hold.
    unfinished: BTreeSet<usize>,
}

impl Server {
    // ANCHOR: accept
    /// Takes every connection that waits. The kernel has finished their handshakes
    /// without us: accept4 takes the oldest off the accept queue and gives it a
    /// descriptor. It has to be all of them, since those that stay are not reported
    /// again; and accepting is so much cheaper than connecting that the queue gets empty.
    fn accept(&mut self) -> anyhow::Result<()> {
        self.accepting = loop {
            // Non-blocking from birth, and closed in a program that this one might start.
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            match accept4(self.listener.as_raw_fd(), flags) {
                // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
                Ok(fd) => self.add(unsafe { OwnedFd::from_raw_fd(fd) }),
                // Nobody is left.
                Err(Errno::EAGAIN) => break true,
                // No descriptor is free, here or in the whole system.
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => break false,
                // The peer gave up while it waited; the next one, then.
                Err(Errno::ECONNABORTED | Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("accept4"),
            }
        };
        // Without a free descriptor the connections stay in the accept queue, and
        // the listener stays ready. That is no change, so nothing is reported, and
        // nothing has to be left out.
        Ok(())
    }
    // ANCHOR_END: accept

    /// Puts a connection on the interest list, for both directions and for good. If
    /// there is something to receive already, that is the first change: ADD reports it.
    fn add(&mut self, socket: OwnedFd) {
        static WARNED: Once = Once::new();
        let fd = socket.as_raw_fd() as usize;
        let watched = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        if let Err(errno) = self.epoll.add(&socket, watch(&socket, watched)) {
            // ENOMEM, or ENOSPC (fs.epoll.max_user_watches). Unwatched it would hang
            // for ever, so the socket is dropped, and that closes it. Said once.
            WARNED.call_once(|| {
                let _ = writeln!(io::stderr(), "epoll: a connection was closed: epoll_ctl ADD: {errno}");
            });
            return;
        }
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a connection its turn. There is nothing to watch for that is not watched already.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[fd] else { return };
        match connection.turn(buffer) {
            Next::Again => drop(self.unfinished.insert(fd)),
            Next::Wait => {}
            // Closing the last descriptor of a socket also takes it off the interest list.
            Next::Close => self.connections[fd] = None,
        }
    }
}

/// A peer, as long as its socket is open.
struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// What the peer sent and has not taken back yet; nearly always empty.
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

impl Connection {
    // ANCHOR: echo
    /// Goes on until the kernel says EAGAIN, within bounds. A recv that fills less
    /// than the buffer has nearly always emptied the socket, too; but if a FIN came
    /// in the same moment, there was one change for both, and only a further recv
    /// would learn of the end.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        for _ in 0..ROUNDS {
            match self.round(buffer) {
                Next::Again => {}
                over => return over,
            }
        }
        Next::Again
    }

    /// Receives once and sends that back; or, while the peer is behind with taking,
    /// only sends. Not receiving is what bounds the memory: the kernel's receive
    /// buffer fills, TCP announces a window of 0, and the peer has to wait.
    ///
    /// Which events were reported does not matter. EPOLLERR and EPOLLHUP are
    /// reported whether asked for or not, and show as an error of the call.
    fn round(&mut self, buffer: &mut [u8]) -> Next {
        if !self.backlog.is_empty() {
            let backlog = std::mem::take(&mut self.backlog);
            return self.send(&backlog);
        }
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN). It may still read, but nothing is owed
            // to it: with a backlog we would not have received. What is in the
            // kernel's send buffer still goes.
            Ok(0) => Next::Close,
            Ok(received) => self.send(&buffer[..received]),
            // The one recv in two that says so is the price of the edge.
            Err(Errno::EAGAIN) => Next::Wait,
            Err(Errno::EINTR) => Next::Again,
            // ECONNRESET and the like end this connection, not the server.
            Err(_) => Next::Close,
        }
    }

    /// Sends what the kernel has room for and keeps the rest.
    fn send(&mut self, bytes: &[u8]) -> Next {
        // The bytes are copied to the send buffer; when they arrive is TCP's
        // business. On loopback they mostly arrive within this call, down to the
        // wake-up of the peer, which makes it the most expensive call of an echo.
        //
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
    // ANCHOR_END: echo
}
