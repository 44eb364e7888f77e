//! An echo server with epoll, level-triggered.
//!
//! It answers every message at once, and as long as its peers read what they are
//! sent, every byte comes back. It has not met one yet that reads slowly.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt};

/// The listening socket: the descriptor that the program was started with.
const LISTENER: i32 = 3;

/// The most that one receive takes.
const BUFFER_BYTES: usize = 64 * 1024;

/// How much the kernel is asked to keep for each peer until it is acknowledged. That is little, so
/// that slow readers are noticed early.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

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
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER as u64))?;
    let mut server = Server { listener, epoll, connections: HashMap::new() };
    let mut events = [EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // The thread sleeps here, and nowhere else: all sockets are non-blocking.
        let ready = match server.epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        for event in &events[..ready] {
            let fd = event.data() as i32;
            if fd == LISTENER { server.accept()? } else { server.turn(fd, &mut buffer)? }
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
    /// Takes everybody who waits, and has the kernel watch them.
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
            let connection = Connection { socket, watched: EpollFlags::EPOLLIN };
            self.epoll.add(&connection.socket, EpollEvent::new(connection.watched, fd as u64))?;
            self.connections.insert(fd, connection);
        }
    }

    /// Gives a connection its turn, then has the kernel watch for what it needs next.
    fn turn(&mut self, fd: i32, buffer: &mut [u8]) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&fd) else { return Ok(()) };
        if let After::Close = connection.turn(buffer) {
            // Dropping the socket closes it, and takes it off the interest list.
            self.connections.remove(&fd);
            return Ok(());
        }
        // Mostly nothing has changed, and that costs no call.
        let needed = connection.needs();
        if connection.watched != needed {
            connection.watched = needed;
            self.epoll.modify(&connection.socket, &mut EpollEvent::new(needed, fd as u64))?;
        }
        Ok(())
    }
}

/// What becomes of a connection after its turn.
enum After {
    Stay,
    Close,
}

// ---- From here on it is yours. ----

struct Connection {
    socket: TcpStream,
    /// What the kernel was told to watch for.
    watched: EpollFlags,
}

impl Connection {
    /// What the connection has to be told of, to go on.
    fn needs(&self) -> EpollFlags {
        EpollFlags::EPOLLIN
    }

    /// Receives once, and sends that back.
    fn turn(&mut self, buffer: &mut [u8]) -> After {
        match self.socket.read(buffer) {
            // The peer sends no more.
            Ok(0) => After::Close,
            Ok(received) => self.send(&buffer[..received]),
            Err(error) if is_patience(&error) => After::Stay,
            Err(_) => After::Close,
        }
    }

    /// Hands the bytes to the kernel, which copies them to the send buffer of the socket.
    fn send(&mut self, bytes: &[u8]) -> After {
        match self.socket.write_all(bytes) {
            Ok(()) => After::Stay,
            // It cannot be sent to this peer, so the connection is of no use.
            Err(_) => After::Close,
        }
    }
}

/// Whether a call only says "not now" (EAGAIN), or was interrupted by a signal.
fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
