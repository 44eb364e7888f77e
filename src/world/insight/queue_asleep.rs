//! Work for a poller that sleeps.

use super::{Insight, ServerView};

/// Readings in a row, at least 20 ms apart. Between moving the tail and waking the thread a program needs a
/// microsecond; where it has no processor just then, some milliseconds.
const READINGS_MIN: u64 = 3;

pub const INSIGHT: Insight = Insight {
    id: "queue-asleep",
    title: "SQPOLL sleeps, and the queue waits",
    general: "Entries are in the submission queue, and the kernel thread that would take them has gone to sleep: it \
              does so when nothing has come for a while, and says it by IORING_SQ_NEED_WAKEUP. A tail that is moved \
              after that is seen by nobody, and no completion ever comes.",
    fix: "After moving the tail, and after a full memory fence, look at the flag; if it is set, call io_uring_enter \
          with IORING_ENTER_SQ_WAKEUP. submit() of the libraries does both.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let ring = view.sum.rings.iter().find(|ring| ring.stranded >= READINGS_MIN)?;
    Some(format!(
        "{} readings in a row found entries in the SQ of ring fd {} and IORING_SQ_NEED_WAKEUP set: nothing was taken, \
         and nobody woke the thread",
        ring.stranded, ring.now.fd
    ))
}
