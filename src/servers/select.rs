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
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Once;

use anyhow::{Context, bail, ensure};
use libc::{FD_CLR, FD_ISSET, FD_SET, FD_SETSIZE, c_int, fd_set, timeval};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The most connections taken in one turn of the listener.
const ACCEPTS: usize = 64;

/// A peer: its socket, and what it sent and has not taken back yet.
struct Connection {
    socket: OwnedFd,
    backlog: Vec<u8>,
}

/// What a connection waits for after its turn.
enum Next {
    Receive,
    Send,
    Close,
}

/// A set of descriptors. Every number that gets here is below FD_SETSIZE; [`Server::add`] sees to that.
#[derive(Clone, Copy)]
struct Set(fd_set);

struct Server {
    listener: TcpListener,
    /// Who is watched for bytes to receive, and who for room to send.
    receiving: Set,
    sending: Set,
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
    ensure!(
        listening < FD_SETSIZE,
        "the listening socket, descriptor {listening}, does not fit into an fd_set"
    );
    let (mut receiving, sending) = (Set::empty(), Set::empty());
    receiving.insert(listening);
    let connections = std::iter::repeat_with(|| None).take(listening + 1).collect();
    let mut server = Server { listener, receiving, sending, connections, accepting: true };
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // Here the thread sleeps, and nowhere else. Out of descriptors it also looks once a second whether
        // another process has given one back.
        let timeout_s = if server.accepting { None } else { Some(1) };
        // Copies, since the answer is written over the question.
        let (mut received, mut room) = (server.receiving, server.sending);
        let highest = server.connections.len();
        let mut ready = match select(highest, &mut received, &mut room, timeout_s) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("select"),
        };
        // The answer says how many are ready, and in the sets which: every number has to be tested.
        for fd in 0..highest {
            if ready == 0 {
                break;
            }
            if received.contains(fd) || room.contains(fd) {
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

/// Waits until a descriptor of the sets is ready, leaves the ready ones in them, and says how many there
/// are. `highest` is one more than the highest number in use.
fn select(
    highest: usize,
    receiving: &mut Set,
    sending: &mut Set,
    timeout_s: Option<i64>,
) -> nix::Result<c_int> {
    // Linux counts the time down in place, so each call needs a fresh one.
    let mut timeout = timeout_s.map(|tv_sec| timeval { tv_sec, tv_usec: 0 });
    let timeout = timeout.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let nobody = std::ptr::null_mut();
    // SAFETY: the sets and the timeout live in this frame or the caller's; the third set is left out.
    Errno::result(unsafe {
        libc::select(highest as c_int, &mut receiving.0, &mut sending.0, nobody, timeout)
    })
}

impl Set {
    fn empty() -> Self {
        // SAFETY: an fd_set is an array of integers, and all zero is what FD_ZERO makes of it.
        Self(unsafe { std::mem::zeroed() })
    }

    fn insert(&mut self, fd: usize) {
        // SAFETY: the set is ours and `fd` lies within it.
        unsafe { FD_SET(fd as c_int, &mut self.0) }
    }

    fn remove(&mut self, fd: usize) {
        // SAFETY: as for insert.
        unsafe { FD_CLR(fd as c_int, &mut self.0) }
    }

    fn contains(&self, fd: usize) -> bool {
        // SAFETY: as for insert.
        unsafe { FD_ISSET(fd as c_int, &self.0) }
    }
}

impl Server {
    /// Takes the waiting connections, some at a time, since those inside wait for their turns meanwhile.
    fn accept(&mut self) -> anyhow::Result<()> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let mut accepting = true;
        for _ in 0..ACCEPTS {
            match accept4(self.listener.as_raw_fd(), flags) {
                // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
                Ok(fd) => self.add(unsafe { OwnedFd::from_raw_fd(fd) }),
                // Nobody is left.
                Err(Errno::EAGAIN) => break,
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                    accepting = false;
                    break;
                }
                Err(Errno::EINVAL) => bail!("accept4: EINVAL: somebody has shut the listening socket down"),
                // One is gone again (ECONNABORTED), or brings an error of the network along, which accept(2)
                // wants taken the same way.
                Err(_) => {}
            }
        }
        // Without a free descriptor the connections stay in the kernel's queue, and the listener stays
        // ready: to watch it on would be to spin. It is left out until there is room.
        self.accepting = accepting;
        let listening = self.listener.as_raw_fd() as usize;
        if accepting {
            self.receiving.insert(listening)
        } else {
            self.receiving.remove(listening)
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
        self.receiving.insert(fd);
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new() });
    }

    /// Gives a ready connection its turn, then has select watch for what it needs next.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[fd] else { return };
        let next = connection.turn(buffer);
        self.receiving.remove(fd);
        self.sending.remove(fd);
        match next {
            Next::Receive => self.receiving.insert(fd),
            // A socket has room nearly always. It is in this set while there is a backlog: left there after
            // that, it would end every wait at once.
            Next::Send => self.sending.insert(fd),
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
    /// bounds the memory: the kernel's buffer fills, the window closes, and the peer must wait.
    ///
    /// In which set it was reported does not matter: a broken connection is in both, and the call fails.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        if !self.backlog.is_empty() {
            let backlog = std::mem::take(&mut self.backlog);
            return self.send(&backlog);
        }
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN). Nothing is owed to it, or we would not have received.
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
            Ok(sent) => sent,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(_) => return Next::Close,
        };
        self.backlog = bytes[sent..].to_vec();
        if self.backlog.is_empty() { Next::Receive } else { Next::Send }
    }
}
