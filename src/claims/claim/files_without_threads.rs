//! Who does the work that cannot be put off.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::trace::Rung;
use crate::world::Measured;

pub const CLAIM: Claim = Claim {
    id: "files-without-threads",
    says: "io_uring does file I/O without threads.",
    rests_on: RestsOn::Counts,
    needs: &["fsync"],
    authority: "io_uring/sync.c of the kernel, io_fsync_prep: an fsync is always handed to a worker (REQ_F_FORCE_ASYNC)",
    would_change: "operations that need not wait: reads of what is cached, or O_DIRECT where the file system can",
    rule,
};

/// A worker's name begins with this.
const WORKER: &str = "iou-wrk-";

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let workers = evidence.view("fsync", "ring-fsync", |view| {
        let process = view.latest().and_then(|run| run.process.as_ref());
        let Some(process) = process.filter(|process| !process.threads.is_empty()) else {
            return Err(Untestable::because("the threads of its process could not be read"));
        };
        Ok(process.threads.iter().filter(|thread| thread.comm.starts_with(WORKER)).count())
    })?;
    let verdict = if workers > 0 { Verdict::Fails } else { Verdict::Holds };
    let says = match workers {
        0 => "No worker thread appeared in the process while its fsyncs were done.".to_owned(),
        1 => "A thread of the kernel's, iou-wrk, appeared in the process to do its fsyncs: they wait, and somebody has to wait \
              for them."
            .to_owned(),
        n => format!("{n} threads of the kernel's, iou-wrk, appeared in the process to do its fsyncs."),
    };
    let number = Number {
        name: "ring-fsync: threads named iou-wrk".into(),
        unit: "in all".into(),
        measured: Measured::known(workers as f64, Rung::Proc),
    };
    ruling(verdict, says, vec![number])
}
