//! select: the whole set of descriptors, copied in and out at every wait.
//!
//! The oldest of the waiting calls (4.2BSD, 1983). The program hands over sets of bits, one bit for each
//! descriptor number, and the kernel *overwrites* them with those that are ready. So the program keeps its
//! own sets, gives the kernel copies, and after each wait tests every number up to the highest.
//!
//! The sets have a fixed size: FD_SETSIZE bits, 1024, whatever the limit on open descriptors is. FD_SET
//! does not check. In C, descriptor 1024 sets a bit in whatever lies behind the set; many a program has
//! been broken that way. Here such a connection is refused.

use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Once;

use anyhow::{Context, ensure};
use nix::errno::Errno;
use nix::sys::select::{FD_SETSIZE, FdSet, select};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// A peer.
struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// What it sent and has not taken back yet; nearly always empty.
    backlog: Vec<u8>,
}

/// What a connection waits for after its turn.
enum Next {
    Receive,
    Send,
    Close,
}

struct Server {
    listener: TcpListener,
    /// Who is watched for bytes to receive, and who for room to send: 128 bytes each.
    receiving: FdSet<'static>,
    sending: FdSet<'static>,
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

    let listening = listener.as_raw_fd() as usize;
    ensure!(listening < FD_SETSIZE, "descriptor {listening}, the listener, does not fit into an fd_set");
    let (mut receiving, sending) = (FdSet::new(), FdSet::new());
    receiving.insert(bit(listening));
    let connections = std::iter::repeat_with(|| None).take(listening + 1).collect();
    let mut server = Server { listener, receiving, sending, connections, accepting: true };
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // Copies, since the answer is written over the question. Linux also counts the time down in place.
        let (mut received, mut room) = (server.receiving, server.sending);
        // Out of descriptors it looks once a second whether another process has given one back.
        let mut second = TimeVal::seconds(1);
        let timeout = if server.accepting { None } else { Some(&mut second) };
        // Here the thread sleeps, and nowhere else. Before that the kernel tests every bit below this number,
        // asks each socket that is meant, and puts the thread on its wait queue.
        let numbers = server.connections.len();
        let mut ready = match select(numbers as i32, &mut received, &mut room, None, timeout) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("select"),
        };
        // The answer says how many are ready, and in the sets which: every number has to be tested.
        for fd in 0..numbers {
            if ready == 0 {
                break;
            }
            if received.contains(bit(fd)) || room.contains(bit(fd)) {
                ready -= 1;
                if fd == listening { server.accept()? } else { server.turn(fd, &mut buffer) }
            }
        }
        // The listener is not watched: whatever woke us may have given a descriptor back.
        if !server.accepting {
            server.accept()?;
        }
    }
}

/// A descriptor as the sets take it; nix panics if it is beyond FD_SETSIZE, and [`Server::add`] prevents that.
fn bit(fd: usize) -> BorrowedFd<'static> {
    // SAFETY: the sets use the number alone, and it is in one of them only while its socket is open.
    unsafe { BorrowedFd::borrow_raw(fd as RawFd) }
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
        self.accepting = accepting;
        let listening = bit(self.listener.as_raw_fd() as usize);
        if accepting {
            self.receiving.insert(listening);
        } else {
            self.receiving.remove(listening);
        }
        Ok(())
    }

    /// Puts a connection into the set, if its number is one that the set has a bit for.
    fn add(&mut self, socket: OwnedFd) {
        static WARNED: Once = Once::new();
        let fd = socket.as_raw_fd() as usize;
        if fd >= FD_SETSIZE {
            // Said once; the socket is dropped, and so closed, each time.
            WARNED.call_once(|| {
                let _ = writeln!(
                    io::stderr(),
                    "select: closed descriptor {fd}: FD_SETSIZE is {FD_SETSIZE}, and select can watch neither \
                     it nor any above; poll and epoll can"
                );
            });
            return;
        }
        self.receiving.insert(bit(fd));
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a ready connection its turn, then has select watch for what it needs next.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[fd] else { return };
        let next = connection.turn(buffer);
        self.receiving.remove(bit(fd));
        self.sending.remove(bit(fd));
        match next {
            Next::Receive => self.receiving.insert(bit(fd)),
            // A socket has room nearly always. It is in this set while there is a backlog: left there after
            // that, it would end every wait at once.
            Next::Send => self.sending.insert(bit(fd)),
            Next::Close => {
                self.connections[fd] = None;
                // The highest number in use decides how much is copied and tested.
                let listening = self.listener.as_raw_fd() as usize;
                let highest = self.connections.iter().rposition(Option::is_some).unwrap_or(0);
                self.connections.truncate(highest.max(listening) + 1);
            }
        }
    }
}

impl Connection {
    /// Receives and sends back; or, while the peer is behind with taking, only sends. Not receiving is what
    /// bounds the memory: the kernel's receive buffer fills, TCP announces a window of 0, and the peer waits.
    ///
    /// In which set it was reported does not matter: a broken connection counts as ready, and the call fails.
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
