//! The keeper: makes the cage, lives in its namespaces, serves its caller over descriptor 3, watches what the
//! program uses, and ends it all: when asked to, and when its caller is gone.
//!
//! It has one thread, or it could not make a user namespace; so its forks may do whatever a program may.

mod family;
mod landlock;
mod limits;
mod mounts;
mod namespaces;
mod network;
mod privileges;
mod program;
mod reaper;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use anyhow::Context;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{setsockopt, sockopt};
use nix::unistd::{ForkResult, fork};

use self::family::Family;
use self::network::Sockets;
use super::order::{Network, Order};
use super::readable;
use super::talk::{self, Answer, Request};
use crate::probe::clock::monotonic_ns;

/// The descriptor that the caller hands over.
const CONTROL: RawFd = 3;

/// How often memory and threads are looked at. A look costs some ten microseconds for each thread.
const WATCH_MS: u64 = 50;

/// So many times as long as a look takes, it is not looked: the keeper shares the machine with the program.
const REST: u64 = 50;

/// Keeps one program until the caller says or is gone.
///
/// # Errors
/// Descriptor 3 is no socket. Everything else is told to the caller.
pub fn run(order: &Order) -> anyhow::Result<()> {
    let control = taken()?;
    close_all_above(CONTROL);
    let (mut family, watch) = match set_up(order, &control) {
        Ok(set_up) => set_up,
        Err(error) => return talk::say(&control, &Answer::Failed(format!("{error:#}")), &[]),
    };
    let outcome = serve(&control, &mut family, watch);
    // Whatever went wrong: nobody is left behind.
    family.end_at_last();
    outcome
}

/// Makes namespaces, sockets and the reaper, and tells the caller.
fn set_up(order: &Order, control: &OwnedFd) -> anyhow::Result<(Family, limits::Watch)> {
    let mut held = Vec::new();
    let inside = namespaces::enter(&mut held);
    limits::more_descriptors();
    if inside.network && order.network == Network::Own {
        network::up().context("cannot bring the loopback interface up")?;
    }
    let sockets = Sockets::open(order)?;
    let (gate, program_end) = talk::pair()?;
    setsockopt(&gate, sockopt::PassCred, &true)?;
    let (end, reaper_end) = talk::pair()?;
    let (pulse, beat) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    // SAFETY: this process has one thread, so its child may do all that a program may.
    match unsafe { fork() }.context("cannot fork")? {
        ForkResult::Child => {
            drop((gate, end, beat));
            let mut backends = sockets.backends;
            backends.clear();
            let cast = reaper::Cast {
                order,
                inside,
                held,
                listener: sockets.listener,
                addresses: sockets.addresses,
                gate: program_end,
                end: reaper_end,
                pulse,
            };
            reaper::run(cast)
        }
        ForkResult::Parent { child } => {
            drop((program_end, reaper_end, pulse, sockets.listener));
            come_first();
            let family = Family::new(child, inside.processes, beat);
            reaper::let_go_of_standard_streams();
            let mut handed = vec![gate.as_raw_fd(), end.as_raw_fd()];
            handed.extend(sockets.backends.iter().map(AsRawFd::as_raw_fd));
            let answer = Answer::SetUp { address: sockets.address, backends: sockets.addresses };
            talk::say(control, &answer, &handed)?;
            Ok((family, limits::Watch::over(&order.limits)))
        }
    }
}

/// Answers the caller, and watches meanwhile.
fn serve(control: &OwnedFd, family: &mut Family, watch: limits::Watch) -> anyhow::Result<()> {
    let mut overrun = None;
    let mut rest_ms = WATCH_MS;
    loop {
        family.reap();
        if !readable(control.as_fd(), Duration::from_millis(rest_ms)) {
            if overrun.is_none() {
                let start_ns = monotonic_ns();
                overrun = watch.look(family);
                rest_ms = WATCH_MS.max((monotonic_ns() - start_ns) * REST / 1_000_000);
                if overrun.is_some() {
                    family.end_program();
                }
            }
            continue;
        }
        // The caller is gone: so is the reason to be here.
        let Some(asked) = talk::hear::<Request>(control)? else { return Ok(()) };
        match asked.message {
            Request::Sockets(count) => {
                let (made, failed) = network::unconnected(count);
                let numbers: Vec<RawFd> = made.iter().map(AsRawFd::as_raw_fd).collect();
                talk::say(control, &Answer::Sent { failed }, &numbers)?;
            }
            Request::End => {
                let left = family.end();
                return talk::say(control, &Answer::Over { left, overrun }, &[]);
            }
        }
    }
}

/// Lets the keeper run before the many whom it may have to end. Only root may; others are bound by
/// RLIMIT_NPROC.
fn come_first() {
    // SAFETY: a system call on numbers.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -10) };
}

/// Takes the socket that the caller handed over.
fn taken() -> anyhow::Result<OwnedFd> {
    // SAFETY: borrowed for one call, which answers EBADF if nothing is open there.
    let borrowed = unsafe { BorrowedFd::borrow_raw(CONTROL) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .context("the keeper is started by iolab, with a socket as descriptor 3")?;
    // SAFETY: it is open, and this process, which takes it once, was started with it.
    Ok(unsafe { OwnedFd::from_raw_fd(borrowed.as_raw_fd()) })
}

/// Closes what a careless ancestor let us inherit: the program would inherit it too.
fn close_all_above(last: RawFd) {
    // SAFETY: nothing above was opened by this process yet, so no owner is left with a closed descriptor.
    // Before Linux 5.9 the call is not there, and all depends on the ancestors.
    unsafe { libc::syscall(libc::SYS_close_range, last + 1, libc::c_uint::MAX, 0) };
}
