//! Flawed: no waiting at all. Every socket is tried in turn, and nearly all answer EAGAIN.
//!
//! "Non-blocking" taken for "no need to wait": the program asks each socket whether
//! it has something, again and again. The difference to `poll` is what is missing:
//! poll asks about all of them in one call, and sleeps until there is an answer.
//!
//! Seen from outside: a processor always busy, and nearly every system call a recv that
//! fails with EAGAIN, or an accept4 that does. The more connections there are, the
//! longer each waits for its turn: a system call for every idle one lies in between.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves until the process ends: gives everybody a turn, ready or not, again and again.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // The listener is tried like everybody else, and mostly nobody is waiting.
    listener.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit this. Without it Nagle's algorithm would hold the
    // end of a long echo back until the peer has acknowledged the beginning, which
    // a peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let mut server = Server { listener, connections: Vec::new() };
    let mut buffer = vec![0; BUFFER_BYTES];
    // ANCHOR: loop
    loop {
        // The flaw: here the thread should sleep. The kernel knows who has
        // something, for it puts the bytes there and would wake us; nobody asks it
        // that, only each socket one by one.
        server.accept()?;
        // Downwards: a closed connection's place is taken by the last one, which
        // has had its turn by then.
        for i in (0..server.connections.len()).rev() {
            server.turn(i, &mut buffer);
        }
    }
    // ANCHOR_END: loop
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    connections: Vec<Connection>,
}

impl Server {
    /// Takes one waiting connection, if there is one. Nobody has said so: it is
    /// asked each time round, and mostly the answer is EAGAIN.
    fn accept(&mut self) -> anyhow::Result<()> {
        match accept4(self.listener.as_raw_fd(), SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC) {
            // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
            Ok(fd) => self.add(unsafe { OwnedFd::from_raw_fd(fd) }),
            Err(Errno::EAGAIN | Errno::ECONNABORTED | Errno::EINTR) => {}
            // No descriptor is free: the connection stays in the accept queue.
            Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {}
            Err(errno) => return Err(errno).context("accept4"),
        }
        Ok(())
    }

    fn add(&mut self, socket: OwnedFd) {
        self.connections.push(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a connection its turn, ready or not.
    fn turn(&mut self, i: usize, buffer: &mut [u8]) {
        if matches!(self.connections[i].turn(buffer), Next::Close) {
            self.connections.swap_remove(i);
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

/// What comes after a connection's turn. There is nothing to wait for.
enum Next {
    Again,
    Close,
}

impl Connection {
    // ANCHOR: echo
    /// Receives once and sends that back; or, while the peer is behind with taking,
    /// only sends. Not receiving is what bounds the memory: the kernel's receive
    /// buffer fills, TCP announces a window of 0, and the peer has to wait.
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
            // By far the most frequent answer: a way into the kernel and back for nothing.
            Err(Errno::EAGAIN | Errno::EINTR) => Next::Again,
            // ECONNRESET and the like end this connection, not the server.
            Err(_) => Next::Close,
        }
    }

    /// Sends what the kernel has room for and keeps the rest.
    fn send(&mut self, bytes: &[u8]) -> Next {
        // MSG_NOSIGNAL: a peer that is gone is an EPIPE here, not a SIGPIPE that ends the process.
        let sent = match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(_) => return Next::Close,
        };
        // A short send is no error: the send buffer is full of what the peer has not acknowledged.
        self.backlog = bytes[sent..].to_vec();
        Next::Again
    }
    // ANCHOR_END: echo
}
