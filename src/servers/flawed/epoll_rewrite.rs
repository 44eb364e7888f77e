//! Flawed: the interest list is rewritten for every message, twice.
//!
//! The way that many an example goes: what was received is put aside, the descriptor
//! is switched over to EPOLLOUT, and the next report is waited for, in order to send.
//! Then it is switched back. Never a byte is lost, and nothing ever spins; the
//! difference to `epoll` is that nobody tries to send before asking whether it can.
//!
//! Seen from outside: 6 system calls for each echo that comes alone (wait, receive,
//! change, wait, send, change) where `epoll` makes 3, and 4 and more where many come
//! together. A socket has room nearly always, so the second wait returns at once: it
//! was a question with a known answer.

use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Once;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send, setsockopt, sockopt};

use super::super::Options;

/// The most that one recv takes, and so the most that is ever held back for one connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The most that one epoll_wait reports. Whoever does not fit stays on the ready
/// list, ahead of those who were just reported: everybody gets a turn.
const EVENTS: usize = 1024;

/// Serves until the process ends: waits, gives everybody who is ready a turn, waits again.
pub fn run(listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    // A report is old when it is read: the peer who knocked may have given up
    // since. On a blocking listener accept4 would then sleep until the next one
    // comes, and keep everybody waiting.
    listener.set_nonblocking(true).context("fcntl O_NONBLOCK")?;
    // Accepted sockets inherit this. Without it Nagle's algorithm would hold the
    // end of a long echo back until the peer has acknowledged the beginning, which
    // a peer may put off for 40 ms.
    setsockopt(&listener, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;

    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    // A listening socket is ready to be read when a connection can be accepted.
    epoll.add(&listener, watch(&listener, EpollFlags::EPOLLIN)).context("epoll_ctl ADD")?;
    let listening = listener.as_raw_fd() as usize;
    let mut server = Server { listener, epoll, connections: Vec::new(), accepting: true };
    let mut events = vec![EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    // ANCHOR: loop
    loop {
        // Out of descriptors it looks once a second whether another process has given one back.
        let timeout = if server.accepting { EpollTimeout::NONE } else { EpollTimeout::from(1000_u16) };
        // Here the thread sleeps, and nowhere else. It comes by twice for each message:
        // once the descriptor can be read, and then it can be written, which was so
        // all the while.
        let ready = match server.epoll.wait(&mut events, timeout) {
            Ok(ready) => ready,
            // A signal, or a tracer that came: nothing was reported, so nothing is lost.
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("epoll_wait"),
        };
        // No walk over everybody: these are the ready ones. Each is here once, so a
        // number that is closed at its turn, and perhaps given to somebody new,
        // does not come again this time.
        for event in &events[..ready] {
            let fd = event.data() as usize;
            if fd == listening { server.accept()? } else { server.turn(fd, &mut buffer)? }
        }
        // The listener is not watched now, but a descriptor may have come free.
        if !server.accepting {
            server.accept()?;
        }
    }
    // ANCHOR_END: loop
}

/// What epoll_ctl is told: which events to report, and 64 bits that the report is
/// to carry. The kernel does not look at them; here they are the descriptor.
fn watch(socket: &impl AsRawFd, events: EpollFlags) -> EpollEvent {
    EpollEvent::new(events, socket.as_raw_fd() as u64)
}

/// All there is; one thread owns it, so nothing is locked.
struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// By descriptor: the kernel always gives the lowest free number, so there are few holes.
    connections: Vec<Option<Connection>>,
    /// False while there is no descriptor free for a further connection.
    accepting: bool,
}

impl Server {
    // ANCHOR: accept
    /// Takes every connection that waits. The kernel has finished their handshakes
    /// without us: accept4 takes the oldest off the accept queue and gives it a
    /// descriptor. Taking all saves a wait for each, and accepting is so much
    /// cheaper than connecting that the queue gets empty.
    fn accept(&mut self) -> anyhow::Result<()> {
        let accepting = loop {
            // Non-blocking from birth, and closed in a program that this one might start.
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            match accept4(self.listener.as_raw_fd(), flags) {
                // SAFETY: accept4 has just made this descriptor, and nothing else owns it.
                Ok(fd) => self.add(unsafe { OwnedFd::from_raw_fd(fd) }),
                // Nobody is left.
                Err(Errno::EAGAIN) => break true,
                // No descriptor is free, here or in the whole system.
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => break false,
                // The peer gave up while it waited; the next one, then.
                Err(Errno::ECONNABORTED | Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("accept4"),
            }
        };
        // Without a free descriptor the connections stay in the accept queue, and
        // the listener stays ready: it would end every wait at once. So it is left
        // out until there is room.
        if self.accepting != accepting {
            self.accepting = accepting;
            let events = if accepting { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
            self.epoll.modify(&self.listener, &mut watch(&self.listener, events)).context("epoll_ctl MOD")?;
        }
        Ok(())
    }
    // ANCHOR_END: accept

    /// Puts a connection on the interest list. The kernel hangs a callback into the
    /// wait queue of the socket, where it stays: this is what select and poll do
    /// again at every wait.
    fn add(&mut self, socket: OwnedFd) {
        static WARNED: Once = Once::new();
        let (fd, watched) = (socket.as_raw_fd() as usize, EpollFlags::EPOLLIN);
        if let Err(errno) = self.epoll.add(&socket, watch(&socket, watched)) {
            // ENOMEM, or ENOSPC (fs.epoll.max_user_watches). Unwatched it would hang
            // for ever, so the socket is dropped, and that closes it. Said once.
            WARNED.call_once(|| {
                let _ = writeln!(io::stderr(), "epoll: a connection was closed: epoll_ctl ADD: {errno}");
            });
            return;
        }
        if self.connections.len() <= fd {
            self.connections.resize_with(fd + 1, || None);
        }
        self.connections[fd] = Some(Connection { socket, backlog: Vec::new(), watched });
    }

    /// Gives a ready connection its turn, then has the kernel watch for what it needs next.
    fn turn(&mut self, fd: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
        let Some(connection) = &mut self.connections[fd] else { return Ok(()) };
        let events = match connection.turn(buffer) {
            Next::Receive => EpollFlags::EPOLLIN,
            // A socket has room nearly always. It is watched for room while there
            // is a backlog: watched on after that, it would end every wait at once.
            Next::Send => EpollFlags::EPOLLOUT,
            Next::Close => {
                // Closing the last descriptor of a socket also takes it off the interest list.
                self.connections[fd] = None;
                return Ok(());
            }
        };
        // With a turn that only receives or only sends there is something to change at
        // each: a system call to say what is nearly always true, and one to take it back.
        if connection.watched != events {
            connection.watched = events;
            let event = &mut watch(&connection.socket, events);
            self.epoll.modify(&connection.socket, event).context("epoll_ctl MOD")?;
        }
        Ok(())
    }
}

/// A peer, as long as its socket is open.
struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// What the peer sent and has not taken back yet: a message, half of the time.
    backlog: Vec<u8>,
    /// What epoll was told to report.
    watched: EpollFlags,
}

/// What a connection waits for after its turn.
enum Next {
    Receive,
    Send,
    Close,
}

impl Connection {
    // ANCHOR: echo
    /// Receives once, or sends what was received, one of the two. Not receiving while
    /// there is a backlog is what bounds the memory: the kernel's receive buffer
    /// fills, TCP announces a window of 0, and the peer has to wait.
    ///
    /// Which events were reported does not matter. EPOLLERR and EPOLLHUP are
    /// reported whether asked for or not, and show as an error of the call.
    fn turn(&mut self, buffer: &mut [u8]) -> Next {
        if !self.backlog.is_empty() {
            let backlog = std::mem::take(&mut self.backlog);
            return self.send(&backlog);
        }
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            // The peer sends no more (FIN). It may still read, but nothing is owed
            // to it: with a backlog we would not have received. What is in the
            // kernel's send buffer still goes.
            Ok(0) => Next::Close,
            // The flaw: send could be tried here, and would find room. Instead the bytes
            // are put aside, and epoll is asked to tell when there is room for them.
            Ok(received) => {
                self.backlog = buffer[..received].to_vec();
                Next::Send
            }
            // Ready was a hint: there may be nothing after all.
            Err(Errno::EAGAIN | Errno::EINTR) => Next::Receive,
            // ECONNRESET and the like end this connection, not the server.
            Err(_) => Next::Close,
        }
    }

    /// Sends what the kernel has room for and keeps the rest.
    fn send(&mut self, bytes: &[u8]) -> Next {
        // The bytes are copied to the send buffer; when they arrive is TCP's
        // business. On loopback they mostly arrive within this call, down to the
        // wake-up of the peer, which makes it the most expensive call of an echo.
        //
        // MSG_NOSIGNAL: a peer that is gone is an EPIPE here, not a SIGPIPE that ends the process.
        let sent = match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(_) => return Next::Close,
        };
        // A short send is no error: the send buffer is full of what the peer has not acknowledged.
        self.backlog = bytes[sent..].to_vec();
        if self.backlog.is_empty() { Next::Receive } else { Next::Send }
    }
    // ANCHOR_END: echo
}
