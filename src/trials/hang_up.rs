//! poll reports a hang-up that nobody asked for, and nobody takes it.
//!
//! In the events of a pollfd stands what one wants to hear of. POLLHUP, POLLERR and
//! POLLNVAL are reported whether they stand there or not, because whoever waits for
//! bytes that cannot come would wait for ever. So a handler that only looks for
//! POLLIN sees a return without its bit, does nothing, and polls again.
//!
//! Seen from outside: 1000 polls that answer 1 at once, and not one that sleeps. In
//! a server this is a processor at 100 %, and all other connections work as ever.
//! The remedy is to treat POLLHUP and POLLERR like POLLIN, and let read(2) say what
//! has happened: 0 is the end.

use anyhow::Context;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{close, pipe2, read};
use std::os::fd::AsFd;

/// How often it falls for it. A server would not stop.
const TIMES: usize = 1000;

/// Waits for bytes from a pipe whose writer is gone.
pub fn run() -> anyhow::Result<()> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    close(writer).context("close")?;

    // ANCHOR: point
    let mut buffer = [0; 64];
    for _ in 0..TIMES {
        // Only POLLIN is asked for, and all the time in the world is given.
        let mut wanted = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        poll(&mut wanted, PollTimeout::NONE).context("poll")?;
        // The mistake: the bit that is set is POLLHUP, so the descriptor is left alone.
        if wanted[0].revents().is_some_and(|events| events.contains(PollFlags::POLLIN)) {
            read(&reader, &mut buffer).context("read")?;
        }
    }
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget(reader);
    Ok(())
}
