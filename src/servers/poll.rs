//! poll: an array of descriptors, handed to the kernel and walked at every wait.
//!
//! The set of `select` has become an array of records (pollfd), as long as there are descriptors to watch
//! and no longer bounded by FD_SETSIZE. What is asked (`events`) and what is answered (`revents`) are
//! separate fields, so the array survives the call and is only changed where something has changed.
//!
//! What remains is the walk: at every wait the whole array is copied in, the kernel asks each socket whether
//! it is ready, and the program looks at each record for the answer. Idle connections cost as much as busy
//! ones. epoll moves exactly this array into the kernel.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::Context;
use libc::{POLLIN, POLLOUT, c_int, c_short, nfds_t, pollfd};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// Where the listener is in the array.
const LISTENER: usize = 0;

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
    /// What poll is given, kept from wait to wait: the listener first, then one for each connection.
    watched: Vec<pollfd>,
    /// The connection of watched[i] is connections[i - 1].
    connections: Vec<Connection>,
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

    let watched = vec![watch(&listener, POLLIN)];
    let mut server = Server { listener, watched, connections: Vec::new(), accepting: true };
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let timeout_ms = if server.accepting { -1 } else { 1000 };
        // Here the thread sleeps, and nowhere else. Before that the kernel asks every socket of the array,
        // and puts the thread on the wait queue of each.
        let mut ready = match poll(&mut server.watched, timeout_ms) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("poll"),
        };
        // The answer says how many are ready, not which. Downwards: a closed connection's place is taken by
        // the last one, which has had its turn by then.
        for i in (0..server.watched.len()).rev() {
            if ready == 0 {
                break;
            }
            // Any event will do, also POLLERR and POLLHUP, which are reported without being asked for: to
            // pass over them would be to find them again at once, for ever.
            if server.watched[i].revents != 0 {
                ready -= 1;
                if i == LISTENER { server.accept()? } else { server.turn(i, &mut buffer) }
            }
        }
        // The listener is not watched: whatever woke us may have given a descriptor back.
        if !server.accepting {
            server.accept()?;
        }
    }
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
        self.watched[LISTENER].events = if accepting { POLLIN } else { 0 };
        Ok(())
    }

    /// Puts a connection at the end of the array.
    fn add(&mut self, socket: OwnedFd) {
        self.watched.push(watch(&socket, POLLIN));
        self.connections.push(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a ready connection its turn, then has poll watch for what it needs next.
    fn turn(&mut self, i: usize, buffer: &mut [u8]) {
        match self.connections[i - 1].turn(buffer) {
            Next::Receive => self.watched[i].events = POLLIN,
            // A socket has room nearly always. POLLOUT is for while there is a backlog: left set after
            // that, it would end every wait at once.
            Next::Send => self.watched[i].events = POLLOUT,
            Next::Close => {
                // The last one moves here: nothing is rebuilt.
                self.watched.swap_remove(i);
                self.connections.swap_remove(i - 1);
            }
        }
    }
}

impl Connection {
    /// Receives and sends back; or, while the peer is behind with taking, only sends. Not receiving is what
    /// bounds the memory: the kernel's receive buffer fills, TCP announces a window of 0, and the peer waits.
    ///
    /// Which events were reported does not matter: POLLERR and POLLHUP show as an error of the call.
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
