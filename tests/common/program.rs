//! The program as its users start it: with arguments, as some user, on some machine; and what comes of it.

// What a machine takes away is taken between fork and exec.
#![allow(unsafe_code)]
// Each test program that borrows this file uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::{Gid, Pid, Uid, geteuid, setgid, setgroups, setuid};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde_json::Value;

/// The user that owns nothing.
pub const NOBODY: u32 = 65_534;

/// Most that the end of a process may take, milliseconds: a bound against hanging, never a measurement.
const END_MS_MAX: u16 = 60_000;

/// Labs load the machine: one at a time. Held from before the program starts until it has ended.
static MACHINE: Mutex<()> = Mutex::new(());

type Prepare = Box<dyn Fn() -> io::Result<()> + Send + Sync>;

/// A program that is about to start.
pub struct Program {
    command: Command,
    prepare: Vec<Prepare>,
    /// Where this learner's progress is kept; every user may write there.
    state: tempfile::TempDir,
    /// A copy of the binary for users who may not enter the build's folder.
    _copy: Option<tempfile::TempDir>,
    _machine: MutexGuard<'static, ()>,
}

/// What it said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// `iolab` with these arguments, one a word.
pub fn iolab(arguments: &str) -> Program {
    let machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    let state = tempfile::tempdir().unwrap();
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777)).unwrap();
    Program { command, prepare: Vec::new(), state, _copy: None, _machine: machine }.and(arguments)
}

/// The document of `iolab lab …`, which must go well.
pub fn lab(arguments: &str) -> Value {
    iolab("lab").and(arguments).and("--format json").run().document(0)
}

impl Program {
    /// More arguments, one a word.
    pub fn and(mut self, arguments: &str) -> Self {
        self.command.args(arguments.split_whitespace());
        self
    }

    /// One more argument, as it is.
    pub fn with(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// As a user without any privilege, where the tests run as root.
    pub fn without_privileges(mut self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("iolab");
        fs::copy(self.command.get_program(), &binary).unwrap();
        for path in [folder.path(), &binary] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new(binary);
        command.args(self.command.get_args()).current_dir("/");
        (self.command, self._copy) = (command, Some(folder));
        self.after(|| {
            if geteuid().is_root() {
                setgroups(&[])?;
                setgid(Gid::from_raw(NOBODY))?;
                setuid(Uid::from_raw(NOBODY))?;
            }
            Ok(())
        })
    }

    /// Where a seccomp filter answers `errno` to these system calls.
    pub fn where_refused(self, calls: &[libc::c_long], errno: libc::c_int) -> Self {
        let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
        let refuse = SeccompAction::Errno(errno as u32);
        let here = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, here).unwrap();
        let filter: BpfProgram = filter.try_into().unwrap();
        self.after(move || seccompiler::apply_filter(&filter).map_err(io::Error::other))
    }

    /// On one processor.
    pub fn on_one_processor(self) -> Self {
        self.after(|| {
            let allowed = sched_getaffinity(Pid::from_raw(0))?;
            let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu) == Ok(true));
            let mut one = CpuSet::new();
            one.set(first.unwrap_or(0))?;
            Ok(sched_setaffinity(Pid::from_raw(0), &one)?)
        })
    }

    /// With at most so many descriptors in one process.
    pub fn with_descriptors(self, most: u64) -> Self {
        self.after(move || Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?))
    }

    /// Before others that want the processors, where the tests run as root.
    pub fn first_served(self) -> Self {
        self.after(|| {
            // SAFETY: a system call on numbers. Where it is not allowed, nothing is different.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) };
            Ok(())
        })
    }

    /// Only system calls on values made before: nothing may be allocated there.
    fn after(mut self, prepare: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.prepare.push(Box::new(prepare));
        self
    }

    /// Starts it; `stdout` goes there.
    pub fn start_into(mut self, stdout: impl Into<Stdio>) -> Running {
        let prepare = std::mem::take(&mut self.prepare);
        self.command.env("IOLAB_STATE_DIR", self.state.path());
        self.command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
        // SAFETY: see `after`.
        unsafe {
            self.command.pre_exec(move || {
                // Whoever runs the tests in the background may have them ignored, and that is inherited.
                for number in [Signal::SIGINT, Signal::SIGHUP] {
                    signal(number, SigHandler::SigDfl)?;
                }
                prepare.iter().try_for_each(|step| step())
            })
        };
        let child = self.command.spawn().unwrap();
        Running { child, _program: self }
    }

    /// Starts it.
    pub fn start(self) -> Running {
        self.start_into(Stdio::piped())
    }

    /// Runs it to its end.
    pub fn run(self) -> Said {
        self.start().end()
    }
}

/// A program under way.
pub struct Running {
    child: Child,
    _program: Program,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).unwrap();
    }

    /// Waits for the end.
    pub fn end(mut self) -> Said {
        use std::os::unix::process::ExitStatusExt as _;
        let stdout = self.child.stdout.take();
        let stderr = self.child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || io::read_to_string(stderr).unwrap());
        let stdout = stdout.map(|stdout| io::read_to_string(stdout).unwrap()).unwrap_or_default();
        let status = self.child.wait().unwrap();
        Said { code: status.code(), signal: status.signal(), stdout, stderr: reader.join().unwrap() }
    }

    /// The first child whose command line has these words in a row, once it has used that much processor time.
    /// A child that has not reached its exec still has the command line of its parent.
    pub fn child(&mut self, words: &str, cpu_ns_min: u64) -> Family {
        let wanted: Vec<&str> = words.split(' ').collect();
        loop {
            for pid in children(self.pid()) {
                let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let cpu = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
                let cpu_ns: u64 = cpu.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
                let line: Vec<&str> = line.split('\0').collect();
                if line.windows(wanted.len()).any(|words| words == wanted) && cpu_ns >= cpu_ns_min {
                    return Family { pid, pidfd: iolab::probe::pidfd::open(pid).unwrap() };
                }
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended and had no child {words:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that the program has started.
pub struct Family {
    pub pid: u32,
    pidfd: OwnedFd,
}

impl Family {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid as i32), signal).unwrap();
    }

    /// Whether it ends, within a bound.
    pub fn ends(&self) -> bool {
        let mut ended = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        poll(&mut ended, PollTimeout::from(END_MS_MAX)).unwrap() == 1
    }
}

/// The processes whose parent is `parent`.
fn children(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            // "PID (NAME) STATE PPID …": the name may hold anything.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let ppid = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
            ppid == Some(parent)
        })
        .collect()
}

impl Said {
    /// The document on stdout, when it ended with that status.
    #[track_caller]
    pub fn document(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What it complains of, when it ended with that status: sentences, never a panic.
    #[track_caller]
    pub fn complaint(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.stderr.is_empty() && !self.stderr.contains("panicked"), "{self:?}");
        &self.stderr
    }
}

/// One server of a document.
#[track_caller]
pub fn server<'d>(document: &'d Value, name: &str) -> &'d Value {
    let servers = document["servers"].as_array().unwrap();
    servers.iter().find(|server| server["server"] == name).unwrap_or_else(|| panic!("no {name}: {document}"))
}

/// A metric's value.
#[track_caller]
pub fn metric(server: &Value, key: &str) -> f64 {
    server["metrics"][key]["value"].as_f64().unwrap_or_else(|| panic!("{key} of {server}"))
}

/// The ids of a server's insights.
pub fn insights(server: &Value) -> Vec<&str> {
    server["insights"].as_array().unwrap().iter().map(|insight| insight["id"].as_str().unwrap()).collect()
}

/// Whether this machine lets the program make rings.
pub fn io_uring_allowed() -> bool {
    io_uring::IoUring::new(2).is_ok()
}

/// A path inside a folder where everybody may write.
pub fn open_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}
