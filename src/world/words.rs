//! System calls in plain words: what a program asked of the kernel, and what came back. The one table of
//! them.

mod arguments;
mod entries;
mod errno;
mod rare;
mod stop;

pub use self::arguments::{arguments, events};
pub use self::entries::entry;
pub use self::errno::{errno, errno_name};
pub use self::stop::{Said, completion, stop};
use super::Call;

/// Flags of recv(2) that change what is asked.
const MSG_PEEK: u64 = 0x2;
const MSG_DONTWAIT: u64 = 0x40;

/// shutdown(2): of what is received, and both ways.
const SHUT_RD: u64 = 0;
const SHUT_RDWR: u64 = 2;
/// As a call answers it.
const EAGAIN: i64 = -11;
/// IORING_ENTER_SQ_WAKEUP of io_uring_enter(2).
const SQ_WAKEUP: u64 = 2;

/// One call as a sentence: its name, what was asked, and what came back.
pub fn sentence(call: &Call) -> String {
    format!("{}: {} → {}", call.name, ask(call), answer(call))
}

/// A call's name where there is little room.
pub fn short(name: &str) -> &str {
    match name {
        "io_uring_enter" => "enter",
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => "wait",
        "epoll_ctl" => "ctl",
        "pselect6" => "select",
        "ppoll" => "poll",
        "recvfrom" => "recv",
        "sendto" => "send",
        "accept4" => "accept",
        name => name,
    }
}

/// A place in a row: `1st`, `22nd`, `13th`.
pub fn nth(n: u64) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// What a program asks by a call.
///
/// Only what the arguments say; one that points into the program's memory is not followed.
pub fn ask(call: &Call) -> String {
    let [first, second, third, fourth, fifth, _] = call.args;
    // A descriptor is an int; the upper half of the register is not its business.
    let fd = first as i32;
    match call.name.as_str() {
        "recvfrom" if fourth & MSG_PEEK != 0 => format!("what has come on fd {fd}? I leave it there"),
        "recvfrom" if fourth & MSG_DONTWAIT != 0 => format!("what has come on fd {fd}? I do not wait"),
        "read" | "recvfrom" | "recv" => format!("what has come on fd {fd}?"),
        "write" | "sendto" | "send" if third == 1 => format!("send 1 byte on fd {fd}"),
        "write" | "sendto" | "send" => format!("send {third} bytes on fd {fd}"),
        "epoll_wait" | "epoll_pwait" => format!("is any of my sockets ready? {}", patience(fourth)),
        "epoll_pwait2" => format!("is any of my sockets ready? {}", limit(fourth)),
        "epoll_ctl" => format!("{} fd {}", watch(second), third as i32),
        "poll" if second == 0 => format!("let me rest {} ms", third as i32),
        "ppoll" if second == 0 => "let me rest a while".to_owned(),
        "poll" if second == 1 => format!("is this socket ready? {}", patience(third)),
        "ppoll" if second == 1 => format!("is this socket ready? {}", limit(third)),
        "poll" => format!("is any of these {second} sockets ready? {}", patience(third)),
        "ppoll" => format!("is any of these {second} sockets ready? {}", limit(third)),
        "select" | "pselect6" => {
            format!("is any of these sockets below fd {fd} ready? {}", limit(fifth))
        }
        "accept" | "accept4" => format!("give me the next connection of fd {fd}"),
        "close" => format!("I am done with fd {fd}"),
        "io_uring_enter" if second == 0 && fourth & SQ_WAKEUP != 0 => {
            "wake the thread that polls my ring".to_owned()
        }
        "io_uring_enter" => enter(second, third),
        "shutdown" if second == SHUT_RD => format!("no more is received on fd {fd}"),
        "shutdown" if second == SHUT_RDWR => format!("nothing more goes over fd {fd}, either way"),
        "shutdown" => format!("no more is sent on fd {fd}"),
        other => rare::ask(call).unwrap_or_else(|| format!("{other}({first:#x}, {second:#x}, {third:#x})")),
    }
}

/// What came back from a call.
pub fn answer(call: &Call) -> String {
    match (call.result, call.name.as_str()) {
        (None, "exit" | "exit_group") => "nothing comes back".to_owned(),
        (None, _) => "not back yet".to_owned(),
        // A wait for nothing but time.
        (Some(0), "poll" | "ppoll") if call.args[1] == 0 => "the time is up".to_owned(),
        (Some(0), "io_uring_enter") if call.args[1] == 0 => "done".to_owned(),
        (Some(1), "fcntl") if call.args[1] == 1 => "yes".to_owned(),
        // It restores what the call was to answer that the signal broke off.
        (Some(result @ ..0), "rt_sigreturn") => format!("my call answers {}", errno(result.unsigned_abs())),
        (Some(result), "rt_sigreturn") => format!("my call answers {result}"),
        // fcntl(2) gives a number where one was asked for.
        (Some(fd @ 0..), "fcntl") if matches!(call.args[1], 0 | 1030) => format!("fd {fd}"),
        // The same number as of a read, for the opposite reason.
        (Some(EAGAIN), "write" | "sendto" | "send") => "EAGAIN: no room now".to_owned(),
        (Some(result), name) => result_of(name, result),
    }
}

/// A timeout in milliseconds, an int: 0 does not wait, −1 waits for ever.
fn patience(timeout_ms: u64) -> String {
    match timeout_ms as i32 {
        0 => "I do not wait".to_owned(),
        ms if ms < 0 => "I wait".to_owned(),
        ms => format!("I wait up to {ms} ms"),
    }
}

/// A timeout that stands in the program's memory: NULL waits for ever.
fn limit(pointer: u64) -> &'static str {
    match pointer {
        0 => "I wait",
        _ => "I wait no longer than I say",
    }
}

fn watch(operation: u64) -> &'static str {
    match operation {
        1 => "watch",
        2 => "no longer watch",
        3 => "change what I want to hear of",
        _ => "do something with",
    }
}

fn enter(to_submit: u64, min_complete: u64) -> String {
    let take = match to_submit {
        0 => String::new(),
        1 => "take 1 SQE".to_owned(),
        n => format!("take {n} SQEs"),
    };
    let wait = match min_complete {
        0 => String::new(),
        1 => "wake me at 1 CQE".to_owned(),
        n => format!("wake me at {n} CQEs"),
    };
    match (take.is_empty(), wait.is_empty()) {
        (false, false) => format!("{take}, {wait}"),
        (true, true) => "do what is due in my ring".to_owned(),
        _ => take + &wait,
    }
}

fn result_of(name: &str, result: i64) -> String {
    if result < 0 {
        return errno(result.unsigned_abs());
    }
    match (name, result) {
        ("read" | "recvfrom" | "recv", 0) => "the other side is done".to_owned(),
        ("read" | "recvfrom" | "recv" | "write" | "sendto" | "send", 1) => "1 byte".to_owned(),
        ("read" | "recvfrom" | "recv" | "write" | "sendto" | "send", n) => format!("{n} bytes"),
        ("epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "poll" | "ppoll" | "select" | "pselect6", 0) => {
            "none is".to_owned()
        }
        ("epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "poll" | "ppoll" | "select" | "pselect6", 1) => {
            "1 is".to_owned()
        }
        ("epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "poll" | "ppoll" | "select" | "pselect6", n) => {
            format!("{n} are")
        }
        ("accept" | "accept4", fd) => format!("fd {fd}"),
        ("io_uring_enter", n) => format!("{n} taken"),
        (name, n) => rare::answer(name, n).unwrap_or_else(|| match n {
            0 => "done".to_owned(),
            n => n.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, args: [u64; 6], result: Option<i64>) -> String {
        let said = sentence(&Call { t_ns: 0, tid: 1, name: name.into(), args, result, until_ns: None });
        said.strip_prefix(&format!("{name}: ")).unwrap().to_owned()
    }

    #[test]
    fn a_timeout_is_a_number_or_a_place_in_memory() {
        const FOR_EVER: u64 = u64::MAX;
        for (name, args, waits) in [
            ("epoll_wait", [4, 1, 64, 0, 0, 0], "I do not wait"),
            ("epoll_pwait", [4, 1, 64, 20, 0, 0], "I wait up to 20 ms"),
            // The upper half of an int's register may hold anything.
            ("epoll_wait", [4, 1, 64, 0xffff_ffff, 0, 0], "I wait"),
            ("epoll_pwait2", [4, 1, 64, 0, 0, 0], "I wait"),
            ("epoll_pwait2", [4, 1, 64, 0x7ffe_0000_0000, 0, 0], "I wait no longer than I say"),
            ("poll", [1, 65, 0, 0, 0, 0], "I do not wait"),
            ("poll", [1, 65, FOR_EVER, 0, 0, 0], "I wait"),
            ("ppoll", [1, 65, 0, 0, 0, 0], "I wait"),
            ("select", [70, 1, 0, 0, 0, 0], "I wait"),
            ("pselect6", [70, 1, 0, 0, 0x7ffe_0000_0000, 0], "I wait no longer than I say"),
        ] {
            let said = call(name, args, None);
            assert!(said.ends_with(&format!("ready? {waits} → not back yet")), "{name} {args:?}: {said}");
        }
    }

    #[test]
    fn a_call_is_a_question_and_an_answer() {
        assert_eq!(call("recvfrom", [7, 0, 4096, 0, 0, 0], Some(64)), "what has come on fd 7? → 64 bytes");
        assert_eq!(
            call("io_uring_enter", [4, 12, 1, 1, 0, 0], Some(12)),
            "take 12 SQEs, wake me at 1 CQE → 12 taken"
        );
        assert_eq!(
            call("epoll_wait", [4, 0, 64, u64::MAX, 0, 0], None),
            "is any of my sockets ready? I wait → not back yet"
        );
        assert_eq!(
            call("recvfrom", [7, 0, 1, 0, 0, 0], Some(i64::MIN)),
            "what has come on fd 7? → error 9223372036854775808"
        );
        assert!(call("recvfrom", [7, 0, 1, 0, 0, 0], Some(-11)).ends_with("EAGAIN: nothing there now"));
        assert_eq!(
            call("write", [4, 0, 100, 0, 0, 0], Some(-11)),
            "send 100 bytes on fd 4 → EAGAIN: no room now"
        );
    }
}
