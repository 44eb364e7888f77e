//! Zero copy, twice told, and copied all the same.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::{IoUring, cqueue, opcode, types};
use nix::errno::Errno;

use super::tools::{connected, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "send-zc-twice",
    says: "SEND_ZC completes twice, once for the result and once when the buffer is free again; over loopback the bytes are copied.",
    source: "io_uring_enter(2), IORING_OP_SEND_ZC; io_uring_prep_send_zc(3), IORING_SEND_ZC_REPORT_USAGE",
    manual: None,
    io_uring: true,
    probe,
};

/// linux/io_uring.h: asks for the usage, and the bit in its answer.
const REPORT_USAGE: u16 = 1 << 3;
const COPIED: i32 = i32::MIN;

pub fn probe() -> anyhow::Result<Observed> {
    let bytes = vec![7_u8; 4096];
    let (ours, theirs) = connected()?;
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let send =
        opcode::SendZc::new(types::Fd(ours.as_raw_fd()), bytes.as_ptr(), 4096).zc_flags(REPORT_USAGE).build();
    submit(&mut ring, &[send])?;
    let mut told = wait(&mut ring, 1)?;
    let Some(sent) = told.first().cloned() else {
        return Ok(Observed::unknown("SEND_ZC did not complete within a second"));
    };
    if sent.result() < 0 {
        let errno = Errno::from_raw(-sent.result());
        return Ok(Observed::unknown(format!(
            "SEND_ZC answered {errno:?}; it came with Linux 6.0, the report of its usage with 6.2"
        )));
    }
    if !cqueue::more(sent.flags()) {
        return Ok(Observed::of(false, format!("a single completion: {} bytes sent", sent.result())));
    }
    // The buffer is free when the peer's side has taken the bytes.
    drop(theirs);
    if told.len() < 2 {
        told.extend(wait(&mut ring, 1)?);
    }
    let notice = told.get(1).filter(|cqe| cqueue::notif(cqe.flags())).map(cqueue::Entry::result);
    let copied = notice.is_some_and(|usage| usage & COPIED != 0);
    let then = match notice {
        None => "no notification within a second",
        Some(_) if copied => "a notification that says copied",
        Some(_) => "a notification that says not copied",
    };
    Ok(Observed::of(sent.result() == 4096 && copied, format!("{} bytes sent, then {then}", sent.result())))
}
