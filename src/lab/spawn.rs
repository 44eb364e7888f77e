//! Starting child processes that cannot outlive us.
//!
//! PR_SET_PDEATHSIG (prctl(2)) kills a child when the *thread* that made it ends, so one thread makes them
//! all and lives as long as the program. The child starts from /proc/self/exe: the very program that runs,
//! also after an update replaced the file.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use anyhow::Context;
use nix::errno::Errno;
use nix::libc;

use super::cpus::Seat;

/// The command that runs this very program again.
pub fn iolab() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("iolab");
    command
}

/// What a child is given beside its command line.
#[derive(Default)]
pub struct Setup {
    /// Becomes descriptor 3, as with systemd's socket activation.
    pub listener: Option<OwnedFd>,
    /// Becomes descriptor 3 instead: the gate of a trial.
    pub gate: Option<OwnedFd>,
    /// Where it runs.
    pub seat: Seat,
    /// Held before exec until [`Held::release`].
    pub hold: bool,
    /// The last thing that it does before exec, by async-signal-safe calls alone. Here belongs
    /// `count::stop_at_each_call` of a child that is held for a `Count`, which then takes the child's end: nobody
    /// may wait for the [`Child`].
    pub before_exec: Option<fn() -> io::Result<()>>,
    /// A program of somebody else's: its environment and its process group are left as they are.
    pub foreign: bool,
}

/// A child that waits before its exec: counters can be attached that then count from its first instruction.
pub struct Held {
    /// Its process id.
    pub pid: u32,
    gate: Option<OwnedFd>,
    spawned: std::sync::mpsc::Receiver<io::Result<Child>>,
}

impl Held {
    /// Lets it go on to its exec; returns when that was done.
    pub fn release(mut self) -> anyhow::Result<Child> {
        if let Some(gate) = self.gate.take() {
            nix::unistd::write(&gate, b"g").context("cannot release a held child")?;
        }
        self.spawned.recv().context("the spawner thread is gone")?.context("cannot start a child process")
    }
}

/// Starts `command`. The child has its own process group (unless it is a foreign program), dies with us, and is
/// held if asked for.
pub fn spawn(command: Command, setup: Setup) -> anyhow::Result<Held> {
    let (report_read, report_write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let (gate_read, gate_write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let hold = setup.hold;
    let (done, spawned) = channel();
    let opener = gate_write.as_raw_fd();
    let child = Birth { report: report_write, gate: gate_read, opener, setup, parent: std::process::id() };
    let job = Box::new(move || {
        // What is sent when nobody waits any more is a child to end: dropping the result is not enough.
        if let Err(unsent) = done.send(child.make(command))
            && let Ok(mut orphan) = unsent.0
        {
            let _ = orphan.kill();
            let _ = orphan.wait();
        }
    });
    spawner().send(job).ok().context("the spawner thread is gone")?;
    let mut pid = [0; 4];
    let read = nix::unistd::read(&report_read, &mut pid).context("cannot read the pid of a child")?;
    if read < pid.len() {
        // It was never born: the spawner knows why.
        spawned.recv().context("the spawner thread is gone")?.context("cannot start a child process")?;
        anyhow::bail!("a child process did not report its pid");
    }
    let mut held = Held { pid: u32::from_ne_bytes(pid), gate: Some(gate_write), spawned };
    if !hold {
        let gate = held.gate.take().context("a gate opens once")?;
        nix::unistd::write(&gate, b"g").context("cannot release a child")?;
    }
    Ok(held)
}

type Job = Box<dyn FnOnce() + Send>;

/// The thread that makes all children.
fn spawner() -> &'static Sender<Job> {
    static SPAWNER: OnceLock<Sender<Job>> = OnceLock::new();
    SPAWNER.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        reserve_descriptor_3();
        std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
        sender
    })
}

/// Takes descriptor 3 if it is free, for good: no pipe of the standard library may ever sit there, because
/// the child puts its listener in that place.
fn reserve_descriptor_3() {
    if let Ok(null) = std::fs::File::open("/dev/null") {
        match null.as_raw_fd() {
            3 => std::mem::forget(null),
            _ => {
                // SAFETY: asks about a descriptor by number and, only if none is there, creates it.
                unsafe {
                    if libc::fcntl(3, libc::F_GETFD) < 0 {
                        libc::dup3(null.as_raw_fd(), 3, libc::O_CLOEXEC);
                    }
                }
            }
        }
    }
}

/// What the child does between fork and exec; only async-signal-safe calls.
struct Birth {
    report: OwnedFd,
    gate: OwnedFd,
    /// The parent's end of the gate: the child closes its copy, so that a parent that gives up is an end of
    /// file and not a wait for ever.
    opener: RawFd,
    setup: Setup,
    parent: u32,
}

impl Birth {
    fn make(self, mut command: Command) -> io::Result<Child> {
        let (report, gate, opener) = (self.report.as_raw_fd(), self.gate.as_raw_fd(), self.opener);
        if self.setup.listener.is_some() {
            command.env("LISTEN_FDS", "1");
        }
        // Kept open in the parent until the child has its own.
        let handed = self.setup.listener.or(self.setup.gate);
        let descriptor_3 = handed.as_ref().map(AsRawFd::as_raw_fd);
        let (seat, parent, before_exec) = (self.setup.seat, self.parent, self.setup.before_exec);
        if !self.setup.foreign {
            command.env_remove("LISTEN_PID");
            command.process_group(0);
        }
        // SAFETY: the closure allocates nothing and makes only async-signal-safe system calls.
        unsafe {
            command.pre_exec(move || {
                die_with_parent(parent)?;
                take(&seat)?;
                wait_at_gate(report, gate, opener)?;
                descriptor_3.map_or(Ok(()), hand_over)?;
                before_exec.map_or(Ok(()), |last| last())
            });
        }
        command.spawn()
    }
}

/// Goes to its seat. Threads made later inherit it.
fn take(seat: &Seat) -> io::Result<()> {
    if let Some(cpus) = &seat.cpus {
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), cpus)?;
    }
    if seat.waits {
        let none = libc::sched_param { sched_priority: 0 };
        // SAFETY: reads one struct.
        Errno::result(unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const none) })?;
    }
    Ok(())
}

fn die_with_parent(parent: u32) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // The parent may have died before the call above: then nobody would ever end this child.
    match nix::unistd::getppid().as_raw() as u32 == parent {
        true => Ok(()),
        false => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

fn wait_at_gate(report: RawFd, gate: RawFd, opener: RawFd) -> io::Result<()> {
    let pid = std::process::id().to_ne_bytes();
    let mut go = [0];
    // SAFETY: the descriptors are pipes of the parent, open across the fork; the buffers live here.
    let passed = unsafe {
        libc::close(opener);
        libc::write(report, pid.as_ptr().cast(), pid.len()) == pid.len() as isize
            && libc::read(gate, go.as_mut_ptr().cast(), 1) == 1
    };
    if passed { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ECANCELED)) }
}

/// Makes a descriptor number 3. dup2(3, 3) would leave close-on-exec set, hence the two ways.
fn hand_over(descriptor: RawFd) -> io::Result<()> {
    // SAFETY: plain descriptor calls on a descriptor that the parent keeps open.
    let done = unsafe {
        match descriptor {
            3 => libc::fcntl(3, libc::F_SETFD, 0),
            other => libc::dup2(other, 3),
        }
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
