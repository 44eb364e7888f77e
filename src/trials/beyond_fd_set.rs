//! A descriptor that a set of select cannot hold, though the kernel could.
//!
//! An fd_set is an array of 1024 bits, and FD_SET(n) sets bit n without a look at
//! n. For descriptor 1024 that is the first bit behind the array: whatever lies
//! there is changed, and nothing is said. The 1025th connection of a server corrupts
//! its memory, unless it compares first, or a library ends the process for it.
//!
//! The limit is that of a C type. The kernel takes as many bits as the first
//! argument of select(2) says, and poll(2) has numbers in place of bits.
//!
//! Seen from outside: poll finds descriptor 1024 ready, and so does select with a
//! set that is twice as long.

use anyhow::{Context, ensure};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::write;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::ptr;

/// Bits of a long, of which the kernel takes a set to be made.
const WORD_BITS: usize = usize::BITS as usize;

/// Watches a descriptor with a large number.
pub fn run() -> anyhow::Result<()> {
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    write(&peer, b"hello").context("write")?;
    // 1024 is also the usual limit on numbers. The hard limit allows more.
    let (_soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit")?;
    ensure!(hard > libc::FD_SETSIZE as u64, "the hard limit on descriptors is {hard}; try ulimit -Hn");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(4096), hard).context("setrlimit")?;

    // ANCHOR: point
    // A second number for the same socket, the first that is free from 1024 on.
    let number = fcntl(&ours, FcntlArg::F_DUPFD_CLOEXEC(libc::FD_SETSIZE as i32)).context("fcntl F_DUPFD")?;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    let large = unsafe { OwnedFd::from_raw_fd(number) };

    // What FD_SET leaves out. Here the answer is no: nothing is written anywhere.
    let fits = (number as usize) < libc::FD_SETSIZE;
    ensure!(!fits, "the kernel gave {number}, which a set can hold");

    // poll does not mind.
    let mut wanted = [PollFd::new(large.as_fd(), PollFlags::POLLIN)];
    poll(&mut wanted, PollTimeout::ZERO).context("poll")?;

    // And select takes a longer set, if somebody makes one.
    let mut bits = [0_usize; 2 * libc::FD_SETSIZE / WORD_BITS];
    bits[number as usize / WORD_BITS] |= 1 << (number as usize % WORD_BITS);
    let mut now = libc::timeval { tv_sec: 0, tv_usec: 0 };
    // SAFETY: the kernel reads and writes as many bits as the first argument says,
    // which are fewer than there are.
    let ready = unsafe {
        libc::select(number + 1, bits.as_mut_ptr().cast(), ptr::null_mut(), ptr::null_mut(), &mut now)
    };
    Errno::result(ready).context("select")?;
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((ours, peer, large));
    Ok(())
}
