//! beyond-fd-set, right: leaves those that do not fit in the accept queue until somebody goes.
//!
//! The kernel has finished their handshakes and keeps them for us. While there is no bit
//! for a further connection the listener is not watched.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

/// The most that one recv takes, and so the most that is held back for one connection.
const BUFFER_BYTES: usize = 16 * 1024;

/// The descriptor on which the server is given its listening socket.
const LISTENER: RawFd = 3;

/// The number of bits in an fd_set, and so the first descriptor that does not fit.
const FD_SETSIZE: RawFd = libc::FD_SETSIZE as RawFd;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(LISTENER) };
    // A report is old when it is read: the peer who knocked may have given up since.
    listener.set_nonblocking(true)?;
    let mut server =
        Server { listener, receiving: Set::new(), sending: Set::new(), connections: BTreeMap::new() };
    server.receiving.insert(LISTENER);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let (mut received, mut room) = (server.receiving, server.sending);
        let highest = server.highest();
        // The thread sleeps here, and nowhere else.
        select(highest + 1, &mut received, &mut room)?;
        for fd in 0..=highest {
            if received.contains(fd) || room.contains(fd) {
                if fd == LISTENER { server.accept()? } else { server.turn(fd, &mut buffer) }
            }
        }
    }
}

/// Waits until one of the descriptors below `numbers` is ready, and leaves only those in the sets.
fn select(numbers: RawFd, received: &mut Set, room: &mut Set) -> io::Result<()> {
    let nobody = std::ptr::null_mut();
    loop {
        // SAFETY: two sets that outlive the call; null pointers for the third and for a time limit.
        let ready =
            unsafe { libc::select(numbers, &mut received.0, &mut room.0, nobody, std::ptr::null_mut()) };
        if ready >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // A signal: the sets are as they were.
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// A set of descriptors, as the C library defines it: 1024 bits (FD_SETSIZE).
#[derive(Clone, Copy)]
struct Set(libc::fd_set);

impl Set {
    fn new() -> Set {
        // SAFETY: an fd_set is an array of numbers, and zeroes are the empty set.
        Set(unsafe { std::mem::zeroed() })
    }

    fn insert(&mut self, fd: RawFd) {
        // SAFETY: changes one bit of a set that is ours. Where C would write past the
        // end, the libc crate panics.
        unsafe { libc::FD_SET(fd, &mut self.0) }
    }

    fn remove(&mut self, fd: RawFd) {
        // SAFETY: as above.
        unsafe { libc::FD_CLR(fd, &mut self.0) }
    }

    fn contains(&self, fd: RawFd) -> bool {
        // SAFETY: reads one bit of a set that is ours.
        unsafe { libc::FD_ISSET(fd, &self.0) }
    }
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    receiving: Set,
    sending: Set,
    /// By descriptor.
    connections: BTreeMap<RawFd, Connection>,
}

impl Server {
    /// The highest descriptor that is watched.
    fn highest(&self) -> RawFd {
        self.connections.last_key_value().map_or(LISTENER, |(&fd, _)| fd.max(LISTENER))
    }

    /// Takes every connection that waits.
    fn accept(&mut self) -> io::Result<()> {
        loop {
            // The next one would have no bit. It stays in the accept queue, and the listener
            // is left out of the set until somebody goes: watched, it would end every wait.
            if self.highest() + 1 >= FD_SETSIZE {
                self.receiving.remove(LISTENER);
                return Ok(());
            }
            match self.listener.accept() {
                Ok((socket, _)) => self.add(socket)?,
                // Nobody is left.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The peer gave up while it waited, or a signal came.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                // Also when no descriptor is free, which with this limit does not happen here.
                Err(error) => return Err(error),
            }
        }
    }

    /// Has a new connection watched. The kernel does not hear of it before the next wait.
    fn add(&mut self, socket: TcpStream) -> io::Result<()> {
        let fd = socket.as_raw_fd();
        // Some other file has taken a number. The socket is dropped, which closes it.
        if fd >= FD_SETSIZE {
            return Ok(());
        }
        socket.set_nonblocking(true)?;
        self.receiving.insert(fd);
        self.connections.insert(fd, Connection { socket, backlog: Vec::new() });
        Ok(())
    }

    /// Gives a ready connection its turn, then has it watched for what it needs next.
    fn turn(&mut self, fd: RawFd, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(&fd) else { return };
        let next = connection.turn(buffer);
        self.receiving.remove(fd);
        self.sending.remove(fd);
        match next {
            Next::Receive => self.receiving.insert(fd),
            // A socket has room nearly always, so it is watched for room only while it has none.
            Next::Send => self.sending.insert(fd),
            // Dropping it closes it.
            Next::Close => {
                self.connections.remove(&fd);
                self.receiving.insert(LISTENER);
            }
        }
    }
}

/// A peer, as long as its socket is open.
struct Connection {
    socket: TcpStream,
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
    /// Receives once and sends that back; or, while the peer is behind with taking, only sends.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        if self.backlog.is_empty() {
            match self.socket.read(buffer) {
                // The peer sends no more (FIN), and nothing is owed to it.
                Ok(0) => return Next::Close,
                Ok(received) => self.backlog.extend_from_slice(&buffer[..received]),
                // Ready was a hint: there may be nothing after all.
                Err(error) if again(&error) => return Next::Receive,
                // ECONNRESET and the like end this connection, not the server.
                Err(_) => return Next::Close,
            }
        }
        match self.socket.write(&self.backlog) {
            Ok(sent) => drop(self.backlog.drain(..sent)),
            Err(error) if again(&error) => {}
            Err(_) => return Next::Close,
        }
        if self.backlog.is_empty() { Next::Receive } else { Next::Send }
    }
}

/// Nothing is wrong: the call would have had to wait, or a signal came.
fn again(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
