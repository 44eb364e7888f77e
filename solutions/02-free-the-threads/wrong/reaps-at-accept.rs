//! free-the-threads, wrong: tidies up when the next one comes.
//!
//! It does free everything, at the next accept. Until then the peers have no FIN, and when
//! nobody comes any more the last crowd stays for good.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::thread::{self, JoinHandle};

/// The most that one recv takes.
const BUFFER_BYTES: usize = 16 * 1024;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let mut connections = Vec::new();
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                // Those that have ended meanwhile are dropped, their sockets with them.
                connections.retain(|(_, thread): &(TcpStream, JoinHandle<()>)| !thread.is_finished());
                connections.extend(start(socket));
            }
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a connection its thread, and keeps a socket for messages from others.
fn start(socket: TcpStream) -> io::Result<(TcpStream, JoinHandle<()>)> {
    let ours = socket.try_clone()?;
    let thread = thread::Builder::new().spawn(move || serve(socket))?;
    Ok((ours, thread))
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
