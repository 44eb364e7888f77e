//! Wrong: batches, but what does not fit into the submission queue is lost, and its connection waits for ever.

use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode, squeue};

/// Slots of the submission queue: the most that is handed over by one call.
const SQ_ENTRIES: u32 = 64;
/// Slots of the completion queue. More operations may be in flight than the SQ has slots.
const CQ_ENTRIES: u32 = 1024;
/// The most that is held for one peer.
const BUFFER_BYTES: usize = 4096;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket that the program was given, and nobody else here uses it.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let ring = IoUring::builder().setup_cqsize(CQ_ENTRIES).build(SQ_ENTRIES)?;
    let mut server = Server { ring, listener, connections: Vec::new() };
    server.accept()?;
    loop {
        // The one call of a turn: hands over what the last turn wrote, and sleeps.
        server.enter(1)?;
        // Those that are there, and those that a full queue brings meanwhile. The queue is looked
        // at anew for each, because `complete` uses it, too.
        while let Some(cqe) = take(&mut server.ring) {
            server.complete(&cqe)?;
        }
    }
}

/// A result that is there already, without a call.
fn take(ring: &mut IoUring) -> Option<cqueue::Entry> {
    ring.completion().next()
}

// The user_data of an operation: the descriptor, and in the two low bits which operation it is.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1;
const SEND: u64 = 2;

struct Server {
    ring: IoUring,
    listener: TcpListener,
    /// By descriptor.
    connections: Vec<Option<Connection>>,
}

struct Connection {
    /// Dropping it closes it.
    socket: OwnedFd,
    /// Between SQE and CQE it belongs to the kernel.
    buffer: Box<[u8; BUFFER_BYTES]>,
    /// The part of the buffer that was received and not sent back yet.
    unsent: Range<usize>,
}

impl Server {
    /// Writes an SQE into the submission queue. The kernel does not look there before the next enter.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> io::Result<()> {
        let sqe = sqe.user_data((fd as u64) << 2 | operation);
        // SAFETY: the buffer of a connection neither moves nor goes while an operation is in flight.
        let _ = unsafe { self.ring.submission().push(&sqe) };
        Ok(())
    }

    /// Hands over what the submission queue holds, and sleeps until `wanted` results are there.
    fn enter(&self, wanted: usize) -> io::Result<()> {
        match self.ring.submit_and_wait(wanted) {
            // A signal: what was not handed over stays in the queue.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Every result leads to the next operation of the same connection, or to its end.
    fn complete(&mut self, cqe: &cqueue::Entry) -> io::Result<()> {
        let (fd, operation) = ((cqe.user_data() >> 2) as RawFd, cqe.user_data() & 3);
        match (operation, cqe.result()) {
            (ACCEPT, fd @ 0..) => {
                self.welcome(fd);
                self.go_on(fd)?;
                self.accept()
            }
            // The peer gave up while it waited.
            (ACCEPT, error) if error == -libc::ECONNABORTED => self.accept(),
            (ACCEPT, error) => Err(io::Error::from_raw_os_error(-error)),
            (RECEIVE, bytes @ 1..) => {
                self.connection(fd).unsent = 0..bytes as usize;
                self.go_on(fd)
            }
            (SEND, bytes @ 0..) => {
                self.connection(fd).unsent.start += bytes as usize;
                self.go_on(fd)
            }
            // FIN, or an error of this connection. Nothing of it is in flight, so this closes.
            _ => {
                self.connections[fd as usize] = None;
                Ok(())
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let fd = self.listener.as_raw_fd();
        self.push(opcode::Accept::new(Fd(fd), ptr::null_mut(), ptr::null_mut()).build(), fd, ACCEPT)
    }

    fn welcome(&mut self, fd: RawFd) {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        if self.connections.len() <= fd as usize {
            self.connections.resize_with(fd as usize + 1, || None);
        }
        let buffer = Box::new([0; BUFFER_BYTES]);
        self.connections[fd as usize] = Some(Connection { socket, buffer, unsent: 0..0 });
    }

    /// What was received goes back before anything else is received.
    fn go_on(&mut self, fd: RawFd) -> io::Result<()> {
        let Connection { socket, buffer, unsent } = self.connection(fd);
        let socket = Fd(socket.as_raw_fd());
        let bytes = &buffer[unsent.clone()];
        if bytes.is_empty() {
            let receive = opcode::Recv::new(socket, buffer.as_mut_ptr(), BUFFER_BYTES as u32);
            self.push(receive.build(), fd, RECEIVE)
        } else {
            let send = opcode::Send::new(socket, bytes.as_ptr(), bytes.len() as u32);
            self.push(send.build(), fd, SEND)
        }
    }

    fn connection(&mut self, fd: RawFd) -> &mut Connection {
        self.connections[fd as usize].as_mut().expect("a connection outlives its operation")
    }
}
