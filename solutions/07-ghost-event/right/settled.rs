//! Right: when a visitor leaves, the archive asks the kernel a last time, and lets its copy go.
//!
//! What it needs of those who have gone is a number. With the copy closed first, the server's
//! descriptor is the socket's last, and closing that takes the entry off the interest list.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// The listening socket: the descriptor that the program was started with.
const LISTENER: i32 = 3;

/// How many visitors the archive remembers, those who are here included.
const REMEMBERED: usize = 16;

/// What these may have sent in all before newcomers are sent away.
const ALLOWANCE_BYTES: u64 = 128 * 1024;

/// The most that one receive takes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The most that one epoll_wait reports; the others come at the next.
const EVENTS: usize = 64;

fn main() -> io::Result<()> {
    // SAFETY: whoever started us opened this descriptor, and nothing else here owns it.
    let listener = unsafe { TcpListener::from_raw_fd(LISTENER) };
    // Ready was a hint: who knocked may be gone, and a blocking accept would then sleep.
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER as u64))?;
    let archive = Archive { visitors: VecDeque::new(), next: 0 };
    let mut server = Server { listener, epoll, visitors: HashMap::new(), archive };
    let mut events = [EpollEvent::empty(); EVENTS];
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        // The thread sleeps here, and nowhere else: all sockets are non-blocking.
        let ready = match server.epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        for event in &events[..ready] {
            let fd = event.data() as i32;
            if fd == LISTENER { server.accept()? } else { server.turn(fd, &mut buffer)? }
        }
    }
}

struct Server {
    listener: TcpListener,
    epoll: Epoll,
    /// Who is here, by descriptor.
    visitors: HashMap<i32, Visitor>,
    archive: Archive,
}

impl Server {
    /// Takes everybody who waits, and has the kernel watch them.
    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            if self.archive.received_bytes()? > ALLOWANCE_BYTES {
                // Sent away: it is closed here, unread.
                continue;
            }
            let number = self.archive.enter(&socket)?;
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let fd = socket.as_raw_fd();
            self.epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, fd as u64))?;
            let watched = EpollFlags::EPOLLIN;
            self.visitors.insert(fd, Visitor { socket, number, backlog: Vec::new(), watched });
        }
    }

    /// Gives a visitor a turn, then has the kernel watch for what it needs next.
    fn turn(&mut self, fd: i32, buffer: &mut [u8]) -> io::Result<()> {
        let Some(visitor) = self.visitors.get_mut(&fd) else { return Ok(()) };
        if let After::Leave = visitor.turn(buffer) {
            return self.leave(fd);
        }
        let needed = if visitor.backlog.is_empty() { EpollFlags::EPOLLIN } else { EpollFlags::EPOLLOUT };
        if visitor.watched != needed {
            visitor.watched = needed;
            self.epoll.modify(&visitor.socket, &mut EpollEvent::new(needed, fd as u64))?;
        }
        Ok(())
    }

    /// Says goodbye.
    fn leave(&mut self, fd: i32) -> io::Result<()> {
        if let Some(visitor) = self.visitors.remove(&fd) {
            self.archive.settle(visitor.number)?;
            // Now this is the last descriptor of the socket. Dropping it closes the socket, which
            // sends FIN, and the interest list lets go of it.
        }
        Ok(())
    }
}

/// The last visitors, here or gone.
struct Archive {
    /// Each with a number of its own, the oldest first.
    visitors: VecDeque<(u64, Entry)>,
    next: u64,
}

enum Entry {
    /// A copy of the socket of somebody who is here.
    Here(TcpStream),
    /// How much somebody had sent who has left.
    Gone(u64),
}

impl Archive {
    /// Remembers a visitor, and forgets the oldest instead. Answers the newcomer's number.
    fn enter(&mut self, socket: &TcpStream) -> io::Result<u64> {
        if self.visitors.len() == REMEMBERED {
            self.visitors.pop_front();
        }
        // A second descriptor for the same open socket: dup(2).
        self.visitors.push_back((self.next, Entry::Here(socket.try_clone()?)));
        self.next += 1;
        Ok(self.next - 1)
    }

    /// Somebody leaves: the copy becomes a count. It may have been forgotten already.
    fn settle(&mut self, number: u64) -> io::Result<()> {
        for (theirs, entry) in &mut self.visitors {
            if let Entry::Here(copy) = entry
                && *theirs == number
            {
                // The old entry is dropped here, and so the copy is closed.
                *entry = Entry::Gone(received_bytes(copy)?);
            }
        }
        Ok(())
    }

    /// What all of them have sent.
    fn received_bytes(&self) -> io::Result<u64> {
        let sent = |(_, entry): &(u64, Entry)| match entry {
            Entry::Here(copy) => received_bytes(copy),
            Entry::Gone(bytes) => Ok(*bytes),
        };
        self.visitors.iter().map(sent).sum()
    }
}

/// What has come in from a socket's peer since they were connected, as the kernel counts it.
fn received_bytes(socket: &TcpStream) -> io::Result<u64> {
    // SAFETY: a tcp_info is numbers only, and all of them may be 0.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut size_bytes = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `size_bytes` to `info`, which outlives the call.
    let answer = unsafe {
        let to = (&raw mut info).cast();
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, to, &raw mut size_bytes)
    };
    if answer == 0 { Ok(info.tcpi_bytes_received) } else { Err(io::Error::last_os_error()) }
}

/// Somebody who is here.
struct Visitor {
    socket: TcpStream,
    /// What the archive calls this visitor.
    number: u64,
    /// What was received and could not be sent back yet; mostly empty.
    backlog: Vec<u8>,
    /// What the kernel was told to watch for.
    watched: EpollFlags,
}

/// What a visitor does after a turn.
enum After {
    Stay,
    Leave,
}

impl Visitor {
    /// Receives once and sends that back; or, while there is a backlog, only sends.
    fn turn(&mut self, buffer: &mut [u8]) -> After {
        if self.backlog.is_empty() {
            match self.socket.read(buffer) {
                // The peer sends no more.
                Ok(0) => return After::Leave,
                Ok(received) => self.backlog.extend_from_slice(&buffer[..received]),
                Err(error) if is_patience(&error) => return After::Stay,
                Err(_) => return After::Leave,
            }
        }
        match self.socket.write(&self.backlog) {
            Ok(sent) => drop(self.backlog.drain(..sent)),
            Err(error) if is_patience(&error) => {}
            Err(_) => return After::Leave,
        }
        After::Stay
    }
}

/// Whether a call only says "not now" (EAGAIN), or was interrupted by a signal.
fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
