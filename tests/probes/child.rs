//! A child process in a role, and what it does there. Parent and child talk over a socket that is the
//! child's standard input: one line down, one line back.

// Roles make system calls that have no wrapper, on purpose: these are what is counted.
#![allow(unsafe_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use iolab::probe::perf::{Counters, Kind};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::time::TimeValLike;

const ROLE: &str = "IOLAB_TEST_ROLE";

/// The user that owns nothing.
pub const NOBODY: u32 = 65_534;

/// An observed process.
pub struct Kid {
    pub process: Child,
    line: Line,
}

/// The parent's end of a child's line.
pub struct Line(BufReader<UnixStream>);

impl Line {
    /// Gives an order and waits for its answer.
    pub fn ask(&mut self, order: &str) -> String {
        self.tell(order);
        self.hear()
    }

    /// Gives an order.
    pub fn tell(&mut self, order: &str) {
        // In one piece: the child wakes up once.
        self.0.get_mut().write_all(format!("{order}\n").as_bytes()).unwrap();
    }

    /// Waits for an answer; empty when the child is gone.
    pub fn hear(&mut self) -> String {
        let mut answer = String::new();
        let _ = self.0.read_line(&mut answer);
        answer.trim_end().to_owned()
    }
}

/// This program in a role, as some user where this one is root.
pub fn in_role(role: &str, uid: Option<u32>) -> (Command, Line) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::role", "--ignored", "--nocapture"]).env(ROLE, role);
    command.stdin(OwnedFd::from(theirs)).stdout(std::process::Stdio::null());
    if let Some(uid) = uid.filter(|_| is_root()) {
        command.uid(uid).gid(uid);
    }
    (command, Line(BufReader::new(ours)))
}

/// Waits until every thread of a process is in a state that will do (proc_pid_stat(5)).
pub fn until_all(pid: u32, will_do: impl Fn(char) -> bool) {
    let folder = format!("/proc/{pid}/task");
    let all_do = || {
        std::fs::read_dir(&folder).unwrap().flatten().all(|task| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_none_or(&will_do)
        })
    };
    while !all_do() {
        std::thread::yield_now();
    }
}

/// Waits until a process has ended, without collecting it.
pub fn until_ended(process: &impl AsFd) {
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut ended, PollTimeout::NONE), Ok(1));
}

impl Kid {
    /// Starts this program in a role and waits until it says that it is there.
    pub fn start(role: &str) -> Self {
        Self::start_as(role, None)
    }

    /// The same as another user, where this one is root.
    pub fn start_as(role: &str, uid: Option<u32>) -> Self {
        let (mut command, line) = in_role(role, uid);
        let mut kid = Self { process: command.spawn().unwrap(), line };
        assert_eq!(kid.hear(), "ready");
        kid
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Gives an order and waits for its answer.
    pub fn ask(&mut self, order: &str) -> String {
        self.line.ask(order)
    }

    /// Gives an order.
    pub fn tell(&mut self, order: &str) {
        self.line.tell(order);
    }

    /// Waits for an answer; empty when the child is gone.
    pub fn hear(&mut self) -> String {
        self.line.hear()
    }

    /// Waits until every thread of the child sleeps: then it waits for the next order.
    pub fn settle(&self) {
        self.until(|state| state == 'S');
    }

    /// Waits until every thread of the child is in a state that will do (proc_pid_stat(5)).
    pub fn until(&self, will_do: impl Fn(char) -> bool) {
        until_all(self.pid(), will_do);
    }

    /// Waits until the child has ended, without collecting it.
    pub fn until_ended(&self) {
        until_ended(&iolab::probe::pidfd::open(self.pid()).unwrap());
    }

    /// The process that traces the child; 0 is nobody.
    pub fn tracer(&self) -> u32 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        status.lines().find_map(|line| line.strip_prefix("TracerPid:")).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Kid {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// Entry of the child processes; in an ordinary run it is left out.
#[test]
#[ignore = "the entry of the child processes that the other tests start"]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    // SAFETY: standard input is the socket that the parent made, and nobody else in this process uses it.
    let mut line = BufReader::new(unsafe { UnixStream::from_raw_fd(0) });
    let mut stage = Stage::default();
    stage.set(&role);
    writeln!(line.get_mut(), "ready").unwrap();
    let mut order = String::new();
    while line.read_line(&mut order).is_ok_and(|length| length > 0) {
        let words: Vec<&str> = order.split_whitespace().collect();
        let mut answer = stage.play(&words);
        answer.push('\n');
        // One system call for one answer.
        line.get_mut().write_all(answer.as_bytes()).unwrap();
        order.clear();
    }
    std::process::exit(0);
}

/// What a child has made so far.
#[derive(Default)]
struct Stage {
    ring: Option<io_uring::IoUring>,
    kept: Vec<OwnedFd>,
    napper: Option<(std::io::PipeWriter, std::io::PipeReader)>,
}

impl Stage {
    fn set(&mut self, role: &str) {
        self.ring = match role {
            "ring" => Some(io_uring::IoUring::new(64).unwrap()),
            "sqpoll" => Some(io_uring::IoUring::builder().setup_sqpoll(10).build(64).unwrap()),
            _ => None,
        };
    }

    fn play(&mut self, words: &[&str]) -> String {
        let number = |at: usize| words[at].parse::<i64>().unwrap();
        match words[0] {
            "getppid" => calls(number(1), |_| (libc::SYS_getppid, [0; 3])),
            "sched_yield" => calls(number(1), |_| (libc::SYS_sched_yield, [0; 3])),
            "lseek" => calls(number(1), |n| (libc::SYS_lseek, [0, n, 0])),
            "thread" => {
                let times = number(1);
                std::thread::spawn(move || calls(times, |_| (libc::SYS_getppid, [0; 3]))).join().unwrap()
            }
            "threads" => sleepers(number(1)),
            "napper" => {
                self.napper = Some(napper());
                "done".to_owned()
            }
            "nap" => {
                let (orders, answers) = self.napper.as_mut().unwrap();
                orders.write_all(&[number(1) as u8]).unwrap();
                answers.read_exact(&mut [0]).unwrap();
                "done".to_owned()
            }
            "spin" => spin(number(1)),
            "nops" => nops(self.ring.as_mut().unwrap(), number(1) as u32),
            "pace" => pace(self.ring.as_mut().unwrap(), number(1) as u64, number(2) as u64),
            "publish" => publish(self.ring.as_mut().unwrap(), number(1) as u64),
            "new-ring" => {
                self.ring = Some(io_uring::IoUring::new(number(1) as u32).unwrap());
                "done".to_owned()
            }
            "new-defer-ring" => {
                let mut builder = io_uring::IoUring::builder();
                builder.setup_single_issuer().setup_defer_taskrun();
                self.ring = Some(builder.build(number(1) as u32).unwrap());
                "done".to_owned()
            }
            "dup-ring" => {
                // SAFETY: the ring lives while its descriptor is copied.
                let ring =
                    unsafe { std::os::fd::BorrowedFd::borrow_raw(self.ring.as_ref().unwrap().as_raw_fd()) };
                self.kept.push(ring.try_clone_to_owned().unwrap());
                "done".to_owned()
            }
            "close-ring" => {
                self.ring = None;
                "done".to_owned()
            }
            "resize" => resize(self.ring.as_ref().unwrap(), number(1) as u32),
            "epoll" => self.epoll(),
            "perf" => format!("{:?}", Counters::open(std::process::id(), Kind::Perf).err()),
            "perf-user" => super::perf::count_as_child(words[1]),
            "stream-user" => super::stream::stream_as_child(words[1]),
            "exit" => std::process::exit(number(1) as i32),
            "exec" => panic!("{}", Command::new("/bin/true").exec()),
            "exec-from-thread" => {
                let exec = || panic!("{}", Command::new("/bin/true").exec());
                std::thread::spawn(exec).join().unwrap()
            }
            "fork" => fork(number(1)),
            "run" => format!("{:?}", Command::new(words[1]).status().unwrap().code()),
            "signals" => signals(number(1)),
            "daemon" => daemon(),
            "count" => super::count::count_as_child(words[1]),
            other => panic!("no such order: {other}"),
        }
    }

    /// An epoll set whose entries have all kinds of bits.
    fn epoll(&mut self) -> String {
        use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        let mut said = epoll.0.as_raw_fd().to_string();
        for bits in ["EPOLLIN", "EPOLLIN | EPOLLET | EPOLLONESHOT", "EPOLLIN | EPOLLEXCLUSIVE"] {
            let events: EpollFlags =
                bits.split(" | ").map(|bit| EpollFlags::from_name(bit).unwrap()).collect();
            let (read, write) = nix::unistd::pipe().unwrap();
            epoll.add(&read, EpollEvent::new(events, 0x2a)).unwrap();
            said += &format!(" {}", read.as_raw_fd());
            self.kept.extend([read, write]);
        }
        self.kept.push(epoll.0);
        said
    }
}

/// Makes `times` system calls and nothing else.
fn calls(times: i64, call: impl Fn(i64) -> (libc::c_long, [i64; 3])) -> String {
    for n in 0..times {
        let (number, [a, b, c]) = call(n);
        // SAFETY: these calls take numbers only.
        unsafe { libc::syscall(number, a, b, c) };
    }
    "done".to_owned()
}

/// Forks a child that makes so many system calls, and waits for it.
fn fork(times: i64) -> String {
    // SAFETY: the child makes system calls only, and leaves by _exit.
    unsafe {
        let child = plain_fork();
        if child == 0 {
            for _ in 0..times {
                libc::syscall(libc::SYS_getppid);
            }
            libc::_exit(0);
        }
        libc::waitpid(child, std::ptr::null_mut(), 0);
        child.to_string()
    }
}

/// fork(2) without what the C library does beside it.
///
/// # Safety
/// The child has one thread of many: it may make system calls and nothing else.
unsafe fn plain_fork() -> libc::pid_t {
    // SAFETY: no memory is named; the rest is the caller's.
    unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t }
}

/// Leaves a process behind that sleeps for ever, in a session of its own; says its number.
fn daemon() -> String {
    // SAFETY: the child makes system calls only, and never returns.
    unsafe {
        let child = plain_fork();
        if child == 0 {
            libc::setsid();
            loop {
                libc::pause();
            }
        }
        child.to_string()
    }
}

/// Sends itself so many signals, and handles them.
fn signals(times: i64) -> String {
    extern "C" fn handle(_signal: i32) {}
    let action = nix::sys::signal::SigAction::new(
        nix::sys::signal::SigHandler::Handler(handle),
        nix::sys::signal::SaFlags::empty(),
        nix::sys::signal::SigSet::empty(),
    );
    // SAFETY: the handler does nothing.
    unsafe { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGUSR1, &action).unwrap() };
    for _ in 0..times {
        // SAFETY: takes numbers only.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), libc::SIGUSR1) };
    }
    "done".to_owned()
}

/// Starts threads that sleep until the process ends.
fn sleepers(count: i64) -> String {
    for n in 0..count {
        let sleep = || {
            loop {
                std::thread::park();
            }
        };
        std::thread::Builder::new().name(format!("sleeper {n} (x)")).spawn(sleep).unwrap();
    }
    "done".to_owned()
}

/// Starts a thread that goes to sleep as often as it is told, and once more for the next order. Orders and
/// answers go through pipes: a socket would wake its reader when its own answer is read.
fn napper() -> (std::io::PipeWriter, std::io::PipeReader) {
    let (mut orders, tell) = std::io::pipe().unwrap();
    let (hear, mut answers) = std::io::pipe().unwrap();
    let nap = move || {
        let mut times = [0];
        while orders.read_exact(&mut times).is_ok() {
            for _ in 0..times[0] {
                let none: &mut [PollFd<'_>] = &mut [];
                poll(none, 1u8).unwrap();
            }
            answers.write_all(&[0]).unwrap();
        }
    };
    std::thread::Builder::new().name("napper".to_owned()).spawn(nap).unwrap();
    (tell, hear)
}

/// Keeps the processor until it was used for so many milliseconds.
fn spin(milliseconds: i64) -> String {
    let used =
        || nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().num_nanoseconds();
    let start = used();
    while used() - start < milliseconds * 1_000_000 {}
    "done".to_owned()
}

/// Passes NOPs through a ring in batches.
fn nops(ring: &mut io_uring::IoUring, times: u32) -> String {
    let mut left = times;
    while left > 0 {
        let batch = left.min(ring.params().sq_entries()).min(32);
        for n in 0..batch {
            let nop = io_uring::opcode::Nop::new().build().user_data(n.into());
            // SAFETY: a NOP points to nothing.
            unsafe { ring.submission().push(&nop).unwrap() };
        }
        ring.submit_and_wait(batch as usize).unwrap();
        let mut collected = 0;
        while collected < batch {
            collected += ring.completion().count() as u32;
        }
        left -= batch;
    }
    "done".to_owned()
}

/// Passes so many NOPs a second through a ring, for so many milliseconds: user_data counts on, and the result is
/// what the kernel gives a NOP. Says how many it were and how long that took in microseconds.
#[expect(clippy::disallowed_methods, reason = "a pace needs a clock")]
fn pace(ring: &mut io_uring::IoUring, per_second: u64, milliseconds: u64) -> String {
    const STEP: std::time::Duration = std::time::Duration::from_micros(100);
    let start = std::time::Instant::now();
    let mut next = start;
    let (all, step) = (per_second * milliseconds / 1000, per_second / 10_000);
    let most = u64::from(ring.params().sq_entries()) / 2;
    let mut done = 0;
    while done < all {
        // Much time that was lost is not caught up with: that would be another pace than was asked for.
        next = (next + STEP).max(std::time::Instant::now() - 10 * STEP);
        let due = done + step.min(all - done);
        while done < due {
            let batch = (due - done).min(most);
            for n in done..done + batch {
                let nop = io_uring::opcode::Nop::new().build().user_data(n);
                // SAFETY: a NOP points to nothing.
                unsafe { ring.submission().push(&nop).unwrap() };
            }
            ring.submit_and_wait(batch as usize).unwrap();
            for (n, cqe) in (done..).zip(ring.completion()) {
                assert_eq!(cqe.user_data(), n);
            }
            done += batch;
        }
        let left = next.saturating_duration_since(std::time::Instant::now());
        let none: &mut [PollFd<'_>] = &mut [];
        nix::poll::ppoll(none, Some(left.into()), None).unwrap();
    }
    format!("{done} {}", start.elapsed().as_micros())
}

/// Publishes RECVs that are not submitted, and leaves the CQEs of two NOPs lying there.
fn publish(ring: &mut io_uring::IoUring, first: u64) -> String {
    for n in 0..2 {
        let nop = io_uring::opcode::Nop::new().build().user_data(first + n);
        // SAFETY: a NOP points to nothing.
        unsafe { ring.submission().push(&nop).unwrap() };
    }
    ring.submit_and_wait(2).unwrap();
    for n in 0..3 {
        let recv = io_uring::opcode::Recv::new(io_uring::types::Fd(77), std::ptr::null_mut(), 512).build();
        // SAFETY: it is never submitted, so its buffer is never written.
        unsafe { ring.submission().push(&recv.user_data(100 + n)).unwrap() };
    }
    "done".to_owned()
}

/// IORING_REGISTER_RESIZE_RINGS (Linux 6.13) by hand; says what became of it.
fn resize(ring: &io_uring::IoUring, entries: u32) -> String {
    const RESIZE_RINGS: u32 = 33;
    let mut params = [0u32; 30];
    params[0] = entries;
    let at = params.as_mut_ptr();
    // SAFETY: `params` has the size of `struct io_uring_params`. The ring's own mappings in this process are
    // stale afterwards, and nothing here uses them again.
    let done = unsafe { libc::syscall(libc::SYS_io_uring_register, ring.as_raw_fd(), RESIZE_RINGS, at, 1) };
    nix::errno::Errno::result(done).map_or_else(|errno| format!("{errno:?}"), |_| "done".to_owned())
}
