//! Lines that are read into a buffer: one system call for as many as are there.
//!
//! The same lines as in `byte-by-byte`. The program asks for more than it needs just
//! now, keeps what it got, and looks for the newline there. What is left over when a
//! line has been found is the beginning of the next one; only when there is no newline
//! in the buffer does it ask the kernel again. A read may end in the middle of a line,
//! and may bring several: it knows nothing of lines.
//!
//! Seen from outside: one read(2) brings all 8 lines, 232 bytes. This is what BufReader
//! does for any descriptor; the price is a copy within the program, which costs a
//! few nanoseconds where a call costs a few hundred.

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
    let (mut buffer, mut kept) = ([0; 4096], Vec::new());
    for _ in 0..LINES {
        // Looking is free of calls; the kernel is asked when the buffer holds no whole line.
        let end = loop {
            if let Some(newline) = kept.iter().position(|byte| *byte == b'\n') {
                break newline + 1;
            }
            let bytes = read(&ours, &mut buffer).context("read")?;
            ensure!(bytes > 0, "the peer is gone");
            kept.extend_from_slice(&buffer[..bytes]);
        };
        // The line goes, and what came behind it stays.
        let line: Vec<u8> = kept.drain(..end).collect();
        ensure!(line == LINE, "another line");
    }
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}
