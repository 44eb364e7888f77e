//! Wrong: those who waited for room are taken by accept4(2), and no accept is put into the ring again.
//!
//! Who comes later is taken when the next peer goes, and not before.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode, squeue};

const GREETING: &[u8] = b"hello\n";
const SQ_ENTRIES: u32 = 256;
/// Room for what may complete together: a CQ that is full ends a multishot, too.
const CQ_ENTRIES: u32 = 4096;

// The user_data of an operation: the descriptor, and in the low bit which operation it is.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1;

fn main() -> io::Result<()> {
    // SAFETY: descriptor 3 is the listening socket that the program was given, and nobody else here uses it.
    let listener = unsafe { OwnedFd::from_raw_fd(3) };
    let ring = IoUring::builder().setup_cqsize(CQ_ENTRIES).build(SQ_ENTRIES)?;
    let mut server =
        Server { ring, listener, peers: HashSet::new(), accepting: false, scratch: Box::new([0; 4096]) };
    server.accept()?;
    loop {
        server.enter(1)?;
        while let Some(cqe) = server.take() {
            server.complete(&cqe)?;
        }
    }
}

struct Server {
    ring: IoUring,
    listener: OwnedFd,
    /// Everybody who was greeted and has not gone.
    peers: HashSet<RawFd>,
    /// Whether an accept is in force.
    accepting: bool,
    /// Where all receives put what nobody will read.
    scratch: Box<[u8; 4096]>,
}

impl Server {
    /// One SQE, and a CQE for each connection that comes.
    fn accept(&mut self) -> io::Result<()> {
        self.accepting = true;
        let fd = self.listener.as_raw_fd();
        self.push(opcode::AcceptMulti::new(Fd(fd)).build(), fd, ACCEPT)
    }

    /// Acts on one result.
    fn complete(&mut self, cqe: &cqueue::Entry) -> io::Result<()> {
        let (fd, operation) = ((cqe.user_data() >> 1) as RawFd, cqe.user_data() & 1);
        match (operation, cqe.result()) {
            (ACCEPT, accepted) => {
                // A last CQE may bring a connection like any other.
                if accepted >= 0 {
                    self.welcome(accepted)?;
                }
                self.accepting = cqueue::more(cqe.flags());
                let full = matches!(-accepted, libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS);
                // While there is no descriptor another accept would fail at once, and again:
                // the first peer that goes puts it. (If others have used up the system's descriptors,
                // and there is no peer here, nobody does: that takes a timer.)
                if self.accepting || full {
                    return Ok(());
                }
                self.accept()
            }
            // It said something: go on listening.
            (_, 1..) => self.receive(fd),
            // FIN, or an error of this connection: the peer has gone.
            _ => {
                self.farewell(fd);
                if self.accepting { Ok(()) } else { self.accept_waiting() }
            }
        }
    }

    /// There is room again: takes everybody who waits in the accept queue.
    fn accept_waiting(&mut self) -> io::Result<()> {
        let listener = self.listener.as_raw_fd();
        // SAFETY: numbers only, on a descriptor that is open.
        unsafe { libc::fcntl(listener, libc::F_SETFL, libc::O_NONBLOCK) };
        loop {
            // SAFETY: no address is asked for, so nothing is written.
            match unsafe { libc::accept4(listener, std::ptr::null_mut(), std::ptr::null_mut(), 0) } {
                fd @ 0.. => self.welcome(fd)?,
                _ => return Ok(()),
            }
        }
    }

    fn welcome(&mut self, fd: RawFd) -> io::Result<()> {
        self.peers.insert(fd);
        // A short greeting to a new connection always has room. If the peer is gone already, its
        // receive will tell.
        // SAFETY: a pointer to bytes that live for ever, and their number.
        unsafe { libc::send(fd, GREETING.as_ptr().cast(), GREETING.len(), libc::MSG_NOSIGNAL) };
        self.receive(fd)
    }

    fn farewell(&mut self, fd: RawFd) {
        if self.peers.remove(&fd) {
            // SAFETY: accepted by this program, open, and no operation of it is in flight.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        }
    }

    fn receive(&mut self, fd: RawFd) -> io::Result<()> {
        let receive = opcode::Recv::new(Fd(fd), self.scratch.as_mut_ptr(), self.scratch.len() as u32);
        self.push(receive.build(), fd, RECEIVE)
    }

    /// Writes an SQE into the submission queue; when that is full, handing over empties it.
    fn push(&mut self, sqe: squeue::Entry, fd: RawFd, operation: u64) -> io::Result<()> {
        let sqe = sqe.user_data((fd as u64) << 1 | operation);
        // SAFETY: the scratch buffer lives as long as the ring, and nobody reads it.
        while unsafe { self.ring.submission().push(&sqe) }.is_err() {
            self.enter(0)?;
        }
        Ok(())
    }

    /// Hands over what was pushed, and sleeps until `wanted` results are there.
    fn enter(&mut self, wanted: usize) -> io::Result<()> {
        match self.ring.submit_and_wait(wanted) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// A result that is there already, without a call.
    fn take(&mut self) -> Option<cqueue::Entry> {
        self.ring.completion().next()
    }
}
