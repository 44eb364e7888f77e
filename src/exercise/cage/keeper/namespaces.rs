//! Namespaces: the walls. Each is tried; what refuses is named.

use std::fs;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getegid, geteuid};

use super::super::hold::{Hold, Holding};
use crate::probe::refuse::{OUTSIDE_CONTAINER, refusal, seccomp_filtered};
use crate::trace::{Layer, Refusal};

/// What the keeper is in now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inside {
    /// A user namespace of its own, in which RLIMIT_NPROC counts the cage alone.
    pub user: bool,
    /// A network namespace.
    pub network: bool,
    /// A PID namespace, whose first process will be its next child.
    pub processes: bool,
}

/// Enters as many as the machine allows. A user namespace is made only where the others need one: root's
/// privileges are worth more outside of it.
pub fn enter(held: &mut Vec<Hold>) -> Inside {
    let mut inside = Inside::default();
    let mut network = step(CloneFlags::CLONE_NEWNET);
    let mut refused = None;
    if network.is_err() {
        match user() {
            Ok(()) => {
                inside.user = true;
                network = step(CloneFlags::CLONE_NEWNET);
            }
            Err(why) => refused = Some(why),
        }
    }
    // Where the user namespace was refused, that is the reason for all that follows.
    let because = |tried: Result<(), Refusal>| tried.map_err(|why| refused.clone().unwrap_or(why));
    let network = because(network);
    let processes = because(step(CloneFlags::CLONE_NEWPID));
    let ipc = because(step(CloneFlags::CLONE_NEWIPC));
    inside.network = network.is_ok();
    inside.processes = processes.is_ok();
    held.push(Hold::of(Holding::Network, network));
    held.push(Hold::of(Holding::Processes, processes));
    held.push(Hold::of(Holding::Ipc, ipc));
    inside
}

/// One namespace.
pub fn step(flag: CloneFlags) -> Result<(), Refusal> {
    let name = match flag {
        CloneFlags::CLONE_NEWNET => "unshare(CLONE_NEWNET)",
        CloneFlags::CLONE_NEWPID => "unshare(CLONE_NEWPID)",
        CloneFlags::CLONE_NEWIPC => "unshare(CLONE_NEWIPC)",
        CloneFlags::CLONE_NEWNS => "unshare(CLONE_NEWNS)",
        _ => "unshare(CLONE_NEWUSER)",
    };
    unshare(flag).map_err(|errno| why(name, errno))
}

/// A user namespace in which nobody but this user is. There are machines that allow it and then nothing in it
/// (AppArmor on Ubuntu): a child goes first, because there is no way back.
fn user() -> Result<(), Refusal> {
    // SAFETY: the keeper has one thread, so its child may do all that a program may.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            let errno = enter_user().err().map_or(0, |(_, errno)| errno as i32);
            // SAFETY: ends this process at once; nothing of the parent's is run on the way.
            unsafe { libc::_exit(errno) }
        }
        Ok(ForkResult::Parent { child }) => match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, 0)) => enter_user().map_err(|(call, errno)| why(call, errno)),
            Ok(WaitStatus::Exited(_, errno)) => Err(why("unshare(CLONE_NEWUSER)", Errno::from_raw(errno))),
            _ => Err(why("unshare(CLONE_NEWUSER)", Errno::EIO)),
        },
        Err(errno) => Err(why("fork", errno)),
    }
}

fn enter_user() -> Result<(), (&'static str, Errno)> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| ("unshare(CLONE_NEWUSER)", errno))?;
    let write =
        |file, text: &str| fs::write(file, text).map_err(|error| (file, crate::probe::refuse::errno(&error)));
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("{uid} {uid} 1"))?;
    write("/proc/self/gid_map", &format!("{gid} {gid} 1"))?;
    // Proves that the privileges which come with it are real.
    unshare(CloneFlags::CLONE_NEWUTS).map_err(|errno| ("unshare(CLONE_NEWUTS)", errno))
}

/// Which layer it was, as far as can be told.
pub fn why(call: &str, errno: Errno) -> Refusal {
    let sysctl = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default();
    let says = format!("{call}: {errno:?}");
    match errno {
        Errno::ENOSYS | Errno::EINVAL if !seccomp_filtered() => {
            refusal(Layer::Kernel, format!("{says} (this kernel lacks it)"), "a newer kernel")
        }
        Errno::ENOSPC | Errno::EUSERS => refusal(
            Layer::Sysctl,
            format!("{says} (the limit on namespaces is reached)"),
            "sudo sysctl user.max_user_namespaces=10000",
        ),
        _ if sysctl("kernel/unprivileged_userns_clone").trim() == "0" => refusal(
            Layer::Sysctl,
            format!("{says} (kernel.unprivileged_userns_clone 0)"),
            "sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        _ if sysctl("kernel/apparmor_restrict_unprivileged_userns").trim() == "1" => refusal(
            Layer::Lsm,
            format!("{says} (kernel.apparmor_restrict_unprivileged_userns 1)"),
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        _ if seccomp_filtered() => {
            refusal(Layer::Seccomp, format!("{says} (a seccomp filter is at work)"), OUTSIDE_CONTAINER)
        }
        _ => refusal(Layer::Capability, says, "root (CAP_SYS_ADMIN), or a machine with user namespaces"),
    }
}
