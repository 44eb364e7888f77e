//! What was seen of each thing that a criterion expects, in numbers and in words.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::expect::{Bit, Expect, Share};
use super::relation::Relation;
use super::seen::{Snapshot, StepSeen};
use crate::trace::Interest;

/// Names that a list of calls gives one by one; the rest is a sum.
const NAMES_MAX: usize = 4;

/// Things that are wrong, told one by one.
const WRONGS_MAX: usize = 2;

/// The descriptor that the listening socket is handed over as.
const LISTENER: i32 = 3;

/// One thing that was expected, and what was seen of it.
pub(super) struct Finding {
    pub expected: String,
    pub seen: String,
    pub holds: bool,
}

/// Collects findings.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, expected: impl Into<String>, seen: impl Into<String>, holds: bool) {
        self.0.push(Finding { expected: expected.into(), seen: seen.into(), holds });
    }

    /// A relation of a number of things.
    fn number(&mut self, relation: Option<&Relation>, number: f64, of: &str, more: impl Display) {
        if let Some(relation) = relation {
            let more = more.to_string();
            let more = if more.is_empty() { more } else { format!(": {more}") };
            self.add(
                format!("{relation} {of}"),
                format!("{} {of}{more}", figure(number)),
                relation.holds(number),
            );
        }
    }
}

/// Everything that a criterion expects of a step, and what was seen of it.
pub(super) fn findings(expect: &Expect, step: &StepSeen, start: &Snapshot) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    of_bytes(expect, step, &mut found);
    of_calls(expect, step, &mut found);
    of_threads(expect, step, &mut found);
    of_descriptors(expect, step, start, &mut found);
    of_rings(expect, step, &mut found);
    let memory_mb = step.after.memory_kib as f64 / 1024.0;
    found.number(expect.memory_mb.as_ref(), memory_mb, "MiB of memory at the peak", "");
    found.0
}

fn of_bytes(expect: &Expect, step: &StepSeen, found: &mut Findings) {
    let wrong = || match step.wrong.len() {
        0 => String::new(),
        more if more > WRONGS_MAX => {
            format!("{}; and {} more", step.wrong[..WRONGS_MAX].join("; "), more - WRONGS_MAX)
        }
        _ => step.wrong.join("; "),
    };
    let is_right = step.wrong.is_empty();
    if expect.echoed.is_some() {
        let right = match step.echoes {
            0 => "all of it came".to_owned(),
            1 => "1 echo, every byte in order".to_owned(),
            echoes => format!("{echoes} echoes, every byte in order"),
        };
        found.add("every byte back, in order", if is_right { right } else { wrong() }, is_right);
    }
    if expect.fin.is_some() {
        let right = "FIN on every connection".to_owned();
        found.add("FIN on every connection", if is_right { right } else { wrong() }, is_right);
    }
    if let Some(alive) = expect.alive {
        let word = |alive| if alive { "the program runs" } else { "the program has ended" };
        found.add(word(alive), word(step.after.alive), alive == step.after.alive);
    }
    if let Some(exit) = expect.exit {
        let seen = step.exit.map_or("it did not exit".to_owned(), |exit| format!("exit status {exit}"));
        found.add(format!("exit status {exit}"), seen, step.exit == Some(exit));
    }
    if let Some(relations) = &expect.numbers {
        let numbers = step.answer.as_deref().map(numbers_of).unwrap_or_default();
        let holds = numbers.len() >= relations.len()
            && relations.iter().zip(&numbers).all(|(relation, number)| relation.holds(*number));
        let expected: Vec<_> = relations.iter().map(Relation::to_string).collect();
        let seen =
            step.answer.as_ref().map_or("no answer".to_owned(), |answer| format!("it said {answer:?}"));
        found.add(format!("the numbers {}", expected.join(", ")), seen, holds);
    }
}

/// The numbers in a line, in order.
fn numbers_of(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn of_calls(expect: &Expect, step: &StepSeen, found: &mut Findings) {
    let nothing = BTreeMap::new();
    let calls = step.calls.as_ref().unwrap_or(&nothing);
    let all: u64 = calls.values().sum();
    let echoes = step.echoes.max(1) as f64;
    found.number(expect.calls.as_ref(), all as f64, "system calls", by_name(step, calls));
    found.number(
        expect.calls_per_echo.as_ref(),
        all as f64 / echoes,
        "system calls for each echo",
        by_name(step, calls),
    );
    let count = |name: &String| calls.get(name).copied().unwrap_or(0) as f64;
    for (name, relation) in &expect.call {
        found.number(Some(relation), count(name), &format!("calls of {name}"), "");
    }
    for (name, relation) in &expect.call_per_echo {
        let of = format!("calls of {name} for each echo");
        let sum = format!("{} for {} echoes", count(name), step.echoes);
        found.number(Some(relation), count(name) / echoes, &of, sum);
    }
    for (name, relation) in &expect.answered {
        let count = step.answered.get(name).copied().unwrap_or(0);
        found.number(Some(relation), count as f64, &format!("answers of {name}"), "");
    }
    if let Some(relation) = &expect.batch {
        let median = step.batches.quantile(0.5).unwrap_or(0);
        let enters = step.batches.samples();
        let of = "SQEs in the usual io_uring_enter";
        found.number(Some(relation), median as f64, of, format_args!("{enters} of them had any"));
    }
}

/// `epoll_wait 602, recvfrom 602 (602 answered EAGAIN)`.
fn by_name(step: &StepSeen, calls: &BTreeMap<String, u64>) -> String {
    let mut names: Vec<_> = calls.iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let mut parts: Vec<_> =
        names.iter().take(NAMES_MAX).map(|(name, count)| format!("{name} {count}")).collect();
    let rest: u64 = names.iter().skip(NAMES_MAX).map(|(_, count)| **count).sum();
    if rest > 0 {
        parts.push(format!("others {rest}"));
    }
    let most = step.answered.iter().max_by_key(|(_, count)| **count);
    match most {
        Some((errno, count)) if !parts.is_empty() => {
            format!("{} ({count} answered {errno})", parts.join(", "))
        }
        _ => parts.join(", "),
    }
}

fn of_threads(expect: &Expect, step: &StepSeen, found: &mut Findings) {
    let (before, after) = (&step.before, &step.after);
    let voluntary = after
        .sum(|thread| thread.voluntary_switches)
        .saturating_sub(before.sum(|thread| thread.voluntary_switches));
    let involuntary = after
        .sum(|thread| thread.involuntary_switches)
        .saturating_sub(before.sum(|thread| thread.involuntary_switches));
    let cpu_ns = after.sum(|thread| thread.cpu_ns).saturating_sub(before.sum(|thread| thread.cpu_ns));
    let echoes = step.echoes.max(1) as f64;
    found.number(expect.voluntary_switches.as_ref(), voluntary as f64, "voluntary context switches", "");
    found.number(
        expect.involuntary_switches.as_ref(),
        involuntary as f64,
        "involuntary context switches",
        "",
    );
    let of = "voluntary context switches for each echo";
    found.number(expect.voluntary_switches_per_echo.as_ref(), voluntary as f64 / echoes, of, "");
    let of = format!("ms of processor time in {} ms", step.ms);
    found.number(expect.cpu_ms.as_ref(), cpu_ns as f64 / 1e6, &of, "");
    found.number(expect.threads.as_ref(), after.threads_alive() as f64, "threads", "");
    for (beginning, relation) in &expect.helpers {
        let of = format!("threads of the kernel called {beginning}-…");
        found.number(Some(relation), after.helpers(beginning) as f64, &of, "");
    }
}

fn of_descriptors(expect: &Expect, step: &StepSeen, start: &Snapshot, found: &mut Findings) {
    let after = &step.after;
    let more = after.descriptors.len() as f64 - start.descriptors.len() as f64;
    let of = "descriptors more than at the beginning";
    found.number(expect.descriptors_more.as_ref(), more, of, kinds(after, start));
    found.number(expect.sockets.as_ref(), after.sockets() as f64, "open sockets", "");
    found.number(
        expect.watched.as_ref(),
        after.watched() as f64,
        "entries in the interest list",
        masks(after),
    );
    let connections = watched_connections(after, start);
    for (bit, share) in &expect.bits {
        let (mask, name) = bit_of(*bit);
        let with = connections.iter().filter(|events| **events & mask != 0).count();
        let all = connections.len();
        let (expected, holds) = match share {
            Share::All => (format!("{name} on every watched connection"), with == all && all > 0),
            Share::Some => (format!("{name} on at least one connection"), with > 0),
            Share::None => (format!("{name} on no connection"), with == 0),
        };
        found.add(expected, format!("{name} on {with} of {all} watched connections"), holds);
    }
}

/// What descriptors there are more of: `socket 12`.
fn kinds(after: &Snapshot, start: &Snapshot) -> String {
    let count = |of: &Snapshot| {
        let mut kinds = BTreeMap::<String, i64>::new();
        for link in of.descriptors.values() {
            let kind = link.split(['[', ':']).next().unwrap_or_default();
            let kind =
                if link.starts_with("anon_inode") { link.trim_start_matches("anon_inode:") } else { kind };
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
        kinds
    };
    let (mut now, before) = (count(after), count(start));
    before.iter().for_each(|(kind, count)| *now.entry(kind.clone()).or_default() -= count);
    let more = now.into_iter().filter(|(_, count)| *count > 0);
    more.map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
}

/// Event masks of the interest lists, and how often each is there: `IN 3, IN|OUT 1`.
fn masks(after: &Snapshot) -> String {
    let mut masks = BTreeMap::<String, usize>::new();
    for entry in after.epoll_sets.iter().flat_map(|set| &set.interest) {
        *masks.entry(Interest::names(entry.events).join("|")).or_default() += 1;
    }
    masks.into_iter().map(|(mask, count)| format!("{mask} {count}")).collect::<Vec<_>>().join(", ")
}

/// Event masks of what is watched and is neither the listener nor something other than a socket. A number that
/// is closed and still watched is a connection that lives on elsewhere.
fn watched_connections(after: &Snapshot, start: &Snapshot) -> Vec<u32> {
    let listener = start.descriptors.get(&LISTENER);
    let is_connection = |entry: &&Interest| match after.descriptors.get(&entry.fd) {
        Some(link) => link.starts_with("socket:") && Some(link) != listener,
        None => true,
    };
    let all = after.epoll_sets.iter().flat_map(|set| &set.interest);
    all.filter(is_connection).map(|entry| entry.events).collect()
}

fn bit_of(bit: Bit) -> (u32, &'static str) {
    match bit {
        Bit::In => (Interest::IN, "EPOLLIN"),
        Bit::Out => (Interest::OUT, "EPOLLOUT"),
        Bit::Et => (Interest::ET, "EPOLLET"),
        Bit::OneShot => (Interest::ONESHOT, "EPOLLONESHOT"),
        Bit::Exclusive => (Interest::EXCLUSIVE, "EPOLLEXCLUSIVE"),
    }
}

fn of_rings(expect: &Expect, step: &StepSeen, found: &mut Findings) {
    let (before, after) = (&step.before, &step.after);
    let sqes = after.sum_rings(|ring| ring.sq_tail).saturating_sub(before.sum_rings(|ring| ring.sq_tail));
    let cqes = after.sum_rings(|ring| ring.cq_tail).saturating_sub(before.sum_rings(|ring| ring.cq_tail));
    let echoes = step.echoes.max(1) as f64;
    found.number(expect.sqes.as_ref(), sqes as f64, "SQEs (the tail of the SQ moved by so many)", "");
    found.number(expect.cqes.as_ref(), cqes as f64, "CQEs (the tail of the CQ moved by so many)", "");
    found.number(expect.sqes_per_echo.as_ref(), sqes as f64 / echoes, "SQEs for each echo", "");
    found.number(expect.cqes_per_echo.as_ref(), cqes as f64 / echoes, "CQEs for each echo", "");
    if let Some(wanted) = expect.cq_overflow {
        let word = |seen| if seen { "an overflow of the CQ" } else { "no overflow of the CQ" };
        found.add(word(wanted), word(after.overflow_seen), wanted == after.overflow_seen);
    }
    for flag in &expect.ring_flags {
        let has = after.rings.iter().any(|ring| ring.setup_flags.contains(flag));
        let flags: Vec<_> = after.rings.iter().map(|ring| ring.setup_flags.join("|")).collect();
        let seen = match flags.len() {
            0 => "no ring".to_owned(),
            _ => format!(
                "rings with {}",
                flags
                    .iter()
                    .map(|f| if f.is_empty() { "no flag" } else { f })
                    .collect::<Vec<_>>()
                    .join(" and ")
            ),
        };
        found.add(format!("a ring with {flag}"), seen, has);
    }
    if let Some(wanted) = expect.asleep {
        let flag = |ring: &&crate::trace::RingTotals| ring.sq_flags.iter().any(|flag| flag == "NEED_WAKEUP");
        let asleep = after.rings.iter().filter(flag).count();
        let word = |asleep| if asleep { "the SQPOLL thread sleeps" } else { "the SQPOLL thread is awake" };
        let seen = if after.rings.is_empty() { "no ring" } else { word(asleep == after.rings.len()) };
        found.add(word(wanted), seen, seen == word(wanted));
    }
}

/// A number as people write it: whole, or with as many places as tell something.
fn figure(number: f64) -> String {
    if number.fract() == 0.0 || number.abs() >= 1000.0 {
        format!("{number:.0}")
    } else if number.abs() >= 10.0 {
        format!("{number:.1}")
    } else {
        let text = format!("{number:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}
