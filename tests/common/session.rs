//! The program in a pseudo-terminal: keys go in, a screen comes out, and what it leaves behind can be looked
//! at.

#![allow(unsafe_code)] // A pseudo-terminal is made of descriptors.
#![allow(dead_code)] // Each test program that borrows this file uses a part of it.

pub mod left;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::left::Listener;

/// Nothing here takes long; a busy machine may.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Columns and rows.
const SIZE: (u16, u16) = (120, 36);

/// The environment of most tests.
pub const XTERM: &[(&str, &str)] = &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];

/// The program in a terminal of 120 columns and 36 rows.
pub struct Session {
    pub master: Option<File>,
    /// Kept open, so that the terminal's modes can be read when the program is gone.
    slave: OwnedFd,
    pub child: Child,
    /// All that it wrote.
    pub raw: Vec<u8>,
    /// What stands on the terminal.
    pub screen: vt100::Parser,
    modes: libc::termios,
    /// Sockets that its processes were seen to listen on.
    listeners: Vec<Listener>,
    /// Where this learner's progress is kept: of one session alone, unless another one is the same learner's.
    state: Rc<TempDir>,
}

/// Whether the terminal is the program's controlling one: only then does the kernel tell it by SIGHUP that the
/// terminal is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controls {
    Yes,
    No,
}

impl Session {
    pub fn start(arguments: &[&str]) -> Self {
        Self::with(arguments, XTERM)
    }

    pub fn with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::controlled(arguments, environment, Controls::Yes)
    }

    pub fn controlled(arguments: &[&str], environment: &[(&str, &str)], controls: Controls) -> Self {
        Self::of(Rc::new(tempfile::tempdir().unwrap()), arguments, environment, controls)
    }

    /// Another session of the same learner.
    pub fn again(&self, arguments: &[&str]) -> Self {
        Self::of(Rc::clone(&self.state), arguments, XTERM, Controls::Yes)
    }

    fn of(state: Rc<TempDir>, arguments: &[&str], environment: &[(&str, &str)], controls: Controls) -> Self {
        let (master, slave) = open();
        let modes = modes(&slave);
        let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
        command.args(arguments).env("IOLAB_STATE_DIR", state.path()).envs(environment.iter().copied());
        for name in ["NO_COLOR", "COLORTERM", "IOLAB_THEME"] {
            if !environment.iter().any(|(set, _)| *set == name) {
                command.env_remove(name);
            }
        }
        let end = || Stdio::from(slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: both calls are safe between fork and exec, and touch the child only.
        unsafe {
            command.pre_exec(move || {
                // Who starts the tests in the background has these ignored, and that is inherited; a terminal has not.
                for signal in [libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                // A session of its own.
                let made = libc::setsid() >= 0;
                if !made || controls == Controls::Yes && libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        let screen = vt100::Parser::new(NonZero::new(SIZE.1).unwrap(), NonZero::new(SIZE.0).unwrap(), 1000);
        let (raw, listeners) = (Vec::new(), Vec::new());
        Self { master: Some(master), slave, child, raw, screen, modes, listeners, state }
    }

    /// What stands on the terminal, as text.
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// All that was written, as text.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.raw).replace("\r\n", "\n")
    }

    /// Waits until the screen satisfies a predicate.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.contents()) {
            assert!(Instant::now() < end, "{what} never came:\n{}", self.contents());
            self.read(Duration::from_millis(200));
        }
    }

    pub fn until_shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits until it has said a text since `from` bytes, wherever that has scrolled to.
    pub fn until_said(&mut self, from: usize, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !String::from_utf8_lossy(&self.raw[from..]).contains(text) {
            assert!(Instant::now() < end, "{text:?} was never said:\n{}", self.said());
            self.read(Duration::from_millis(200));
        }
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
        left::kill(self.child.id(), signal);
    }

    /// Takes the terminal away, as a window that is closed does.
    pub fn close(&mut self) {
        drop(self.master.take());
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
            // A thread that has ended meanwhile takes its count along: that is no rest either.
            let before = switches(pid);
            let wrote = self.read(Duration::from_millis(500));
            let woke = switches(pid).abs_diff(before);
            if !wrote && woke == 0 {
                return;
            }
            assert!(Instant::now() < end, "{state}, and still {woke} wake-ups in half a second");
        }
    }

    /// Takes down which sockets its processes listen on at the moment.
    pub fn note_listeners(&mut self) {
        self.listeners = left::listeners(&left::processes(self.child.id()));
    }

    /// Ports that were noted.
    pub fn noted(&self) -> usize {
        self.listeners.len()
    }

    /// The terminal is as it was before the program was started.
    pub fn assert_given_back(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was not left");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is reported");
        assert!(!screen.bracketed_paste(), "pasted text comes in brackets");
        assert!(!screen.application_cursor(), "arrows send other codes");
        assert!(!screen.inverse() && !screen.bold() && !screen.underline(), "text is still styled");
        let now = modes(&self.slave);
        let flags = |m: &libc::termios| (m.c_iflag, m.c_oflag, m.c_cflag, m.c_lflag, m.c_cc);
        assert_eq!(flags(&now), flags(&self.modes), "the terminal's modes are not as before");
    }

    /// No process of the session is left, and no socket that one of them listened on.
    pub fn assert_nobody_left(&self) {
        left::assert_gone(self.child.id(), &self.listeners);
    }

    /// Both.
    pub fn assert_clean(&self) {
        self.assert_given_back();
        self.assert_nobody_left();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends of a new pseudo-terminal; the program gets copies, nobody else inherits them.
fn open() -> (File, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let size = libc::winsize { ws_row: SIZE.1, ws_col: SIZE.0, ws_xpixel: 0, ws_ypixel: 0 };
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
    (master, slave)
}

fn modes(fd: &OwnedFd) -> libc::termios {
    // SAFETY: all bytes zero is a termios, and tcgetattr fills it.
    let mut modes: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is a terminal and the struct outlives the call.
    assert_eq!(unsafe { libc::tcgetattr(fd.as_raw_fd(), &mut modes) }, 0);
    modes
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
