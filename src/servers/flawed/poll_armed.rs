//! Flawed: poll that asks for POLLOUT when there is nothing to send.
//!
//! The listing is that of `poll`, except that every connection is watched for room
//! (POLLOUT) as well as for bytes from its first day, "so that no event is missed". A
//! socket has room nearly always, and poll answers for as long as a state lasts. So it
//! never sleeps once there is a connection: it reports all of them, and all but
//! the few that have something get a useless turn that ends in EAGAIN.
//!
//! Seen from outside: a processor always busy, though every byte is echoed, which is
//! why this mistake lives long. There is no interest list to look at: what is asked
//! stands in the program's own array. But the calls tell it: poll reports descriptors
//! as ready by the thousand, and hardly one in a hundred has anything to say.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::Context;
use libc::{POLLIN, POLLOUT, c_int, c_short, nfds_t, pollfd};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// A record that poll passes over, because its descriptor is negative.
const NOBODY: pollfd = pollfd { fd: -1, events: 0, revents: 0 };

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
    let mut watched = vec![NOBODY; listening + 1];
    watched[listening] = watch(&listener, POLLIN);
    let mut server = Server { listener, watched, connections: Vec::new(), accepting: true };
    let mut buffer = vec![0; BUFFER_BYTES];
    // ANCHOR: loop
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let timeout_ms = if server.accepting { -1 } else { 1000 };
        // Here the thread should sleep. But there is always somebody with room: the
        // walk finds one at once, and the call returns.
        let mut ready = match poll(&mut server.watched, timeout_ms) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("poll"),
        };
        // The answer says how many are ready; which they are is in the records.
        for fd in 0..server.watched.len() {
            if ready == 0 {
                break;
            }
            // Any event will do, also POLLERR and POLLHUP, which are reported without being
            // asked for: to pass over them would be to find them again at once, for ever.
            if server.watched[fd].revents != 0 {
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

/// Waits until a descriptor of the array is ready, and says how many are.
fn poll(watched: &mut [pollfd], timeout_ms: c_int) -> nix::Result<c_int> {
    // SAFETY: pointer and length are those of one slice; the kernel reads it and writes `revents`.
    Errno::result(unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as nfds_t, timeout_ms) })
}

/// One record of the array: which descriptor, and which events to report of it.
fn watch(socket: &impl AsRawFd, events: c_short) -> pollfd {
    pollfd { fd: socket.as_raw_fd(), events, revents: 0 }
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    /// What poll is given, kept from wait to wait: by descriptor, with NOBODY in the holes.
    watched: Vec<pollfd>,
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
        let listening = self.listener.as_raw_fd() as usize;
        self.watched[listening].events = if accepting { POLLIN } else { 0 };
        Ok(())
    }
    // ANCHOR_END: accept

    /// Puts a connection into the array. The kernel does not hear of it before the next wait.
    fn add(&mut self, socket: OwnedFd) {
        let fd = socket.as_raw_fd() as usize;
        if self.watched.len() <= fd {
            self.watched.resize(fd + 1, NOBODY);
        }
        // The flaw, first half: it waits for room, and has room.
        self.watched[fd] = watch(&socket, POLLIN | POLLOUT);
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a ready connection its turn, then has the kernel watch for what it needs next.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[fd] else { return };
        match connection.turn(buffer) {
            // The flaw, second half: the same for everybody, backlog or not.
            Next::Receive | Next::Send => self.watched[fd].events = POLLIN | POLLOUT,
            Next::Close => {
                self.connections[fd] = None;
                // A number that is closed and still in the array would be reported
                // as POLLNVAL at every wait. And the highest one in use decides how
                // much is copied and walked.
                self.watched[fd] = NOBODY;
                let highest = self.watched.iter().rposition(|record| record.fd >= 0);
                self.watched.truncate(highest.map_or(0, |fd| fd + 1));
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
    /// Which events were reported does not matter. POLLERR and POLLHUP are reported
    /// whether asked for or not, and show as an error of the call.
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
