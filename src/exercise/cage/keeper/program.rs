//! The program's process, from its fork to its exec: it puts its limits on itself, one after the other, waits
//! at the gate, and becomes the program.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{chdir, execve, read, setsid};

use super::super::hold::{Hold, Holding};
use super::super::order::{BACKENDS, Order};
use super::super::talk::{self, Gate};
use super::namespaces::Inside;
use super::reaper::leave;
use super::{landlock, limits, privileges};

/// What the program's process is given.
pub struct Cast<'o> {
    /// What was ordered.
    pub order: &'o Order,
    /// The namespaces it is in.
    pub inside: Inside,
    /// What is held so far.
    pub held: Vec<Hold>,
    /// Becomes descriptor 3.
    pub listener: Option<OwnedFd>,
    /// Of the backends.
    pub addresses: Vec<SocketAddr>,
    /// Where it waits.
    pub gate: OwnedFd,
}

/// Becomes the program.
pub fn run(mut cast: Cast<'_>) -> ! {
    let Err(why) = become_it(&mut cast);
    fail(&cast.gate, &why);
    leave(127)
}

/// Tells the caller what failed.
pub fn fail(gate: &OwnedFd, why: &str) {
    // A caller that is gone needs no report.
    let _ = talk::say(gate, &Gate::Failed(why.to_owned()), &[]);
}

fn become_it(cast: &mut Cast<'_>) -> Result<Infallible, String> {
    let order = cast.order;
    let exec = Exec::prepare(cast)?;
    let _ = setsid();
    if !cast.inside.processes {
        let _ = set_pdeathsig(Signal::SIGKILL);
    }
    // Anew, because a mount may lie over it now.
    chdir(&order.directory)
        .map_err(|errno| format!("cannot enter {}: {}", order.directory.display(), errno.desc()))?;
    cast.held.push(Hold::of(Holding::Limits, limits::set(&order.limits)));
    cast.held.push(Hold::of(Holding::Memory, limits::set_memory(&order.limits, cast.inside)));
    cast.held.push(Hold::of(Holding::Privileges, privileges::drop_all()));
    landlock::restrict(order, &cast.addresses, cast.inside, &mut cast.held);
    fresh_signals();
    own_descriptors(cast)?;
    let held = std::mem::take(&mut cast.held);
    talk::say(&cast.gate, &Gate::Reached { held }, &[]).map_err(|error| format!("{error:#}"))?;
    wait(&cast.gate);
    let Err(errno) = execve(&exec.path, &exec.arguments, &exec.environment);
    Err(format!("cannot start {}: {}{}", order.program.display(), errno.desc(), hint(errno)))
}

/// What often is behind an exec that failed.
fn hint(errno: Errno) -> &'static str {
    match errno {
        Errno::ENOENT => " (or its interpreter is missing)",
        Errno::EACCES => " (it is not executable, or the cage may not read it)",
        Errno::ENOEXEC => " (it is no program of this machine)",
        _ => "",
    }
}

/// Waits for the caller's word; one who is gone says nothing.
fn wait(gate: &OwnedFd) {
    let mut word = [0];
    loop {
        match read(gate, &mut word) {
            Ok(1) => return,
            // A tracer came or went.
            Err(Errno::EINTR) => {}
            _ => leave(127),
        }
    }
}

/// All that exec needs, made before.
struct Exec {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Exec {
    fn prepare(cast: &Cast<'_>) -> Result<Self, String> {
        let word = |text: &OsStr| {
            CString::new(text.as_bytes()).map_err(|_| format!("{} has a zero byte", text.display()))
        };
        let path = word(cast.order.program.as_os_str())?;
        let rest = cast.order.arguments.iter().map(|text| word(text));
        let arguments = std::iter::once(Ok(path.clone())).chain(rest).collect::<Result<_, _>>()?;
        // The keeper's environment is what was ordered for the program.
        let mut environment: Vec<(_, _)> = std::env::vars_os().collect();
        if cast.listener.is_some() {
            environment.push(("LISTEN_FDS".into(), "1".into()));
        }
        if !cast.addresses.is_empty() {
            let addresses: Vec<String> = cast.addresses.iter().map(SocketAddr::to_string).collect();
            environment.push((BACKENDS.into(), addresses.join(" ").into()));
        }
        let environment = environment.into_iter().map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            word(&name)
        });
        Ok(Self { path, arguments, environment: environment.collect::<Result<_, _>>()? })
    }
}

/// Rust ignores SIGPIPE at its start, and what is ignored stays so across exec.
fn fresh_signals() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action is no handler that could run.
    let _ = unsafe { sigaction(Signal::SIGPIPE, &default) };
    let _ = SigSet::empty().thread_set_mask();
}

/// The listener becomes descriptor 3; all others but the three streams close at exec.
fn own_descriptors(cast: &mut Cast<'_>) -> Result<(), String> {
    let told = |errno: Errno| format!("dup2: {}", errno.desc());
    // The gate may be number 3, in the place of the listener.
    let gate = cast.gate.try_clone().map_err(|error| format!("dup: {error}"))?;
    let above = nix::fcntl::fcntl(&gate, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(10)).map_err(told)?;
    drop(std::mem::replace(&mut cast.gate, owned(above)));
    let first = match &cast.listener {
        None => 3,
        Some(listener) => {
            let listener = listener.as_raw_fd();
            // SAFETY: plain calls on a descriptor that is open. dup2(3, 3) would leave close-on-exec set.
            let done = unsafe {
                if listener == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(listener, 3) }
            };
            Errno::result(done).map_err(told)?;
            4
        }
    };
    // SAFETY: only a flag is set. Before Linux 5.11 it is not known; all of ours have it anyway.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
    Ok(())
}

fn owned(fd: i32) -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: fcntl has just made it, and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
