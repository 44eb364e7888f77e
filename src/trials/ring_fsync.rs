//! io_uring does not do without threads: what has to wait is waited for by a worker.
//!
//! fsync(2) comes back when the bytes are on the disk, and no file system tells a ring
//! about that later. So the kernel hands an IORING_OP_FSYNC to a thread of its own that
//! may sleep: iou-wrk-PID, a thread of *this* process, made when it is needed first. The
//! program never started one, and has it all the same.
//!
//! Seen from outside: one io_uring_enter(2) a round, and in the list of the process's
//! threads one more than the program has. It stays for some seconds, in case there is
//! more to do.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};
use io_uring::{IoUring, opcode, types};

/// Rounds of a write and an fsync.
const ROUNDS: u64 = 8;

/// Writes a little and has the ring see it to the disk.
pub fn run() -> anyhow::Result<()> {
    let mut file = scratch()?;
    let ring = IoUring::new(8).context("io_uring_setup")?;
    // Leaked: the ring's worker stays as long as the ring does, so it can still be seen at the end.
    let ring = Box::leak(Box::new(ring));
    // ANCHOR: point
    for round in 0..ROUNDS {
        file.write_all(b"a line that matters\n").context("write")?;
        let fsync = opcode::Fsync::new(types::Fd(file.as_raw_fd())).build().user_data(round);
        // SAFETY: an fsync has no buffers, and the file outlives the wait below.
        unsafe { ring.submission().push(&fsync) }.context("push")?;
        // Who sleeps here is the program; who sleeps for the disk is the worker.
        ring.submit_and_wait(1).context("io_uring_enter")?;
        let done = ring.completion().next().context("no completion")?;
        ensure!(done.result() == 0, "fsync: {}", std::io::Error::from_raw_os_error(-done.result()));
    }
    // ANCHOR_END: point
    Ok(())
}

/// A file that nobody else sees and that is gone with this process.
fn scratch() -> anyhow::Result<File> {
    let path = std::env::temp_dir().join(format!("iolab-ring-fsync-{}", std::process::id()));
    let file = File::options().write(true).create_new(true).open(&path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    std::fs::remove_file(&path).with_context(|| format!("unlink {}", path.display()))?;
    Ok(file)
}
