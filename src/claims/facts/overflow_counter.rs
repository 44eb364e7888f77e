//! Where an overflow shows.

use anyhow::Context;
use io_uring::{IoUring, opcode};

use super::tools::submit;
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "overflow-counter-0",
    says: "When the completion queue overflows, the flag IORING_SQ_CQ_OVERFLOW is set and the counter `overflow` stays 0.",
    source: "io_uring_setup(2), IORING_FEAT_NODROP; io_uring_cq_has_overflow(3)",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let room = ring.params().cq_entries();
    for _ in 0..=room / 4 {
        let nops: Vec<_> = (0..4).map(|_| opcode::Nop::new().build()).collect();
        submit(&mut ring, &nops)?;
        ring.submit().context("io_uring_enter")?;
    }
    let flag = ring.submission().cq_overflow();
    let counter = ring.completion().overflow();
    Ok(Observed::of(
        flag && counter == 0,
        format!(
            "{} completions for {room} slots: the flag is {}, the counter {counter}",
            (room / 4 + 1) * 4,
            if flag { "set" } else { "clear" }
        ),
    ))
}
