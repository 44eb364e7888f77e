//! A short read breaks a chain.

use std::io::Write;
use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::{IoUring, opcode, squeue, types};

use super::tools::{submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "link-short-read",
    says: "A short read in a chain of linked entries cancels the rest of it: ECANCELED.",
    source: "io_uring_enter(2), IOSQE_IO_LINK",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut buffer = [0_u8; 8];
    let (reader, mut writer) = std::io::pipe().context("pipe")?;
    writer.write_all(b"four").context("write")?;
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let read = opcode::Read::new(types::Fd(reader.as_raw_fd()), buffer.as_mut_ptr(), 8).build();
    let read = read.flags(squeue::Flags::IO_LINK).user_data(1);
    submit(&mut ring, &[read, opcode::Nop::new().build().user_data(2)])?;
    let mut done: Vec<_> = wait(&mut ring, 2)?.iter().map(|cqe| (cqe.user_data(), cqe.result())).collect();
    done.sort_unstable();
    Ok(Observed::of(
        done == [(1, 4), (2, -libc::ECANCELED)],
        format!(
            "4 of 8 bytes read, and the entry behind it answered {}",
            done.last().map_or(0, |(_, result)| *result)
        ),
    ))
}
