//! Flawed: epoll, edge-triggered, with one receive for each report.
//!
//! The listing is that of `epoll-edge` without its loop: a turn receives once, up to
//! 4096 bytes, sends that back and waits for the next report. As long as messages
//! are no longer than that it works, and every test of it with short messages
//! passes. Of a longer one the rest stays in the socket. It is no change that bytes
//! still lie there, so no report comes of them: the peer waits for the end of its
//! echo, the server for the peer.
//!
//! Seen from outside: a server that sleeps with its hands full. Its receive queues
//! (`ss -t`, Recv-Q) stay where they are, its processor time does not move, and nothing
//! is answered. Where the peer goes on sending, each of its messages is a change that
//! brings 4096 bytes of an older one back, until the queue is full; then all is quiet.

use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Once;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::super::Options;

/// The most that one recv takes, "more than any message has": what is longer is the trouble.
const BUFFER_BYTES: usize = 4096;

/// The most that one epoll_wait reports. Whoever does not fit stays on the ready
/// list, ahead of those who were just reported: everybody gets a turn.
const EVENTS: usize = 1024;

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
    let mut server = Server { listener, epoll, connections: Vec::new(), accepting: true };
    let mut events = vec![EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    // ANCHOR: loop
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let timeout = if server.accepting { EpollTimeout::NONE } else { EpollTimeout::from(1000_u16) };
        // Here the thread sleeps, whatever it has left behind in its sockets.
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
        // No walk over everybody: these are the ready ones. Who had more than a buffer
        // full last time, and no further bytes since, is not among them.
        for event in &events[..ready] {
            let fd = event.data() as usize;
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

/// What comes after a connection's turn.
enum Next {
    /// The next report.
    Wait,
    Close,
}

impl Connection {
    // ANCHOR: echo
    /// Receives once and sends that back; or, while the peer is behind with taking,
    /// only sends. Then it waits for the next report.
    ///
    /// The flaw: for a level-triggered descriptor a turn may end here, because the
    /// next wait reports it again. An edge is told once. The turn would have to go
    /// on until recv says EAGAIN, which is how the kernel says "nothing is left".
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
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
            // A report may come of bytes that an earlier turn took along.
            Err(Errno::EAGAIN | Errno::EINTR) => Next::Wait,
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
        let sent = match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(_) => return Next::Close,
        };
        // A short send, too, would have to be followed by another, until EAGAIN: only
        // that makes the kernel report when there is room.
        self.backlog = bytes[sent..].to_vec();
        Next::Wait
    }
    // ANCHOR_END: echo
}
