//! Connections that are over, and descriptors that are kept.
//!
//! A peer that has closed its side sends a FIN, and the server's next read answers 0:
//! nothing more will come. From the kernel's point of view the connection is in
//! CLOSE_WAIT, "waiting for the close", and that is a wait for this program, with no
//! limit of time. A program that takes the 0 for "nothing just now", or that leaves a
//! closed connection in some map, has a leak that nobody sees until accept4(2) answers
//! EMFILE, perhaps after a week.
//!
//! Seen from outside: 16 peers have come, said something and gone, and 16 sockets stand
//! in CLOSE_WAIT with empty queues. `closed-again` differs in one word.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::Context;
use nix::errno::Errno;

/// Peers that come and go.
const PEERS: usize = 16;

/// How long the end is held, so that it can be seen from outside.
const HOLD: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 150_000_000 };

/// Serves one peer after another.
pub fn run() -> anyhow::Result<()> {
    // Port 0: the kernel chooses one that is free.
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("bind")?;
    let address = listener.local_addr().context("getsockname")?;
    let mut connections = Vec::new();

    // ANCHOR: point
    for _ in 0..PEERS {
        // A peer says something and goes: its descriptor is closed at the end of the line.
        TcpStream::connect(address).context("connect")?.write_all(b"good bye").context("write")?;
        let (mut connection, _) = listener.accept().context("accept")?;
        // To the end: the last read answers 0, and from then on there is nothing to read.
        connection.read_to_end(&mut Vec::new()).context("read")?;
        // The mistake: it is over, and still somebody owns it.
        connections.push(connection);
    }
    rest()?;
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget((listener, connections));
    Ok(())
}

/// A wait for nothing but time: whoever looks from outside sees which sockets are left.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &HOLD, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
