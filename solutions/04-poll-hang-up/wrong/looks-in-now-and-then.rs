//! poll-hang-up, wrong: a time limit, so that nothing can be missed.
//!
//! It is right about everything that is reported, and wakes a hundred times a second to
//! find that nothing is.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};

use libc::{POLLIN, POLLOUT, c_short, nfds_t, pollfd};

/// The most that one recv takes, and so the most that is held back for one connection.
const BUFFER_BYTES: usize = 16 * 1024;

/// The descriptor on which the server is given its listening socket.
const LISTENER: usize = 3;

/// A record that poll passes over, because its descriptor is negative.
const NOBODY: pollfd = pollfd { fd: -1, events: 0, revents: 0 };

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(LISTENER as i32) };
    // A report is old when it is read: the peer who knocked may have given up since.
    listener.set_nonblocking(true)?;
    let mut server = Server { listener, watched: Vec::new(), connections: Vec::new() };
    server.watch(LISTENER, POLLIN);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // The thread sleeps here, and nowhere else.
        poll(&mut server.watched)?;
        // The call says how many are ready; which they are is in the records.
        for fd in 0..server.watched.len() {
            match server.watched[fd].revents {
                0 => {}
                _ if fd == LISTENER => server.accept()?,
                // Any event will do. POLLERR and POLLHUP show as an error of the call.
                _ => server.turn(fd, |connection| connection.turn(&mut buffer)),
            }
        }
    }
}

/// Waits until a descriptor of the array is ready; the kernel writes into `revents` what it is ready for.
fn poll(watched: &mut [pollfd]) -> io::Result<()> {
    loop {
        // SAFETY: pointer and length are those of one slice.
        if unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as nfds_t, 2) } >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // A signal: ask again.
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    /// What poll is given: by descriptor, with NOBODY in the holes.
    watched: Vec<pollfd>,
    /// By descriptor, too. The kernel always gives the lowest free number, so holes are filled again.
    connections: Vec<Option<Connection>>,
}

impl Server {
    /// Has a descriptor watched for these events, from the next wait on.
    fn watch(&mut self, fd: usize, events: c_short) {
        if self.watched.len() <= fd {
            self.watched.resize(fd + 1, NOBODY);
        }
        self.watched[fd] = pollfd { fd: fd as i32, events, revents: 0 };
    }

    /// Takes every connection that waits.
    fn accept(&mut self) -> io::Result<()> {
        loop {
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

    fn add(&mut self, socket: TcpStream) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        let fd = socket.as_raw_fd() as usize;
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new() });
        self.watch(fd, POLLIN);
        Ok(())
    }

    /// Gives a ready connection its turn, then has it watched for what it needs next.
    fn turn(&mut self, fd: usize, turn: impl FnOnce(&mut Connection) -> Next) {
        let Some(connection) = &mut self.connections[fd] else { return };
        match turn(connection) {
            Next::Receive => self.watch(fd, POLLIN),
            // A socket has room nearly always, so it is watched for room only while it has none.
            Next::Send => self.watch(fd, POLLOUT),
            Next::Close => {
                self.watched[fd] = NOBODY;
                // Dropping it closes it.
                self.connections[fd] = None;
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
    /// Does what it has been waiting for: while something is owed, to send that.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        if self.backlog.is_empty() { self.receive(buffer) } else { self.send() }
    }

    /// Receives once and sends that back.
    fn receive(&mut self, buffer: &mut [u8]) -> Next {
        match self.socket.read(buffer) {
            // The peer sends no more (FIN), and nothing is owed to it.
            Ok(0) => return Next::Close,
            Ok(received) => self.backlog.extend_from_slice(&buffer[..received]),
            // Ready was a hint: there may be nothing after all.
            Err(error) if again(&error) => return Next::Receive,
            // ECONNRESET and the like end this connection, not the server.
            Err(_) => return Next::Close,
        }
        self.send()
    }

    /// Sends what the kernel has room for and keeps the rest.
    fn send(&mut self) -> Next {
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
