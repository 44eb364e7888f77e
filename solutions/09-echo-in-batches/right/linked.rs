//! Right: the send and the next receive are one chain, so a burst costs one call and not two.
//!
//! The receive may use the buffer of the send, for it begins when the send is done. A send that
//! went well leaves no CQE; one that did not breaks the chain, and the receive says so.

use std::collections::HashMap;
use std::io;

use io_uring::types::Fd;
use io_uring::{IoUring, opcode, squeue};

const BUFFER_BYTES: usize = 4096;
const LISTENER: i32 = 3;
/// The user_data of a send is that of its receive with this bit.
const SEND: u64 = 1 << 32;

fn main() -> io::Result<()> {
    let mut ring = IoUring::builder().setup_cqsize(4096).build(64)?;
    // Boxes, so that the bytes stay where they are when the map grows.
    let mut buffers: HashMap<i32, Box<[u8; BUFFER_BYTES]>> = HashMap::new();
    let mut results = Vec::new();

    push(&mut ring, &[accept()])?;
    loop {
        match ring.submit_and_wait(1) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => results.extend(ring.completion().map(|cqe| (cqe.user_data(), cqe.result()))),
        }
        for (user_data, result) in results.drain(..) {
            if user_data == LISTENER as u64 {
                if result >= 0 {
                    let buffer = buffers.entry(result).or_insert_with(|| Box::new([0; BUFFER_BYTES]));
                    push(&mut ring, &[receive(result, &mut buffer[..])])?;
                }
                push(&mut ring, &[accept()])?;
            } else if user_data & SEND == 0 {
                let fd = user_data as i32;
                match (buffers.get_mut(&fd), result) {
                    (Some(buffer), 1..) => {
                        let chain = [send(fd, &buffer[..result as usize]), receive(fd, &mut buffer[..])];
                        push(&mut ring, &chain)?;
                    }
                    // The peer has sent its FIN, or a link was broken. Nothing is in flight.
                    _ => {
                        buffers.remove(&fd);
                        // SAFETY: accepted above, and nobody else closes it.
                        unsafe { libc::close(fd) };
                    }
                }
            }
        }
    }
}

fn accept() -> squeue::Entry {
    opcode::Accept::new(Fd(LISTENER), std::ptr::null_mut(), std::ptr::null_mut())
        .build()
        .user_data(LISTENER as u64)
}

fn receive(fd: i32, buffer: &mut [u8]) -> squeue::Entry {
    opcode::Recv::new(Fd(fd), buffer.as_mut_ptr(), buffer.len() as u32).build().user_data(fd as u64)
}

/// MSG_WAITALL has the kernel go on until all is sent; less than that breaks the link.
fn send(fd: i32, bytes: &[u8]) -> squeue::Entry {
    opcode::Send::new(Fd(fd), bytes.as_ptr(), bytes.len() as u32)
        .flags(libc::MSG_WAITALL)
        .build()
        .flags(squeue::Flags::IO_LINK | squeue::Flags::SKIP_SUCCESS)
        .user_data(fd as u64 | SEND)
}

/// All or none of them, because a chain ends where a batch ends.
fn push(ring: &mut IoUring, sqes: &[squeue::Entry]) -> io::Result<()> {
    // SAFETY: a buffer stays in the map as long as its connection has an operation in flight.
    while unsafe { ring.submission().push_multiple(sqes) }.is_err() {
        match ring.submit() {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
