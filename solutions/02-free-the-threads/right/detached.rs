//! free-the-threads, right: nothing is kept.
//!
//! The socket belongs to the thread and to nobody else, so it is closed when the thread
//! returns; and a thread without a handle frees its stack by itself.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::thread;

/// The most that one recv takes.
const BUFFER_BYTES: usize = 16 * 1024;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    loop {
        match listener.accept() {
            // Without its handle a thread is detached: nobody waits for its end, and it leaves
            // nothing behind. If none was to be had the socket is dropped with the closure,
            // which closes this one connection.
            Ok((socket, _)) => drop(thread::Builder::new().spawn(move || serve(socket))),
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
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
