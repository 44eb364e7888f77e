//! The calls that trials make and servers make at their start: each asked in plain words.

use super::Call;

/// MAP_ANONYMOUS of mmap(2).
const ANONYMOUS: u64 = 0x20;
/// The requests of ioctl(2) and fcntl(2) that are told apart.
const FIONREAD: u64 = 0x541b;
const F_DUPFD: u64 = 0;
const F_GETFD: u64 = 1;
const F_SETFD: u64 = 2;
const F_GETFL: u64 = 3;
const F_SETFL: u64 = 4;
const F_DUPFD_CLOEXEC: u64 = 1030;
const F_SETPIPE_SZ: u64 = 1031;
const O_NONBLOCK: u64 = 0o4000;
/// futex(2) without its flags, and the operations that are told apart.
const FUTEX_OPERATION: u64 = 0x7f;
const FUTEX_WAIT: [u64; 2] = [0, 9];
const FUTEX_WAKE: [u64; 2] = [1, 10];

/// Signals by number, from 1, as x86-64, arm64 and RISC-V have them (signal(7)).
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// What a program asks by a call that is rare in a server; `None` for calls without a sentence.
pub(super) fn ask(call: &Call) -> Option<String> {
    about_descriptors(call).or_else(|| about_threads(call)).or_else(|| about_signals(call))
}

/// What a call answers that gives something else than a count.
pub(super) fn answer(name: &str, result: i64) -> Option<String> {
    Some(match (name, result) {
        (
            "dup" | "dup2" | "dup3" | "epoll_create" | "epoll_create1" | "eventfd" | "eventfd2"
            | "timerfd_create" | "signalfd" | "signalfd4" | "socket" | "io_uring_setup" | "open" | "openat"
            | "memfd_create",
            fd,
        ) => format!("fd {fd}"),
        ("mmap" | "brk" | "mremap", at) => format!("it is at {at:#x}"),
        ("clone" | "clone3", thread) => format!("thread {thread}"),
        ("getpid" | "getppid", process) => format!("process {process}"),
        ("gettid" | "set_tid_address", thread) => format!("thread {thread}"),
        ("futex", 0) => "awake again".to_owned(),
        ("futex", 1) => "1 thread".to_owned(),
        ("futex", n) => format!("{n} threads"),
        ("recvmsg" | "readv" | "pread64", 0) => "the other side is done".to_owned(),
        ("recvmsg" | "readv" | "pread64" | "sendmsg" | "writev" | "pwrite64", 1) => "1 byte".to_owned(),
        ("recvmsg" | "readv" | "pread64" | "sendmsg" | "writev" | "pwrite64", n) => format!("{n} bytes"),
        ("nanosleep" | "clock_nanosleep", 0) => "the time is up".to_owned(),
        _ => return None,
    })
}

fn about_descriptors(call: &Call) -> Option<String> {
    let [first, second, third, fourth, fifth, _] = call.args;
    let fd = first as i32;
    Some(match call.name.as_str() {
        "pipe" | "pipe2" => "give me a pipe".to_owned(),
        "dup" => format!("give me a second number for fd {fd}"),
        "dup2" | "dup3" => format!("let {} be a number of fd {fd}, too", second as i32),
        "fcntl" => fcntl(fd, second, third),
        "epoll_create" | "epoll_create1" => "give me an interest list".to_owned(),
        "eventfd" | "eventfd2" => "give me a counter to wait for".to_owned(),
        "timerfd_create" => "give me a timer to wait for".to_owned(),
        "timerfd_settime" => format!("set the timer of fd {fd}"),
        "signalfd" | "signalfd4" => "give me signals to wait for".to_owned(),
        "ioctl" if second == FIONREAD => {
            format!("how many bytes can be read on fd {fd}? Write it down for me")
        }
        "ioctl" => format!("do {second:#x} with fd {fd}"),
        "socketpair" => "give me two connected sockets".to_owned(),
        "socket" => "give me a socket".to_owned(),
        "bind" => format!("give fd {fd} an address"),
        "listen" => format!("let peers connect to fd {fd}"),
        "connect" => format!("connect fd {fd} to a peer"),
        "getsockname" => format!("which address has fd {fd}?"),
        "getpeername" => format!("who is at the other end of fd {fd}?"),
        "setsockopt" => format!("change an option of fd {fd}"),
        "getsockopt" => format!("how is an option of fd {fd} set?"),
        "io_uring_setup" if second == 0 => format!("give me rings for {first} SQEs{}", setup(third)),
        "io_uring_setup" => format!("give me rings for {first} SQEs"),
        "io_uring_register" => format!("change something about the rings of fd {fd}"),
        "mmap" if fourth & ANONYMOUS != 0 => format!("give me {second} bytes of memory"),
        "mmap" => format!("let me see {second} bytes of fd {} as memory", fifth as i32),
        "munmap" => format!("I am done with {second} bytes of memory"),
        "brk" => "how far does my heap go?".to_owned(),
        "mprotect" => format!("change what I may do with {second} bytes of memory"),
        "open" | "openat" => "open a file".to_owned(),
        "memfd_create" => "give me a file without a name".to_owned(),
        "recvmsg" | "readv" | "pread64" => format!("what has come on fd {fd}?"),
        "sendmsg" | "writev" | "pwrite64" => format!("send something on fd {fd}"),
        _ => return None,
    })
}

/// The flags of io_uring_setup(2), from the lowest bit.
const SETUP: [&str; 18] = [
    "IOPOLL",
    "SQPOLL",
    "SQ_AFF",
    "CQSIZE",
    "CLAMP",
    "ATTACH_WQ",
    "R_DISABLED",
    "SUBMIT_ALL",
    "COOP_TASKRUN",
    "TASKRUN_FLAG",
    "SQE128",
    "CQE32",
    "SINGLE_ISSUER",
    "DEFER_TASKRUN",
    "NO_MMAP",
    "REGISTERED_FD_ONLY",
    "NO_SQARRAY",
    "HYBRID_IOPOLL",
];

fn setup(flags: u64) -> String {
    let set = |bit: &u32| flags >> bit & 1 == 1;
    let name = |bit: u32| SETUP.get(bit as usize).map_or_else(|| format!("bit {bit}"), ToString::to_string);
    match (0..32).filter(set).map(name).collect::<Vec<_>>() {
        none if none.is_empty() => ", no flags".to_owned(),
        names => format!(", {}", names.join(" | ")),
    }
}

fn fcntl(fd: i32, command: u64, argument: u64) -> String {
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => format!("give me a second number for fd {fd}, {argument} or above"),
        F_SETFL if argument & O_NONBLOCK != 0 => format!("never let me wait on fd {fd}"),
        F_SETFL => format!("let me wait on fd {fd}"),
        F_GETFL => format!("how is fd {fd} open?"),
        F_SETPIPE_SZ => format!("let the pipe of fd {fd} hold {argument} bytes"),
        F_GETFD => format!("is fd {fd} open?"),
        F_SETFD => format!("close fd {fd} when I become another program"),
        _ => format!("do {command} with fd {fd}"),
    }
}

fn about_threads(call: &Call) -> Option<String> {
    let [first, second, third, _, _, _] = call.args;
    Some(match call.name.as_str() {
        "getpid" => "which process am I?".to_owned(),
        "getppid" => "which process is my parent?".to_owned(),
        "gettid" => "which thread am I?".to_owned(),
        "clone" | "clone3" => "start a thread".to_owned(),
        "set_robust_list" | "rseq" | "set_tid_address" | "sched_getaffinity" | "madvise" => {
            "make this thread ready, or tidy up after it".to_owned()
        }
        "sched_setscheduler" => "schedule me in another way".to_owned(),
        "sched_yield" => "let somebody else go first".to_owned(),
        "futex" => match second & FUTEX_OPERATION {
            wait if FUTEX_WAIT.contains(&wait) => "let me sleep until another thread wakes me".to_owned(),
            wake if FUTEX_WAKE.contains(&wake) && third as i32 == 1 => "wake 1 thread".to_owned(),
            wake if FUTEX_WAKE.contains(&wake) => "wake the threads that wait".to_owned(),
            _ => "wait or wake, at a place in memory".to_owned(),
        },
        "nanosleep" | "clock_nanosleep" => "let me rest a while".to_owned(),
        "restart_syscall" => "go on with the wait that was broken off".to_owned(),
        "prctl" => "change something about this thread".to_owned(),
        "prlimit64" | "getrlimit" | "setrlimit" => "how much may I have?".to_owned(),
        "exit" | "exit_group" => match first as i32 {
            0 => "I end".to_owned(),
            status => format!("I end, with status {status}"),
        },
        _ => return None,
    })
}

fn about_signals(call: &Call) -> Option<String> {
    let [first, second, third, _, _, _] = call.args;
    Some(match call.name.as_str() {
        "rt_sigaction" if second == 0 => format!("what happens when {} comes?", signal(first)),
        "rt_sigaction" => format!("this is to happen when {} comes", signal(first)),
        "rt_sigprocmask" if second == 0 => "which signals are held back?".to_owned(),
        "rt_sigprocmask" => match first {
            0 => "hold some signals back".to_owned(),
            1 => "let some signals through again".to_owned(),
            _ => "hold these signals back and no others".to_owned(),
        },
        "rt_sigreturn" => "the handler is done: what of the call it broke off?".to_owned(),
        "rt_sigtimedwait" => "let me sleep until one of these signals comes".to_owned(),
        "sigaltstack" => "handle signals on a stack of their own".to_owned(),
        "kill" => format!("send {} to process {}", signal(second), first as i32),
        "tkill" => format!("send {} to thread {}", signal(second), first as i32),
        "tgkill" => format!("send {} to thread {}", signal(third), second as i32),
        "setitimer" | "timer_settime" | "alarm" => "set the timer that sends me a signal".to_owned(),
        "timer_create" => "give me a timer that sends a signal".to_owned(),
        "timer_delete" => "I am done with a timer".to_owned(),
        _ => return None,
    })
}

fn signal(number: u64) -> String {
    let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    match at.and_then(|at| SIGNALS.get(at)) {
        Some(name) => format!("SIG{name}"),
        None => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, args: [u64; 6]) -> Option<String> {
        ask(&Call { t_ns: 0, tid: 1, name: name.into(), args, result: None, until_ns: None })
    }

    #[test]
    fn signals_have_their_names() {
        let kill = |signal| asked("tgkill", [7, 8, signal, 0, 0, 0]).unwrap();
        assert_eq!(kill(14), "send SIGALRM to thread 8");
        assert_eq!(kill(40), "send signal 40 to thread 8");
        assert_eq!(kill(u64::MAX), format!("send signal {} to thread 8", u64::MAX));
        assert_eq!(kill(0), "send signal 0 to thread 8");
    }

    #[test]
    fn commands_of_one_call_are_told_apart() {
        let fcntl = |command, argument| asked("fcntl", [4, command, argument, 0, 0, 0]).unwrap();
        assert_eq!(fcntl(F_SETFL, O_NONBLOCK), "never let me wait on fd 4");
        assert_eq!(fcntl(F_DUPFD_CLOEXEC, 1024), "give me a second number for fd 4, 1024 or above");
        let memory = [0, 4096, 3, ANONYMOUS | 2, u64::MAX, 0];
        assert_eq!(asked("mmap", memory).unwrap(), "give me 4096 bytes of memory");
        assert_eq!(asked("mmap", [0, 4096, 3, 1, 5, 0]).unwrap(), "let me see 4096 bytes of fd 5 as memory");
        assert_eq!(asked("no_such_call", [0; 6]), None);
        let setup = |args| asked("io_uring_setup", args).unwrap();
        assert_eq!(setup([8, 0, 0x2002, 0, 0, 0]), "give me rings for 8 SQEs, SQPOLL | DEFER_TASKRUN");
        assert_eq!(setup([8, 0, 1 << 31, 0, 0, 0]), "give me rings for 8 SQEs, bit 31");
        assert_eq!(
            setup([8, 0x7ffe_0000, 9, 0, 0, 0]),
            "give me rings for 8 SQEs",
            "what it points to was not read"
        );
    }
}
