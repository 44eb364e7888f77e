//! free-the-threads, right: two threads and two descriptors, and one ends the other.
//!
//! The receiving thread owns the only sender of the channel. When it returns the channel is
//! closed, so the sending one finishes what it has and closes the second descriptor.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

/// The most that one recv takes.
const BUFFER_BYTES: usize = 16 * 1024;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    loop {
        match listener.accept() {
            // If no descriptor or no thread was to be had, that closes this one connection.
            Ok((socket, _)) => drop(start(socket)),
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a connection two threads: one receives and hands on, one sends what it is handed.
fn start(socket: TcpStream) -> io::Result<()> {
    // A bound on what is kept for a peer that does not take its echo back.
    let (sender, outgoing) = mpsc::sync_channel::<Vec<u8>>(4);
    let mut peer = socket.try_clone()?;
    thread::Builder::new().spawn(move || {
        // Ends when the only sender is gone and everything has been sent.
        for bytes in outgoing {
            if peer.write_all(&bytes).is_err() {
                break;
            }
        }
    })?;
    thread::Builder::new().spawn(move || serve(socket, &sender))?;
    Ok(())
}

/// Receives until the connection ends. The sender goes with this thread.
fn serve(mut socket: TcpStream, peer: &SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match socket.read(&mut buffer) {
            // The peer sends no more (FIN).
            Ok(0) => break,
            Ok(received) if peer.send(buffer[..received].to_vec()).is_ok() => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // ECONNRESET and the like end this connection, not the server.
            Ok(_) | Err(_) => break,
        }
    }
}
