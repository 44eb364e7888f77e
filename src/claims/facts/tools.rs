//! What several probes need.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, ensure};
use io_uring::types::{SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, squeue};
use nix::errno::Errno;

/// How long a completion may take that should be there at once.
const PATIENCE: Timespec = Timespec::new().sec(1);

/// Puts entries into the submission queue. What they point to must outlive the ring's interest in it: each probe
/// declares its buffers before its ring, so the ring is closed first, and that calls off what is in flight.
pub(super) fn submit(ring: &mut IoUring, entries: &[squeue::Entry]) -> anyhow::Result<()> {
    // SAFETY: see above.
    unsafe { ring.submission().push_multiple(entries) }.context("the submission queue has no room")
}

/// Hands over what is queued and waits for so many completions, a second at most: a kernel that does something else
/// than expected must not hold a probe for ever. Gives what is there by then, for the probe to judge.
pub(super) fn wait(ring: &mut IoUring, want: usize) -> anyhow::Result<Vec<cqueue::Entry>> {
    ensure!(
        ring.params().is_feature_ext_arg(),
        "a wait with a limit takes IORING_FEAT_EXT_ARG, of Linux 5.11"
    );
    match ring.submitter().submit_with_args(want, &SubmitArgs::new().timespec(&PATIENCE)) {
        Err(error) if errno(&error) != Errno::ETIME => Err(error).context("io_uring_enter"),
        _ => Ok(ring.completion().collect()),
    }
}

/// A connection over loopback, both ends.
pub(super) fn connected() -> anyhow::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen on loopback")?;
    let theirs = TcpStream::connect(listener.local_addr().context("getsockname")?).context("connect")?;
    let (ours, _) = listener.accept().context("accept")?;
    Ok((ours, theirs))
}

/// Sends a few bytes.
pub(super) fn send(stream: &mut TcpStream) -> anyhow::Result<()> {
    stream.write_all(b"hello").context("send")
}

/// Lets time pass: that nothing happens can only be seen by waiting.
pub(super) fn pause(time: Duration) {
    let (_kept, timer) = channel::<()>();
    let _ = timer.recv_timeout(time);
}

/// Makes a ring with these flags, and throws it away.
pub(super) fn setup(flags: u32) -> Result<(), Errno> {
    // struct io_uring_params of linux/io_uring.h: 120 bytes, the flags its third word.
    let mut params = [0_u32; 30];
    params[2] = flags;
    // SAFETY: the kernel reads and writes a struct of that size, which outlives the call.
    let made = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4_u32, params.as_mut_ptr()) };
    let fd = Errno::result(made)?;
    // SAFETY: the kernel has just made this descriptor and nobody else has it.
    drop(unsafe { OwnedFd::from_raw_fd(fd as i32) });
    Ok(())
}

/// The errno of an error that came from a system call.
pub(super) fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use io_uring::IoUring;

    use super::wait;

    #[test]
    fn a_wait_for_what_never_comes_ends() {
        // Where rings are refused there is nothing to wait at.
        let Ok(mut ring) = IoUring::new(4) else { return };
        if ring.params().is_feature_ext_arg() {
            assert_eq!(wait(&mut ring, 1).unwrap().len(), 0);
        }
    }
}
