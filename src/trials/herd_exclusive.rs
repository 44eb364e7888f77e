//! Four threads wait for one listener, and each connection wakes one of them.
//!
//! The same program as `herd`, but for one flag. EPOLLEXCLUSIVE (Linux 4.5) puts a
//! set into the listener's queue of sleepers as one of whom one is enough. The kernel
//! then wakes at least one of them, and here exactly one: all are asleep when a
//! connection comes. The price: with a single waiter chosen, that one has to do its
//! work, for nobody else was told.
//!
//! Seen from outside: for 64 connections the threads go to sleep about 64 times. They
//! are not shared out evenly, and nobody promises that. A flag of the socket goes
//! further: with SO_REUSEPORT each thread has a listener and a queue of its own.

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
    // Of all sets that ask like this, one hears of a connection.
    let one_of_us = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
    epoll.add(listener, EpollEvent::new(one_of_us, 0))?;
    let mut events = [EpollEvent::empty()];
    loop {
        epoll.wait(&mut events, EpollTimeout::NONE)?;
        match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            Ok(connection) => close(connection)?,
            // Woken for nothing: rare, but it may be.
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
