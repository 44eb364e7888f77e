//! Landlock (landlock(7), Documentation/userspace-api/landlock.rst): what the program may do with files, with
//! TCP where it shares our network, and to whom it may send signals. Three system calls; by hand, because
//! nothing but these numbers is needed of a library.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::super::hold::{Hold, Holding};
use super::super::order::Order;
use super::namespaces::{Inside, why};
use crate::probe::refuse::{refusal, seccomp_filtered};
use crate::trace::{Layer, Refusal};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;

/// Rights that make sense on something else than a directory; others are EINVAL there.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

const BIND_TCP: u64 = 1;
const CONNECT_TCP: u64 = 1 << 1;

const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1;
const SCOPE_SIGNAL: u64 = 1 << 1;

/// Read and run.
const SYSTEM: &[&str] = &["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin"];

/// Read, of /etc: what loaders, linkers and the standard library ask for. Root's own program must not find the
/// passwords, and nobody's keys are its business.
const SETTINGS: &[&str] = &[
    "/etc/alternatives",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
];

/// Read.
const ABOUT: &[&str] = &["/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup"];

/// Read and written: devices that do no harm.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// `struct landlock_ruleset_attr`.
#[repr(C)]
struct Handled {
    files: u64,
    network: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// `struct landlock_net_port_attr`.
#[repr(C)]
struct Port {
    allowed: u64,
    port: u64,
}

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;
const RULE_NET_PORT: u32 = 2;

/// Restricts this process and all it will start; says what is held by that.
pub fn restrict(order: &Order, backends: &[SocketAddr], inside: Inside, held: &mut Vec<Hold>) {
    let abi = abi();
    let files = match abi {
        Ok(abi) => all(abi, inside).and_then(|handled| put_on(order, backends, &handled)),
        Err(errno) => Err(lacking(errno)),
    };
    // With nothing put on, nothing of it is held.
    let from = |version: u32| match (&files, abi) {
        (Err(refused), _) => Err(refused.clone()),
        (Ok(()), Ok(abi)) if abi >= version => Ok(()),
        _ => Err(refusal(
            Layer::Kernel,
            format!("Landlock: ABI {version} is needed, this kernel has {}", abi.unwrap_or(0)),
            "a newer kernel",
        )),
    };
    if !inside.network {
        held.push(Hold::of(Holding::Tcp, from(4)));
    }
    let signals = if inside.processes { Ok(()) } else { from(6) };
    held.push(Hold::of(Holding::Signals, signals));
    held.push(Hold::of(Holding::Files, files));
}

/// The version of Landlock that this kernel has.
fn abi() -> Result<u32, Errno> {
    let none = std::ptr::null::<Handled>();
    // SAFETY: with this flag the call takes no structure and answers a number.
    let answer =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0usize, CREATE_RULESET_VERSION) };
    Errno::result(answer).map(|version| version as u32)
}

fn lacking(errno: Errno) -> Refusal {
    let says = format!("landlock_create_ruleset: {errno:?}");
    match errno {
        Errno::EOPNOTSUPP => {
            refusal(Layer::Lsm, format!("{says} (Landlock is switched off)"), "boot with lsm=landlock,…")
        }
        Errno::ENOSYS if !seccomp_filtered() => {
            refusal(Layer::Kernel, format!("{says} (this kernel lacks Landlock)"), "Linux 5.13 or newer")
        }
        errno => why("landlock_create_ruleset", errno),
    }
}

/// All that this version can restrict.
fn all(abi: u32, inside: Inside) -> Result<Handled, Refusal> {
    let rights = match abi {
        0 => return Err(lacking(Errno::ENOSYS)),
        1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    let shared = abi >= 4 && !inside.network;
    Ok(Handled {
        files: (1 << rights) - 1,
        network: if shared { BIND_TCP | CONNECT_TCP } else { 0 },
        scoped: if abi >= 6 { SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL } else { 0 },
    })
}

/// Makes the rules and puts them on.
fn put_on(order: &Order, backends: &[SocketAddr], handled: &Handled) -> Result<(), Refusal> {
    let size = size_of::<Handled>();
    // SAFETY: the structure outlives the call, which reads `size` bytes; what an older kernel does not know
    // of it is zero.
    let made = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const *handled, size, 0u32) };
    let made = Errno::result(made).map_err(|errno| why("landlock_create_ruleset", errno))?;
    // SAFETY: the kernel has just made this descriptor (close-on-exec) and nobody else has it.
    let rules = unsafe { OwnedFd::from_raw_fd(made as i32) };
    let paths = |paths: &'static [&'static str]| paths.iter().map(Path::new);
    let read_and_run = EXECUTE | READ_FILE | READ_DIR;
    for path in paths(SYSTEM).chain(order.readable.iter().map(AsRef::as_ref)).chain([order.program.as_path()])
    {
        allow(&rules, path, read_and_run & handled.files)?;
    }
    for path in paths(ABOUT).chain(paths(SETTINGS)) {
        allow(&rules, path, (READ_FILE | READ_DIR) & handled.files)?;
    }
    for path in paths(DEVICES) {
        allow(&rules, path, (READ_FILE | WRITE_FILE | TRUNCATE) & handled.files)?;
    }
    for path in order.writable.iter().map(AsRef::as_ref).chain([order.directory.as_path()]) {
        allow(&rules, path, handled.files)?;
    }
    if handled.network != 0 {
        for address in backends {
            let port = Port { allowed: CONNECT_TCP, port: address.port().into() };
            add(&rules, RULE_NET_PORT, (&raw const port).cast())?;
        }
    }
    // SAFETY: takes a descriptor that is open, and a number.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0u32) };
    Errno::result(done).map(drop).map_err(|errno| why("landlock_restrict_self", errno))
}

/// Allows something at and beneath a path. What is not there needs no rule.
fn allow(rules: &OwnedFd, path: &Path, rights: u64) -> Result<(), Refusal> {
    let Ok(parent) = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()) else { return Ok(()) };
    let allowed = if path.is_dir() { rights } else { rights & OF_FILES };
    let beneath = Beneath { allowed, parent: parent.as_raw_fd() };
    add(rules, RULE_PATH_BENEATH, (&raw const beneath).cast())
}

fn add(rules: &OwnedFd, kind: u32, rule: *const libc::c_void) -> Result<(), Refusal> {
    // SAFETY: callers pass a structure of that kind, which outlives the call.
    let done = unsafe { libc::syscall(libc::SYS_landlock_add_rule, rules.as_raw_fd(), kind, rule, 0u32) };
    Errno::result(done).map(drop).map_err(|errno| why("landlock_add_rule", errno))
}
