//! A thread per connection, each asleep in recv until its peer says something.
//!
//! The oldest way to wait for many is not to: every connection gets a thread that
//! waits for it alone. The code is the plainest of all servers here, for the state
//! of a connection is simply where its thread stands. No table, no report, no
//! backlog: what `select` has to keep in a struct is kept here on a stack.
//!
//! The price is in the kernel's books. Each message wakes a thread and puts it back
//! to sleep: a context switch, which a single busy thread would not have. And each
//! connection, idle or not, has a stack in user space, a stack in the kernel and a
//! place in the scheduler.
//!
//! Seen from outside: 2 system calls for each echo, however many connections there
//! are, and about one voluntary context switch. As many threads as connections, and
//! one more. Idle connections cost memory, and no time.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Once;
use std::thread::{self, Thread};
use std::time::Duration;

use anyhow::Context;
use libc::{PTHREAD_CREATE_DETACHED, c_void, pthread_attr_t};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// Enough for the few calls below. 20 000 threads of the usual 8 MiB would reserve
/// 160 GB of addresses.
const STACK_BYTES: usize = 64 * 1024;

/// Serves until the process ends: waits for a connection, gives it a thread, waits again.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // Accepted sockets inherit this. Without it Nagle's algorithm would hold the
    // end of a long echo back until the peer has acknowledged the beginning, which
    // a peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;
    let attributes = attributes().context("pthread_attr_init")?;
    // ANCHOR: loop
    loop {
        // The thread of this loop sleeps here until somebody connects: accept4
        // takes the oldest off the accept queue and gives it a descriptor. It is a
        // blocking one, for the thread that gets it has nothing else to do.
        match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            Ok(fd) => {
                // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
                let socket = unsafe { OwnedFd::from_raw_fd(fd) };
                spawn(&attributes, Connection { socket, acceptor: thread::current() });
            }
            // Without a free descriptor accept4 fails at once, however often it is
            // tried. A thread that ends says so (unpark); another process that
            // gives one back does not, so it looks once a second, too.
            Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                thread::park_timeout(Duration::from_secs(1));
            }
            // The peer gave up while it waited, or a signal came.
            Err(Errno::ECONNABORTED | Errno::EINTR) => {}
            Err(errno) => return Err(errno).context("accept4"),
        }
    }
    // ANCHOR_END: loop
}

/// What kind of thread is wanted: a small stack, and nobody who waits for its end.
fn attributes() -> nix::Result<pthread_attr_t> {
    // These calls return their errno instead of setting it.
    let check = |errno| if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) };
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: init fills the record in, the others change what it has filled in.
    unsafe {
        check(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        check(libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK_BYTES))?;
        check(libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), PTHREAD_CREATE_DETACHED))?;
        Ok(attributes.assume_init())
    }
}

/// What a thread is given: its peer, and the thread to wake when it ends.
struct Connection {
    socket: OwnedFd,
    acceptor: Thread,
}

/// Gives a connection a thread that ends when it does: mmap(2) and mprotect(2) for
/// the stack, clone3(2) for the thread. That is what a connection costs; a message
/// costs none of it.
///
/// Not std::thread, which maps a second stack for each thread, to report overflows of
/// the first. A process may have 65 530 mappings (vm.max_map_count): 16 000 threads of
/// that kind, and the one whose second stack does not fit any more aborts the process.
fn spawn(attributes: &pthread_attr_t, connection: Connection) {
    static WARNED: Once = Once::new();
    let connection = Box::into_raw(Box::new(connection));
    let mut thread = 0;
    // SAFETY: the attributes are initialised; the thread becomes the owner of the box.
    let errno = unsafe { libc::pthread_create(&mut thread, attributes, serve, connection.cast()) };
    if errno != 0 {
        // SAFETY: no thread was made, so the box is still ours.
        drop(unsafe { Box::from_raw(connection) });
        // EAGAIN: a limit (ulimit -u, pids.max of the cgroup, kernel.threads-max,
        // vm.max_map_count), or no memory. That closes this one connection. Said once.
        WARNED.call_once(|| {
            let errno = Errno::from_raw(errno);
            let _ = writeln!(io::stderr(), "threads: a connection was closed: pthread_create: {errno}");
        });
    }
}

// ANCHOR: echo
/// A thread's whole life: echoes until the connection ends, then closes it.
extern "C" fn serve(connection: *mut c_void) -> *mut c_void {
    // SAFETY: it is the box of `spawn`, handed to this thread alone.
    let Connection { socket, acceptor } = *unsafe { Box::from_raw(connection.cast::<Connection>()) };
    // Fresh zeroed pages take no memory before something is written to them: it is
    // received messages that are paid for, not connections.
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // The thread sleeps here, alone in the wait queue of its socket, until its
        // peer sends something. The wake-up makes it runnable, and then the
        // scheduler has to find a processor for it: with many threads a message may
        // wait longer for that than for the calls.
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN), and everything that it sent has been sent back.
            Ok(0) => break,
            Ok(received) if send_all(&socket, &buffer[..received]).is_ok() => {}
            Err(Errno::EINTR) => {}
            // ECONNRESET and the like end this connection, not the server.
            Ok(_) | Err(_) => break,
        }
    }
    // Closed before the acceptor is told that there is room.
    drop(socket);
    acceptor.unpark();
    std::ptr::null_mut()
}

/// Sends everything. While the peer does not take it the thread sleeps in send, and
/// so receives nothing: the kernel's receive buffer fills, TCP announces a window
/// of 0, and the peer has to wait.
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
// ANCHOR_END: echo
