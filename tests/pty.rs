//! `iolab lesson 3` in a real terminal: whatever ends it, the terminal is as before and nothing is left
//! behind.

#![cfg(feature = "live")]
#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // Helpers of tests are tests; patience needs a clock.
#![allow(unsafe_code)] // A pseudo-terminal is made of descriptors.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes long; a busy machine may.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a terminal of 120 columns and 36 rows.
struct Session {
    master: Option<File>,
    /// Kept open, so that the terminal's modes can be read when the program is gone.
    slave: OwnedFd,
    child: Child,
    raw: Vec<u8>,
    screen: vt100::Parser,
    modes: libc::termios,
}

impl Session {
    fn start(arguments: &[&str]) -> Self {
        Self::with(arguments, &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")])
    }

    fn with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (mut master, mut slave) = (-1, -1);
        let size = libc::winsize { ws_row: 36, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let null = std::ptr::null_mut();
        // SAFETY: the two integers and the size outlive the call; name and modes may be null (openpty(3)).
        let made =
            unsafe { libc::openpty(&mut master, &mut slave, null, null.cast(), &raw const size as *mut _) };
        assert_eq!(made, 0, "openpty: {}", std::io::Error::last_os_error());
        // SAFETY: openpty made both, and nobody else owns them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        for fd in [master.as_raw_fd(), slave.as_raw_fd()] {
            // SAFETY: a flag of a descriptor that is open.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        let modes = modes(&slave);
        let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
        command.args(arguments).env_remove("NO_COLOR").envs(environment.iter().copied());
        let end = || Stdio::from(slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: both calls are safe between fork and exec, and touch the child only.
        unsafe {
            command.pre_exec(|| {
                // A session of its own, with the terminal as its controlling one.
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        let screen = vt100::Parser::new(NonZero::new(36).unwrap(), NonZero::new(120).unwrap(), 0);
        Self { master: Some(master), slave, child, raw: Vec::new(), screen, modes }
    }

    /// Waits until the screen satisfies a predicate.
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.screen.screen().contents()) {
            assert!(Instant::now() < end, "{what} never came:\n{}", self.screen.screen().contents());
            self.read(Duration::from_millis(200));
        }
    }

    fn until_shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Reads what comes within a time; `false` when nothing came.
    fn read(&mut self, within: Duration) -> bool {
        let Some(master) = &mut self.master else { return false };
        let mut waits = libc::pollfd { fd: master.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let ms = i32::try_from(within.as_millis()).unwrap();
        // SAFETY: one pollfd that outlives the call.
        if unsafe { libc::poll(&mut waits, 1, ms) } <= 0 {
            return false;
        }
        let mut bytes = [0; 65_536];
        match master.read(&mut bytes) {
            Ok(n) => {
                self.raw.extend_from_slice(&bytes[..n]);
                self.screen.process(&bytes[..n]);
                n > 0
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(_) => false,
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: i32) {
        kill(self.child.id(), signal);
    }

    /// Waits for the end, reading all the while.
    fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            self.read(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::from_millis(20)) {}
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
        }
    }

    /// The terminal was given back, and no process of the session is left.
    fn assert_clean(&self) {
        let raw = String::from_utf8_lossy(&self.raw);
        let after = |last: &str, first: &str| raw.rfind(last) > raw.rfind(first);
        assert!(after("\x1b[?1049l", "\x1b[?1049h"), "the alternate screen was not left");
        assert!(after("\x1b[?25h", "\x1b[?25l"), "the cursor is hidden");
        assert!(after("\x1b[?1000l", "\x1b[?1000h"), "the mouse is still reported");
        let now = modes(&self.slave);
        let flags = |m: &libc::termios| (m.c_iflag, m.c_oflag, m.c_cflag, m.c_lflag, m.c_cc);
        assert_eq!(flags(&now), flags(&self.modes), "the terminal's modes are not as before");
        let end = Instant::now() + PATIENCE;
        while !session(self.child.id()).is_empty() {
            assert!(Instant::now() < end, "left behind: {:?}", session(self.child.id()));
            std::thread::yield_now();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modes(fd: &OwnedFd) -> libc::termios {
    // SAFETY: all bytes zero is a termios, and tcgetattr fills it.
    let mut modes: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is a terminal and the struct outlives the call.
    assert_eq!(unsafe { libc::tcgetattr(fd.as_raw_fd(), &mut modes) }, 0);
    modes
}

fn kill(pid: u32, signal: i32) {
    // SAFETY: a signal to a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(pid.cast_signed(), signal) }, 0);
}

/// Field `index` of `/proc/PID/stat` behind the name, from 0: state, ppid, pgrp, session.
fn stat(pid: u32, index: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(index).map(str::to_owned)
}

/// Living processes of a session.
fn session(id: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        stat(*pid, 3) == Some(id.to_string()) && stat(*pid, 0).is_some_and(|state| state != "Z")
    })
    .collect()
}

/// How often the threads of a process gave their processors up, all together.
fn switches(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let status = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    let count = |status: String| {
        let line =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:").map(str::to_owned));
        line.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    status.map(count).sum()
}

#[test]
fn q_gives_the_terminal_back_and_leaves_a_receipt() {
    let mut session = Session::start(&["lesson", "3"]);
    session.until_shows("step 1 of");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
    let receipt = session.screen.screen().contents();
    assert!(receipt.contains("iolab lesson 3, io_uring rings: step 1"), "{receipt}");
}

#[test]
fn signals_end_it_as_they_end_any_program_but_for_the_terminal() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        let mut session = Session::start(&["lesson", "3"]);
        session.until_shows("step 1 of");
        session.signal(signal);
        let status = session.ended();
        assert_eq!(status.signal(), Some(signal), "{status}");
        session.assert_clean();
    }
}

#[test]
fn ctrl_c_ends_a_run_and_its_servers() {
    let mut session = Session::start(&["lesson", "3", "--step", "3"]);
    session.until_shows("space");
    session.press(" ");
    session.until_shows("▶ live");
    session.press("\x03");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

#[test]
fn ctrl_z_lends_the_terminal_and_fg_takes_it_again() {
    let mut session = Session::start(&["lesson", "3"]);
    session.until_shows("step 1 of");
    session.press("\x1a");
    let pid = session.child.id();
    let end = Instant::now() + PATIENCE;
    while stat(pid, 0).as_deref() != Some("T") {
        assert!(Instant::now() < end, "it does not stop");
        session.read(Duration::from_millis(20));
    }
    while session.read(Duration::from_millis(20)) {}
    assert!(!session.screen.screen().alternate_screen(), "the shell must see its own screen");
    session.signal(libc::SIGCONT);
    session.until_shows("step 1 of");
    assert!(session.screen.screen().alternate_screen());
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

#[test]
fn a_closed_terminal_ends_it() {
    let mut session = Session::start(&["lesson", "3", "--step", "3"]);
    session.until_shows("space");
    session.press(" ");
    session.until_shows("▶ live");
    let id = session.child.id();
    drop(session.master.take());
    session.child.wait().unwrap();
    let end = Instant::now() + PATIENCE;
    while !self::session(id).is_empty() {
        assert!(Instant::now() < end, "left behind: {:?}", self::session(id));
        std::thread::yield_now();
    }
}

#[test]
fn no_colour_means_no_colour() {
    let environment = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")];
    let mut session = Session::with(&["lesson", "3"], &environment);
    session.until_shows("step 1 of");
    session.press("?");
    session.until_shows("Ctrl-Z");
    session.press("q");
    session.ended();
    let raw = String::from_utf8_lossy(&session.raw);
    for code in raw.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m').map(|(code, _)| code)) {
        let numbers = code.split(';').filter_map(|number| number.parse::<u8>().ok());
        let colour = |n: u8| matches!(n, 30..=38 | 40..=48 | 90..=97 | 100..=107);
        assert!(
            !numbers.into_iter().any(colour) || code.contains(|c: char| c.is_alphabetic()),
            "ESC[{code}m"
        );
    }
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let mut session = Session::with(&["lesson", "3", "--step", "17"], &[("TERM", "dumb")]);
    let end = Instant::now() + PATIENCE;
    while session.raw.len() < 200 && session.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "nothing was said");
        session.read(Duration::from_millis(100));
    }
    assert!(!session.raw.contains(&0x1b), "a dumb terminal was sent an escape code");
}

#[test]
fn idle_and_frozen_nothing_wakes() {
    let mut session = Session::start(&["lesson", "3", "--step", "3"]);
    session.until_shows("space");
    assert_sleeps(&mut session, "idle");
    session.press(" ");
    session.until_shows("▶ live 1");
    session.press("f");
    session.until_shows("frozen at");
    assert_sleeps(&mut session, "frozen");
    session.press("f");
    session.until_shows("▶ live");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

/// Comes to rest: a stretch of time in which nothing is written and no thread wakes.
fn assert_sleeps(session: &mut Session, state: &str) {
    let pid = session.child.id();
    let end = Instant::now() + PATIENCE;
    loop {
        let before = switches(pid);
        let wrote = session.read(Duration::from_millis(500));
        if !wrote && switches(pid) == before {
            return;
        }
        assert!(
            Instant::now() < end,
            "{state}, and still {} wake-ups in half a second",
            switches(pid) - before
        );
    }
}

#[test]
fn a_server_killed_from_outside_is_reported_and_can_be_started_again() {
    let mut session = Session::start(&["lesson", "3", "--step", "3"]);
    session.until_shows("space");
    session.press(" ");
    session.until_shows("▶ live");
    let is_server = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"serve")
    };
    let end = Instant::now() + PATIENCE;
    let server = loop {
        if let Some(pid) = self::session(session.child.id()).into_iter().find(is_server) {
            break pid;
        }
        assert!(Instant::now() < end, "no server runs");
        session.read(Duration::from_millis(20));
    };
    kill(server, libc::SIGKILL);
    session.until_shows("epoll is gone");
    session.press("r");
    session.until("a new run", |screen| screen.contains("▶ live") && !screen.contains("is gone"));
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}
