//! The receipt of one echo: the calls that a server made for it, each with the share of it that is this echo's.

use std::collections::BTreeMap;
use std::fmt;

use super::turns::{Turn, can_wait, is_blocking, turns_of_requests};
use super::{Call, Echo, ServerView, WindowView};

/// Requests that one is chosen from.
const CANDIDATES_MAX: usize = 64;

/// One line of a receipt: calls of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The call's name.
    pub name: String,
    /// What of its arguments matters here: `1 SQE, waits`; empty for most calls.
    pub detail: String,
    /// How many such calls…
    pub calls: u64,
    /// …served how many requests together, this one among them.
    pub requests: u64,
}

impl Line {
    /// The part of the calls that is this request's.
    pub fn crossings(&self) -> f64 {
        self.calls as f64 / self.requests.max(1) as f64
    }
}

/// `epoll_wait (1 for 64)`, `io_uring_enter(1 SQE, waits) ×2`.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.detail.is_empty() {
            write!(f, "({})", self.detail)?;
        }
        match (self.calls, self.requests) {
            (1, 0 | 1) => Ok(()),
            (calls, 0 | 1) => write!(f, " ×{calls}"),
            (calls, requests) => write!(f, " ({calls} for {requests})"),
        }
    }
}

/// The receipt of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The request: the median of those that are known whole, by its crossings.
    pub echo: Echo,
    /// Of how many it is the median.
    pub of: usize,
    /// The server's descriptor of the connection, where it is known.
    pub fd: Option<i32>,
    /// The calls, in the order in which the first of each kind was made. None: the kernel did it all without
    /// being asked again.
    pub lines: Vec<Line>,
}

impl Receipt {
    /// Crossings for this one request.
    pub fn crossings(&self) -> f64 {
        // A sum of no numbers is -0.0.
        self.lines.iter().map(Line::crossings).fold(0.0, |sum, crossings| sum + crossings)
    }

    /// The calls in a line: `epoll_wait → recvfrom → sendto`.
    pub fn chain(&self) -> String {
        match self.lines.as_slice() {
            [] => "no call at all".to_owned(),
            lines => lines.iter().map(Line::to_string).collect::<Vec<_>>().join(" → "),
        }
    }

    /// How many crossings in words: `3 crossings`, `0.031 crossings`.
    pub fn sum(&self) -> String {
        let sum = self.crossings();
        let decimals = match sum {
            whole if whole.fract() == 0.0 => 0,
            small if small < 0.1 => 3,
            _ => 2,
        };
        let unit = if sum == 1.0 { "crossing" } else { "crossings" };
        format!("{sum:.decimals$} {unit}")
    }
}

/// The receipt of a server's median request in its latest window; `None` where no request is known whole.
pub fn receipt(view: &ServerView<'_>) -> Option<Receipt> {
    let run = view.last_window()?;
    // A window reads no sockets; the measured run of the same process does.
    let same = view.runs.iter().filter(|other| other.start.pid == run.start.pid);
    let sockets = same.flat_map(|run| &run.sockets).filter(|socket| !socket.listening && socket.fd >= 0);
    let fds = sockets.map(|socket| (socket.peer_port, socket.fd)).collect();
    of_window(&run.window, &fds)
}

/// The same from a window, and the descriptors of the connections by the client's port.
pub fn of_window(window: &WindowView, fds: &BTreeMap<u16, i32>) -> Option<Receipt> {
    let story = Story::new(window);
    let whole = window.echoes.iter().rev().filter_map(|echo| {
        let fd = fds.get(&echo.port).copied();
        Some(Receipt { echo: *echo, of: 0, fd, lines: story.lines(echo, fd)? })
    });
    let mut whole: Vec<Receipt> = whole.take(CANDIDATES_MAX).collect();
    whole.sort_by(|one, other| one.crossings().total_cmp(&other.crossings()));
    let of = whole.len();
    let median = whole.into_iter().nth(of.saturating_sub(1) / 2)?;
    Some(Receipt { of, ..median })
}

/// The story of a window, by thread.
struct Story<'w> {
    window: &'w WindowView,
    threads: Vec<Thread<'w>>,
}

struct Thread<'w> {
    calls: Vec<&'w Call>,
    turns: Vec<Turn<'w>>,
    blocks: bool,
}

impl<'w> Story<'w> {
    fn new(window: &'w WindowView) -> Self {
        let mut threads: BTreeMap<u32, Vec<&Call>> = BTreeMap::new();
        for call in &window.calls {
            threads.entry(call.tid).or_default().push(call);
        }
        let thread = |calls: Vec<&'w Call>| Thread {
            turns: turns_of_requests(&calls, &window.echoes),
            blocks: is_blocking(&calls),
            calls,
        };
        Self { window, threads: threads.into_values().map(thread).collect() }
    }

    /// The lines of a request's receipt; `None` where not all of its story is known.
    fn lines(&self, echo: &Echo, fd: Option<i32>) -> Option<Vec<Line>> {
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
        known && !calls.iter().any(|call| crossed(call.t_ns) || call.until_ns.is_some_and(crossed))
    }
}

impl Thread<'_> {
    /// Where calls name the connection: each round of the thread that touched it counts its own calls on it
    /// whole, and of the call that the round began with the share of one ready descriptor.
    fn lines_of_fd(&self, fd: i32, sent_ns: u64, answered_ns: u64) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        for (begin, end) in self.rounds() {
            let round = &self.calls[begin..end];
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

    /// Rounds: from one call that can wait up to the next, as indices of calls.
    fn rounds(&self) -> Vec<(usize, usize)> {
        let waits = |index: &usize| *index == 0 || can_wait(self.calls[*index], self.blocks);
        let begins: Vec<usize> = (0..self.calls.len()).filter(waits).collect();
        let ends = begins.iter().copied().skip(1).chain([self.calls.len()]);
        begins.iter().copied().zip(ends).collect()
    }
}

/// The connection that a call is about, where its arguments say so.
fn fd_of(call: &Call) -> Option<i32> {
    match call.name.as_str() {
        "read" | "readv" | "recvfrom" | "recv" | "recvmsg" | "write" | "writev" | "sendto" | "send"
        | "sendmsg" | "shutdown" | "close" => Some(call.args[0] as i32),
        "epoll_ctl" => Some(call.args[2] as i32),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::super::turns::by_hand::*;
    use super::*;
    use crate::trace::Rung;

    const FAR: u64 = 100_000_000;

    fn window(calls: Vec<Call>, echoes: Vec<Echo>) -> WindowView {
        WindowView {
            rung: Some(Rung::Ptrace),
            calls: calls.into(),
            echoes: echoes.into(),
            ..WindowView::default()
        }
    }

    fn says(window: &WindowView, fds: &[(u16, i32)]) -> Vec<String> {
        let receipt = of_window(window, &fds.iter().copied().collect()).unwrap();
        let line = |line: &Line| format!("{}({}) {}/{}", line.name, line.detail, line.calls, line.requests);
        receipt.lines.iter().map(line).collect()
    }

    #[test]
    fn a_readiness_server_waits_reads_and_writes() {
        let calls = vec![
            epoll_wait(1, FAR + 10, 1),
            recv(FAR + 20, 5),
            send(FAR + 40, 5),
            epoll_wait(FAR + 60, 0, 0),
        ];
        let story = window(calls, vec![echo(7, 0, FAR, FAR + 45)]);
        let expected = ["epoll_wait() 1/1", "recvfrom() 1/1", "sendto() 1/1"];
        assert_eq!(says(&story, &[(7, 5)]), expected);
        assert_eq!(says(&story, &[]), expected, "and without knowing the descriptor");
    }

    #[test]
    fn a_wait_that_told_of_several_is_shared_and_calls_for_others_are_not_counted() {
        let mut calls = vec![epoll_wait(1, FAR + 10, 4)];
        let mut echoes = Vec::new();
        for (port, at_ns) in (0..4_u16).map(|port| (port, FAR + 20 + u64::from(port) * 100)) {
            calls.extend([recv(at_ns, port.into()), send(at_ns + 20, port.into())]);
            echoes.push(echo(port, 3, FAR, at_ns + 25));
        }
        calls.push(epoll_wait(FAR + 900, 0, 0));
        let story = window(calls, echoes);
        let fds: Vec<_> = (0..4).map(|port| (port, i32::from(port))).collect();
        assert_eq!(says(&story, &fds), ["epoll_wait() 1/4", "recvfrom() 1/1", "sendto() 1/1"]);
        assert_eq!(says(&story, &[]), ["epoll_wait() 1/4", "recvfrom() 4/4", "sendto() 4/4"]);
    }

    #[test]
    fn a_ring_hands_over_and_waits_in_one_call() {
        let calls = vec![enter(1, FAR + 10, 1, 1), enter(FAR + 20, FAR + 40, 1, 1), enter(FAR + 50, 0, 1, 1)];
        let story = window(calls, vec![echo(7, 0, FAR, FAR + 30)]);
        assert_eq!(says(&story, &[(7, 5)]), ["io_uring_enter(1 SQE, waits) 2/1"]);
    }

    #[test]
    fn a_batch_is_shared_by_all_that_were_answered_in_it() {
        let calls =
            vec![enter(1, FAR + 10, 64, 1), enter(FAR + 20, FAR + 400, 64, 1), enter(FAR + 500, 0, 64, 1)];
        let echoes = (0..64).map(|port| echo(port, 0, FAR, FAR + 30 + u64::from(port))).collect();
        assert_eq!(says(&window(calls, echoes), &[]), ["io_uring_enter(64 SQEs, waits) 2/64"]);
    }

    #[test]
    fn a_turn_serves_no_more_requests_than_its_submissions_allow() {
        let calls = vec![enter(1, FAR + 10, 0, 1), enter(FAR + 20, FAR + 40, 8, 0), enter(FAR + 50, 0, 0, 1)];
        let echoes = (0..9).map(|port| echo(port, 0, FAR, FAR + 30)).collect();
        let mut story = window(calls, echoes);
        // Two operations for each request.
        (story.requests, story.batches) = (100, crate::trace::Counts([(8, 25)].into()));
        assert_eq!(says(&story, &[]), ["io_uring_enter(waits) 1/4", "io_uring_enter(8 SQEs) 1/4"]);
        story.requests = 0;
        assert_eq!(says(&story, &[]), ["io_uring_enter(waits) 1/9", "io_uring_enter(8 SQEs) 1/9"]);
    }

    #[test]
    fn a_thread_that_blocks_waits_in_its_read() {
        let mut waits = recv(1, 5);
        waits.until_ns = Some(FAR + 10);
        let mut again = recv(FAR + 60, 5);
        again.until_ns = Some(2 * FAR);
        let calls = vec![waits, send(FAR + 20, 5), again, send(2 * FAR + 20, 5)];
        // The client may note its answer when the server waits again already.
        for answered_ns in [FAR + 25, FAR + 90] {
            let echoes = vec![echo(7, 0, FAR, answered_ns), echo(7, 1, 2 * FAR - 9, 2 * FAR + 25)];
            let story = window(calls.clone(), echoes);
            assert_eq!(says(&story, &[(7, 5)]), ["recvfrom() 1/1", "sendto() 1/1"]);
            assert_eq!(says(&story, &[]), ["recvfrom() 1/1", "sendto() 1/1"]);
        }
    }

    #[test]
    fn a_kernel_that_is_not_asked_again_has_no_crossing() {
        let before = enter(1, 50, 1, 0);
        let story = window(vec![before], vec![echo(7, 0, FAR, FAR + 30)]);
        assert!(says(&story, &[(7, 5)]).is_empty());
        let open = WindowView { rung: None, ..story };
        assert_eq!(of_window(&open, &BTreeMap::new()), None, "who knows what is still to be told");
    }

    #[test]
    fn a_request_whose_wait_is_not_known_is_passed_over() {
        let calls = vec![recv(FAR, 5), send(FAR + 20, 5), epoll_wait(FAR + 40, 0, 0)];
        assert_eq!(of_window(&window(calls, vec![echo(7, 0, FAR - 10, FAR + 25)]), &[(7, 5)].into()), None);
    }

    #[test]
    fn lines_are_read_aloud() {
        let line = |detail: &str, calls, requests| Line {
            name: "read".into(),
            detail: detail.into(),
            calls,
            requests,
        };
        let lines = vec![line("", 1, 1), line("EAGAIN", 2, 1), line("", 1, 64)];
        let receipt = Receipt { echo: echo(1, 2, 3, 4), of: 1, fd: None, lines };
        assert_eq!(receipt.chain(), "read → read(EAGAIN) ×2 → read (1 for 64)");
        assert_eq!(receipt.sum(), "3.02 crossings");
        let of = |lines| Receipt { lines, ..receipt.clone() }.sum();
        assert_eq!(of(vec![line("", 2, 64)]), "0.031 crossings");
        assert_eq!(of(vec![line("", 1, 1)]), "1 crossing");
        assert_eq!(of(Vec::new()), "0 crossings");
    }

    #[test]
    fn the_median_is_the_middle_one() {
        let mut calls = vec![epoll_wait(1, FAR + 10, 1)];
        let mut echoes = Vec::new();
        for (ordinal, reads) in [(1, 9), (2, 1), (3, 2)] {
            let from_ns = ordinal * FAR;
            calls.extend((0..reads).map(|read| recv(from_ns + 20 + read * 20, 5)));
            calls.push(send(from_ns + 900, 5));
            calls.push(epoll_wait(from_ns + 1_000, from_ns + FAR + 10, 1));
            echoes.push(echo(7, ordinal, from_ns, from_ns + 905));
        }
        let receipt = of_window(&window(calls, echoes), &[(7, 5)].into()).unwrap();
        assert_eq!((receipt.of, receipt.echo.ordinal, receipt.crossings()), (3, 3, 4.0));
    }

    #[test]
    fn no_story_is_too_strange() {
        let strange = [0, 1, 5, u64::MAX - 1, u64::MAX];
        let names = ["epoll_wait", "recvfrom", "sendto", "io_uring_enter", "epoll_ctl", ""];
        let (mut calls, mut echoes) = (Vec::new(), Vec::new());
        for (index, t_ns) in strange.iter().cycle().take(200).enumerate() {
            let (until_ns, number) = (strange[index * 7 % 5], strange[index / 3 % 5]);
            let mut one = call(*t_ns, until_ns, names[index % 6], [number; 6], number as i64);
            one.tid = (index % 3) as u32;
            calls.push(one);
            echoes.push(echo((index % 4) as u16, 1, *t_ns, strange[index * 3 % 5]));
        }
        for fds in [vec![], vec![(0, -1), (1, i32::MAX), (2, 1), (3, 5)]] {
            let receipt = of_window(&window(calls.clone(), echoes.clone()), &fds.into_iter().collect());
            assert!(receipt.is_none_or(|receipt| receipt.crossings().is_finite()));
        }
    }
}
