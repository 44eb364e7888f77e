//! free-the-threads: an echo server with a thread for each connection.
//!
//! The state of a connection is where its thread stands: asleep in recv(2), or in
//! send(2). When the peer is gone, all that was made for it should go as well.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::thread::{self, JoinHandle};

/// The most that one recv takes.
const BUFFER_BYTES: usize = 16 * 1024;

/// What the server knows of a connection: a socket to end it by, and its thread.
struct Connection {
    socket: TcpStream,
    thread: JoinHandle<()>,
}

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let mut connections = Vec::new();
    let error = loop {
        match listener.accept() {
            Ok((socket, _)) => match start(socket) {
                Ok(connection) => connections.push(connection),
                // No descriptor or no thread was to be had: that closes this one connection.
                Err(_) => continue,
            },
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => break error,
        }
    };
    // An orderly end: every peer is told, and every thread has finished.
    for connection in connections {
        // It fails if the peer is gone already, which is just as well.
        let _ = connection.socket.shutdown(Shutdown::Both);
        let _ = connection.thread.join();
    }
    Err(error)
}

/// Gives a connection its thread.
fn start(socket: TcpStream) -> io::Result<Connection> {
    let ours = socket.try_clone()?;
    let thread = thread::Builder::new().spawn(move || serve(socket))?;
    Ok(Connection { socket: ours, thread })
}

/// A thread's whole life: echoes until the connection ends, then closes it.
fn serve(mut socket: TcpStream) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match socket.read(&mut buffer) {
            // The peer sends no more (FIN).
            Ok(0) => break,
            // A blocking socket takes everything, however long its peer may need for it.
            Ok(received) if socket.write_all(&buffer[..received]).is_ok() => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // ECONNRESET and the like end this connection, not the server.
            Ok(_) | Err(_) => break,
        }
    }
}
