//! Connections that are over, and are closed.
//!
//! The same program as `left-open`, but for what it does with a connection whose read
//! answered 0: it lets go of it. In Rust that is a `drop`, which every owner comes to;
//! what keeps descriptors alive are owners that nobody thinks of, such as a map of all
//! connections, a clone in another thread, or a task that still waits for something.
//!
//! Seen from outside: 16 peers have come, said something and gone, and of their sockets
//! none is left. The last of the two sides to close has nothing to wait for; the first,
//! here the peer's, stays in TIME_WAIT for a minute, which needs no descriptor.

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

    // ANCHOR: point
    for _ in 0..PEERS {
        // A peer says something and goes: its descriptor is closed at the end of the line.
        TcpStream::connect(address).context("connect")?.write_all(b"good bye").context("write")?;
        let (mut connection, _) = listener.accept().context("accept")?;
        // To the end: the last read answers 0, and from then on there is nothing to read.
        connection.read_to_end(&mut Vec::new()).context("read")?;
        // Over: close(2) sends our FIN, and the kernel forgets the socket.
        drop(connection);
    }
    rest()?;
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget(listener);
    Ok(())
}

/// A wait for nothing but time: whoever looks from outside sees which sockets are left.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &HOLD, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
