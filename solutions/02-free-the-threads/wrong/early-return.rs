//! free-the-threads, wrong: the question mark goes past the clean-up.
//!
//! A peer that says goodbye is struck off the list. One that resets its connection makes
//! recv fail, and the function returns before it comes to that line.

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
                let socket = Arc::new(socket);
                lock(&open).insert(accepted, Arc::clone(&socket));
                let list = Arc::clone(&open);
                let _ = thread::Builder::new().spawn(move || serve(&socket, accepted, &list));
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

/// A thread that panicked with the lock held has left a list that is whole.
fn lock(open: &Open) -> MutexGuard<'_, HashMap<u64, Arc<TcpStream>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's whole life: echoes until the connection ends, then strikes it off the list.
fn serve(mut socket: &TcpStream, number: u64, open: &Open) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // A peer that is gone ends the thread.
        let received = socket.read(&mut buffer)?;
        // The peer sends no more (FIN).
        if received == 0 {
            break;
        }
        socket.write_all(&buffer[..received])?;
    }
    lock(open).remove(&number);
    Ok(())
}
