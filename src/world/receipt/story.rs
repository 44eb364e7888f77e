//! Which calls of a window belong to a request.

use std::collections::BTreeMap;

use super::Line;
use crate::world::turns::{Turn, can_wait, is_blocking, turns_of_requests};
use crate::world::{Call, Echo, WindowView, spot};

/// The story of a window, by thread.
pub(super) struct Story<'w> {
    window: &'w WindowView,
    threads: Vec<Thread<'w>>,
}

struct Thread<'w> {
    calls: Vec<&'w Call>,
    turns: Vec<Turn<'w>>,
    blocks: bool,
    /// From one call that can wait up to the next, as indices of calls.
    rounds: Vec<(usize, usize)>,
}

impl<'w> Story<'w> {
    pub(super) fn new(window: &'w WindowView) -> Self {
        let mut threads: BTreeMap<u32, Vec<&Call>> = BTreeMap::new();
        for call in &window.calls {
            threads.entry(call.tid).or_default().push(call);
        }
        let thread = |calls: Vec<&'w Call>| {
            let (turns, blocks) = (turns_of_requests(&calls, &window.echoes), is_blocking(&calls));
            Thread { turns, blocks, rounds: rounds(&calls, blocks), calls }
        };
        Self { window, threads: threads.into_values().map(thread).collect() }
    }

    /// The lines of a request's receipt; `None` where not all of its story is known.
    pub(super) fn lines(&self, echo: &Echo, fd: Option<i32>) -> Option<Vec<Line>> {
        let answered_ns = echo.answered_ns.filter(|answered_ns| *answered_ns >= echo.sent_ns)?;
        let served = |call: &&&Call| {
            call.until_ns.is_some_and(|until_ns| until_ns > echo.sent_ns) && call.t_ns < answered_ns
        };
        if let Some(fd) = fd {
            for thread in &self.threads {
                if thread.calls.iter().any(|call| served(&call) && fd_of(call) == Some(fd)) {
                    return thread.lines_of_fd(fd, echo.sent_ns, answered_ns);
                }
            }
        }
        // Of several threads, which one it was could only be guessed.
        if fd.is_none() && self.threads.len() > 1 {
            return None;
        }
        self.lines_of_turn(echo, answered_ns)
    }

    /// Where calls do not say whose they are: the turn that began with this request, shared by all requests
    /// that were answered in it.
    fn lines_of_turn(&self, echo: &Echo, answered_ns: u64) -> Option<Vec<Line>> {
        let woke =
            |wait: &Call| wait.until_ns.filter(|until_ns| (echo.sent_ns..=answered_ns).contains(until_ns));
        let begun = self.threads.iter().filter_map(|thread| {
            thread
                .turns
                .iter()
                .enumerate()
                .find_map(|(index, turn)| Some((woke(turn.wait?)?, turn, thread.turns.get(index + 1))))
        });
        let Some((woke_ns, turn, next)) = begun.min_by_key(|(woke_ns, ..)| *woke_ns) else {
            return self.untouched(echo.sent_ns, answered_ns).then(Vec::new);
        };
        if next.is_none() && self.window.rung.is_none() {
            // The window is open and the turn goes on.
            return None;
        }
        let until_ns = next.and_then(|next| next.wait?.until_ns).unwrap_or(u64::MAX);
        let in_turn =
            |echo: &&Echo| echo.answered_ns.is_some_and(|at_ns| at_ns > woke_ns && at_ns <= until_ns);
        let calls = turn.wait.iter().chain(&turn.calls);
        let answered = self.window.echoes.iter().filter(in_turn).count() as u64;
        let requests = answered.min(self.served_by(calls.clone().copied())).max(1);
        Some(grouped(calls.map(|call| (*call, 1, requests))))
    }

    /// How many requests the SQEs of some calls are enough for: a client notes some of its answers later than
    /// the server's next turn begins. Without SQEs, any number.
    fn served_by<'c>(&self, calls: impl Iterator<Item = &'c Call>) -> u64 {
        let sqes = |call: &Call| crate::trace::batch_of(&call.name, call.args[1], call.result?);
        let here = calls.filter_map(sqes).fold(0, u64::saturating_add);
        let each = |(sqes, times): (&u64, &u64)| sqes.saturating_mul(*times);
        let all = self.window.batches.0.iter().map(each).fold(0, u64::saturating_add);
        match (here, all, self.window.requests) {
            (0, ..) | (_, 0, _) | (.., 0) => u64::MAX,
            (here, all, requests) => (here as f64 * requests as f64 / all as f64).round() as u64,
        }
    }

    /// Whether no thread came or went while a request was under way, as far back as the story is known.
    fn untouched(&self, sent_ns: u64, answered_ns: u64) -> bool {
        let calls = &self.window.calls;
        let known = self.window.rung.is_some() && calls.front().is_none_or(|first| first.t_ns < sent_ns);
        let crossed = |at_ns: u64| (sent_ns..=answered_ns).contains(&at_ns);
        // Where a request takes a call or more on average, one without any is a matter of two clocks.
        let seldom = self.window.syscalls < self.window.requests.max(1);
        known && seldom && !calls.iter().any(|call| crossed(call.t_ns) || call.until_ns.is_some_and(crossed))
    }
}

impl Thread<'_> {
    /// Where calls name the connection: each round of the thread that touched it counts its own calls on it
    /// whole, and of the call that the round began with the share of one ready descriptor.
    fn lines_of_fd(&self, fd: i32, sent_ns: u64, answered_ns: u64) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        for (begin, end) in &self.rounds {
            let round = &self.calls[*begin..*end];
            let touches = |call: &&&Call| {
                let until_ns = call.until_ns.unwrap_or(u64::MAX);
                // A read that waits beyond the answer waits for the next request.
                let for_next = until_ns > answered_ns && can_wait(call, self.blocks);
                fd_of(call) == Some(fd) && until_ns > sent_ns && call.t_ns < answered_ns && !for_next
            };
            if !round.iter().any(|call| touches(&call)) {
                continue;
            }
            // None: the call that this round began with is no longer known.
            let first = round.first().filter(|call| can_wait(call, self.blocks))?;
            // What a call that told of several descriptors came back with is their number.
            let told = first.result.filter(|_| fd_of(first).is_none());
            let ready = told.and_then(|result| u64::try_from(result).ok()).unwrap_or(1).max(1);
            lines.extend(round.iter().filter_map(|call| match fd_of(call) {
                Some(of) => (of == fd).then_some((*call, 1, 1)),
                None => Some((*call, 1, ready)),
            }));
        }
        Some(grouped(lines.into_iter()))
    }
}

fn rounds(calls: &[&Call], blocks: bool) -> Vec<(usize, usize)> {
    let waits = |index: &usize| *index == 0 || can_wait(calls[*index], blocks);
    let begins: Vec<usize> = (0..calls.len()).filter(waits).collect();
    let ends = begins.iter().copied().skip(1).chain([calls.len()]);
    begins.iter().copied().zip(ends).collect()
}

fn fd_of(call: &Call) -> Option<i32> {
    spot::fd_of(&call.name, &call.args)
}

fn detail(call: &Call) -> String {
    if call.name != "io_uring_enter" {
        return if call.result.is_some_and(crate::trace::is_eagain) {
            "EAGAIN".into()
        } else {
            String::new()
        };
    }
    let sqes = match call.result.and_then(|result| u64::try_from(result).ok()).unwrap_or(call.args[1]) {
        0 => None,
        1 => Some("1 SQE".to_owned()),
        sqes => Some(format!("{sqes} SQEs")),
    };
    let waits = can_wait(call, false).then(|| "waits".to_owned());
    sqes.into_iter().chain(waits).collect::<Vec<_>>().join(", ")
}

/// Calls of one kind in one line; many kinds of one call in one line too.
fn grouped<'c>(calls: impl Iterator<Item = (&'c Call, u64, u64)> + Clone) -> Vec<Line> {
    const KINDS_MAX: usize = 4;
    let gather = |details: bool| {
        let mut lines: Vec<Line> = Vec::new();
        for (call, calls, requests) in calls.clone() {
            let detail = if details { detail(call) } else { String::new() };
            let same = |line: &&mut Line| {
                (&line.name, &line.detail, line.requests) == (&call.name, &detail, requests)
            };
            match lines.iter_mut().find(same) {
                Some(line) => line.calls = line.calls.saturating_add(calls),
                None => lines.push(Line { name: call.name.clone(), detail, calls, requests }),
            }
        }
        lines
    };
    let lines = gather(true);
    if lines.len() > KINDS_MAX { gather(false) } else { lines }
}
