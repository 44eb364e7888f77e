//! A mount namespace in which only the program's directories can be changed. Landlock has no say in modes,
//! owners and times of files; a read-only mount has.

use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;

use super::super::hold::{Hold, Holding};
use super::super::order::Order;
use super::namespaces::{Inside, step, why};
use crate::trace::Refusal;

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

const MOUNT_ATTR_RDONLY: u64 = 1;
const AT_RECURSIVE: libc::c_uint = 0x8000;

/// Enters one and makes it read-only around the program's directories.
pub fn enter(order: &Order, inside: Inside) -> Hold {
    Hold::of(Holding::Mounts, wall(order, inside))
}

fn wall(order: &Order, inside: Inside) -> Result<(), Refusal> {
    step(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(|errno| why("mount(MS_PRIVATE)", errno))?;
    let own = || std::iter::once(&order.directory).chain(&order.writable);
    for path in own() {
        mount(Some(path), path, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
            .map_err(|errno| why("mount(MS_BIND)", errno))?;
    }
    read_only(Path::new("/"), true).map_err(|errno| why("mount_setattr", errno))?;
    for path in own() {
        read_only(path, false).map_err(|errno| why("mount_setattr", errno))?;
    }
    hide_processes(inside);
    hide_sockets(order);
    Ok(())
}

fn read_only(path: &Path, yes: bool) -> Result<(), Errno> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| Errno::EINVAL)?;
    let (set, clear) = if yes { (MOUNT_ATTR_RDONLY, 0) } else { (0, MOUNT_ATTR_RDONLY) };
    let attributes = Attributes { set, clear, ..Attributes::default() };
    let size = size_of::<Attributes>();
    let at = &raw const attributes;
    // SAFETY: path and attributes outlive the call, which reads `size` bytes of them.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, path.as_ptr(), AT_RECURSIVE, at, size)
    })?;
    Ok(())
}

/// A /proc of the namespace's own processes. Where it is refused (a container masks parts of /proc), that of
/// the machine stays, to be read only.
fn hide_processes(inside: Inside) {
    if inside.processes {
        let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let _ = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>);
    }
}

/// An empty /run: there are the sockets of services that do what they are asked, Docker's among them. Landlock
/// does not rule over connecting to them.
fn hide_sockets(order: &Order) {
    let run = Path::new("/run");
    let given = [&order.program, &order.directory];
    let mut given = given.into_iter().chain(&order.writable).chain(&order.readable);
    if !given.any(|path| path.starts_with(run)) {
        let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let _ = mount(Some("tmpfs"), run, Some("tmpfs"), flags, Some("size=4k,mode=555"));
    }
}
