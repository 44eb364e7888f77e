//! select: sets of descriptors, copied in and out and walked at every wait.
//!
//! The oldest of the waiting calls (4.2BSD, 1983). The program hands over sets of
//! bits, one bit for each descriptor number, and the kernel *overwrites* them with
//! those that are ready. So the program keeps its own sets, gives the kernel
//! copies, and after each wait tests every number up to the highest. `poll`
//! separates question and answer, and walks all the same.
//!
//! The sets have a fixed size in the C library, FD_SETSIZE bits or 1024; the kernel
//! would take more. FD_SET in C, unless it is fortified, does not check: descriptor
//! 1024 sets a bit in whatever lies behind the set, and many a program has been
//! broken that way. Here such a connection is refused.
//!
//! Seen from outside: as many system calls for each echo as with poll and epoll.
//! But processor time for each echo grows with the idle connections, and with some
//! 1020 of them the server is full.

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

    // A listening socket is ready to be read when a connection can be accepted.
    let listening = listener.as_raw_fd() as usize;
    ensure!(listening < FD_SETSIZE, "descriptor {listening}, the listener, does not fit into an fd_set");
    let (mut receiving, sending) = (FdSet::new(), FdSet::new());
    receiving.insert(bit(listening));
    let mut server = Server { listener, receiving, sending, connections: Vec::new(), accepting: true };
    let mut buffer = vec![0; BUFFER_BYTES];
    // ANCHOR: loop
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let mut second = TimeVal::seconds(1);
        let timeout = if server.accepting { None } else { Some(&mut second) };
        // Here the thread sleeps, and nowhere else: one voluntary context switch,
        // and only if nobody is ready. However many descriptors have become ready
        // since the last wait, one call reports them. That is why system calls for
        // each echo fall from 3 towards 2 as a server gets busy.
        //
        // What grows is the time within the call. Asking one socket is a matter of
        // nanoseconds, but everybody is asked, twice if the thread sleeps in
        // between, and nearly all say no.
        //
        // The call gets copies, since the kernel writes its answer over the
        // question. Linux also overwrites the timeout with the time that was left.
        // Copied in and out are all words up to the highest number, and every bit
        // that is set there is a socket to be asked.
        let (mut received, mut room) = (server.receiving, server.sending);
        let numbers = server.connections.len().max(listening + 1);
        let mut ready = match select(numbers as i32, &mut received, &mut room, None, timeout) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("select"),
        };
        // The answer says how many are ready; which they are is in the sets.
        for fd in 0..numbers {
            if ready == 0 {
                break;
            }
            // No number is in both sets, so it counts once.
            if received.contains(bit(fd)) || room.contains(bit(fd)) {
                ready -= 1;
                if fd == listening { server.accept()? } else { server.turn(fd, &mut buffer) }
            }
        }
        // The listener is not watched now, but a descriptor may have come free.
        if !server.accepting {
            server.accept()?;
        }
    }
    // ANCHOR_END: loop
}

/// A descriptor as the sets take it. nix panics at one beyond FD_SETSIZE;
/// [`Server::add`] lets none in.
fn bit(fd: usize) -> BorrowedFd<'static> {
    // SAFETY: the sets use the number alone, and it is in one only while its socket is open.
    unsafe { BorrowedFd::borrow_raw(fd as RawFd) }
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    /// Who is watched for bytes to receive, and who for room to send: 128 bytes each.
    receiving: FdSet<'static>,
    sending: FdSet<'static>,
    /// By descriptor: the kernel always gives the lowest free number, so there are few holes.
    connections: Vec<Option<Connection>>,
    /// False while there is no descriptor free for a further connection.
    accepting: bool,
}

impl Server {
    // ANCHOR: accept
    /// Takes every connection that waits. The kernel has finished their handshakes
    /// without us: accept4 takes the oldest off the accept queue and gives it a
    /// descriptor. Taking all saves a wait for each, and accepting is so much
    /// cheaper than connecting that the queue gets empty.
    fn accept(&mut self) -> anyhow::Result<()> {
        let accepting = loop {
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
        // the listener stays ready: it would end every wait at once. So it is left
        // out until there is room.
        self.accepting = accepting;
        let listening = bit(self.listener.as_raw_fd() as usize);
        if accepting {
            self.receiving.insert(listening)
        } else {
            self.receiving.remove(listening)
        }
        Ok(())
    }
    // ANCHOR_END: accept

    /// Puts a connection into the set, if the set has a bit for its number. The
    /// kernel does not hear of it before the next wait.
    fn add(&mut self, socket: OwnedFd) {
        static WARNED: Once = Once::new();
        let fd = socket.as_raw_fd() as usize;
        if fd >= FD_SETSIZE {
            // A larger set would do for the kernel, and not for the C library. The
            // socket is dropped, and that closes it. Said once.
            WARNED.call_once(|| {
                let _ = writeln!(
                    io::stderr(),
                    "select: closed descriptor {fd}: FD_SETSIZE is {FD_SETSIZE}; try poll"
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

    /// Gives a ready connection its turn, then has the kernel watch for what it needs next.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[fd] else { return };
        let next = connection.turn(buffer);
        self.receiving.remove(bit(fd));
        self.sending.remove(bit(fd));
        match next {
            Next::Receive => self.receiving.insert(bit(fd)),
            // A socket has room nearly always. It is watched for room while there
            // is a backlog: watched on after that, it would end every wait at once.
            Next::Send => self.sending.insert(bit(fd)),
            Next::Close => {
                self.connections[fd] = None;
                // A number that is closed and still in a set would make select fail with
                // EBADF. And the highest one in use decides how much is copied and walked.
                let highest = self.connections.iter().rposition(Option::is_some);
                self.connections.truncate(highest.map_or(0, |fd| fd + 1));
            }
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

/// What a connection waits for after its turn.
enum Next {
    Receive,
    Send,
    Close,
}

impl Connection {
    // ANCHOR: echo
    /// Receives once and sends that back; or, while the peer is behind with taking,
    /// only sends. Not receiving is what bounds the memory: the kernel's receive
    /// buffer fills, TCP announces a window of 0, and the peer has to wait.
    ///
    /// In which set it was reported does not matter. A broken connection counts as
    /// ready in either, and shows as an error of the call.
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
            // Ready was a hint: there may be nothing after all.
            Err(Errno::EAGAIN | Errno::EINTR) => Next::Receive,
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
        // A short send is no error: the send buffer is full of what the peer has not acknowledged.
        self.backlog = bytes[sent..].to_vec();
        if self.backlog.is_empty() { Next::Receive } else { Next::Send }
    }
    // ANCHOR_END: echo
}
