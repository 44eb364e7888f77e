//! Right: when the accept has ended for want of a descriptor it rests for 100 ms, and is put again.
//!
//! No table of peers: the descriptor travels as user_data, and a poll for the peer's FIN is what
//! is in flight for each. To wait is an operation like any other, so the loop has one call only.

use std::io;

use io_uring::types::{Fd, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

const LISTENER: u64 = 3;
const REST: u64 = u64::MAX;
/// The kernel reads it when it takes the SQE, which is after the SQE was written: so a static.
static PAUSE: Timespec = Timespec::new().nsec(100_000_000);

fn main() -> io::Result<()> {
    let mut ring = IoUring::builder().setup_cqsize(8192).build(1024)?;
    let mut results = Vec::new();
    push(&mut ring, &accept())?;
    loop {
        match ring.submit_and_wait(1) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => results.extend(ring.completion()),
        }
        for cqe in results.drain(..) {
            let next: Option<squeue::Entry> = match (cqe.user_data(), cqe.result()) {
                (LISTENER, fd) => {
                    if fd >= 0 {
                        push(&mut ring, &greet(fd))?;
                    }
                    match (cqueue::more(cqe.flags()), fd) {
                        (true, _) => None,
                        (false, 0..) => Some(accept()),
                        (false, _) => Some(opcode::Timeout::new(&PAUSE).build().user_data(REST)),
                    }
                }
                (REST, _) => Some(accept()),
                (fd, _) => {
                    // SAFETY: accepted by this program, and its poll is over: nothing is in flight.
                    unsafe { libc::close(fd as i32) };
                    None
                }
            };
            if let Some(sqe) = next {
                push(&mut ring, &sqe)?;
            }
        }
    }
}

fn accept() -> squeue::Entry {
    opcode::AcceptMulti::new(Fd(LISTENER as i32)).build().user_data(LISTENER)
}

/// Says hello, and returns what tells when the peer has gone.
fn greet(fd: i32) -> squeue::Entry {
    // SAFETY: six bytes that live for ever.
    unsafe { libc::send(fd, b"hello\n".as_ptr().cast(), 6, libc::MSG_NOSIGNAL) };
    opcode::PollAdd::new(Fd(fd), libc::POLLRDHUP as u32).build().user_data(fd as u64)
}

fn push(ring: &mut IoUring, sqe: &squeue::Entry) -> io::Result<()> {
    // SAFETY: the only thing that an SQE here points to is a static.
    while unsafe { ring.submission().push(sqe) }.is_err() {
        match ring.submit() {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
