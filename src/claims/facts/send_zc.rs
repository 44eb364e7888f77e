//! Zero copy, twice told, and copied all the same.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::{IoUring, cqueue, opcode, types};

use super::tools::{connected, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "send-zc-twice",
    says: "SEND_ZC completes twice, once for the result and once when the buffer is free again; over loopback the bytes are copied.",
    source: "io_uring_enter(2), IORING_OP_SEND_ZC and IORING_SEND_ZC_REPORT_USAGE",
    manual: None,
    io_uring: true,
    probe,
};

/// linux/io_uring.h: asks for the usage, and the bit in its answer.
const REPORT_USAGE: u16 = 1 << 3;
const COPIED: i32 = i32::MIN;

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let (ours, theirs) = connected()?;
    let bytes = vec![7_u8; 4096];
    let send =
        opcode::SendZc::new(types::Fd(ours.as_raw_fd()), bytes.as_ptr(), 4096).zc_flags(REPORT_USAGE).build();
    submit(&mut ring, &[send])?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let mut told: Vec<(i32, u32)> = ring.completion().map(|cqe| (cqe.result(), cqe.flags())).collect();
    if let Some((result, flags)) = told.first().filter(|(_, flags)| !cqueue::more(*flags)) {
        return Ok(Observed::of(false, format!("a single completion: {result}, flags {flags:#x}")));
    }
    // The buffer is free when the peer's side has taken the bytes.
    drop(theirs);
    while told.len() < 2 {
        ring.submit_and_wait(1).context("io_uring_enter")?;
        told.extend(ring.completion().map(|cqe| (cqe.result(), cqe.flags())));
    }
    let (sent, notice) = (told[0], told[1]);
    let copied = notice.0 & COPIED != 0;
    Ok(Observed::of(
        sent.0 == 4096 && cqueue::notif(notice.1) && copied,
        format!(
            "{} bytes sent, then a notification that says {}",
            sent.0,
            if copied { "copied" } else { "not copied" }
        ),
    ))
}
