//! sq_thread_idle = 0 is not "sleep at once".

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use io_uring::{IoUring, opcode};

use super::tools::{pause, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "sq-thread-idle-0",
    says: "With IORING_SETUP_SQPOLL, sq_thread_idle = 0 makes the kernel's thread spin for a second before it sleeps.",
    source: "io_uring/sqpoll.c, io_sq_offload_create: 0 is replaced by HZ",
    manual: Some("io_uring_sqpoll(7) of liburing 2.15 says that with 0 it never sleeps"),
    io_uring: true,
    probe,
};

/// How often the flag is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Awake so long after its last entry, the thread does not sleep at once.
const AWAKE: Duration = Duration::from_millis(300);

/// Asleep before this, it has not spun for a second.
const SECOND: Duration = Duration::from_secs(1);

/// Nobody looks for longer.
const LIMIT: Duration = Duration::from_secs(3);

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring: IoUring =
        IoUring::builder().setup_sqpoll(0).build(4).context("io_uring_setup with SQPOLL")?;
    // The thread takes its last entry somewhere between these two: on a busy machine they are far apart.
    let before = now();
    submit(&mut ring, &[opcode::Nop::new().build()])?;
    ensure!(!wait(&mut ring, 1)?.is_empty(), "the kernel's thread took no entry within a second");
    let after = now();
    let mut awake = Duration::ZERO;
    while awake < LIMIT {
        pause(LOOK);
        let looked = after.elapsed();
        if ring.submission().need_wakeup() {
            return Ok(judge(awake, before.elapsed()));
        }
        awake = looked;
    }
    Ok(Observed::unknown(format!(
        "awake for {} ms: it is a busy machine, or it never sleeps",
        awake.as_millis()
    )))
}

/// Whether it has spun: seen awake so long at least after its last entry, and asleep so long after it at most.
fn judge(awake: Duration, asleep: Duration) -> Observed {
    let saw = format!(
        "awake {} ms after the last entry, IORING_SQ_NEED_WAKEUP seen after {} ms",
        awake.as_millis(),
        asleep.as_millis()
    );
    if awake >= AWAKE {
        Observed::of(true, saw)
    } else if asleep < SECOND {
        Observed::of(false, saw)
    } else {
        Observed::unknown(format!("{saw}: the machine was too busy to look in between"))
    }
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "how long the kernel's thread spins is the question")]
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::judge;
    use crate::claims::facts::Standing;

    /// A look that comes late is no look: it says neither that the thread slept nor that it spun.
    #[test]
    fn a_busy_machine_decides_nothing() {
        let standing =
            |awake, asleep| judge(Duration::from_millis(awake), Duration::from_millis(asleep)).standing;
        assert_eq!(standing(950, 1_010), Standing::Holds);
        assert_eq!(standing(0, 51), Standing::Fails);
        assert_eq!(standing(50, 1_400), Standing::Untestable);
    }
}
