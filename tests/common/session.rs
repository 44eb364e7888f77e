//! The program in a pseudo-terminal: keys go in, a screen comes out, and what it leaves behind can be looked
//! at.

#![allow(unsafe_code)] // A pseudo-terminal is made of descriptors.
#![allow(dead_code)] // Each test program that borrows this file uses a part of it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Nothing here takes long; a busy machine may.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a terminal of 120 columns and 36 rows.
pub struct Session {
    pub master: Option<File>,
    /// Kept open, so that the terminal's modes can be read when the program is gone.
    slave: OwnedFd,
    pub child: Child,
    pub raw: Vec<u8>,
    pub screen: vt100::Parser,
    modes: libc::termios,
    /// Where this learner's progress is kept: of one session alone, unless it is shared on purpose.
    pub state: Rc<TempDir>,
}

impl Session {
    pub fn start(arguments: &[&str]) -> Self {
        Self::with(arguments, &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")])
    }

    /// Another session of the same learner.
    pub fn again(&self, arguments: &[&str]) -> Self {
        let environment = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        Self::of(Rc::clone(&self.state), arguments, &environment)
    }

    pub fn with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of(Rc::new(tempfile::tempdir().unwrap()), arguments, environment)
    }

    pub fn of(state: Rc<TempDir>, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
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
        command.args(arguments).env_remove("NO_COLOR").env("IOLAB_STATE_DIR", state.path());
        command.envs(environment.iter().copied());
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
        Self { master: Some(master), slave, child, raw: Vec::new(), screen, modes, state }
    }

    /// Waits until the screen satisfies a predicate.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.screen.screen().contents()) {
            assert!(Instant::now() < end, "{what} never came:\n{}", self.screen.screen().contents());
            self.read(Duration::from_millis(200));
        }
    }

    pub fn until_shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Reads what comes within a time; `false` when nothing came.
    pub fn read(&mut self, within: Duration) -> bool {
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

    pub fn press(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: i32) {
        kill(self.child.id(), signal);
    }

    /// Waits for the end, reading all the while.
    pub fn ended(&mut self) -> ExitStatus {
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

    /// Comes to rest: a stretch of time in which nothing is written and no thread wakes.
    pub fn assert_sleeps(&mut self, state: &str) {
        let pid = self.child.id();
        let end = Instant::now() + PATIENCE;
        loop {
            let before = switches(pid);
            let wrote = self.read(Duration::from_millis(500));
            if !wrote && switches(pid) == before {
                return;
            }
            let woke = switches(pid) - before;
            assert!(Instant::now() < end, "{state}, and still {woke} wake-ups in half a second");
        }
    }

    /// The terminal was given back, and no process of the session is left.
    pub fn assert_clean(&self) {
        let raw = String::from_utf8_lossy(&self.raw);
        let after = |last: &str, first: &str| raw.rfind(last) > raw.rfind(first);
        assert!(after("\x1b[?1049l", "\x1b[?1049h"), "the alternate screen was not left");
        assert!(after("\x1b[?25h", "\x1b[?25l"), "the cursor is hidden");
        assert!(after("\x1b[?1000l", "\x1b[?1000h"), "the mouse is still reported");
        let now = modes(&self.slave);
        let flags = |m: &libc::termios| (m.c_iflag, m.c_oflag, m.c_cflag, m.c_lflag, m.c_cc);
        assert_eq!(flags(&now), flags(&self.modes), "the terminal's modes are not as before");
        let end = Instant::now() + PATIENCE;
        while !processes(self.child.id()).is_empty() {
            assert!(Instant::now() < end, "left behind: {:?}", processes(self.child.id()));
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

pub fn modes(fd: &OwnedFd) -> libc::termios {
    // SAFETY: all bytes zero is a termios, and tcgetattr fills it.
    let mut modes: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is a terminal and the struct outlives the call.
    assert_eq!(unsafe { libc::tcgetattr(fd.as_raw_fd(), &mut modes) }, 0);
    modes
}

pub fn kill(pid: u32, signal: i32) {
    // SAFETY: a signal to a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(pid.cast_signed(), signal) }, 0);
}

/// Field `index` of `/proc/PID/stat` behind the name, from 0: state, ppid, pgrp, session.
pub fn stat(pid: u32, index: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(index).map(str::to_owned)
}

/// Living processes of a session.
pub fn processes(id: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        stat(*pid, 3) == Some(id.to_string()) && stat(*pid, 0).is_some_and(|state| state != "Z")
    })
    .collect()
}

/// How often the threads of a process gave their processors up, all together.
pub fn switches(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let status = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    let count = |status: String| {
        let line =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:").map(str::to_owned));
        line.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    status.map(count).sum()
}
