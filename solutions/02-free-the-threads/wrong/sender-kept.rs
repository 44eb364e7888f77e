//! free-the-threads, wrong: a thread to receive, a thread to send, and a sender kept.
//!
//! The sending thread ends when the last sender is gone, and the server keeps one for
//! messages to everybody. So it waits for ever, with a descriptor of the socket in hand.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::sync::mpsc::{self, Sender};
use std::thread;

/// The most that one recv takes.
const BUFFER_BYTES: usize = 16 * 1024;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket this program was given, and nothing
    // else in it owns that number.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let mut everybody = Vec::new();
    loop {
        match listener.accept() {
            Ok((socket, _)) => match start(socket) {
                Ok(sender) => everybody.push(sender),
                // No descriptor or no thread was to be had: that closes this one connection.
                Err(_) => continue,
            },
            // The peer gave up while it waited, or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a connection two threads: one receives and hands on, one sends what it is handed.
/// The sender that is returned is for messages to everybody.
fn start(socket: TcpStream) -> io::Result<Sender<Vec<u8>>> {
    let (sender, outgoing) = mpsc::channel::<Vec<u8>>();
    let mut peer = socket.try_clone()?;
    thread::Builder::new().spawn(move || {
        // Ends when nobody has a sender any more.
        for bytes in outgoing {
            if peer.write_all(&bytes).is_err() {
                break;
            }
        }
    })?;
    let incoming = sender.clone();
    thread::Builder::new().spawn(move || serve(socket, &incoming))?;
    Ok(sender)
}

/// Receives until the connection ends.
fn serve(mut socket: TcpStream, peer: &Sender<Vec<u8>>) {
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
