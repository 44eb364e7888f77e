//! A call as it stands in the manual: its name, its arguments by theirs, flags by name.

/// Event bits of epoll and poll.
const EVENTS: [(u64, &str); 10] = [
    (0x1, "IN"),
    (0x2, "PRI"),
    (0x4, "OUT"),
    (0x8, "ERR"),
    (0x10, "HUP"),
    (0x2000, "RDHUP"),
    (1 << 28, "EXCLUSIVE"),
    (1 << 29, "WAKEUP"),
    (1 << 30, "ONESHOT"),
    (1 << 31, "ET"),
];

/// Flags of send(2) and recv(2).
const MSG: [(u64, &str); 5] = [
    (0x2, "MSG_PEEK"),
    (0x40, "MSG_DONTWAIT"),
    (0x100, "MSG_WAITALL"),
    (0x4000, "MSG_NOSIGNAL"),
    (0x8000, "MSG_MORE"),
];

/// Flags of accept4(2) and socket(2).
const SOCK: [(u64, &str); 2] = [(0o4000, "SOCK_NONBLOCK"), (0o2_000_000, "SOCK_CLOEXEC")];

/// Flags of io_uring_enter(2).
const ENTER: [(u64, &str); 7] = [
    (1, "GETEVENTS"),
    (2, "SQ_WAKEUP"),
    (4, "SQ_WAIT"),
    (8, "EXT_ARG"),
    (16, "REGISTERED_RING"),
    (32, "ABS_TIMER"),
    (64, "EXT_ARG_REG"),
];

/// Event bits by name, as in `IN | ET`; `nothing` where none is set.
pub fn events(events: u32) -> String {
    names(events.into(), &EVENTS).unwrap_or_else(|| "nothing".to_owned())
}

/// A call with its arguments: `epoll_wait(epfd 4, maxevents 1024, timeout -1)`. Pointers are left out.
pub fn arguments(name: &str, args: &[u64; 6]) -> String {
    let [first, second, third, fourth, _, _] = *args;
    let fd = first as i32;
    let inside = match name {
        "epoll_wait" | "epoll_pwait" => format!("epfd {fd}, maxevents {third}, timeout {}", fourth as i32),
        "epoll_pwait2" => format!("epfd {fd}, maxevents {third}"),
        "epoll_ctl" => {
            let operation = match second {
                1 => "ADD",
                2 => "DEL",
                3 => "MOD",
                _ => "?",
            };
            format!("epfd {fd}, {operation}, fd {}", third as i32)
        }
        "poll" => format!("nfds {second}, timeout {}", third as i32),
        "ppoll" => format!("nfds {second}"),
        "select" | "pselect6" => format!("nfds {first}"),
        "recvfrom" | "recv" | "sendto" | "send" => {
            format!("fd {fd}, length {third}, flags {}", flags(fourth, &MSG))
        }
        "read" | "write" => format!("fd {fd}, count {third}"),
        "accept" => format!("fd {fd}"),
        "accept4" => format!("fd {fd}, flags {}", flags(fourth, &SOCK)),
        "close" | "listen" | "shutdown" => format!("fd {fd}"),
        "io_uring_enter" => {
            format!("fd {fd}, to_submit {second}, min_complete {third}, flags {}", flags(fourth, &ENTER))
        }
        _ => {
            let used = args.iter().rposition(|arg| *arg != 0).map_or(0, |last| last + 1);
            args[..used].iter().map(|arg| format!("{arg:#x}")).collect::<Vec<_>>().join(", ")
        }
    };
    format!("{name}({inside})")
}

fn flags(flags: u64, table: &[(u64, &str)]) -> String {
    names(flags, table).unwrap_or_else(|| "0".to_owned())
}

/// The names of the bits that are set, what has no name in hexadecimal; `None` where none is set.
fn names(bits: u64, table: &[(u64, &str)]) -> Option<String> {
    let mut named: Vec<String> =
        table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| (*name).to_owned()).collect();
    let known = table.iter().fold(0, |known, (bit, _)| known | bit);
    if bits & !known != 0 {
        named.push(format!("{:#x}", bits & !known));
    }
    (!named.is_empty()).then(|| named.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_have_their_names_and_flags_theirs() {
        assert_eq!(
            arguments("epoll_wait", &[4, 0x7f00, 1024, 0xffff_ffff, 0, 0]),
            "epoll_wait(epfd 4, maxevents 1024, timeout -1)"
        );
        assert_eq!(
            arguments("io_uring_enter", &[4, 2, 1, 1 | 128, 0, 0]),
            "io_uring_enter(fd 4, to_submit 2, min_complete 1, flags GETEVENTS | 0x80)"
        );
        assert_eq!(
            arguments("sendto", &[6, 0, 64, 0x4000, 0, 0]),
            "sendto(fd 6, length 64, flags MSG_NOSIGNAL)"
        );
        assert_eq!(arguments("sched_yield", &[0; 6]), "sched_yield()");
        assert_eq!((events(0x8000_0001), events(0)), ("IN | ET".into(), "nothing".into()));
    }
}
