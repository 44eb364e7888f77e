//! Lines that are read byte by byte: a system call for each.
//!
//! A protocol has lines, and a line ends where its newline is, which nobody knows
//! before it has been read. So the program asks for one byte, looks at it, and asks
//! for the next. That is right, and each byte costs what a page would: the way into the
//! kernel and back, the look-up of the descriptor, the lock of the socket.
//!
//! Seen from outside: 8 lines of 29 bytes are 232 calls of read(2), and every one of
//! them gets the byte it asked for, for all have been there since the beginning.
//! `buffered` reads the same lines in one call. Rust's `TcpStream::read_exact` with a
//! small array, or `bytes()` without a BufReader, does what this program does.

use anyhow::{Context, ensure};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{read, write};

/// What the peer says, again and again.
const LINE: &[u8] = b"what does a system call cost\n";

/// How often.
const LINES: usize = 8;

/// Reads lines.
pub fn run() -> anyhow::Result<()> {
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    // All of them are there before the first is read: nothing below has to wait.
    for _ in 0..LINES {
        write(&peer, LINE).context("write")?;
    }

    // ANCHOR: point
    let mut byte = [0];
    for _ in 0..LINES {
        let mut line = Vec::new();
        // Until the newline: it is the only byte that says that there are no more.
        while line.last() != Some(&b'\n') {
            // A buffer of one byte: the kernel has 231 others at hand and keeps them.
            ensure!(read(&ours, &mut byte).context("read")? == 1, "the peer is gone");
            line.push(byte[0]);
        }
        ensure!(line == LINE, "another line");
    }
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}
