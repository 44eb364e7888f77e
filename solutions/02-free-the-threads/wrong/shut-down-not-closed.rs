//! free-the-threads, wrong: takes shutdown(2) for close(2).
//!
//! The peer sees the end, and everything looks well from there. The descriptor stays open,
//! for the list still has its reference.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::sync::Arc;
use std::thread;

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
                let socket = Arc::new(socket);
                connections.push(Arc::clone(&socket));
                let _ = thread::Builder::new().spawn(move || serve(&socket));
            }
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

/// A thread's whole life: echoes until the connection ends, then ends our side of it.
fn serve(mut socket: &TcpStream) {
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
    let _ = socket.shutdown(Shutdown::Both);
}
