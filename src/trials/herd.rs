//! Four threads wait for one listener, and each connection wakes them all.
//!
//! Servers on several processors like to have a thread on each, every one with its
//! own epoll set, and the listening socket in all of the sets. A connection makes
//! the listener ready, and the kernel tells everybody who asked. One thread gets the
//! connection. The others have been woken for nothing: the thundering herd.
//!
//! Seen from outside: for 64 connections that come one by one, the threads go to
//! sleep about 4 x 64 times, where 64 would do. Some find nothing when they look,
//! and sleep on inside epoll_wait; others call accept4 and get EAGAIN. The more
//! threads there are, the more is done for nothing, and just when there is much to do
//! already. `herd-exclusive` differs in one flag.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{SockFlag, accept4};
use nix::unistd::close;

/// Threads that wait for connections.
const THREADS: usize = 4;

/// Connections that come.
const CONNECTIONS: usize = 64;

/// Time for everybody to be back asleep when the next connection comes.
const BETWEEN: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// Lets one connection after another come to four threads.
pub fn run() -> anyhow::Result<()> {
    // Port 0: the kernel chooses one that is free.
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("bind")?;
    let address = listener.local_addr().context("getsockname")?;
    // A woken thread that comes too late must get EAGAIN, and not sleep in accept4.
    listener.set_nonblocking(true).context("ioctl FIONBIO")?;
    // The threads use it until the process ends.
    let listener: &'static TcpListener = Box::leak(Box::new(listener));
    // A name of their own: so their switches are told apart from this thread's.
    for _ in 0..THREADS {
        let waiter = thread::Builder::new().name("waiter".into());
        waiter.spawn(move || wait_and_accept(listener)).context("pthread_create")?;
    }
    // All four are asleep before the first connection comes.
    rest()?;
    for _ in 0..CONNECTIONS {
        // The kernel completes the handshake by itself: this does not wait for accept4.
        let connection = TcpStream::connect(address).context("connect")?;
        rest()?;
        close(connection).context("close")?;
    }
    Ok(())
}

// ANCHOR: point
/// One of the threads: whoever is first has the connection.
fn wait_and_accept(listener: &TcpListener) -> Result<(), Errno> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    // EPOLLIN, and that is all: every set hears of every connection.
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    let mut events = [EpollEvent::empty()];
    loop {
        epoll.wait(&mut events, EpollTimeout::NONE)?;
        match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            Ok(connection) => close(connection)?,
            // Woken for nothing.
            Err(Errno::EAGAIN) => {}
            Err(errno) => return Err(errno),
        }
    }
}
// ANCHOR_END: point

/// A wait for nothing but time.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &BETWEEN, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
