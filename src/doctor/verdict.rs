//! The one line at the end: which lessons run live here, and who counts.

use crate::lesson::{LESSONS, Source};
use crate::servers;
use crate::trace::{Allowed, Capabilities, Layer, Rung};

/// What a lesson needs to run live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Its number.
    pub number: u8,
    /// The operations of io_uring that its servers cannot do without; none for a lesson without io_uring.
    pub operations: &'static [&'static str],
}

/// What an io_uring server of the lessons cannot do without.
const OPERATIONS: &[&str] = &["ACCEPT", "RECV", "SEND"];

/// The lessons there are: those with a server that needs io_uring need its operations.
pub fn lessons() -> Vec<Lesson> {
    let needs = |name: &String| servers::by_name(name).is_some_and(|server| server.io_uring);
    let row = |source: &Source| {
        let lesson = source.read().ok()?;
        let operations = if lesson.servers.iter().any(needs) { OPERATIONS } else { &[] };
        Some(Lesson { number: lesson.number, operations })
    };
    LESSONS.iter().filter_map(row).collect()
}

/// The end of the examination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One line for a person: `lessons 0 to 4: live; system calls counted by perf`.
    pub says: String,
    /// Whether anything works at all: a lesson live, or a way to observe.
    pub works: bool,
}

/// How a lesson runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Runs {
    Live,
    /// From the recorded run, for this reason.
    Recorded(String),
}

/// What `lessons` will be like on a machine with these capabilities.
pub fn verdict(capabilities: &Capabilities, lessons: &[Lesson]) -> Verdict {
    let rung = capabilities.best_syscall_rung();
    let runs: Vec<(u8, Runs)> =
        lessons.iter().map(|lesson| (lesson.number, runs(capabilities, lesson))).collect();
    let mut parts: Vec<String> = Vec::new();
    for group in runs.chunk_by(|(_, left), (_, right)| left == right) {
        let numbers = match (group.first(), group.last()) {
            (Some((first, _)), Some((last, _))) if first < last => format!("lessons {first} to {last}"),
            (Some((only, _)), _) => format!("lesson {only}"),
            _ => continue,
        };
        parts.push(match &group[0].1 {
            Runs::Live => format!("{numbers}: live"),
            Runs::Recorded(reason) => format!("{numbers}: from the recorded run ({reason})"),
        });
    }
    let live = runs.iter().any(|(_, runs)| *runs == Runs::Live);
    if live {
        parts.push(counted(rung).to_owned());
    }
    let observes = rung.is_some() || capabilities.ring.is_usable() || capabilities.sock.is_usable();
    Verdict { says: parts.join("; "), works: live || observes }
}

/// How one lesson runs here.
fn runs(capabilities: &Capabilities, lesson: &Lesson) -> Runs {
    if lesson.operations.is_empty() {
        return Runs::Live;
    }
    if let Allowed::No(refusal) = &capabilities.io_uring {
        return Runs::Recorded(format!("io_uring refused by {}", who(refusal.layer)));
    }
    let has = |name: &&&str| capabilities.io_uring_operations.get(**name) == Some(&true);
    match lesson.operations.iter().find(|name| !has(name)) {
        Some(missing) => Runs::Recorded(format!("no {missing} in this kernel's io_uring")),
        None => Runs::Live,
    }
}

/// Who counts system calls.
const fn counted(rung: Option<Rung>) -> &'static str {
    match rung {
        Some(Rung::Perf) => "system calls counted by perf",
        Some(Rung::PerfUser) => "system calls counted by perf-user",
        Some(_) => "system calls sampled by ptrace",
        None => "system calls not counted",
    }
}

/// A layer in words.
const fn who(layer: Layer) -> &'static str {
    match layer {
        Layer::Kernel => "the kernel",
        Layer::Sysctl => "sysctl",
        Layer::Seccomp => "seccomp",
        Layer::Lsm => "a security module",
        Layer::Capability => "a missing capability",
        Layer::Memlock => "the limit on locked memory",
        Layer::Cpus => "the number of processors",
        Layer::Filesystem => "a file system",
        Layer::Terminal => "the terminal",
        Layer::Limit => "a limit of the process",
        Layer::Process => "the process itself",
    }
}
