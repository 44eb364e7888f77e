//! When waiting is over: nothing moves any more.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use super::look::{Look, Pulse};
use crate::exercise::seen::is_helper;
use crate::probe::clock::monotonic_ns;
use crate::probe::syscalls;
use crate::probe::text::text;

const MS: u64 = 1_000_000;

/// A server all of whose threads have slept for so long while its peer waits will not wake by itself: on loopback
/// what was sent is there at once.
const ASLEEP_NS: u64 = 300 * MS;

/// A task may sleep because it was told to; no exercise tells one to for longer than 250 ms.
const TASK_ASLEEP_NS: u64 = 450 * MS;

/// So long one may be busy without anything coming of it.
const BUSY_NS: u64 = 1500 * MS;

/// So long one may be without a processor, which is the machine's fault.
const STARVED_NS: u64 = 6000 * MS;

/// So long a step may take, whatever moves.
const STEP_NS: u64 = 15_000 * MS;

/// A look that comes later than this after the one before says that the machine is busy, and then sleep proves
/// nothing: what was sent may wait for the kernel's own threads.
const LATE_NS: u64 = 20 * MS;

/// So many calls from which nothing came are a program that goes round.
const ROUND_CALLS: u64 = 500;

/// Of its time, the share of a processor below which a busy program was starved.
const STARVED_SHARE: f64 = 0.2;

/// A step's patience.
pub(super) struct Patience {
    asleep_max_ns: u64,
    began_ns: u64,
    moved_ns: u64,
    pulse: Option<Pulse>,
    looked_ns: u64,
    asleep_ns: u64,
    cpu_at_move_ns: u64,
    calls_at_move: u64,
}

impl Patience {
    /// All the patience of a step with a server.
    pub(super) fn with_server(look: &mut Look) -> Self {
        Self::new(look, ASLEEP_NS)
    }

    /// All the patience of a step with a task.
    pub(super) fn with_task(look: &mut Look) -> Self {
        Self::new(look, TASK_ASLEEP_NS)
    }

    fn new(look: &mut Look, asleep_max_ns: u64) -> Self {
        let now = monotonic_ns();
        Self {
            asleep_max_ns,
            began_ns: now,
            moved_ns: now,
            pulse: None,
            looked_ns: now,
            asleep_ns: 0,
            calls_at_move: 0,
            cpu_at_move_ns: look.pulse().cpu_ns,
        }
    }

    /// Something moved.
    pub(super) fn moved(&mut self) {
        (self.moved_ns, self.pulse, self.asleep_ns) = (monotonic_ns(), None, 0);
    }

    /// Whether it is at an end; asked each time that nothing moved.
    ///
    /// `calls` are the system calls seen so far: who makes many is not starved.
    pub(super) fn is_at_end(&mut self, look: &mut Look, calls: u64) -> bool {
        let (now, pulse) = (monotonic_ns(), look.pulse());
        let before = self.pulse.replace(pulse);
        if before.is_none() {
            (self.cpu_at_move_ns, self.calls_at_move) = (pulse.cpu_ns, calls);
        }
        let since_ns = now.saturating_sub(std::mem::replace(&mut self.looked_ns, now));
        if !before.is_some_and(|before| pulse.rested_since(before)) {
            self.asleep_ns = 0;
        } else if since_ns <= LATE_NS {
            self.asleep_ns += since_ns;
        }
        let idle_ns = now.saturating_sub(self.moved_ns);
        let used = pulse.cpu_ns.saturating_sub(self.cpu_at_move_ns) as f64 / idle_ns.max(1) as f64;
        let goes_round = calls.saturating_sub(self.calls_at_move) > ROUND_CALLS;
        let is_starved = !pulse.asleep && used < STARVED_SHARE && !goes_round;
        let busy_ns = if is_starved { STARVED_NS } else { BUSY_NS };
        self.asleep_ns >= self.asleep_max_ns
            || idle_ns >= busy_ns.max(self.asleep_max_ns)
            || now.saturating_sub(self.began_ns) >= STEP_NS
    }
}

/// Where a program is that is waited for in vain: `it sleeps in epoll_wait(4: an epoll instance)`.
pub(super) fn where_it_is(pid: u32, calls: Option<&BTreeMap<String, u64>>) -> String {
    let folder = format!("/proc/{pid}/task");
    let mut tids: Vec<u32> = fs::read_dir(&folder)
        .map(|entries| {
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
        })
        .unwrap_or_default();
    tids.sort_unstable();
    let own = |tid: &u32| {
        let comm = text(format!("{folder}/{tid}/comm")).unwrap_or_default();
        !is_helper(&comm)
    };
    let places: Vec<_> = tids.iter().filter(|tid| own(tid)).map(|tid| place(pid, *tid)).collect();
    let Some(first) = places.first() else { return "it is gone".into() };
    let mut says = match places.len() {
        1 => format!("it {first}"),
        many => {
            let same = places.iter().filter(|place| *place == first).count();
            if same == many { format!("all its {many} threads: it {first}") } else { of_many(&places) }
        }
    };
    if let Some(calls) = calls.filter(|calls| calls.values().sum::<u64>() > 1000) {
        let mut names: Vec<_> = calls.iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let most: Vec<_> = names.iter().take(3).map(|(name, count)| format!("{name} {count}")).collect();
        let _ = write!(
            says,
            "; in this step it made {} system calls: {}",
            calls.values().sum::<u64>(),
            most.join(", ")
        );
    }
    says
}

/// `of its 3 threads 1 sleeps in futex, 2 sleep in …`.
fn of_many(places: &[String]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    places.iter().for_each(|place| *counts.entry(place).or_default() += 1);
    let parts: Vec<_> = counts.iter().map(|(place, count)| format!("{count} {place}")).collect();
    format!("of its {} threads: {}", places.len(), parts.join(", "))
}

/// Calls whose first argument is a descriptor that says what is waited for.
const OF_DESCRIPTOR: [&str; 13] = [
    "read",
    "write",
    "readv",
    "writev",
    "recvfrom",
    "sendto",
    "recvmsg",
    "sendmsg",
    "accept",
    "accept4",
    "epoll_wait",
    "epoll_pwait",
    "io_uring_enter",
];

/// Where one thread is.
fn place(pid: u32, tid: u32) -> String {
    let stat = text(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
    if state == "T" {
        return "is stopped by a signal".into();
    }
    // "running", "-1 SP PC", or "NUMBER ARGUMENTS… SP PC": proc_pid_syscall(5).
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).unwrap_or_default();
    let mut words = text.split_whitespace();
    let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
        return "never sleeps".into();
    };
    let name = syscalls::name(number);
    let fd = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    match fd.filter(|_| OF_DESCRIPTOR.contains(&name.as_ref())) {
        Some(fd) => format!("sleeps in {name}({fd}: {})", kind(pid, fd)),
        None => format!("sleeps in {name}"),
    }
}

/// What a descriptor is.
fn kind(pid: u32, fd: u64) -> String {
    let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
    let link = link.to_string_lossy();
    if fd == 3 && link.starts_with("socket:") {
        "the listening socket".into()
    } else if link.starts_with("socket:") {
        "a connection".into()
    } else if link.starts_with("pipe:") {
        match fd {
            0 => "its standard input".into(),
            1 => "its standard output".into(),
            _ => "a pipe".into(),
        }
    } else {
        match link.trim_start_matches("anon_inode:") {
            "[eventpoll]" => "an epoll instance".into(),
            "[io_uring]" => "its ring".into(),
            "[eventfd]" => "an eventfd".into(),
            "" => "nothing that is open".into(),
            other => other.to_owned(),
        }
    }
}
