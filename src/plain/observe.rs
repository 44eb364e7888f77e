//! An observed program as text: a block a process, totals and rates.

use std::fmt::Write;

use super::lab::{insights, machine, wrapped};
use super::number::{grouped, number};
use super::table::Table;
use crate::screen::number::seconds;
use crate::trace::{Refusal, Rung, ThreadTotals, Unread};
use crate::world::{Deltas, RunWorld, ServerView, World};

/// Everything that is known about an observed program.
pub fn observe(world: &World<'_>) -> String {
    let mut out = String::new();
    let views = world.servers();
    let processes = if views.len() == 1 { "process" } else { "processes" };
    let _ = writeln!(out, "observed {} {processes} for {}", views.len(), seconds(world.end_ns()));
    let _ = writeln!(out, "machine  {}", machine(&world.header.capabilities.machine));
    for view in &views {
        if let Some(run) = view.latest() {
            process(&mut out, view, run);
        }
    }
    out
}

fn process(out: &mut String, view: &ServerView<'_>, run: &RunWorld) {
    let _ = writeln!(out, "\n{}", view.name);
    let program = run.program.as_ref();
    let mut lines = Vec::new();
    let exe = program.and_then(|program| program.exe.as_deref());
    let user = program.and_then(|program| program.user);
    let user = user.map_or("user not known".to_owned(), |user| format!("user {user}"));
    let unread = match program.and_then(|program| program.exe_unread) {
        Some(Unread::Refused) => "its file may not be read",
        Some(Unread::Ended) => "it had ended before its file could be read",
        None => "its file is not known",
    };
    let end = run.end.as_ref().map_or("it runs".to_owned(), ToString::to_string);
    lines.push(format!("{}, {user}; {end}", exe.unwrap_or(unread)));
    if let Some(parent) = program.and_then(|program| program.parent) {
        lines.push(format!("started by process {parent}"));
    }
    lines.iter().for_each(|line| wrapped(out, line));
    let mut table = Table::new();
    table.row(["", "in all", "a second", "seen by"]);
    rows(&mut table, &view.sum);
    table.lines().iter().for_each(|line| {
        let _ = writeln!(out, "{line}");
    });
    let mut lines = uncounted(view, run);
    lines.extend(threads(run));
    lines.extend(super::ring::lines(view));
    lines.extend(super::interest::lines(view));
    lines.extend(sockets(run));
    lines.extend(run.remarks.iter().cloned());
    lines.extend(run.refused.iter().map(|(rung, refusal)| refused(*rung, refusal)));
    lines.extend(insights(view));
    lines.iter().for_each(|line| wrapped(out, line));
}

/// What was counted, and how often a second that is.
fn rows(table: &mut Table, sum: &Deltas) {
    let mut row = |name: String, count: u64, rung: Rung| {
        let rate = match sum.duration_ns {
            0 => "-".to_owned(),
            ns => number(count as f64 * 1e9 / ns as f64),
        };
        table.row([name, grouped(count), rate, rung.word().to_owned()]);
    };
    if let Some(counted) = sum.syscalls {
        row("system calls".into(), counted.calls, counted.rung);
        let mut names: Vec<_> = sum.by_name.iter().collect();
        names.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
        let named = names.iter().fold(0_u64, |sum, (_, calls)| sum.saturating_add(**calls));
        names.into_iter().for_each(|(name, calls)| row(format!("  {name}"), *calls, counted.rung));
        let rest = counted.calls.saturating_sub(named);
        if rest > 0 {
            row("  others".into(), rest, counted.rung);
        }
    }
    if !sum.threads.is_empty() {
        let mut of_threads = |name: &str, part: fn(&ThreadTotals) -> u64| {
            row(name.into(), sum.over_threads(part), Rung::Proc);
        };
        of_threads("voluntary switches", |thread| thread.voluntary_switches);
        of_threads("involuntary switches", |thread| thread.involuntary_switches);
        of_threads("CPU, µs", |thread| thread.cpu_ns / 1000);
    }
    for (name, count) in [("SQEs", sum.sqes()), ("CQEs", sum.cqes())] {
        if let Some(count) = count {
            row(name.into(), count, Rung::Ring);
        }
    }
}

/// Why no system calls stand in the table, or whose else do.
fn uncounted(view: &ServerView<'_>, run: &RunWorld) -> Vec<String> {
    let with = run.program.as_ref().and_then(|program| program.counted_with);
    match (view.sum.syscalls, with, &view.header.syscall_rung) {
        (None, Some(pid), _) => vec![format!("its system calls are counted with those of process {pid}")],
        (None, None, Err(refusal)) => {
            vec![format!("system calls are not counted: {}", why(refusal))]
        }
        (Some(counted), ..) if counted.rung == Rung::PerfUser => {
            vec!["perf-user counts the names that it has counters for, and no others".into()]
        }
        _ => Vec::new(),
    }
}

fn threads(run: &RunWorld) -> Option<String> {
    let threads = run.process.as_ref().map(|process| process.threads.as_slice()).unwrap_or_default();
    let helpers = threads.iter().filter(|thread| thread.comm.starts_with("iou-")).count();
    let helpers = match helpers {
        0 => String::new(),
        count => format!(", {count} of them helpers of the kernel's (iou-)"),
    };
    (threads.len() > 1).then(|| format!("threads (proc): {}{helpers}", threads.len()))
}

fn sockets(run: &RunWorld) -> Option<String> {
    let listening = run.sockets.iter().filter(|socket| socket.listening).count();
    let connected = run.sockets.len() - listening;
    (!run.sockets.is_empty())
        .then(|| format!("TCP sockets (sock): {listening} listening, {connected} connected"))
}

fn refused(rung: Rung, refusal: &Refusal) -> String {
    format!("{} is refused: {}", rung.word(), why(refusal))
}

fn why(refusal: &Refusal) -> String {
    match refusal.try_this.as_str() {
        "" => refusal.says.clone(),
        attempt => format!("{}. Try: {attempt}", refusal.says),
    }
}
