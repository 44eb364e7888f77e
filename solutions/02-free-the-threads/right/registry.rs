//! free-the-threads, right: a list of the open connections, from which each strikes itself off.
//!
//! The thread owns its entry. When it ends, in whatever way, the entry is dropped, and with
//! it both references to the socket.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The most that one recv takes.
const BUFFER_BYTES: usize = 16 * 1024;

/// Every connection that is open, by a number of our own.
type Open = Arc<Mutex<HashMap<u64, Arc<TcpStream>>>>;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let open = Open::default();
    let mut accepted = 0;
    let error = loop {
        match listener.accept() {
            Ok((socket, _)) => {
                accepted += 1;
                let entry = Entry::new(&open, accepted, socket);
                // If no thread is to be had the entry goes with the closure.
                let _ = thread::Builder::new().spawn(move || serve(&entry.socket));
            }
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => break error,
        }
    };
    // An orderly end: every peer is told.
    for socket in lock(&open).values() {
        // It fails if the peer is gone already, which is just as well.
        let _ = socket.shutdown(Shutdown::Both);
    }
    Err(error)
}

/// A connection in the list of those that are open, for as long as this lives.
struct Entry {
    open: Open,
    number: u64,
    socket: Arc<TcpStream>,
}

impl Entry {
    fn new(open: &Open, number: u64, socket: TcpStream) -> Entry {
        let socket = Arc::new(socket);
        lock(open).insert(number, Arc::clone(&socket));
        Entry { open: Arc::clone(open), number, socket }
    }
}

impl Drop for Entry {
    /// However the thread ends, also by a panic.
    fn drop(&mut self) {
        lock(&self.open).remove(&self.number);
    }
}

/// A thread that panicked with the lock held has left a list that is whole.
fn lock(open: &Open) -> MutexGuard<'_, HashMap<u64, Arc<TcpStream>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's whole life: echoes until the connection ends.
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
}
