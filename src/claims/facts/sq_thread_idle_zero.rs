//! sq_thread_idle = 0 is not "sleep at once".

use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, opcode};

use super::tools::{pause, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "sq-thread-idle-0",
    says: "With IORING_SETUP_SQPOLL, sq_thread_idle = 0 makes the kernel's thread spin for a second before it sleeps.",
    source: "io_uring/sqpoll.c: 0 is replaced by HZ",
    manual: Some("io_uring_sqpoll(7) of liburing 2.15 says that with 0 it never sleeps"),
    io_uring: true,
    probe,
};

/// Looks at the flag.
const LOOK: Duration = Duration::from_millis(50);

/// Not asleep after so many looks, asleep after so many.
const AWAKE: u32 = 6;
const ASLEEP: u32 = 100;

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring: IoUring =
        IoUring::builder().setup_sqpoll(0).build(4).context("io_uring_setup with SQPOLL")?;
    submit(&mut ring, &[opcode::Nop::new().build()])?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let slept = (1..=ASLEEP).find(|_| {
        pause(LOOK);
        ring.submission().need_wakeup()
    });
    Ok(match slept {
        Some(looks) => Observed::of(
            looks > AWAKE,
            format!("IORING_SQ_NEED_WAKEUP was set about {} ms after the last entry", looks * 50),
        ),
        None => Observed::of(false, "it was still awake after 5 s"),
    })
}
