//! epoll, level-triggered: the kernel keeps the interest list, the program asks what is ready.
//!
//! One thread serves everybody. It tells the kernel once which descriptors it cares about (the interest
//! list, epoll_ctl(2)). From then on the kernel works for it: when a segment arrives, the socket's wake-up
//! function puts the descriptor on a ready list. epoll_wait(2) only takes from that list, so a thousand idle
//! connections cost nothing at a wait, where poll would ask each of them.
//!
//! Level-triggered means: a descriptor is reported for as long as it *is* ready. What is left over from one
//! turn brings the next report by itself, so one recv and one send a turn are enough, and nobody who sends
//! a flood can keep the others from their turns.
//!
//! Readiness is a hint that a call would not block now, no more: the call can still say EAGAIN.

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

/// A peer.
struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// What it sent and has not taken back yet; nearly always empty.
    backlog: Vec<u8>,
    /// What epoll was told to report of it.
    watched: EpollFlags,
}

/// What a connection waits for after its turn.
enum Next {
    Receive,
    Send,
    Close,
}

struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// By descriptor: the kernel always gives the lowest free number, so it has few holes.
    connections: Vec<Option<Connection>>,
    /// False while there is no descriptor free for a further connection.
    accepting: bool,
}

/// Serves until the process ends.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // A peer may be gone again between the report and the accept, which then must not wait for another.
    listener.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit it. Without it the end of an echo would be held back until the peer has
    // acknowledged the beginning (Nagle), which a peer may put off for 40 ms (delayed acknowledgement).
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    epoll.add(&listener, watch(&listener, EpollFlags::EPOLLIN)).context("epoll_ctl ADD")?;
    let listening = listener.as_raw_fd() as usize;
    let mut server = Server { listener, epoll, connections: Vec::new(), accepting: true };
    let mut events = vec![EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let timeout = if server.accepting { EpollTimeout::NONE } else { EpollTimeout::from(1000_u16) };
        // Here the thread sleeps, and nowhere else.
        //
        // However many descriptors have become ready since the last wait, one call reports them. That is why
        // system calls for each echo come down from 3 to little more than 2 as a server gets busy.
        let ready = match server.epoll.wait(&mut events, timeout) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("epoll_wait"),
        };
        for event in &events[..ready] {
            let fd = event.data() as usize;
            if fd == listening { server.accept()? } else { server.turn(fd, &mut buffer)? }
        }
        // The listener is not watched: whatever woke us may have given a descriptor back.
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
    /// a descriptor. Doing all at once saves a wait for each; an accept is so much cheaper than a connect that
    /// the queue does come to its end.
    fn accept(&mut self) -> anyhow::Result<()> {
        let accepting = loop {
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
        // Without a free descriptor the connections stay in the kernel's queue, and the listener stays
        // ready: to watch it on would be to spin. It is left out until there is room.
        if self.accepting != accepting {
            self.accepting = accepting;
            let events = if accepting { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
            self.epoll.modify(&self.listener, &mut watch(&self.listener, events)).context("epoll_ctl MOD")?;
        }
        Ok(())
    }

    /// Puts a connection on the interest list, where it stays until it is closed.
    fn add(&mut self, socket: OwnedFd) {
        let (fd, watched) = (socket.as_raw_fd() as usize, EpollFlags::EPOLLIN);
        if self.epoll.add(&socket, watch(&socket, watched)).is_err() {
            // ENOMEM, ENOSPC (fs.epoll.max_user_watches). Unwatched it would hang for ever: it is closed.
            return;
        }
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new(), watched });
    }

    /// Gives a ready connection its turn, then has epoll watch for what it needs next.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
        let Some(connection) = &mut self.connections[fd] else { return Ok(()) };
        let events = match connection.turn(buffer) {
            Next::Receive => EpollFlags::EPOLLIN,
            // A socket has room nearly always. EPOLLOUT is for while there is a backlog: left armed after
            // that, it would end every wait at once.
            Next::Send => EpollFlags::EPOLLOUT,
            Next::Close => {
                // Closing the last descriptor of a socket also takes it off the interest list.
                self.connections[fd] = None;
                return Ok(());
            }
        };
        if connection.watched != events {
            connection.watched = events;
            let event = &mut watch(&connection.socket, events);
            self.epoll.modify(&connection.socket, event).context("epoll_ctl MOD")?;
        }
        Ok(())
    }
}

impl Connection {
    /// Receives and sends back; or, while the peer is behind with taking, only sends. Not receiving is what
    /// bounds the memory: the kernel's receive buffer fills, TCP announces a window of 0, and the peer waits.
    ///
    /// Which events were reported does not matter: EPOLLERR and EPOLLHUP, reported whether asked for or
    /// not, show as an error of the call.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        if !self.backlog.is_empty() {
            let backlog = std::mem::take(&mut self.backlog);
            return self.send(&backlog);
        }
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN). It may still be reading, but nothing is owed to it: with a
            // backlog we would not have received. What lies in the kernel's send buffer still arrives.
            Ok(0) => Next::Close,
            Ok(received) => self.send(&buffer[..received]),
            Err(Errno::EAGAIN | Errno::EINTR) => Next::Receive,
            // ECONNRESET and the like end this connection, not the server.
            Err(_) => Next::Close,
        }
    }

    /// Sends what the kernel has room for and keeps the rest.
    fn send(&mut self, bytes: &[u8]) -> Next {
        // MSG_NOSIGNAL: a peer that is gone is an EPIPE here, not a SIGPIPE that ends the process.
        let sent = match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            // Copied to the send buffer; whether it has arrived anywhere is TCP's business.
            Ok(sent) => sent,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(_) => return Next::Close,
        };
        // A short send is no error: the send buffer is full of what the peer has not acknowledged.
        self.backlog = bytes[sent..].to_vec();
        if self.backlog.is_empty() { Next::Receive } else { Next::Send }
    }
}
