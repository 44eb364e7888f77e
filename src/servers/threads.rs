//! A thread per connection, each asleep in recv until its peer says something.
//!
//! The oldest way to wait for many is not to: every connection gets a thread that waits for it alone. The
//! code is the plainest of all servers here, for the state of a connection is simply where its thread stands.
//!
//! The price is in the kernel's books. Each message wakes a thread and puts it back to sleep, two context
//! switches that a busy single thread would not have; and each connection, idle or not, keeps a stack in
//! user space, a stack in the kernel and an entry in the scheduler.

use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread::{self, Thread};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// Enough for the few calls below; 20 000 threads of the usual 2 MiB would reserve 40 GiB of addresses.
const STACK_BYTES: usize = 64 * 1024;

/// Serves until the process ends.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // Accepted sockets inherit it. Without it the end of an echo would be held back until the peer has
    // acknowledged the beginning (Nagle), which a peer may put off for 40 ms (delayed acknowledgement).
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;
    loop {
        // This thread sleeps here until somebody connects. The socket that it gets is a blocking one.
        match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
            Ok(fd) => spawn(unsafe { OwnedFd::from_raw_fd(fd) }),
            Err(Errno::EINVAL) => bail!("accept4: EINVAL: somebody has shut the listening socket down"),
            // Without a free descriptor accept4 fails at once, however often it is tried. A thread that ends
            // says so (unpark); another process that gives one back does not, so look once a second, too.
            Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                thread::park_timeout(Duration::from_secs(1));
            }
            // A signal; or the connection is gone again (ECONNABORTED), or it brings an error of the network
            // along, which accept(2) wants taken the same way.
            Err(_) => {}
        }
    }
}

/// Gives a connection a thread that ends when it does.
fn spawn(socket: OwnedFd) {
    let acceptor = thread::current();
    let thread = thread::Builder::new().stack_size(STACK_BYTES);
    if let Err(error) = thread.spawn(move || serve(socket, &acceptor)) {
        // EAGAIN: a limit on threads (ulimit -u, cgroup pids.max, kernel.threads-max) or memory. The socket
        // was dropped with the closure, which closes this one connection; the others never notice.
        let _ = writeln!(io::stderr(), "threads: a connection was closed: no thread for it: {error}");
    }
}

/// Echoes until the connection ends, then closes it.
fn serve(socket: OwnedFd, acceptor: &Thread) {
    // Fresh zeroed pages take no memory before something is written to them: it is received messages that
    // are paid for, not connections.
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // The thread sleeps here, until its peer sends something.
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN), and everything that it sent has been sent back.
            Ok(0) => break,
            Ok(received) if send_all(&socket, &buffer[..received]).is_ok() => {}
            Err(Errno::EINTR) => {}
            // ECONNRESET and the like end this connection, not the server.
            Ok(_) | Err(_) => break,
        }
    }
    // Before the acceptor is told that there is room.
    drop(socket);
    acceptor.unpark();
}

/// Sends everything. While the peer does not take it the thread sleeps in send, and so receives nothing:
/// the kernel's buffer fills, the window closes, and the peer must wait.
fn send_all(socket: &OwnedFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        // MSG_NOSIGNAL: a peer that is gone is an EPIPE here, not a SIGPIPE that ends the process.
        match send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            // All of it, unless a signal came in between.
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
