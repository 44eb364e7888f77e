//! free-the-threads, wrong: waits for the end of each thread as soon as it has begun.
//!
//! Nothing is left over, and nobody accepts while a connection lives: the second one waits
//! in the accept queue for the end of the first.

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
            Ok((socket, _)) => {
                if let Ok(thread) = thread::Builder::new().spawn(move || serve(socket)) {
                    // No thread is left behind.
                    let _ = thread.join();
                }
            }
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
