//! Turns: what a thread does from the call that it waited in until it waits again.

use super::{Call, Echo};

/// A call that can wait and lasted longer has waited, nanoseconds. A call that only works takes some tens of
/// microseconds under ptrace.
const WAIT_NS: u64 = 1_000_000;

/// The same for a call that may wait but need not be on a descriptor that does: being put aside takes a few
/// milliseconds as well.
const WAIT_UNSURE_NS: u64 = 10_000_000;

/// One turn of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn<'c> {
    /// The call that it waited in before; `None` where the story begins in the middle of a turn.
    pub wait: Option<&'c Call>,
    /// The calls that it made then, in order.
    pub calls: Vec<&'c Call>,
}

/// The turns of one thread, oldest first. The last one goes on, or is nothing but the wait that the thread is
/// in now.
///
/// `polled`: a kernel thread takes the submissions. Then nobody enters a ring to submit: whoever asks for
/// completions there has found none and waits, however short.
pub fn turns<'c>(
    calls: &[&'c Call],
    echoes: impl IntoIterator<Item = &'c Echo>,
    polled: bool,
) -> Vec<Turn<'c>> {
    let (sent_ns, blocks) = (times(echoes), is_blocking(calls));
    let asks = |call: &Call| polled && call.name == "io_uring_enter" && nature(call) == Nature::Waits;
    split(calls, |call| asks(call) || waited(call, blocks, &sent_ns))
}

/// The same from one wait for a request to the next: a wait for anything else is a call like others.
pub(super) fn turns_of_requests<'c>(
    calls: &[&'c Call],
    echoes: impl IntoIterator<Item = &'c Echo>,
) -> Vec<Turn<'c>> {
    let (sent_ns, blocks) = (times(echoes), is_blocking(calls));
    split(calls, |call| {
        can_wait(call, blocks) && (call.until_ns.is_none() || was_sent_inside(call, &sent_ns))
    })
}

fn times<'c>(echoes: impl IntoIterator<Item = &'c Echo>) -> Vec<u64> {
    let mut sent_ns: Vec<u64> = echoes.into_iter().map(|echo| echo.sent_ns).collect();
    sent_ns.sort_unstable();
    sent_ns
}

fn split<'c>(calls: &[&'c Call], begins: impl Fn(&Call) -> bool) -> Vec<Turn<'c>> {
    let mut turns: Vec<Turn<'c>> = Vec::new();
    for call in calls {
        if begins(call) {
            turns.push(Turn { wait: Some(call), calls: Vec::new() });
        } else if let Some(turn) = turns.last_mut() {
            turn.calls.push(call);
        } else {
            turns.push(Turn { wait: None, calls: vec![call] });
        }
    }
    turns
}

/// Whether a thread waits in its reads: it makes no call that is there for waiting.
pub(super) fn is_blocking(calls: &[&Call]) -> bool {
    !calls.iter().any(|call| nature(call) == Nature::Waits)
}

/// Whether a call stands at the beginning of a round: it is there for waiting, whether it had to or not.
pub(super) fn can_wait(call: &Call, blocks: bool) -> bool {
    match nature(call) {
        Nature::Waits => true,
        Nature::Reads => blocks,
        Nature::Writes | Nature::Sleeps | Nature::Works => false,
    }
}

/// Whether a call waited: it can, and it is not back yet, or lasted so long that it must have, or a request
/// was sent while the thread was inside.
fn waited(call: &Call, blocks: bool, sent_ns: &[u64]) -> bool {
    let lasted_ns = call.until_ns.map_or(u64::MAX, |until_ns| until_ns.saturating_sub(call.t_ns));
    match nature(call) {
        Nature::Works => false,
        // Where it blocks is not known; how long it took is.
        Nature::Reads | Nature::Writes | Nature::Sleeps if !can_wait(call, blocks) => {
            lasted_ns >= WAIT_UNSURE_NS && !is_eagain(call)
        }
        _ => lasted_ns >= WAIT_NS || was_sent_inside(call, sent_ns),
    }
}

/// Whether a call most likely waited, from its name, its arguments and how long it took, nanoseconds; `None`: it is
/// not back yet. Where it is not known whether a thread's descriptors block, a long read counts as a wait.
pub(super) fn seems_to_wait(name: &str, args: &[u64; 6], lasted_ns: Option<u64>) -> bool {
    let least_ns = match nature_of(name, args) {
        Nature::Works => return false,
        Nature::Waits | Nature::Sleeps => WAIT_NS,
        Nature::Reads | Nature::Writes => WAIT_UNSURE_NS,
    };
    lasted_ns.is_none_or(|lasted_ns| lasted_ns >= least_ns)
}

/// Whether a call is there for waiting.
pub(super) fn is_for_waiting(name: &str, args: &[u64; 6]) -> bool {
    nature_of(name, args) == Nature::Waits
}

fn is_eagain(call: &Call) -> bool {
    call.result.is_some_and(crate::trace::is_eagain)
}

fn was_sent_inside(call: &Call, sent_ns: &[u64]) -> bool {
    let first = sent_ns.partition_point(|sent_ns| *sent_ns <= call.t_ns);
    let until_ns = call.until_ns.unwrap_or(u64::MAX);
    sent_ns.get(first).is_some_and(|sent_ns| *sent_ns < until_ns)
}

/// What a call may do with the thread that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// It is there for waiting until something can be done.
    Waits,
    /// It waits for a time, or for another thread.
    Sleeps,
    /// It waits on a descriptor that blocks, if there is nothing to read.
    Reads,
    /// It waits on a descriptor that blocks, if there is no room.
    Writes,
    /// It never waits.
    Works,
}

fn nature(call: &Call) -> Nature {
    nature_of(&call.name, &call.args)
}

fn nature_of(name: &str, args: &[u64; 6]) -> Nature {
    const MSG_DONTWAIT: u64 = 0x40;
    const IORING_ENTER_GETEVENTS: u64 = 1;
    let [_, _, third, fourth, ..] = *args;
    match name {
        // A timeout of 0 does not wait. It is an int: the upper half of the register is not its business.
        "epoll_wait" | "epoll_pwait" if fourth as i32 == 0 => Nature::Works,
        "poll" if third as i32 == 0 => Nature::Works,
        "io_uring_enter" if third == 0 || fourth & IORING_ENTER_GETEVENTS == 0 => Nature::Works,
        "recvfrom" | "recv" | "sendto" | "send" if fourth & MSG_DONTWAIT != 0 => Nature::Works,
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "poll" | "ppoll" | "select" | "pselect6"
        | "io_uring_enter" => Nature::Waits,
        "nanosleep" | "clock_nanosleep" | "futex" | "pause" | "rt_sigtimedwait" => Nature::Sleeps,
        "read" | "readv" | "recvfrom" | "recv" | "recvmsg" | "accept" | "accept4" => Nature::Reads,
        "write" | "writev" | "sendto" | "send" | "sendmsg" | "connect" => Nature::Writes,
        _ => Nature::Works,
    }
}

/// Stories made by hand, for the tests of what is derived from them.
#[cfg(test)]
pub(super) mod by_hand {
    use super::*;

    /// A call of thread 1 from `t_ns` to `until_ns`; 0 there means that it is not back.
    pub fn call(t_ns: u64, until_ns: u64, name: &str, args: [u64; 6], result: i64) -> Call {
        let back = until_ns > 0;
        let (result, until_ns) = (back.then_some(result), back.then_some(until_ns));
        Call { t_ns, tid: 1, name: name.into(), args, result, until_ns }
    }

    pub fn epoll_wait(t_ns: u64, until_ns: u64, ready: i64) -> Call {
        call(t_ns, until_ns, "epoll_wait", [3, 0, 64, u64::MAX, 0, 0], ready)
    }

    pub fn recv(t_ns: u64, fd: u64) -> Call {
        call(t_ns, t_ns + 10, "recvfrom", [fd, 0, 65_536, 0, 0, 0], 64)
    }

    pub fn send(t_ns: u64, fd: u64) -> Call {
        call(t_ns, t_ns + 10, "sendto", [fd, 0, 64, 0x4000, 0, 0], 64)
    }

    pub fn enter(t_ns: u64, until_ns: u64, sqes: u64, min_complete: u64) -> Call {
        let args = [4, sqes, min_complete, u64::from(min_complete > 0), 0, 128];
        call(t_ns, until_ns, "io_uring_enter", args, sqes as i64)
    }

    pub fn echo(port: u16, ordinal: u64, sent_ns: u64, answered_ns: u64) -> Echo {
        Echo { port, ordinal, sent_ns, answered_ns: Some(answered_ns) }
    }
}

#[cfg(test)]
mod tests {
    use super::by_hand::*;
    use super::*;

    fn shape(calls: &[Call], echoes: &[Echo]) -> Vec<(bool, usize)> {
        let calls: Vec<&Call> = calls.iter().collect();
        turns(&calls, echoes, false).iter().map(|turn| (turn.wait.is_some(), turn.calls.len())).collect()
    }

    #[test]
    fn a_turn_goes_from_waking_to_waiting() {
        let calls = [
            recv(100, 5),
            epoll_wait(200, 2_000_000, 1),
            recv(2_000_100, 5),
            send(2_000_200, 5),
            epoll_wait(2_000_300, 0, 0),
        ];
        assert_eq!(shape(&calls, &[]), [(false, 1), (true, 2), (true, 0)]);
    }

    #[test]
    fn a_short_wait_is_one_if_a_request_was_sent_meanwhile() {
        let calls = [epoll_wait(100, 200, 1), recv(300, 5), epoll_wait(400, 500, 1), recv(600, 5)];
        assert_eq!(shape(&calls, &[]), [(false, 4)], "each may have found something ready");
        assert_eq!(shape(&calls, &[echo(1, 0, 450, 700)]), [(false, 2), (true, 1)]);
    }

    #[test]
    fn a_turn_of_a_request_goes_on_through_waits_for_something_else() {
        let ms = 1_000_000;
        let calls = [enter(1, 9 * ms, 0, 1), enter(10 * ms, 20 * ms, 1, 2), enter(21 * ms, 0, 0, 1)];
        let calls: Vec<&Call> = calls.iter().collect();
        let echoes = [echo(1, 0, 8 * ms, 11 * ms)];
        let waits: Vec<_> = turns(&calls, &echoes, false).iter().map(|turn| turn.calls.len()).collect();
        assert_eq!(waits, [0, 0, 0], "each of them waited");
        let requests = turns_of_requests(&calls, &echoes);
        assert_eq!(requests.iter().map(|turn| turn.calls.len()).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn who_waits_in_epoll_does_not_wait_in_recv() {
        let mut slow = recv(5_000_000, 5);
        slow.until_ns = Some(19_000_000);
        assert_eq!(shape(&[slow.clone(), send(19_000_100, 5)], &[]), [(true, 1)], "a thread that blocks");
        slow.result = Some(-11);
        let calls = [epoll_wait(1, 4_000_000, 1), slow];
        assert_eq!(shape(&calls, &[]), [(true, 1)], "EAGAIN came late, but it did not wait");
    }

    #[test]
    fn an_enter_waits_only_for_completions() {
        let long = 50_000_000;
        let calls = [enter(1, long, 8, 0), enter(long + 1, 2 * long, 1, 1), enter(2 * long + 1, 0, 0, 1)];
        assert_eq!(shape(&calls, &[]), [(false, 1), (true, 0), (true, 0)]);
    }

    #[test]
    fn no_time_and_no_number_is_too_strange() {
        let strange = [0, 1, u64::MAX - 1, u64::MAX];
        let mut calls = Vec::new();
        for (t_ns, until_ns) in strange.iter().flat_map(|t| strange.iter().map(move |until| (*t, *until))) {
            calls.push(call(t_ns, until_ns, "epoll_wait", [u64::MAX; 6], i64::MIN));
            calls.push(call(until_ns, t_ns, "recvfrom", [u64::MAX; 6], i64::MAX));
        }
        let echoes: Vec<_> = strange.iter().map(|t| echo(0, *t, *t, 0)).collect();
        let turns: usize =
            shape(&calls, &echoes).iter().map(|(wait, calls)| usize::from(*wait) + calls).sum();
        assert_eq!(turns, calls.len(), "each call stands in one turn");
    }
}
