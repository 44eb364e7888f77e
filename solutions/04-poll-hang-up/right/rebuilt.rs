//! poll-hang-up, right: one list of connections, from which the array is built for each wait.
//!
//! A hang-up or an error ends the connection before anything else is tried. With a single
//! list no record can stand for a connection that is gone, and building the array costs
//! about a nanosecond for each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};

use libc::{POLLERR, POLLHUP, POLLIN, POLLOUT, c_short, nfds_t, pollfd};

/// The most that one recv takes, and so the most that is held back for one connection.
const BUFFER_BYTES: usize = 16 * 1024;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    // A report is old when it is read: the peer who knocked may have given up since.
    listener.set_nonblocking(true)?;
    let mut connections: Vec<Connection> = Vec::new();
    let mut watched = Vec::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        watched.clear();
        watched.push(pollfd { fd: listener.as_raw_fd(), events: POLLIN, revents: 0 });
        watched.extend(connections.iter().map(Connection::record));
        // The thread sleeps here, and nowhere else.
        poll(&mut watched)?;
        // The records stand in the order of the connections, and `retain` keeps that order.
        let mut reports = watched[1..].iter().map(|record| record.revents);
        connections.retain_mut(|connection| connection.survives(reports.next().unwrap_or(0), &mut buffer));
        if watched[0].revents != 0 {
            accept(&listener, &mut connections)?;
        }
    }
}

/// Waits until a descriptor of the array is ready; the kernel writes into `revents` what it is ready for.
fn poll(watched: &mut [pollfd]) -> io::Result<()> {
    loop {
        // SAFETY: pointer and length are those of one slice.
        if unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as nfds_t, -1) } >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // A signal: ask again.
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes every connection that waits.
fn accept(listener: &TcpListener, connections: &mut Vec<Connection>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(true)?;
                connections.push(Connection { socket, backlog: Vec::new() });
            }
            // Nobody is left.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

/// A peer, as long as its socket is open.
struct Connection {
    socket: TcpStream,
    /// What the peer sent and has not taken back yet; nearly always empty.
    backlog: Vec<u8>,
}

impl Connection {
    /// What poll is to report of it: room while something is owed, else bytes.
    fn record(&self) -> pollfd {
        let events = if self.backlog.is_empty() { POLLIN } else { POLLOUT };
        pollfd { fd: self.socket.as_raw_fd(), events, revents: 0 }
    }

    /// Does what is reported, and says whether the connection goes on.
    fn survives(&mut self, reported: c_short, buffer: &mut [u8]) -> bool {
        // Over TCP both of these say that nothing can be sent any more.
        if reported & (POLLERR | POLLHUP) != 0 {
            return false;
        }
        if reported & POLLIN != 0 {
            match self.socket.read(buffer) {
                // The peer sends no more (FIN), and nothing is owed to it.
                Ok(0) => return false,
                Ok(received) => self.backlog.extend_from_slice(&buffer[..received]),
                // Ready was a hint: there may be nothing after all.
                Err(error) => return again(&error),
            }
        }
        // After a wait for room as well as after a recv: it is tried only when reported.
        if reported != 0 && !self.backlog.is_empty() {
            match self.socket.write(&self.backlog) {
                Ok(sent) => drop(self.backlog.drain(..sent)),
                Err(error) => return again(&error),
            }
        }
        true
    }
}

/// Nothing is wrong: the call would have had to wait, or a signal came.
fn again(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
