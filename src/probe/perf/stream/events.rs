//! Which tracepoints a stream is made of, and what their records mean.

use super::format::{Field, Format};
use super::meaning::{Meaning, Meanings};
use crate::probe::perf::tracefs::Tracefs;
use crate::probe::perf::tracepoint_ids::{Layout, TracepointIds};
use crate::probe::refuse::refusal;
use crate::trace::{Layer, Refusal};

/// How much of the story a stream tells; each tells what those before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Events {
    /// System calls entered.
    Entries,
    /// And left.
    Calls,
    /// And threads that get a processor and leave it.
    Threads,
    /// And what happens to the operations of rings.
    Rings,
}

/// Tracepoints of io_uring's, by what they mean; a kernel has one of each line, or none.
const SUBMIT: [&str; 2] = ["io_uring_submit_req", "io_uring_submit_sqe"];
const COMPLETE: &str = "io_uring_complete";

/// What else happens to an operation: it waits until its descriptor is ready, goes to a worker, is called off with
/// its chain, or stands in line because the CQ is full; and work that completes several at once.
const WORK: [&str; 5] = [
    "io_uring_poll_arm",
    "io_uring_queue_async_work",
    "io_uring_fail_link",
    "io_uring_cqe_overflow",
    "io_uring_local_work_run",
];

/// All tracepoints of the kernel, with privileges.
///
/// # Errors
/// tracefs cannot be read, or this kernel has no tracepoints of system calls.
pub(super) fn of_kernel(tracefs: &Tracefs, events: Events) -> Result<Meanings, Refusal> {
    let mut meanings = Meanings::default();
    let format = |name: &str| Format::parse(&tracefs.format(name).ok()?);
    let mut add = |format: Option<Format>, meaning: &dyn Fn(&Format) -> Option<Meaning>| {
        let found = format.and_then(|format| Some((format.id, meaning(&format)?)));
        let is_there = found.is_some();
        meanings.by_id.extend(found);
        is_there
    };
    let mut calls = add(format("raw_syscalls/sys_enter"), &Meaning::enter);
    if events >= Events::Calls {
        calls &= add(format("raw_syscalls/sys_exit"), &Meaning::exit);
    }
    if !calls {
        let says = "raw_syscalls: no format that says where number, arguments and result stand";
        return Err(refusal(Layer::Kernel, says, "a kernel with CONFIG_FTRACE_SYSCALLS"));
    }
    if events >= Events::Rings {
        // A kernel without them has no such story; the calls stay.
        let submit = SUBMIT.iter().find_map(|name| format(&format!("io_uring/{name}")));
        add(submit, &Meaning::submit);
        add(format(&format!("io_uring/{COMPLETE}")), &Meaning::complete);
        for name in WORK {
            let what = name.trim_start_matches("io_uring_");
            add(format(&format!("io_uring/{name}")), &|format| Meaning::work(what, format));
        }
    }
    Ok(meanings)
}

/// The tracepoints that root has shared: system calls by name.
///
/// # Errors
/// What was shared says nothing about records: an earlier iolab did it.
pub(super) fn of_user(known: &TracepointIds, events: Events) -> Result<Meanings, Refusal> {
    let Some(Layout { number, arguments, result, exits, counts }) = &known.records else {
        let says =
            "the shared numbers of tracepoints say nothing about their records (an earlier iolab wrote them)";
        return Err(refusal(Layer::Filesystem, says, "once per boot: sudo iolab doctor --share-ids"));
    };
    let number = Field { offset: usize::from(*number), size: 4, signed: false };
    let result = Field { offset: usize::from(*result), size: 8, signed: true };
    let mut meanings = Meanings::default();
    for (name, id) in &known.ids {
        let count = counts.get(name).copied().map_or(0, usize::from);
        let enter = Meaning::Enter { number, arguments: usize::from(*arguments), count };
        meanings.by_id.insert(*id, enter);
        if let Some(id) = exits.get(name).filter(|_| events >= Events::Calls) {
            meanings.by_id.insert(*id, Meaning::Exit { number, result });
        }
    }
    Ok(meanings)
}
