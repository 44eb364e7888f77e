//! Multishot accept, multishot receive and buffer rings: no flag tells of them, so each is done once.
//!
//! Sockets are of AF_UNIX and without a name, so this works in a sandbox without a network. The data is
//! there before the operation is, so each completes within its io_uring_enter(2).

// Entries and buffer rings hold addresses that the kernel writes to; each block says why they live on.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockname, listen, socket,
};

use super::sys::Pages;

/// The buffer group that is registered for the trial.
const GROUP: u16 = 1;
/// How long an answer may take that should be there at once.
const PATIENCE: Timespec = Timespec::new().nsec(20_000_000);

/// Adds `PBUF_RING`, `MULTISHOT_RECV` and `MULTISHOT_ACCEPT` to the features.
pub fn examine(ring: &mut IoUring, features: &mut BTreeMap<String, bool>) {
    // Waiting with a timeout takes EXT_ARG (5.11), which is older than all of these.
    let can_wait = ring.params().is_feature_ext_arg();
    let (buffers, receives) = if can_wait { receive(ring).unwrap_or_default() } else { (false, false) };
    features.insert("PBUF_RING".to_owned(), buffers);
    features.insert("MULTISHOT_RECV".to_owned(), receives);
    let accepts = can_wait && accept(ring).unwrap_or(false);
    features.insert("MULTISHOT_ACCEPT".to_owned(), accepts);
}

/// Registers a ring of one buffer and receives one byte into it, multishot: whether each worked.
fn receive(ring: &mut IoUring) -> std::io::Result<(bool, bool)> {
    let (mut sender, receiver) = UnixStream::pair()?;
    sender.write_all(b"!")?;
    let pages = Pages::map()?;
    let (entry, buffer_bytes) = (pages.start().cast::<BufRingEntry>(), 64);
    // SAFETY: the page is ours, zeroed and page-aligned, and unmapped only after the group is unregistered.
    let registered =
        unsafe { ring.submitter().register_buf_ring_with_flags(entry.as_ptr().addr() as u64, 1, GROUP, 0) };
    if registered.is_err() {
        return Ok((false, false));
    }
    // SAFETY: the first 16 bytes of the page are the ring's one entry, its buffer lies behind them in the
    // same page. The tail shares its bytes with the entry's reserved field and is published with release
    // order, as io_uring_register(2) has it.
    unsafe {
        (*entry.as_ptr()).set_addr(entry.as_ptr().addr() as u64 + 64);
        (*entry.as_ptr()).set_len(buffer_bytes);
        (*entry.as_ptr()).set_bid(0);
        let tail = BufRingEntry::tail(entry.as_ptr()).cast::<AtomicU16>();
        (*tail).store(1, Ordering::Release);
    }
    let operation = opcode::RecvMulti::new(Fd(receiver.as_raw_fd()), GROUP).build();
    let first = once(ring, &operation);
    let works = first.as_ref().is_some_and(|first| first.result() == 1 && cqueue::more(first.flags()));
    // The end of the stream ends the operation; then nothing writes to the buffer any more.
    drop(sender);
    let ended = !works || wait(ring).is_some_and(|last| !cqueue::more(last.flags()));
    let unregistered = ring.submitter().unregister_buf_ring(GROUP).is_ok();
    if !ended || !unregistered {
        // Better a page lost than a page that the kernel still writes to.
        pages.leak();
    }
    Ok((true, works))
}

/// Accepts one connection, multishot: whether that worked.
fn accept(ring: &mut IoUring) -> nix::Result<bool> {
    let stream = || socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    let (listener, client) = (stream()?, stream()?);
    // Binding to no name makes the kernel choose an abstract one, unix(7) "Autobind feature".
    bind(listener.as_raw_fd(), &UnixAddr::new_unnamed())?;
    listen(&listener, Backlog::new(1)?)?;
    connect(client.as_raw_fd(), &getsockname::<UnixAddr>(listener.as_raw_fd())?)?;
    let operation = opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).build();
    let Some(first) = once(ring, &operation) else { return Ok(false) };
    if first.result() >= 0 {
        // SAFETY: the kernel has just made this descriptor for us.
        drop(unsafe { OwnedFd::from_raw_fd(first.result()) });
    }
    // The operation still waits for more; it holds no memory of ours, and ends with the ring.
    Ok(first.result() >= 0 && cqueue::more(first.flags()))
}

/// Submits one operation and waits for its first completion.
fn once(ring: &mut IoUring, operation: &squeue::Entry) -> Option<cqueue::Entry> {
    // SAFETY: accept has no address to fill in, and receive chooses a buffer of the registered group.
    unsafe { ring.submission().push(operation) }.ok()?;
    wait(ring)
}

/// The next completion, if one comes in time.
fn wait(ring: &mut IoUring) -> Option<cqueue::Entry> {
    let next = ring.completion().next();
    if next.is_some() {
        return next;
    }
    ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&PATIENCE)).ok()?;
    ring.completion().next()
}
