//! The receipt of one echo: the calls that a server made for it, each with the share of it that is this echo's.

mod story;

use std::collections::BTreeMap;
use std::fmt;

use self::story::Story;
use super::{Echo, RunWorld, ServerView, WindowView};

/// Requests that one is chosen from.
const CANDIDATES_MAX: usize = 24;

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
    /// Of how many it is the median; 0: it was asked for.
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
    of_window(&run.window, &fds(view, run))
}

/// The receipt of one request that is followed; `None` where it is not known whole in the latest window.
pub fn receipt_of(view: &ServerView<'_>, port: u16, ordinal: u64) -> Option<Receipt> {
    let run = view.last_window()?;
    let echo = run.window.echoes.iter().rev().find(|echo| (echo.port, echo.ordinal) == (port, ordinal))?;
    let fd = fds(view, run).get(&port).copied();
    let first_ns = run.window.calls.front().map_or(0, |first| first.t_ns);
    let lines = Story::new(&run.window).lines(echo, fd).filter(|_| first_ns <= echo.sent_ns)?;
    Some(Receipt { echo: *echo, of: 0, fd, lines })
}

/// The descriptors of a server's connections by the client's port.
fn fds(view: &ServerView<'_>, run: &RunWorld) -> BTreeMap<u16, i32> {
    // A window reads no sockets; the measured run of the same process does.
    let same = view.runs.iter().filter(|other| other.start.pid == run.start.pid);
    let sockets = same.flat_map(|run| &run.sockets).filter(|socket| !socket.listening && socket.fd >= 0);
    sockets.map(|socket| (socket.peer_port, socket.fd)).collect()
}

/// The same from a window, and the descriptors of the connections by the client's port.
pub fn of_window(window: &WindowView, fds: &BTreeMap<u16, i32>) -> Option<Receipt> {
    let story = Story::new(window);
    // Of what was sent before the first call that is still known, the beginning is not.
    let known = |echo: &&Echo| window.calls.front().is_none_or(|first| first.t_ns <= echo.sent_ns);
    let whole = window.echoes.iter().rev().filter(known).filter_map(|echo| {
        let fd = fds.get(&echo.port).copied();
        Some(Receipt { echo: *echo, of: 0, fd, lines: story.lines(echo, fd)? })
    });
    let mut whole: Vec<Receipt> = whole.take(CANDIDATES_MAX).collect();
    whole.sort_by(|one, other| one.crossings().total_cmp(&other.crossings()));
    let of = whole.len();
    let median = whole.into_iter().nth(of.saturating_sub(1) / 2)?;
    Some(Receipt { of, ..median })
}

#[cfg(test)]
mod tests {
    use super::super::Call;
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
        // A server that makes calls for its requests made them for this one, too, at times noted otherwise.
        let busy = WindowView { requests: 8, syscalls: 16, ..story.clone() };
        assert_eq!(of_window(&busy, &BTreeMap::new()), None);
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
