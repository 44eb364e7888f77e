//! Right: a turn goes on until a call answers EAGAIN.
//!
//! Either nothing is left to receive, or there is no room to send: in both cases the next change
//! is an edge.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt};

/// The listening socket: the descriptor that the program was started with.
const LISTENER: i32 = 3;

/// The most that one receive takes: a page.
const BUFFER_BYTES: usize = 4096;

/// How much the kernel is asked to keep for each peer until it is acknowledged. That is little, so
/// that slow readers are noticed early.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// The most that one epoll_wait reports; the others come at the next.
const EVENTS: usize = 64;

fn main() -> io::Result<()> {
    // SAFETY: whoever started us opened this descriptor, and nothing else here owns it.
    let listener = unsafe { TcpListener::from_raw_fd(LISTENER) };
    // Ready was a hint: who knocked may be gone, and a blocking accept would then sleep.
    listener.set_nonblocking(true)?;
    // Accepted sockets inherit this.
    setsockopt(&listener, sockopt::SndBuf, &SEND_BUFFER_BYTES)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let watched = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    epoll.add(&listener, EpollEvent::new(watched, LISTENER as u64))?;
    let mut server = Server { listener, epoll, connections: HashMap::new() };
    let mut events = [EpollEvent::empty(); EVENTS];
    let mut buffer = [0; BUFFER_BYTES];
    loop {
        // The thread sleeps here, and nowhere else: all sockets are non-blocking.
        let ready = match server.epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        for event in &events[..ready] {
            let fd = event.data() as i32;
            if fd == LISTENER { server.accept()? } else { server.turn(fd, &mut buffer) }
        }
    }
}

struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// By descriptor.
    connections: HashMap<i32, Connection>,
}

impl Server {
    /// Takes everybody who waits: the listener is edge-triggered, too, and whoever stays
    /// in its queue is not reported again.
    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let fd = socket.as_raw_fd();
            // For both directions and for good. What has come before this is the first edge.
            let watched = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
            self.epoll.add(&socket, EpollEvent::new(watched, fd as u64))?;
            self.connections.insert(fd, Connection { socket, backlog: Vec::new() });
        }
    }

    /// Gives a connection its turn, whichever of its events was reported.
    fn turn(&mut self, fd: i32, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(&fd) else { return };
        if let After::Close = connection.turn(buffer) {
            // Dropping the socket closes it, and takes it off the interest list.
            self.connections.remove(&fd);
        }
    }
}

/// What becomes of a connection after its turn.
enum After {
    /// It waits for the next report.
    Wait,
    Close,
}

struct Connection {
    socket: TcpStream,
    /// What was received and could not be sent back yet; mostly empty.
    backlog: Vec<u8>,
}

impl Connection {
    /// Sends and receives in turn, until one of the two has to wait.
    ///
    /// A turn has no bound here: who sends without end keeps the thread.
    fn turn(&mut self, buffer: &mut [u8]) -> After {
        loop {
            // What is owed goes first. If it does not go, nothing further is received, and
            // when it has gone, this comes back to receiving: no report will ask for it.
            if let After::Close = self.send() {
                return After::Close;
            }
            if !self.backlog.is_empty() {
                return After::Wait;
            }
            match self.socket.read(buffer) {
                // The peer sends no more.
                Ok(0) => return After::Close,
                Ok(received) => self.backlog.extend_from_slice(&buffer[..received]),
                // All was taken: what comes now is a new edge.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return After::Wait,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return After::Close,
            }
        }
    }

    /// Sends until nothing is left, or until the kernel says EAGAIN: the socket is full, and
    /// when it has room again, that is an edge.
    fn send(&mut self) -> After {
        while !self.backlog.is_empty() {
            match self.socket.write(&self.backlog) {
                Ok(sent) => drop(self.backlog.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return After::Wait,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return After::Close,
            }
        }
        After::Wait
    }
}
