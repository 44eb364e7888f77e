//! The epoll engine: level-triggered, one recv for each readiness, and the answer's successor sent at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll as Set, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;
use nix::sys::socket::{MsgFlags, recv, send};

use super::Engine;
use crate::load::clock::now_ns;
use crate::load::pool::Token;
use crate::load::traffic::{Chunk, Traffic};

/// Datum of the lab's eventfd: no token has its upper bits set.
const WAKE: u64 = u64::MAX;

/// Events taken at a time.
const EVENTS: usize = 256;

/// Bytes received at a time.
const RECEIVE_BYTES: usize = 256 << 10;

/// An interest list, and a place for what comes in.
pub struct Epoll {
    set: Set,
    wake: Arc<EventFd>,
    events: Vec<EpollEvent>,
    buffer: Vec<u8>,
    wait: Wait,
}

/// Which system call waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// epoll_pwait2(2), Linux 5.11: a timeout in nanoseconds.
    Nanoseconds,
    /// epoll_wait(2): milliseconds, so that paced requests leave up to one late.
    Milliseconds,
}

impl Epoll {
    /// An empty interest list beside `wake`.
    pub fn new(wake: Arc<EventFd>) -> io::Result<Self> {
        let set = Set::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        set.add(&*wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        Ok(Self {
            set,
            wake,
            events: vec![EpollEvent::empty(); EVENTS],
            buffer: vec![0; RECEIVE_BYTES],
            wait: Wait::Nanoseconds,
        })
    }

    fn send_all(&mut self, traffic: &mut Traffic) {
        while let Some(chunk) = traffic.next_chunk(now_ns()) {
            match send(chunk.fd, chunk.bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(bytes) => traffic.sent(chunk.token, bytes as u32),
                Err(Errno::EINTR) => traffic.sent(chunk.token, 0),
                Err(Errno::EAGAIN) => self.wait_for_room(traffic, &chunk),
                Err(errno) => traffic.closed(chunk.token, Some(errno)),
            }
        }
    }

    /// The socket is full: its connection has bytes with the kernel, as it were, until it is writable.
    fn wait_for_room(&self, traffic: &mut Traffic, chunk: &Chunk) {
        // SAFETY: the pool owns the descriptor, and nothing is closed before this function returns.
        let socket = unsafe { BorrowedFd::borrow_raw(chunk.fd) };
        if let Err(errno) = self.interest(socket, chunk.token, EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT) {
            traffic.closed(chunk.token, Some(errno));
        }
    }

    fn interest(&self, socket: BorrowedFd<'_>, token: Token, flags: EpollFlags) -> nix::Result<()> {
        self.set.modify(socket, &mut EpollEvent::new(flags, token.to_bits()))
    }

    fn receive(&mut self, traffic: &mut Traffic, token: Token, fd: RawFd) {
        match recv(fd, &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => traffic.closed(token, None),
            Ok(bytes) => traffic.received(token, &self.buffer[..bytes], now_ns()),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => traffic.closed(token, Some(errno)),
        }
    }

    fn happened(&mut self, traffic: &mut Traffic, event: EpollEvent) {
        let token = Token::from_bits(event.data());
        let Some(socket) = traffic.fd(token) else { return };
        let fd = socket.as_raw_fd();
        if event.events().contains(EpollFlags::EPOLLOUT) {
            match self.interest(socket, token, EpollFlags::EPOLLIN) {
                Ok(()) => traffic.sent(token, 0),
                Err(errno) => traffic.closed(token, Some(errno)),
            }
        }
        if event.events() != EpollFlags::EPOLLOUT {
            self.receive(traffic, token, fd);
        }
        self.send_all(traffic);
    }

    fn wait(&mut self, until_ns: Option<u64>) -> nix::Result<usize> {
        let left_ns = until_ns.map(|until_ns| until_ns.saturating_sub(now_ns()));
        if self.wait == Wait::Nanoseconds {
            match self.pwait2(left_ns) {
                Err(Errno::ENOSYS | Errno::EPERM) => self.wait = Wait::Milliseconds,
                result => return result,
            }
        }
        // Rounded up: rounded down, the last part of a wait would be spun away.
        let timeout = left_ns.map_or(EpollTimeout::NONE, |ns| {
            EpollTimeout::from(u16::try_from(ns.div_ceil(1_000_000)).unwrap_or(u16::MAX))
        });
        self.set.wait(&mut self.events, timeout)
    }

    fn pwait2(&mut self, left_ns: Option<u64>) -> nix::Result<usize> {
        let timeout = left_ns.map(|ns| libc::timespec {
            tv_sec: (ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (ns % 1_000_000_000) as libc::c_long,
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let (events, room) = (self.events.as_mut_ptr(), self.events.len());
        // SAFETY: `EpollEvent` is a transparent epoll_event, `events` has room for `room` of them and
        // `timeout` is null or points to a value that lives to the end of this function.
        let result = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.set.0.as_raw_fd(),
                events,
                room,
                timeout,
                std::ptr::null::<libc::sigset_t>(),
                0,
            )
        };
        Errno::result(result).map(|count| count as usize)
    }
}

impl Engine for Epoll {
    fn name(&self) -> &'static str {
        "epoll"
    }

    fn watch(&mut self, traffic: &mut Traffic, token: Token) -> io::Result<()> {
        if let Some(socket) = traffic.fd(token) {
            self.set.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, token.to_bits()))?;
        }
        Ok(())
    }

    fn turn(&mut self, traffic: &mut Traffic, until_ns: Option<u64>) -> io::Result<bool> {
        self.send_all(traffic);
        let count = match self.wait(until_ns) {
            Err(Errno::EINTR) => 0,
            result => result?,
        };
        let mut woken = false;
        for index in 0..count {
            let event = self.events[index];
            if event.data() == WAKE {
                self.wake.read()?;
                woken = true;
            } else {
                self.happened(traffic, event);
            }
        }
        Ok(woken)
    }
}
